"""Refining graphs, each on its own: what is compared are the histories that come out.

A history is the graph's invariant, a hash of the multiset of its colours, after rounds 0, 1, ..., T, where T is the
first round after which there are no more colours than before it. Two graphs differ under a test if and only if their
histories do, and the first column that differs is the round of the test in which they part (chance apart, see below):

- As long as the invariants agree, so do the multisets of colours, and with them the numbers of colours. So either both
  graphs end in the same round or their histories differ before one ends.
- Let both end in round T with equal invariants. A colour contains the colour before it; so in either graph colours of
  round T and of round T - 1 correspond one to one, and as the multisets are the same in both, they do so in both by the
  same map. The next round's colours are functions of what corresponds, and so on for ever: neither they nor what is
  pooled from them can differ in any later round.

Two hashes that differ prove that the colours do. Two that agree may do so by chance, see `hashing` for how rarely: with
M different colours in two graphs and R rounds, at most M^2 R n / 2^58 for one seed. Seeds are independent: what two of
them agree on is wrong with at most the square of that, 1e-8 at M = 80,000, R = 20, n = 200 and 1e-20 at n = 20.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np

from graphlab.core.errors import InputError
from graphlab.ops.colour_refinement import nodes, pairs, triples
from graphlab.ops.colour_refinement.distances import PRIMES
from graphlab.ops.colour_refinement.graphs import GraphArrays
from graphlab.ops.colour_refinement.hashing import edge_weights, make_keys
from graphlab.ops.threads import for_each

SEEN = {"neighbours": nodes.NEIGHBOURS, "shortest": nodes.SHORTEST, "resistance": nodes.RESISTANCE}
POOLS = {"flat": pairs.FLAT, "VS": pairs.VS, "SV": pairs.SV}
AGGREGATIONS = {
    "vu": pairs.VU,
    "uu": pairs.UU,
    "vv": pairs.VV,
    "uL": pairs.UL,
    "vL": pairs.VL,
    "uG": pairs.UG,
    "vG": pairs.VG,
    "FWL": pairs.FWL,
    "LFWL": pairs.LFWL,
    "SLFWL": pairs.SLFWL,
}

LARGEST_TRIPLES = 100
"""Nodes of a graph whose triples are still refined: 10^8 products a round, five arrays of 8 MB."""

BATCH = 20_000
"""Pairs of nodes, summed over graphs, that one call to the loops is given: about a millisecond."""

FIRST_ROUNDS = 32
NO_COLOURS = np.empty(0, np.uint64)

Loop = Callable[[np.ndarray, np.ndarray, np.ndarray, np.ndarray], None]


@dataclass(frozen=True)
class Histories:
    """Of G graphs, the invariant after every round. Those of one call may be compared with each other.

    invariant  uint64 `[G, columns]`; columns beyond a graph's last round are 0
    rounds     int64 `[G]`, the round after which the number of colours had not grown
    """

    invariant: np.ndarray
    rounds: np.ndarray


class Refinement(ABC):
    """A way to refine colours."""

    @abstractmethod
    def histories(self, graphs: GraphArrays, *, seed: int = 0) -> Histories:
        """Refine every graph until its colours are stable, on as many threads as torch uses."""

    @abstractmethod
    def colours(self, graphs: GraphArrays, num_rounds: int, *, seed: int = 0) -> list[np.ndarray]:
        """The colours of each graph after so many rounds: uint64 `[n]`, `[n, n]` or `[n, n, n]`."""


@dataclass(frozen=True)
class NodeRefinement(Refinement):
    """Colours of nodes v, each refined by what it sees (Zhang et al., ICLR 2023, section 4):

        neighbours             c'(v) = hash(c(v), {{(e(w, v), c(w)) : w in N(v)}})      1-WL
        shortest, resistance   c'(v) = hash(c(v), {{(d(v, w), c(w)) : w in V}})         SPD-WL, RD-WL

    d has a value of its own for nodes that no path joins, and goes with the colour of the edge between the two, if any;
    a self-loop is an edge of v to itself.
    The invariant is that of the multiset of all c(v).
    """

    seen: Literal["neighbours", "shortest", "resistance"] = "neighbours"

    def __post_init__(self) -> None:
        if self.seen not in SEEN:
            raise InputError(f"nodes are not seen by {self.seen!r}", hint=f"known: {', '.join(SEEN)}")

    def histories(self, graphs: GraphArrays, *, seed: int = 0) -> Histories:
        for loop in self._loops(graphs, seed):
            histories = _run(graphs, loop)
            if (histories.rounds >= 0).all():
                return histories
        raise _unusable()

    def colours(self, graphs: GraphArrays, num_rounds: int, *, seed: int = 0) -> list[np.ndarray]:
        for loop in self._loops(graphs, seed):
            colours, rounds = _colours(graphs, num_rounds, loop, num_axes=1)
            if (rounds != nodes.UNUSABLE).all():
                return colours
        raise _unusable()

    def _loops(self, graphs: GraphArrays, seed: int) -> Iterator[Loop]:
        keys = make_keys(seed)
        fields = _fields(graphs, keys)
        for primes in _prime_pairs(seed):

            def loop(which, history, rounds, colours, primes=primes):
                seen, unusable = nodes.distances(fields, which, SEEN[self.seen], primes)
                nodes.refine_all_nodes(fields, which, seen, keys, history, rounds, colours)
                if len(unusable):
                    rounds[unusable] = nodes.UNUSABLE

            yield loop


@dataclass(frozen=True)
class PairRefinement(Refinement):
    """Colours of pairs (u, v), u the root, each refined by some of (Zhang et al., ICML 2023, definition 3.1)

        vu = c(v, u)    uL = {{(e(w, v), c(u, w)) : w in N(v)}}    uG = {{c(u, w) : w in V}}
        uu = c(u, u)    vL = {{(e(w, u), c(w, v)) : w in N(u)}}    vG = {{c(w, v) : w in V}}
        vv = c(v, v)    FWL, LFWL, SLFWL = {{(c(u, w), c(w, v)) : w in W}}

    with W all nodes, v and its neighbours, or u, v and the neighbours of both. The first colour is (x_v, u = v); with
    one of the last three, what is known of u, of v and of the edges between them. The invariant is that of the
    multiset of all colours (flat), of the multisets of each root (VS), or of those of each node (SV).
    """

    aggregations: frozenset[str]
    pool: Literal["flat", "VS", "SV"] = "flat"

    def __post_init__(self) -> None:
        object.__setattr__(self, "aggregations", frozenset(self.aggregations))
        for name in self.aggregations:
            if name not in AGGREGATIONS:
                raise InputError(f"no aggregation is named {name!r}", hint=f"known: {', '.join(AGGREGATIONS)}")
        if self.pool not in POOLS:
            raise InputError(f"no pooling is named {self.pool!r}", hint=f"known: {', '.join(POOLS)}")

    @property
    def flags(self) -> int:
        return sum(AGGREGATIONS[name] for name in self.aggregations)

    def histories(self, graphs: GraphArrays, *, seed: int = 0) -> Histories:
        return _run(graphs, self._loop(graphs, seed))

    def colours(self, graphs: GraphArrays, num_rounds: int, *, seed: int = 0) -> list[np.ndarray]:
        return _colours(graphs, num_rounds, self._loop(graphs, seed), num_axes=2)[0]

    def _loop(self, graphs: GraphArrays, seed: int) -> Loop:
        keys, flags, pool = make_keys(seed), self.flags, POOLS[self.pool]
        fields = _fields(graphs, keys)

        def loop(which, history, rounds, colours):
            pairs.refine_all_pairs(fields, which, flags, pool, keys, history, rounds, colours)

        return loop


@dataclass(frozen=True)
class TripleRefinement(Refinement):
    """Colours of triples (a, b, d) in the folklore form, FWL(3) (Cai, Fürer and Immerman, Combinatorica 1992):

        c'(a, b, d) = hash(c(a, b, d), {{(c(w, b, d), c(a, w, d), c(a, b, w)) : w in V}})

    from what is known of the nodes and of the edges between them. The invariant is that of the multiset of all.
    O(n^4) of time a round and O(n^3) of memory: a graph of more than 100 nodes raises InputError.
    """

    def histories(self, graphs: GraphArrays, *, seed: int = 0) -> Histories:
        return _run(graphs, self._loop(graphs, seed))

    def colours(self, graphs: GraphArrays, num_rounds: int, *, seed: int = 0) -> list[np.ndarray]:
        return _colours(graphs, num_rounds, self._loop(graphs, seed), num_axes=3)[0]

    def _loop(self, graphs: GraphArrays, seed: int) -> Loop:
        _check_size(graphs)
        keys = make_keys(seed)
        fields = _fields(graphs, keys)

        def loop(which, history, rounds, colours):
            triples.refine_all_triples(fields, which, keys, history, rounds, colours)

        return loop


def _fields(graphs: GraphArrays, keys: np.ndarray) -> tuple[np.ndarray, ...]:
    """The graphs as the loops take them."""
    weight = edge_weights(graphs.edge_colour, keys)
    return graphs.start, graphs.row, graphs.source, graphs.node_colour, graphs.edge_colour, weight


def _run(graphs: GraphArrays, loop: Loop) -> Histories:
    """All graphs, the largest first, each thread taking the next batch; again with more columns where they end late."""
    size = graphs.num_nodes**2
    waiting = np.argsort(-size, kind="stable")
    history = np.zeros((len(graphs), FIRST_ROUNDS), np.uint64)
    rounds = np.zeros(len(graphs), np.int64)
    while len(waiting):
        cuts = np.flatnonzero(np.diff(np.cumsum(size[waiting]) // BATCH)) + 1
        for_each(partial(_call, loop, history, rounds), np.split(waiting, cuts))
        waiting = waiting[rounds[waiting] == nodes.MORE_ROUNDS]
        if len(waiting):
            history = np.pad(history, ((0, 0), (0, 3 * history.shape[1])))
    used = int(max(rounds.max(initial=0), 0)) + 1
    beyond = np.arange(used) > rounds[:, None]
    return Histories(np.where(beyond, np.uint64(0), history[:, :used]), rounds)


def _call(loop: Loop, history: np.ndarray, rounds: np.ndarray, which: np.ndarray) -> None:
    loop(which, history, rounds, NO_COLOURS)


def _colours(graphs: GraphArrays, num_rounds: int, loop: Loop, *, num_axes: int) -> tuple[list[np.ndarray], np.ndarray]:
    """The colours of each graph after so many rounds, and what the loop says of its rounds."""
    history = np.empty((len(graphs), num_rounds + 1), np.uint64)
    rounds = np.zeros(len(graphs), np.int64)
    colours = [np.empty((n,) * num_axes, np.uint64) for n in graphs.num_nodes]
    for g, colour in enumerate(colours):
        loop(np.array([g]), history, rounds, colour.reshape(-1))
    return colours, rounds


def _prime_pairs(seed: int) -> list[np.ndarray]:
    """Two primes at a time, those of neighbouring seeds first different ones."""
    of_seed = np.roll(np.array(PRIMES, np.uint64).reshape(-1, 2), -seed, axis=0)
    return list(of_seed)


def _unusable() -> InputError:
    return InputError("the resistances of a graph cannot be computed modulo any two of our primes", hint="leave it out")


def _check_size(graphs: GraphArrays) -> None:
    largest = int(graphs.num_nodes.max(initial=0))
    if largest > LARGEST_TRIPLES:
        raise InputError(
            f"FWL(3) refines graphs of at most {LARGEST_TRIPLES} nodes; one has {largest}",
            hint="leave FWL(3) out, or the graph",
        )
