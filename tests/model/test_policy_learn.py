"""Policy-Learn against loops over copies; what it draws while training; gradients that go through the draw."""

from __future__ import annotations

import pytest
import torch

from graphlab.model.subgraph.sampling import top_of_each
from tests.model.hard_pairs import check_sees, prepared
from tests.model.subgraph.loops import PLAIN, SPEC, convolution, each, mean, random_graph, to_networkx

GRAPHS = [random_graph(seed, size) for seed, size in ((0, 6), (1, 4), (4, 7))]
SMALL = {"hidden_dim": 8, "num_layers": 2, "selection_layers": 1, "marks": 3}


def bag_by_loops(network, data, marks):
    graph = to_networkx(data)
    h = {
        (k, v): network.node.map(data.x[v]) + (network.mark if v == mark else 0)
        for k, mark in enumerate(marks)
        for v in graph
    }
    for layer in network.layers:
        near = {v: [(w, graph.edges[w, v]["kind"]) for w in graph[v]] for v in graph}
        inside = convolution(layer.inside, h, lambda key, near=near: [((key[0], w), kind) for w, kind in near[key[1]]])
        average = {v: mean(h[k, v] for k in range(len(marks))) for v in graph}
        shared = each(layer.shared_norm, convolution(layer.shared, average, lambda v, near=near: near[v]))
        h = {(k, v): (row + shared[v]).relu() for (k, v), row in each(layer.norm, inside).items()}
    return {v: network.node.map(data.x[v]) + mean(h[k, v] for k in range(len(marks))) for v in graph}


def by_loops(model, data):
    marks = [None]
    for _ in range(SMALL["marks"]):
        logits = {v: float(row) for v, row in each(model.logit, bag_by_loops(model.selection, data, marks)).items()}
        left = [v for v in logits if v not in marks] or list(logits)
        marks.append(max(left, key=logits.__getitem__))
    rows = bag_by_loops(model.prediction, data, marks)
    return torch.stack([rows[v] for v in rows])


@pytest.mark.parametrize("spec", [SPEC, PLAIN], ids=["edges", "plain"])
def test_the_model_is_its_definition(spec):
    with torch.no_grad():
        model, batch = prepared("policy-learn", SMALL, GRAPHS, spec)
        expected = torch.cat([by_loops(model, graph) for graph in GRAPHS])
        torch.testing.assert_close(model(batch), expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("training", [True, False])
def test_each_copy_marks_one_node_of_each_graph_and_none_twice(training):
    model, batch = prepared("policy-learn", {**SMALL, "marks": 4}, GRAPHS, PLAIN)
    marks = model.train(training).choose(batch).detach()
    assert marks[0].sum() == 0
    for g, graph in enumerate(GRAPHS):
        own = marks[1:, batch.batch == g].round()
        assert own.sum(1).tolist() == [1] * 4
        assert own.sum(0).max() == 1, f"a node of {graph} is marked twice"


def test_draws_differ_while_training_and_follow_the_logits():
    model, _ = prepared("policy-learn", {**SMALL, "marks": 1}, GRAPHS, PLAIN)
    model.train()
    torch.manual_seed(0)
    logit = torch.tensor([0.0, 1.0, 2.0]).log_softmax(0).double().repeat(4000)
    graph = torch.arange(4000).repeat_interleave(3)
    share = model._draw(logit, graph).detach().view(-1, 3).mean(0)
    torch.testing.assert_close(share, logit[:3].exp(), rtol=0, atol=0.03)


def test_the_choice_is_learned():
    model, batch = prepared("policy-learn", SMALL, GRAPHS, PLAIN)
    model.train()(batch).square().sum().backward()
    for name, parameter in model.selection.named_parameters():
        assert parameter.grad is not None and parameter.grad.abs().sum() > 0, name


def test_it_tells_apart_what_gin_cannot():
    check_sees("policy-learn", {"hidden_dim": 16, "num_layers": 3}, "Bw")


def test_top_of_each():
    score = torch.tensor([3.0, 1.0, 2.0, 2.0, 5.0, 5.0])
    graph = torch.tensor([0, 1, 0, 1, 3, 3])
    assert top_of_each(score, graph, torch.tensor([1, 9, 1, 1])).tolist() == [True, True, False, True, True, False]
