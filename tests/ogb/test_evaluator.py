"""The official evaluators, the metrics of this package, and slow calculations give the same numbers."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from graphlab.core.errors import InputError
from graphlab.task.metrics import measure
from graphlab.task.ogb_evaluator import (
    LINKS,
    NODES,
    _module,
    evaluate_links,
    evaluate_nodes,
    link_metrics,
    node_submission,
    require_evaluator,
)
from graphlab.task.ranking import ranked_metric, ranks, shared_hits

HITS = [name for name, metric in LINKS.items() if metric != "mrr"]


def _tied(*shape, seed):
    """Scores of few values, so that most are tied."""
    return torch.randint(-6, 7, shape, generator=torch.Generator().manual_seed(seed)) / 4


@pytest.mark.parametrize("name", LINKS)
def test_the_official_metrics_are_those_that_are_told(name):
    assert _module("linkproppred").Evaluator(name).eval_metric == LINKS[name] == link_metrics(name)[0]


@pytest.mark.parametrize("name", sorted(NODES))
def test_nodes_are_scored_by_accuracy(name):
    assert _module("nodeproppred").Evaluator(name).eval_metric == "acc"


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("number", [5, 30, 400])
@pytest.mark.parametrize("name", HITS)
def test_hits_of_tied_scores(name, number, seed):
    positive, negative = _tied(37, seed=seed), _tied(number, seed=seed + 100)
    scores = evaluate_links(name, positive, negative)
    official = _module("linkproppred").Evaluator(name).eval({"y_pred_pos": positive, "y_pred_neg": negative})
    assert scores[LINKS[name]] == official[LINKS[name]]
    assert set(scores) == set(link_metrics(name)) >= {"hits@10", "hits@20", "hits@50", "hits@100"}
    for metric, value in scores.items():
        k = int(metric.removeprefix("hits@"))
        assert value == pytest.approx(shared_hits(positive, negative, k), abs=1e-12)
        counted = [sum(n >= p for n in negative.tolist()) < k for p in positive.tolist()]
        assert value == pytest.approx(np.mean(counted) if number >= k else 1.0, abs=1e-12)
    assert any(0 < value < 1 for value in scores.values()) or number == 5


@pytest.mark.parametrize("seed", range(5))
def test_ranks_of_tied_scores(seed):
    positive, negative = _tied(37, seed=seed), _tied(37, 50, seed=seed + 100)
    scores = evaluate_links("ogbl-citation2", positive, negative)
    lists = _module("linkproppred").Evaluator("ogbl-citation2").eval({"y_pred_pos": positive, "y_pred_neg": negative})
    assert scores["mrr"] == lists["mrr_list"].mean().item()
    first, nothing = torch.zeros(37, dtype=torch.int64), torch.zeros(0, dtype=torch.int64)
    ours, _ = ranks(torch.cat([positive[:, None], negative], dim=1), first, (nothing, nothing), "mean")
    slow = [
        1 + sum(n > p for n in row) + sum(n == p for n in row) / 2
        for p, row in zip(positive.tolist(), negative.tolist(), strict=True)
    ]
    assert ours.tolist() == slow
    for metric, value in scores.items():
        assert value == pytest.approx(ranked_metric(metric, ours), rel=1e-6)
    assert scores["mrr"] == pytest.approx(np.mean(1 / np.array(slow)), rel=1e-6)


@pytest.mark.parametrize("name", sorted(NODES))
def test_accuracy_of_tied_logits(name):
    logits, classes = _tied(300, 7, seed=0), torch.randint(7, (300,), generator=torch.Generator().manual_seed(1))
    score = evaluate_nodes(name, logits, classes)
    assert score == measure(["accuracy"], "class", logits, classes)["accuracy"]
    first = [row.index(max(row)) for row in logits.tolist()]
    assert score == np.mean([a == b for a, b in zip(first, classes.tolist(), strict=True)])
    assert node_submission(logits).flatten().tolist() == first


def test_scores_that_are_no_numbers_are_no_best_rank():
    """As ogb's own evaluator has it, they are."""
    positive, negative = torch.tensor([math.nan, 1.0]), torch.tensor([[0.5, 2.0], [0.5, 2.0]])
    lists = _module("linkproppred").Evaluator("ogbl-citation2").eval({"y_pred_pos": positive, "y_pred_neg": negative})
    assert lists["mrr_list"][0] == 1
    assert math.isnan(evaluate_links("ogbl-citation2", positive, negative)["mrr"])
    assert math.isnan(evaluate_links("ogbl-ddi", torch.ones(2), torch.tensor([math.nan] * 30))["hits@20"])
    assert math.isnan(evaluate_nodes("ogbn-arxiv", torch.tensor([[math.nan, 1.0]]), torch.tensor([1])))


def test_unknown_evaluators_are_refused():
    with pytest.raises(InputError, match="the evaluator 'ogbl-wikikg2' is none of links"):
        require_evaluator("ogbl-wikikg2", LINKS, "links")
