"""Where data lies: the mirror that is only read, and the store of runs. The data root is `graphlab.core.paths`."""

from __future__ import annotations

import os
from pathlib import Path

from graphlab.core.errors import DataError


def mirror() -> Path | None:
    """The folder named by `GRAPHLAB_MIRROR`, which is looked in before anything else; None if it is unset."""
    named = os.environ.get("GRAPHLAB_MIRROR")
    if not named:
        return None
    folder = Path(named).expanduser()
    if not folder.is_dir():
        raise DataError(
            f"GRAPHLAB_MIRROR is no folder: {folder}", hint="point it at the folder of raw files, or unset it"
        )
    return folder


def store_root(store: str | os.PathLike[str] | None = None) -> Path:
    """The store of runs that is meant: the argument, else `$GRAPHLAB_STORE`, else `./runs`."""
    return Path(store or os.environ.get("GRAPHLAB_STORE") or "runs").expanduser().absolute()
