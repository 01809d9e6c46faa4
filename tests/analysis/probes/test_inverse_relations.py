"""The leak report against plain sets of triples, and what is known of the public data sets."""

from __future__ import annotations

from dataclasses import replace

import pytest

from graphlab.analysis.probe import analyze
from graphlab.core.errors import IncompatibleError, UnknownNameError
from graphlab.data.dataset import Splits
from graphlab.data.load import load


def by_hand(name: str) -> tuple[set[tuple[str, str, str]], int]:
    """Pairs as (kind, relation, other), and how many test triples they give away."""
    data = load(name)
    split, names = data.split(), data.labels["relations"]
    train, test = ([(h, names[r], t) for h, r, t in part.tolist()] for part in (split.train, split.test))
    threshold = 0.99 - (1 - len(train) / (len(train) + len(test) + len(split.validation)))
    ends = {r: {(h, t) for h, s, t in train if s == r and h != t} for r in names}
    turned = {r: {(t, h) for h, t in ends[r]} for r in names}
    pairs, answered = set(), set()
    for i, r in enumerate(names):
        for s in names[i:]:
            for kind, others in (("inverse", turned), ("duplicate", ends)):
                common = len(ends[r] & others[s])
                same_way = kind == "duplicate"
                if (same_way and r == s) or not common:
                    continue
                if common / len(ends[r]) < threshold and common / len(ends[s]) < threshold:
                    continue
                pairs.add(("symmetric" if r == s else kind, r, s))
                for h, q, t in test:
                    other = {r: s, s: r}.get(q)
                    if other and ((h, other, t) if same_way else (t, other, h)) in set(train):
                        answered.add((h, q, t))
    return pairs, len(answered)


def test_pairs_and_answers_of_a_data_set_of_ours_are_those_counted_by_hand():
    found = analyze("inverse-relations", "kinship-rules/transductive")
    pairs, answered = by_hand("kinship-rules/transductive")
    assert {(row["kind"], row["relation"], row["other"]) for row in found.rows} == pairs
    assert ("inverse", "husband", "wife") in pairs
    assert found.summary["test_answered"] == answered == 0


def test_it_is_found_by_a_loaded_data_set_too_and_has_a_table():
    data = load("kinship-rules/inductive")
    found = analyze("inverse-relations", data)
    assert found.df.columns.tolist() == [
        "kind",
        "relation",
        "other",
        "overlap",
        "back",
        "num_triples",
        "test_answered",
    ]
    assert "husband" in repr(found) and "husband" in found._repr_html_()
    assert found.to_json()["probe"] == "inverse-relations"


@pytest.mark.real_data
@pytest.mark.parametrize("name", ["kg/nations", "kg/family"])
def test_public_data_by_hand(name):
    found = analyze("inverse-relations", name)
    pairs, answered = by_hand(name)
    assert {(row["kind"], row["relation"], row["other"]) for row in found.rows} == pairs
    assert found.summary["test_answered"] == answered


@pytest.mark.real_data
def test_wn18rr_keeps_three_symmetric_relations():
    found = analyze("inverse-relations", "kg/wn18rr")
    named = {(row["kind"], row["relation"]) for row in found.rows}
    symmetric = {"_derivationally_related_form", "_verb_group", "_similar_to"}
    assert named == {("symmetric", name) for name in symmetric}
    assert found.summary["test_answered"] == 1052


def test_graphs_without_relations_and_unknown_probes_are_refused():
    with pytest.raises(IncompatibleError, match="karate has no relations"):
        analyze("inverse-relations", "karate")
    with pytest.raises(UnknownNameError, match="inverse-relation"):
        analyze("inverse-relation", "karate")


@pytest.mark.parametrize(("emptied", "said"), [("train", "no training triples"), ("test", "no test triples")])
def test_nothing_to_train_on_or_to_test_is_said(emptied, said):
    data = load("kinship-rules/transductive")
    split = data.split()
    bare = replace(split, **{emptied: split.test[:0]})
    with pytest.raises(IncompatibleError, match=said):
        analyze("inverse-relations", replace(data, splits=Splits("fixed", fixed=(bare,))))
