"""I2-GNN against loops over pairs of a root and its neighbour, and what it cannot tell apart."""

from __future__ import annotations

import networkx as nx
import pytest
import torch

from tests.model.hard_pairs import check_class, check_sees, prepared
from tests.model.subgraph.loops import PLAIN, SPEC, convolution, each, heard, mean, random_graph, to_networkx, tuples_of
from tests.model.subgraph.test_policy import parts_of

GRAPHS = [random_graph(seed, size) for seed, size in ((0, 6), (1, 4), (4, 7))]


def by_loops(model, data):
    whole, parts = to_networkx(data), parts_of("root-neighbour", data)
    h = {}
    for r, v in tuples_of(parts):
        part = parts[r]
        away = [nx.shortest_path_length(part.graph, end, v) for end in (part.root, part.other)]
        labels = [table.weight[d] for table, d in zip(model.start.label.tables, away, strict=True)]
        h[r, v] = model.start.node.map(data.x[v]) + labels[0] + labels[1]
    states = []
    for conv, norm in zip(model.convolutions, model.norms, strict=True):
        h = each(norm, convolution(conv, h, lambda key: heard("uL", parts, whole, *key)))
        h = {key: row.relu() for key, row in h.items()}
        states.append(h)
    rows = [torch.cat([mean(s[r, v] for v in part.graph) for s in states]) for r, part in enumerate(parts)]
    of_node = [[row for row, part in zip(rows, parts, strict=True) if part.root == u] for u in whole]
    return torch.stack([model.join(mean(own) if own else torch.zeros_like(rows[0])).relu() for own in of_node])


@pytest.mark.parametrize("spec", [SPEC, PLAIN], ids=["edges", "plain"])
def test_the_model_is_its_definition(spec):
    with torch.no_grad():
        model, batch = prepared("i2gnn", {"hidden_dim": 8, "num_layers": 2, "hops": 2}, GRAPHS, spec)
        expected = torch.cat([by_loops(model, graph) for graph in GRAPHS])
        torch.testing.assert_close(model(batch), expected, rtol=1e-9, atol=1e-9)


def test_its_class_bounds_it():
    check_class("i2gnn", {"hidden_dim": 8, "num_layers": 3})


@pytest.mark.parametrize("base", ["rook", "C~"])
def test_it_tells_apart_what_two_fwl_cannot(base):
    check_sees("i2gnn", {"hidden_dim": 16, "num_layers": 4, "hops": 4}, base)
