"""The journal of a study: half lines, full disks, several writers."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from optuna.trial import TrialState

from graphlab.core.errors import InputError, StoreError
from graphlab.core.seeds import SeedStream
from graphlab.nas.core.budget import Budget
from graphlab.nas.core.loop import SearchLoop
from graphlab.nas.optuna import storage
from graphlab.nas.optuna.history import open_history
from graphlab.nas.optuna.storage import WholeLines, open_storage
from graphlab.nas.strategies.random import Random
from graphlab.testing.searches import Letters, Score


def new_loop(folder):
    space = Letters()
    objective = Score(space)
    strategy = Random(Random.Config(), space, objective, SeedStream(0))
    return SearchLoop(strategy, objective, open_history(folder, "study", strategy), Budget(12))


def new_study(folder):
    return new_loop(folder).history.study


def read(path):
    return list(WholeLines(str(path)).read_logs(0))


def test_a_line_that_was_cut_off_gives_way(tmp_path):
    path = tmp_path / "journal.log"
    WholeLines(str(path)).append_logs([{"n": 0}, {"n": 1}])
    with path.open("ab") as file:
        file.write(b'{"n": 2, "le')
    WholeLines(str(path)).append_logs([{"n": 3}])
    assert read(path) == [{"n": 0}, {"n": 1}, {"n": 3}]


def test_a_journal_of_half_a_line_is_an_empty_one(tmp_path):
    path = tmp_path / "journal.log"
    path.write_bytes(b'{"n"')
    WholeLines(str(path)).append_logs([{"n": 3}])
    assert read(path) == [{"n": 3}]


def test_a_full_disk_leaves_the_journal_as_it_was(tmp_path, monkeypatch):
    path = tmp_path / "journal.log"
    journal = WholeLines(str(path))
    journal.append_logs([{"n": 0}])
    before = path.read_bytes()

    def no_space(*arguments):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("graphlab.nas.optuna.storage.os.fsync", no_space)
        with pytest.raises(StoreError, match="No space left"):
            journal.append_logs([{"n": 1, "state": TrialState.COMPLETE}])
    assert path.read_bytes() == before
    journal.append_logs([{"n": 2}])
    assert read(path) == [{"n": 0}, {"n": 2}]


def test_what_ends_a_trial_is_on_the_disk_before_the_search_goes_on(tmp_path, monkeypatch):
    path = tmp_path / "study" / "journal.log"
    synced = []

    def note(descriptor):
        synced.append(json.loads(path.read_text().splitlines()[-1]))

    monkeypatch.setattr("graphlab.nas.optuna.storage.os.fsync", note)
    study = new_study(tmp_path)
    assert synced == []
    study.enqueue_trial({"x": 0.5})
    for end in (1.0, None, TrialState.PRUNED):
        trial = study.ask()
        trial.suggest_float("x", 0, 1)
        trial.report(1.0, 0)
        if isinstance(end, float):
            study.tell(trial, end)
        else:
            study.tell(trial, state=end or TrialState.FAIL)
    assert [TrialState(line["state"]) for line in synced] == [TrialState.COMPLETE, TrialState.FAIL, TrialState.PRUNED]


def test_a_trial_is_two_writes_and_one_wait_for_the_disk(tmp_path, monkeypatch, letters, run_search):
    """Its start with its choices, and its end; a strategy of our own may take long to choose, and has one more."""
    counts = {"append": 0, "fsync": 0}
    append, fsync = storage._append, storage.os.fsync

    def count_append(*arguments, **options):
        counts["append"] += 1
        return append(*arguments, **options)

    def count_fsync(descriptor):
        counts["fsync"] += 1
        fsync(descriptor)

    monkeypatch.setattr(storage, "_append", count_append)
    monkeypatch.setattr(storage.os, "fsync", count_fsync)
    for strategy, writes in (("random", 2), ("evolution", 3)):
        counts.update(append=0, fsync=0)
        loop = run_search(strategy, letters, Score(letters), 10, where=tmp_path / strategy)
        num_trials = len(loop.history.study.get_trials(deepcopy=False))
        assert counts == {"append": 1 + writes * num_trials, "fsync": num_trials}, "one more makes the study"


def test_collected_lines_are_read_at_once_and_written_together(tmp_path):
    path = tmp_path / "journal.log"
    mine, other = WholeLines(path), WholeLines(path)
    other.append_logs([{"n": 0}])
    with mine.collected():
        assert list(mine.read_logs(0)) == [{"n": 0}]
        other.append_logs([{"n": 1}])  # nothing is collected yet, so that others may write
        mine.append_logs([{"n": 2}])
        assert list(mine.read_logs(1)) == [{"n": 1}, {"n": 2}]
        mine.append_logs([{"n": 3, "pair": (1, 2)}])
        assert list(mine.read_logs(3)) == [{"n": 3, "pair": [1, 2]}], "as the file will have it"
        assert list(mine.read_logs(0)) == [{"n": 0}, {"n": 1}, {"n": 2}, {"n": 3, "pair": [1, 2]}]
        assert read(path) == [{"n": 0}, {"n": 1}]
        mine.flush()
        assert read(path) == list(mine.read_logs(0)) and len(read(path)) == 4
        other.append_logs([{"n": 4}])
        mine.append_logs([{"n": 5}])
        assert list(mine.read_logs(4)) == [{"n": 4}, {"n": 5}]
    assert [line["n"] for line in read(path)] == [line["n"] for line in mine.read_logs(0)] == [0, 1, 2, 3, 4, 5]
    assert list(mine.read_logs(6)) == []


def test_nobody_writes_between_collected_lines(tmp_path):
    path = tmp_path / "journal.log"
    mine, other = WholeLines(path), WholeLines(path)
    with ThreadPoolExecutor(1) as pool:
        with mine.collected():
            mine.append_logs([{"n": 0}])
            writing = pool.submit(other.append_logs, [{"n": 2}])
            time.sleep(0.2)
            mine.append_logs([{"n": 1}])
            assert not writing.done()
        writing.result(timeout=30)
    assert [line["n"] for line in read(path)] == [0, 1, 2]


def test_lines_are_written_where_an_error_ends_their_collection(tmp_path):
    path = tmp_path / "journal.log"
    journal = WholeLines(path)
    with pytest.raises(KeyboardInterrupt), journal.collected():
        journal.append_logs([{"n": 0}])
        raise KeyboardInterrupt
    journal.append_logs([{"n": 1}])
    assert read(path) == [{"n": 0}, {"n": 1}]


def test_a_full_disk_ends_a_search_that_goes_on_later_the_same(tmp_path, monkeypatch, letters, run_search):
    whole = run_search("random", letters, Score(letters), 12)
    num_waits = 0
    fsync = storage.os.fsync

    def space_for_five(descriptor):
        nonlocal num_waits
        num_waits += 1
        if num_waits > 5:
            raise OSError(28, "No space left on device")
        fsync(descriptor)

    loop = new_loop(tmp_path)
    with monkeypatch.context() as patched:
        patched.setattr(storage.os, "fsync", space_for_five)
        with pytest.raises(StoreError, match="No space left"):
            loop.run()
    before = (tmp_path / "study" / "journal.log").read_bytes()
    with pytest.raises(StoreError, match="could not be written"):
        loop.history.refresh()
    assert (tmp_path / "study" / "journal.log").read_bytes() == before
    rest = run_search("random", letters, Score(letters), 12, where=tmp_path)
    assert [outcome.key for outcome in rest.history.outcomes] == [outcome.key for outcome in whole.history.outcomes]


def test_two_writers_lose_nothing(tmp_path):
    path = tmp_path / "journal.log"

    def write(name):
        journal = WholeLines(str(path))
        for n in range(50):
            journal.append_logs([{"who": name, "n": n}])

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(4)))
    lines = read(path)
    for name in range(4):
        assert [line["n"] for line in lines if line["who"] == name] == list(range(50))


@pytest.mark.parametrize("lines", ["hello\nworld\n", "5\n", "{}\n", "[]\n", '{"op_code": 4, "worker_id": "me"}\n'])
def test_what_is_no_journal_is_refused_and_kept(lines, tmp_path):
    path = tmp_path / "study" / "journal.log"
    path.parent.mkdir()
    path.write_text(lines)
    with pytest.raises(StoreError, match="is not the journal of a search"):
        open_storage(tmp_path, "study")
    assert path.read_text() == lines


def test_a_journal_that_is_spoilt_while_a_search_goes_on_is_named(tmp_path):
    study = new_study(tmp_path)
    with (tmp_path / "study" / "journal.log").open("a") as file:
        file.write("5\n")
    with pytest.raises(StoreError, match="is none of its entries"):
        study.ask()


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot keep a search"):
        open_storage(tmp_path / "file", "study")


@pytest.mark.parametrize("address", ["sqlite:///a.db", "mysql://me@there/db"])
def test_databases_in_which_workers_cannot_take_turns_are_refused(address):
    with pytest.raises(InputError, match="not kept in"):
        open_storage(address, "study")


def test_a_journal_is_lines_of_json(tmp_path):
    new_study(tmp_path)
    lines = Path(tmp_path, "study", "journal.log").read_text().splitlines()
    assert lines
    assert all(isinstance(json.loads(line), dict) for line in lines)
