"""What an algorithm asks of its inputs beyond their shapes and types."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from graphlab.algorithms.algorithm import Arrays
from graphlab.core.errors import InputError

Requirement = Callable[[str, Arrays], None]
"""Takes the algorithm's name and its inputs, and raises InputError for those that it cannot work on."""


def symmetric(name: str, inputs: Arrays) -> None:
    """The graph is undirected."""
    if not np.array_equal(inputs["A"], inputs["A"].T):
        raise InputError(f"{name} needs an undirected graph, A is not symmetric", hint="pass np.maximum(A, A.T)")


def acyclic(name: str, inputs: Arrays) -> None:
    """The graph has no directed cycle, self-loops among them."""
    edges = inputs["A"] != 0
    left = np.ones(len(edges), bool)
    while left.any():
        free = left & ~edges[left].any(0)
        if not free.any():
            raise InputError(
                f"{name} needs a graph without cycles", hint="remove an edge of each cycle, and self-loops"
            )
        left &= ~free


def not_negative(name: str, inputs: Arrays) -> None:
    """Weights are not negative."""
    if (inputs["A"] < 0).any():
        raise InputError(f"{name} needs weights that are not negative", hint="bellman_ford takes negative weights")


def unit_network(name: str, inputs: Arrays) -> None:
    """Capacities are 1, in at most one direction of each pair of nodes, from a source to another node."""
    edges = inputs["A"]
    if not np.isin(edges, (0, 1)).all() or (edges * edges.T).any():
        raise InputError(f"{name} needs edges of capacity 1 in one direction", hint="A is 0 or 1, and A * A.T is 0")
    if inputs["s"].argmax() == inputs["t"].argmax():
        raise InputError(f"{name} needs a sink that is not the source", hint="s and t mark different nodes")


def ascending(name: str, inputs: Arrays) -> None:
    """Keys are sorted."""
    if (np.diff(inputs["key"]) < 0).any():
        raise InputError(f"{name} needs sorted keys", hint="pass np.sort(key)")


def four_points(name: str, inputs: Arrays) -> None:
    """There are the ends of two segments."""
    if len(inputs["x"]) != 4:
        raise InputError(f"{name} needs 4 points, not {len(inputs['x'])}", hint="pass the ends of two segments")


def spread_points(name: str, inputs: Arrays) -> None:
    """Points are apart, and not all on one line unless there are only two."""
    points = np.stack([inputs["x"], inputs["y"]], 1)
    if len(np.unique(points, axis=0)) < len(points):
        raise InputError(f"{name} has the same point twice", hint="pass each point once")
    if len(points) > 2 and np.linalg.matrix_rank(points - points[0]) < 2:
        raise InputError(f"{name} has all points on one line", hint="a hull needs points on both sides of a line")


def starts_before_finish(name: str, inputs: Arrays) -> None:
    """No interval ends before it starts."""
    if (inputs["s"] > inputs["f"]).any():
        raise InputError(f"{name} has an activity that ends before it starts", hint="s is the start, f the finish")


def two_strings(name: str, inputs: Arrays) -> None:
    """The letters are divided into two strings, neither of which is empty."""
    string = inputs["string"]
    if not 0 < string.sum() < len(string) or (np.diff(string) < 0).any():
        raise InputError(
            f"string of {name} does not divide the letters", hint="0 at the first string, then 1 at the second"
        )
