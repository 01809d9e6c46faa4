"""Products over all w of graphs whose pairs fit in no cache: PyTorch's products of matrices, one a channel, which are
copied out of the rows of pairs and back a few channels at a time."""

from __future__ import annotations

import numba
import numpy as np
import torch
from torch import Tensor

from graphlab.ops.threads import over_parts_alone

CHANNELS = 16
"""Channels that are copied at once: in float32 a line of a cache."""

PAIRS = 16
"""Pairs whose channels are turned at once, from and to lines that stay in the first cache."""


def matrix_products(one: Tensor, other: Tensor, out: Tensor, graphs: np.ndarray, is_first: tuple[bool, bool]) -> None:
    """`whole_product` of graphs `[G, 2]`: the size of each, and where its pairs start."""
    columns = one.size(1)
    tasks = [(n, block, first) for n, block in graphs.tolist() for first in range(0, columns, CHANNELS)]

    def run(_: int, begin: int, end: int) -> None:
        for n, block, first in tasks[begin:end]:
            width = min(CHANNELS, columns - first)
            matrices = one.new_empty(3, width, n, n)
            a, b, product = matrices
            _copy_out(arrays[0], a.view(width, -1).numpy(), block, first)
            _copy_out(arrays[1], b.view(width, -1).numpy(), block, first)
            torch.bmm(a if is_first[0] else a.mT, b.mT if is_first[1] else b, out=product)
            _copy_back(product.view(width, -1).numpy(), arrays[2], block, first)

    arrays = one.detach().contiguous().numpy(), other.detach().contiguous().numpy(), out.numpy()
    over_parts_alone(len(tasks), run)


@numba.njit(cache=True, nogil=True)
def _copy_out(rows, into, block, first):
    """into[c, i] = rows[block + i, first + c]."""
    for start in range(0, into.shape[1], PAIRS):
        end = min(start + PAIRS, into.shape[1])
        for c in range(into.shape[0]):
            for i in range(start, end):
                into[c, i] = rows[block + i, first + c]


@numba.njit(cache=True, nogil=True)
def _copy_back(matrices, rows, block, first):
    """rows[block + i, first + c] = matrices[c, i]."""
    for start in range(0, matrices.shape[1], PAIRS):
        for i in range(start, min(start + PAIRS, matrices.shape[1])):
            for c in range(matrices.shape[0]):
                rows[block + i, first + c] = matrices[c, i]
