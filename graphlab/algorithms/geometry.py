"""Intersection of two segments, and convex hulls by Graham's scan and Jarvis's march.

Cormen et al., Introduction to Algorithms, chapter 33.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from graphlab.algorithms.algorithm import Algorithm, Arrays, Steps, Values, chain, probes_of
from graphlab.algorithms.instances import Random
from graphlab.algorithms.requirements import four_points, spread_points

Coordinates = Sequence[float]


def turn(x: Coordinates, y: Coordinates, origin: int, middle: int, end: int) -> float:
    """Positive if the way from the origin by the middle to the end turns left, negative if it turns right."""
    return (x[middle] - x[origin]) * (y[end] - y[origin]) - (y[middle] - y[origin]) * (x[end] - x[origin])


def crosses(x: Coordinates, y: Coordinates) -> bool:
    """Whether the segment of the points 0 and 1 crosses that of the points 2 and 3, touching left aside."""
    sides = [turn(x, y, 2, 3, 0), turn(x, y, 2, 3, 1), turn(x, y, 0, 1, 2), turn(x, y, 0, 1, 3)]
    return sides[0] * sides[1] < 0 and sides[2] * sides[3] < 0


def sample_segments(size: int, rng: Random) -> Values:
    """Two segments between uniform points of the unit square, of which half cross. The size is not used."""
    wanted = bool(rng.binomial(1, 0.5))
    while True:
        x, y = rng.random((2, 4))
        if crosses(x.tolist(), y.tolist()) == wanted:
            return {"x": x, "y": y}


def trace_segments_intersect(inputs: Arrays) -> Steps:
    """`dir` is on which side of the other segment, `i` to `j`, the end `k` is.

    `on_seg` is whether it lies in the box around that segment, whatever the side.
    """
    x, y = inputs["x"].tolist(), inputs["y"].tolist()
    sides, boxed = [0.0] * 4, [0] * 4
    yield {"i": 0, "j": 0, "k": 0, "dir": sides, "on_seg": boxed}
    for end in range(4):
        i, j = (2, 3) if end < 2 else (0, 1)
        sides[end] = -turn(x, y, i, j, end)
        boxed[end] = int(all(min(axis[i], axis[j]) <= axis[end] <= max(axis[i], axis[j]) for axis in (x, y)))
        yield {"i": i, "j": j, "k": end, "dir": sides, "on_seg": boxed}
    crossing = sides[0] * sides[1] < 0 and sides[2] * sides[3] < 0
    touching = any(side == 0 and box for side, box in zip(sides, boxed, strict=True))
    return {"intersect": int(crossing or touching)}


def sample_points(size: int, rng: Random, radius: float = 2.0) -> Values:
    """Points uniform in a disc."""
    angles, radii = rng.uniform(0, 2 * np.pi, size), radius * np.sqrt(rng.random(size))
    return {"x": radii * np.cos(angles), "y": radii * np.sin(angles)}


START, LOWEST, ANGLES, POP, PUSH = range(5)


def _lowest(x: Coordinates, y: Coordinates) -> int:
    """The lowest point, of several the leftmost."""
    return min(range(len(x)), key=lambda node: (y[node], x[node]))


def trace_graham_scan(inputs: Arrays) -> Steps:
    """Goes around the lowest point by angle and keeps the points where the way turns left.

    The stack is shown as pointers to the point below.
    """
    x, y = inputs["x"].tolist(), inputs["y"].tolist()
    num_nodes = len(x)
    best, last, node = 0, 0, 0
    hull, below = [0] * num_nodes, list(range(num_nodes))
    angles = [0.0] * num_nodes

    def step(phase: int) -> Values:
        return {
            "best": best,
            "atans": angles,
            "in_hull_h": hull,
            "stack_prev": below,
            "last_stack": last,
            "i": node,
            "phase": phase,
        }

    yield step(START)
    best = last = node = _lowest(x, y)
    hull[best] = 1
    yield step(LOWEST)
    angles = np.arctan2(inputs["y"] - y[best], inputs["x"] - x[best]).tolist()
    angles[best] = 0.0
    yield step(ANGLES)
    # Of points at one angle the farthest comes last and takes the others off the stack.
    distances = np.hypot(inputs["x"] - x[best], inputs["y"] - y[best]).tolist()
    rest = sorted((other for other in range(num_nodes) if other != best), key=lambda k: (angles[k], distances[k]))
    for node in rest:
        while last != best and turn(x, y, below[last], last, node) <= 0:
            removed, last = last, below[last]
            hull[removed], below[removed] = 0, removed
            yield step(POP)
        hull[node], below[node], last = 1, last, node
        yield step(PUSH)
    return {"in_hull": hull}


def trace_jarvis_march(inputs: Arrays) -> Steps:
    """Wraps the points from the lowest one on: the next point of the hull is the one to the right of all ways from the
    last one.

    `endpoint` is the candidate, `i` the point that it is held against.
    """
    x, y = inputs["x"].tolist(), inputs["y"].tolist()
    num_nodes = len(x)
    order, hull = chain(list(range(num_nodes))), [0] * num_nodes

    def step(best: int, last: int, endpoint: int, node: int, phase: int) -> Values:
        return {
            "pred_h": order,
            "in_hull_h": hull,
            "best": best,
            "last_point": last,
            "endpoint": endpoint,
            "i": node,
            "phase": phase,
        }

    yield step(0, 0, 0, 0, 0)
    best = last = _lowest(x, y)
    while True:
        hull[last], endpoint = 1, 0
        yield step(best, last, endpoint, 0, 1)
        for node in range(num_nodes):
            if endpoint == last or turn(x, y, last, endpoint, node) < 0:
                endpoint = node
            yield step(best, last, endpoint, node, 1)
        if hull[endpoint]:
            return {"in_hull": hull}
        last = endpoint


POINTS = {"node value": "pos x y"}

ALGORITHMS = (
    Algorithm(
        "segments_intersect",
        probes_of(
            input=POINTS,
            output={"graph mask": "intersect"},
            hint={"node mask-one": "i j k", "node value": "dir", "node mask": "on_seg"},
        ),
        trace_segments_intersect,
        sample_segments,
        64,
        (four_points,),
    ),
    Algorithm(
        "graham_scan",
        probes_of(
            input=POINTS,
            output={"node mask": "in_hull"},
            hint={
                "node mask-one": "best last_stack i",
                "node value": "atans",
                "node mask": "in_hull_h",
                "node pointer": "stack_prev",
                "graph class 5": "phase",
            },
        ),
        trace_graham_scan,
        sample_points,
        requires=(spread_points,),
    ),
    Algorithm(
        "jarvis_march",
        probes_of(
            input=POINTS,
            output={"node mask": "in_hull"},
            hint={
                "node pointer": "pred_h",
                "node mask": "in_hull_h",
                "node mask-one": "best last_point endpoint i",
                "graph class 2": "phase",
            },
        ),
        trace_jarvis_march,
        sample_points,
        requires=(spread_points,),
    ),
)
