"""Personalised PageRank of every node at once, by random walks that are put together from short ones.

pi_s(v) is the probability that a walk from s, which ends before each step with the probability `restart`, ends at v.
Of each node there are R walks, and the estimate is the share of those that end at v. It is unbiased, sums to 1, and
the variance is pi_s(v) (1 - pi_s(v)) / R for independent walks.

Every node first walks segments of at most STEPS steps, R of a node and more of a heavy one, through which more walks
pass. A walk from s is a segment of s, then one of the node where that went on, until one has ended. Within a walk no
segment is used twice, and which one comes next depends on the nodes passed and on numbers of s and of the walk alone:
so each walk has the distribution of one that draws every step anew, and the estimate stays unbiased. At the first
visit of a node, the walks of a source take its segments in turn, so that they differ; at later ones, any that the walk
has not used. Walks of different sources share segments. A walk that has used all segments of a node, or MOST_JOINTS in
all, goes on by single steps. The variance is that of independent walks where walks are short beside the graph, as they
are by default, and several times as much where each passes most segments.

A walk that leaves a dangling node returns to its source. Segments know no source: one that leaves a dangling node ends
there, and the walk goes on from its own source.

The random numbers of a segment depend on the seed, its node and its number alone, those of a walk on the seed, its
source and its number. Results are thus equal for any number of threads, of partitions, and of machines (`ray_cluster`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from graphlab.core.errors import require_count
from graphlab.ops.colour_refinement.hashing import mix
from graphlab.ops.compiled import called_by_loops, compiled, inlined
from graphlab.ops.personalised_pagerank.checks import Progress, require_restart, require_room, require_walks
from graphlab.ops.personalised_pagerank.random_walks import (
    WalkTable,
    edge_of,
    next_state,
    random_key,
    uniform,
    walk_state,
)
from graphlab.ops.personalised_pagerank.scores import SparseScores
from graphlab.ops.personalised_pagerank.transition import Transition
from graphlab.ops.threads import for_each

STEPS = 4
"""Steps of a segment at most."""

HEAVIEST = 16
"""Times as many segments as of others that a heavy node has at most."""

MOST_JOINTS = 64
"""Segments of a walk, after which it goes on by single steps."""

_ONE = np.uint64(1)

_RETURNS = -(2**31)
"""The end of a segment that left a dangling node. Others are v where the walk ended at v, -1 - v where it goes on."""


@dataclass(frozen=True, eq=False)
class WalkPlan:
    """What all segments and walks are functions of.

    Attributes:
        table: The steps.
        num_walks: R.
        restart: The probability that a walk ends before a step.
        segment_start: Where the segments of each node begin among all, int64 `[num_nodes + 1]`.
        segment_key, walk_key: What random numbers of segments start from, and those of walks that need any.
    """

    table: WalkTable
    num_walks: int
    restart: float
    segment_start: np.ndarray
    segment_key: np.uint64
    walk_key: np.uint64

    @classmethod
    def of(cls, transition: Transition, num_walks: int, restart: float, seed: int) -> WalkPlan:
        require_walks(num_walks)
        require_restart(restart)
        size, mean = transition.num_nodes, max(1.0, transition.num_edges / max(1, transition.num_nodes))
        times = np.clip(np.ceil(transition.degree / mean), 1, HEAVIEST).astype(np.int64)
        num_segments = int(times.sum()) * num_walks
        num_bytes = 4 * num_segments + 24 * size * num_walks
        require_room(f"{num_walks:,} walks of {size:,} nodes", num_bytes, "ask for fewer walks")
        start = np.concatenate([[0], np.cumsum(times * num_walks)]).astype(np.int64)
        keys = random_key(seed, "segments"), random_key(seed, "walks")
        return cls(WalkTable.of(transition), num_walks, restart, start, *keys)

    @property
    def num_nodes(self) -> int:
        return len(self.segment_start) - 1

    @property
    def num_segments(self) -> int:
        return int(self.segment_start[-1])

    def segment_parts(self, count: int) -> list[tuple[int, int]]:
        """All segments in ranges of the same length. A heavy node's are in several of them."""
        return _cuts(self.num_segments, count)

    def node_parts(self, count: int) -> list[tuple[int, int]]:
        """All nodes in ranges of the same length."""
        return _cuts(self.num_nodes, count)


class WalkEnds(NamedTuple):
    """Where the walks of some nodes end.

    Attributes:
        size: Number of different ends of each node, int64.
        node: These, ascending for each node, int32.
        walks: Walks that end there, int32.
    """

    size: np.ndarray
    node: np.ndarray
    walks: np.ndarray


def monte_carlo(
    transition: Transition,
    num_walks: int,
    *,
    restart: float = 0.15,
    seed: int = 0,
    partitions: int = 64,
    progress: Progress | None = None,
) -> SparseScores:
    """Estimates of the personalised PageRank of every node.

    Args:
        transition: The walk.
        num_walks: Walks of a node.
        restart: The probability that a walk returns to its source instead of taking a step.
        seed: Decides all random numbers.
        partitions: Ranges of nodes that threads take one after the other, which change no number.
        progress: Called after each partition, by the thread that did it, with the nodes that are done and the number of
            all.

    Returns:
        At most `num_walks` nodes for each node of the graph; rows sum to 1.

    Raises:
        InputError: Walks or restart are out of range, or the walks do not fit in memory.
    """
    require_count("the number of partitions", partitions, "a whole number from 1")
    plan = WalkPlan.of(transition, num_walks, restart, seed)
    ends = np.empty(plan.num_segments, np.int32)

    def walk(part: tuple[int, int]) -> None:
        ends[part[0] : part[1]] = walk_segments(plan, *part)

    for_each(walk, plan.segment_parts(partitions))
    parts = plan.node_parts(partitions)
    joined: dict[tuple[int, int], WalkEnds] = {}

    def join(part: tuple[int, int]) -> None:
        joined[part] = join_segments(plan, ends, *part)
        if progress:
            progress(sum(last - first for first, last in tuple(joined)), plan.num_nodes)

    for_each(join, parts)
    return scores_of((joined[part] for part in parts), plan)


def walk_segments(plan: WalkPlan, first: int, last: int) -> np.ndarray:
    """The ends of the segments `[first, last)`, int32."""
    out = np.empty(last - first, np.int32)
    _walk(*plan.table.arrays, plan.segment_start, plan.segment_key, plan.restart, first, out)
    return out


def join_segments(plan: WalkPlan, ends: np.ndarray, first: int, last: int) -> WalkEnds:
    """Where the walks of the nodes `[first, last)` end, put together from the ends of all segments."""
    walks = np.empty((last - first, plan.num_walks), np.int32)
    rest = (plan.segment_start, ends, plan.walk_key, plan.restart, first)
    _join(*plan.table.arrays, *rest, np.empty(MOST_JOINTS, np.int64), walks)
    walks.sort(axis=1)
    is_new = np.ones(walks.shape, bool)
    is_new[:, 1:] = walks[:, 1:] != walks[:, :-1]
    place = np.flatnonzero(is_new)
    count = np.diff(np.append(place, walks.size))
    return WalkEnds(is_new.sum(1), walks.ravel()[place], count.astype(np.int32))


def scores_of(parts: Iterable[WalkEnds], plan: WalkPlan) -> SparseScores:
    """The ends of all nodes, partition after partition, as shares of their walks."""
    nothing = WalkEnds(np.empty(0, np.int64), np.empty(0, np.int32), np.empty(0, np.int32))
    size, node, count = (np.concatenate(column) for column in zip(nothing, *parts, strict=True))
    start = np.concatenate([[0], np.cumsum(size)]).astype(np.int64)
    return SparseScores(start, node, count / plan.num_walks, plan.num_nodes)


def _cuts(size: int, count: int) -> list[tuple[int, int]]:
    cuts = [size * part // count for part in range(count + 1)]
    return [(a, b) for a, b in pairwise(cuts) if a < b]


@compiled
def _walk(start, target, threshold, alias, segment_start, key, restart, first, out):
    if not len(out):
        return
    node = np.searchsorted(segment_start, first, side="right") - 1
    for i in range(len(out)):
        segment = first + i
        while segment >= segment_start[node + 1]:
            node += 1
        state = walk_state(key, node, segment - segment_start[node])
        at = np.int64(node)
        end = np.int64(0)
        for step in range(STEPS + 1):
            if step == STEPS:
                end = -1 - at
                break
            state = next_state(state)
            if uniform(state) < restart:
                end = at
                break
            begin, count = start[at], start[at + 1] - start[at]
            if count == 0:
                end = _RETURNS
                break
            state = next_state(state)
            at = np.int64(target[edge_of(state, begin, count, threshold, alias)])
        out[i] = end


@called_by_loops
def _step_on(start, target, threshold, alias, key, restart, source, number, at):
    """Where a walk ends that goes on from `at` by single steps."""
    state = walk_state(key, source, number)
    while True:
        state = next_state(state)
        if uniform(state) < restart:
            return at
        begin, count = start[at], start[at + 1] - start[at]
        if count == 0:
            at = source
        else:
            state = next_state(state)
            at = np.int64(target[edge_of(state, begin, count, threshold, alias)])


@inlined
def _is_among(values, count, value):
    times = 0
    for k in range(count):
        times += values[k] == value
    return times > 0


@compiled
def _join(start, target, threshold, alias, segment_start, ends, key, restart, first, joints, out):
    for i in range(out.shape[0]):
        source = np.int64(first + i)
        shift = np.int64(mix(np.uint64(source)) >> np.uint64(33))
        for j in range(out.shape[1]):
            at, passed = source, 0
            while True:
                begin, used = segment_start[at], 0
                count = segment_start[at + 1] - begin
                for k in range(passed):
                    used += begin <= joints[k] < begin + count
                if used >= count or passed == len(joints):
                    out[i, j] = _step_on(start, target, threshold, alias, key, restart, source, j, at)
                    break
                if used:
                    segment = begin + np.int64(walk_state(key, source, j * len(joints) + passed) >> _ONE) % count
                    while _is_among(joints, passed, segment):
                        segment = segment + 1 if segment + 1 < begin + count else begin
                else:
                    segment = begin + (j + (shift if at != source else 0)) % count
                joints[passed] = segment
                passed += 1
                end = np.int64(ends[segment])
                if end >= 0:
                    out[i, j] = end
                    break
                at = source if end == _RETURNS else -1 - end
