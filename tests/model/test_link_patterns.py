"""Which architectures are one: against what they mean, spelt out, and against the published tables."""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphlab.core.errors import ConfigError
from graphlab.data.unpickle import read_pickle
from graphlab.model.link_patterns import OPERATORS, PATTERNS, canonical, from_key, key

DATASETS = ("cora", "citeseer", "pubmed", "cs", "photo", "arxiv")

trees = st.tuples(*(st.integers(0, i) for i in range(4)))
words = st.tuples(*[st.sampled_from(OPERATORS)] * 4).filter(lambda names: set(names) != {"skip"})


def meaning(link, operators):
    """The tree of operators without the skips: of each its name, how many outputs it is, and what reads it; of the
    input only what reads it."""
    given = [0]
    for node, (parent, name) in enumerate(zip(link, operators, strict=True), start=1):
        given.append(given[parent] if name == "skip" else node)
    outputs = Counter(given[node] for node in range(1, 5) if node not in link)

    def readers(node):
        real = [n for n in range(1, 5) if given[n] == n and given[link[n - 1]] == node]
        return tuple(sorted((operators[n - 1], outputs[n], readers(n)) for n in real))

    return readers(0)


def test_architectures_are_one_where_they_mean_the_same():
    of_key, of_meaning = defaultdict(set), defaultdict(set)
    for link in product(*(range(i + 1) for i in range(4))):
        for operators in product(("gcn", "fc", "skip"), repeat=4):
            if set(operators) != {"skip"}:
                of_key[key(link, operators)].add(meaning(link, operators))
                of_meaning[meaning(link, operators)].add(key(link, operators))
    assert all(len(found) == 1 for found in of_key.values())
    assert all(len(found) == 1 for found in of_meaning.values())


@settings(deadline=None)
@given(link=trees, operators=words)
def test_the_canonical_one_means_the_same_and_stands_for_itself(link, operators):
    pattern, names = canonical(link, operators)
    assert pattern in PATTERNS
    assert meaning(pattern, names) == meaning(link, operators)
    assert canonical(pattern, names) == (pattern, names)
    assert from_key(key(link, operators)) == (pattern, names)


@settings(deadline=None)
@given(link=trees, operators=words)
def test_it_is_the_largest_pattern_then_the_first_operators_with_skips_in_front(link, operators):
    names = sorted(set(operators) | {"skip"})
    same = [
        (pattern, chosen)
        for pattern in PATTERNS
        for chosen in product(names, repeat=4)
        if set(chosen) != {"skip"} and meaning(pattern, chosen) == meaning(link, operators)
    ]
    leading = {chosen: next(i for i, name in enumerate(chosen) if name != "skip") for _, chosen in same}
    largest = max(pattern for pattern, _ in same)
    most = max(leading[chosen] for pattern, chosen in same if pattern == largest)
    left = [chosen for pattern, chosen in same if pattern == largest and leading[chosen] == most]
    assert canonical(link, operators) == (largest, min(left, key=lambda chosen: [OPERATORS.index(n) for n in chosen]))


def test_nodes_may_be_listed_in_any_order():
    one = canonical((0, 1, 2, 1), ("gcn", "gin", "fc", "cheb"))
    assert one == canonical((0, 1, 1, 2), ("gcn", "gin", "cheb", "fc"))
    assert key((0, 1, 2, 3), ("skip", "skip", "gcn", "gcn")) == 88811


@pytest.mark.parametrize(
    ("link", "operators", "message"),
    [
        ((0, 1, 2), ("gcn",) * 4, "four links"),
        ((0, 2, 0, 0), ("gcn",) * 4, "no link pattern"),
        ((0, -1, 0, 0), ("gcn",) * 4, "no link pattern"),
        ((0, 0, 0, 0), ("gcn", "gcn", "gcn", "gnc"), "no operator is named 'gnc'"),
        ((0, 0, 0, 0), ("skip",) * 4, "nothing but the input"),
    ],
)
def test_what_is_no_architecture_is_refused(link, operators, message):
    with pytest.raises(ConfigError, match=message) as raised:
        key(link, operators)
    assert raised.value.hint


@pytest.mark.parametrize("number", [-1, 90000, 9, 100000, 1118, 88888])
def test_a_number_of_none_is_refused(number):
    with pytest.raises(ConfigError):
        from_key(number)


@pytest.mark.real_data
def test_the_classes_of_all_architectures_are_the_entries_of_every_table():
    every = (pair for pair in product(PATTERNS, product(OPERATORS, repeat=4)) if set(pair[1]) != {"skip"})
    found = {key(link, operators) for link, operators in every}
    assert len(found) == 26_206
    folder = Path(os.environ["GRAPHLAB_MIRROR"]) / "nas-bench-graph"
    for name in DATASETS:
        assert set(read_pickle(folder / f"{name}.bench")) == found, name
