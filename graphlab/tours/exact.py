"""Optimal tours and how far their proof goes: Held-Karp for small instances, branch and cut for larger ones."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, linprog, milp
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from graphlab.core.errors import InputError
from graphlab.core.memory import require_memory
from graphlab.ops.compiled import compiled
from graphlab.tours.baselines import two_opt
from graphlab.tours.decoding import greedy_decode
from graphlab.tours.instances import LARGER, MEMORY_LIMIT, TourInstance
from graphlab.tours.tour import adjacency_tour, require_tour, tour_length
from graphlab.tours.tree_search import tree_search

HELD_KARP_NODES = 12
"""Instances up to this size are solved by Held-Karp, where the choice is ours."""

INFEASIBLE = 2
"""scipy's status of a program without a solution."""

PROOF_TOLERANCE = 1e-6
"""A length counts as optimal if it is above a lower bound by no more than this share. Where costs are whole numbers
the bound is rounded up first, so that nothing is left open but the solver's rounding."""


@dataclass(frozen=True, eq=False)
class Solution:
    """A tour, its length, and what is known of the optimum.

    Args:
        lower_bound: no tour is shorter, but for rounding; 0 where nothing is known.
        proved: whether the tour is optimal, within PROOF_TOLERANCE.
        method: held-karp, branch-and-cut or lkh.
        seconds: wall time of the solver.
    """

    tour: np.ndarray
    length: float
    lower_bound: float
    proved: bool
    method: str
    seconds: float


def optimum(instance: TourInstance, *, time_limit: float = 60.0) -> Solution:
    """The optimum by Held-Karp up to HELD_KARP_NODES nodes, above by branch and cut within the time limit."""
    if instance.num_nodes <= HELD_KARP_NODES:
        return held_karp(instance)
    return branch_and_cut(instance, time_limit=time_limit)


def held_karp(instance: TourInstance, *, memory_limit: int = MEMORY_LIMIT) -> Solution:
    """The optimum by dynamic programming over subsets, in time 2^n n^2 and memory 2^n n.

    Meant for up to 15 nodes or so; the default limit of memory has room for 24.

    Raises:
        InputError: for more nodes than memory_limit has room for.

    References:
        Held and Karp, "A dynamic programming approach to sequencing problems", 1962.
    """
    start = time.perf_counter()
    others = instance.num_nodes - 1
    require_memory(f"Held-Karp on {instance.num_nodes} nodes", 2**others * others * 9, memory_limit, LARGER)
    tour = _held_karp(instance.costs)
    length = tour_length(tour, instance.costs)
    return Solution(tour, length, length, True, "held-karp", time.perf_counter() - start)


@compiled
def _held_karp(costs: np.ndarray) -> np.ndarray:
    """`best[subset, last]` is the shortest path from the last node through the subset of others to end in `last`."""
    others = len(costs) - 1
    home = others
    best = np.full((2**others, others), np.inf)
    previous = np.full((2**others, others), -1, np.int8)
    for last in range(others):
        best[1 << last, last] = costs[home, last]
    for subset in range(1, 2**others):
        for last in range(others):
            if not subset >> last & 1 or subset == 1 << last:
                continue
            rest = subset ^ (1 << last)
            for middle in range(others):
                length = best[rest, middle] + costs[middle, last]
                if length < best[subset, last]:
                    best[subset, last] = length
                    previous[subset, last] = middle
    subset = 2**others - 1
    last = 0
    for k in range(others):
        if best[subset, k] + costs[k, home] < best[subset, last] + costs[last, home]:
            last = k
    tour = np.empty(others + 1, np.int64)
    tour[0] = home
    for k in range(1, others + 1):
        tour[k] = last
        subset, last = subset ^ (1 << last), previous[subset, last]
    return tour


def branch_and_cut(
    instance: TourInstance,
    start: np.ndarray | None = None,
    *,
    time_limit: float = 60.0,
    memory_limit: int = MEMORY_LIMIT,
) -> Solution:
    """The optimum by integer programming, with the rows that forbid subtours added when they are violated.

    First the linear relaxation is tightened by minimum cuts until no subtour row is violated. Its value is the lower
    bound of Held and Karp, and its solution guides a tree search for a short tour. Edges are left out if their reduced
    cost says that only longer tours have them. A tour that meets the bound is optimal. Otherwise HiGHS solves the
    integer program again and again, each time with rows for the subtours of its last solution, until that is a tour.

    Args:
        start: a tour to begin with, for example of `lkh.lkh`; by default of a short tree search.
        time_limit: seconds, about.
        memory_limit: bytes that may be allocated, about. Where time or memory ends the search, the shortest tour so
            far is the result, with `proved` False.

    Raises:
        InputError: for a start that is no tour, a time limit that is not positive, or too many nodes for memory_limit.

    References:
        Dantzig, Fulkerson and Johnson, "Solution of a large-scale traveling-salesman problem", 1954.
    """
    if not time_limit > 0:
        raise InputError(f"the time limit cannot be {time_limit!r}", hint="seconds, above 0")
    require_memory(
        f"the integer program of {instance.num_nodes:,} nodes", 100 * instance.num_nodes**2, memory_limit, LARGER
    )
    started = time.perf_counter()
    if start is None:
        start = _search_near(np.exp(-instance.costs / (instance.costs.mean() or 1.0)), instance, memory_limit)
    search = _Search(instance, require_tour(start, instance.num_nodes), time_limit, memory_limit, started)
    search.relax()
    search.branch()
    length, seconds = search.length, time.perf_counter() - started
    bound = min(search.bound, length)
    return Solution(search.tour, length, bound, search.is_proved, "branch-and-cut", seconds)


@dataclass
class _Search:
    """The state of one branch and cut: the shortest tour, the highest bound, and the rows and columns of the program.

    Every tour shorter than the shortest so far consists of edges that are kept.
    """

    instance: TourInstance
    tour: np.ndarray
    time_limit: float
    memory_limit: int
    started: float
    bound: float = 0.0

    def __post_init__(self) -> None:
        n = self.instance.num_nodes
        self.ends = np.triu_indices(n, 1)
        costs = self.instance.costs[self.ends]
        self.unit = max(float(costs.max()) / 1000, np.finfo(np.float64).tiny)
        """Costs are up to 1000 for the solver, whose tolerances are absolute."""
        self.costs = costs / self.unit
        self.kept = np.ones(len(costs), bool)
        self.cuts = np.zeros((0, n), bool)
        """The parts of the nodes that at least two edges leave."""

    @property
    def length(self) -> float:
        return tour_length(self.tour, self.instance.costs)

    @property
    def is_proved(self) -> bool:
        return self.length <= self.bound * (1 + PROOF_TOLERANCE)

    def relax(self) -> None:
        """Tightens the linear relaxation until no cut is violated, the bound is met, or time is up."""
        while not self.is_proved and (left := self._seconds_left()) > 0 and self._has_room():
            kept = self.kept.nonzero()[0]
            result = linprog(
                self.costs[kept],
                A_ub=-self._leaving(kept),
                b_ub=np.full(len(self.cuts), -2.0),
                A_eq=self._degrees(kept),
                b_eq=np.full(self.instance.num_nodes, 2.0),
                bounds=(0, 1),
                method="highs",
                options={"time_limit": left},
            )
            if result.status == INFEASIBLE:
                self.bound = self.length
            if result.status != 0:
                return
            self._raise_bound(result.fun)
            weights = self._matrix(kept, result.x.clip(0, 1))
            self._keep_if_shorter(self._decoded(weights))
            parts = violated_cuts(weights)
            if not len(parts) and not self.is_proved:
                self._keep_if_shorter(_search_near(weights, self.instance, self.memory_limit))
            self.kept[kept] = result.fun + result.lower.marginals <= self.length / self.unit * (1 + PROOF_TOLERANCE)
            if not len(parts):
                return
            self.cuts = np.concatenate([self.cuts, parts])

    def branch(self) -> None:
        """Solves the integer program until its solution is a tour, the bound is met, or time is up."""
        while not self.is_proved and (left := self._seconds_left()) > 0 and self._has_room():
            kept = self.kept.nonzero()[0]
            result = milp(
                self.costs[kept],
                integrality=np.ones(len(kept)),
                bounds=Bounds(0, 1),
                constraints=[
                    LinearConstraint(self._degrees(kept), 2, 2),
                    LinearConstraint(self._leaving(kept), 2, np.inf),
                ],
                options={"time_limit": left, "mip_rel_gap": 0.0},
            )
            if result.status == INFEASIBLE:
                self.bound = self.length
            elif result.mip_dual_bound is not None:
                self._raise_bound(result.mip_dual_bound)
            if result.x is None:
                return
            chosen = self._matrix(kept, result.x > 0.5)
            self._keep_if_shorter(self._decoded(chosen))
            if result.status != 0 or adjacency_tour(chosen > 0) is not None:
                return
            count, component = connected_components(csr_array(chosen), directed=False)
            self.cuts = np.concatenate([self.cuts, np.arange(count)[:, None] == component])

    def _seconds_left(self) -> float:
        return self.time_limit - (time.perf_counter() - self.started)

    def _has_room(self) -> bool:
        """Whether the rows of all cuts fit in memory, at 32 bytes an entry for us and the solver."""
        return 32 * len(self.cuts) * int(self.kept.sum()) <= self.memory_limit

    def _raise_bound(self, value: float) -> None:
        bound = value * self.unit
        if self.instance.is_integral:
            bound = max(bound, math.ceil(bound - PROOF_TOLERANCE * max(1.0, bound)))
        self.bound = max(self.bound, bound)

    def _decoded(self, weights: np.ndarray) -> np.ndarray:
        return two_opt(greedy_decode(weights, self.instance), self.instance, memory_limit=self.memory_limit)

    def _keep_if_shorter(self, tour: np.ndarray) -> None:
        """Takes a tour if it is the shortest so far."""
        if tour_length(tour, self.instance.costs) < self.length:
            self.tour = tour

    def _degrees(self, edges: np.ndarray) -> csr_array:
        """`[n, edges]`, 1 where an edge ends at a node."""
        ends, columns = np.concatenate([end[edges] for end in self.ends]), np.tile(np.arange(len(edges)), 2)
        return csr_array((np.ones(len(ends)), (ends, columns)), shape=(self.instance.num_nodes, len(edges)))

    def _leaving(self, edges: np.ndarray) -> csr_array:
        """`[cuts, edges]`, 1 where an edge has one end in the part of the cut."""
        first, second = self.ends
        return csr_array((self.cuts[:, first[edges]] != self.cuts[:, second[edges]]).astype(np.float64))

    def _matrix(self, edges: np.ndarray, values: np.ndarray) -> np.ndarray:
        matrix = np.zeros(self.instance.costs.shape)
        matrix[self.ends[0][edges], self.ends[1][edges]] = values
        return matrix + matrix.T


def _search_near(weights: np.ndarray, instance: TourInstance, memory_limit: int) -> np.ndarray:
    return tree_search(
        weights,
        instance,
        np.random.default_rng(0),
        num_simulations=300 * instance.num_nodes,
        memory_limit=memory_limit,
    )


def violated_cuts(weights: np.ndarray) -> np.ndarray:
    """Parts of the nodes that edges of a total weight below 2 leave, bool `[parts, n]`; none only if there is none.

    They are cuts of the phases of Stoer and Wagner, "A simple min-cut algorithm", 1997, the least of which is minimal.
    """
    return _violated_cuts(np.ascontiguousarray(weights, np.float64), 2 - 1e-6)


@compiled
def _violated_cuts(weights: np.ndarray, limit: float) -> np.ndarray:
    n = len(weights)
    weights = weights.copy()
    merged = np.zeros((n, n), np.bool_)  # the nodes that a node stands for
    for k in range(n):
        merged[k, k] = True
    alive = np.ones(n, np.bool_)
    parts, count = np.zeros((n, n), np.bool_), 0
    for phase in range(n - 1):
        pull = np.zeros(n)
        added = ~alive
        before, last = -1, -1
        for step in range(n - phase):
            nearest = -1
            for k in range(n):
                if not added[k] and (nearest < 0 or pull[k] > pull[nearest]):
                    nearest = k
            before, last = last, nearest
            added[last] = True
            if step < n - phase - 1:
                for k in range(n):
                    pull[k] += weights[last, k]
        if pull[last] < limit:
            parts[count] = merged[last]
            count += 1
        for k in range(n):
            merged[before, k] |= merged[last, k]
            weights[before, k] += weights[last, k]
            weights[k, before] = weights[before, k]
        weights[before, before] = 0.0
        alive[last] = False
    return parts[:count]
