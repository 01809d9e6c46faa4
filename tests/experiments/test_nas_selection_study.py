"""The study of selection rules: what each of them may see, and that what is kept is what the program says."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from graphlab.core.seeds import SeedStream
from graphlab.nas.results.simulation import simulate
from graphlab.nas.surrogates import sources
from tests.docs.blocks import ROOT
from tests.experiments.loading import load_experiment
from tests.nas.small_tables import small_table

KEPT = json.loads((ROOT / "experiments" / "results" / "studies" / "nas_selection.json").read_text())


@pytest.fixture(scope="module")
def study():
    return load_experiment("nas_selection")


def related(count=4, luck=0.05):
    """Tables of one truth, each with luck of its own."""
    first = small_table()
    random = np.random.default_rng(1)

    def noisy():
        return first.test + luck * random.standard_normal(len(first))

    return [replace(first, name=f"words-{i}", validation=noisy(), test=noisy()) for i in range(count)]


def test_a_rule_never_sees_the_tests_of_the_table_it_is_judged_on(study):
    tables = related()
    turned = [replace(tables[0], test=tables[0].test[::-1].copy()), *tables[1:]]
    draws = [SeedStream(seed).numpy().choice(len(tables[0]), 40, replace=False) for seed in range(8)]
    before = study.choosers(study.Tables(tables), 0)
    after = study.choosers(study.Tables(turned), 0)
    same = {rule for rule in before if all(before[rule](rows) == after[rule](rows) for rows in draws)}
    assert same == {"best", "smoothed", "borrowed"}


def test_borrowing_helps_where_tables_are_of_one_truth(study):
    names = [table.name for table in related()]
    found = study.study(study.Tables(related()), names, range(10), 40)["rules"]
    assert found["known"]["test"] < found["borrowed"]["test"] < found["best"]["test"]


def test_a_search_with_a_shortlist_is_set_beside_one_of_as_many_evaluations(study, monkeypatch):
    tables = {table.name: replace(table, digest=table.name) for table in related()}
    monkeypatch.setattr(sources, "read_once", tables.__getitem__)
    found = study.shortlists(tables, "random", range(3), 40)
    assert list(found) == ["best", "shortlist of 10%", "shortlist of 25%", "shortlist of 50%"]
    first = tables["words-0"]
    others = {"sources": ["words-1", "words-2", "words-3"]}
    for rule, strategy, settings in (
        ("best", "random", {}),
        ("shortlist of 25%", "shortlist", {"base": "random", "after": 30, **others}),
    ):
        regrets = []
        for seed in range(3):
            outcomes = simulate(strategy, first, seed=seed, budget=40, settings=settings)
            last = max(outcomes[settings.get("after", 0) :], key=lambda one: one.score)
            regrets.append(100 * (first.test.max() - first.test[first.row(last.values)]))
        assert found[rule]["by_table"]["words-0"] == pytest.approx(np.mean(regrets), abs=6e-4)


def test_what_is_guessed_of_an_architecture_does_not_follow_from_its_own_test(study):
    tables = study.Tables(related())
    before = tables.informed(0, np.random.default_rng(0))
    folds = np.random.default_rng(0).integers(study.FOLDS, size=len(before))
    tables.test[0, folds == 0] += 1.0
    after = tables.informed(0, np.random.default_rng(0))
    np.testing.assert_array_equal(before[folds == 0], after[folds == 0])
    assert not np.allclose(before[folds == 1], after[folds == 1])


@pytest.mark.slow
@pytest.mark.real_data
def test_the_kept_figures_are_those_of_the_program(study):
    names = list(KEPT["rules"]["best"]["by_table"])
    tables = study.Tables([study.find_table(name) for name in names])
    for which, name in enumerate(names):
        regrets = []
        for seed in range(KEPT["seeds"]):
            random = SeedStream(seed).child("candidates", name).numpy()
            rows = random.choice(len(tables.architectures), KEPT["budget"], replace=False)
            best = max(rows, key=lambda row: tables.validations[which, row])
            regrets.append(100 * (tables.tests[which].max() - tables.tests[which, best]))
        assert KEPT["rules"]["best"]["by_table"][name] == pytest.approx(np.mean(regrets), abs=6e-4)
