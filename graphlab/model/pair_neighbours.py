"""The neighbours that two nodes share, and those that only the first of them has, for many pairs at once."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class NeighbourLists:
    """The neighbours of each node of an undirected graph without loops.

    Attributes:
        edges: source * num_nodes + target, ascending, int64 `[E]`.
        start: Where the edges of each node begin, int64 `[num_nodes]`.
        degree: int64 `[num_nodes]`.
    """

    edges: Tensor
    start: Tensor
    degree: Tensor

    @classmethod
    def of_edges(cls, edge_index: Tensor, num_nodes: int) -> NeighbourLists:
        """Of edges int64 `[2, E]`, each in both directions and listed once."""
        source, target = edge_index
        degree = source.bincount(minlength=num_nodes)
        return cls((source * num_nodes + target).sort().values, degree.cumsum(0) - degree, degree)

    def of(self, nodes: Tensor) -> tuple[Tensor, Tensor]:
        """All neighbours of some nodes `[P]`: the place in `nodes` of each, and the neighbour, both int64 `[S]`."""
        degree = self.degree[nodes]
        place = torch.arange(len(nodes), device=nodes.device).repeat_interleave(degree)
        offset = torch.arange(len(place), device=nodes.device) - (degree.cumsum(0) - degree)[place]
        return place, self.edges[self.start[nodes][place] + offset] % max(1, len(self.degree))

    def are_linked(self, first: Tensor, second: Tensor) -> Tensor:
        """Whether each of the first nodes is linked with the second at the same place, bool `[S]`."""
        if not len(self.edges):
            return torch.zeros_like(first, dtype=torch.bool)
        code = first * len(self.degree) + second
        place = torch.searchsorted(self.edges, code).clamp(max=len(self.edges) - 1)
        return self.edges[place] == code

    def common(self, pairs: Tensor) -> tuple[Tensor, Tensor]:
        """The neighbours that both ends of pairs `[P, 2]` have: the place of the pair, and the neighbour, both `[C]`.

        Those of the end with fewer neighbours are looked up among those of the other.
        """
        degree = self.degree[pairs]
        turned = degree[:, 0] > degree[:, 1]
        fewer, more = torch.where(turned.unsqueeze(1), pairs.flip(1), pairs).unbind(1)
        place, node = self.of(fewer)
        shared = self.are_linked(more[place], node)
        return place[shared], node[shared]

    def exclusive(self, first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
        """The neighbours of the first nodes that the second, both `[P]`, lack and are not themselves: the place of the
        pair, and the neighbour, both `[S]`."""
        place, node = self.of(first)
        other = second[place]
        lacking = ~self.are_linked(other, node) & (node != other)
        return place[lacking], node[lacking]
