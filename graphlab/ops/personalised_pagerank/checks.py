"""What the engines of personalised PageRank are asked, checked before anything is computed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from numbers import Real

import numpy as np
from torch import Tensor

from graphlab.core.errors import InputError, require_count
from graphlab.core.memory import available_memory, require_memory

Sources = np.ndarray | Tensor | Sequence[int]

Progress = Callable[[int, int], object]
"""Called with the sources that are done and the number of all."""


def checked_sources(sources: Sources, num_nodes: int) -> np.ndarray:
    """The nodes as int64 `[S]`.

    Raises:
        InputError: They are no whole numbers on one axis, or one is not there.
    """
    nodes = np.asarray(sources)
    if nodes.ndim != 1 or (nodes.size and nodes.dtype.kind not in "iu"):
        raise InputError(
            f"sources have shape {nodes.shape} and hold {nodes.dtype}", hint="pass a list of whole numbers"
        )
    absent = (nodes < 0) | (nodes >= num_nodes)
    if absent.any():
        raise InputError(
            f"source {nodes[absent][0]} is not in the graph",
            hint=f"its nodes are 0 to {num_nodes - 1:,}" if num_nodes else "it has no nodes",
        )
    return nodes.astype(np.int64)


def require_restart(restart: float) -> None:
    """Raises InputError for a restart probability that is not between 0 and 1."""
    if not isinstance(restart, Real) or not 0 < restart < 1:
        raise InputError(
            f"the restart probability cannot be {restart!r}",
            hint="a number between 0 and 1; networkx' alpha=0.85 is restart=0.15",
        )


def require_positive(what: str, number: float) -> None:
    """Raises InputError for what is not above 0 and finite."""
    if not isinstance(number, Real) or not 0 < number < np.inf:
        raise InputError(f"{what} cannot be {number!r}", hint="a number above 0")


def require_walks(count: object) -> None:
    """Raises InputError for a number of walks that is no whole number from 1."""
    require_count("the number of walks of a node", count, "a whole number from 1")


def require_top(top: object) -> None:
    """Raises InputError for a number of nodes that is no whole number from 1."""
    require_count("the number of best nodes", top, "a whole number from 1")


def require_room(what: str, num_bytes: int, hint: str) -> None:
    """Raises InputError for what would not fit in the memory that is left now."""
    require_memory(what, int(num_bytes), available_memory(), hint)
