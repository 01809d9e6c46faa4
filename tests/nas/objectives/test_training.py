"""Searches that train: the inner split, the objective, and gl.search as a user has it."""

from __future__ import annotations

import itertools
import json
import os
import signal
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

import graphlab as gl
from graphlab.core.errors import ConfigError, DivergenceError, IncompatibleError, InputError
from graphlab.experiment.plan import plan_of
from graphlab.nas.objectives.inner import HELD_OUT, REPORTED, has_report, searched
from graphlab.nas.objectives.training import TrainingObjective, _Steps
from graphlab.nas.plan import SearchPlan, SearchSpec
from graphlab.nas.registry import find_space, find_table
from graphlab.nas.results.result import NothingFoundError
from graphlab.nas.results.selection import select
from graphlab.records.store import Store
from graphlab.testing.examples import example

SHORT = {"training.epochs": 6}


@pytest.mark.parametrize("name", ["node-classification", "graph-classification", "graph-regression"])
def test_the_inner_split_is_drawn_from_the_training_part_alone(name):
    data = example(name)
    official, inner = data.split(), searched(data, "train", 0).split()
    both = torch.cat([inner.train, inner.validation])
    assert torch.equal(both.sort().values, official.train.sort().values)
    assert len(both.unique()) == len(both)
    assert torch.equal(inner.test, official.validation)
    assert has_report(searched(data, "train", 0))
    assert abs(len(inner.validation) / len(both) - HELD_OUT) < 0.15
    assert not torch.isin(inner.validation, official.test).any()


def test_the_inner_split_has_every_class_and_is_the_search_seed_s():
    data = example("node-classification")
    y = data.graph["y"]
    first, again, other = (searched(data, "train", seed).split() for seed in (0, 0, 1))
    assert torch.equal(first.validation, again.validation)
    assert not torch.equal(first.validation, other.validation)
    assert set(y[first.validation].tolist()) == set(y[data.split().train].tolist())


def test_on_validation_the_official_test_is_not_there_either():
    data = example("node-classification")
    split = searched(data, "validation", 0).split()
    assert torch.equal(split.train, data.split().train)
    assert torch.equal(split.validation, data.split().validation)
    assert torch.equal(split.test, split.validation)
    assert not has_report(searched(data, "validation", 0))


def test_a_search_that_keeps_a_report_does_not_see_a_fifth_of_validation():
    data = example("node-classification")
    split = searched(data, "validation", 0, keeps_report=True).split()
    assert torch.equal(split.train, data.split().train)
    official = data.split().validation
    assert torch.equal(torch.cat([split.validation, split.test]).sort().values, official.sort().values)
    assert len(split.test) == max(1, round(REPORTED * len(official)))
    assert has_report(searched(data, "validation", 0, keeps_report=True))


def test_what_messages_go_over_is_not_held_out_of_validation():
    data = searched(example("kg-transductive"), "validation", 0, keeps_report=True)
    assert torch.equal(data.split().validation, data.split().test)
    assert not has_report(data)


def test_data_whose_training_part_carries_messages_has_no_inner_split():
    with pytest.raises(IncompatibleError, match="has no inner split"):
        searched(example("kg-transductive"), "train", 0)


def objective(tmp_path, **options):
    data = searched(example("node-classification"), "train", 0)
    return TrainingObjective(
        data, find_space("gcn"), Store(tmp_path), settings=options.pop("settings", SHORT), **options
    )


VALUES = {"hidden_dim": 8, "num_layers": 2, "dropout": 0.0, "training.lr": 0.01, "training.weight_decay": 1e-5}


def test_an_evaluation_is_what_gl_run_gives(tmp_path):
    found = objective(tmp_path, seeds=(0, 1)).evaluate(VALUES, lambda step, value: None)
    data = searched(example("node-classification"), "train", 0)
    runs = gl.run("gcn", data, seeds=2, store=tmp_path / "other", **SHORT, **VALUES)
    expected = [record.result.validation["accuracy"] for record in runs.records]
    assert found.metrics["validation"] == pytest.approx(sum(expected) / 2, abs=1e-12)
    assert found.metrics["parameters"] == runs.records[0].result.num_parameters
    assert len(found.runs) == 2 and not {*found.runs} & {record.id for record in runs}  # trials are no runs
    assert "test" not in found.metrics


def test_every_epoch_is_reported_and_then_the_seeds(tmp_path):
    steps = []
    objective(tmp_path, seeds=(0, 1)).evaluate(VALUES, lambda step, value: steps.append(step))
    assert steps == [1, 2, 3, 4, 5, 6, 7, 8]


def test_latency_is_measured_where_it_is_asked_for(tmp_path):
    found = objective(tmp_path, names=("validation", "latency")).evaluate(VALUES, lambda step, value: None)
    assert found.metrics["latency"] > 0
    assert "latency" not in objective(tmp_path).evaluate(VALUES, lambda step, value: None).metrics


@pytest.mark.parametrize(("name", "best"), [("graph-classification", "max"), ("graph-regression", "min")])
def test_graphs_are_searched_by_their_own_metric(tmp_path, name, best):
    found = gl.search("random", example(name), space="gin", trials=3, store=tmp_path, **{"training.epochs": 2})
    assert found.best.metrics["validation"] == getattr(found.df["validation"], best)()


def test_what_diverges_says_so(tmp_path):
    found = objective(tmp_path, settings={**SHORT, "training.optimizer": "sgd", "training.weight_decay": 1e30})
    with pytest.raises(DivergenceError, match="the validation accuracy is nan"):
        found.evaluate({"hidden_dim": 8, "num_layers": 2}, lambda step, value: None)


def search(tmp_path, strategy="random", **options):
    defaults = {"space": "gcn", "trials": 5, **SHORT}
    return gl.search(strategy, example("node-classification"), store=tmp_path, **{**defaults, **options})


def test_a_search_from_names_to_the_front(tmp_path):
    found = search(tmp_path, objectives=("validation", "parameters"), trials=8)
    frame = found.df
    assert len(frame) == 8
    front = found.pareto()
    for row in front.itertuples():
        better = frame[(frame.validation >= row.validation) & (frame.parameters <= row.parameters)]
        assert set(better.key) <= set(front.key) | {row.key} or len(better[better.validation > row.validation]) == 0
    assert found.best.metrics["validation"] == frame.validation.max()
    assert front.validation.iloc[0] == frame.validation.max()
    assert found.regret is None
    assert json.loads(json.dumps(found.to_json()))["trials"] == 8
    assert "<table>" in found._repr_html_()
    assert str(found.best.values["hidden_dim"]) in repr(found)


def test_the_front_is_retrained_on_the_official_split(tmp_path):
    found = search(tmp_path)
    runs = found.retrain(2)[found.best.key]
    assert [record.seed for record in runs.records] == [0, 1]
    official = gl.run(
        "gcn", example("node-classification"), seeds=2, store=tmp_path / "o", **SHORT, **found.best.values
    )
    assert [r.id for r in runs.records] == [r.id for r in official.records]


def test_what_a_leaderboard_forbids_to_search_on_is_not_eligible(tmp_path):
    """Search, runs and comparison say so, and the runs are others than those of somebody who broke no rule."""
    said = "not eligible for Board, whose rules forbid a search on validation labels"
    free = example("node-classification")
    ruled = replace(free, card=replace(free.card, forbids_search="Board"))
    eligible = [searching(free, "validation", tmp_path), searching(ruled, "train", tmp_path)]
    for found in eligible:
        assert "eligib" not in repr(found) and "eligibility" not in found.to_json()
        assert "eligib" not in repr(found.retrain(2)[found.best.key])
    found = searching(ruled, "validation", tmp_path)
    assert said in repr(found) and found.to_json()["eligibility"] == said
    runs = found.retrain(2)[found.best.key]
    assert repr(runs).endswith(f"; {said})") and runs.to_json()["runs"][1]["eligibility"] == said
    assert {r.id for r in Store(tmp_path).records() if r.eligibility == said} == {r.id for r in runs}
    board = gl.leaderboard(runs.dataset, store=tmp_path)
    assert list(board[board["verdict"] == "not eligible"]["why"]) == [said]
    assert {r.id for r in runs}.isdisjoint(r.id for r in eligible[0].retrain(2)[found.best.key])
    assert plan_of(runs[0].spec, ruled).spec(0) == runs[0].spec


def searching(data, on, store):
    return gl.search("random", data, space="gcn", trials=2, on=on, store=store, **SHORT)


def test_the_top_are_retrained_and_ranked_by_their_mean_over_seeds(tmp_path):
    found = search(tmp_path, trials=6)
    runs = found.retrain_top(3, seeds=2)
    best = sorted(found.outcomes, key=lambda one: -one.metrics["validation"])[:3]
    assert set(runs) == {one.key for one in best}
    means = [np.mean([r.result.validation["accuracy"] for r in own.records]) for own in runs.values()]
    assert means == sorted(means, reverse=True)
    assert len(set(means)) > 1
    assert [len(own) for own in runs.values()] == [2, 2, 2]
    with pytest.raises(InputError, match="0 architectures"):
        found.retrain_top(0)


def test_a_result_is_selected_by_rule(tmp_path):
    found = search(tmp_path, trials=6)
    assert found.select() is found.best
    assert found.select("smoothed").key == select(found.outcomes, found.plan.space, "smoothed").key
    with pytest.raises(InputError, match="no rule"):
        found.select("luckiest")


def test_curve_importances_and_picture(tmp_path):
    found = search(tmp_path, trials=6)
    curve = found.curve
    assert list(curve["best"]) == list(curve["found"].cummax())
    weights = found.importances()
    assert set(weights["decision"]) == {decision.name for decision in found.plan.space.decisions}
    assert found.plot().save(tmp_path / "curve.png").stat().st_size > 5000
    both = search(tmp_path, objectives=("validation", "parameters"))
    assert both.plot().save(tmp_path / "front.png").stat().st_size > 5000


def test_the_curve_of_what_is_minimised_shows_the_best(tmp_path):
    found = gl.search(
        "random", example("graph-regression"), space="gin", trials=4, store=tmp_path, **{"training.epochs": 2}
    )
    axes = found.plot().axes[0]
    low, high = axes.get_ylim()
    assert low < found.df["validation"].min() < high < found.df["validation"].max()


def test_a_search_of_which_nothing_finished_says_so_wherever_it_is_shown(tmp_path):
    diverges = {"training.optimizer": "sgd", "training.weight_decay": 1e30, "training.epochs": 2}
    data = example("node-classification")
    found = gl.search("random", data, space="gnn-micro", trials=2, store=tmp_path, **diverges)
    with pytest.raises(
        NothingFoundError, match="no architecture of 2 finished; the first error: the validation accuracy is nan"
    ):
        _ = found.best
    assert repr(found).startswith(f"random on own/{data.name}-85325a3e@public: no architecture of 2 finished")
    assert len(found.pareto()) == 0 and "no architecture of 2" in found._repr_html_()
    assert found.plot().save(tmp_path / "curve.png").stat().st_size > 5000


def test_a_search_is_kept_and_costs_nothing_again(tmp_path):
    first = search(tmp_path)
    runs = len(gl.runs(tmp_path))
    again = search(tmp_path)
    assert [outcome.key for outcome in again.outcomes] == [outcome.key for outcome in first.outcomes]
    assert len(gl.runs(tmp_path)) == runs


def test_pruned_evaluations_are_on_record(tmp_path):
    found = search(tmp_path, trials=16, prune=True)
    states = found.df["state"].value_counts()
    assert len(found.outcomes) == 16
    assert states.get("pruned", 0) > 0
    assert found.best.state == "finished"


def states(found):
    """What became of each evaluation, and what was reported of it."""
    reports = [found.study.trials[outcome.number].intermediate_values for outcome in found.outcomes]
    return [(one.key, one.state, report) for one, report in zip(found.outcomes, reports, strict=True)]


@pytest.mark.parametrize("epoch", [27, 36])
def test_a_pruned_search_that_was_stopped_ends_like_one_that_was_not(tmp_path, monkeypatch, epoch):
    """Within a training and right after one: the epochs before the stop are reported again."""
    options = {"trials": 14, "prune": True}
    whole = search(tmp_path / "whole", **options)
    epochs = itertools.count(1)

    def stop(steps, spec, *row):
        if next(epochs) == epoch:
            os.kill(os.getpid(), signal.SIGINT)
        return told(steps, spec, *row)

    told = _Steps.epoch
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(_Steps, "epoch", stop)
        search(tmp_path / "stopped", **options)
    assert states(search(tmp_path / "stopped", **options)) == states(whole)
    assert {state for _, state, _ in states(whole)} == {"finished", "pruned"}


def test_what_was_trained_before_is_pruned_as_if_it_were_trained_now(tmp_path):
    """The store may hold the runs of another search, which pruned nothing."""
    whole = search(tmp_path / "empty", trials=14, prune=True)
    search(tmp_path / "full", trials=14)
    assert states(search(tmp_path / "full", trials=14, prune=True)) == states(whole)


@pytest.mark.parametrize(
    ("options", "error", "said"),
    [
        ({"objectives": ("test",)}, ConfigError, "'test' is no objective"),
        ({"objectives": ("validation", "validation")}, ConfigError, "different"),
        ({"trials": 0}, InputError, "at least one trial"),
        ({"on": "test"}, ConfigError, "not on 'test'"),
        ({"strategy": "evolution", "objectives": ("validation", "parameters")}, IncompatibleError, "one objective"),
        ({"strategy.population": 3}, ConfigError, "population"),
        ({"training.epochz": 3}, ConfigError, "epochz"),
        ({"workers": 0}, InputError, "workers"),
        ({"seed": -1}, InputError, "seed -1 is negative"),
        ({"seed": 1.5}, InputError, "cannot read seeds"),
        ({"space": 5}, InputError, "search space is given by its name"),
        ({"objectives": None}, InputError, "objectives cannot be None"),
        ({"objectives": [5]}, InputError, "metric is given by its name"),
        ({"constraints": {5: 3}}, InputError, "metric is given by its name"),
        ({"launcher": None}, InputError, "launcher is given by its name"),
        ({"prune": True, "strategy": "nsga2", "objectives": ("validation", "parameters")}, ConfigError, "not pruned"),
    ],
)
def test_what_cannot_be_searched_is_refused_before_anything_is_written(tmp_path, options, error, said):
    with pytest.raises(error, match=said):
        search(tmp_path / "store", **options)
    assert not (tmp_path / "store").exists()


def test_the_command(cli, tmp_path):
    words = ["search", "random", "karate", "--space", "gcn", "--trials", 3, "--on", "validation", "--store", tmp_path]
    found = cli(*words, "--set", "training.epochs=5", "--plot", tmp_path / "curve.svg", "--json")
    assert found.code == 0
    assert found.json["trials"] == 3
    assert found.json["searched_on"] == "validation"
    assert found.json["best"]["architecture"]["hidden_dim"] >= 1
    assert (tmp_path / "curve.svg").exists()
    assert cli(*words, "--set", "training.epochs=5").out.startswith("random on karate")
    assert cli("search", "randon", "karate").code == 2
    listed = cli("strategies", "--json").json
    assert {"random", "agnn", "graphnas", "tpe"} <= {row["name"] for row in listed}


@pytest.mark.real_data
def test_the_command_on_a_table(cli, tmp_path):
    found = cli(
        "search", "evolution", "nas-bench-graph/cora", "--trials", 30, "--seed", 3, "--store", tmp_path, "--json"
    )
    assert found.code == 0
    regret = found.json["regret"]
    assert set(regret) == {"validation", "test"}
    best = found.json["best"]
    assert regret["validation"] == pytest.approx(100 * (find_table("cora").validation.max() - best["validation"]))
    assert regret["test"] == pytest.approx(83.1333 - 100 * best["test"], abs=1e-3)


def test_importances_are_drawn_the_highest_on_top(tmp_path):
    found = search(tmp_path, trials=8)
    axes = found.plot_importances().axes[0]
    widths = [bar.get_width() for bar in axes.patches]
    assert widths == sorted(widths) == found.importances()["importance"][::-1].tolist()
    assert [label.get_text() for label in axes.get_yticklabels()] == found.importances()["decision"][::-1].tolist()
    assert found.plot_importances().save(tmp_path / "importances.png").stat().st_size > 5000


def test_numbers_of_numpy_are_those_of_python(tmp_path):
    first = search(tmp_path, trials=2, seed=1, constraints={"parameters": 90})
    again = search(
        tmp_path,
        trials=2,
        seed=np.int64(1),
        constraints={"parameters": np.int64(90)},
        **{"training.epochs": np.int64(6)},
    )
    assert again.study.study_name == first.study.study_name
    assert [outcome.number for outcome in again.outcomes] == [outcome.number for outcome in first.outcomes]


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"on": "validation"}, "on means nothing there"),
        ({"prune": True}, "prune means nothing there"),
        ({"training.lr": 0.1}, "training.lr means nothing there"),
        ({"device": "nonsense"}, "device 'nonsense' cannot be used"),
    ],
)
def test_what_means_nothing_for_a_table_is_refused(options, said, tmp_path):
    with pytest.raises(InputError, match=said):
        gl.search("random", "nas-bench-graph/cora", trials=1, store=tmp_path / "store", **options)
    assert not (tmp_path / "store").exists()


@pytest.mark.real_data
def test_a_table_is_searched_by_its_path_and_supernets_on_it_start_from_the_seed(tmp_path):
    path = Path(os.environ["GRAPHLAB_MIRROR"]) / "nas-bench-graph" / "cora.bench"
    assert gl.search("random", path, trials=2, store=tmp_path).dataset == "cora"
    plans = [SearchPlan(SearchSpec("spos", "nas-bench-graph/cora", None, 1, 0, seeds=seeds)) for seeds in ((0,), (7,))]
    assert [plan.objective.seeds for plan in plans] == [(0,), (7,)]
    assert plans[0].name != plans[1].name
