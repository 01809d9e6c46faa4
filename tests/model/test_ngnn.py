"""NGNN against loops over ego networks, and what it cannot tell apart."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from tests.model.hard_pairs import check_class, check_sees, prepared
from tests.model.subgraph.labelled_loops import labelled, vector
from tests.model.subgraph.loops import (
    PLAIN,
    SPEC,
    each,
    mean,
    random_graph,
    subgraphs,
    to_networkx,
    tuples_of,
)

GRAPHS = [random_graph(seed, size) for seed, size in ((0, 6), (1, 4), (4, 7))]


def by_loops(model, data, hops):
    whole = to_networkx(data)
    parts = subgraphs("ego", whole, hops)
    h = {(r, v): data.x[v] for r, v in tuples_of(parts)}
    for k, layer in enumerate(model.layers):
        z = {(r, v): vector(layer.inside.labels, parts[r].graph, [r], v, 0) for r, v in h}
        y = each(layer.norm, labelled(layer, parts, whole, h, z))
        h = {key: F.elu(row) + (h[key] if k else 0) for key, row in y.items()}
    return torch.stack([mean(h[r, v] for v in part.graph) for r, part in enumerate(parts)])


@pytest.mark.parametrize("resistance", [False, True])
@pytest.mark.parametrize("spec", [SPEC, PLAIN], ids=["edges", "plain"])
def test_the_model_is_its_definition(spec, resistance):
    settings = {"hidden_dim": 8, "num_layers": 2, "hops": 2, "resistance": resistance}
    with torch.no_grad():
        model, batch = prepared("ngnn", settings, GRAPHS, spec)
        expected = torch.cat([by_loops(model, graph, 2) for graph in GRAPHS])
        torch.testing.assert_close(model(batch), expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("resistance", [False, True])
@pytest.mark.parametrize("hops", [1, 3])
def test_its_class_bounds_it(hops, resistance):
    check_class("ngnn", {"hidden_dim": 8, "num_layers": 3, "hops": hops, "resistance": resistance})


def test_it_tells_apart_what_gin_cannot():
    check_sees("ngnn", {"hidden_dim": 16, "num_layers": 3}, "Djs")
