"""Searches that race over real trainings: pauses that change nothing, the report, and what is refused."""

from __future__ import annotations

import math
import statistics

import numpy as np
import pytest
import torch

import graphlab as gl
from graphlab.core.errors import ConfigError, IncompatibleError, InputError
from graphlab.core.seeds import SeedStream
from graphlab.experiment.run import run_plans
from graphlab.nas.core.fidelity import Fidelity
from graphlab.nas.objectives.inner import searched
from graphlab.nas.objectives.training import TrainingObjective
from graphlab.nas.registry import find_space
from graphlab.nas.results.report import report_interval
from graphlab.nas.surrogates.shrunk import shrunk_to_neighbours
from graphlab.records.store import Store
from graphlab.testing.examples import example
from graphlab.testing.searches import Letters

SHORT = {"training.epochs": 9}


def silent(step, value):
    pass


def race(store, strategy="agnn", epochs=200, **options):
    settings = {"race.share": 0.4, **SHORT, **options.pop("settings", {})}
    options_of_search = {"racing": "asha", "on": "validation", "device": "cpu", **options}
    return gl.search(strategy, "karate", space="gcn", total_epochs=epochs, store=store, **options_of_search, **settings)


def objective(store, data="node-classification"):
    space = find_space("gcn")
    return TrainingObjective(
        searched(example(data), "validation", 0, keeps_report=True), space, Store(store), seeds=(0, 1), settings=SHORT
    )


def test_a_training_in_rungs_is_the_training_at_once(tmp_path):
    in_rungs, at_once = objective(tmp_path / "rungs"), objective(tmp_path / "once")
    values = in_rungs.space.sample(SeedStream(3).numpy())
    parts = [
        in_rungs.evaluate_at(values, Fidelity(share, 0, before, is_new=not before, lowest=1 / 9), silent)
        for share, before in ((1 / 9, 0.0), (1 / 3, 1 / 9), (1.0, 1 / 3))
    ]
    whole = at_once.evaluate_at(values, Fidelity(1.0, 0, is_new=True, lowest=1 / 9), silent)
    assert parts[-1].runs == whole.runs
    for name in ("validation", "parameters", "report"):
        assert parts[-1].metrics[name] == whole.metrics[name]
    assert [part.metrics["epochs"] for part in parts] == [1.0, 2.0, 6.0] and whole.metrics["epochs"] == 9.0
    assert parts[0].metrics["validation_lowest_rung"] == whole.metrics["validation_lowest_rung"]
    assert "report" not in parts[0].metrics
    best = [
        torch.load(tmp_path / folder / whole.runs[0] / "best.pt", weights_only=True)["model"]
        for folder in ("rungs", "once")
    ]
    assert all(torch.equal(best[0][name], best[1][name]) for name in best[0])


def test_a_search_in_a_store_is_the_same_after_a_stop(tmp_path, monkeypatch):
    whole = race(tmp_path / "whole")

    def shown(found):
        return [(outcome.key, outcome.fidelity, outcome.score) for outcome in found.outcomes]

    evaluate, calls = TrainingObjective.evaluate_at, []

    def stop_once(self, values, fidelity, on_step):
        calls.append(fidelity)
        if len(calls) in (4, 9, 15):
            raise KeyboardInterrupt
        return evaluate(self, values, fidelity, on_step)

    monkeypatch.setattr(TrainingObjective, "evaluate_at", stop_once)
    for _ in range(3):
        with pytest.raises(KeyboardInterrupt):
            race(tmp_path / "stopped")
    assert shown(race(tmp_path / "stopped")) == shown(whole)


def test_the_answer_is_a_mean_over_seeds_and_no_worse_than_the_recipe(tmp_path):
    raced = race(tmp_path, epochs=240)
    best, frame = raced.best, raced.race.df
    assert best.metrics["seeds"] >= 2
    whole = raced.race.whole(best.key)
    assert best.metrics["validation"] == pytest.approx(statistics.fmean(o.metrics["validation"] for o in whole))
    recipe = frame[frame["start"] == "recipe"].iloc[0]
    answer = frame[frame["key"] == best.key].iloc[0]
    assert answer["estimate"] >= recipe["estimate"] and not answer["is_dropped"]
    assert sum(outcome.epochs for outcome in raced.outcomes) <= 240
    assert raced.front == (best,)
    assert set(raced.curve) == {"evaluation", "epochs", "found", "best"}
    assert f"the mean over {best.metrics['seeds']:.0f} seeds" in raced.text
    assert raced.to_json()["racing"]["ladder"] == "asha" and raced.to_json()["starts"] == ["recipe"]


def test_the_report_has_hand_set_networks_and_a_random_search_of_no_more_epochs(tmp_path):
    found = race(tmp_path)
    report = found.report(random=True)
    names = [row.network for row in report.rows]
    assert names[0] == "answer" and "recipe" in names and names[-1] == "random search"
    answer, random = report.rows[0], report.rows[-1]
    assert random.epochs <= answer.epochs == sum(outcome.epochs for outcome in found.outcomes)
    assert answer.drop == pytest.approx(answer.validation - answer.report)
    low, high = answer.report_interval
    assert 0 <= low < answer.report < high <= 1
    assert report.to_json()["networks"][0]["network"] == "answer"
    assert "&lt;" not in report._repr_html_() and "answer" in repr(report)


def test_a_search_without_a_race_has_a_report_too(tmp_path):
    searched = gl.search("random", "karate", space="gcn", trials=3, seeds=2, store=tmp_path, device="cpu", **SHORT)
    row = searched.report().rows[0]
    values = searched.seed_values(searched.best)
    assert row.seeds == 2 and row.validation == pytest.approx(searched.best.metrics["validation"])
    assert row.report == pytest.approx(searched.best.metrics["report"]) == statistics.fmean(values["report"])


def test_the_report_part_is_the_test_part_of_the_search_and_never_the_official_one(tmp_path):
    search = objective(tmp_path)
    values = search.space.sample(SeedStream(3).numpy())
    plan = search.plan(values)
    runs = run_plans([plan], [0], Store(tmp_path / "again"), device="cpu", workers=1)[0]
    found = search.evaluate_at(values, Fidelity(1.0, 0, is_new=True), silent)
    assert found.metrics["report"] == runs.records[0].result.test["accuracy"]
    official = example("node-classification").split().test
    assert not torch.isin(search.dataset.split().test, official).any()


@pytest.mark.parametrize("p", [0.5, 0.9, 0.99])
def test_the_interval_covers_the_value_of_a_test_part(p):
    random = np.random.default_rng(0)
    covered = 0
    for _ in range(600):
        low, high = report_interval([random.binomial(100, p) / 100], 100, 300, "accuracy")
        covered += low <= random.binomial(300, p) / 300 <= high
    assert 0.92 < covered / 600 <= 1
    assert report_interval([0.2, 0.3], 10, 10, "mae") is None
    assert report_interval([1.0], 100, 1000, "accuracy")[1] == 1.0
    narrow, wide = (report_interval(values, 1000, 1000, "accuracy") for values in ([0.5, 0.5], [0.4, 0.6]))
    assert wide[0] < narrow[0] < narrow[1] < wide[1]


def test_estimates_follow_neighbours_where_seeds_are_few():
    """Scores are smooth in the letters; with one noisy value each, the estimates are nearer to the truth."""
    space, random = Letters(), np.random.default_rng(0)
    words = [space.sample(random) for _ in range(120)]
    words = list({space.key(word): word for word in words}.values())
    truth = [sum("edcba".index(letter) for letter in word.values()) / 8 for word in words]
    scores = [[t + random.normal(0, 0.5) for _ in range(1 + (i % 4 == 0))] for i, t in enumerate(truth)]
    estimates = shrunk_to_neighbours(space, words, scores)

    def error(values):
        return math.sqrt(statistics.fmean((a - b) ** 2 for a, b in zip(values, truth, strict=True)))

    assert error(estimates) < 0.7 * error([statistics.fmean(own) for own in scores])
    order = random.permutation(len(words))
    again = shrunk_to_neighbours(space, [words[i] for i in order], [scores[i] for i in order])
    assert np.allclose(np.array(estimates)[order], again, atol=1e-8)


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"racing": "fast"}, ConfigError, "ladder"),
        ({"settings": {"race.eta": 1}}, ConfigError, "eta"),
        ({"settings": {"race.seeds": 3}}, ConfigError, "seeds"),
        ({"sharing": 4, "space": "gnn-micro"}, ConfigError, "a race stops trainings itself"),
        ({"prune": True}, ConfigError, "a race stops trainings itself"),
        ({"objectives": "parameters"}, ConfigError, "validation alone"),
        ({"strategy": "tpe"}, IncompatibleError, "whole evaluations alone"),
        ({"racing": None}, ConfigError, "race.share is of a race"),
        ({"total_epochs": 0}, ConfigError, "cannot take 0 epochs"),
        ({"total_epochs": math.inf}, ConfigError, "cannot take inf epochs"),
        ({"start": ["gat"]}, ConfigError, "no hand-set network 'gat'"),
        ({"start": {"mine": {"hidden_dim": 3}}}, InputError, "hidden_dim"),
    ],
)
def test_what_cannot_race_is_refused(options, error, words, tmp_path):
    options_of_search = {
        "strategy": "random",
        "space": "gcn",
        "total_epochs": 100,
        "racing": "asha",
        "settings": {"race.share": 0.4},
    }
    options_of_search |= options
    settings = options_of_search.pop("settings")
    with pytest.raises(error, match=words):
        gl.search(
            dataset="karate", on="validation", store=tmp_path, device="cpu", **options_of_search, **SHORT, **settings
        )


def test_hand_set_networks_can_be_named_left_out_or_one_s_own(tmp_path):
    options_of_search = {
        "space": "gnn-micro",
        "trials": 3,
        "on": "validation",
        "store": tmp_path,
        "device": "cpu",
        **SHORT,
    }
    some = gl.search("random", "karate", start=["gcn", "gat"], **options_of_search)
    assert [outcome.start for outcome in some.outcomes] == ["gcn", "gat", ""]
    own = dict(some.outcomes[2].values)
    mine = gl.search("random", "karate", start={"mine": own}, **options_of_search)
    assert mine.outcomes[0].start == "mine" and mine.outcomes[0].key == some.outcomes[2].key
    none = gl.search("random", "karate", start=False, **options_of_search)
    assert all(not outcome.start for outcome in none.outcomes)
    assert len({found.study.study_name for found in (some, mine, none)}) == 3


def test_the_command_races_and_reports(tmp_path, cli):
    words = [
        "search",
        "random",
        "karate",
        "--space",
        "gcn",
        "--on",
        "validation",
        "--racing",
        "asha",
        "--total-epochs",
        "120",
    ]
    found = cli(*words, "--set", "training.epochs=9", "--report", "--json", "--store", tmp_path).json
    assert found["epochs"] <= 120 and found["racing"]["eta"] == 3
    assert [row["network"] for row in found["report"]["networks"]][::2][0] == "answer"


def test_what_controllers_did_can_be_watched(tmp_path):
    found = gl.search("agnn", "karate", trials=14, sharing=2, on="validation", store=tmp_path, device="cpu", **SHORT)
    trace = found.trace
    kinds = list(found.plan.space.kinds)
    assert len(trace) == 14 - len(found.plan.starts)
    assert ((trace[kinds] > 0) & (trace[kinds] <= 1)).all(axis=None)
    assert trace["inherited"].between(0, 1).all()
    scores = {outcome.key: outcome.score for outcome in found.outcomes}
    for row, outcome in zip(trace.itertuples(), found.outcomes[len(found.plan.starts) :], strict=True):
        parent = found.plan.space.key(outcome.notes["changes"][0]["in"])
        assert row.gain == pytest.approx(outcome.score - scores[parent])
        assert set(row.changed) <= set(kinds)
    assert found.plot_trace().render("png")
    other = gl.search("random", "karate", trials=2, on="validation", store=tmp_path, device="cpu", **SHORT)
    with pytest.raises(InputError, match="no controllers"):
        other.plot_trace()


def test_a_budget_of_seconds_ends_a_search(tmp_path):
    searched = gl.search("random", "karate", space="gcn", total_seconds=0.3, store=tmp_path, device="cpu", **SHORT)
    seconds = [outcome.seconds for outcome in searched.outcomes]
    assert sum(seconds[:-1]) < 0.3 and len(seconds) >= 1
    again = gl.search("random", "karate", space="gcn", total_seconds=0.3, store=tmp_path, device="cpu", **SHORT)
    assert [outcome.key for outcome in again.outcomes] == [outcome.key for outcome in searched.outcomes]


def test_shared_weights_are_inherited_from_hand_set_networks(tmp_path):
    searched = gl.search("agnn", "karate", trials=8, sharing=2, on="validation", store=tmp_path, device="cpu", **SHORT)
    starts = [outcome for outcome in searched.outcomes if outcome.start]
    assert all(outcome.metrics["inherited"] == 0 and outcome.metrics["epochs"] == 9 for outcome in starts)
    first, *rest = searched.outcomes[len(starts) :]
    parent = first.notes["changes"][0]["in"]
    assert searched.plan.space.key(parent) in {outcome.key for outcome in starts}
    assert any(outcome.metrics["inherited"] > 0.9 and outcome.metrics["epochs"] == 2 for outcome in (first, *rest))
