"""The spaces of models' settings: what they name can be built."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

import graphlab as gl
from graphlab.core.config import search_space
from graphlab.core.errors import ConfigError, InputError
from graphlab.core.registry import PLUGINS
from graphlab.core.seeds import SeedStream
from graphlab.model.registry import MODELS, find_model
from graphlab.model.zoo import gcn
from graphlab.nas.oneshot.strategy import OneShot
from graphlab.nas.plan import SearchPlan, SearchSpec
from graphlab.nas.registry import STRATEGIES, find_space, find_strategy
from graphlab.nas.results.simulation import simulate
from graphlab.nas.settings_space import SettingsSpace
from graphlab.testing.examples import example
from tests.nas.small_tables import small_table

SEARCHED = sorted(name for name in MODELS.names() if search_space(find_model(name).config))


@pytest.mark.parametrize("name", SEARCHED)
def test_every_architecture_of_a_space_is_a_model(name):
    space, random = SettingsSpace(name), np.random.default_rng(0)
    for _ in range(50):
        values = space.mutate(space.sample(random), random)
        model, settings = space.settings(values)
        own = {key: value for key, value in settings.items() if not key.startswith("training.")}
        find_model(model).config.parse(own, where=model)


def test_settings_that_do_not_go_together_are_no_architecture():
    space = find_space("graph-transformer")
    values = space.sample(SeedStream(0).numpy())
    assert space.is_valid({**values, "hidden_dim": 64, "heads": 4})
    assert not space.is_valid({**values, "hidden_dim": 94, "heads": 5})


@pytest.mark.parametrize("strategy", ["random", "tpe", "nsga2", "evolution"])
def test_a_space_with_settings_that_do_not_go_together_is_searched(strategy, tmp_path):
    own = {"strategy.startup": 3} if strategy == "tpe" else {}
    found = gl.search(
        strategy, example("graph-classification"), space="graph-transformer", trials=6, store=tmp_path, device="cpu",
        **{"training.epochs": 1}, **own,
    )  # fmt: skip
    assert [outcome.state for outcome in found.outcomes] == ["finished"] * 6


SOON = {
    "agnn": {"strategy.startup": 1},
    "local-search": {"strategy.startup": 1},
    "bayesian": {"strategy.startup": 2},
    "gp": {"strategy.startup": 2},
    "parzc": {"strategy.startup": 2, "strategy.pool": 6},
    "predictor": {"strategy.startup": 2},
    "tpe": {"strategy.startup": 2},
    "evolution": {"strategy.population": 2},
    "nsga2": {"strategy.population": 2},
}
"""Settings under which a strategy leaves chance at once."""

ONE_SHOT = [name for name in STRATEGIES.names() if issubclass(find_strategy(name), OneShot)]


@pytest.mark.parametrize("strategy", STRATEGIES.names())
def test_every_strategy_searches_settings_or_says_why_not(strategy, tmp_path):
    asked = {"space": "gcn", "trials": 4, "on": "validation", "training.epochs": 1, **SOON.get(strategy, {})}
    if strategy in ONE_SHOT or strategy in ("eas", "shortlist", "transfer"):
        reasons = ("gcn has no supernet", "no table of gcn", "gcn does not say what its largest", "gcn have no moves")
        with pytest.raises(InputError, match="|".join(reasons)):
            gl.search(strategy, "karate", store=tmp_path, **asked)
        return
    found = gl.search(strategy, "karate", store=tmp_path, **asked)
    assert [outcome.state for outcome in found.outcomes] == ["finished"] * 4


@pytest.mark.parametrize("setting", ["hidden_dim", "model.hidden_dim", "lr", "training.lr"])
def test_what_is_searched_cannot_be_set(setting, tmp_path):
    with pytest.raises(ConfigError, match=f"^{setting} is what the space gcn chooses"):
        gl.search("random", "karate", space="gcn", on="validation", trials=2, store=tmp_path / "no", **{setting: 1})
    assert not (tmp_path / "no").exists()


def test_a_strategy_is_the_same_however_its_name_is_spelt(tmp_path):
    asked = {"space": "gcn", "trials": 3, "on": "validation", "store": tmp_path, "training.epochs": 1}
    first, again = (gl.search(name, "karate", **asked) for name in ("local-search", "Local_Search"))
    assert first.study.study_name == again.study.study_name
    assert again.to_json()["strategy"] == "local-search"
    simulated = [simulate(name, small_table(), budget=12) for name in ("local-search", "local_search")]
    assert [outcome.key for outcome in simulated[0]] == [outcome.key for outcome in simulated[1]]


def test_one_objective_may_be_named_alone(tmp_path):
    found = gl.search(
        "random", example("node-classification"), space="gcn", trials=2, store=tmp_path, objectives="parameters",
        **{"training.epochs": 1},
    )  # fmt: skip
    assert found.best.objectives == (min(found.df.parameters),)


def test_a_folder_is_no_database(tmp_path):
    with pytest.raises(InputError, match="is no address of a database"):
        gl.search("random", "karate", space="gcn", trials=2, storage=str(tmp_path / "folder"))
    assert not (tmp_path / "folder").exists()


def test_a_figure_that_cannot_be_drawn_is_refused_before_the_search(cli, tmp_path):
    words = ["search", "random", "karate", "--space", "gcn", "--trials", 2, "--on", "validation"]
    found = cli(*words, "--store", tmp_path / "store", "--plot", tmp_path / "curve.doc")
    assert found.code == 2
    assert "cannot draw into" in found.err
    assert not (tmp_path / "store").exists()


def test_a_study_is_named_by_the_code_of_a_model_of_ones_own(tmp_path, monkeypatch):
    """By what was there when it was imported: what is edited later counts when it is there to be run."""
    source = Path(gcn.__file__).read_text()
    (tmp_path / "own_gcn.py").write_text(source)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv(PLUGINS, "")
    MODELS.add("own-gcn", "own_gcn")
    try:
        names = [name_of("own-gcn")]
        (tmp_path / "own_gcn.py").write_text(source.replace("IntRange(1, 4)", "IntRange(1, 3)"))
        names.append(name_of("own-gcn"))
        importlib.reload(sys.modules["own_gcn"])
        names.append(name_of("own-gcn"))
        assert names[0] == names[1] != names[2]
    finally:
        del sys.modules["own_gcn"]
        monkeypatch.delenv(PLUGINS)
        del MODELS.families


def name_of(space):
    return SearchPlan(SearchSpec("random", "karate", space, 1, 0, on="validation")).name


def test_studies_of_seconds_are_of_one_kind_of_device(monkeypatch):
    plans = [
        SearchPlan(SearchSpec("random", "karate", "gcn", 1, 0, (name,), "validation")) for name in ("latency", "bits")
    ]
    names = [plan.name for plan in plans]
    for plan in plans:
        del plan.name
        plan.objective.device = torch.device("cuda")
    assert [plan.name == name for plan, name in zip(plans, names, strict=True)] == [False, True]
