"""Fixtures for all tests: data of each test's own, and the reason why one that needs raw files is skipped."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if os.environ.get("GRAPHLAB_MIRROR"):
        return
    absent = pytest.mark.skip(reason="needs the raw files of public data sets: set GRAPHLAB_MIRROR to their folder")
    for item in items:
        if item.get_closest_marker("real_data"):
            item.add_marker(absent)


@pytest.fixture(autouse=True)
def data_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty data root, so that no test reads or leaves anything in the checkout's."""
    root = tmp_path / "data"
    monkeypatch.setenv("GRAPHLAB_DATA", str(root))
    return root
