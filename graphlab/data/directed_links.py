"""Edges of a directed graph as what is predicted: their random split, ordered pairs that no edge joins, and negatives
that are fair in degree.

A pair (u, v) is the number u n + v, n the number of nodes. Negatives are drawn from numpy's generators.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import replace
from functools import partial

import numpy as np
import torch
from torch import Tensor
from torch_geometric.data import Data

from graphlab.core.errors import InputError
from graphlab.core.seeds import SeedStream
from graphlab.data.dataset import Dataset, Split, Splits
from graphlab.data.links import sizes
from graphlab.data.spec import LINK, DataSpec, Features

TASK = "directed-links"
"""The task about these edges, and the kind of items that its splits hold."""

SPLITS = {"edges-80/5/15": (80, 5, 15), "edges-85/5/10": (85, 5, 10)}
"""Percents of edges for training, validation and test: those of Zhang et al., NeurIPS 2021 (MagNet), and of Kollias et
al., AAAI 2022 (DiGAE)."""

ROUNDS = 12
"""Of swaps with random partners, before what is left is completed along augmenting paths."""


def ordered_edges(edge_index: Tensor) -> Tensor:
    """The edges of a directed graph, once each: int64 `[E, 2]` as (source, target), sorted; self-loops are dropped."""
    return edge_index.t()[edge_index[0] != edge_index[1]].unique(dim=0)


def codes_of(pairs: np.ndarray, num_nodes: int) -> np.ndarray:
    """The numbers of pairs `[..., 2]`."""
    return pairs[..., 0] * num_nodes + pairs[..., 1]


def is_one_way(pairs: np.ndarray, edges: np.ndarray, num_nodes: int) -> np.ndarray:
    """Which of some edges `[n, 2]` are joined in their own direction alone, as far as the edges `[E, 2]` say: bool."""
    return ~np.isin(codes_of(pairs[:, ::-1], num_nodes), codes_of(edges, num_nodes))


def split_edges(edges: Tensor, stream: SeedStream, percents: tuple[int, int, int]) -> Split:
    """So many percent of the edges `[E, 2]` for training, validation and test, drawn from the stream.

    Raises InputError where a part would be empty.
    """
    parts = sizes(len(edges), percents)
    if not all(parts):
        raise InputError(
            f"{len(edges):,} edges leave {parts[0]:,} for training, {parts[1]:,} for validation and {parts[2]:,} for "
            "test",
            hint="each part needs an edge; give a larger graph, other percents, or a split of your own",
        )
    order = torch.from_numpy(stream.numpy().permutation(len(edges)))
    return Split(*edges[order].split(parts))


def directed_links_spec(features: Features | None, num_nodes: int) -> DataSpec:
    """The spec of edges to be predicted among nodes of these features."""
    return DataSpec(TASK, (LINK,), node=features, num_entities=num_nodes, directed=True)


def edges_as_items(dataset: Dataset, split: str) -> Dataset:
    """A data set of one directed graph with its edges to be predicted, in place of what it was about.

    Features of nodes stay; classes, weights and self-loops go.

    Args:
        dataset: Of one graph, directed.
        split: A name of `SPLITS`.
    """
    whole = dataset.graph
    num_nodes, edges = int(whole.num_nodes or 0), ordered_edges(whole["edge_index"])
    graph = Data(edge_index=edges.t().contiguous(), num_nodes=num_nodes)
    if whole.x is not None:
        graph.x = whole.x
    return replace(
        dataset,
        task=TASK,
        graphs=(graph,),
        splits=Splits(split, draw=partial(split_edges, edges, percents=SPLITS[split])),
        spec=directed_links_spec(dataset.spec.node, num_nodes),
        labels={key: names for key, names in dataset.labels.items() if key == "nodes"},
    )


EDGE_TASKS = dict.fromkeys(SPLITS, TASK)
"""What a card says of the task of these splits."""


def edge_statistics(counts: Mapping[str, tuple[int, int, int]]) -> dict[str, dict[str, int]]:
    """What a card says of each of `SPLITS` by `variant@split`, from nodes, edges without self-loops and features of
    each variant, 0 for none."""
    statistics: dict[str, dict[str, int]] = {}
    for variant, (num_nodes, num_edges, num_features) in counts.items():
        whole = {"num_nodes": num_nodes, "num_edges": num_edges}
        whole |= {"num_features": num_features} if num_features else {}
        for split, percents in SPLITS.items():
            parts = zip(("num_train", "num_validation", "num_test"), sizes(num_edges, percents), strict=True)
            statistics[f"{variant}@{split}"] = {**whole, **dict(parts)}
    return statistics


class NonEdges:
    """The ordered pairs of distinct nodes that are not blocked, numbered from 0 in the order of their numbers.

    The i-th of them is i plus the number of blocked pairs before it: with these sorted, k_0 < k_1 < ..., that is
    #{j : k_j - j <= i}.

    Args:
        blocked: int64 numbers of pairs.
        num_nodes: Number of nodes.
    """

    def __init__(self, blocked: np.ndarray, num_nodes: int) -> None:
        loops = np.arange(num_nodes, dtype=np.int64) * (num_nodes + 1)
        codes = np.union1d(blocked.astype(np.int64), loops)
        self._before = codes - np.arange(len(codes))
        self._num_nodes = num_nodes
        self._count = num_nodes**2 - len(codes)

    def __len__(self) -> int:
        return self._count

    def at(self, index: np.ndarray) -> np.ndarray:
        """The pairs of these numbers, int64 `[..., 2]`."""
        code = index + np.searchsorted(self._before, index, side="right")
        return np.stack(np.divmod(code, self._num_nodes), axis=-1)


def uniform_negatives(count: int, blocked: np.ndarray, num_nodes: int, random: np.random.Generator) -> np.ndarray:
    """Ordered pairs of distinct nodes that are not blocked, int64 `[count, 2]`, drawn uniformly and without repeats.

    Args:
        count: How many.
        blocked: int64 numbers of pairs.
        num_nodes: Number of nodes.
        random: What they are drawn from.

    Raises:
        InputError: There are fewer.
    """
    free = NonEdges(blocked, num_nodes)
    if len(free) < count:
        raise InputError(
            f"{count:,} negatives are needed, and {len(free):,} pairs of the {num_nodes:,} nodes are not joined",
            hint="the graph is too dense: hold fewer edges out, or ask task.question=direction, which draws no pairs",
        )
    return free.at(random.choice(len(free), size=count, replace=False))


def fair_negatives(
    edges: np.ndarray, blocked: np.ndarray, num_nodes: int, random: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Negatives of edges, in which each node is as often a source and as often a target as in the edges.

    The targets are permuted. A pair that is blocked, a loop or there twice swaps its target with that of a random other
    pair, where both are right afterwards. What is left then is completed along augmenting paths, so that as many as
    possible are fair; the others are drawn uniformly from the pairs that are not blocked.

    Args:
        edges: int64 `[n, 2]`, without repeats.
        blocked: int64 numbers of pairs that are no negatives.
        num_nodes: Number of nodes.
        random: What they are drawn from.

    Returns:
        Pairs int64 `[n, 2]`, of which row i has the source of edge i where it is fair, and whether it is, bool `[n]`.

    Raises:
        InputError: There are fewer pairs than edges that are not blocked.
    """
    blocked = np.unique(blocked)
    source, target = edges[:, 0].copy(), random.permutation(edges[:, 1])
    wrong = _swapped(source, target, blocked, num_nodes, random)
    if wrong.any():
        wrong = _Completion(source, target, ~wrong, blocked, num_nodes, random).run()
    pairs = np.stack([source, target], axis=1)
    if wrong.any():
        taken = np.concatenate([blocked, codes_of(pairs[~wrong], num_nodes)])
        pairs[wrong] = uniform_negatives(int(wrong.sum()), taken, num_nodes, random)
    return pairs, ~wrong


def _swapped(
    source: np.ndarray, target: np.ndarray, blocked: np.ndarray, num_nodes: int, random: np.random.Generator
) -> np.ndarray:
    """Swap targets, in place, of pairs that cannot stay; which ones cannot at the end, bool `[n]`."""
    size, wrong = len(source), np.zeros(len(source), bool)
    for left in reversed(range(ROUNDS)):
        codes = source * num_nodes + target
        wrong = (source == target) | _is_among(codes, blocked) | ~_is_first(codes)
        place = np.flatnonzero(wrong)
        if not len(place) or not left:
            break
        partner = random.integers(size, size=len(place))
        first, second = source[place] * num_nodes + target[partner], source[partner] * num_nodes + target[place]
        fine = ~wrong[partner] & (source[place] != target[partner]) & (source[partner] != target[place])
        codes.sort()
        for each in (first, second):
            fine &= ~_is_among(each, blocked) & ~_is_among(each, codes)
        place, partner, first, second = (each[fine] for each in (place, partner, first, second))
        # Swaps of one round touch different places and make different pairs.
        apart = _is_first(partner) & _is_first(first) & _is_first(second) & ~np.isin(first, second)
        place, partner = place[apart], partner[apart]
        target[place], target[partner] = target[partner], target[place]
    return wrong


def _is_among(values: np.ndarray, ascending: np.ndarray) -> np.ndarray:
    """Which values are among those that ascend, bool."""
    if not len(ascending):
        return np.zeros(len(values), bool)
    place = np.searchsorted(ascending, values).clip(max=len(ascending) - 1)
    return ascending[place] == values


def _is_first(values: np.ndarray) -> np.ndarray:
    """Which values are not those of an earlier place, bool."""
    first = np.zeros(len(values), bool)
    first[np.unique(values, return_index=True)[1]] = True
    return first


class _Completion:
    """A simple bipartite graph of given degrees, completed along augmenting paths (Ford and Fulkerson, 1956).

    A row is a source and, once it is placed, a target. A target has as much room as it occurs in rows that are not
    placed. A path goes from a source to any target that is free for it and, where that has no room, on to a source
    whose row has it. A source from which no room is reached never reaches any, nor does any source on its way.
    """

    def __init__(
        self,
        source: np.ndarray,
        target: np.ndarray,
        placed: np.ndarray,
        blocked: np.ndarray,
        num_nodes: int,
        random: np.random.Generator,
    ) -> None:
        self.source, self.target, self.placed, self.random = source, target, placed, random
        self.blocked, self.num_nodes = blocked, num_nodes
        self.targets, place = np.unique(target, return_inverse=True)
        self.room = np.bincount(place[~placed], minlength=len(self.targets))
        self.rows: dict[tuple[int, int], int] = {}
        self.holders: list[dict[int, None]] = [{} for _ in self.targets]
        self.free: dict[int, np.ndarray] = {}
        for row in np.flatnonzero(placed).tolist():
            self._place(row, int(place[row]))
        self.lost: set[int] = set()

    def run(self) -> np.ndarray:
        """Place as many rows as can be; which are not, bool."""
        for row in np.flatnonzero(~self.placed).tolist():
            self.placed[row] = int(self.source[row]) not in self.lost and self._augment(row)
        return ~self.placed

    def _augment(self, row: int) -> bool:
        start = int(self.source[row])
        before = {start: -1}
        reached = np.full(len(self.targets), -1)
        frontier: deque[int] = deque()
        end = self._visit(start, reached, frontier)
        while end is None and frontier:
            held = frontier.popleft()
            for holder in self.holders[held]:
                if end is None and holder not in before and holder not in self.lost:
                    before[holder] = held
                    end = self._visit(holder, reached, frontier)
        if end is None:
            self.lost |= before.keys()
            return False
        self._shift(row, end, reached, before)
        return True

    def _visit(self, source: int, reached: np.ndarray, frontier: deque[int]) -> int | None:
        """A target with room that is free for a source; where there is none, the free ones that are new wait."""
        free = self._free(source)
        end = np.flatnonzero(free & (self.room > 0))
        new = self.random.permutation(end)[:1] if len(end) else np.flatnonzero(free & (reached < 0))
        reached[new] = source
        if len(end):
            return int(new[0])
        frontier.extend(self.random.permutation(new).tolist())
        return None

    def _free(self, source: int) -> np.ndarray:
        """Which targets a source may have and has not, bool."""
        if source not in self.free:
            codes = source * self.num_nodes + self.targets
            free = (self.targets != source) & ~_is_among(codes, self.blocked)
            free[[place for place in np.flatnonzero(free).tolist() if (source, place) in self.rows]] = False
            self.free[source] = free
        return self.free[source]

    def _shift(self, row: int, end: int, reached: np.ndarray, before: dict[int, int]) -> None:
        """Give each source on the path its next target, the first of them in a new row."""
        self.room[end] -= 1
        place = end
        while True:
            source = int(reached[place])
            held = before[source]
            if held < 0:
                self._place(row, place)
                return
            moved = self.rows.pop((source, held))
            del self.holders[held][source]
            self.free[source][held] = True
            self._place(moved, place)
            place = held

    def _place(self, row: int, place: int) -> None:
        source = int(self.source[row])
        self.target[row] = self.targets[place]
        self.rows[source, place] = row
        self.holders[place][source] = None
        if source in self.free:
            self.free[source][place] = False
