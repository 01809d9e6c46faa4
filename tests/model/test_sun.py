"""SUN against loops over subgraphs, and what it cannot tell apart."""

from __future__ import annotations

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
    total,
)

GRAPHS = [random_graph(seed, size) for seed, size in ((0, 6), (1, 4), (4, 7))]


def by_loops(model, data, settings):
    whole = to_networkx(data)
    parts = subgraphs("whole" if settings["policy"] == "node-marked" else "ego", whole, 2)
    for part in parts:
        part.graph.add_nodes_from(whole)  # what an ego network lacks stays in it, without neighbours
    h = {(u, v): start(data.x[v], u == v, settings) for u in whole for v in whole}
    for k, layer in enumerate(model.layers):
        r = {v: h[v, v] for v in whole}
        m = {v: mean(h[u, v] for u in whole) for v in whole}
        s = {u: total((h[u, v] for v in whole), r[0]) for u in whole}
        if settings.get("readout") == "mean":
            s = {u: row / len(whole) for u, row in s.items()}
        inside, root_inside = (
            each(norm, convolution(gin, h, lambda key: heard("uL", parts, whole, *key)))
            for gin, norm in ((layer.inside, layer.inside_norm), (layer.root_inside, layer.root_inside_norm))
        )
        shared, root_shared = (
            each(norm, convolution(gin, m, lambda v: [(w, whole.edges[w, v]["kind"]) for w in whole[v]]))
            for gin, norm in ((layer.shared, layer.shared_norm), (layer.root_shared, layer.root_shared_norm))
        )
        maps = {
            name: each(getattr(layer, name), rows)
            for name, rows in (
                ("root_of_node", r),
                ("root_of_subgraph", r),
                ("own", h),
                ("readout", s),
                ("root", r),
                ("root_readout", s),
            )
        }
        out = {}
        for u, v in h:
            if u == v:
                out[u, v] = maps["root"][u] + maps["root_readout"][u] + root_inside[u, u] + root_shared[u]
                continue
            out[u, v] = maps["root_of_node"][v] + maps["root_of_subgraph"][u] + maps["own"][u, v] + maps["readout"][u]
            out[u, v] = out[u, v] + inside[u, v] + shared[v]
            if layer.transposed is not None:
                out[u, v] = out[u, v] + each(layer.transposed, h)[v, u]
        before = {key: h[key] if k else model.widen(h[key]) for key in h} if model.widen else None
        h = {key: row.relu() + (before[key] if before else 0) for key, row in out.items()}
    return torch.stack([mean(h[u, v] for v in whole) for u in whole])


def start(x, is_root, settings):
    if settings["policy"] == "ego":
        return x
    return torch.cat([torch.tensor([1.0, 0.0] if is_root else [0.0, 1.0]).double(), x])


@pytest.mark.parametrize("spec", [SPEC, PLAIN], ids=["edges", "plain"])
@pytest.mark.parametrize(
    "own",
    [
        {"policy": "ego"},
        {"policy": "ego-marked"},
        {"policy": "node-marked"},
        {"policy": "ego-marked", "transpose": True, "residual": True, "readout": "mean"},
    ],
    ids=str,
)
def test_the_model_is_its_definition(own, spec):
    settings = {"hidden_dim": 8, "num_layers": 2, "hops": 2, **own}
    with torch.no_grad():
        model, batch = prepared("sun", settings, GRAPHS, spec)
        expected = torch.cat([by_loops(model, graph, settings) for graph in GRAPHS])
        torch.testing.assert_close(model(batch), expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("transpose", [False, True])
@pytest.mark.parametrize("policy", ["ego-marked", "node-marked"])
def test_its_class_bounds_it(policy, transpose):
    check_class("sun", {"hidden_dim": 8, "num_layers": 5, "policy": policy, "transpose": transpose})


def test_it_tells_apart_what_weaker_ones_cannot():
    check_sees("sun", {"hidden_dim": 16, "num_layers": 4, "policy": "node-marked"}, "E{CW")
