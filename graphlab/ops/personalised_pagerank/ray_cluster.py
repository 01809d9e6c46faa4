"""Personalised PageRank of every node on a Ray cluster: the functions of `monte_carlo` on partitions of segments and
nodes.

The result is equal to that of one machine. Each partition is a task of one core; a task whose worker dies is started
again. The graph and the ends of all segments, 4 bytes each, are sent to each machine once.
"""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np

from graphlab.core.errors import InputError, require_count
from graphlab.ops.personalised_pagerank.checks import Progress
from graphlab.ops.personalised_pagerank.monte_carlo import WalkPlan, join_segments, scores_of, walk_segments
from graphlab.ops.personalised_pagerank.scores import SparseScores
from graphlab.ops.personalised_pagerank.transition import Transition


def monte_carlo_on_ray(
    transition: Transition,
    num_walks: int,
    *,
    restart: float = 0.15,
    seed: int = 0,
    partitions: int = 64,
    progress: Progress | None = None,
) -> SparseScores:
    """`monte_carlo` on the cluster of $RAY_ADDRESS or the one that is joined already, else on one of this machine.

    Args:
        transition, num_walks, restart, seed: As of `monte_carlo`.
        partitions: Tasks that the segments are cut into, and then the nodes.
        progress: Called after each partition of nodes with the nodes that are done and the number of all.

    Raises:
        InputError: As of `monte_carlo`, or Ray is not installed.
    """
    require_count("the number of partitions", partitions, "a whole number from 1")
    ray: Any = _import_ray()
    plan = WalkPlan.of(transition, num_walks, restart, seed)
    joined = ray.is_initialized()
    if not joined:
        ray.init(log_to_driver=False, include_dashboard=False, logging_level="error")
    try:
        return _run(ray, plan, partitions, progress)
    finally:
        if not joined:
            ray.shutdown()


def _run(ray: Any, plan: WalkPlan, partitions: int, progress: Progress | None) -> SparseScores:
    walk, join = (ray.remote(num_cpus=1, max_retries=-1)(function) for function in (walk_segments, join_segments))
    shared_plan = ray.put(plan)
    segments = [walk.remote(shared_plan, *part) for part in plan.segment_parts(partitions)]
    ends = ray.put(np.concatenate([np.empty(0, np.int32), *ray.get(segments)]))
    parts = plan.node_parts(partitions)
    tasks = [join.remote(shared_plan, ends, *part) for part in parts]
    results = []
    for (_, last), task in zip(parts, tasks, strict=True):
        results.append(ray.get(task))
        if progress:
            progress(last, plan.num_nodes)
    return scores_of(results, plan)


def _import_ray() -> Any:
    try:
        return importlib.import_module("ray")
    except ImportError:
        raise InputError("walks on a cluster need Ray", hint='pip install "graphlab[ray]"') from None
