"""Random numbers and steps of walks.

The random numbers of a walk are outputs of SplitMix64 (see `neighbour_sampling`) whose state is a function of the
seed, the node that the walk starts from and its number among that node's walks. So no walk depends on which others
there are, on who walks them, or in which order.

A step along weighted edges takes one number: its upper bits choose a column of the node's alias table and its lower
bits decide between the column's own edge and its alias (Walker, 1977; the tables are built as Vose, IEEE TSE 1991).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from graphlab.core.seeds import SeedStream
from graphlab.ops.colour_refinement.hashing import mix
from graphlab.ops.compiled import compiled, inlined
from graphlab.ops.personalised_pagerank.transition import Transition
from graphlab.ops.threads import RANGES, for_each

_ONE, _SHIFT, _HALF = np.uint64(1), np.uint64(11), np.uint64(32)
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_UNIT, _LOW = 2.0**-53, np.uint64(0xFFFFFFFF)
_LOW_UNIT = 2.0**-32


@dataclass(frozen=True, eq=False)
class WalkTable:
    """What a step reads.

    Attributes:
        start, target: The edges by the node they leave, as of `Transition`.
        threshold: The share of each edge's column that is its own, float64 `[E]`; empty where edges are alike.
        alias: The place, among the edges of the node, of the edge that has the rest of the column, int32 `[E]`.
    """

    start: np.ndarray
    target: np.ndarray
    threshold: np.ndarray
    alias: np.ndarray

    @classmethod
    def of(cls, transition: Transition) -> WalkTable:
        if transition.probability is None:
            return cls(transition.start, transition.target, np.empty(0), np.empty(0, np.int32))
        threshold, alias = np.ones(transition.num_edges), np.zeros(transition.num_edges, np.int32)
        tables = (transition.start, transition.probability, threshold, alias)
        for_each(lambda part: _alias(*tables, *part), balanced(transition.degree))
        return cls(transition.start, transition.target, threshold, alias)

    @property
    def arrays(self) -> tuple[np.ndarray, ...]:
        return self.start, self.target, self.threshold, self.alias


def random_key(seed: int, purpose: str) -> np.uint64:
    """What the random numbers of all walks of one purpose start from."""
    return np.uint64(SeedStream(seed).child("personalised-pagerank", purpose).integer())


def balanced(work: np.ndarray) -> list[tuple[int, int]]:
    """Ranges of items that have about the same work, for threads to take one after the other."""
    if not len(work):
        return []
    total = np.cumsum(work + 1)
    cuts = np.searchsorted(total, np.linspace(0, total[-1], RANGES + 1))
    cuts[-1] = len(work)
    return [(int(a), int(b)) for a, b in pairwise(cuts) if a < b]


@inlined
def walk_state(key, node, number):
    """The state that the random numbers of one walk start from."""
    state = mix(key + (np.uint64(node) + _ONE) * _GOLDEN)
    return mix(state + (np.uint64(number) + _ONE) * _GOLDEN)


@inlined
def next_state(state):
    return state + _GOLDEN


@inlined
def uniform(state):
    """A number in [0, 1)."""
    return np.float64(mix(state) >> _SHIFT) * _UNIT


@inlined
def edge_of(state, first, count, threshold, alias):
    """The edge that a step takes, of `count` from `first` on.

    Of 2^32 numbers, all columns get as many but for one, which is a relative error of count / 2^32.
    """
    number = mix(state)
    column = np.int64(((number >> _HALF) * np.uint64(count)) >> _HALF)
    if len(threshold) and np.float64(number & _LOW) * _LOW_UNIT >= threshold[first + column]:
        return first + np.int64(alias[first + column])
    return first + column


@compiled
def _alias(start, probability, threshold, alias, first, last):
    """The tables of the nodes `[first, last)`. Columns with too little are at the front of the stack, others behind."""
    widest = 0
    for v in range(first, last):
        widest = max(widest, start[v + 1] - start[v])
    stack, share = np.empty(widest, np.int64), np.empty(widest)
    for v in range(first, last):
        begin, count = start[v], start[v + 1] - start[v]
        small, large = 0, count
        for j in range(count):
            share[j] = probability[begin + j] * count
            alias[begin + j] = j
            if share[j] < 1.0:
                stack[small] = j
                small += 1
            else:
                large -= 1
                stack[large] = j
        while small > 0 and large < count:
            small -= 1
            less, more = stack[small], stack[large]
            threshold[begin + less] = share[less]
            alias[begin + less] = more
            share[more] -= 1.0 - share[less]
            if share[more] < 1.0:
                large += 1
                stack[small] = more
                small += 1
