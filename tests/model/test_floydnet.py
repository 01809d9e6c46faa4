"""FloydNet against its definition, pair by pair, and against the tests that bound it."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import pytest
import torch
from torch_geometric.data import Batch, Data

from graphlab.core.errors import ConfigError, InputError
from graphlab.data.spec import Target
from graphlab.model.registry import build_model
from graphlab.model.zoo import floydnet
from tests.model.hard_pairs import APART, check_class, check_sees, prepared
from tests.model.subgraph.loops import PLAIN, SPEC, random_graph

GRAPHS = [random_graph(seed, size) for seed, size in ((0, 5), (1, 3), (4, 6))]
SMALL = {"hidden_dim": 16, "heads": 2, "num_layers": 2}
TARGETS = {
    "graph": Target("y", "graph", "value", 1),
    "node": Target("y", "node", "class", 3),
    "edge": Target("y", "edge", "class", 3),
}


def first_pairs(embedding, graph: Data) -> torch.Tensor:
    """x of the pairs of one graph with its super node, each by itself."""
    n = int(graph.num_nodes) + 1
    rows = [[None] * n for _ in range(n)]
    kinds = {tuple(ends): int(kind) for ends, kind in zip(graph.edge_index.T.tolist(), graph.edge_attr, strict=True)}
    for i in range(n):
        for k in range(n):
            mark = 3 if i == k == 0 else 1 if i == 0 else 2 if k == 0 else 0
            x = embedding.mark.weight[mark]
            if mark == 0:
                x = x + embedding.adjacency.weight[int((i - 1, k - 1) in kinds)]
            if (i - 1, k - 1) in kinds and embedding.edge is not None:
                x = x + embedding.edge.table.map.tables[0].weight[kinds[i - 1, k - 1]]
            if mark == 1:
                x = x + embedding.column.map(graph.x[k - 1])
            if mark == 2:
                x = x + embedding.row.map(graph.x[i - 1])
            rows[i][k] = x
    return torch.stack([torch.stack(row) for row in rows])


def by_definition(model, graph: Data, location: str, order: int) -> torch.Tensor:
    """A graph alone: nothing is filled up and nothing masked."""
    n, axes = int(graph.num_nodes) + 1, range(order)
    x = 0
    for pair, embedding in zip(combinations(axes, 2), model.inputs, strict=True):
        shape = [n if axis in pair else 1 for axis in axes]
        x = x + first_pairs(embedding, graph).view(*shape, -1)
    x = x.expand(*(n,) * order, -1).unsqueeze(0)
    for block in model.blocks:
        x = block(x)
    x = x.squeeze(0)
    if location == "graph":
        return x.flatten(0, -2).sum(0, keepdim=True)
    if location == "node":
        sums = [x.movedim(axis, 0).flatten(1, -2).sum(1) for axis in axes]
        return sum(sums)[1:]
    sums = [x.movedim(pair, (0, 1)).reshape(n, n, -1, x.size(-1)).sum(2) for pair in combinations(axes, 2)]
    source, target = graph.edge_index + 1
    return sum(sums)[source, target]


@pytest.mark.parametrize("order", [2, 3])
@pytest.mark.parametrize("location", TARGETS)
@pytest.mark.parametrize("spec", [SPEC, PLAIN], ids=["edges", "plain"])
def test_a_batch_is_its_graphs_one_by_one(spec, location, order):
    with torch.no_grad():
        spec = replace(spec, targets=(TARGETS[location],))
        model, batch = prepared("floydnet", SMALL | {"order": order}, GRAPHS, spec)
        expected = torch.cat([by_definition(model, graph, location, order) for graph in GRAPHS])
        torch.testing.assert_close(model(batch), expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("order", [2, 3])
def test_the_class_of_a_model_bounds_it(order):
    check_class("floydnet", SMALL | {"order": order, "num_layers": 4})


@pytest.mark.parametrize(("order", "base"), [(2, APART["FWL(2)"]), (3, "C~"), (3, "rook")])
def test_what_the_class_tells_apart_a_model_does(order, base):
    check_sees("floydnet", SMALL | {"order": order, "num_layers": 4}, base)


def test_graphs_without_edges_or_nodes_of_one_size():
    model = build_model("floydnet", PLAIN, SMALL)
    same = [Data(x=torch.randn(3, 2), edge_index=torch.zeros(2, 0, dtype=torch.int64)) for _ in range(2)]
    assert model(Batch.from_data_list(same)).shape == (2, 16)
    torch.testing.assert_close(model(Batch.from_data_list(same[:1])), model(Batch.from_data_list(same))[:1])


@pytest.mark.parametrize("settings", [{"hidden_dim": 16, "heads": 3}, {"order": 4}, {"norm": "batch"}])
def test_settings_that_do_not_fit(settings):
    with pytest.raises((ConfigError, InputError)):
        build_model("floydnet", PLAIN, settings)


@pytest.mark.parametrize("order", [2, 3])
def test_graphs_that_do_not_fit_in_memory_are_refused_before_anything_is_laid_out(order, monkeypatch):
    """Of each block at least x, its norm, what projections and the second part keep: 2 k + 3 + 8 times the width."""
    model, batch = prepared("floydnet", SMALL | {"order": order}, GRAPHS, PLAIN)
    largest = max(int(graph.num_nodes) for graph in GRAPHS) + 1
    needed = len(GRAPHS) * largest**order * 16 * (2 * order + 11) * 8
    monkeypatch.setattr(floydnet, "available_memory", lambda device: needed)
    with torch.no_grad():
        model(batch)
    with pytest.raises(InputError, match=f"would take {2 * needed:,} bytes") as raised:
        model(batch)
    assert raised.value.hint and f"tuples of {order}" in str(raised.value)
