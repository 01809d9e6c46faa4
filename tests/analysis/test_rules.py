"""Confidence of rules against counting by hand and by walking."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphlab.analysis.rules import Rule, Rules
from graphlab.core.errors import InputError, UnknownNameError

FAMILY = [
    ("ann", "mother", "eve"),
    ("bob", "mother", "eve"),
    ("ann", "brother", "bob"),
    ("eve", "mother", "ida"),
    ("ann", "grandmother", "ida"),
]


def test_by_hand():
    rules = Rules(FAMILY)
    assert rules.rule([("mother", False), ("mother", False)], "grandmother") == Rule(pairs=2, correct=1)
    assert rules.rule([("brother", False), ("mother", False)], "mother") == Rule(pairs=1, correct=1)
    assert rules.rule([("mother", False), ("mother", True)], "brother") == Rule(pairs=5, correct=1)
    assert rules.rule([("grandmother", False), ("mother", False)], "mother").confidence == 0.0


def test_a_body_without_relations():
    with pytest.raises(InputError, match="leads nowhere"):
        Rules(FAMILY).rule([], "mother")


def test_a_relation_that_no_triple_has():
    with pytest.raises(UnknownNameError, match="mothr"):
        Rules(FAMILY).rule([("mothr", False)], "mother")


names = st.sampled_from("abcd")
triples = st.lists(st.tuples(names, st.sampled_from("rs"), names), max_size=12)


@settings(deadline=None, max_examples=60)
@given(triples, st.lists(st.tuples(st.sampled_from("rs"), st.booleans()), min_size=1, max_size=3))
def test_as_by_walking(known, body):
    known = [*known, ("a", "r", "b"), ("b", "s", "c")]
    reached = {(x, x) for x in "abcd"}
    for relation, inverse in body:
        steps = {(t, h) if inverse else (h, t) for h, r, t in known if r == relation}
        reached = {(x, z) for x, y in reached for y2, z in steps if y == y2}
    correct = {(h, t) for h, r, t in known if r == "r"} & reached
    assert Rules(known).rule(body, "r") == Rule(len(reached), len(correct))
