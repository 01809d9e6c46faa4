"""The smoothed rule: what structure explains where scores are noise, and the best itself where they are not."""

from __future__ import annotations

import numpy as np
import pytest

from graphlab.core.errors import InputError
from graphlab.nas.results.selection import choose, select
from graphlab.nas.results.simulation import simulate
from tests.nas.small_tables import WORDS, small_table


def test_the_best_is_the_highest_and_the_earliest_of_equals():
    values = [WORDS.sample(np.random.default_rng(k)) for k in range(3)]
    assert choose(WORDS, values, [0.1, 0.3, 0.3], "best") == 1
    assert choose(WORDS, values, [0.3, 0.3, 0.3], "smoothed") == 0


def regrets(noise: float, rule) -> np.ndarray:
    found = []
    for seed in range(8):
        table = small_table(seed, noise)
        chosen = select(simulate("random", table, seed=seed, budget=120), WORDS, rule)
        clean = small_table(seed).validation
        found.append(clean.max() - clean[table.row(chosen.values)])
    return np.array(found)


@pytest.mark.slow
def test_smoothing_withstands_noise_and_costs_little_without():
    for noise in (0.05, 0.1):
        assert regrets(noise, "smoothed").mean() < regrets(noise, "best").mean()
    assert regrets(0.0, "smoothed").mean() <= regrets(0.0, "best").mean() + 0.002


def test_what_is_unlucky_is_told():
    table = small_table()
    outcomes = simulate("random", table, budget=3)
    assert select(outcomes, WORDS, "best") is max(outcomes, key=lambda one: one.score or 0)
    with pytest.raises(InputError, match="no rule"):
        select(outcomes, WORDS, "bset")  # pyright: ignore[reportArgumentType]
    with pytest.raises(InputError, match="no architecture"):
        select([], WORDS)
