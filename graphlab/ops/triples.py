"""What pairs of nodes gather over a third one: triangular attention, and maxima of sums.

Both make d numbers for each triple of nodes. They are made for some rows at a time and not kept; the gradient makes
them again, so that memory grows with pairs. Where they are few, they are laid out at once.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

LAID_OUT = 2**20
"""Numbers of triples that are laid out at once."""


def triangular_attention(query: Tensor, key: Tensor, left: Tensor, right: Tensor, there: Tensor) -> Tensor:
    """Attention of pairs (i, k) over the nodes j between them. Bergen et al., Edge Transformers, NeurIPS 2021.

        s[i, k, j] = q[i, j] . k[j, k] / sqrt d
        y[i, k] = sum over j of softmax_j(s[i, k, j]) (left[i, j] * right[j, k])

    Args:
        query, key, left, right: `[B, H, n, n, d]`.
        there: bool `[B, n]`; other nodes are not attended to.

    Returns:
        The shape of `query`.
    """
    if not torch.is_grad_enabled():
        return _sums_of_products(_weights(query, key, there), left, right)
    batch, heads, nodes, _, dim = query.shape

    def rows(first: int, last: int) -> Tensor:
        return _attend(query[:, :, first:last], key, left[:, :, first:last], right, there)

    return _by_rows(rows, nodes, batch * heads * nodes * nodes * dim, 2)


def largest_sums(first: Tensor, second: Tensor) -> Tensor:
    """out[j, k] = max over i of first[i, j] + second[i, k], number by number.

    Args:
        first, second: `[B, n, n, d]`; -inf where a node i is not there.

    Returns:
        `[B, n, n, d]`. The gradient of equal maxima is shared evenly.
    """
    batch, nodes, _, dim = first.shape

    def rows(start: int, stop: int) -> Tensor:
        return (first[:, :, start:stop].unsqueeze(3) + second.unsqueeze(2)).amax(1)

    return _by_rows(rows, nodes, batch * nodes * nodes * dim, 1)


def _by_rows(rows: Callable[[int, int], Tensor], count: int, numbers: int, axis: int) -> Tensor:
    """rows(0, count), a few rows at a time where there are more than LAID_OUT numbers, `numbers` a row."""
    height = max(1, LAID_OUT // max(1, numbers))
    if height >= count:
        return rows(0, count)
    parts = []
    for first in range(0, count, height):
        last = min(first + height, count)
        parts.append(checkpoint(rows, first, last, use_reentrant=False, preserve_rng_state=False))
    return torch.cat(parts, axis)


def _weights(query: Tensor, key: Tensor, there: Tensor) -> Tensor:
    scores = torch.einsum("bhijd,bhjkd->bhikj", query, key) / math.sqrt(query.shape[-1])
    scores = scores.masked_fill(~there[:, None, None, None], torch.finfo(scores.dtype).min)
    return scores.softmax(-1)


def _attend(query: Tensor, key: Tensor, left: Tensor, right: Tensor, there: Tensor) -> Tensor:
    weights = _weights(query, key, there)
    return torch.einsum("bhikjd,bhjkd->bhikd", weights.unsqueeze(-1) * left.unsqueeze(3), right)


def _sums_of_products(weights: Tensor, left: Tensor, right: Tensor) -> Tensor:
    """The sum over j, one j at a time, where nothing is kept for a gradient. Rows of k are contiguous."""
    by_pivot = weights.movedim(-1, 0).unsqueeze(3).contiguous()
    lefts = left.permute(3, 0, 1, 4, 2).unsqueeze(-1).contiguous()
    rights = right.permute(2, 0, 1, 4, 3).unsqueeze(-2).contiguous()
    total = left.new_zeros(*left.shape[:2], left.shape[4], *left.shape[2:4])
    for weight, from_left, from_right in zip(by_pivot, lefts, rights, strict=True):
        total.addcmul_(weight, from_left * from_right)
    return total.movedim(2, -1)
