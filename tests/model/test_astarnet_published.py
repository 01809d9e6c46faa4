"""A*Net against the authors' code with the same weights, edges in the order of its ties."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch_geometric.data import Data

from graphlab.data.spec import FACT, DataSpec
from graphlab.model.registry import build_model
from tests.model.published import load

pytestmark = pytest.mark.real_data

DIM = 8
PACKS = {
    "astarnet_sum": {"aggregate": "sum", "node_ratio": 0.3},
    "astarnet_pna": {"aggregate": "pna", "node_ratio": 0.3},
    "astarnet_sum_all": {"aggregate": "sum", "node_ratio": 1.0, "dependent": False},
}
TOLERANCE = {"astarnet_pna": 1e-5}
"""The degrees of its scalers are float32 there."""

RULES = {
    "query": "query",
    "heuristic": "linear",
    "readout.0": "mlp.layers.0",
    "readout.2": "mlp.layers.1",
} | {
    ours: theirs
    for k in range(3)
    for ours, theirs in (
        (f"steps.{k}.update", f"layers.{k}.linear"),
        (f"steps.{k}.norm", f"layers.{k}.layer_norm"),
    )
}


def by_scaler(weight):
    """PNA's moments and scalers are side by side channel by channel there, and scaler by scaler here."""
    of_pna = weight[:, DIM:].reshape(len(weight), DIM, 4, 3).transpose(0, 3, 2, 1)
    return np.concatenate([weight[:, :DIM], of_pna.reshape(len(weight), -1)], axis=1)


@pytest.mark.parametrize("world", ["kg0", "kg1"])
@pytest.mark.parametrize("pack", sorted(PACKS))
def test_scores_are_the_reference_s(pack, world, truth):
    arrays = truth(f"../truth_zoo/{pack}")
    settings = PACKS[pack]
    of_relations = "relation" if settings.get("dependent") is False else "relation_linear"
    rules = RULES | {f"relations.{k}": f"layers.{k}.{of_relations}" for k in range(3)}
    spec = DataSpec("triples", (FACT,), num_relations=4, directed=True)
    model = build_model("astarnet", spec, {"dim": DIM, "num_layers": 3, **settings}).double().eval()
    own = {key: by_scaler(rows) if rows.shape[-1:] == (13 * DIM,) else rows for key, rows in arrays.items()}
    assert not load(model, own, rules)
    triples = torch.from_numpy(arrays[f"{world}/triples"])
    facts = Data(
        edge_index=triples[:, [0, 2]].T.contiguous(),
        edge_type=triples[:, 1].contiguous(),
        num_nodes=int(arrays[f"{world}/num_nodes"]),
    )
    head, tail, relation = torch.from_numpy(arrays[f"{world}/queries"]).unbind(1)
    with torch.no_grad():
        scores = {"tail": model.score(facts, head, relation), "head": model.score(facts, tail, relation + 4)}
    for part, values in scores.items():
        expected = torch.from_numpy(arrays[f"{world}/{part}_scores"])
        torch.testing.assert_close(values, expected, rtol=0, atol=TOLERANCE.get(pack, 1e-9))
