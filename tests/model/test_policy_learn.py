"""Policy-Learn against loops over copies; what it draws while training; gradients that go through the draw."""

from __future__ import annotations

import pytest
import torch

from graphlab.model.subgraph.sampling import top_of_each
from graphlab.model.zoo.policy_learn import BatchNorm
from tests.model.hard_pairs import check_sees, prepared
from tests.model.subgraph.loops import PLAIN, SPEC, mean, random_graph, to_networkx, total

GRAPHS = [random_graph(seed, size) for seed, size in ((0, 6), (1, 4), (4, 7))]
SMALL = {"hidden_dim": 8, "num_layers": 2, "selection_layers": 1, "marks": 3}


def bag_by_loops(network, data, marks):
    """Rows of nodes."""
    graph = to_networkx(data)
    near = {v: [(w, graph.edges[w, v]["kind"]) for w in graph[v]] for v in graph}
    keys = [(k, v) for k in range(len(marks)) for v in graph]
    p = {(k, v): torch.tensor([float(v == marks[k])]).double() for k, v in keys}
    x = {(k, v): torch.cat([p[k, v], network.node.map(data.x[v])]) for k, v in keys}
    for features, of_marks in zip(network.features, network.marks, strict=True):
        both = {key: torch.cat([x[key], p[key]]) for key in keys}
        out = streamed(features, both, near, takes_bonds=True)
        x = {key: x[key] + out[key] for key in keys}
        p = streamed(of_marks, p, near, takes_bonds=False)
    return {v: mean(x[k, v] + p[k, v] for k in range(len(marks))) for v in graph}


def streamed(stream, h, near, takes_bonds):
    out = {}
    for (k, v), row in h.items():
        sent = []
        for w, kind in near[v]:
            bond = stream.table.map.tables[0].weight[kind] if takes_bonds and stream.table is not None else None
            sent.append(h[k, w] if bond is None else (h[k, w] + bond).relu())
        out[k, v] = stream.first((1 + stream.eps) * row + total(sent, row))
    inner = {key: stream.second(row.relu()) for key, row in normed(stream.first_norm, out).items()}
    return {key: row.relu() for key, row in normed(stream.norm, inner).items()}


def normed(norm, h):
    """By running moments, or by those of all copies of the graph."""
    if isinstance(norm, BatchNorm):
        moments = norm.running_mean, norm.running_var
    else:
        rows = torch.stack(list(h.values()))
        moments = rows.mean(0), rows.var(0, unbiased=False)
    mean, variance = moments
    return {key: norm.weight * (row - mean) / (variance + 1e-5).sqrt() + norm.bias for key, row in h.items()}


def by_loops(model, data):
    marks = [None]
    for _ in range(SMALL["marks"]):
        rows = bag_by_loops(model.selection, data, marks)
        middle = mean(rows.values())
        logits = {v: float(model.logit(row + middle)) for v, row in rows.items()}
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
