"""Node features that are mostly zero, and the linear maps that models put on them first."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from graphlab.ops.sparse_product import Pattern, sparse_product

DENSE = 0.25
"""Share of non-zero entries from which dense products are no slower."""

ResultT = TypeVar("ResultT")


class Remembered(Generic[ResultT]):
    """What a function made of the last tensor it was given; a transductive task gives the same at every step."""

    def __init__(self, function: Callable[[Tensor], ResultT]) -> None:
        self._function = function
        self._seen: tuple[Tensor, int, ResultT] | None = None

    def __call__(self, x: Tensor) -> ResultT:
        if self._seen is None or self._seen[0] is not x or self._seen[1] != x._version:
            self._seen = (x, x._version, self._function(x))
        return self._seen[2]


class Features:
    """Rows of nodes that linear maps are put on: dense `[num_nodes, dim]`, or the non-zeros of such."""

    def __init__(self, x: Tensor | tuple[Pattern, Tensor]) -> None:
        self._x = x

    def times(self, weight: Tensor) -> Tensor:
        """x W^T, weight `[out_dim, dim]` -> `[num_nodes, out_dim]`."""
        return self._x @ weight.T if isinstance(self._x, Tensor) else sparse_product(*self._x, weight.T)


class FeatureInput(nn.Module):
    """Dropout with probability p of node features, ready for linear maps.

    x `[num_nodes, dim]` -> Features. Features that are mostly zero are drawn and multiplied by their non-zero entries
    alone: a zero stays zero whether it is dropped or not, so the outputs have the distribution of plain dropout.
    """

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p
        self._nonzero = Remembered(_nonzero)

    def forward(self, x: Tensor) -> Features:
        nonzero = None if x.requires_grad else self._nonzero(x)
        if nonzero is None:
            return Features(F.dropout(x, self.p, self.training))
        pattern, values = nonzero
        return Features((pattern, F.dropout(values, self.p, self.training)))


def _nonzero(x: Tensor) -> tuple[Pattern, Tensor] | None:
    """Where the entries are and their values; None for dense features."""
    at = x.nonzero()
    if len(at) >= DENSE * x.numel():
        return None
    return Pattern(at[:, 0], at[:, 1], x.size(0), x.size(1)), x[at[:, 0], at[:, 1]]
