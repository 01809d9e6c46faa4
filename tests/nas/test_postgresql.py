"""A team's search on a real PostgreSQL server, started here on loopback."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import pytest
from optuna.trial import TrialState

from graphlab.core.errors import StoreError
from graphlab.nas.driver.ledger import ATTEMPT, SLOT, WORKER, Fate, fate
from graphlab.nas.driver.study import open_storage
from graphlab.nas.plan import Plan
from tests.nas.siege import assert_whole, besiege, start
from tests.nas.test_limits import Limited
from tests.nas.test_search_workers import asked_for


def program(name):
    """Where a program of the server lies; Debian keeps them off the path."""
    debian = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    return shutil.which(name) or (str(debian[-1]) if debian else None)


@pytest.fixture(scope="module")
def server():
    """The address of a server of this module's own."""
    pytest.importorskip("psycopg", reason='needs the driver: pip install "graphlab[postgresql]"')
    initdb, postgres = program("initdb"), program("postgres")
    if not (initdb and postgres):
        pytest.skip("needs a PostgreSQL server: apt-get install postgresql")
    owner = {"user": "postgres"} if os.geteuid() == 0 else {}  # it refuses to run as root
    with tempfile.TemporaryDirectory() as folder, socket.socket() as probe:
        shutil.chown(folder, **owner) if owner else None
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        probe.close()
        data = f"{folder}/data"
        made = [initdb, "-D", data, "-U", "graphlab", "-A", "trust", "--no-sync"]
        subprocess.run(made, check=True, capture_output=True, cwd=folder, **owner)
        words = [postgres, "-D", data, "-p", str(port), "-h", "127.0.0.1", "-k", folder]
        with Path(folder, "log").open("w") as log:
            running = subprocess.Popen(words, stdout=log, stderr=log, cwd=folder, **owner)
        address = f"postgresql+psycopg://graphlab@127.0.0.1:{port}/postgres"
        try:
            wait_for(port)
            yield address
        finally:
            running.send_signal(signal.SIGINT)  # without waiting for those who are connected
            running.wait()


def wait_for(port):
    import psycopg

    for _ in range(1000):
        try:
            psycopg.connect(f"host=127.0.0.1 port={port} user=graphlab dbname=postgres").close()
            return
        except psycopg.OperationalError:
            time.sleep(0.1)
    raise AssertionError("the server did not start")


@pytest.mark.parametrize(("trials", "kills"), [(12, 1), pytest.param(60, 10, marks=pytest.mark.slow)])
def test_workers_on_a_database_that_are_killed_lose_nothing(server, tmp_path, trials, kills):
    asked = asked_for(tmp_path, trials, where=server)
    assert besiege(asked, workers=2 if trials < 30 else 4, kills=kills) == kills
    assert_whole(asked)


def test_what_breaks_a_limit_untrained_is_kept(server, letters, explore):
    """Values that nothing measured are infinite, which few databases take as they are."""
    options = {"names": ("validation", "parameters")}
    here = explore("nsga2", letters, Limited(letters, {"parameters": 1}, **options), 20, population=6)
    there = explore("nsga2", letters, Limited(letters, {"parameters": 1}, **options), 20, where=server, population=6)
    states = [(one.key, one.state, one.metrics) for one in here.ledger.outcomes]
    assert [(one.key, one.state, one.metrics) for one in there.ledger.outcomes] == states
    assert {state for _, state, _ in states} == {"finished", "infeasible"}


def test_a_worker_that_dies_before_its_first_sign_of_life_keeps_no_trial(server, tmp_path):
    """Killed between asking for a trial and taking it: a trial of which no sign was missed, since none was given."""
    asked = asked_for(tmp_path, 3, where=server)
    explorer = Plan(asked).explorer(asked.where)
    with explorer.crew.alone():
        explorer.study.enqueue_trial({}, user_attrs={SLOT: 0, ATTEMPT: 0})
        asked_for_only = explorer.study.ask()
        explorer.study.enqueue_trial({}, user_attrs={SLOT: 1, ATTEMPT: 0})
        taken = explorer.study.ask()
        explorer.crew.take(taken)
    with explorer.crew.alone():
        explorer.crew.give_up_the_dead(explorer.study)
    states = [explorer.study.trials[trial.number].state for trial in (asked_for_only, taken)]
    assert states == [TrialState.FAIL, TrialState.RUNNING]


def test_a_database_that_does_not_answer_is_named_without_its_password():
    pytest.importorskip("psycopg", reason='needs the driver: pip install "graphlab[postgresql]"')
    with pytest.raises(StoreError, match="cannot be used") as caught:
        open_storage("postgresql+psycopg://me:secret@127.0.0.1:1/none", "study")
    assert "secret" not in str(caught.value)


@pytest.mark.slow
def test_a_worker_that_stood_still_for_longer_than_the_dead_may_comes_back(server, tmp_path):
    """Stopped as by a laptop's lid: another one takes its trial, and it goes on with what is left."""
    asked = replace(asked_for(tmp_path, 12, where=server), settings={"training.epochs": 400})
    order = json.dumps(asked.to_json())
    still = start(order)
    other = None
    try:
        explorer = Plan(asked).explorer(asked.where)
        until(lambda: any(WORKER in trial.user_attrs for trial in explorer.study.get_trials(deepcopy=False)))
        still.send_signal(signal.SIGSTOP)
        other = start(order)
        until(lambda: any(fate(trial) is Fate.CUT_OFF for trial in explorer.study.get_trials(deepcopy=False)))
        still.send_signal(signal.SIGCONT)
        assert [worker.wait(timeout=600) for worker in (still, other)] == [0, 0]
    finally:
        for worker in filter(None, (still, other)):
            worker.kill()
            worker.wait()
    assert_whole(asked)


def until(come):
    deadline = time.monotonic() + 600
    while not come():
        assert time.monotonic() < deadline
        time.sleep(0.1)
