"""The one way to the products: by device, to the path that computes them."""

from __future__ import annotations

import torch
from torch import Tensor

from graphlab.core.errors import InputError
from graphlab.ops.compiled import MAX_WIDTH
from graphlab.ops.pair_product.cpu import cpu
from graphlab.ops.pair_product.padded import padded


def pair_product(a: Tensor, b: Tensor, size: Tensor, left: Tensor | None = None, right: Tensor | None = None) -> Tensor:
    """Sums of products over a third node, channel by channel. Maron et al., NeurIPS 2019, sec. 6; with masks, the local
    forms of Zhang et al., ICML 2023, definition 5.1.

        out[u, v] = sum over w of a[u, w] b[w, v], for the w where left[u, w] or right[w, v]; for all w without masks

    Args:
        a, b: `[T, d]`, the pairs (u, v) of each graph of n nodes in rows u n + v; T = sum of n^2.
        size: int64 `[G]`, the nodes of each graph.
        left, right: bool `[T]`.

    Returns:
        `[T, d]`; differentiable in a and b, once. On the CPU the same bits for any number of threads, and memory for
        what comes out and 96 matrices of a large graph a thread; elsewhere for a bounded number of graphs filled up to
        one size at a time.

    Raises:
        InputError: an argument of the wrong shape or dtype.
    """
    _check(a, b, size, left, right)
    if a.is_cpu and a.dtype in (torch.float32, torch.float64) and a.size(1) <= MAX_WIDTH:
        return cpu(a, b, size, left, right)
    return padded(a, b, size, left, right)


def _check(a: Tensor, b: Tensor, size: Tensor, left: Tensor | None, right: Tensor | None) -> None:
    if size.dtype != torch.int64 or size.dim() != 1:
        raise InputError(f"pair_product: size is {size.dtype} {list(size.shape)}", hint="it is int64 [graphs]")
    pairs = int((size**2).sum())
    for name, factor in (("a", a), ("b", b)):
        if factor.dim() != 2 or factor.shape != a.shape or len(factor) != pairs or factor.dtype != a.dtype:
            raise InputError(
                f"pair_product: {name} is {factor.dtype} {list(factor.shape)}",
                hint=f"both factors are of one dtype and [{pairs}, d], a row a pair",
            )
    for name, mask in (("left", left), ("right", right)):
        if mask is not None and (mask.dtype != torch.bool or mask.shape != (pairs,)):
            raise InputError(
                f"pair_product: {name} is {mask.dtype} {list(mask.shape)}", hint=f"a mask is bool [{pairs}]"
            )
