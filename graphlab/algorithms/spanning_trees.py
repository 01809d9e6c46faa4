"""Minimum spanning trees by Kruskal's and Prim's algorithms.

Cormen et al., Introduction to Algorithms, chapter 23.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from graphlab.algorithms.algorithm import Algorithm, Arrays, Steps, Values, probes_of
from graphlab.algorithms.instances import Random, sample_weighted_source, weighted_graph
from graphlab.algorithms.requirements import symmetric
from graphlab.algorithms.shortest_paths import grow_tree

JOINED, FIND_U, FIND_V = range(3)


def trace_mst_kruskal(inputs: Arrays) -> Steps:
    """Takes the edges from the lightest on and joins the trees of their ends.

    The masks show the nodes on the way to the roots, which are made to point at each root that is reached. Of two roots
    the smaller points at the larger.
    """
    weights = inputs["A"]
    num_nodes = len(weights)
    rows, columns = np.nonzero(np.triu(weights, 1))
    lightest_first = np.argsort(weights[rows, columns], kind="stable")
    parents, tree = list(range(num_nodes)), np.zeros((num_nodes, num_nodes), np.int8)
    ends, roots = [0, 0], [0, 0]
    masks = [[0] * num_nodes, [0] * num_nodes]

    def step(phase: int) -> Values:
        return {
            "in_mst_h": tree,
            "pi": parents,
            "u": ends[0],
            "v": ends[1],
            "root_u": roots[0],
            "root_v": roots[1],
            "mask_u": masks[0],
            "mask_v": masks[1],
            "phase": phase,
        }

    def climb(end: int, phase: int) -> Iterator[Values]:
        while parents[roots[end]] != roots[end]:
            roots[end] = parents[roots[end]]
            parents[:] = [roots[end] if passed else parent for passed, parent in zip(masks[end], parents, strict=True)]
            masks[end][roots[end]] = 1
            yield step(phase)

    yield step(JOINED)
    for row, column in zip(rows[lightest_first].tolist(), columns[lightest_first].tolist(), strict=True):
        ends, roots = [row, column], [row, column]
        masks = [[int(node == end) for node in range(num_nodes)] for end in ends]
        yield step(FIND_U)
        yield from climb(0, FIND_U)
        yield from climb(1, FIND_V)
        if roots[0] != roots[1]:
            tree[row, column] = tree[column, row] = 1
            parents[min(roots)] = max(roots)
        yield step(JOINED)
    return {"in_mst": tree}


def trace_mst_prim(inputs: Arrays) -> Steps:
    """The tree of the source's component. The queue holds the nodes beside the tree; keys of others are 0 at first."""
    return grow_tree(inputs, "key", 0)


def sample_sparse_weighted(size: int, rng: Random, p: float = 0.2) -> Values:
    """A sparse undirected weighted graph."""
    return {"A": weighted_graph(size, rng, p)}


GRAPH = {"node value": "pos", "edge value": "A", "edge mask": "adj"}

ALGORITHMS = (
    Algorithm(
        "mst_kruskal",
        probes_of(
            input=GRAPH,
            output={"edge mask": "in_mst"},
            hint={
                "edge mask": "in_mst_h",
                "node pointer": "pi",
                "node mask-one": "u v root_u root_v",
                "node mask": "mask_u mask_v",
                "graph class 3": "phase",
            },
        ),
        trace_mst_kruskal,
        sample_sparse_weighted,
        requires=(symmetric,),
    ),
    Algorithm(
        "mst_prim",
        probes_of(
            input=GRAPH | {"node mask-one": "s"},
            output={"node pointer": "pi"},
            hint={"node pointer": "pi_h", "node value": "key", "node mask": "mark in_queue", "node mask-one": "u"},
        ),
        trace_mst_prim,
        sample_weighted_source,
        requires=(symmetric,),
    ),
)
