"""The operator of Kipf and Welling, ICLR 2017: D^-1/2 (A + I) D^-1/2, which several models multiply rows by."""

from __future__ import annotations

from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor
from torch_geometric.nn.conv.gcn_conv import gcn_norm

from graphlab.model.edges import require_positive
from graphlab.model.layered import Block


def normalised(edge_index: Tensor, weight: Tensor | None, num_nodes: int, dtype: torch.dtype, model: str) -> Block:
    """D^-1/2 (A + I) D^-1/2 as a block, whose `sum` multiplies rows `[num_nodes, d]`.

    A[v, u] is the weight of the edge u -> v, 1 where edges have none, and D has the sums of its rows, so that of a
    directed graph both degrees of an edge are counts of edges into nodes. A node that has a loop gets no second one.

    Args:
        edge_index: int64 `[2, E]`.
        weight: `[E]`, or None.
        num_nodes: Number of nodes.
        dtype: Of the rows.
        model: Its name in errors.

    Raises:
        IncompatibleError: A weight is negative.
    """
    require_positive(weight, model)
    weight = None if weight is None else weight.detach().double()
    edges, value = gcn_norm(edge_index, weight, num_nodes=num_nodes, dtype=torch.float64)
    assert isinstance(edges, Tensor)
    assert isinstance(value, Tensor)
    return Block(edges, num_nodes, value.to(dtype))


def with_dropout(block: Block, p: float, training: bool) -> Block:
    """The block with each edge, loops too, dropped with probability p, and the others scaled by 1 / (1 - p)."""
    if not training or not p or block.edge_weight is None:
        return block
    return replace(block, edge_weight=F.dropout(block.edge_weight, p))
