"""NGNN against loops over ego networks, and what it cannot tell apart."""

from __future__ import annotations

import networkx as nx
import pytest
import torch

from tests.model.hard_pairs import check_class, check_sees, prepared
from tests.model.subgraph.loops import (
    PLAIN,
    SPEC,
    convolution,
    each,
    heard,
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
    h = {}
    for r, v in tuples_of(parts):
        away = nx.shortest_path_length(parts[r].graph, r, v)
        h[r, v] = model.start.node.map(data.x[v]) + model.start.label.tables[0].weight[away]
    states = []
    for conv, norm in zip(model.convolutions, model.norms, strict=True):
        h = each(norm, convolution(conv, h, lambda key: heard("uL", parts, whole, *key)))
        h = {key: row.relu() for key, row in h.items()}
        states.append(h)
    rows = [torch.cat([mean(s[r, v] for v in part.graph) for s in states]) for r, part in enumerate(parts)]
    return torch.stack([model.join(row).relu() for row in rows])


@pytest.mark.parametrize("spec", [SPEC, PLAIN], ids=["edges", "plain"])
def test_the_model_is_its_definition(spec):
    with torch.no_grad():
        model, batch = prepared("ngnn", {"hidden_dim": 8, "num_layers": 2, "hops": 2}, GRAPHS, spec)
        expected = torch.cat([by_loops(model, graph, 2) for graph in GRAPHS])
        torch.testing.assert_close(model(batch), expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("hops", [1, 3])
def test_its_class_bounds_it(hops):
    check_class("ngnn", {"hidden_dim": 8, "num_layers": 3, "hops": hops})


def test_it_tells_apart_what_gin_cannot():
    check_sees("ngnn", {"hidden_dim": 16, "num_layers": 3}, "Djs")
