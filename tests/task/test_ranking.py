"""Ranks against a brute-force loop, and the analytic hits of sampled competitors against simulation."""

from __future__ import annotations

import math
from fractions import Fraction

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


@pytest.mark.parametrize(("name", "num_negatives"), [("hits@10_50", 50), ("hits@10_49", 49)])
@given(st.lists(st.tuples(st.integers(0, 40), st.integers(41, 90)), min_size=1, max_size=3))
@settings(deadline=None, max_examples=25)
def test_the_name_tells_how_many_negatives_are_drawn(name, num_negatives, above_and_competitors):
    """Exact fractions of the binomial distribution, summed from its upper end: TorchDrug draws 50, NBFNet-PyG 49."""
    above, competitors = torch.tensor(above_and_competitors).unbind(1)
    measured = ranking_metrics(1 + above.double(), competitors)[name]
    expected = [
        1 - sum(_binomial(i, num_negatives, Fraction(a, c)) for i in range(10, num_negatives + 1))
        for a, c in above_and_competitors
    ]
    assert measured == pytest.approx(float(sum(expected) / len(expected)), abs=1e-9)


def _binomial(i: int, n: int, p: Fraction) -> Fraction:
    """The probability of i successes in n trials, by the recurrence of successive terms."""
    if p in (0, 1):
        return Fraction(i == n * p)
    term = (1 - p) ** n
    for k in range(1, i + 1):
        term *= Fraction(n - k + 1, k) * p / (1 - p)
    return term


def test_one_negative_fewer_is_never_worse():
    metrics = ranking_metrics(torch.tensor([40.0], dtype=torch.float64), torch.tensor([200]))
    assert 0 < metrics["hits@10_50"] < metrics["hits@10_49"] < 1


def test_metrics_by_hand():
    found = ranking_metrics(torch.tensor([1.0, 4.0], dtype=torch.float64), torch.tensor([9, 9]))
    assert found["mrr"] == pytest.approx(0.625)
    assert found["mr"] == 2.5
    assert (found["hits@1"], found["hits@3"], found["hits@10"]) == (0.5, 0.5, 1.0)
