"""The graph transformer against loops over nodes and heads, and what it cannot tell apart."""

from __future__ import annotations

import networkx as nx
import pytest
import torch

from graphlab.core.errors import ConfigError
from graphlab.model.registry import find_model
from tests.model.hard_pairs import check_class, check_sees, prepared
from tests.model.subgraph.loops import PLAIN, SPEC, each, random_graph, to_networkx, total

GRAPHS = [random_graph(seed, size) for seed, size in ((0, 6), (1, 4), (4, 7))]
SMALL = {"hidden_dim": 8, "num_layers": 2, "heads": 2, "max_distance": 2, "max_degree": 3}


def by_loops(model, data):
    graph = to_networkx(data)
    x = {v: model.start.map(data.x[v]) + model.degree.weight[min(graph.degree(v), 3)] for v in graph}
    away = dict(nx.all_pairs_shortest_path_length(graph))
    bias = {}
    for v in graph:
        for w in graph:
            distance = min(away[v][w], 2) if w in away[v] else 3
            bias[v, w] = model.bias.distance.weight[distance]
            if graph.has_edge(v, w) and model.bias.table is not None:
                bias[v, w] = bias[v, w] + model.bias.table.map.tables[0].weight[graph.edges[v, w]["kind"]]
    for layer in model.layers:
        given = each(layer.before_attention, x)
        query, key, value = (each(part, given) for part in (layer.query, layer.key, layer.value))
        for v in graph:
            heads = []
            for k in range(2):
                part = slice(4 * k, 4 * k + 4)
                score = torch.stack([query[v][part] @ key[w][part] / 2 + bias[v, w][k] for w in graph]).softmax(0)
                heads.append(total((score[w] * value[w][part] for w in graph), value[v][part]))
            x[v] = x[v] + layer.out(torch.cat(heads))
        x = {v: row + layer.map(layer.before_map(row)) for v, row in x.items()}
    return torch.stack([model.norm(x[v]) for v in graph])


@pytest.mark.parametrize("spec", [SPEC, PLAIN], ids=["edges", "plain"])
def test_the_model_is_its_definition(spec):
    with torch.no_grad():
        model, batch = prepared("graph-transformer", SMALL, GRAPHS, spec)
        expected = torch.cat([by_loops(model, graph) for graph in GRAPHS])
        torch.testing.assert_close(model(batch), expected, rtol=1e-9, atol=1e-9)


def test_its_class_bounds_it():
    check_class("graph-transformer", {"hidden_dim": 8, "num_layers": 4})


def test_it_tells_apart_what_gin_cannot():
    """Where nodes differ: among equal ones, attention of any weights hears the same."""
    check_sees("graph-transformer", {"hidden_dim": 16, "num_layers": 4}, "E{CW")


def test_heads_share_the_width():
    with pytest.raises(ConfigError, match="hidden_dim 10 cannot be shared by 4 heads"):
        find_model("graph-transformer").config.parse({"hidden_dim": 10, "heads": 4}, where="graph-transformer")
