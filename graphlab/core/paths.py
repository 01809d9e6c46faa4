"""The folder that GraphLab itself writes to, beside the store of runs."""

from __future__ import annotations

import os
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]


def data_root() -> Path:
    """`GRAPHLAB_DATA`, else `datasets/` of the checkout GraphLab is imported from, else the user's cache."""
    named = os.environ.get("GRAPHLAB_DATA")
    if named:
        return Path(named).expanduser()
    if (PROJECT / "datasets" / "make.py").is_file():
        return PROJECT / "datasets"
    caches = os.environ.get("XDG_CACHE_HOME")
    return (Path(caches) if caches else Path.home() / ".cache") / "graphlab"
