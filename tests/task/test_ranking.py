"""Ranks against a brute-force loop, and the analytic hits of sampled competitors against simulation."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from graphlab.task.ranking import TIES, hits_of_sampled, ranking_metrics, ranks

NOTHING = torch.zeros(0, dtype=torch.int64), torch.zeros(0, dtype=torch.int64)


@given(
    scores=st.lists(st.lists(st.integers(0, 3), min_size=5, max_size=5), min_size=1, max_size=4),
    data=st.data(),
    tie=st.sampled_from(TIES),
)
@settings(deadline=None)
def test_equals_counting(scores, data, tie):
    positive = [data.draw(st.integers(0, 4)) for _ in scores]
    excluded = [data.draw(st.lists(st.booleans(), min_size=5, max_size=5)) for _ in scores]
    pairs = torch.tensor(excluded).nonzero().unbind(1)
    found, competitors = ranks(torch.tensor(scores).float(), torch.tensor(positive), pairs, tie)
    for i, row in enumerate(scores):
        others = [s for j, s in enumerate(row) if j != positive[i] and not excluded[i][j]]
        best = 1 + sum(s > row[positive[i]] for s in others)
        worst = 1 + sum(s >= row[positive[i]] for s in others)
        assert found[i].item() == {"optimistic": best, "pessimistic": worst, "mean": (best + worst) / 2}[tie]
        assert competitors[i].item() == len(others)


def test_a_constant_model_is_not_rewarded():
    arguments = torch.zeros(1, 9), torch.tensor([4]), NOTHING
    assert [ranks(*arguments, tie)[0].item() for tie in ("pessimistic", "mean", "optimistic")] == [9, 5, 1]


def test_a_score_that_is_no_number_is_no_perfect_rank():
    scores = torch.tensor([[torch.nan, 1.0, 2.0], [0.0, 1.0, torch.nan], [3.0, 1.0, 2.0]])
    rank, competitors = ranks(scores, torch.tensor([0, 0, 0]), NOTHING, "optimistic")
    assert rank.isnan().tolist() == [True, True, False]
    assert math.isnan(ranking_metrics(rank, competitors)["mrr"])


@pytest.mark.parametrize("sampled", [49, 50])
@pytest.mark.parametrize(("rank", "competitors"), [(1.0, 200), (30.0, 200), (60.0, 200), (201.0, 200)])
def test_analytic_hits_against_simulation(sampled, rank, competitors):
    g = torch.Generator().manual_seed(0)
    drawn = torch.randint(0, competitors, (20_000, sampled), generator=g)
    simulated = ((drawn < rank - 1).sum(1) < 10).double().mean().item()
    analytic = hits_of_sampled(torch.tensor([rank]), torch.tensor([competitors]), k=10, sampled=sampled).item()
    assert analytic == pytest.approx(simulated, abs=0.012)


def test_metrics_by_hand():
    found = ranking_metrics(torch.tensor([1.0, 4.0], dtype=torch.float64), torch.tensor([9, 9]))
    assert found["mrr"] == pytest.approx(0.625)
    assert found["mr"] == 2.5
    assert (found["hits@1"], found["hits@3"], found["hits@10"]) == (0.5, 0.5, 1.0)
