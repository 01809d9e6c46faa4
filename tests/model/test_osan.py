"""OSAN against loops over subgraphs for every sampler; gradients reach the scores."""

from __future__ import annotations

import networkx as nx
import pytest
import torch

from tests.model.hard_pairs import check_sees, prepared
from tests.model.subgraph.loops import PLAIN, SPEC, each, mean, random_graph, to_networkx, total

GRAPHS = [random_graph(seed, size) for seed, size in ((0, 6), (3, 6), (4, 7))]
SAMPLERS = ["node", "edge", "k-hop", "greedy", "mst"]
SMALL = {"hidden_dim": 8, "num_layers": 2, "sampler_dim": 6, "sampler_layers": 2, "subgraphs": 2, "size": 2}


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


def by_loops(model, data, sampler, removes_nodes):
    """A graph's row."""
    graph = to_networkx(data)
    near = {v: [(w, graph.edges[w, v]["kind"]) for w in graph[v]] for v in graph}
    state = dict(enumerate(data.x))
    for layer in model.scores.layers:
        state = score_layer(layer, state, near)
    if sampler in ("edge", "mst"):
        state = {(u, v): state[u] + state[v] for u, v in (tuple(sorted(edge)) for edge in graph.edges)}
    scores = each(model.scores.score, state)
    parts = [
        chosen_part(sampler, graph, {key: float(row[k]) for key, row in scores.items()})
        for k in range(SMALL["subgraphs"])
    ]
    parts.append((set(graph), {tuple(sorted(edge)) for edge in graph.edges}))
    rows = []
    for nodes, edges in parts:
        x = dict(enumerate(data.x))
        for layer in model.layers:
            y = graph_layer(layer, x, near, nodes, edges)
            x = {v: (x[v] + row) / 2**0.5 if len(x[v]) == len(row) else row for v, row in y.items()}
        row = mean(x[v] for v in (nodes if removes_nodes else graph))
        for linear in model.maps:
            row = linear(row).relu()
        rows.append(row)
    return mean(rows)


def score_layer(layer, state, near):
    mapped, out = {v: layer.map(row) for v, row in state.items()}, {}
    for v in state:
        sent = []
        for w, kind in near[v]:
            bond = 0 if layer.bond is None else layer.bond(one_hot(kind))
            sent.append((mapped[w] + bond).relu() / ((len(near[v]) + 1) * (len(near[w]) + 1)) ** 0.5)
        out[v] = total(sent, mapped[v]).relu()
    return each(layer.norm, out)


def graph_layer(layer, x, near, nodes, edges):
    out = {}
    for v in x:
        sent = []
        for w, kind in near[v]:
            bond = 0 if layer.bond is None else layer.bond(one_hot(kind))
            if {v, w} <= nodes and tuple(sorted((v, w))) in edges:
                sent.append((x[w] + bond).relu())
        out[v] = (1 + layer.eps) * x[v] + total(sent, x[v])
    return {v: row.relu() for v, row in each(layer.norm, each(layer.mlp, out)).items()}


def one_hot(kind):
    return torch.eye(SPEC.edge.sizes[0]).double()[kind]


@pytest.mark.parametrize("removes_nodes", [False, True])
@pytest.mark.parametrize("spec", [SPEC, PLAIN], ids=["edges", "plain"])
@pytest.mark.parametrize("sampler", SAMPLERS)
def test_the_model_is_its_definition(sampler, spec, removes_nodes):
    with torch.no_grad():
        settings = {**SMALL, "sampler": sampler, "removes_nodes": removes_nodes}
        model, batch = prepared("osan", settings, GRAPHS, spec)
        expected = torch.stack([by_loops(model, graph, sampler, removes_nodes) for graph in GRAPHS])
        torch.testing.assert_close(model(batch), expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_the_sampler_is_trained(sampler):
    dense = [random_graph(seed, 7, density=0.4) for seed in range(6)]
    model, batch = prepared("osan", {**SMALL, "sampler": sampler, "size": 1 + (sampler == "greedy")}, dense, SPEC)
    model.train()(batch).square().sum().backward()
    for name, parameter in model.scores.named_parameters():
        if name in ("layers.1.norm.bias",):
            continue  # it adds the same to all scores, which changes no choice
        assert parameter.grad is not None and parameter.grad.abs().sum() > 0, name


def test_training_draws_and_evaluation_does_not():
    model, batch = prepared("osan", SMALL, GRAPHS, PLAIN)
    first, second = (model(batch).detach() for _ in range(2))
    assert torch.equal(first, second)
    model.train()
    vectors = model.inputs(batch, model.maps[0].weight)
    assert len({tuple(model.subgraphs(batch, *vectors)[0].detach().flatten().tolist()) for _ in range(8)}) > 1


def test_it_tells_apart_what_gin_cannot():
    check_sees("osan", {"hidden_dim": 16, "num_layers": 3}, "Bw")
