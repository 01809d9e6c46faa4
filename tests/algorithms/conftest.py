"""The trajectories of the original package."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def original() -> Callable[[str], Path]:
    """`original(name)` is the file of that name in `clrs/`, beside the raw data. For tests marked real_data."""
    return lambda name: Path(os.environ["GRAPHLAB_MIRROR"]) / "clrs" / name
