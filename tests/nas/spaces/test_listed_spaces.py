"""Spaces of settings that a user lists: in the call, in YAML, with workers, and what is wrong with one."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest

import graphlab as gl
from graphlab.core.config import Choices, FloatRange, IntRange
from graphlab.core.errors import ConfigError, InputError, UnknownNameError
from graphlab.nas.core.space import Decision
from graphlab.nas.plan import SearchPlan, SearchSpec
from graphlab.nas.registry import find_space
from graphlab.nas.settings_space import read_space

SPACE = {"model": "gcn", "hidden_dim": [8, 16], "lr": (1e-4, 1e-1, "log")}
YAML = """
model: gcn
hidden_dim: [8, 16]
lr: [1e-4, 1e-1, log]
"""
QUICK = {"on": "validation", "device": "cpu", "progress": False, "training.epochs": 2}


@pytest.mark.parametrize(
    ("searched", "message"),
    [
        (Choices(()), "it has no options"),
        (Choices((8, 8)), "the option 8 is there twice"),
        (Choices((1, 2, 1.0)), "the option 1.0 is there twice"),
        (Choices((True, 1)), "the option 1 is there twice"),
        (Choices((None, 8)), "None is no option"),
        (Choices(((1, 2),)), "(1, 2) is no option"),
        (IntRange(8, 4), "from 8 to 4 in steps of 1 there is nothing"),
        (IntRange(1, 4, step=0), "from 1 to 4 in steps of 0 there is nothing"),
        (IntRange(0, 4, log=True), "a logarithmic range begins above 0, not at 0"),
        (FloatRange(1.0, 0.1), "from 1.0 to 0.1 there is nothing"),
        (FloatRange(0.1, 0.1), "from 0.1 to 0.1 there is nothing to choose"),
        (FloatRange(0.0, float("nan")), "from 0.0 to nan there is nothing"),
        (FloatRange(0.0, 1.0, log=True), "a logarithmic range begins above 0, not at 0.0"),
    ],
)
def test_a_decision_without_a_choice_cannot_be_made(searched, message):
    with pytest.raises(ConfigError, match=re.escape(f"width cannot be searched: {message}")) as caught:
        Decision("width", searched, "width")
    assert caught.value.hint


@pytest.mark.parametrize(
    ("name", "values", "searched"),
    [
        ("hidden_dim", [8, 16], Choices((8, 16))),
        ("hidden_dim", np.arange(8, 11).tolist(), Choices((8, 9, 10))),
        ("hidden_dim", (8, 16), IntRange(8, 16)),
        ("hidden_dim", (8, 16, "log"), IntRange(8, 16, log=True)),
        ("model.hidden_dim", {"low": 8, "high": 16, "step": 4}, IntRange(8, 16, step=4)),
        ("dropout", (0, 0.5), FloatRange(0.0, 0.5)),
        ("dropout", [0.0, 0.5], Choices((0.0, 0.5))),
        ("lr", (1e-4, 1e-1, "log"), FloatRange(1e-4, 1e-1, log=True)),
        ("lr", ["1e-4", "1e-1", "log"], FloatRange(1e-4, 1e-1, log=True)),
        ("training.lr", {"low": "1e-3", "high": 0.1}, FloatRange(1e-3, 0.1)),
        ("optimizer", ["adam", "sgd"], Choices(("adam", "sgd"))),
    ],
)
def test_how_values_are_listed(name, values, searched):
    plain = read_space({"model": "gcn", name: values})
    assert json.loads(json.dumps(plain)) == plain
    (decision,) = find_space(plain).decisions
    assert decision.range == searched
    assert decision.name == {"lr": "training.lr", "optimizer": "training.optimizer"}.get(
        name, name.removeprefix("model.")
    )


@pytest.mark.parametrize(
    ("space", "message"),
    [
        ({}, "a space of settings names its model, and this one has nothing"),
        ({"hidden_dim": [8]}, "names its model, and this one has hidden_dim"),
        ({"model": "gcn"}, "lists no settings"),
        ({"model": "gcn", "hiden_dim": [8]}, "has no setting 'hiden_dim'"),
        ({"model": "gcn", "hidden_dim": []}, "hidden_dim cannot be searched: it has no options"),
        ({"model": "gcn", "hidden_dim": [8, 8]}, "the option 8 is there twice"),
        ({"model": "gcn", "hidden_dim": [8, 16], "model.hidden_dim": [4]}, "lists model.hidden_dim twice"),
        ({"model": "gcn", "hidden_dim": [None, 8]}, "None is no option"),
        ({"model": "gcn", "hidden_dim": [8, -1]}, "model.hidden_dim cannot be -1"),
        ({"model": "gcn", "hidden_dim": 8}, "model.hidden_dim cannot be searched over 8"),
        ({"model": "gcn", "hidden_dim": (8,)}, "(8,) is no range"),
        ({"model": "gcn", "hidden_dim": (8, 16.5)}, "model.hidden_dim is a whole number"),
        ({"model": "gcn", "hidden_dim": (16, 8)}, "from 16 to 8"),
        ({"model": "gcn", "dropout": (0.0, 0.1, "log")}, "begins above 0, not at 0.0"),
        ({"model": "gcn", "lr": {"low": 0.1}}, "the range of training.lr needs low and high"),
        ({"model": "gcn", "lr": {"low": 0.1, "high": 1, "lgo": True}}, "has no 'lgo'"),
        ({"model": "gcn", "lr": {"low": 0.1, "high": 1, "log": "yes"}}, "log cannot be 'yes'"),
        ({"model": "gcn", "optimizer": ("adam", "sgd")}, "the range of training.optimizer is no number"),
        ({"model": "gcn", "optimizer": ["adam", "adma"]}, "training.optimizer cannot be 'adma'"),
        ({"model": "graph-transformer", "hidden_dim": [94], "heads": [5]}, "no settings of this space"),
    ],
)
def test_what_cannot_be_searched_is_one_clear_error(space, message, tmp_path):
    with pytest.raises(ConfigError, match=re.escape(message)) as caught:
        gl.search("random", "karate", space=space, trials=2, store=tmp_path / "no", **QUICK)
    assert caught.value.hint
    assert not (tmp_path / "no").exists()


def test_an_unknown_model_is_named():
    with pytest.raises(UnknownNameError, match="gnc"):
        find_space({"model": "gnc", "hidden_dim": [8]})


def test_what_is_no_space_is_refused():
    with pytest.raises(InputError, match="given by its name or by settings, not as 3"):
        gl.search("random", "karate", space=3, trials=1)


def test_it_is_searched_continued_and_shared(tmp_path):
    """Two processes find what one does: the plan that they are sent says the space as it was listed."""
    first = gl.search("random", "karate", space=SPACE, trials=3, store=tmp_path, **QUICK)
    more = gl.search("random", "karate", space=SPACE, trials=6, store=tmp_path, workers=2, **QUICK)
    alone = gl.search("random", "karate", space=SPACE, trials=6, store=tmp_path / "alone", **QUICK)
    assert first.study.study_name == more.study.study_name == alone.study.study_name
    assert [outcome.key for outcome in more.outcomes[:3]] == [outcome.key for outcome in first.outcomes]
    assert {outcome.key for outcome in more.outcomes} == {outcome.key for outcome in alone.outcomes}
    assert [outcome.state for outcome in more.outcomes] == ["finished"] * 6
    assert set(more.df["hidden_dim"]) <= {8, 16} and more.df["training.lr"].between(1e-4, 1e-1).all()
    assert more.best.runs


def test_a_file_and_the_command_line_say_the_same(tmp_path, cli):
    (tmp_path / "space.yaml").write_text(YAML)
    called = gl.search("random", "karate", space=SPACE, trials=2, store=tmp_path, **QUICK)
    filed = gl.search("random", "karate", space=tmp_path / "space.yaml", trials=2, store=tmp_path, **QUICK)
    assert [outcome.values for outcome in filed.outcomes] == [outcome.values for outcome in called.outcomes]
    words = ["search", "random", "karate", "--space", tmp_path / "space.yaml", "--trials", 2, "--on", "validation"]
    shown = cli(*words, "--set", "training.epochs=2", "--store", tmp_path, "--device", "cpu", "--json")
    assert shown.code == 0 and shown.json["best"]["key"] == called.best.key
    (tmp_path / "space.yaml").write_text("model: gcn\nhidden_dim: [8, 8]\n")
    assert cli(*words, "--store", tmp_path).code == 2


@pytest.mark.parametrize("strategy", ["tpe", "evolution", "local-search", "gp"])
def test_strategies_search_it(strategy, tmp_path):
    found = gl.search(strategy, "karate", space=SPACE, trials=4, store=tmp_path, **QUICK)
    assert [outcome.state for outcome in found.outcomes] == ["finished"] * 4


def test_other_values_are_another_study():
    def name(space):
        return SearchPlan(SearchSpec("random", "karate", read_space(space), 1, 0, on="validation")).name

    assert name(SPACE) == name(dict(SPACE)) != name({**SPACE, "hidden_dim": [8, 32]}) != name("gcn")


def test_what_it_chooses_cannot_be_set(tmp_path):
    with pytest.raises(ConfigError, match="lr is what the space"):
        gl.search("random", "karate", space=SPACE, trials=1, store=tmp_path, lr=0.1, **QUICK)
