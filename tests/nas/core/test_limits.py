"""Limits of a search: what breaks one is on record, never chosen, and not trained where that is known before."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

import graphlab as gl
from graphlab.core.errors import ConfigError, InputError
from graphlab.data.spec import Continuous, DataSpec, Target
from graphlab.model.registry import find_model
from graphlab.model.zoo.gcn import GCN
from graphlab.nas import plan as plans
from graphlab.nas.core.objective import Limit, make_limits, parse_limits
from graphlab.nas.core.outcome import Evaluation
from graphlab.nas.core.space import Decision
from graphlab.nas.plan import SearchPlan, SearchSpec
from graphlab.nas.results.result import NothingFoundError
from graphlab.nas.surrogates.points import scores_of
from graphlab.task.base import Learner
from graphlab.testing.examples import example
from graphlab.testing.searches import Score
from tests.nas.small_tables import small_table

ALL = ["evolution", "local-search", "agnn", "graphnas", "bayesian", "predictor", "random", "tpe", "nsga2"]
SEVERAL_AT_ONCE = ["random", "tpe", "nsga2"]
SEVERAL = ("validation", "parameters")
SHORT = {"training.epochs": 3}


class Limited(Score):
    """At most so many letters are `a`, of which each is worth most; known before anything costs something."""

    def __init__(self, space, limits, **options):
        super().__init__(space, **options)
        self.limit(limits)

    def evaluate(self, values, on_step):
        known = {"parameters": float("".join(values.values()).count("a"))}
        return super().evaluate(values, on_step) if self.is_allowed(known) else Evaluation(known)


def count_of(one):
    return list(one.values.values()).count("a")


@pytest.mark.parametrize("strategy", ALL)
def test_what_breaks_a_limit_is_on_record_and_costs_nothing(strategy, letters, run_search):
    objective = Limited(letters, {"parameters": 1})
    outcomes = run_search(strategy, letters, objective, 40).history.outcomes
    broken = [outcome for outcome in outcomes if outcome.state == "infeasible"]
    assert len(outcomes) == 40 and broken
    assert {outcome.key for outcome in broken} == {outcome.key for outcome in outcomes if count_of(outcome) > 1}
    assert all(one.score is None and one.objectives == () and one.feasible is False for one in broken)
    assert all(one.metrics == {"parameters": count_of(one)} for one in broken)
    assert objective.calls == [outcome.key for outcome in outcomes if outcome.feasible is not False]


@pytest.mark.parametrize(
    ("strategy", "names", "stop_at"),
    [
        *((strategy, ("validation",), 11) for strategy in ALL),
        *((strategy, SEVERAL, 1) for strategy in SEVERAL_AT_ONCE),
        *(pytest.param(strategy, ("validation",), 1, marks=pytest.mark.slow) for strategy in ALL),
        *(pytest.param(strategy, SEVERAL, 11, marks=pytest.mark.slow) for strategy in SEVERAL_AT_ONCE),
        ("gp", ("validation",), 7),
        ("gp", SEVERAL, 7),
    ],
)
def test_a_stopped_search_with_limits_ends_with_the_same_trials(
    strategy, stop_at, names, letters, run_search, tmp_path
):
    limits, count = {"parameters": 1, "validation": 3.0}, 14 if strategy == "gp" else 20
    own = {"population": 6} if strategy in ("nsga2", "evolution") else {"startup": 6} if strategy == "gp" else {}
    whole = run_search(strategy, letters, Limited(letters, limits, names=names), count, where=tmp_path / "a", **own)
    stopping = Limited(letters, limits, names=names, stop_at=stop_at)
    with pytest.raises(KeyboardInterrupt):
        run_search(strategy, letters, stopping, count, where=tmp_path / "b", **own)
    continued = run_search(strategy, letters, Limited(letters, limits, names=names), count, where=tmp_path / "b", **own)
    first, second = whole.history.outcomes, continued.history.outcomes
    assert [one.key for one in second] == [one.key for one in first]
    assert [(one.state, one.objectives) for one in second] == [(one.state, one.objectives) for one in first]
    assert {one.state for one in first} >= {"finished", "infeasible"}
    trained = [one for one in first if one.state == "infeasible" and "validation" in one.metrics]
    assert all(one.metrics["validation"] < 3.0 for one in trained)


@pytest.mark.parametrize(("strategy", "settings"), [("tpe", {}), ("nsga2", {"population": 10}), ("gp", {})])
def test_optunas_samplers_learn_where_limits_are_kept(strategy, settings, letters, run_search):
    """Of what they choose after the first thirty, more keeps the limit than of what is drawn: a letter in five is
    `a`, so that of four letters none is in 41 % of the words."""
    seeds = range(1 if strategy == "gp" else 5)
    kept = [
        one.feasible
        for seed in seeds
        for one in run_search(
            strategy, letters, Limited(letters, {"parameters": 0}), 50, seed=seed, **settings
        ).history.outcomes[30:]
    ]
    assert np.mean(kept) > 0.6


@pytest.mark.parametrize("strategy", ["random", "tpe", "nsga2", "gp"])
def test_nothing_keeps_the_limit(strategy, letters, run_search):
    """Not one value that is measured, for any objective."""
    settings = {"population": 4} if strategy == "nsga2" else {"startup": 4} if strategy == "gp" else {}
    objective = Limited(letters, {"parameters": -1}, names=SEVERAL)
    outcomes = run_search(strategy, letters, objective, 15, **settings).history.outcomes
    assert len({outcome.key for outcome in outcomes}) == 15
    assert {outcome.state for outcome in outcomes} == {"infeasible"} and not objective.calls


@pytest.fixture
def table(monkeypatch):
    """`nas-bench-graph/small` is a table of words."""
    found = small_table(noise=0.02)
    monkeypatch.setattr(plans, "is_table", lambda name: True)
    monkeypatch.setattr(plans, "find_table", lambda name: found)
    return found


@pytest.mark.parametrize("strategy", ["random", "nsga2", "tpe"])
def test_the_best_and_the_front_of_a_table_keep_the_limits(strategy, table, tmp_path):
    limits = {"parameters": 60, "validation": 0.6}
    found = gl.search(
        strategy, "small", trials=50, store=tmp_path, objectives=("validation", "latency"), constraints=limits
    )
    rows = {outcome.key: table.row(outcome.values) for outcome in found.outcomes}
    kept = {key for key, row in rows.items() if table.parameters[row] <= 60 and table.validation[row] >= 0.6}
    frame = found.df
    assert set(frame[frame.feasible == True].key) == kept  # noqa: E712 - a column of objects
    assert 0 < len(kept) < 50 and len(frame) == 50
    best = max(kept, key=lambda key: table.validation[rows[key]])
    assert found.best.key == best
    assert set(found.pareto().key) == {best}
    allowed = (table.parameters <= 60) & (table.validation >= 0.6)
    regret = found.regret
    assert regret.validation == pytest.approx(100 * (table.validation[allowed].max() - table.validation[rows[best]]))
    assert regret.test == pytest.approx(100 * (table.test[allowed].max() - table.test[rows[best]]))
    assert "broke parameters <= 60 or validation >= 0.6" in found.text
    assert found.to_json()["infeasible"] == 50 - len(kept)
    assert set(found.importances()["decision"]) == {f"letter_{i}" for i in range(4)}
    assert not np.isnan(found.importances()["importance"]).any()


def test_the_regret_is_of_what_validation_chooses_whatever_is_optimised(table, tmp_path):
    found = gl.search("random", "small", trials=30, store=tmp_path, objectives=("parameters", "validation"))
    chosen = max((table.row(outcome.values) for outcome in found.outcomes), key=table.validation.__getitem__)
    assert table.row(found.best.values) != chosen
    assert found.regret == table.regret(chosen, float(table.validation[chosen]))


def test_a_search_of_which_nothing_keeps_the_limits_says_so(table, tmp_path):
    found = gl.search("random", "small", trials=20, store=tmp_path, constraints={"parameters": 0.5, "validation": 0.9})
    nearest = min(
        found.outcomes,
        key=lambda one: (
            max(0, (one.metrics["parameters"] - 0.5) / 0.5) + max(0, (0.9 - one.metrics["validation"]) / 0.9)
        ),
    )
    said = "of 20 architectures none keeps parameters <= 0.5 and validation >= 0.9; the nearest has parameters "
    with pytest.raises(NothingFoundError, match=said) as caught:
        _ = found.best
    assert f"{nearest.metrics['parameters']:,.6g}" in caught.value.message
    assert set(found.df["feasible"]) == {False}
    assert found.front == ()


def test_limits_are_part_of_what_a_search_is(table, tmp_path):
    def name(**options):
        asked = SearchSpec("random", "small", None, 5, 0, store=str(tmp_path), **options)
        again = SearchSpec.from_json(json.loads(json.dumps(asked.to_json())))
        assert SearchPlan(again).name == SearchPlan(asked).name
        return SearchPlan(asked).name

    names = [name(), *(name(constraints={"parameters": value}) for value in (10, 11))]
    assert len(set(names)) == 3
    assert name(constraints={}) == names[0]
    assert name(constraints={"parameters": 10.0}) == names[1]


def search(tmp_path, **options):
    data = example("node-classification")
    return gl.search("random", data, space="gcn", store=tmp_path, **{"trials": 6, **SHORT, **options})


def test_what_is_known_before_training_costs_none(tmp_path):
    free = search(tmp_path / "free").df
    limit = float(free.parameters.median())
    found = search(tmp_path / "store", constraints={"parameters": limit})
    frame = found.df
    assert list(frame.key) == list(free.key)
    assert list(frame.parameters) == list(free.parameters)
    assert list(frame.feasible) == list(free.parameters <= limit)
    assert len(gl.runs(tmp_path / "store", trials=True)) == len(found.finished) == sum(free.parameters <= limit)
    kept = frame[frame.feasible == True]  # noqa: E712
    assert list(kept.validation) == list(free[free.parameters <= limit].validation)
    assert frame[frame.feasible == False].validation.isna().all()  # noqa: E712
    assert found.best.key in set(kept.key)


@pytest.mark.parametrize(("metric", "limit"), [("bits", 8.0), ("latency", 1e-9), ("synflow", 1e30)])
def test_everything_but_the_outcome_is_known_before_training(metric, limit, tmp_path):
    found = search(tmp_path, trials=2, constraints={metric: limit})
    assert {outcome.state for outcome in found.outcomes} == {"infeasible"}
    assert all(set(outcome.metrics) == {metric} for outcome in found.outcomes)
    assert len(gl.runs(tmp_path, trials=True)) == 0


def test_a_limit_on_the_outcome_is_known_after_training(tmp_path):
    found = search(tmp_path, constraints={"validation": 2.0}, trials=2)
    assert {outcome.state for outcome in found.outcomes} == {"infeasible"}
    assert all(outcome.metrics["validation"] <= 1 for outcome in found.outcomes)
    assert len(gl.runs(tmp_path, trials=True)) == 2


def test_shared_weights_and_limits(tmp_path):
    options = {"trials": 8, "store": tmp_path, "sharing": 1, "seed": 2, **SHORT}
    found = gl.search(
        "random", example("node-classification"), space="gnn-micro", constraints={"parameters": 3000}, **options
    )
    assert {outcome.state for outcome in found.outcomes} == {"finished", "infeasible"}
    assert all(
        ("validation" in outcome.metrics) == (outcome.metrics["parameters"] <= 3000) for outcome in found.outcomes
    )


def test_bits_are_those_that_parameters_take(tmp_path):
    found = search(tmp_path, objectives=("validation", "bits"), trials=3)
    assert list(found.df.bits) == [32 * count for count in found.df.parameters]


def test_a_model_that_stores_its_weights_in_fewer_bits_says_so():
    class Small(GCN):
        @property
        def num_bits(self):
            return sum(4 * one.numel() for one in self.parameters())

    spec = DataSpec("graphs", (Target("y", "graph", "class", 1),), node=Continuous(3))
    settings = find_model("gcn").config(hidden_dim=8)
    head = torch.nn.Linear(8, 2, dtype=torch.float64)
    head.bias.requires_grad_(False)
    whole, small = Learner(GCN(settings, spec), head), Learner(Small(settings, spec), head)
    own = sum(outcome.numel() for outcome in whole.model.parameters())
    assert whole.num_bits == 32 * own + 64 * 16
    assert small.num_bits == 4 * own + 64 * 16
    assert whole.num_parameters == small.num_parameters == own + 16


@pytest.mark.parametrize(("direction", "kept", "broken"), [("minimize", 9.0, 12.0), ("maximize", 12.0, 8.0)])
def test_the_excess_is_a_share_of_the_limit(direction, kept, broken):
    limit = Limit("latency", 10.0, direction)
    assert limit.excess(kept) <= 0 < limit.excess(broken) == pytest.approx(0.2)
    assert limit.excess(10.0) == 0
    assert Limit("synflow", 0.0, direction).excess(0.0) == 0


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"test": 0.5}, "does not measure 'test'"),
        ({"parameter": 5}, "does not measure 'parameter'"),
        ({"parameters": "many"}, "cannot be limited to 'many'"),
        ({"parameters": float("nan")}, "cannot be limited to nan"),
        ({"parameters": True}, "cannot be limited to True"),
    ],
)
def test_limits_that_are_none_are_refused_before_anything_is_written(wrong, said, tmp_path):
    with pytest.raises(ConfigError, match=said):
        search(tmp_path / "store", constraints=wrong)
    assert not (tmp_path / "store").exists()
    with pytest.raises(ConfigError):
        make_limits(wrong, {"parameters": "minimize", "validation": "maximize"})


def test_limits_of_the_command_line():
    assert parse_limits(["parameters=50_000", "validation = 0.7"]) == {"parameters": 50000.0, "validation": 0.7}
    for wrong in ("parameters", "parameters=", "parameters<=5", "=5", "parameters=5k"):
        with pytest.raises((InputError, ConfigError)):
            make_limits(parse_limits([wrong]), {"parameters": "minimize"})
    with pytest.raises(InputError, match="two limits"):
        parse_limits(["latency=1", "latency=2"])


def test_the_command(cli, tmp_path):
    words = ["search", "random", "karate", "--space", "gcn", "--trials", 6, "--on", "validation", "--store", tmp_path]
    words += ["--set", "training.epochs=2"]
    found = cli(*words, "--constraint", "parameters=2000", "--constraint", "latency=10", "--json")
    assert found.code == 0
    assert found.json["best"]["parameters"] <= 2000
    assert 0 < found.json["infeasible"] == 6 - found.json["finished"]
    none = cli(*words, "--constraint", "parameters=1", "--json")
    assert none.code == 1
    assert "none keeps parameters <= 1" in none.json["error"]["message"]
    assert (none.json["trials"], none.json["infeasible"], none.json["finished"]) == (6, 6, 0)
    assert cli(*words, "--constraint", "parameters<=5").code == 2


@pytest.mark.real_data
def test_the_command_on_a_table(cli, tmp_path):
    words = ["search", "nsga2", "nas-bench-graph/cora", "--trials", 60, "--store", tmp_path, "--json"]
    found = cli(*words, "--objectives", "validation,latency", "--constraint", "parameters=600000")
    assert found.code == 0
    assert found.json["infeasible"] > 0
    assert all(one["parameters"] <= 600_000 for one in found.json["front"])


@pytest.mark.parametrize("strategy", ["evolution", "local-search", "agnn", "bayesian", "predictor"])
def test_own_strategies_learn_where_limits_are_kept(strategy, letters, run_search):
    """At most one letter that is not `e`, as in 17 of 625 words, while each `e` is worth least: nothing but how far the
    limit is broken leads there."""

    class Few(Score):
        def __init__(self, space):
            super().__init__(space)
            self.directions = {**self.directions, "letters": "minimize"}
            self.limit({"letters": 1})

        def evaluate(self, values, on_step):
            found = super().evaluate(values, on_step)
            return Evaluation({**found.metrics, "letters": sum(letter != "e" for letter in values.values())})

    def kept(name, **settings):
        runs = (run_search(name, letters, Few(letters), 60, seed=seed, **settings) for seed in range(3))
        return sum(outcome.feasible is True for run in runs for outcome in run.history.outcomes)

    letters.decisions = tuple(Decision(one.name, one.range, one.name) for one in letters.decisions)
    own = {"population": 10} if strategy == "evolution" else {"startup": 10}
    assert kept(strategy, **own) > 2 * kept("random")


def test_what_breaks_a_limit_less_ranks_higher_and_below_what_keeps_it(letters, run_search):
    outcomes = run_search("random", letters, Limited(letters, {"parameters": 1}), 40).history.outcomes
    order = sorted((outcome for outcome in outcomes), key=lambda outcome: outcome.rank)
    counts = [count_of(one) for one in order]
    broken = [count for count in counts if count > 1]
    assert counts[: len(broken)] == sorted(broken, reverse=True) and broken
    kept = [one.score for one in order[len(broken) :]]
    assert kept == sorted(kept)
    scores = scores_of(order)
    assert scores[len(broken) :] == kept
    assert scores == sorted(scores) and scores[0] >= kept[0] - (kept[-1] - kept[0])
