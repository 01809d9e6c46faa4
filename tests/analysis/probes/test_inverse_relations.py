"""The leak report against plain sets of triples, and what is known of the public data sets."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from graphlab.analysis.probe import analyze
from graphlab.core.errors import IncompatibleError, UnknownNameError
from graphlab.data.dataset import Dataset, Split, Splits
from graphlab.data.load import load
from graphlab.data.spec import FACT, DataSpec
from graphlab.data.triples import named_world, read_parts, vocabulary, world


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


def test_test_triples_that_are_facts_are_counted_first():
    data = load("kinship-rules/transductive")
    split = data.split()
    test, validation = (torch.cat([split.train[:k], part[k:]]) for k, part in ((5, split.test), (3, split.validation)))
    found = analyze(
        "inverse-relations", replace(data, splits=Splits("leak", fixed=(Split(split.train, validation, test),)))
    )
    assert (found.summary["test_facts"], found.summary["validation_facts"]) == (5, 3)
    assert found.text.startswith(
        f"{data.name}: 5 of {len(test)} test triples and 3 of {len(validation)} validation triples are facts already."
    )
    clean = analyze("inverse-relations", data)
    assert (clean.summary["test_facts"], clean.summary["validation_facts"]) == (0, 0)


def towns(directions: int, num_test: int) -> Dataset:
    """Road and its reverse path among 20 towns of training, of which 16 go both ways and 4 are held out; test asks
    `num_test` paths in a graph of other towns, of which facts have the first `directions` the other way round."""
    there = torch.stack([torch.arange(20), torch.zeros(20, dtype=torch.int64), torch.arange(20) + 20], dim=1)
    back = torch.stack([there[:, 2], torch.ones(20, dtype=torch.int64), there[:, 0]], dim=1)
    facts, held_out = torch.cat([there, back[:16]]), back[16:]
    seen, unseen = world(40, facts, torch.cat([facts, held_out])), world(40, there, torch.cat([there, back]))
    unseen.edge_index, unseen.edge_type = there[:directions, [0, 2]].t(), there[:directions, 1]
    return Dataset(
        "towns",
        "kg-completion",
        (seen, unseen),
        Splits("fixed", fixed=(Split(facts, held_out, back[:num_test]),)),
        DataSpec("triples", (FACT,), num_relations=2, directed=True),
        load("kinship-rules/inductive").card,
        labels={"relations": ("road", "path")},
    )


def test_shares_are_those_of_the_training_graph():
    """A test part that is larger or smaller than training in another graph moves no threshold."""
    for num_test in (5, 20):
        found = analyze("inverse-relations", towns(directions=4, num_test=num_test))
        assert found.summary["threshold"] == pytest.approx(0.99 - 4 / 40)
        assert [(row["kind"], row["relation"], row["other"]) for row in found.rows] == [("inverse", "road", "path")]
        assert found.summary["test_answered"] == 4 and found.summary["test_triples"] == num_test


@pytest.mark.real_data
def test_five_test_triples_of_fb237_v1_are_answered():
    found = analyze("inverse-relations", "grail/fb237-v1")
    assert (found.summary["test_answered"], found.summary["test_triples"]) == (5, 205)
    assert found.summary["threshold"] == pytest.approx(0.99 - 981 / 5226)
    assert (found.summary["test_facts"], found.summary["validation_facts"]) == (0, 0)


@pytest.mark.real_data
def test_the_leaks_of_the_case_are_counted():
    folder = Path(os.environ["GRAPHLAB_MIRROR"], "cases", "triples", "leak")
    parts = read_parts([folder / f"{part}.txt" for part in ("train", "valid", "test")])
    _, relations = vocabulary(*parts)
    graph, entities, encoded = named_world(parts, relations)
    spec = DataSpec("triples", (FACT,), num_relations=len(relations), num_entities=len(entities), directed=True)
    card = load("kinship-rules/transductive").card
    leak = Dataset("leak", "kg-completion", (graph,), Splits("fixed", fixed=(Split(*encoded),)), spec, card)
    found = analyze("inverse-relations", leak)
    assert (found.summary["test_facts"], found.summary["validation_facts"]) == (5, 3)


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
