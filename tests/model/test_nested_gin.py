"""Nested GIN against the authors' code with the same weights, and what it cannot tell apart."""

from __future__ import annotations

import pytest
import torch

from graphlab.data.spec import DataSpec, Target
from tests.model.hard_pairs import check_class, check_sees
from tests.model.published import PLACES, Published

CLASSES = DataSpec("graphs", (Target("y", "graph", "class", 2),))
PACKS = {
    "ngnn_nested_gin": {"hops": 3, "labels": True},
    "ngnn_nested_gin_no_label": {"hops": 2, "labels": False},
}
RULES = {
    "model.layers.0.eps": "conv1.eps",
    "model.layers.0.mlp": "conv1.nn",
    "model.labels.table": "z_embedding",
    "model.labels.resistance": "rd_projection",
    "model.hidden": "lin1",
    "head.mlp.0": "lin2",
} | {
    f"model.layers.{k}.{ours}": f"convs.{k - 1}.{theirs}"
    for k in (1, 2, 3)
    for ours, theirs in (("eps", "eps"), ("mlp", "nn"))
}


@pytest.mark.real_data
@pytest.mark.parametrize("name", sorted(PACKS))
def test_outputs_are_the_reference_s(name, truth):
    settings = {"hidden_dim": 12, "num_layers": 4, **PACKS[name]}
    arrays, graphs = truth(f"../truth_zoo/{name}"), truth("../truth_zoo/graphs")
    published = Published(arrays, graphs, "nested-gin", settings, RULES, {}, CLASSES)
    published.learner.eval()
    for graph in published.names():
        expected = torch.from_numpy(arrays[f"out/{graph}"]).view(1, -1)
        torch.testing.assert_close(published.outputs([graph]).log_softmax(1), expected, **PLACES)
    together = published.outputs(published.names()).log_softmax(1)
    torch.testing.assert_close(together[-1:], expected, **PLACES)
    assert all(each.endswith("num_batches_tracked") for each in published.unused)


@pytest.mark.parametrize("settings", [{}, {"resistance": False}, {"labels": False}], ids=str)
def test_the_class_of_a_model_bounds_it(settings):
    check_class("nested-gin", {"hidden_dim": 8, "num_layers": 3, **settings})


def test_it_tells_apart_what_gin_cannot():
    check_sees("nested-gin", {"hidden_dim": 16, "num_layers": 3, "hops": 2}, "Dlc")
