"""FastRP against the authors' code, dense algebra, and what its projection must be."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
import torch
from torch_geometric.data import Data

from graphlab.core.errors import ConfigError, IncompatibleError
from graphlab.data.links import both_directions
from graphlab.data.spec import LINK, DataSpec
from graphlab.model.registry import build_model
from graphlab.model.zoo.fastrp import project, standardised

SPEC = DataSpec("node-pairs", (LINK,), num_entities=34)


@pytest.mark.real_data
@pytest.mark.parametrize("projection", ["gaussian", "sparse"])
@pytest.mark.parametrize("alpha", ["None", "-0.5", "0.0", "0.3"])
@pytest.mark.parametrize("normalise", [False, True])
def test_embeddings_are_the_authors_own(truth, projection, alpha, normalise):
    pack = truth("fastrp_karate")
    edges = torch.from_numpy(pack["karate/adjacency_edges"]).long()
    graph = Data(edge_index=both_directions(edges), num_nodes=34)
    for matrix, name in (("transition", "trans"), ("adjacency", "adj")):
        key = f"karate/{projection}_{name}_alpha{alpha}/embedding_norm{int(normalise)}"
        if key not in pack:
            assert (name, alpha) != ("trans", alpha) and alpha != "None"
            continue
        settings = {
            "embedding_dim": 8,
            "weights": tuple(pack["weights"].tolist()),
            "beta": 0.0 if alpha == "None" else float(alpha),
            "matrix": matrix,
            "normalise": normalise,
        }
        model = build_model("fastrp", SPEC, settings).double()
        model.projection.copy_(torch.from_numpy(pack[f"karate/R_{projection}"].T))
        expected = torch.from_numpy(pack[key])
        expected = expected / expected.norm(dim=1, keepdim=True)
        torch.testing.assert_close(model.encode(graph), expected, rtol=0, atol=1e-9)


def test_scores_are_cosines_by_dense_algebra():
    graph = nx.karate_club_graph()
    data = Data(edge_index=both_directions(torch.tensor(list(graph.edges))), num_nodes=34)
    torch.manual_seed(0)
    model = build_model("fastrp", SPEC, {"embedding_dim": 16, "weights": (0.5, 2.0), "beta": -0.3}).double()
    adjacency = nx.to_numpy_array(graph, weight=None)
    degree = adjacency.sum(1)
    transition = adjacency / degree[:, None]
    first = transition @ (degree[:, None] ** -0.3 * model.projection.numpy())
    rows = 0.5 * first + 2 * transition @ first
    rows = (rows - rows.mean(0)) / rows.std(0)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    pairs = torch.tensor([[0, 1], [5, 30], [33, 2]])
    encoding = model.encode(data)
    np.testing.assert_allclose(model.score_nodes(encoding, torch.arange(34)), rows @ rows.T, atol=1e-12)
    expected = [rows[u] @ rows[v] for u, v in pairs.tolist()]
    np.testing.assert_allclose(model(data, pairs), expected, atol=1e-12)
    np.testing.assert_allclose(model(data, pairs.flip(1)), expected, atol=1e-12)


@pytest.mark.parametrize("kind", ["gaussian", "sparse"])
def test_the_projection_keeps_lengths_in_expectation(kind):
    torch.manual_seed(0)
    rows = project(kind, 400, 2000)
    assert (rows**2).sum(1).mean().item() == pytest.approx(1, rel=0.02)
    assert rows.mean().item() == pytest.approx(0, abs=1e-3)
    if kind == "sparse":
        values = rows.unique()
        assert torch.allclose(values, torch.tensor([-1, 0, 1]) * (20 / 2000) ** 0.5)
        assert (rows != 0).float().mean().item() == pytest.approx(1 / 20, rel=0.02)


def test_isolated_nodes_and_constant_columns():
    assert torch.equal(standardised(torch.ones(3, 2)), torch.zeros(3, 2))
    model = build_model("fastrp", DataSpec("node-pairs", (LINK,), num_entities=3), {"embedding_dim": 4})
    assert model(Data(edge_index=torch.zeros(2, 0, dtype=torch.long), num_nodes=3), torch.tensor([[0, 1]])).item() == 0


def test_bad_settings_are_refused():
    for weights in ((), (0.0, 0.0), (float("nan"),)):
        with pytest.raises(ConfigError, match="weights"):
            build_model("fastrp", SPEC, {"weights": weights})
    with pytest.raises(IncompatibleError, match="fastrp"):
        build_model("fastrp", DataSpec("node-pairs", (LINK,)), {})
