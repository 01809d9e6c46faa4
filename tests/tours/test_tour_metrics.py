from __future__ import annotations

import numpy as np
import pytest

from graphlab.core.errors import InputError
from graphlab.tours.exact import Solution
from graphlab.tours.instances import from_costs
from graphlab.tours.metrics import edge_f1, gap, score_tours
from graphlab.tours.tour import tour_adjacency

SQUARE = from_costs([[0, 1, 2, 1], [1, 0, 1, 2], [2, 1, 0, 1], [1, 2, 1, 0]])
AROUND = np.array([0, 1, 2, 3])  # of length 4, the optimum
CROSSED = np.array([0, 2, 1, 3])  # of length 6; shares 1-2 and 0-3 with the optimum
LABEL = Solution(AROUND, 4.0, 4.0, True, "held-karp", 0.0)
UNPROVED = Solution(AROUND, 4.0, 0.0, False, "lkh", 0.0)


def test_scores_by_hand() -> None:
    empty = np.zeros((4, 4), bool)
    scores = score_tours([AROUND, CROSSED, empty, tour_adjacency(CROSSED)], [SQUARE] * 4, [LABEL] * 3 + [UNPROVED])
    assert scores.valid == 75
    assert scores.optimal == 25
    assert scores.gap == pytest.approx((0 + 50 + 50) / 3)
    assert scores.edge_f1 == pytest.approx((1 + 0.5 + 0 + 0.5) / 4)
    assert scores.proved == 75
    assert scores.seconds is None


def test_time_is_a_mean_over_instances() -> None:
    assert score_tours([AROUND, AROUND], [SQUARE] * 2, [LABEL] * 2, seconds=3.0).seconds == 1.5


def test_without_a_valid_tour_there_is_no_gap() -> None:
    scores = score_tours([np.zeros((4, 4), bool)], [SQUARE], [LABEL])
    assert (scores.valid, scores.optimal, scores.gap) == (0, 0, None)


def test_the_tolerance_decides_what_is_optimal() -> None:
    assert score_tours([CROSSED], [SQUARE], [LABEL], tolerance=0.5).optimal == 100
    assert score_tours([CROSSED], [SQUARE], [LABEL], tolerance=0.49).optimal == 0
    other = Solution(AROUND, 4.0 * (1 + 1e-9), 4.0, True, "branch-and-cut", 0.0)
    assert score_tours([AROUND], [SQUARE], [other]).optimal == 100


def test_a_label_that_is_beaten_gives_a_negative_gap() -> None:
    poor = Solution(CROSSED, 6.0, 0.0, False, "lkh", 0.0)
    scores = score_tours([AROUND], [SQUARE], [poor])
    assert scores.gap == pytest.approx(-100 / 3) and scores.optimal == 100


def test_gap_and_f1_at_their_ends() -> None:
    assert gap(0.0, 0.0) == 0 and gap(1.0, 0.0) == float("inf") and gap(5.0, 4.0) == 25
    edges = tour_adjacency(AROUND)
    assert edge_f1(edges, edges) == 1 and edge_f1(~edges & ~np.eye(4, dtype=bool), edges) == 0
    assert edge_f1(np.ones((4, 4), bool), edges) == pytest.approx(2 * 4 / (6 + 4))  # loops do not count


def test_bad_requests_are_refused() -> None:
    directed = tour_adjacency(AROUND)
    directed[0, 1] = False
    for predictions in ([], [AROUND, AROUND]):
        with pytest.raises(InputError, match="predictions"):
            score_tours(predictions, [SQUARE], [LABEL])
    for prediction in (np.zeros((3, 3), bool), np.zeros((4, 4)), directed, np.array([0, 1, 2, 2]), np.zeros((1, 4, 4))):
        with pytest.raises(InputError, match=r"a prediction cannot|not a tour"):
            score_tours([prediction], [SQUARE], [LABEL])
