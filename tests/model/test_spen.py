"""SPEN against loops over the entries of ego networks, and what it cannot tell apart."""

from __future__ import annotations

import pytest
import torch

from tests.model.hard_pairs import check_class, check_sees, prepared
from tests.model.subgraph.loops import PLAIN, SPEC, each, mean, random_graph, subgraphs, to_networkx

GRAPHS = [random_graph(seed, size) for seed, size in ((0, 6), (1, 4), (4, 7))]
SMALL = {"hidden_dim": 4, "num_layers": 2, "hops": 2, "buckets": 2}


def start(model, data, part):
    h = {}
    for i in part.graph:
        for j in part.graph:
            linked = part.graph.has_edge(i, j)
            h[i, j] = model.pair.relation.weight[2 if i == j else int(linked)]
            if i == j:
                mark = model.node.label.tables[0].weight[int(i == part.root)]
                h[i, j] = h[i, j] + model.node.node.map(data.x[i]) + mark
            elif linked and model.bond.table is not None:
                h[i, j] = h[i, j] + model.bond.table.map.tables[0].weight[part.graph.edges[i, j]["kind"]]
    return h


def parts_of(h, nodes):
    node = {i: torch.cat([h[i, i], mean(h[i, k] for k in nodes), mean(h[k, i] for k in nodes)]) for i in nodes}
    return node, torch.cat([mean(h.values()), mean(h[k, k] for k in nodes)])


def by_loops(model, data):
    rows = []
    for part in subgraphs("ego", to_networkx(data), SMALL["hops"]):
        nodes, h = list(part.graph), start(model, data, part)
        bucket = int(len(nodes) > 4)
        for layer in model.layers:
            weights = {name: module.weight[bucket] for name, module in layer.map.named_children()}
            node, graph = parts_of(h, nodes)
            out = {}
            for i, j in h:
                out[i, j] = weights["entry"] @ torch.cat([h[i, j], h[j, i]]) + weights["whole"] @ graph
                out[i, j] = out[i, j] + weights["row"] @ node[i] + weights["column"] @ node[j]
                if i == j:
                    out[i, j] = out[i, j] + weights["diagonal_node"] @ node[i] + weights["diagonal_graph"] @ graph
            h = {key: row.relu() for key, row in each(layer.norm, out).items()}
        node, graph = parts_of(h, nodes)
        to_vectors = model.to_vectors
        vectors = {i: to_vectors.node.weight[bucket] @ node[i] + to_vectors.graph.weight[bucket] @ graph for i in nodes}
        vector = mean(row.relu() for row in each(model.norm, vectors).values())
        number = model.to_numbers.graph.weight[bucket] @ graph
        rows.append(model.readout(torch.cat([vector, number])).relu())
    return torch.stack(rows)


@pytest.mark.parametrize("spec", [SPEC, PLAIN], ids=["edges", "plain"])
def test_the_model_is_its_definition(spec):
    with torch.no_grad():
        model, batch = prepared("spen", SMALL, GRAPHS, spec)
        expected = torch.cat([by_loops(model, graph) for graph in GRAPHS])
        torch.testing.assert_close(model(batch), expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("hops", [1, 3])
def test_its_class_bounds_it(hops):
    check_class("spen", {"hidden_dim": 8, "num_layers": 3, "hops": hops})


def test_it_tells_apart_what_gin_cannot():
    check_sees("spen", {"hidden_dim": 16, "num_layers": 3, "hops": 3}, "Djs")
