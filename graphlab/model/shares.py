"""Shares of attention as networks on integers compute them, in the simulation of training.

Where a quantiser of 8 bits or fewer reads the shares, these are rounded as `graphlab.ops.integer.softmax` rounds them:
differences of logits to 1 / 32, of which those of 8 and more count nothing, and shares to 1 / 255. The gradient is that
of the softmax.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch_geometric.utils import scatter, softmax

from graphlab.model.observation import OBSERVERS, observe
from graphlab.ops.integer.softmax import FULL, STEP, TABLE
from graphlab.quantization.quantisers import Quantiser


def observed_shares(layer: nn.Module, logits: Tensor, target: Tensor, num_nodes: int) -> Tensor:
    """The softmax over the edges into each node, past the point `attention` of a layer.

    Args:
        layer: Whose shares these are.
        logits: `[E, heads]`.
        target: The node that each edge leads to, int64 `[E]`.
        num_nodes: How many nodes there are.

    Returns:
        `[E, heads]`.
    """
    shares = softmax(logits, target, num_nodes=num_nodes)
    if _is_rounded(layer):
        shares = shares + (fixed_point_shares(logits, target, num_nodes) - shares).detach()
    return observe(layer, "attention", shares)


@torch.no_grad()
def fixed_point_shares(logits: Tensor, target: Tensor, num_nodes: int) -> Tensor:
    """Multiples of 1 / 255, of the type of the logits, by the formulas of `graphlab.ops.integer.softmax`."""
    largest = scatter(logits, target, 0, num_nodes, "max")
    place = ((largest[target] - logits) / STEP + 0.5).floor().long().clamp(0, FULL)
    parts = torch.from_numpy(TABLE).to(logits.device)[place]
    total = parts.new_zeros(num_nodes, parts.size(1)).index_add_(0, target, parts)[target]
    return ((FULL * parts + total // 2) // total).to(logits.dtype) / FULL


def _is_rounded(layer: nn.Module) -> bool:
    observers = layer._modules.get(OBSERVERS)
    quantiser = None if observers is None else observers._modules.get("attention")
    return isinstance(quantiser, Quantiser) and quantiser.format.bits <= 8
