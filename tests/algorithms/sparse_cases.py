"""Graphs and runs on which sparse algorithms are tested."""

from __future__ import annotations

import networkx as nx
import numpy as np
from scipy.sparse import coo_array

from graphlab.algorithms.sparse.graphs import (
    GENERATORS,
)
from graphlab.algorithms.sparse.trajectory import (
    sample,
)

DENSE = ("bfs", "dfs", "dijkstra", "mst_prim")
PATH = np.array([[0, 1, 1, 2], [1, 0, 2, 1]])
DRAWN = [(kind, size, seed) for kind in GENERATORS for size in (10, 16, 40) for seed in range(15)]


def draws(name):
    """135 trajectories, with their graphs as those of networkx."""
    for kind, size, seed in DRAWN:
        run = sample(name, kind, size, np.random.default_rng(seed))
        graph = nx.Graph()
        graph.add_nodes_from(range(size))
        graph.add_edges_from(run.graph.edge_index.T.tolist())
        yield run, graph


def source_of(run):
    return int(run.inputs["s"].argmax())


def matrix_of(run):
    return coo_array((run.inputs["A"], tuple(run.graph.edge_index)), shape=(run.graph.num_nodes,) * 2).tocsr()


def equal(first, second):
    """Whether two sets of arrays have the same names, types and values."""
    return list(first) == list(second) and all(
        first[name].dtype == second[name].dtype and np.array_equal(first[name], second[name]) for name in first
    )
