"""I2-GNN against loops over pairs of a root and its neighbour, and what it cannot tell apart."""

from __future__ import annotations

import networkx as nx
import pytest
import torch
import torch.nn.functional as F

from tests.model.hard_pairs import check_class, check_sees, prepared
from tests.model.subgraph.labelled_loops import labelled, vector
from tests.model.subgraph.loops import PLAIN, SPEC, Subgraph, each, mean, random_graph, to_networkx, tuples_of

GRAPHS = [random_graph(seed, size) for seed, size in ((0, 6), (1, 4), (4, 7))]


def by_loops(model, data, hops):
    whole = to_networkx(data)
    pairs = sorted((u, v) for u in whole for v in whole[u] if u != v) + [
        (u, u) for u in whole if not set(whole[u]) - {u}
    ]
    parts = [Subgraph(u, nx.ego_graph(whole, u, hops), v) for u, v in pairs]
    h = {(r, v): data.x[v] for r, v in tuples_of(parts)}
    z = {}
    for k, layer in enumerate(model.layers):
        z = around(layer.inside.labels, parts, h, hops)
        y = labelled(layer, parts, whole, h, z)
        g = pooled(layer.pooling, whole, parts, y, z)
        joined = {(r, v): layer.join(torch.cat([row, g[v]])) for (r, v), row in y.items()}
        is_last = k == len(model.layers) - 1
        y = {key: row if is_last else F.elu(row) for key, row in each(layer.norm, joined).items()}
        h = {key: row + (h[key] if k else 0) for key, row in y.items()}
    g = pooled(model.pooling, whole, parts, h, around(model.labels, parts, h, hops))
    return torch.stack([g[v] for v in whole])


def around(module, parts, h, hops):
    """z of all tuples."""
    ends = [[part.root, part.other] for part in parts]
    return {(r, v): vector(module, parts[r].graph, ends[r], v, hops + 3) for r, v in h}


def pooled(pooling, whole, parts, y, z):
    q = {key: pooling.gate(z[key]).sigmoid() * row for key, row in y.items()}
    g = {}
    for i in whole:
        own = [r for r, part in enumerate(parts) if part.root == i]
        rows = [torch.cat([mean(q[r, v] for v in parts[r].graph), q[r, i], q[r, parts[r].other]]) for r in own]
        g[i] = torch.cat([mean(rows), mean(row for (_, v), row in y.items() if v == i)])
    return g


@pytest.mark.parametrize("spec", [SPEC, PLAIN], ids=["edges", "plain"])
def test_the_model_is_its_definition(spec):
    with torch.no_grad():
        model, batch = prepared("i2gnn", {"hidden_dim": 8, "num_layers": 2, "hops": 2}, GRAPHS, spec)
        expected = torch.cat([by_loops(model, graph, 2) for graph in GRAPHS])
        torch.testing.assert_close(model(batch), expected, rtol=1e-9, atol=1e-9)


def test_its_class_bounds_it():
    check_class("i2gnn", {"hidden_dim": 8, "num_layers": 3})


@pytest.mark.parametrize("base", ["rook", "C~"])
def test_it_tells_apart_what_two_fwl_cannot(base):
    check_sees("i2gnn", {"hidden_dim": 16, "num_layers": 4, "hops": 4}, base)
