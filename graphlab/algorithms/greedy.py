"""Activity selection and scheduling of unit tasks.

Cormen et al., Introduction to Algorithms, chapter 16; Gavril, Algorithms for minimum coloring, 1972.
"""

from __future__ import annotations

import numpy as np

from graphlab.algorithms.algorithm import Algorithm, Arrays, Steps, Values, chain, probes_of
from graphlab.algorithms.instances import Random, integers
from graphlab.algorithms.requirements import starts_before_finish


def sample_activities(size: int, rng: Random) -> Values:
    """Intervals between two uniform numbers."""
    ends = rng.random((2, size))
    return {"s": ends.min(0), "f": ends.max(0)}


def trace_activity_selector(inputs: Arrays) -> Steps:
    """Goes through the activities by their finish and takes each, `m`, that starts no earlier than the last one
    taken, `k`, has finished."""
    starts, finishes = inputs["s"].tolist(), inputs["f"].tolist()
    num_nodes = len(starts)
    order, selected = chain(list(range(num_nodes))), [0] * num_nodes
    yield {"pred_h": order, "selected_h": selected, "m": 0, "k": 0}
    last, free = 0, -np.inf
    for node in np.argsort(inputs["f"], kind="stable").tolist():
        if starts[node] >= free:
            selected[node], last, free = 1, node, finishes[node]
        yield {"pred_h": order, "selected_h": selected, "m": node, "k": last}
    return {"selected": selected}


def sample_tasks(size: int, rng: Random, latest: int | None = None) -> Values:
    """Deadlines, whole numbers uniform from 1 to `latest`, by default the size, and weights uniform in [0, 1)."""
    return {"d": integers(rng, 1, (size if latest is None else latest) + 1, size), "w": rng.random(size)}


def trace_task_scheduling(inputs: Arrays) -> Steps:
    """Goes through the tasks from the heaviest on, one task a unit of time, and takes each that meets its deadline if
    it comes behind all that are taken; `t` counts them.

    This is the reference's rule. It does not move a task forward to make room, so that the tasks taken can weigh less
    than the best that meet their deadlines.
    """
    deadlines = inputs["d"].tolist()
    num_nodes = len(deadlines)
    order, selected = chain(list(range(num_nodes))), [0] * num_nodes
    taken = 0
    yield {"pred_h": order, "selected_h": selected, "i": 0, "t": taken}
    for node in np.argsort(-inputs["w"], kind="stable").tolist():
        if taken < deadlines[node]:
            selected[node], taken = 1, taken + 1
        yield {"pred_h": order, "selected_h": selected, "i": node, "t": taken}
    return {"selected": selected}


ALGORITHMS = (
    Algorithm(
        "activity_selector",
        probes_of(
            input={"node value": "pos s f"},
            output={"node mask": "selected"},
            hint={"node pointer": "pred_h", "node mask": "selected_h", "node mask-one": "m k"},
        ),
        trace_activity_selector,
        sample_activities,
        requires=(starts_before_finish,),
    ),
    Algorithm(
        "task_scheduling",
        probes_of(
            input={"node value": "pos d w"},
            output={"node mask": "selected"},
            hint={"node pointer": "pred_h", "node mask": "selected_h", "node mask-one": "i", "graph value": "t"},
        ),
        trace_task_scheduling,
        sample_tasks,
    ),
)
