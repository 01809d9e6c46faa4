"""Workers that share a search, and die."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path

import pytest

import graphlab as gl
from graphlab.core.registry import PLUGINS
from graphlab.model.registry import MODELS
from graphlab.model.zoo import gcn
from graphlab.nas.plan import SearchSpec
from tests.nas.siege import assert_raced, assert_whole, besiege, start

SHORT = {"training.epochs": 20}
GCN = Path(gcn.__file__).read_text()


def spec_of(tmp_path, trials, strategy="random", where=None):
    return SearchSpec(
        strategy=strategy,
        dataset="karate",
        space="gcn",
        trials=trials,
        seed=0,
        on="validation",
        settings={"training.epochs": 40},
        where=where or str(tmp_path / "store" / "searches"),
        store=str(tmp_path / "store"),
    )


@pytest.mark.slow
@pytest.mark.parametrize(("strategy", "trials", "kills"), [("evolution", 16, 2), ("tpe", 60, 10)])
def test_workers_that_are_killed_lose_nothing(strategy, trials, kills, tmp_path):
    spec = spec_of(tmp_path, trials, strategy)
    assert besiege(spec, workers=2 if trials < 30 else 4, kills=kills) == kills
    assert_whole(spec)


@pytest.mark.slow
@pytest.mark.parametrize("strategy", ["random", "agnn"])
def test_a_race_of_four_workers_that_are_killed_loses_nothing(strategy, tmp_path):
    spec = spec_of(tmp_path, 60, strategy)
    spec = replace(spec, racing="asha", seeds=tuple(range(6)))
    assert besiege(spec, workers=4, kills=8) == 8
    assert_raced(spec)


@pytest.mark.slow
def test_a_worker_ends_with_the_process_that_started_it(tmp_path):
    spec = spec_of(tmp_path, 10_000)
    worker = start(json.dumps(spec.to_json()))
    try:
        study = Path(spec.where)
        deadline = time.monotonic() + 300
        while not any(study.glob("*/workers/*-*.lock")):
            assert worker.poll() is None and time.monotonic() < deadline
            time.sleep(0.05)
        worker.stdin.close()
        assert worker.wait(timeout=300) == 1
    finally:
        worker.kill()
        worker.wait()


def test_a_worker_that_ends_by_an_error_is_told_once_and_not_started_again(tmp_path, monkeypatch):
    broken = tmp_path / "python"
    broken.write_text(
        f"#!/bin/sh\nread order\necho started >> {tmp_path}/starts\necho 'ImportError: none' >&2\nexit 1\n"
    )
    broken.chmod(0o755)
    monkeypatch.setattr("graphlab.nas.workers.sys.executable", str(broken))
    monkeypatch.setattr("graphlab.nas.workers.WATCH_SECONDS", 0.01)
    with pytest.warns(UserWarning, match="a worker ended by an error, the others go on: ImportError: none") as told:
        found = gl.search(
            "random", "karate", space="gcn", trials=6, on="validation", store=tmp_path, workers=3, **SHORT
        )
    assert len(found.outcomes) == 6
    assert sum("ended by an error" in str(one.message) for one in told) == 1
    assert (tmp_path / "starts").read_text() == "started\n" * 2


@pytest.mark.slow
def test_workers_find_modules_where_this_process_does(tmp_path, monkeypatch, together):
    (tmp_path / "my_gcn.py").write_text(GCN)
    monkeypatch.setenv(PLUGINS, "")
    monkeypatch.syspath_prepend(str(tmp_path))
    MODELS.add("mine", "my_gcn")
    try:
        together.before_it_evaluates()
        found = gl.search(
            "random", "karate", space="mine", trials=4, on="validation", store=tmp_path, workers=2, **SHORT
        )
        assert len({together.worker_of(outcome, found.study) for outcome in found.outcomes}) == 2
    finally:
        monkeypatch.delenv(PLUGINS)
        del MODELS.families


def test_two_workers_do_a_search_once(tmp_path, together):
    together.before_it_evaluates()
    found = gl.search(
        "random",
        "karate",
        space="gcn",
        trials=10,
        on="validation",
        store=tmp_path,
        workers=2,
        **{"training.epochs": 20},
    )
    assert len(found.outcomes) == len({outcome.key for outcome in found.outcomes}) == 10
    assert len(gl.runs(tmp_path, trials=True)) == 10
    assert len({together.worker_of(outcome, found.study) for outcome in found.outcomes}) == 2
