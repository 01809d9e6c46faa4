"""Sizes of neighbourhoods and of what two of them share, by sketches of fixed size and exactly.

N_d(v) are the nodes at most d edges from v, v itself among them. Of each N_d(v) there are two sketches:

    MinHash (Broder, 1997): of each of `num_hashes` hash functions the least hash of a node in the set. The share of
    functions whose least hashes of two sets are equal estimates |A and B| / |A or B|.

    HyperLogLog (Flajolet et al., 2007): nodes fall into 2^precision registers by their hash, and each has the greatest
    rank, one and the number of zeros at the end of the rest of the hash. The size is about
    alpha m^2 / sum of 2^-rank with m registers; where it is at most 5 m / 2, it is m log(m / empty registers).

Sketches of a union are minima and maxima of those of its parts: N_(d+1)(v) is the union of N_d over v and its
neighbours. |A and B| is estimated as the share times the size of the union. Relative errors fall as one over the root
of the sketch's size: that of HyperLogLog is about 1.04 / sqrt(m).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from graphlab.core.errors import InputError
from graphlab.ops.compiled import compiled, counting_sort
from graphlab.ops.threads import for_each, ranges

MOST_EXACT = 20_000
"""Nodes up to which neighbourhoods are counted exactly: each distance takes a byte a pair of nodes."""


class Neighbourhoods(ABC):
    """What is known of N_1(v) to N_k(v) of each node."""

    @property
    @abstractmethod
    def sizes(self) -> Tensor:
        """|N_d(v)|, float64 `[k, num_nodes]`."""

    @abstractmethod
    def shared(self, first_hops: int, second_hops: int, pairs: Tensor) -> Tensor:
        """How many nodes N_i(u) and N_j(v) have in common, float64 `[P]`.

        Args:
            first_hops, second_hops: i and j, in `[1, k]`.
            pairs: (u, v), int64 `[P, 2]`.
        """


@dataclass(frozen=True)
class SketchedNeighbourhoods(Neighbourhoods):
    """Estimates.

    Attributes:
        least: The least hashes of N_1 to N_k, each int32 `[num_nodes, num_hashes]`.
        ranks: The registers of N_1 to N_k, each int8 `[num_nodes, 2^precision]`.
    """

    least: tuple[Tensor, ...]
    ranks: tuple[Tensor, ...]

    @property
    def sizes(self) -> Tensor:
        return torch.stack([estimated_size(ranks) for ranks in self.ranks])

    def shared(self, first_hops: int, second_hops: int, pairs: Tensor) -> Tensor:
        first, second = pairs.unbind(1)
        least, ranks = self.least, self.ranks
        same = least[first_hops - 1][first] == least[second_hops - 1][second]
        union = torch.maximum(ranks[first_hops - 1][first], ranks[second_hops - 1][second])
        return same.double().mean(1) * estimated_size(union)


@dataclass(frozen=True)
class ExactNeighbourhoods(Neighbourhoods):
    """Counts.

    Attributes:
        near: Whether a node is in N_1 to N_k of another, each bool `[num_nodes, num_nodes]`.
    """

    near: tuple[Tensor, ...]

    @property
    def sizes(self) -> Tensor:
        return torch.stack([near.sum(1) for near in self.near]).double()

    def shared(self, first_hops: int, second_hops: int, pairs: Tensor) -> Tensor:
        first, second = pairs.unbind(1)
        return (self.near[first_hops - 1][first] & self.near[second_hops - 1][second]).sum(1).double()


def sketched(
    edge_index: Tensor, num_nodes: int, num_hops: int, num_hashes: int, precision: int
) -> SketchedNeighbourhoods:
    """Sketches of N_1 to N_num_hops of each node, by hashes of the nodes' numbers that are always the same.

    Args:
        edge_index: int64 `[2, E]`, each edge in both directions.
        num_nodes: Number of nodes.
        num_hops: Largest distance.
        num_hashes: Hash functions of MinHash.
        precision: Binary logarithm of the registers of HyperLogLog, in `[4, 16]`.

    Raises:
        InputError: A precision out of its range, or no hash function.
    """
    if not 4 <= precision <= 16 or num_hashes < 1:
        raise InputError(
            f"sketches have {num_hashes} hash functions and precision {precision}",
            hint="give one hash function at least, and a precision of 4 to 16",
        )
    least, ranks = (torch.from_numpy(rows).to(edge_index.device) for rows in _hashes(num_nodes, num_hashes, precision))
    all_least, all_ranks = [], []
    neighbours = _InEdges(edge_index, num_nodes)
    for _ in range(num_hops):
        least, ranks = neighbours.extremes(least, largest=False), neighbours.extremes(ranks, largest=True)
        all_least.append(least)
        all_ranks.append(ranks)
    return SketchedNeighbourhoods(tuple(all_least), tuple(all_ranks))


def counted(edge_index: Tensor, num_nodes: int, num_hops: int) -> ExactNeighbourhoods:
    """N_1 to N_num_hops of each node, as sets.

    Args:
        edge_index: int64 `[2, E]`, each edge in both directions.

    Raises:
        InputError: More than MOST_EXACT nodes.
    """
    if num_nodes > MOST_EXACT:
        raise InputError(
            f"neighbourhoods of {num_nodes:,} nodes are not counted exactly",
            hint=f"up to {MOST_EXACT:,} nodes are; use sketches",
        )
    near, neighbours, out = torch.eye(num_nodes, dtype=torch.uint8), _InEdges(edge_index.cpu(), num_nodes), []
    for _ in range(num_hops):
        near = neighbours.extremes(near, largest=True)
        out.append(near.bool().to(edge_index.device))
    return ExactNeighbourhoods(tuple(out))


def estimated_size(ranks: Tensor) -> Tensor:
    """HyperLogLog's estimate of a set's size from its registers, `[..., m]` to float64 `[...]`."""
    m = ranks.size(-1)
    alpha = {16: 0.673, 32: 0.697, 64: 0.709}.get(m, 0.7213 / (1 + 1.079 / m))
    estimate = alpha * m * m / torch.exp2(-ranks.double()).sum(-1)
    empty = (ranks == 0).sum(-1)
    counted_linearly = m * (m / empty.clamp(min=1).double()).log()
    return torch.where((estimate <= 2.5 * m) & (empty > 0), counted_linearly, estimate)


class _InEdges:
    """The edges into each node."""

    def __init__(self, edge_index: Tensor, num_nodes: int) -> None:
        self.edge_index, self.sorted = edge_index, None
        if edge_index.device.type == "cpu":
            source, target = edge_index.numpy()
            start, order = counting_sort(target, num_nodes)
            self.sorted = start, source[order]

    def extremes(self, rows: Tensor, *, largest: bool) -> Tensor:
        """Entry by entry the largest or the least of what a node and its neighbours have, `[num_nodes, n]` to the
        same."""
        if self.sorted is None:
            return reference(self.edge_index, rows, largest=largest)
        (start, source), out = self.sorted, rows.clone()
        values, result = rows.numpy(), out.numpy()
        loop: Any = _maxima if largest else _minima
        for_each(lambda part: loop(start, source, values, result, *part), ranges(len(out)))
        return out


def reference(edge_index: Tensor, rows: Tensor, *, largest: bool) -> Tensor:
    """The same with a row an edge laid out."""
    source, target = edge_index
    index = target.unsqueeze(1).expand(-1, rows.size(1))
    return rows.scatter_reduce(0, index, rows.index_select(0, source), "amax" if largest else "amin")


@compiled
def _maxima(start, source, rows, out, first, last):
    width = rows.shape[1]
    for i in range(first, last):
        row = out[i]
        for e in range(start[i], start[i + 1]):
            other = rows[source[e]]
            for k in range(width):
                row[k] = max(row[k], other[k])


@compiled
def _minima(start, source, rows, out, first, last):
    width = rows.shape[1]
    for i in range(first, last):
        row = out[i]
        for e in range(start[i], start[i + 1]):
            other = rows[source[e]]
            for k in range(width):
                row[k] = min(row[k], other[k])


@lru_cache(maxsize=2)
def _hashes(num_nodes: int, num_hashes: int, precision: int) -> tuple[np.ndarray, np.ndarray]:
    """The sketches of single nodes: hashes int32 `[num_nodes, num_hashes]`, registers int8 `[num_nodes, 2^precision]`.

    The hash of node v under function j is the output of SplitMix64 (Steele, Lea and Flood, 2014) for a mix of the two.
    """
    node = np.arange(num_nodes, dtype=np.uint64)
    function = np.arange(1, num_hashes + 1, dtype=np.uint64)
    least = _mixed(_mixed(node * _STEP)[:, None] + function * _STEP) >> np.uint64(33)
    word = _mixed(node * _STEP + _STEP)
    rest = word >> np.uint64(precision)
    last_bit = (rest & (~rest + np.uint64(1))).astype(np.float64)
    rank = np.where(rest == 0, 65 - precision, np.log2(np.maximum(last_bit, 1)) + 1)
    registers = np.zeros((num_nodes, 1 << precision), np.int8)
    registers[np.arange(num_nodes), (word & np.uint64((1 << precision) - 1)).astype(np.int64)] = rank
    return least.astype(np.int32), registers


_STEP = np.uint64(0x9E3779B97F4A7C15)


def _mixed(word: np.ndarray) -> np.ndarray:
    """The output function of SplitMix64, of uint64."""
    word = (word ^ (word >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    word = (word ^ (word >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return word ^ (word >> np.uint64(31))
