"""Products over all w of graphs whose pairs fit in no cache: PyTorch's products of matrices, one a channel, which are
copied out of the rows of pairs and back a few channels at a time."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from graphlab.ops.compiled import contracted
from graphlab.ops.threads import for_each_alone, shares

CHANNELS = 32
"""Channels that are copied at once."""

PAIRS = 16
"""Pairs that are turned at once: in float32 a line of a cache of each channel."""


def matrix_products(one: Tensor, other: Tensor, out: Tensor, graphs: np.ndarray, is_first: tuple[bool, bool]) -> None:
    """`whole_product` of graphs `[G, 2]`: the size of each, and where its pairs start."""
    columns = one.size(1)
    tasks = [(n, block, first) for n, block in graphs.tolist() for first in range(0, columns, CHANNELS)]
    arrays = one.detach().contiguous().numpy(), other.detach().contiguous().numpy(), out.numpy()

    def run(share: tuple[int, int]) -> None:
        scratch = one.new_empty(3 * min(CHANNELS, columns) * int(graphs[:, 0].max()) ** 2)
        for n, block, first in tasks[slice(*share)]:
            width = min(CHANNELS, columns - first)
            a, b, product = scratch[: 3 * width * n * n].view(3, width, n, n)
            rows = [values[block : block + n * n, first : first + width] for values in arrays]
            _copy_out(rows[0], a.view(width, -1).numpy())
            _copy_out(rows[1], b.view(width, -1).numpy())
            torch.bmm(a if is_first[0] else a.mT, b.mT if is_first[1] else b, out=product)
            _copy_back(product.view(width, -1).numpy(), rows[2])

    for_each_alone(run, shares(len(tasks)))


@contracted
def _copy_out(rows, matrices):
    """matrices[c, i] = rows[i, c], a few pairs at a time."""
    for first in range(0, len(rows), PAIRS):
        for c in range(len(matrices)):
            for i in range(first, min(first + PAIRS, len(rows))):
                matrices[np.uint64(c), np.uint64(i)] = rows[np.uint64(i), np.uint64(c)]


@contracted
def _copy_back(matrices, rows):
    for i in range(len(rows)):
        for c in range(len(matrices)):
            rows[np.uint64(i), np.uint64(c)] = matrices[np.uint64(c), np.uint64(i)]
