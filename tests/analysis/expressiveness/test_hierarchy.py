"""The hierarchy is strict, nothing contradicts it, and its picture shows what was found."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from graphlab.analysis.expressiveness import (
    HIERARCHY,
    TESTS,
    Pair,
    WLTest,
    as_arrays,
    class_of,
    compare,
    example_pairs,
    find_evidence,
    partition,
    stronger_than,
    weaker_than,
)
from graphlab.core.errors import InputError, UnknownNameError
from graphlab.data.load import load
from graphlab.ops.colour_refinement import PairRefinement

EXAMPLES = example_pairs()


@pytest.fixture(scope="module")
def evidence():
    return find_evidence(EXAMPLES, [*TESTS])


def test_every_edge_has_a_pair_and_none_a_pair_against_it(evidence):
    assert evidence.strict and [found.edge for found in evidence.shown] == list(HIERARCHY)
    for found in evidence.shown:
        verdict = compare(found.witness.first, found.witness.second, [found.edge.weaker, found.edge.stronger])
        assert verdict.by == (found.edge.stronger,)
    assert evidence.df["num_against"].sum() == 0


def test_every_example_is_needed_or_is_the_smallest_of_its_kind(evidence):
    assert {found.witness.name for found in evidence.shown} <= {pair.name for pair in EXAMPLES}
    assert all(TESTS["FWL(3)"].name in compare(pair.first, pair.second, "FWL(3)").by for pair in EXAMPLES)


def test_every_set_of_aggregations_is_as_strong_as_the_test_that_it_is_said_to_be():
    """On pairs that tell all six classes from each other."""
    arrays = as_arrays([graph for pair in EXAMPLES for graph in (pair.first, pair.second)])
    places = np.arange(2 * len(EXAMPLES)).reshape(-1, 2)
    verdicts = {name: tuple(partition(name, arrays).separates(places)) for name in TESTS if name != "FWL(3)"}
    assert len(set(verdicts.values())) == len(verdicts)
    names = ("vu", "uu", "vv", "uL", "vL", "uG", "vG")
    sets = [frozenset(some) for size in range(1, 8) for some in combinations(names, size)]
    points = [PairRefinement(some, pool) for some in sets if some & {"uL", "vL"} for pool in ("VS", "SV")]
    points += [PairRefinement(some | {"LFWL"}) for some in (frozenset({"uL", "uu"}), frozenset({"uG", "vv"}))]
    points += [TESTS[name].refinement for name in ("SLFWL(2)", "FWL(2)", "SSWL")]
    for point in points:
        assert tuple(partition(WLTest("point", point), arrays).separates(places)) == verdicts[class_of(point)]


@pytest.mark.parametrize(
    ("names", "pool"), [({"vG", "uu"}, "VS"), ({"uL"}, "flat"), ({"LFWL", "vG"}, "flat"), ({"LFWL"}, "SV")]
)
def test_sets_that_have_no_name(names, pool):
    with pytest.raises(InputError):
        class_of(PairRefinement(frozenset(names), pool))


def test_what_speaks_against_an_edge_or_is_missing_is_said(monkeypatch):
    from graphlab.analysis.expressiveness import hierarchy

    turned = hierarchy.Edge("SPD-WL", "1-WL")
    monkeypatch.setattr(hierarchy, "HIERARCHY", (turned,))
    found = find_evidence(EXAMPLES[:1])
    assert not found.strict and found.shown[0].witness is None
    assert [pair.name for pair in found.shown[0].against] == ["a hexagon and two triangles"]
    assert found.plot().axes[0].texts[0].get_text() == "against it: a hexagon and two triangles"


def test_no_pairs_and_tests_that_are_not_compared():
    with pytest.raises(InputError, match="nothing to show"):
        find_evidence([])
    with pytest.raises(InputError, match="nothing to show"):
        find_evidence(EXAMPLES, ["SPD-WL", "RD-WL"])
    for order in (weaker_than, stronger_than):
        with pytest.raises(UnknownNameError, match="2-WL"):
            order("2-WL")


def test_the_picture_names_each_test_and_witness(evidence):
    texts = [text.get_text() for text in evidence.plot().axes[0].texts]
    assert set(TESTS) <= set(texts)
    assert sum("nodes, 1 of" in text for text in texts) == len(HIERARCHY)


@pytest.mark.slow
@pytest.mark.real_data
def test_nothing_in_brec_is_against_the_hierarchy():
    data = load("brec")
    pairs = [Pair(f"BREC {k}", *(data.graphs[g] for g in ids)) for k, ids in enumerate(data.split().test.tolist())]
    found = find_evidence(pairs)
    assert not any(shown.against for shown in found.shown)
    missing = {shown.edge.stronger for shown in found.shown if not shown.witness}
    assert missing == {"PSWL(SV)", "GSWL", "LFWL(2)", "SLFWL(2)"}
