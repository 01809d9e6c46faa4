"""Weights of edges by the concentration that a model of links has learned.

With W the weights of the edges into a node i, h rows of nodes, and f the score that the model gives a product of rows,

    s_ij = sigmoid(f((sum over k in N(i) of W_ik h_k) * h_j)),    W'_ij = W_ij + alpha softmax_j(s_ij) sum_k W_ik

(Wang et al., ICLR 2024). The released code groups the softmax by the same end but sums W h by the other one, which is
the same where W is symmetric; this is what the paper writes.

References:
    Wang et al., A Topological Perspective on Demystifying GNN-Based Link Prediction Performance, ICLR 2024.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch_geometric.utils import softmax

from graphlab.core.errors import InputError


@torch.no_grad()
def reweighted(
    edge_index: Tensor, weight: Tensor, rows: Tensor, score: Callable[[Tensor], Tensor], alpha: float
) -> Tensor:
    """W', from the original weights W.

    Args:
        edge_index: Sources and targets; with loops where the sums have them.
        weight: W.
        rows: h.
        score: f, from products of rows to scores, higher for what is joined.
        alpha: What the learned part counts.

    Shapes:
        edge_index: `[2, E]`
        weight: `[E]`
        rows: `[num_nodes, dim]`
        score: `[E, dim]` -> `[E]`
        returns: `[E]`

    Raises:
        InputError: alpha is negative.
    """
    if alpha < 0:
        raise InputError(f"alpha cannot be {alpha}", hint="0 or more; 0 leaves the weights as they are")
    source, target = edge_index
    received = torch.zeros_like(rows).index_add(0, target, weight.unsqueeze(1) * rows[source])
    concentration = score(received[target] * rows[source]).sigmoid()
    total = weight.new_zeros(len(rows)).index_add(0, target, weight)
    return weight + alpha * softmax(concentration, target, num_nodes=len(rows)) * total[target]
