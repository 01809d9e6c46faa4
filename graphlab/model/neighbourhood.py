"""Weights of messages that depend on the graph alone, and the sums that they are weights in."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor
from torch_geometric.utils import add_self_loops, remove_self_loops, softmax

from graphlab.ops.sparse_max import sparse_max
from graphlab.ops.sparse_product import Pattern, sparse_product

Weighting = Literal["sum", "sum with self", "mean", "mean with self", "symmetric", "symmetric with self"]


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
        self._weights: dict[tuple[Weighting, torch.dtype], Tensor] = {}

    def weights(self, weighting: Weighting, dtype: torch.dtype) -> Tensor:
        """What each entry of the pattern counts, `[E + num_nodes]`, float32 at least, d_i the senders of node i:

        sum: 1; mean: 1 / d_i; symmetric: 1 / sqrt(d_i d_j); 0 for the loops. With self, loops count like the rest, and
        d_i includes the node.
        """
        dtype = torch.promote_types(dtype, torch.float32)
        if (weighting, dtype) not in self._weights:
            with torch.inference_mode(False):
                self._weights[weighting, dtype] = self._make(weighting, dtype)
        return self._weights[weighting, dtype]

    def _make(self, weighting: Weighting, dtype: torch.dtype) -> Tensor:
        receiver, sender = self.pattern.row, self.pattern.column
        degree = (self.degree + 1 if weighting.endswith("self") else self.degree).to(dtype)
        match weighting.removesuffix(" with self"):
            case "mean":
                weights = 1 / degree[receiver]
            case "symmetric":
                weights = (degree[receiver] * degree[sender]).rsqrt()
            case _:
                weights = torch.ones(len(self.pattern), dtype=dtype, device=receiver.device)
        if not weighting.endswith("self"):
            weights[self.num_edges :] = 0.0
        return weights.masked_fill_(weights.isinf(), 0.0)

    def sum(self, weights: Tensor, h: Tensor) -> Tensor:
        """The weighted sum of what a node hears: h `[num_nodes, d]` or `[num_nodes, heads, d]` -> the same.

        weights `[E + num_nodes]`, or `[E + num_nodes, heads]`.
        """
        if weights.dim() == 1:
            return sparse_product(self.pattern, weights, h.flatten(1)).view_as(h)
        return sparse_product(self.pattern, weights, h)

    def mean(self, weights: Tensor, h: Tensor) -> Tensor:
        """The same sum by the number of nodes that a node hears, itself among them."""
        shares = self.weights("mean with self", h.dtype)
        return self.sum(weights * (shares if weights.dim() == 1 else shares.unsqueeze(1)), h)

    def softmax(self, logits: Tensor) -> Tensor:
        """`[E + num_nodes, heads]` -> the same, with a sum of one over what each node hears."""
        return softmax(logits, self.pattern.row, num_nodes=len(self.degree))

    def max(self, weights: Tensor, h: Tensor) -> Tensor:
        """The largest of what a node hears, each times its weight, number by number; h `[num_nodes, heads, d]`."""
        return sparse_max(self.pattern, weights, h)

    def of_receiver(self, h: Tensor) -> Tensor:
        """Rows of nodes, by entry of the pattern."""
        return h.index_select(0, self.pattern.row)

    def of_sender(self, h: Tensor) -> Tensor:
        return h.index_select(0, self.pattern.column)
