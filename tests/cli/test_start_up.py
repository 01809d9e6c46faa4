"""Commands that train nothing import no torch, and print what they print with it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import graphlab as gl
from graphlab.records.store import Store
from tests.comparison.records_made import record, records

HEAVY = ("torch", "torch_geometric", "optuna", "matplotlib", "numba", "networkx")

RUN = ("run", "gcn", "karate", "--seeds", "2", "--set", "training.epochs=5")

COMMANDS = (
    ("runs",),
    ("describe", "gcn"),
    ("datasets",),
    ("models",),
    ("leaderboard", "karate"),
    ("leaderboard", "planetoid/cora"),
    ("run", "gnc", "karate"),
    RUN,
)
MORE = (
    ("describe", "cora@random"),
    ("describe", "gnn-micro", "--kind", "space", "--json"),
    ("describe", "tpe"),
    ("describe", "gnc"),
    ("tasks",),
    ("pre-transforms",),
    ("transforms",),
    ("strategies",),
    ("spaces",),
    ("proxies",),
    ("probes", "--json"),
    ("export", "planetoid/cora", "--format", "csv"),
    ("leaderboard", "corra"),
    ("run", "gcn", "karte"),
    ("run", "gcn", "planetoid", "--json"),
    ("run", "gcn", "karate@foo"),
    ("run", "gcn", "karate", "--task", "node-clasification"),
    (*RUN, "--json"),
)

PROGRAM = """
import sys
from graphlab.cli import main
try:
    sys.argv = ["graphlab", *sys.argv[2:]]
    main()
finally:
    print(*sorted(set(sys.modules) & {*HEAVY}), file=open(IMPORTED, "w"))
"""


def ask(words, folder: Path, **variables: str) -> tuple[tuple[int, str, str], list[str]]:
    """Exit code and what a command prints in a process of its own, and which heavy libraries it has imported."""
    imported = folder / "imported.txt"
    program = f"HEAVY, IMPORTED = {HEAVY!r}, {str(imported)!r}\n{PROGRAM}"
    env = {**os.environ, "GRAPHLAB_STORE": str(folder / "runs"), **variables}
    done = subprocess.run([sys.executable, "-c", program, "-", *words], env=env, capture_output=True, text=True)
    return (done.returncode, done.stdout, done.stderr), imported.read_text().split()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with a store of runs: of two models on karate, and of the published recipe and others on Cora."""
    folder = tmp_path_factory.mktemp("start")
    gl.run("gcn", "karate", seeds=2, store=folder / "runs", epochs=5)
    gl.run("mlp", "karate", store=folder / "runs", epochs=5)
    store = Store(folder / "runs")
    wide = [record(value, seed, hidden_dim=64) for seed, value in enumerate((0.81, 0.83))]
    other = record(0.7, model="of-another-time")
    for each in [*records(0.812, 0.816, 0.815), *wide, *records(0.82, None, model="gat"), other]:
        run = store.folder(each.spec)
        run.begin()
        run.finish(each)
    return folder


@pytest.fixture(scope="module")
def indexed(made_once, folder):
    """`indexed(name, commands)` has one process make what these commands read of the index: the run first, which no
    process keeps that has torch."""

    def make(commands) -> None:
        program = f"""
import sys
from graphlab.cli import main
for words in {(RUN, *commands)!r}:
    sys.argv = ["graphlab", *words]
    try:
        main()
    except SystemExit:
        pass
"""
        env = {**os.environ, "GRAPHLAB_STORE": str(folder / "runs")}
        subprocess.run([sys.executable, "-c", program], env=env, capture_output=True, check=True)

    return lambda name, commands: made_once(f"index-{name}", lambda _: make(commands))


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_commands_that_train_nothing_import_no_torch(folder, indexed, cli, monkeypatch, words):
    indexed("first", COMMANDS)
    check(folder, cli, monkeypatch, words)


@pytest.mark.slow
@pytest.mark.parametrize("words", MORE, ids=" ".join)
def test_nor_do_others_that_list_or_refuse(folder, indexed, cli, monkeypatch, words):
    indexed("more", MORE)
    check(folder, cli, monkeypatch, words)


def check(folder, cli, monkeypatch, words):
    shown, imported = ask(words, folder)
    assert imported == []
    monkeypatch.setenv("GRAPHLAB_STORE", str(folder / "runs"))
    here = cli(*words)
    assert shown == (here.code, here.out, here.err), "this process has torch, and reads no index"


@pytest.mark.slow
def test_an_edit_of_a_model_is_seen_at_once(tmp_path):
    """By every command, in a copy of the package: what was known of the model as it was is not read."""
    site = tmp_path / "site"
    shutil.copytree(Path(gl.__file__).parent, site / "graphlab", ignore=shutil.ignore_patterns("__pycache__"))
    env = {**os.environ, "PYTHONPATH": str(site), "GRAPHLAB_STORE": str(tmp_path / "runs")}

    def graphlab(*words):
        done = subprocess.run(
            [sys.executable, "-m", "graphlab", *words, "--json"], env=env, cwd=tmp_path, capture_output=True, text=True
        )
        return json.loads(done.stdout)

    def ids():
        return [run["id"] for run in graphlab(*RUN)["runs"]]

    before, about = ids(), graphlab("describe", "gcn")
    assert ids() == before and graphlab("describe", "gcn") == about
    path = site / "graphlab" / "model" / "zoo" / "gcn.py"
    text = path.read_text()
    path.write_text(
        text.replace("    citation =", "    version = 77\n    citation =", 1).replace('"""', '"""Edited. ', 1)
    )
    after = ids()
    assert not {*before} & {*after} and ids() == after
    assert graphlab("describe", "gcn")["about"] == f"Edited. {about['about']}"
    assert len(graphlab("runs")) == 4
    path.write_text(text)
    assert ids() == before


@pytest.mark.slow
def test_a_plug_in_of_ones_own_is_listed_and_an_edit_of_it_seen(folder, tmp_path):
    source = tmp_path / "mine.py"
    gcn = (Path(gl.__file__).parent / "model" / "zoo" / "gcn.py").read_text()
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    env = {"PYTHONPATH": path, "GRAPHLAB_PLUGINS": "graphlab.models:mine=mine"}
    for doc in ("First", "Second"):
        source.write_text(gcn.replace('"""', f'"""{doc} of mine. ', 1))
        (code, out, _), imported = ask(("describe", "mine"), folder, **env)
        assert code == 0 and f"{doc} of mine." in out and "torch" in imported
    (code, out, _), _ = ask(("models", "--json"), folder, **env)
    assert code == 0 and "mine" in [row["name"] for row in json.loads(out)]
    (code, out, _), _ = ask(("models", "--json"), folder)
    assert "mine" not in [row["name"] for row in json.loads(out)]
