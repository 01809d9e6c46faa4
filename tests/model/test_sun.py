"""SUN against loops over subgraphs, and what it cannot tell apart."""

from __future__ import annotations

import pytest
import torch

from tests.model.hard_pairs import check_class, check_sees, prepared
from tests.model.subgraph.loops import (
    PLAIN,
    SPEC,
    each,
    heard,
    mean,
    random_graph,
    subgraphs,
    to_networkx,
    total,
    tuples_of,
)

GRAPHS = [random_graph(seed, size) for seed, size in ((0, 6), (1, 4), (4, 7))]


def sums(conv, rows, sources):
    out = {}
    for key, row in rows.items():
        sent = []
        for source, kind in sources(key):
            plain = conv.table is None
            sent.append(rows[source] if plain else (rows[source] + conv.table.map.tables[0].weight[kind]).relu())
        out[key] = (1 + conv.eps) * row + total(sent, row)
    return out


def by_loops(model, data, policy):
    whole = to_networkx(data)
    parts = subgraphs("ego" if policy == "ego-marked" else "whole", whole, 2)
    label = model.start.label.tables[0].weight
    h = {(u, v): model.start.node.map(data.x[v]) + label[int(u == v)] for u, v in tuples_of(parts)}
    for layer in model.layers:
        inside = sums(layer.inside, h, lambda key: heard("uL", parts, whole, *key))
        seen = {v: mean(row for (_, w), row in h.items() if w == v) for v in whole}
        shared = sums(layer.shared, seen, lambda v: [(w, whole.edges[w, v]["kind"]) for w in whole[v]])
        subgraph = {u: mean(h[u, w] for w in parts[u].graph) for u in whole}
        others = each(layer.inside.mlp, inside), each(layer.shared.mlp, shared)
        roots = each(layer.root_inside, inside), each(layer.root_shared, shared)
        out = {}
        for u, v in h:
            if u == v:
                out[u, v] = layer.root_point(h[u, u]) + layer.root_readout(subgraph[u]) + roots[0][u, u] + roots[1][u]
                continue
            points = {"uv": h[u, v], "uu": h[u, u], "vv": h[v, v]}
            out[u, v] = total((layer.points[name](row) for name, row in points.items()), h[u, v])
            out[u, v] = out[u, v] + layer.readout(subgraph[u]) + others[0][u, v] + others[1][v]
        h = {key: row.relu() for key, row in each(layer.norm, out).items()}
    return torch.stack([mean(h[u, v] for v in parts[u].graph) for u in whole])


@pytest.mark.parametrize("spec", [SPEC, PLAIN], ids=["edges", "plain"])
@pytest.mark.parametrize("policy", ["ego-marked", "node-marked"])
def test_the_model_is_its_definition(policy, spec):
    settings = {"hidden_dim": 8, "num_layers": 2, "hops": 2, "policy": policy}
    with torch.no_grad():
        model, batch = prepared("sun", settings, GRAPHS, spec)
        expected = torch.cat([by_loops(model, graph, policy) for graph in GRAPHS])
        torch.testing.assert_close(model(batch), expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("policy", ["ego-marked", "node-marked"])
def test_its_class_bounds_it(policy):
    check_class("sun", {"hidden_dim": 8, "num_layers": 5, "policy": policy})


def test_it_tells_apart_what_weaker_ones_cannot():
    check_sees("sun", {"hidden_dim": 16, "num_layers": 4, "policy": "node-marked"}, "E{CW")
