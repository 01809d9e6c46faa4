"""What the stable colours of a test are of: nodes, edges and pairs of nodes of many graphs, by number."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cached_property

import numpy as np

from graphlab.analysis.expressiveness.compare import SEEDS, partition
from graphlab.analysis.expressiveness.properties import Facts, Of
from graphlab.analysis.expressiveness.tests import WLTest
from graphlab.ops.colour_refinement import GraphArrays, NodeRefinement, PairRefinement


class StableColours:
    """The stable colours of a collection under a test: equal numbers for what it finds alike, in any two of the graphs.

    All graphs are refined until no colour splits any more in the collection as a whole, which may take more rounds than
    each graph on its own; no later round can then change what is alike.

    Colours of pairs are colours of nodes as well: that of v is the one of (v, v) where the test pools all pairs at
    once, else the multiset of those of root v (VS) or of node v (SV), as the test pools them.
    """

    def __init__(self, test: WLTest, graphs: GraphArrays) -> None:
        self.test, self.graphs = test, graphs

    def of(self, what: Of) -> np.ndarray:
        """A number for each item: int64 `[items]`, in the order of `Facts.items`. An edge is known by the colours of
        its ends; so is a pair of nodes, by a test that colours nodes alone."""
        if what == "graph":
            return partition(self.test, self.graphs).label
        if what == "node":
            return self.nodes
        if what == "pair" and not isinstance(self.test.refinement, NodeRefinement):
            return self._numbered(_pairs)
        return self._ends(what)

    @cached_property
    def nodes(self) -> np.ndarray:
        """A number for each node: int64 `[N]`."""
        refinement = self.test.refinement
        pool = refinement.pool if isinstance(refinement, PairRefinement) else "flat"
        return self._numbered(lambda colour: _nodes(colour, pool))

    def _ends(self, what: Of) -> np.ndarray:
        ends = [Facts(self.graphs, g).items(what) + self.graphs.start[g] for g in range(len(self.graphs))]
        places = np.concatenate(ends, axis=1)
        low, high = np.sort(self.nodes[places], axis=0)
        return low * (int(self.nodes.max(initial=0)) + 1) + high

    def _numbered(self, part: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
        """A number for what is alike under both seeds."""
        columns = [_joined(map(part, colours)) for colours in self._colours]
        first, second = (np.unique(column, return_inverse=True)[1].astype(np.int64) for column in columns)
        return np.unique(first * (int(second.max(initial=0)) + 1) + second, return_inverse=True)[1].astype(np.int64)

    @cached_property
    def _colours(self) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """Those of every graph, for either seed."""
        first, second = SEEDS
        refinement, graphs = self.test.refinement, self.graphs
        rounds = int(refinement.histories(graphs, seed=first).rounds.max(initial=1))
        colours, count, before = refinement.colours(graphs, rounds, seed=first), 0, -1
        while count > before:
            rounds, before = 2 * rounds, len(np.unique(_joined(colour.ravel() for colour in colours)))
            colours = refinement.colours(graphs, rounds, seed=first)
            count = len(np.unique(_joined(colour.ravel() for colour in colours)))
        return colours, refinement.colours(graphs, rounds, seed=second)


def _nodes(colour: np.ndarray, pool: str) -> np.ndarray:
    if colour.ndim == 1:
        return colour
    if pool == "flat":
        return colour[(np.arange(len(colour)),) * colour.ndim]
    return colour.sum(axis=1 if pool == "VS" else 0)


def _pairs(colour: np.ndarray) -> np.ndarray:
    """Those of (u, v), or of the triples (u, v, v), where u is not v."""
    square = colour if colour.ndim == 2 else np.einsum("uvv->uv", colour)
    return square[~np.eye(len(square), dtype=bool)]


def _joined(parts: Iterable[np.ndarray]) -> np.ndarray:
    return np.concatenate([np.zeros(0, np.uint64), *parts])
