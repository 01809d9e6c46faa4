"""Neither importing GraphLab nor a run on a data set of ogb asks a server or the user, prints of versions, or starts a
thread, though importing ogb by itself does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.util import find_spec

import pytest

WATCH = """
import builtins, json, socket, sys, threading
events = []
def note(kind):
    def refuse(*arguments, **options):
        events.append(kind)
        raise OSError("not in this test")
    return refuse
builtins.input = note("input")
socket.getaddrinfo = note("network")
socket.socket.connect = note("network")
start = threading.Thread.start
def watched(thread):
    events.append("thread")
    start(thread)
threading.Thread.start = watched
"""

RUN = """
import graphlab as gl
from graphlab.data.adapters import ogbl, ogbn
for family, counts in json.loads(sys.argv[1]).items():
    {"ogbl": ogbl, "ogbn": ogbn}[family].COUNTS.update(counts)
for model, name in (("common-neighbours", "ogbl/ddi"), ("mlp", "ogbn/arxiv")):
    runs = gl.run(model, name, epochs=1)
    assert runs.records[0].result.status == "finished"
    gl.submission(runs, "submission.npz")
assert "ogb" in sys.modules and "outdated" not in sys.modules
"""

TELL = """
import os
for thread in threading.enumerate():
    if thread is not threading.current_thread():
        thread.join(60)
print("EVENTS", json.dumps(sorted(set(events))), os.environ.get("OUTDATED_IGNORE"))
"""


def _events(program, tmp_path, *arguments):
    environment = {key: value for key, value in os.environ.items() if key != "OUTDATED_IGNORE"}
    done = subprocess.run(
        [sys.executable, "-c", WATCH + program + TELL, *arguments],
        cwd=tmp_path,
        env=environment | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    *printed, last = done.stdout.splitlines()
    return printed, last, done.stderr


def test_a_run_asks_nobody(ogb, tmp_path, monkeypatch):
    from graphlab.data.adapters import ogbl, ogbn

    monkeypatch.setenv("GRAPHLAB_STORE", str(tmp_path / "runs"))
    ogb("ogbl/ddi")
    ogb("ogbn/arxiv")
    counts = {"ogbl": {"ddi": ogbl.COUNTS["ddi"]}, "ogbn": {"arxiv": ogbn.COUNTS["arxiv"]}}
    printed, last, errors = _events(RUN, tmp_path, json.dumps(counts))
    assert last == "EVENTS [] None"
    assert not any("version" in line or "OGB" in line or "..." in line for line in [*printed, *errors.splitlines()])


def test_ogb_by_itself_does(tmp_path):
    """Where it stays so, the first test says something. What its thread does depends on what it kept before."""
    if find_spec("outdated") is None:
        pytest.skip("ogb looks for newer versions by the package outdated alone")
    _, last, _ = _events("import ogb\n", tmp_path)
    assert '"thread"' in last and last.endswith(" 1")


def test_importing_graphlab_imports_no_ogb(tmp_path):
    _, last, _ = _events(
        'import graphlab as gl\ngl.datasets(); gl.models(); gl.tasks()\nassert "ogb" not in sys.modules\n', tmp_path
    )
    assert last == "EVENTS [] None"
