"""An undirected graph by rows: the neighbours of each node side by side, in ascending order."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from graphlab.core.errors import InputError
from graphlab.ops.compiled import counting_sort

MOST_NODES = 2**31 - 1


@dataclass(frozen=True, eq=False)
class Adjacency:
    """The neighbours of each node of an undirected graph without loops, each once.

    Attributes:
        start: Where the neighbours of each node begin, int64 `[num_nodes + 1]`.
        neighbour: The neighbours, ascending for each node, int32 `[2 L]`.
    """

    start: np.ndarray
    neighbour: np.ndarray

    @classmethod
    def of(cls, links: np.ndarray, num_nodes: int) -> Adjacency:
        """The graph of undirected links.

        Loops are dropped, and links that are listed twice, in one direction or both, count once.

        Args:
            links: Whole numbers `[L, 2]` from 0, either end first.
            num_nodes: Number of nodes.

        Raises:
            InputError: The links are of another shape, or name a node that is not there.
        """
        links = np.asarray(links)
        if links.ndim != 2 or links.shape[1] != 2 or (links.size and links.dtype.kind not in "iu"):
            raise InputError(
                f"links have shape {links.shape} and hold {links.dtype}", hint="pass whole numbers [links, 2]"
            )
        if not 0 <= num_nodes <= MOST_NODES:
            raise InputError(f"a graph cannot have {num_nodes:,} nodes", hint=f"0 to {MOST_NODES:,} nodes")
        if links.size and not 0 <= links.min() <= links.max() < num_nodes:
            raise InputError(f"a link names a node that is not among {num_nodes:,}", hint="nodes are counted from 0")
        links = links[links[:, 0] != links[:, 1]]
        source = np.concatenate([links[:, 0], links[:, 1]]).astype(np.int64)
        target = np.concatenate([links[:, 1], links[:, 0]]).astype(np.int64)
        by_target = counting_sort(target, num_nodes)[1]
        start, by_source = counting_sort(source[by_target], num_nodes)
        neighbour = target[by_target][by_source]
        row = np.repeat(np.arange(num_nodes), np.diff(start))
        again = np.zeros(len(neighbour), bool)
        again[1:] = (neighbour[1:] == neighbour[:-1]) & (row[1:] == row[:-1])
        if again.any():
            neighbour = neighbour[~again]
            start = np.concatenate([[0], np.cumsum(np.bincount(row[~again], minlength=num_nodes))])
        return cls(start.astype(np.int64), neighbour.astype(np.int32))

    @property
    def num_nodes(self) -> int:
        return len(self.start) - 1

    @property
    def num_links(self) -> int:
        """Number of undirected links."""
        return len(self.neighbour) // 2

    @cached_property
    def degree(self) -> np.ndarray:
        """Number of neighbours of each node, int64 `[num_nodes]`."""
        return np.diff(self.start)

    @cached_property
    def links(self) -> np.ndarray:
        """Each link once, int64 `[L, 2]` with the smaller node first, sorted."""
        row = np.repeat(np.arange(self.num_nodes), self.degree)
        once = row < self.neighbour
        return np.stack([row[once], self.neighbour[once].astype(np.int64)], axis=1)
