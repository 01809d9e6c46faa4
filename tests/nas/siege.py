"""Workers at one search, killed at random moments and replaced, until the search is done."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter

from graphlab.nas.core.outcome import TrialStatus
from graphlab.nas.optuna.history import status_of
from graphlab.nas.optuna.samplers import INDEX
from graphlab.nas.plan import SearchPlan, SearchSpec
from graphlab.records.store import Store

PATIENCE = 1800.0
"""Seconds after which a search hangs, however slow the machine."""


def besiege(spec: SearchSpec, workers: int, kills: int) -> int:
    """Kill -9 a worker so many times, each once trials go on again; gives how many it came to before the end."""
    chance = random.Random(0)
    order = json.dumps(spec.to_json())
    pool = [start(order) for _ in range(workers)]
    done, deadline = 0, time.monotonic() + PATIENCE
    try:
        while any(worker.poll() is None for worker in pool):
            assert time.monotonic() < deadline, "the search did not end"
            time.sleep(chance.uniform(0.2, 1.2))
            alive = [i for i, worker in enumerate(pool) if worker.poll() is None]
            if done < kills and alive and _has_begun(spec):
                victim = chance.choice(alive)
                pool[victim].send_signal(signal.SIGKILL)
                pool[victim].wait()
                pool[victim] = start(order)
                done += 1
    finally:
        for worker in pool:
            worker.kill()
            worker.wait()
    assert [worker.returncode for worker in pool if worker.returncode not in (0, -9)] == []
    return done


def start(order: str) -> subprocess.Popen[str]:
    worker = subprocess.Popen(
        [sys.executable, "-m", "graphlab.nas.workers"],
        stdin=subprocess.PIPE,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    assert worker.stdin
    worker.stdin.write(f"{order}\n")
    worker.stdin.flush()
    return worker


def _has_begun(spec: SearchSpec) -> bool:
    assert spec.store
    return any(Store(spec.store).path.glob("*/result.json"))


def assert_whole(spec: SearchSpec) -> None:
    """Every evaluation was done, by one trial, no architecture twice, each with its one finished run."""
    loop = SearchPlan(spec).loop(spec.where)
    loop.history.refresh()
    trials = loop.history.study.get_trials(deepcopy=False)
    done = Counter(trial.user_attrs[INDEX] for trial in trials if status_of(trial) is TrialStatus.EVALUATED)
    assert done == Counter(range(spec.trials))
    assert all(trial.state.is_finished() for trial in trials)
    keys = [outcome.key for outcome in loop.history.outcomes]
    assert len(keys) == len(set(keys)) == spec.trials
    finished = {record.id for record in Store(spec.store).records(trials=True) if record.result.status == "finished"}
    runs = [run for outcome in loop.history.outcomes for run in outcome.runs]
    assert len(runs) == len(set(runs)) == spec.trials
    assert set(runs) <= finished


def assert_raced(spec: SearchSpec) -> None:
    """Every evaluation of a race was done once, each rung after the one below it, and each seed after a whole one."""
    loop = SearchPlan(spec).loop(spec.where)
    loop.history.refresh()
    outcomes = sorted(loop.history.outcomes, key=lambda outcome: outcome.index)
    assert [outcome.index for outcome in outcomes] == list(range(spec.trials or 0))
    keys = [outcome.evaluation_key for outcome in outcomes]
    assert len(keys) == len(set(keys))
    trained: dict[str, set[float]] = {}
    for outcome in outcomes:
        assert outcome.fidelity and outcome.state == "finished"
        own = trained.setdefault(outcome.key, set())
        assert outcome.is_new == (not own)
        if not outcome.is_new and not outcome.fidelity.seed:
            assert outcome.fidelity.before in own
        if outcome.fidelity.seed:
            assert 1.0 in own
        own.add(outcome.fidelity.share)
