"""ID-GNN against the published convolutions with the same weights."""

from __future__ import annotations

import pytest
import torch

from graphlab.data.spec import DataSpec, Target
from tests.model.published import PLACES, Published

pytestmark = pytest.mark.real_data

PLAIN = DataSpec("graphs", (Target("y", "graph", "value", 2),))
RULES = {"model.start": "pre", "head.mlp": "post"} | {
    ours: theirs
    for k in range(3)
    for ours, theirs in (
        (f"model.layers.{k}.map.weight", f"conv.{k}.weight"),
        (f"model.layers.{k}.root_map.weight", f"conv.{k}.weight_id"),
        (f"model.layers.{k}.map.", f"conv.{k}.nn."),
        (f"model.layers.{k}.root_map.", f"conv.{k}.nn_id."),
        (f"model.norms.{k}", f"norm.{k}"),
    )
}
PACKS = {"idgnn_idconv": "idconv", "idgnn_ginidconv": "gin"}


def is_transposed(key):
    """The published convolution multiplies rows by its weights from the right."""
    return key.startswith("weight/conv.") and key.endswith((".weight", ".weight_id")) and ".nn" not in key


@pytest.fixture(params=sorted(PACKS))
def published(request, truth):
    settings = {"hidden_dim": 12, "num_layers": 3, "layer": PACKS[request.param]}
    head = {"pooling": "sum", "hidden": (12, 12), "norm": "batch"}
    graphs = truth("../truth_zoo/graphs")
    arrays = {
        key: values.T if is_transposed(key) else values
        for key, values in truth(f"../truth_zoo/{request.param}").items()
    }
    return Published(arrays, graphs, "idgnn", settings, RULES, head, PLAIN)


def test_outputs_are_the_reference_s(published):
    published.check(published.names())


def test_only_eps_which_stays_0_is_left(published):
    left = {name for name in published.unused if not name.endswith("num_batches_tracked")}
    assert all(name.endswith("eps") for name in left)
    assert all(torch.from_numpy(published.arrays[f"weight/{name}"]).abs().max() <= PLACES["atol"] for name in left)
