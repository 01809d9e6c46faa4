"""Weights of messages that depend on the graph alone, and the sums that they are weights in."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor
from torch_geometric.utils import add_self_loops, remove_self_loops

from graphlab.ops.sparse_product import Pattern, sparse_product

Weighting = Literal["sum", "sum with self", "mean", "symmetric", "symmetric with self"]


class Neighbourhood:
    """Each node with those that send it an edge, and itself: loops that a graph has are taken out, one a node put in.

    pattern: receivers by senders, the E edges first, then the loops.
    """

    def __init__(self, edge_index: Tensor, num_nodes: int) -> None:
        edges, _ = remove_self_loops(edge_index)
        self.num_edges = edges.size(1)
        sender, receiver = add_self_loops(edges, num_nodes=num_nodes)[0]
        self.pattern = Pattern(receiver, sender, num_nodes, num_nodes)
        self.degree = torch.bincount(edges[1], minlength=num_nodes)
        self._weights: dict[Weighting, Tensor] = {}

    def weights(self, weighting: Weighting) -> Tensor:
        """What each entry of the pattern counts, float32 `[E + num_nodes]`, d_i the number of senders of node i:

        sum: 1; mean: 1 / d_i; symmetric: 1 / sqrt(d_i d_j); 0 for the loops. Or with self: loops count like the rest, and
        d_i includes the node.
        """
        if weighting not in self._weights:
            self._weights[weighting] = self._make(weighting)
        return self._weights[weighting]

    def _make(self, weighting: Weighting) -> Tensor:
        receiver, sender = self.pattern.row, self.pattern.column
        degree = (self.degree + 1 if weighting.endswith("self") else self.degree).float()
        match weighting.removesuffix(" with self"):
            case "mean":
                weights = 1 / degree[receiver]
            case "symmetric":
                weights = (degree[receiver] * degree[sender]).rsqrt()
            case _:
                weights = torch.ones(len(self.pattern), device=receiver.device)
        if not weighting.endswith("self"):
            weights[self.num_edges :] = 0.0
        return weights.masked_fill_(weights.isinf(), 0.0)

    def sum(self, weighting: Weighting, h: Tensor) -> Tensor:
        """The weighted sum of what a node hears: `[num_nodes, d]` or `[num_nodes, heads, d]` -> the same."""
        return self.sum_with(self.weights(weighting).to(h.dtype), h.flatten(1)).view_as(h)

    def sum_with(self, weights: Tensor, h: Tensor) -> Tensor:
        """The same with weights `[E + num_nodes]`, or `[E + num_nodes, heads]` for h `[num_nodes, heads, d]`."""
        return sparse_product(self.pattern, weights, h)
