"""Curves of regret against a slow reading of the same trajectories."""

from __future__ import annotations

import numpy as np
import pytest

from graphlab.nas.results.simulation import Anytime, Trajectory, follow, regret_by_rule, regret_curve
from tests.nas.small_tables import small_table

TABLES = (small_table(0, 0.02, "one"), small_table(1, 0.02, "two"))


def slow_curves(table, rows):
    validation, test = [], []
    for k in range(1, len(rows) + 1):
        best = max(rows[:k], key=lambda row: table.validation[row])
        validation.append(100 * (table.validation.max() - table.validation[best]))
        test.append(100 * (table.test.max() - table.test[best]))
    return validation, test


def test_a_curve_is_what_each_step_had_found():
    trajectory = follow("random", TABLES[0], seed=4, budget=50)
    for found, expected in zip(
        regret_curve(TABLES[0], trajectory.rows), slow_curves(TABLES[0], trajectory.rows), strict=True
    ):
        assert found.tolist() == pytest.approx(expected)


def test_a_course_is_the_search():
    from graphlab.nas.results.simulation import simulate

    trajectory = follow("evolution", TABLES[0], seed=4, budget=30)
    keys = [TABLES[0].space.key(TABLES[0].architectures[row]) for row in trajectory.rows]
    assert keys == [outcome.key for outcome in simulate("evolution", TABLES[0], seed=4, budget=30)]


@pytest.fixture(scope="module")
def anytime():
    trajectories = [
        follow(name, table, seed=seed, budget=40 if name == "random" else 30)
        for name in ("random", "evolution")
        for table in TABLES
        for seed in range(3)
    ]
    return Anytime(trajectories, TABLES)


def test_means_are_over_tables_first(anytime):
    curves = anytime.over_tables("random")
    assert curves.shape == (3, 40)
    own = [
        trajectory for trajectory in anytime.trajectories if trajectory.strategy == "random" and trajectory.seed == 1
    ]
    by_hand = np.mean([slow_curves(anytime.tables[trajectory.table], trajectory.rows)[0] for trajectory in own], 0)
    assert curves[1].tolist() == pytest.approx(by_hand.tolist())
    assert (np.diff(curves) <= 1e-12).all()


def test_marks_are_means_with_intervals(anytime):
    frame = anytime.at([10, 40])
    assert list(zip(frame.strategy, frame.evaluations, strict=True)) == [
        ("random", 10),
        ("random", 40),
        ("evolution", 10),
    ]
    assert frame["mean"][0] == pytest.approx(anytime.over_tables("random")[:, 9].mean())
    assert (frame.low <= frame["mean"]).all()
    assert (frame["mean"] <= frame.high).all()


def test_the_frame_has_a_row_an_evaluation(anytime):
    frame = anytime.df
    assert len(frame) == 2 * 3 * (40 + 30)
    assert frame.evaluation.max() == 40
    one = frame[(frame.strategy == "evolution") & (frame.table == "two") & (frame.seed == 2)]
    trajectory = next(c for c in anytime.trajectories if (c.strategy, c.table, c.seed) == ("evolution", "two", 2))
    assert one.test.tolist() == pytest.approx(slow_curves(TABLES[1], trajectory.rows)[1])


def test_a_search_that_ended_stays_where_it_was():
    short, long = Trajectory("s", "one", 0, (3, 4)), Trajectory("s", "one", 1, (5, 6, 7))
    curves = Anytime([short, long], TABLES).over_tables("s")
    assert curves.shape == (2, 3)
    assert curves[0, 2] == curves[0, 1]


def test_a_rule_sees_the_first_evaluations_alone():
    trajectory = follow("random", TABLES[0], seed=4, budget=50)
    by_best = regret_by_rule(TABLES[0], trajectory.rows, [10, 50], "best")
    _, test = regret_curve(TABLES[0], trajectory.rows)
    assert by_best == pytest.approx({10: test[9], 50: test[49]})


@pytest.mark.parametrize("budget", [4, 30])
def test_the_picture_is_drawn(budget, anytime, tmp_path):
    figure = anytime.plot(budget)
    assert [line.get_label() for line in figure.axes[0].get_lines()] == ["random", "evolution"]
    assert figure.save(tmp_path / "regret.svg").stat().st_size > 5000
