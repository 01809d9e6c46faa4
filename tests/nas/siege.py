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

from graphlab.nas.driver.ledger import SLOT, Fate, fate
from graphlab.nas.plan import Plan, SearchPlan
from graphlab.records.store import Store

PATIENCE = 1800.0
"""Seconds after which a search hangs, however slow the machine."""


def besiege(asked: SearchPlan, workers: int, kills: int) -> int:
    """Kill -9 a worker so many times, each once trials go on again; gives how many it came to before the end."""
    chance = random.Random(0)
    order = json.dumps(asked.to_json())
    crew = [start(order) for _ in range(workers)]
    done, deadline = 0, time.monotonic() + PATIENCE
    try:
        while any(worker.poll() is None for worker in crew):
            assert time.monotonic() < deadline, "the search did not end"
            time.sleep(chance.uniform(0.2, 1.2))
            alive = [i for i, worker in enumerate(crew) if worker.poll() is None]
            if done < kills and alive and _has_begun(asked):
                victim = chance.choice(alive)
                crew[victim].send_signal(signal.SIGKILL)
                crew[victim].wait()
                crew[victim] = start(order)
                done += 1
    finally:
        for worker in crew:
            worker.kill()
            worker.wait()
    assert [worker.returncode for worker in crew if worker.returncode not in (0, -9)] == []
    return done


def start(order: str) -> subprocess.Popen[str]:
    worker = subprocess.Popen(
        [sys.executable, "-m", "graphlab.nas.driver.workers"],
        stdin=subprocess.PIPE,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    assert worker.stdin
    worker.stdin.write(f"{order}\n")
    worker.stdin.flush()
    return worker


def _has_begun(asked: SearchPlan) -> bool:
    assert asked.store
    return any(Store(asked.store).path.glob("*/result.json"))


def assert_whole(asked: SearchPlan) -> None:
    """Every evaluation was done, by one trial, no architecture twice, each with its one finished run."""
    explorer = Plan(asked).explorer(asked.where)
    explorer.ledger.refresh()
    trials = explorer.study.get_trials(deepcopy=False)
    done = Counter(trial.user_attrs[SLOT] for trial in trials if fate(trial) is Fate.DONE)
    assert done == Counter(range(asked.trials))
    assert all(trial.state.is_finished() for trial in trials)
    keys = [one.key for one in explorer.ledger.outcomes]
    assert len(keys) == len(set(keys)) == asked.trials
    finished = {record.id for record in Store(asked.store).records(trials=True) if record.result.status == "finished"}
    runs = [run for one in explorer.ledger.outcomes for run in one.runs]
    assert len(runs) == len(set(runs)) == asked.trials
    assert set(runs) <= finished
