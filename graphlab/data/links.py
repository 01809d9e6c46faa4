"""Pairs of nodes, joined or not, and the random split of a plain graph's links for link prediction."""

from __future__ import annotations

import torch
from torch import Tensor

from graphlab.core.errors import InputError
from graphlab.core.seeds import SeedStream
from graphlab.data.dataset import Split


def unordered(edge_index: Tensor) -> Tensor:
    """The links of an undirected graph, once each: int64 `[L, 2]` as (u, v) with u < v, sorted; loops are dropped."""
    low, high = edge_index.amin(0), edge_index.amax(0)
    return torch.stack([low, high], dim=1)[low < high].unique(dim=0)


def both_directions(links: Tensor) -> Tensor:
    """Links `[L, 2]` as `edge_index` `[2, 2 L]`: each as it is and then, in the same order, reversed."""
    return torch.cat([links, links.flip(1)]).t().contiguous()


def both_in_turn(edge_index: Tensor) -> Tensor:
    """Edges `[2, E]` as `[2, 2 E]`, each followed by its reverse, as the Open Graph Benchmark lists them."""
    return torch.stack([edge_index, edge_index.flip(0)], dim=2).flatten(1)


class NonLinks:
    """The pairs {u, v} of distinct nodes that no link joins, numbered from 0.

    Pairs u < v in the order of (v, u) have the ranks v (v - 1) / 2 + u. The i-th that is no link has the rank i plus
    the number of links before it: with their ranks sorted, k_0 < k_1 < ..., that is #{j : k_j - j <= i}.

    Args:
        links: int64 `[L, 2]`, u < v, without repeats.
    """

    def __init__(self, links: Tensor, num_nodes: int) -> None:
        low, high = links.unbind(1)
        ranks = (high * (high - 1) // 2 + low).sort().values
        self._before = ranks - torch.arange(len(ranks), device=ranks.device)
        self._count = num_nodes * (num_nodes - 1) // 2 - len(ranks)

    def __len__(self) -> int:
        return self._count

    def at(self, index: Tensor) -> Tensor:
        """The pairs of these numbers, int64 `[..., 2]` as (u, v) with u < v."""
        rank = index + torch.searchsorted(self._before, index, right=True)
        high = ((1 + (1 + 8 * rank.double()).sqrt()) / 2).long()
        high -= (high * (high - 1) // 2 > rank).long()
        high += (high * (high + 1) // 2 <= rank).long()
        return torch.stack([rank - high * (high - 1) // 2, high], dim=-1)


class NonNeighbours:
    """The nodes beside itself that no link joins to a node, for each node numbered from 0 in ascending order.

    The nodes that a node is linked with, itself among them, are n_0 < n_1 < ...; the i-th other one is i plus
    #{j : n_j - j <= i}.

    Args:
        links: int64 `[L, 2]`, either end first, without repeats.
        num_nodes: Number of nodes.

    Attributes:
        count: Such nodes of each node, int64 `[num_nodes]`.
    """

    def __init__(self, links: Tensor, num_nodes: int) -> None:
        loop = torch.arange(num_nodes, device=links.device)
        source = torch.cat([links[:, 0], links[:, 1], loop])
        linked = torch.cat([links[:, 1], links[:, 0], loop])
        order = (source * num_nodes + linked).argsort()
        source, linked = source[order], linked[order]
        degree = source.bincount(minlength=num_nodes)
        self._start = degree.cumsum(0) - degree
        place = torch.arange(len(source), device=links.device) - self._start[source]
        self._stride = num_nodes + 1
        self._before = source * self._stride + linked - place
        self.count = num_nodes - degree

    def at(self, node: Tensor, index: Tensor) -> Tensor:
        """The nodes of these numbers for each of some nodes, all int64 of one shape."""
        before = torch.searchsorted(self._before, node * self._stride + index, right=True)
        return index + before - self._start[node]


PERCENTS = (85, 5, 10)
"""Of training, validation and test, in Kipf and Welling, 2016."""

SPLITS = {"random-70/10/20": (70, 10, 20), "random-85/5/10": PERCENTS}
"""The usual splits of links, the first as in Wang et al., ICLR 2024."""


def sizes(num_links: int, percents: tuple[int, int, int] = PERCENTS) -> tuple[int, int, int]:
    """Links of training, validation and test."""
    num_train = num_links * percents[0] // 100
    num_validation = num_links * percents[1] // 100
    return num_train, num_validation, num_links - num_train - num_validation


def split_links(links: Tensor, num_nodes: int, stream: SeedStream, percents: tuple[int, int, int] = PERCENTS) -> Split:
    """So many percent of the links for training, validation and test, drawn from the stream, as rows (u, v, 1).

    Validation and test get as many pairs that no link joins, rows (u, v, 0): drawn uniformly from all such pairs,
    without repeats over both parts.

    Raises InputError where the graph has too few links, or too few pairs that no link joins.
    """
    parts = sizes(len(links), percents)
    _require_enough(len(links), num_nodes, parts)
    random = stream.numpy()
    shuffled = links[torch.from_numpy(random.permutation(len(links)))]
    train, *positive = shuffled.split(parts)
    non_links = NonLinks(links, num_nodes)
    number = random.choice(len(non_links), size=len(links) - len(train), replace=False)
    negative = non_links.at(torch.from_numpy(number)).split([len(part) for part in positive])
    held_out = [
        torch.cat([labelled_pairs(p, 1), labelled_pairs(n, 0)]) for p, n in zip(positive, negative, strict=True)
    ]
    return Split(labelled_pairs(train, 1), *held_out)


def _require_enough(num_links: int, num_nodes: int, parts: tuple[int, int, int]) -> None:
    num_train, *held_out = parts
    num_non_links = num_nodes * (num_nodes - 1) // 2 - num_links
    if not all(parts):
        raise InputError(
            f"{num_links:,} links on {num_nodes:,} nodes leave {num_train:,} for training, {held_out[0]:,} for "
            f"validation and {held_out[1]:,} for test",
            hint="each part needs a link; give a larger graph, other percents, or splits of your own",
        )
    if num_non_links < sum(held_out):
        raise InputError(
            f"{num_links:,} links on {num_nodes:,} nodes leave {num_non_links:,} pairs that no link joins, and "
            f"validation and test need {sum(held_out):,}, one for each of their links",
            hint="the graph is too dense for this split; hold fewer links out, or give splits of your own",
        )


def labelled_pairs(pairs: Tensor, label: int) -> Tensor:
    """Pairs `[n, 2]` as the rows (u, v, label) of a split."""
    return torch.cat([pairs, pairs.new_full((len(pairs), 1), label)], dim=1)
