"""The public names: all are there, completion shows them and nothing else, and each takes what it says."""

import subprocess
import sys

import numpy as np
import pytest
import torch
from torch import nn

import graphlab as gl
from graphlab.core.errors import IncompatibleError, InputError, StoreError, UnknownNameError

QUICK = {"training.epochs": 2}


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="module")
def runs(store):
    return gl.run("gcn", "karate", seeds=2, store=store, **QUICK)


@pytest.mark.parametrize("name", gl.__all__)
def test_every_public_name_is_there(name):
    assert getattr(gl, name) is not None


def test_completion_shows_the_public_names_alone():
    """In a process of its own, in which no other test has loaded more."""
    code = "import graphlab as gl; print(*(name for name in dir(gl) if not name.startswith('_')))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == sorted(gl.__all__)


@pytest.mark.parametrize("name", [3, None, nn.Linear, torch.zeros(2), b"karate"])
def test_what_is_no_name_is_refused(name):
    asks = [gl.load, gl.leaderboard, lambda it: gl.run("gcn", it), lambda it: gl.run(it, "karate")]
    for ask in asks[:3] if name is nn.Linear else asks:
        with pytest.raises(InputError, match="given by its name"):
            ask(name)


def test_a_split_that_is_not_there_has_no_leaderboard():
    with pytest.raises(InputError, match="no split 'pubic'"):
        gl.leaderboard("planetoid/cora@pubic")


@pytest.mark.parametrize("workers", ["2", 2.0, None, True, 0, -1])
def test_workers_are_a_whole_number_from_one(workers, tmp_path):
    for ask in (
        lambda: gl.run("gcn", "karate", workers=workers, store=tmp_path / "s"),
        lambda: gl.search("random", "karate", space="gcn", workers=workers, store=tmp_path / "s"),
        lambda: gl.discriminate("gin", "hard-pairs", workers=workers, store=tmp_path / "s"),
    ):
        with pytest.raises(InputError, match="workers cannot be"):
            ask()
    assert not (tmp_path / "s").exists()


@pytest.mark.parametrize(
    "wrong", [{"trials": "3"}, {"trials": 2.5}, {"constraints": [3]}, {"constraints": "parameters"}]
)
def test_searches_name_what_they_cannot_take(wrong, tmp_path):
    with pytest.raises(InputError, match=next(iter(wrong))):
        gl.search("random", "karate", space="gcn", store=tmp_path / "s", **wrong)


def test_settings_may_be_numbers_of_numpy(runs, store):
    """As in a sweep over `np.arange`; the run is the same as with Python's."""
    same = gl.run("gcn", "karate", seeds=np.arange(2), store=store, hidden_dim=np.int64(16), epochs=np.int32(2))
    assert [run.id for run in same] == [run.id for run in runs]


@pytest.mark.parametrize(
    ("setting", "hint"),
    [
        ("learning_rate", "'training.lr'"),
        ("hidden_channels", "'model.hidden_dim'"),
        ("seed", "seeds=3"),
        ("split", "planetoid/cora@random"),
        ("metric", "auroc"),
        ("training", "training.x"),
    ],
)
def test_names_of_other_libraries_get_the_name_here(setting, hint):
    with pytest.raises(InputError) as caught:
        gl.run("gcn", "karate", **{setting: 3})
    assert caught.value.hint and hint in caught.value.hint


def test_a_task_without_a_choice_of_metrics_says_so():
    with pytest.raises(InputError) as caught:
        gl.run("distmult", "kinship-rules/transductive", metric="mrr")
    assert caught.value.hint and "the task fixes the metric" in caught.value.hint


def test_runs_and_datasets_are_sequences(runs):
    assert [run.seed for run in runs] == [0, 1]
    assert runs[-1].seed == 1
    karate = gl.load("karate")
    assert len(karate) == 1 and karate[0] is karate.graph and list(karate) == [karate.graph]


def test_records_and_trained_models_are_told_in_a_line(runs, store):
    assert (
        repr(runs[0])
        == f"RunRecord({runs[0].id}: gcn on karate, seed 0, finished, test accuracy {runs[0].test_value:.4f})"
    )
    assert repr(gl.restore(runs, store)) == "Trained(gcn on karate, 594 parameters)"


def test_a_run_is_named_the_same_way_everywhere(runs, store):
    best = max(runs, key=lambda run: run.result.validation["accuracy"])
    for said in (runs, best, best.id, best.id[:6]):
        trained = gl.restore(said, store)
        assert isinstance(trained.model, nn.Module) and trained.dataset.name == "karate"
        assert torch.equal(gl.predictions(said, store), trained.model(trained.dataset.graph))
    assert gl.predictions("latest", store).shape == (34, 2)
    assert gl.restore(runs).record == best, "runs know their store"
    with pytest.raises(UnknownNameError, match="no run is named 'zz'"):
        gl.restore("zz", store)
    with pytest.raises(InputError, match="given by its name"):
        gl.predictions(3, store)  # pyright: ignore[reportArgumentType]


def test_a_record_in_another_store_is_said_to_be_missing(runs, tmp_path):
    with pytest.raises(StoreError, match=f"is not in {tmp_path}"):
        gl.restore(runs[0], tmp_path)


def test_a_transform_is_called():
    with pytest.raises(InputError, match="transform cannot be 3"):
        gl.load("karate", transform=3)  # pyright: ignore[reportArgumentType]


def test_only_models_of_nodes_predict_nodes(tmp_path):
    runs = gl.run("distmult", "kinship-rules/transductive", store=tmp_path, epochs=0, dim=4)
    with pytest.raises(IncompatibleError, match="nothing of single nodes"):
        gl.predictions(runs, tmp_path)
    trained = gl.restore(runs, tmp_path)
    assert len(trained.task.predict(trained.learner, "test")) == len(trained.task.split.test)
