"""A search that ends with a shortlist, and the rule that chooses of it alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import graphlab as gl
from graphlab.core.errors import ConfigError, InputError
from graphlab.core.seeds import SeedStream
from graphlab.nas.registry import make_strategy
from graphlab.nas.results.selection import select
from graphlab.nas.results.simulation import simulate
from graphlab.nas.surrogates import sources as tables_elsewhere
from graphlab.nas.surrogates.gaussian_process import most_likely
from graphlab.nas.surrogates.points import targets_of
from graphlab.nas.tables import Table, TableObjective
from tests.nas.small_tables import WORDS, small_table

NOISE, AFTER, BUDGET = 0.1, 30, 34


def elsewhere(seed: int) -> dict[str, Table]:
    """Two tables of the truth of `small_table(seed)`, whose validations say nothing and whose tests say much."""
    found = {}
    for number in range(2):
        table = small_table(seed)
        random = SeedStream(seed).child("elsewhere", number).numpy()
        test = table.test + 0.01 * random.standard_normal(len(table))
        found[f"other-{number}"] = replace(
            table, validation=random.random(len(table)), test=test, digest=f"{seed}-{number}"
        )
    return found


@pytest.fixture
def search(monkeypatch):
    def run(seed: int, base: str = "random"):
        tables = elsewhere(seed)
        monkeypatch.setattr(tables_elsewhere, "read_once", tables.__getitem__)
        settings = {"base": base, "after": AFTER, "sources": list(tables)}
        return simulate("shortlist", small_table(seed, NOISE), seed=seed, budget=BUDGET, settings=settings)

    return run


def regret(table: Table, outcome) -> float:
    clean = small_table(int(table.digest.split("-")[1])).test
    return float(clean.max() - clean[table.row(outcome.values)])


def test_the_shortlist_withstands_noise_that_misleads_the_highest_validation(search):
    found = []
    for seed in range(12):
        outcomes = search(seed)
        table = small_table(seed, NOISE)
        found.append([regret(table, select(outcomes, WORDS, rule)) for rule in ("best", "shortlist")])
    best, shortlist = np.mean(found, 0)
    assert shortlist < 0.5 * best


@pytest.mark.parametrize("base", ["random", "evolution"])
def test_another_strategy_searches_until_the_shortlist_is_drawn_up(search, base):
    outcomes = search(0, base)
    assert [bool(outcome.notes.get("shortlisted")) for outcome in outcomes] == [False] * AFTER + [True] * (
        BUDGET - AFTER
    )
    assert len({outcome.key for outcome in outcomes}) == BUDGET


def test_the_shortlist_is_what_the_posterior_mean_puts_first(search):
    """By the formula of a Gaussian process with all covariances laid out."""
    outcomes = search(1)
    sources = tables_elsewhere.Sources(tuple(elsewhere(1).values()), "test")
    words = sources.tables[0].architectures
    points, seen = sources.points_of(words), sources.points_of([outcome.values for outcome in outcomes[:AFTER]])
    mean, told = (sources.mean(one[:, -2:]) for one in (points, seen))
    left = targets_of([outcome.score or 0.0 for outcome in outcomes[:AFTER]]) - told
    left -= left.mean()
    prior = most_likely(seen, left, 2)
    noisy = prior.covariance(seen, seen) + prior.noise * np.eye(AFTER)
    expected = mean + prior.covariance(points, seen) @ np.linalg.solve(noisy, left)
    evaluated = {outcome.key for outcome in outcomes[:AFTER]}
    order = [WORDS.key(words[row]) for row in np.argsort(-expected)]
    assert [outcome.key for outcome in outcomes[AFTER:]] == [key for key in order if key not in evaluated][
        : BUDGET - AFTER
    ]


def test_tests_of_the_table_that_is_searched_have_no_part(search, monkeypatch):
    before = search(2)
    table = small_table(2, NOISE)
    turned = replace(table, test=table.test[::-1].copy())
    tables = elsewhere(2)
    monkeypatch.setattr(tables_elsewhere, "read_once", tables.__getitem__)
    settings = {"base": "random", "after": AFTER, "sources": list(tables)}
    after = simulate("shortlist", turned, seed=2, budget=BUDGET, settings=settings)
    assert [one.key for one in after] == [one.key for one in before]


def test_a_base_that_cannot_be_asked_is_refused(search):
    with pytest.raises(ConfigError, match="tpe makes one proposal at a time"):
        search(0, "tpe")


def test_without_a_shortlist_there_is_none_to_choose_from():
    outcomes = simulate("random", small_table(), budget=3)
    with pytest.raises(InputError, match="there is no shortlist"):
        select(outcomes, WORDS, "shortlist")


@pytest.mark.slow
@pytest.mark.real_data
def test_every_other_published_table_s_tests_are_looked_at():
    from graphlab.nas.registry import find_table

    table = find_table("nas-bench-graph/pubmed")
    strategy = make_strategy("shortlist", {"after": 20}, table.space, TableObjective(table), seed=0)
    others = [source.name.partition("/")[2] for source in strategy._sources.tables]
    assert others == ["cora", "citeseer", "cs", "photo", "arxiv"]
    best = next(iter(strategy._sources.best(1).values()))
    ranks = [np.mean(other.test <= other.test[other.row(best)]) for other in strategy._sources.tables]
    assert min(ranks) > 0.8


@pytest.mark.slow
@pytest.mark.real_data
def test_the_command_line_gives_the_best_of_the_shortlist(cli, tmp_path):
    words = (
        "search shortlist nas-bench-graph/cora --trials 14 --set strategy.after=10 --set strategy.base=random --json"
    )
    done = cli(*words.split(), "--store", str(tmp_path))
    assert done.code == 0, done.err
    found = gl.search(
        "shortlist",
        "nas-bench-graph/cora",
        trials=14,
        store=tmp_path,
        **{"strategy.after": 10, "strategy.base": "random"},
    )
    best = max(found.outcomes[10:], key=lambda one: one.score or 0.0)
    assert found.select("shortlist") is best
    assert done.json["shortlist"]["key"] == best.key
    assert done.json["shortlist"]["test"] == best.metrics["test"]
