"""The path of any device: batched matrix products of graphs filled up to one size, as many at a time as fit a bound."""

from __future__ import annotations

import torch
from torch import Tensor

MAX_NUMBERS = 2**26
"""Numbers of a filled-up batch of one factor: 256 MiB in float32."""


def padded(a: Tensor, b: Tensor, size: Tensor, left: Tensor | None = None, right: Tensor | None = None) -> Tensor:
    """`pair_product` by `torch.bmm`.

    Where only some w count, those by `left` are one product and those by `right` alone another.
    """
    if left is None and right is None:
        return _product(a, b, size)
    if left is None or right is None:
        return _product(a if left is None else _kept(a, left), b if right is None else _kept(b, right), size)
    return _product(_kept(a, left), b, size) + _product(_kept(a, ~left), _kept(b, right), size)


def _kept(x: Tensor, mask: Tensor) -> Tensor:
    return x * mask.unsqueeze(1)


def _product(a: Tensor, b: Tensor, size: Tensor) -> Tensor:
    out, start = [a.new_empty(0, a.size(1))], 0
    for sizes in _portions(size.tolist(), a.size(1)):
        place, widest = _places(sizes, a.device), max(sizes)
        rows = slice(start, start + len(place))
        shape = (len(sizes), widest, widest, a.size(1))
        one, other = (_fill(factor[rows], place, shape) for factor in (a, b))
        product = torch.bmm(one, other).view(len(sizes), a.size(1), widest, widest)
        out.append(product.permute(0, 2, 3, 1).flatten(0, 2).index_select(0, place))
        start = rows.stop
    return torch.cat(out)


def _portions(sizes: list[int], dim: int) -> list[list[int]]:
    """Graphs in their order, as many at a time as fit when all are filled up to the largest, or one."""
    portions: list[list[int]] = []
    for n in sizes:
        fits = portions and (len(portions[-1]) + 1) * max(n, *portions[-1]) ** 2 * dim <= MAX_NUMBERS
        if fits:
            portions[-1].append(n)
        else:
            portions.append([n])
    return portions


def _places(sizes: list[int], device: torch.device) -> Tensor:
    """Where each pair stands among those of the filled-up graphs."""
    size, widest = torch.tensor(sizes, device=device), max(sizes)
    row_size = torch.repeat_interleave(size, size)
    graph = torch.repeat_interleave(size)
    own = torch.arange(len(graph), device=device) - (size.cumsum(0) - size)[graph]
    row = torch.repeat_interleave(row_size)
    column = torch.arange(len(row), device=device) - (row_size.cumsum(0) - row_size)[row]
    return (graph * widest**2 + own * widest)[row] + column


def _fill(x: Tensor, place: Tensor, shape: tuple[int, int, int, int]) -> Tensor:
    """`[graphs d, widest, widest]`, zeros where there is no pair."""
    graphs, widest, _, dim = shape
    filled = x.new_zeros(graphs * widest**2, dim).index_copy(0, place, x)
    return filled.view(shape).permute(0, 3, 1, 2).reshape(graphs * dim, widest, widest)
