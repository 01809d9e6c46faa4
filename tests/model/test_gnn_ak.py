"""GNN-AK and GNN-AK+ against loops over ego networks; SubgraphDrop; what they cannot tell apart."""

from __future__ import annotations

import networkx as nx
import pytest
import torch

from graphlab.model.subgraph.policies import EgoDistance
from graphlab.model.subgraph.sampling import Chosen, cover_roots
from graphlab.model.zoo.gnn_ak import _to_nodes
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
SMALL = {"hidden_dim": 8, "num_layers": 2, "inner_layers": 2, "hops": 2}


def by_loops(model, data):
    whole = to_networkx(data)
    parts = subgraphs("ego", whole, SMALL["hops"])
    away = {(r, v): nx.shortest_path_length(parts[r].graph, r, v) for r, v in tuples_of(parts)}
    x = {v: model.start.map(data.x[v]) for v in whole}
    for kernel in model.kernels:
        h = inner_loops(kernel, x, away, parts, whole)
        encoded = {name: encoding_of(kernel, name, h, away) for name in ("centroid", "subgraph", "context")}
        out = {}
        for v in whole:
            rows = [encoded["centroid"][v, v], sum(encoded["subgraph"][v, w] for w in parts[v].graph)]
            if kernel.context is not None:
                rows.append(sum(encoded["context"][u, v] for u in whole if v in parts[u].graph))
            out[v] = kernel.fuse(torch.cat(rows))
        x = {v: row.relu() + x[v] for v, row in each(kernel.norm, out).items()}
    return torch.stack([x[v] for v in whole])


def inner_loops(kernel, x, away, parts, whole):
    table = None if kernel.table is None else kernel.table.weight
    h = {key: x[key[1]] if table is None else torch.cat([x[key[1]], table[d + 1]]) for key, d in away.items()}
    for inner in kernel.inner:
        seen = Layered(inner, kernel.bonds)
        passed = convolution(seen, h, lambda key: heard("uL", parts, whole, *key))
        h = {key: row.relu() + h[key] for key, row in each(inner.norm, passed).items()}
    return h if kernel.narrow is None else {key: kernel.narrow(row) for key, row in h.items()}


class Layered:
    """An inner layer as a convolution with the bonds of its kernel."""

    def __init__(self, inner, bonds):
        self.eps, self.table = inner.eps, bonds
        self.mlp = torch.nn.Sequential(inner.first, inner.first_norm, torch.nn.ReLU(), inner.second)


def encoding_of(kernel, name, h, away):
    """Rows of tuples as an encoding has them."""
    part = getattr(kernel, name)
    rows = (
        h if name == "centroid" else None if part is None else each(part.norm, {k: part.map(r) for k, r in h.items()})
    )
    if rows is None:
        return {}
    if name != "centroid":
        rows = {key: row.relu() for key, row in rows.items()}
    if kernel.table is None:
        return rows
    gate = part if name == "centroid" else part.gate
    return {key: row * gate(kernel.table.weight[away[key] + 1]).sigmoid() for key, row in rows.items()}


@pytest.mark.parametrize("spec", [SPEC, PLAIN], ids=["edges", "plain"])
@pytest.mark.parametrize("variant", ["ak", "ak-plus"])
def test_a_model_is_its_definition(variant, spec):
    with torch.no_grad():
        model, batch = prepared(f"gnn-ak/{variant}", SMALL, GRAPHS, spec)
        expected = torch.cat([by_loops(model, graph) for graph in GRAPHS])
        torch.testing.assert_close(model(batch), expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("variant", ["ak", "ak-plus"])
def test_the_class_of_a_model_bounds_it(variant):
    check_class(f"gnn-ak/{variant}", {"hidden_dim": 8, "num_layers": 3})


@pytest.mark.parametrize("variant", ["ak", "ak-plus"])
def test_a_model_tells_apart_what_gin_cannot(variant):
    check_sees(f"gnn-ak/{variant}", {"hidden_dim": 16, "num_layers": 3, "hops": 2}, "Dlc")


@pytest.mark.parametrize("coverage", [1, 2, 5])
def test_subgraph_drop_covers_every_node(coverage):
    policy = EgoDistance(hops=2)
    data = policy(random_graph(5, 30, density=0.1))
    tuples = policy.tuples(data, None)
    possible = torch.bincount(tuples.node, minlength=30)
    for _ in range(5):
        some = Chosen(tuples, cover_roots(tuples, coverage))
        assert (torch.bincount(some.node, minlength=30) >= possible.clamp(max=coverage)).all()
    assert Chosen(tuples, cover_roots(tuples, 1)).num_roots < 30


def test_a_node_without_a_subgraph_takes_the_mean_of_those_that_see_it():
    policy = EgoDistance(hops=1)
    data = policy(random_graph(2))
    whole = policy.tuples(data, None)
    chosen = torch.tensor([True, False, True, True, False, True, False])
    some = Chosen(whole, chosen)
    rows = torch.randn(4, 3)
    kept = dict(zip(chosen.nonzero().flatten().tolist(), rows, strict=True))
    found, graph = _to_nodes(some, rows), to_networkx(random_graph(2))
    for v in graph:
        seen = [kept[u] for u in graph[v] if u in kept]
        expected = kept[v] if v in kept else mean(seen) if seen else torch.zeros(3)
        torch.testing.assert_close(found[v], expected)


def test_training_with_subgraph_drop_is_random_and_evaluation_is_not():
    model, batch = prepared("gnn-ak/ak-plus", {**SMALL, "coverage": 1}, GRAPHS, SPEC)
    whole, _ = prepared("gnn-ak/ak-plus", SMALL, GRAPHS, SPEC)
    torch.testing.assert_close(model(batch), whole(batch))
    model.train()
    assert len({float(model(batch).detach().sum()) for _ in range(5)}) > 1
