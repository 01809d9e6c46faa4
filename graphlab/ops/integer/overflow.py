"""How far int32 sums can go: exact bounds from the range of the rows, the weights and the degrees.

Of every sum the smallest and the largest value is taken over all rows whose integers lie in [low, high]:

    highest = bias + sum of max(w (low - zero_point), w (high - zero_point)), lowest the same with min.

Kernels wrap around on the way, so that only the sum itself must fit into int32.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from torch import Tensor

from graphlab.core.errors import InputError
from graphlab.ops.integer.rescale import INT32
from graphlab.ops.neighbour_sum import Neighbours


class Reach(NamedTuple):
    """The smallest and the largest sum that can occur."""

    lowest: int
    highest: int

    @property
    def bits(self) -> int:
        """Bits of the smallest signed integer that holds both."""
        return 1 + max(
            self.highest.bit_length() if self.highest > 0 else 0, (~self.lowest).bit_length() if self.lowest < 0 else 0
        )


def product_reach(weight: Tensor, low: int, high: int, zero_point: int = 0, bias: Tensor | None = None) -> Reach:
    """How far sums of `product` can go.

    Args:
        weight: Integers `[in_channels, out_channels]`.
        low, high: The range of the rows.
        zero_point: The integer of the rows that stands for 0.
        bias: Integers `[out_channels]`.
    """
    values = weight.detach().cpu().numpy().astype(np.int64)
    ends = values * (low - zero_point), values * (high - zero_point)
    start = np.zeros(values.shape[1], np.int64) if bias is None else bias.detach().numpy().astype(np.int64)
    return _reach(start + np.minimum(*ends).sum(axis=0), start + np.maximum(*ends).sum(axis=0))


def sum_reach(
    neighbours: Neighbours,
    low: int,
    high: int,
    weight: Tensor | None = None,
    zero_point: int = 0,
    bias: Tensor | None = None,
) -> Reach:
    """How far sums of `neighbour_sum` can go, node by node.

    Args:
        neighbours: The edges.
        low, high: The range of the rows.
        weight: Integers `[E]` in the order of `edge_index`; None counts each edge once.
        zero_point: The integer of the rows that stands for 0.
        bias: Integers `[channels]`.
    """
    target, count = neighbours.target.cpu().numpy(), neighbours.num_targets
    weights = np.ones(len(target), np.int64) if weight is None else weight.detach().cpu().numpy().astype(np.int64)
    ends = weights * (low - zero_point), weights * (high - zero_point)
    lowest, highest = np.zeros(count, np.int64), np.zeros(count, np.int64)
    np.add.at(lowest, target, np.minimum(*ends))
    np.add.at(highest, target, np.maximum(*ends))
    start = np.zeros(1, np.int64) if bias is None or not len(bias) else bias.detach().numpy().astype(np.int64)
    return _reach(lowest + start.min(), highest + start.max())


def check_reach(what: str, reach: Reach) -> Reach:
    """The reach itself.

    Raises:
        InputError: A sum can pass the range of int32.
    """
    if reach.lowest < INT32.min or reach.highest > INT32.max:
        raise InputError(
            f"{what} can reach [{reach.lowest:,}, {reach.highest:,}], which needs {reach.bits} bits; "
            f"int32 ends at {INT32.min:,} and {INT32.max:,}",
            hint="use fewer bits for rows or weights, or smaller weights of edges",
        )
    return reach


def _reach(lowest: np.ndarray, highest: np.ndarray) -> Reach:
    return Reach(int(lowest.min(initial=0)), int(highest.max(initial=0)))
