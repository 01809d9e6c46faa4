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
