"""Spaces: canonical forms, keys, neighbourhoods and encodings."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphlab.core.config import Choices, FloatRange, IntRange
from graphlab.core.errors import InputError, UnknownNameError
from graphlab.experiment.plan import make_plan
from graphlab.nas.core.space import Decision
from graphlab.nas.registry import find_space
from graphlab.testing.examples import example

seeds = st.integers(0, 2**31)


@pytest.mark.parametrize("options", [("y",), ("y", "z")])
def test_where_no_other_architecture_is_near_a_mutation_is_the_same(options, toy):
    """Of one spelling, and of two that mean one."""
    toy.decisions = (Decision("a", Choices(options), "letter"), Decision("depth", Choices((1,)), "depth"))
    only = {"a": "y", "depth": 1}
    assert toy.mutate(only, np.random.default_rng(0)) == only


def test_equal_spellings_share_a_key(toy):
    first = {"a": "y", "b": 3, "depth": 2, "rate": 0.5}
    assert toy.key(first) == toy.key({**first, "a": "z"}) != toy.key({**first, "b": 2})
    assert toy.key({"a": "x", "depth": 2, "rate": 0.5}) == toy.key({"a": "x", "b": 3, "depth": 2, "rate": 0.5})


def test_a_decision_that_is_not_made_is_absent(toy):
    random = np.random.default_rng(0)
    drawn = [toy.sample(random) for _ in range(60)]
    assert any("b" not in one for one in drawn)
    assert all(("b" in one) == (one["a"] != "x") for one in drawn)


def test_neighbours_are_all_that_one_decision_away_gives(letters):
    values = dict(zip(("letter_0", "letter_1", "letter_2", "letter_3"), "abca", strict=True))
    expected = {
        "".join(word)
        for word in itertools.product("abcde", repeat=4)
        if sum(x != y for x, y in zip(word, "abca", strict=True)) == 1
    }
    assert {"".join(one.values()) for one in letters.neighbours(values)} == expected


@pytest.mark.parametrize(
    "wrong", [{"a": "q", "depth": 1, "rate": 0.1}, {"a": "x", "depth": 1}, {"a": "x", "depth": 9, "rate": 0.1}]
)
def test_values_that_are_not_of_the_space_are_refused(toy, wrong):
    with pytest.raises(InputError, match="an architecture of toy"):
        toy.canonical(wrong)


@given(seed=seeds, low=st.integers(1, 50), width=st.integers(0, 200), log=st.booleans(), step=st.integers(1, 7))
def test_whole_numbers_are_drawn_within_their_range(seed, low, width, log, step):
    found = Decision("n", IntRange(low, low + width, log=log, step=step), "n")
    drawn = found.draw(np.random.default_rng(seed))
    assert found.range.contains(drawn)
    assert all(found.range.contains(option) for option in found.options)
    assert 0 <= found.encode(drawn)[1] <= 1


@given(seed=seeds, low=st.floats(1e-6, 1.0), factor=st.floats(1.001, 1e4), log=st.booleans())
def test_numbers_are_drawn_within_their_range(seed, low, factor, log):
    found = Decision("x", FloatRange(low, low * factor, log=log), "x")
    drawn = found.draw(np.random.default_rng(seed))
    assert low * (1 - 1e-9) <= drawn <= low * factor * (1 + 1e-9)


def test_every_option_of_a_list_is_drawn():
    found = Decision("x", Choices(("a", "b", "c")), "x")
    random = np.random.default_rng(0)
    assert {found.draw(random) for _ in range(60)} == {"a", "b", "c"}
    assert found.encode("b") == [0.0, 1.0, 0.0]
    assert found.encode(None) == [0.0, 0.0, 0.0]


def test_the_space_of_a_model_builds_that_model():
    space = find_space("gcn")
    random = np.random.default_rng(0)
    for _ in range(5):
        model, settings = space.settings(space.sample(random))
        plan = make_plan(model, example("node-classification"), settings)
        assert plan.model.name == "gcn"
        assert plan.training.lr == settings["training.lr"]


def test_a_wrong_name_lists_the_nearest():
    with pytest.raises(UnknownNameError) as caught:
        find_space("nas-bench-grap")
    assert "nas-bench-graph" in str(caught.value.hint)


@pytest.mark.parametrize("low", [1, 5, 7, 8, 16, 64, 128])
def test_the_low_end_of_a_range_is_in_it(low, letters):
    """exp(log(16)) is below 16."""
    for dim in (IntRange(low, 1000, log=True), FloatRange(low * 1e-5, 1.0, log=True)):
        letters.decisions = (
            Decision("letter_0", Choices(("a", "b")), "letter"),
            Decision("dim", dim, "dim", {"letter_0": ("b",)}),
        )
        (neighbour,) = letters.neighbours({"letter_0": "a"})
        assert neighbour["dim"] == pytest.approx(dim.low) and dim.contains(neighbour["dim"])
