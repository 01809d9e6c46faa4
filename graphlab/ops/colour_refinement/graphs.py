"""Many small graphs as flat arrays, which compiled loops walk without touching a Python object."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class GraphArrays:
    """G graphs with N nodes and E edges in all; an undirected edge is two of them.

    start         int64 `[G + 1]`, the first node of each graph
    row           int64 `[N + 1]`, the first edge of each node, its target
    source        int32 `[E]`, the other end, counted from the first node of the graph
    node_colour   uint64 `[N]`, what is known of a node before the first round
    edge_colour   uint64 `[E]`, what is known of an edge, 0 for nothing but that it is there
    """

    start: np.ndarray
    row: np.ndarray
    source: np.ndarray
    node_colour: np.ndarray
    edge_colour: np.ndarray

    def __len__(self) -> int:
        return len(self.start) - 1

    @property
    def num_nodes(self) -> np.ndarray:
        """Int64 `[G]`."""
        return np.diff(self.start)

    @property
    def num_edges(self) -> np.ndarray:
        """Int64 `[G]`, both directions counted."""
        return np.diff(self.row[self.start])

    def take(self, which: np.ndarray) -> GraphArrays:
        """Some of the graphs, int64 `[K]`, in that order."""
        nodes = _ranges(self.start[:-1][which], self.start[1:][which])
        edges = _ranges(self.row[self.start[:-1][which]], self.row[self.start[1:][which]])
        return GraphArrays(
            start=_cumulated(self.num_nodes[which]),
            row=_cumulated(np.diff(self.row)[nodes]),
            source=self.source[edges],
            node_colour=self.node_colour[nodes],
            edge_colour=self.edge_colour[edges],
        )


def graph_arrays(
    num_nodes: np.ndarray,
    graph: np.ndarray,
    source: np.ndarray,
    target: np.ndarray,
    node_colour: np.ndarray | None = None,
    edge_colour: np.ndarray | None = None,
) -> GraphArrays:
    """Graphs from lists of edges.

    Args:
        num_nodes: int64 `[G]`.
        graph, source, target: int64 `[E]`, each edge's graph and its ends, counted from 0 in every graph.
        node_colour: uint64 `[N]`, graph by graph; all alike if absent.
        edge_colour: uint64 `[E]`; all alike if absent.
    """
    start = _cumulated(num_nodes)
    row = start[graph] + target
    order = np.lexsort((source, row))
    counts = np.bincount(row, minlength=start[-1])
    return GraphArrays(
        start=start,
        row=_cumulated(counts),
        source=source[order].astype(np.int32),
        node_colour=np.zeros(start[-1], np.uint64) if node_colour is None else node_colour,
        edge_colour=np.zeros(len(source), np.uint64) if edge_colour is None else edge_colour[order],
    )


def _cumulated(counts: np.ndarray) -> np.ndarray:
    return np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)


def _ranges(first: np.ndarray, end: np.ndarray) -> np.ndarray:
    """The numbers from first[0] to before end[0], from first[1] to before end[1], and so on."""
    lengths = end - first
    skipped = np.repeat(first - (np.cumsum(lengths) - lengths), lengths)
    return skipped + np.arange(lengths.sum())
