"""OSAN against loops over subgraphs for every sampler; gradients reach the scores."""

from __future__ import annotations

import networkx as nx
import pytest
import torch

from tests.model.hard_pairs import check_sees, prepared
from tests.model.subgraph.loops import PLAIN, SPEC, convolution, each, mean, random_graph, to_networkx, total

GRAPHS = [random_graph(seed, size) for seed, size in ((0, 6), (1, 4), (4, 7))]
SAMPLERS = ["node", "edge", "k-hop", "greedy", "mst"]
SMALL = {"hidden_dim": 8, "num_layers": 2, "sampler_layers": 1, "subgraphs": 2, "size": 2}


def chosen_part(sampler, graph, score):
    """The nodes and edges of one subgraph, of scores of nodes or of sorted pairs."""
    nodes, edges = set(graph), {tuple(sorted(edge)) for edge in graph.edges}
    best = sorted(score, key=score.__getitem__, reverse=True)
    match sampler:
        case "node":
            return nodes - set(best[: min(SMALL["size"], len(nodes) - 1)]), edges
        case "edge":
            return nodes, edges - set(best[: SMALL["size"]])
        case "k-hop":
            return set(nx.ego_graph(graph, best[0], SMALL["size"])), edges
        case "greedy":
            near = sorted(graph[best[0]], key=score.__getitem__, reverse=True)
            return {best[0], *near[:1]}, edges
    forest, kept = nx.Graph(), set()
    forest.add_nodes_from(nodes)
    for u, v in best:
        if not nx.has_path(forest, u, v):
            forest.add_edge(u, v)
            kept.add((u, v))
    return nodes, kept


def by_loops(model, data, sampler):
    graph = to_networkx(data)
    near = {v: [(w, graph.edges[w, v]["kind"]) for w in graph[v]] for v in graph}
    h = {v: model.scores.node.map(data.x[v]) for v in graph}
    for layer in model.scores.layers:
        h = {v: h[v] + row for v, row in convolution(layer, h, lambda v: near[v]).items()}
    if sampler in ("edge", "mst"):
        h = {(u, v): h[u] + h[v] for u, v in (tuple(sorted(edge)) for edge in graph.edges)}
    scores = each(model.scores.score, h)
    rows = []
    for k in range(SMALL["subgraphs"]):
        nodes, edges = chosen_part(sampler, graph, {key: float(row[k]) for key, row in scores.items()})
        state = {v: model.node.map(data.x[v]) for v in graph}
        for layer in model.layers:
            out = {}
            for v in graph:
                sent = []
                for w, kind in near[v]:
                    table = model.bond.table
                    bond = 0 if table is None else table.map.tables[0].weight[kind]
                    if w in nodes and tuple(sorted((v, w))) in edges:
                        sent.append((state[w] + bond).relu())
                out[v] = (1 + layer.eps) * state[v] + total(sent, state[v])
            state = {v: row.relu() for v, row in each(layer.norm, each(layer.mlp, out)).items()}
        rows.append({v: state[v] * (v in nodes) for v in graph})
    return torch.stack([mean(row[v] for row in rows) for v in graph])


@pytest.mark.parametrize("spec", [SPEC, PLAIN], ids=["edges", "plain"])
@pytest.mark.parametrize("sampler", SAMPLERS)
def test_the_model_is_its_definition(sampler, spec):
    with torch.no_grad():
        model, batch = prepared("osan", {**SMALL, "sampler": sampler}, GRAPHS, spec)
        expected = torch.cat([by_loops(model, graph, sampler) for graph in GRAPHS])
        torch.testing.assert_close(model(batch), expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_the_sampler_is_trained(sampler):
    dense = [random_graph(seed, 7, density=0.4) for seed in range(6)]
    model, batch = prepared("osan", {**SMALL, "sampler": sampler, "size": 1 + (sampler == "greedy")}, dense, SPEC)
    model.train()(batch).square().sum().backward()
    for name, parameter in model.scores.named_parameters():
        assert parameter.grad is not None and parameter.grad.abs().sum() > 0, name


def test_training_draws_and_evaluation_does_not():
    model, batch = prepared("osan", SMALL, GRAPHS, PLAIN)
    first, second = (model(batch).detach() for _ in range(2))
    assert torch.equal(first, second)
    model.train()
    assert len({tuple(model.subgraphs(batch)[0].detach().flatten().tolist()) for _ in range(8)}) > 1


def test_it_tells_apart_what_gin_cannot():
    check_sees("osan", {"hidden_dim": 16, "num_layers": 3}, "Bw")
