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
import uuid
from dataclasses import replace
from pathlib import Path
from threading import Timer

import pytest
from optuna.trial import TrialState

from graphlab.core.errors import StoreError
from graphlab.nas.core.outcome import TrialStatus
from graphlab.nas.optuna import storage
from graphlab.nas.optuna.history import status_of
from graphlab.nas.optuna.pools import WORKER
from graphlab.nas.optuna.samplers import ATTEMPT, INDEX
from graphlab.nas.optuna.storage import open_storage
from graphlab.nas.plan import SearchPlan
from graphlab.testing.searches import Score
from tests.nas.core.test_limits import Limited
from tests.nas.siege import assert_whole, besiege, start
from tests.nas.test_search_workers import spec_of


def program(name):
    """Where a program of the server lies; Debian keeps them off the path."""
    debian = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    return shutil.which(name) or (str(debian[-1]) if debian else None)


class Server:
    """A server of this module's own on loopback, which can be stopped and started again."""

    def __init__(self, initdb, postgres, folder, port):
        self._owner = {"user": "postgres"} if os.geteuid() == 0 else {}  # it refuses to run as root
        self._folder, self._port = folder, port
        shutil.chown(folder, **self._owner) if self._owner else None
        self._run = [postgres, "-D", f"{folder}/data", "-p", str(port), "-h", "127.0.0.1", "-k", folder]
        made = [initdb, "-D", f"{folder}/data", "-U", "graphlab", "-A", "trust", "--no-sync"]
        subprocess.run(made, check=True, capture_output=True, cwd=folder, **self._owner)

    def make_database(self, name):
        """Its address."""
        import psycopg

        with psycopg.connect(f"{where_of(self._port)} dbname=postgres", autocommit=True) as server:
            server.execute(f"CREATE DATABASE {name}")
        return f"postgresql+psycopg://graphlab@127.0.0.1:{self._port}/{name}"

    def start(self):
        with Path(self._folder, "log").open("a") as log:
            self._process = subprocess.Popen(self._run, stdout=log, stderr=log, cwd=self._folder, **self._owner)
        wait_for(self._port)

    def stop(self):
        self._process.send_signal(signal.SIGINT)  # without waiting for those who are connected
        self._process.wait()


@pytest.fixture(scope="module")
def machine():
    pytest.importorskip("psycopg", reason='needs the driver: pip install "graphlab[postgresql]"')
    initdb, postgres = program("initdb"), program("postgres")
    if not (initdb and postgres):
        pytest.skip("needs a PostgreSQL server: apt-get install postgresql")
    with tempfile.TemporaryDirectory() as folder, socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        probe.close()
        running = Server(initdb, postgres, folder, port)
        try:
            running.start()
            yield running
        finally:
            running.stop()


@pytest.fixture
def server(machine):
    """The address of a database of the test's own: searches that are asked for alike are one search."""
    return machine.make_database(f"test_{uuid.uuid4().hex}")


def where_of(port):
    return f"host=127.0.0.1 port={port} user=graphlab"


def wait_for(port):
    import psycopg

    for _ in range(1000):
        try:
            psycopg.connect(f"{where_of(port)} dbname=postgres").close()
            return
        except psycopg.OperationalError:
            time.sleep(0.1)
    raise AssertionError("the server did not start")


@pytest.mark.slow
@pytest.mark.parametrize(("trials", "kills"), [(12, 1), (60, 10)])
def test_workers_on_a_database_that_are_killed_lose_nothing(server, tmp_path, trials, kills):
    spec = spec_of(tmp_path, trials, where=server)
    assert besiege(spec, workers=2 if trials < 30 else 4, kills=kills) == kills
    assert_whole(spec)


def test_what_breaks_a_limit_untrained_is_kept(server, letters, run_search):
    """Values that nothing measured are infinite, which few databases take as they are."""
    options = {"names": ("validation", "parameters")}
    here = run_search("nsga2", letters, Limited(letters, {"parameters": 1}, **options), 20, population=6)
    there = run_search("nsga2", letters, Limited(letters, {"parameters": 1}, **options), 20, where=server, population=6)
    states = [(outcome.key, outcome.state, outcome.metrics) for outcome in here.history.outcomes]
    assert [(outcome.key, outcome.state, outcome.metrics) for outcome in there.history.outcomes] == states
    assert {state for _, state, _ in states} == {"finished", "infeasible"}


class Interrupted(Score):
    """Does something once, while one of its evaluations is under way."""

    def __init__(self, space, at, action):
        super().__init__(space)
        self._at, self._action = at, action

    def evaluate(self, values, on_step):
        found = super().evaluate(values, on_step)
        if len(self.calls) == self._at:
            self._action()
        return found


def test_a_worker_that_dies_before_its_first_sign_of_life_keeps_no_trial(server, tmp_path):
    """Killed between asking for a trial and taking it: a trial of which no sign was missed, since none was given."""
    spec = spec_of(tmp_path, 3, where=server)
    loop = SearchPlan(spec).loop(spec.where)
    with loop.history.exclusive():
        loop.history.study.enqueue_trial({}, user_attrs={INDEX: 0, ATTEMPT: 0})
        asked_for_only = loop.history.study.ask()
        loop.history.study.enqueue_trial({}, user_attrs={INDEX: 1, ATTEMPT: 0})
        taken = loop.history.study.ask()
        loop.history.pool.take(taken)
    with loop.history.exclusive():
        loop.history.fail_abandoned()
    states = [loop.history.study.trials[trial.number].state for trial in (asked_for_only, taken)]
    assert states == [TrialState.FAIL, TrialState.RUNNING]


@pytest.mark.slow
def test_a_server_that_is_restarted_is_waited_for(machine, server, letters, run_search):
    """With a connection of before in the pool, and a worker that gives signs of life meanwhile."""
    objective = Interrupted(letters, 3, lambda: (machine.stop(), Timer(1, machine.start).start()))
    outcomes = run_search("random", letters, objective, 8, where=server).history.outcomes
    assert len(outcomes) == len(set(objective.calls)) == 8


@pytest.mark.slow
def test_a_server_that_stays_away_ends_a_search_that_goes_on_later(
    machine, server, letters, run_search, monkeypatch, capfd
):
    monkeypatch.setattr(storage, "PATIENCE_SECONDS", 0.2)
    monkeypatch.setattr(storage, "HEARTBEAT_SECONDS", 1)
    first = Interrupted(letters, 3, lambda: (machine.stop(), time.sleep(2)))
    try:
        with pytest.raises(StoreError, match="cannot be reached") as caught:
            run_search("random", letters, first, 8, where=server)
    finally:
        machine.start()
    assert "goes on" in str(caught.value)
    assert "Traceback" not in capfd.readouterr().err
    second = Score(letters)
    outcomes = run_search("random", letters, second, 8, where=server).history.outcomes
    *told, in_hand = first.calls
    assert len(outcomes) == 8 and {outcome.key for outcome in outcomes} == {*told, *second.calls}
    assert in_hand in second.calls and not {*told} & {*second.calls}


def test_a_database_that_does_not_answer_is_named_without_its_password():
    pytest.importorskip("psycopg", reason='needs the driver: pip install "graphlab[postgresql]"')
    with pytest.raises(StoreError, match="cannot be used") as caught:
        open_storage("postgresql+psycopg://me:secret@127.0.0.1:1/none", "study")
    assert "secret" not in str(caught.value)


@pytest.mark.slow
def test_a_worker_that_stood_still_for_longer_than_the_dead_may_comes_back(server, tmp_path):
    """Stopped as by a laptop's lid: another one takes its trial, and it goes on with what is left."""
    spec = replace(spec_of(tmp_path, 12, where=server), settings={"training.epochs": 400})
    order = json.dumps(spec.to_json())
    still = start(order)
    other = None
    try:
        loop = SearchPlan(spec).loop(spec.where)
        until(lambda: any(WORKER in trial.user_attrs for trial in loop.history.study.get_trials(deepcopy=False)))
        still.send_signal(signal.SIGSTOP)
        other = start(order)
        until(
            lambda: any(
                status_of(trial) is TrialStatus.INTERRUPTED for trial in loop.history.study.get_trials(deepcopy=False)
            )
        )
        still.send_signal(signal.SIGCONT)
        assert [worker.wait(timeout=600) for worker in (still, other)] == [0, 0]
    finally:
        for worker in filter(None, (still, other)):
            worker.kill()
            worker.wait()
    assert_whole(spec)


def until(come):
    deadline = time.monotonic() + 600
    while not come():
        assert time.monotonic() < deadline
        time.sleep(0.1)
