"""Strategies with a surrogate: no memory but the outcomes, nothing seen is named again, and what they learn helps."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from graphlab.core.errors import InputError
from graphlab.core.seeds import SeedStream
from graphlab.nas.core.strategy import Strategy, trial_stream
from graphlab.nas.objectives.inner import searched
from graphlab.nas.objectives.training import TrainingObjective
from graphlab.nas.registry import make_strategy
from graphlab.nas.results.simulation import simulate
from graphlab.nas.surrogates import sources as tables_elsewhere
from graphlab.nas.tables import Table, TableObjective
from graphlab.records.store import Store
from graphlab.testing.examples import example
from tests.nas.small_tables import WORDS, Words, small_table


class WordsOfGCN(Words):
    """Each word a network, if always the same."""

    def settings(self, values):
        return "gcn", {}


WORDS_OF_GCN = WordsOfGCN()
SOURCES = {"near": small_table(0, 0.005, "near"), "nearer": small_table(0, 0.002, "nearer")}


@pytest.fixture
def sources(monkeypatch):
    monkeypatch.setattr(tables_elsewhere, "read_once", SOURCES.__getitem__)
    return {"sources": ["near", "nearer"]}


def settings_of(name: str, sources: dict) -> dict:
    return {"transfer": sources, "shortlist": sources | {"after": 30}}.get(name, {})


@pytest.mark.parametrize("name", ["bayesian", "transfer", "predictor", "shortlist"])
def test_one_that_starts_late_goes_on_like_one_that_never_stopped(name, sources):
    table = small_table(noise=0.01)
    settings = settings_of(name, sources)
    whole = simulate(name, table, seed=1, budget=45, settings=settings)
    late = make_strategy(name, settings, WORDS, TableObjective(table), seed=1)
    assert isinstance(late, Strategy)
    for outcome in whole[:44]:
        late.tell(outcome)
    asked = [late.ask(trial_stream(late.stream, whole[44].index, attempt).numpy()) for attempt in range(3)]
    assert whole[44].values in [proposal.choices for proposal in asked]


@pytest.mark.parametrize("name", ["bayesian", "transfer", "predictor", "shortlist"])
def test_nothing_seen_is_named_while_anything_of_the_pool_is_left(name, sources):
    table = small_table()
    strategy = make_strategy(name, settings_of(name, sources), WORDS, TableObjective(table), seed=1)
    assert isinstance(strategy, Strategy)
    told = simulate("random", table, seed=8, budget=100)
    for outcome in told:
        strategy.tell(outcome)
    for k in range(20):
        assert WORDS.key(strategy.ask(SeedStream(k).numpy()).choices) not in strategy.seen


@pytest.mark.parametrize("name", ["bayesian", "transfer", "predictor", "shortlist"])
def test_outcomes_without_a_score_are_no_lesson(name, sources):
    table = small_table()
    strategy = make_strategy(name, settings_of(name, sources), WORDS, TableObjective(table), seed=1)
    assert isinstance(strategy, Strategy)
    for number, outcome in enumerate(simulate("random", table, seed=8, budget=50)):
        strategy.tell(replace(outcome, score=None, state="failed") if number % 2 else outcome)
    assert WORDS.key(strategy.ask(np.random.default_rng(0)).choices) not in strategy.seen


def regret_after(name: str, table: Table, budget: int, settings: dict) -> float:
    best = [
        max(outcome.score or 0 for outcome in simulate(name, table, seed=s, budget=budget, settings=settings))
        for s in range(6)
    ]
    return float(table.validation.max() - np.mean(best))


@pytest.mark.parametrize("name", ["bayesian", "predictor"])
def test_a_surrogate_needs_far_fewer_evaluations_than_chance(name):
    table = small_table(3)
    assert regret_after(name, table, 40, {}) < 0.3 * regret_after("random", table, 40, {})


def test_other_tables_help_from_the_first_evaluation(sources):
    table = small_table(0, 0.004, "searched")
    assert regret_after("transfer", table, 5, sources) < 0.3 * regret_after("bayesian", table, 5, {})


def test_the_table_that_is_searched_teaches_nothing(sources):
    for name in ("transfer", "shortlist"):
        with pytest.raises(InputError, match="is the table that is searched"):
            simulate(name, SOURCES["near"], settings=sources)
        with pytest.raises(InputError, match="no table of words"):
            simulate(name, SOURCES["near"])


def test_a_table_of_the_data_that_is_trained_on_teaches_nothing(monkeypatch, tmp_path):
    """It knows the official validation labels, which a search on a part of the training labels is not to see."""
    data = replace(example("node-classification"), name="planetoid/cora@full")
    objective = TrainingObjective(searched(data, "train", 0), WORDS_OF_GCN, Store(tmp_path))
    tables = {
        name: replace(table, dataset=of)
        for (name, table), of in zip(SOURCES.items(), ("planetoid/cora", ""), strict=True)
    }
    monkeypatch.setattr(tables_elsewhere, "read_once", tables.__getitem__)
    with pytest.raises(InputError, match="near is the table that is searched, or of the same data"):
        make_strategy("transfer", {"sources": ["near"]}, WORDS_OF_GCN, objective, seed=0)
    monkeypatch.setattr(tables_elsewhere, "published", lambda space: list(tables))
    taught = make_strategy("transfer", {}, WORDS_OF_GCN, objective, seed=0)
    assert [table.name for table in taught._sources.tables] == ["nearer"]


def test_sources_explain_each_other_as_least_squares_says():
    tables = (small_table(0, 0.02, "a"), small_table(0, 0.03, "b"), small_table(1, 0.02, "c"))
    found = tables_elsewhere.Sources(tables)
    scores = found.scores(tables[0].architectures).astype(np.float64)
    assert np.corrcoef(scores[:, 0], tables[0].validation)[0, 1] > 0.95
    expected = []
    for one in range(3):
        others = np.delete(scores, one, 1)
        expected += np.linalg.solve(others.T @ others, others.T @ scores[:, one]).tolist()
    assert (found.omega, found.tau) == pytest.approx((np.mean(expected), np.std(expected)), abs=1e-4)
    best = found.best(3)
    assert list(best) == [
        WORDS.key(tables[0].architectures[row]) for row in np.argsort(-scores.mean(1), kind="stable")[:3]
    ]


@pytest.mark.slow
@pytest.mark.real_data
def test_every_other_published_table_is_a_source():
    from graphlab.nas.registry import find_table

    table = find_table("nas-bench-graph/citeseer")
    strategy = make_strategy("transfer", {}, table.space, TableObjective(table), seed=0)
    names = [source.name.partition("/")[2] for source in strategy._sources.tables]
    assert names == ["cora", "pubmed", "cs", "photo", "arxiv"]
