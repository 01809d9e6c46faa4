"""Personalised PageRank of a block of sources on an undirected graph, by Chebyshev's iteration. Golub and Varga, 1961.

With D the strengths of nodes and z = D^-1 x for x = e_s + c P^T x, symmetric weights give

    z = D^-1 e_s + c P z,

and c P has real eigenvalues between -c and c. Where those that count are between -m and m,

    z_{k+1} = w_{k+1} (D^-1 e_s + c P z_k - z_{k-1}) + z_{k-1}
    w_1 = 1        w_2 = 1 / (1 - m^2 / 2)        w_{k+1} = 1 / (1 - m^2 w_k / 4)

leaves m / (1 + sqrt(1 - m^2)) of the error with each pass: .56 for m = c = .85, where power iteration leaves .85. Any
m below 1 converges, for all eigenvalues of c P are below 1 too.

The eigenvalue 1 of P belongs to vectors that are constant on each connected component, and what z has of it is known:
1 / (restart volume) on the component of the source. The iteration starts from this, and m is c times the next largest
eigenvalue of P, which is estimated once for a graph.

The residual of z_k is measured by the pass that makes z_{k+1}, and z_k is the result as soon as the bound holds.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from math import sqrt
from weakref import WeakKeyDictionary

import numpy as np

from graphlab.core.seeds import SeedStream
from graphlab.ops.compiled import contracted, scratch
from graphlab.ops.personalised_pagerank.blocks import known_width, most_passes
from graphlab.ops.personalised_pagerank.transition import Transition
from graphlab.ops.threads import PARTS, over_parts

ESTIMATE_PASSES = 30
"""Products with P by which its next largest eigenvalue is estimated."""

MARGIN = 1.02
"""Times the estimate, which is from below."""


class Spectrum:
    """What the iteration knows of a graph with symmetric weights.

    Attributes:
        component: The connected component of each node, int32 `[num_nodes]`.
        volume: The strengths of each component's nodes, summed, float64.
        eigenvalue: An estimate of the largest magnitude of an eigenvalue of P beside 1.
    """

    def __init__(self, transition: Transition) -> None:
        from scipy.sparse.csgraph import connected_components

        matrix, strength = transition.matrix(), transition.strength
        count, self.component = connected_components(matrix, directed=False)
        self.volume = np.bincount(self.component, strength, count)
        vector = SeedStream(0).child("personalised-pagerank", "eigenvalue").numpy().standard_normal(len(self.component))
        self.eigenvalue = 0.0
        for _ in range(ESTIMATE_PASSES):
            vector = self._without_means(vector, strength)
            size = _norm(vector, strength)
            if not size:
                return
            vector = matrix @ (vector / size)
            self.eigenvalue = min(1.0, MARGIN * _norm(vector, strength))

    def _without_means(self, vector: np.ndarray, strength: np.ndarray) -> np.ndarray:
        sums = np.bincount(self.component, strength * vector, len(self.volume))
        means = np.divide(sums, self.volume, out=np.zeros_like(sums), where=self.volume > 0)
        return vector - means[self.component]


def _norm(vector: np.ndarray, strength: np.ndarray) -> float:
    return sqrt(float(np.sum(strength * np.square(vector))))


_SPECTRA: WeakKeyDictionary[Transition, Spectrum] = WeakKeyDictionary()


def spectrum_of(transition: Transition) -> Spectrum:
    """Computed once for a graph."""
    if transition not in _SPECTRA:
        _SPECTRA[transition] = Spectrum(transition)
    return _SPECTRA[transition]


def chebyshev_block(transition: Transition, nodes: np.ndarray, restart: float, tolerance: float) -> np.ndarray:
    """The rows of the sources of a block, float64 `[S, num_nodes]`."""
    graph, width, keep = spectrum_of(transition), len(nodes), 1 - restart
    size = transition.num_nodes
    bound = keep * graph.eigenvalue
    is_weighted = transition.probability is not None
    probability = transition.probability if is_weighted else np.empty(0)
    divisor = np.where(transition.strength > 0, transition.strength, 1)
    loop = _loop(is_weighted, known_width(transition, width))
    current, before = (np.zeros((size, width)) for _ in range(2))
    for column, node in enumerate(nodes):
        place = graph.component[node]
        if graph.volume[place] > 0:
            current[:, column] = (graph.component == place) / (restart * graph.volume[place])
    relaxation, gaps = 1.0, np.zeros((PARTS, width))
    for count in range(1, most_passes(restart) + 1):
        gaps[:] = 0

        def run(
            part: int,
            first: int,
            last: int,
            current: np.ndarray = current,
            before: np.ndarray = before,
            relaxation: float = relaxation,
        ) -> None:
            arrays = (transition.start, transition.target, probability, divisor, current, before, nodes, gaps[part])
            loop(*arrays, keep, relaxation, first, last)

        over_parts(size, run)
        if 2 * gaps.sum(0).max() <= tolerance:
            break
        current, before = before, current
        relaxation = 1 / (1 - bound * bound * (1 / 2 if count == 1 else relaxation / 4))
    rows = np.ascontiguousarray((current * divisor[:, None]).T)
    np.maximum(rows, 0, out=rows)
    rows /= rows.sum(1, keepdims=True)
    return rows


@cache
def _loop(is_weighted: bool, known: int) -> Callable[..., None]:
    """One pass over some of the rows, from z_k and z_{k-1} to z_{k+1} in the place of the latter. The number of columns
    is `known` when it is compiled, or 0."""

    @contracted
    def loop(start, target, probability, divisor, current, before, origin, gap, keep, relaxation, first, last):
        width = known if known else current.shape[1]
        sums, gap_sums = scratch(current, width), scratch(current, width)
        for k in range(width):
            gap_sums[k] = 0.0
        for r in range(first, last):
            i = np.uint64(r)
            p, end = np.uint64(start[i]), np.uint64(start[i + np.uint64(1)])
            share = keep if is_weighted or p == end else keep / np.float64(end - p)
            for k in range(width):
                sums[k] = 0.0
            while p + np.uint64(4) <= end:
                q, s, t = p + np.uint64(1), p + np.uint64(2), p + np.uint64(3)
                a, b = current[np.uint64(target[p])], current[np.uint64(target[q])]
                c, d = current[np.uint64(target[s])], current[np.uint64(target[t])]
                if is_weighted:
                    of_a, of_b, of_c, of_d = probability[p], probability[q], probability[s], probability[t]
                    for k in range(width):
                        sums[k] += (of_a * a[k] + of_b * b[k]) + (of_c * c[k] + of_d * d[k])
                else:
                    for k in range(width):
                        sums[k] += (a[k] + b[k]) + (c[k] + d[k])
                p += np.uint64(4)
            for q in range(p, end):
                a = current[np.uint64(target[q])]
                if is_weighted:
                    of_a = probability[q]
                    for k in range(width):
                        sums[k] += of_a * a[k]
                else:
                    for k in range(width):
                        sums[k] += a[k]
            scale = divisor[i]
            for k in range(width):
                sums[k] *= share
            for k in range(width):
                if origin[k] == r:
                    sums[k] += 1.0 / scale
            own, row = current[i], before[i]
            for k in range(width):
                gap_sums[k] += abs(sums[k] - own[k]) * scale
                row[k] += relaxation * (sums[k] - row[k])
        for k in range(width):
            gap[k] += gap_sums[k]

    return loop
