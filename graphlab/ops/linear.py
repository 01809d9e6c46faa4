"""Linear maps whose gradients nobody wants, of many rows, some at a time so that they stay in the cache.

torch's linear map is MKL's, which uses half of each vector register on processors of other makers. oneDNN, which torch
carries too, uses all of it. Both sum the products of a result in one order as long as these are few, to the same bits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache

import torch
from torch import Tensor, nn
from torch.nn import functional as F

BLOCKS = (256, 512, 1024, 2048)
"""Numbers of rows that are worked on at once, up to some hundred kilobytes, which the second cache holds. oneDNN makes
code for each number of rows that it meets, so it meets no others."""

MOST_INPUTS = 128
"""Products that both libraries sum in one order."""

LEAST_OUTPUTS = 16
"""Below, MKL has loops of its own that sum in another order."""

LEAST_WEIGHTS = 2**10
"""From which a block of 1024 gains more than the ten microseconds that oneDNN takes to begin."""


class Linear(nn.Linear):
    """`torch.nn.Linear` by `linear`."""

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002  torch's name for it
        return linear(input, self.weight, self.bias)


def linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """The linear map of `torch.nn.functional.linear`, to the same bits; faster where no gradient is wanted.

    Args:
        x: `[..., K]`.
        weight: `[D, K]`.
        bias: `[D]`.
    """
    if not _pays(x, weight, bias):
        return F.linear(x, weight, bias)
    rows = x.reshape(-1, x.size(-1)).contiguous()
    weight = weight.contiguous()  # oneDNN takes a thousand times as long for a matrix with gaps
    return in_blocks(lambda block: _of_block(block, weight, bias), rows).view(*x.shape[:-1], -1)


def in_blocks(function: Callable[[Tensor], Tensor], rows: Tensor) -> Tensor:
    """What a function of rows `[P, K]` gives, `[P, D]`, each row by itself, some rows at a time."""
    parts = list(blocks(rows.size(0)))
    if len(parts) <= 1:
        return function(rows)
    first = function(rows[parts[0]])
    out = first.new_empty(rows.size(0), first.size(1))
    out[parts[0]] = first
    for part in parts[1:]:
        out[part] = function(rows[part])
    return out


def _of_block(rows: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    return torch.ops.mkldnn._linear_pointwise(rows, weight, bias, "none", [], "")


def _pays(x: Tensor, weight: Tensor, bias: Tensor | None) -> bool:
    outputs, inputs = weight.shape
    return (
        x.numel() >= BLOCKS[0] * inputs
        and weight.numel() >= LEAST_WEIGHTS
        and inputs <= MOST_INPUTS
        and outputs >= LEAST_OUTPUTS
        and weight.dtype == x.dtype
        and (bias is None or bias.dtype == x.dtype)
        and is_lean(x)
        and _has_both()
    )


@cache
def keep_freed_memory() -> None:
    """Have the C library keep what is freed, up to 64 MiB, rather than fetch and clear the same pages again and again.

    glibc gives freed memory back to the system above a threshold, twice the largest block of up to 32 MiB that was
    freed yet. This frees one, which was never written to.
    """
    torch.empty(31 * 2**20, dtype=torch.uint8)


@cache
def _has_both() -> bool:
    return torch.backends.mkl.is_available() and torch.backends.mkldnn.is_available()


def is_lean(x: Tensor) -> bool:
    """Whether nothing between an input and a result need be kept: no gradients are tracked, and the numbers are float32
    on the CPU, in their own precision."""
    return (
        not torch.is_grad_enabled() and x.is_cpu and x.dtype == torch.float32 and not torch.is_autocast_enabled("cpu")
    )


def blocks(num_rows: int) -> Iterator[slice]:
    """Ranges of rows of lengths in BLOCKS, or one of all where there are fewer than in the least. The last begins early
    enough to be of such a length, so some rows are in two."""
    first = 0
    while first < num_rows:
        left = num_rows - first
        size = min((size for size in BLOCKS if left <= size <= num_rows), default=0)
        if size or left < BLOCKS[0]:
            first = max(0, num_rows - max(size, left))
            yield slice(first, num_rows)
            return
        size = max(size for size in BLOCKS if size <= left)
        yield slice(first, first + size)
        first += size
