"""Fixtures for all tests: a data root of the session's own, and why a test that needs raw files is skipped."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from filelock import FileLock
from hypothesis import HealthCheck, settings

from graphlab import cli as command_line

settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    absent = {}
    if not os.environ.get("GRAPHLAB_MIRROR"):
        absent["real_data"] = "needs the raw files of public data sets: set GRAPHLAB_MIRROR to their folder"
    if any(item.get_closest_marker("gpu") for item in items) and not torch.cuda.is_available():
        absent["gpu"] = "needs a CUDA device"
    for item in items:
        for marker, reason in absent.items():
            if item.get_closest_marker(marker):
                item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session", autouse=True)
def shared_data_root(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The data root of this session and of its parallel workers, empty at first: what one test makes of raw files the
    next one reads, and no test reads or leaves anything in the checkout's."""
    base = tmp_path_factory.getbasetemp()
    root = (base.parent if hasattr(request.config, "workerinput") else base) / "data"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRAPHLAB_DATA", str(root))
        yield root


@pytest.fixture(scope="session")
def truth() -> Callable[[str], Mapping[str, np.ndarray]]:
    """`truth(name)` gives the arrays that a published implementation made, of `truth/<name>.npz` beside the raw data.
    For tests that are marked real_data."""

    def get(name: str) -> Mapping[str, np.ndarray]:
        with np.load(Path(os.environ["GRAPHLAB_MIRROR"]) / "truth" / f"{name}.npz", allow_pickle=False) as arrays:
            return {key: arrays[key] for key in arrays.files}

    return get


@pytest.fixture(scope="session")
def made_once(shared_data_root: Path) -> Callable[[str, Callable[[Path], object]], Path]:
    """`made_once(name, make)` gives a folder that `make` has filled, once for all parallel workers of this session."""

    def get(name: str, make: Callable[[Path], object]) -> Path:
        folder = shared_data_root.parent / "made" / name
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{folder}.lock"):
            if not folder.with_suffix(".done").exists():
                shutil.rmtree(folder, ignore_errors=True)
                folder.mkdir()
                make(folder)
                folder.with_suffix(".done").touch()
        return folder

    return get


@pytest.fixture
def data_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty data root, for tests of how data sets come to be there."""
    root = tmp_path / "data"
    monkeypatch.setenv("GRAPHLAB_DATA", str(root))
    return root


@pytest.fixture
def old_store(tmp_path: Path) -> Path:
    """A copy of a store that version 0.1.0 wrote: five runs of gcn, two of distmult, one of ultra and one that starts
    from it, and a search of two trials."""
    return Path(shutil.copytree(Path(__file__).parent / "records" / "store-0.1.0", tmp_path / "old"))


@dataclass
class Outcome:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@pytest.fixture
def cli(monkeypatch, capsys):
    """`cli("run", "gcn", ...)` gives exit code and what was printed; a traceback would be an exception here."""

    def call(*words):
        monkeypatch.setattr(sys, "argv", ["graphlab", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            command_line.main()
        printed = capsys.readouterr()
        return Outcome(int(ended.value.code or 0), printed.out, printed.err)

    return call
