"""Commands that train nothing import no torch, and print what they print with it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import graphlab as gl

HEAVY = ("torch", "torch_geometric", "optuna", "matplotlib", "numba", "networkx")

RUN = ("run", "gcn", "karate", "--seeds", "2", "--set", "training.epochs=5")

COMMANDS = (
    ("runs",),
    ("describe", "gcn"),
    ("describe", "karate"),
    ("datasets",),
    ("models",),
    ("leaderboard", "karate"),
    ("leaderboard", "planetoid/cora"),
    ("run", "gnc", "karate"),
    ("run", "gcn", "karte"),
    ("run", "gcn", "karate", "--task", "node-clasification"),
    RUN,
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


def ask(words, folder: Path, before: str = "") -> tuple[tuple[int, str, str], list[str]]:
    """Exit code and what a command prints in a process of its own, and which heavy libraries it has imported."""
    imported = folder / "imported.txt"
    program = f"{before}\nHEAVY, IMPORTED = {HEAVY!r}, {str(imported)!r}\n{PROGRAM}"
    env = {**os.environ, "GRAPHLAB_STORE": str(folder / "runs")}
    done = subprocess.run([sys.executable, "-c", program, "-", *words], env=env, capture_output=True, text=True)
    return (done.returncode, done.stdout, done.stderr), imported.read_text().split()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with a store of runs: two of gcn on karate, and one on karate of another model."""
    folder = tmp_path_factory.mktemp("start")
    gl.run("gcn", "karate", seeds=2, store=folder / "runs", epochs=5)
    gl.run("mlp", "karate", store=folder / "runs", epochs=5)
    return folder


@pytest.fixture(scope="module")
def indexed(made_once):
    """The index, made by one process that asks for all of it: the run first, which no process keeps that has torch."""

    def make(folder: Path) -> None:
        program = f"""
import sys
from graphlab.cli import main
for words in {(RUN, *COMMANDS)!r}:
    sys.argv = ["graphlab", *words]
    try:
        main()
    except SystemExit:
        pass
"""
        env = {**os.environ, "GRAPHLAB_STORE": str(folder / "runs")}
        subprocess.run([sys.executable, "-c", program], env=env, capture_output=True, check=True)

    return made_once("index", make)


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_commands_that_train_nothing_import_no_torch(folder, indexed, cli, monkeypatch, words):
    found, imported = ask(words, folder)
    assert imported == []
    monkeypatch.setenv("GRAPHLAB_STORE", str(folder / "runs"))
    here = cli(*words)
    assert found == (here.code, here.out, here.err), "this process has torch, and reads no index"
