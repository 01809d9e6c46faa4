"""Node features that are mostly zero, and the linear maps that models put on them first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from graphlab.ops.sparse_product import Pattern, sparse_product

DENSE = 0.25
"""Share of non-zero entries from which dense products are no slower."""

ResultT = TypeVar("ResultT")


class Remembered(Generic[ResultT]):
    """What a function made of the last arguments it was given, tensors and plain values; a transductive task gives the
    same at every step.

    A tensor made in inference mode does not tell when it is changed, and nothing is remembered of it.
    """

    def __init__(self, function: Callable[..., ResultT]) -> None:
        self._function = function
        self._seen: tuple[tuple[Any, ...], tuple[Any, ...], ResultT] | None = None

    def __call__(self, *values: Any) -> ResultT:
        tensors = [value for value in values if isinstance(value, Tensor)]
        if any(tensor.is_inference() for tensor in tensors):
            return self._function(*values)
        state = tuple(value._version if isinstance(value, Tensor) else value for value in values)
        seen = self._seen
        if seen is None or seen[1] != state or not all(old is new for old, new in zip(seen[0], tensors, strict=True)):
            with torch.inference_mode(False):  # what is kept may have a part in gradients later
                self._seen = seen = (tuple(tensors), state, self._function(*values))
        return seen[2]


@dataclass(frozen=True)
class SparseRows:
    """A matrix `[num_nodes, dim]` by its non-zeros."""

    pattern: Pattern
    values: Tensor

    def dropout(self, p: float, training: bool) -> SparseRows:
        """The same with each non-zero dropped with probability p, and scaled by 1 / (1 - p) else."""
        return SparseRows(self.pattern, F.dropout(self.values, p, training))

    def to_dense(self) -> Tensor:
        out = self.values.new_zeros(self.pattern.shape)
        return out.index_put_((self.pattern.row, self.pattern.column), self.values)


def linear(x: Tensor | SparseRows, weight: Tensor) -> Tensor:
    """x W^T, weight `[out_dim, dim]` -> `[num_nodes, out_dim]`."""
    return x @ weight.T if isinstance(x, Tensor) else sparse_product(x.pattern, x.values, weight.T)


def convolve(x: Tensor | SparseRows, weight: Tensor, aggregate: Callable[[Tensor], Tensor]) -> Tensor:
    """A linear aggregation over nodes of x W^T. The map comes first where it makes rows narrower, or x is sparse.

    Shapes:
        x: `[num_sources, d]`; weight: `[out_dim, d]`; aggregate maps `[num_sources, n]` to `[num_targets, n]`.
        Returns `[num_targets, out_dim]`.
    """
    if isinstance(x, Tensor) and x.size(1) < len(weight):
        return linear(aggregate(x), weight)
    return aggregate(linear(x, weight))


def by_input(weight: Tensor) -> nn.Parameter:
    """The same weight `[out_dim, dim]`, each input's column in one piece: `linear` of sparse rows copies it otherwise,
    and its gradient."""
    return nn.Parameter(weight.detach().T.contiguous().T)


class FeatureInput(nn.Module):
    """Dropout with probability p of node features, ready for linear maps.

    x `[num_nodes, dim]` -> the same, for `linear`. Of features that are mostly zero, only the non-zeros are drawn and
    multiplied: a zero stays zero whether it is dropped or not, so the outputs have the distribution of plain dropout.

    binary  whether every non-zero counts as one; the gradient of x is that of what is read in its place
    """

    def __init__(self, p: float, binary: bool = False) -> None:
        super().__init__()
        self.p, self.binary = p, binary
        self._nonzero = Remembered(_nonzero)

    def forward(self, x: Tensor, before: Callable[..., Tensor | SparseRows] | None = None) -> Tensor | SparseRows:
        """before: what is done to the rows before dropout."""
        nonzero = None if x.requires_grad else self._nonzero(x)
        rows = self._read(x) if nonzero is None else SparseRows(nonzero[0], self._read(nonzero[1]))
        rows = rows if before is None else before(rows)
        if isinstance(rows, Tensor):
            return F.dropout(rows, self.p, self.training)
        return rows.dropout(self.p, self.training)

    def _read(self, x: Tensor) -> Tensor:
        return (x != 0).to(x.dtype) + (x - x.detach()) if self.binary else x


class FeatureLinear(nn.Linear):
    """A linear map of node features as `FeatureInput` gives them, `[num_nodes, dim]` to `[num_nodes, out_dim]`."""

    def __init__(self, dim: int, out_dim: int, bias: bool = True) -> None:
        super().__init__(dim, out_dim, bias)
        self.weight = by_input(self.weight)

    def forward(self, input: Tensor | SparseRows) -> Tensor:  # noqa: A002  torch's name for it
        out = linear(input, self.weight)
        return out if self.bias is None else out + self.bias


def _nonzero(x: Tensor) -> tuple[Pattern, Tensor] | None:
    """Where the entries are and their values; None for dense features."""
    if int(x.count_nonzero()) >= DENSE * x.numel():
        return None
    at = x.nonzero()
    return Pattern(at[:, 0], at[:, 1], x.size(0), x.size(1)), x[at[:, 0], at[:, 1]]
