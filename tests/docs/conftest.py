"""What the documentation says, run in processes of its own, as a reader would run it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.docs.blocks import ROOT

Shell = Callable[..., str]

PEOPLE = [f"person {k:02}" for k in range(30)]
FRIENDS = [(PEOPLE[k], PEOPLE[(k + step) % 30]) for k in range(30) for step in (1, 2, 7)]
FAMILY = {
    "train": "ann mother bob,bob child ann,bob father eve,eve child bob,ann mother tom,tom father joe,joe child tom",
    "inference": "max father ida,ida child max,ida mother leo,leo father kim,kim child leo",
    "valid": "max father leo",
    "test": "leo child ida",
}


@pytest.fixture
def own_files(tmp_path: Path) -> Path:
    """A working folder with what a user of the documentation has: tables, text files and graphs of PyG."""
    lines = {
        "friends.csv": ["who,whom,weight", *(f"{u},{v},{1 + (k % 3)}" for k, (u, v) in enumerate(FRIENDS))],
        "people.csv": [
            "node,age,team",
            *(f"{name},{20 + k % 9},{'red' if k < 15 else 'blue'}" for k, name in enumerate(PEOPLE)),
        ],
        "friends.txt": [f"{u}\t{v}" for u, v in FRIENDS],
        "teams.txt": [f"{name}\t{'red' if k < 15 else 'blue'}" for k, name in enumerate(PEOPLE)],
        **{
            f"family/{part}.txt": ["\t".join(triple.split()) for triple in text.split(",")]
            for part, text in FAMILY.items()
        },
    }
    (tmp_path / "family").mkdir()
    for name, rows in lines.items():
        (tmp_path / name).write_text("\n".join(rows) + "\n")
    return tmp_path


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """`shell("graphlab models")` gives what bash prints, with this interpreter's `python` and `graphlab` first.

    The working folder is `tmp_path` unless given; runs go to a store of the test's own. `path` is what PYTHONPATH has
    before GraphLab; `code` is the exit code that is expected.
    """
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "GRAPHLAB_STORE": str(tmp_path / "runs"),
        "COLUMNS": "400",
    }

    def run(command: str, *, cwd: Path = tmp_path, path: Path | None = None, code: int = 0) -> str:
        folders = [*([str(path)] if path else []), str(ROOT), os.environ.get("PYTHONPATH", "")]
        done = subprocess.run(
            ["bash", "-euc", command],
            cwd=cwd,
            env=environment | {"PYTHONPATH": os.pathsep.join(filter(None, folders))},
            capture_output=True,
            text=True,
            timeout=1200,
        )
        assert done.returncode == code, f"{command}\nexit code {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    return run
