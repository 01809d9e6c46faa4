"""Products of a sparse matrix with dense ones: messages with weights, and linear maps of features that are mostly zero.

    out[i, h] = sum over entries (i, j) of values[(i, j), h] dense[j, h]

by rows for the product, by columns for the gradient of `dense`, and by inner products of rows for that of `values`.
"""

from __future__ import annotations

import warnings
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable


class Pattern:
    """Where a matrix `[num_rows, num_columns]` has entries.

    row, column: int64 `[E]`, in any order; an entry listed twice counts twice.
    """

    def __init__(self, row: Tensor, column: Tensor, num_rows: int, num_columns: int) -> None:
        self.row, self.column = row, column
        self.shape = (num_rows, num_columns)
        self._by_row = _Order(row, column, num_rows)
        self._by_column = _Order(column, row, num_columns)

    def __len__(self) -> int:
        return len(self.row)

    def by_row(self, values: Tensor) -> Tensor:
        """The CSR matrix with these values `[E]`."""
        return self._by_row.matrix(values, self.shape)

    def by_column(self, values: Tensor) -> Tensor:
        """Its transpose."""
        return self._by_column.matrix(values, self.shape[::-1])

    def inner(self, left: Tensor, right: Tensor) -> Tensor:
        """left_i . right_j of each entry, `[E]`; left `[num_rows, d]`, right `[num_columns, d]`."""
        order = self._by_row
        zero = order.matrix(left.new_zeros(len(self)), self.shape)
        found = torch.sparse.sampled_addmm(zero, left, right.T, beta=0.0).values()
        return torch.empty_like(found).index_copy_(0, order.order, found)


class _Order:
    """Entries sorted by `first`, then by `second`."""

    def __init__(self, first: Tensor, second: Tensor, size: int) -> None:
        by_second = second.argsort(stable=True)
        self.order = by_second[first[by_second].argsort(stable=True)]
        self._start = first.new_zeros(size + 1)
        self._start[1:] = torch.bincount(first, minlength=size).cumsum(0)
        self._second = second[self.order]
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Sparse CSR tensor support is in beta state")
            self.matrix(
                torch.zeros(len(first), device=first.device), (size, int(second.max() + 1) if len(second) else 0)
            )

    def matrix(self, values: Tensor, shape: tuple[int, ...]) -> Tensor:
        return torch.sparse_csr_tensor(self._start, self._second, values[self.order], shape, check_invariants=False)


def sparse_product(pattern: Pattern, values: Tensor, dense: Tensor) -> Tensor:
    """Rows of a sparse times a dense matrix; with heads, one product for each.

    Args:
        values: `[E]`, or `[E, heads]`.
        dense: `[num_columns, d]`, or `[num_columns, heads, d]`.

    Returns `[num_rows, d]`, or `[num_rows, heads, d]`, in the dtype of `dense`, float32 at least.
    """
    dtype = torch.promote_types(dense.dtype, torch.float32)
    return _Product.apply(pattern, values.to(dtype), dense.to(dtype))  # pyright: ignore[reportReturnType]


class _Product(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, pattern: Pattern, values: Tensor, dense: Tensor) -> Tensor:
        ctx.save_for_backward(values, dense)
        ctx.pattern = pattern
        if values.dim() == 1:
            return pattern.by_row(values) @ dense
        return torch.stack([pattern.by_row(values[:, h]) @ dense[:, h] for h in range(values.size(1))], dim=1)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[None, Tensor | None, Tensor | None]:  # pyright: ignore[reportIncompatibleMethodOverride]
        values, dense = ctx.saved_tensors
        pattern, (_, of_values, of_dense) = ctx.pattern, ctx.needs_input_grad
        if values.dim() == 1:
            to_dense = pattern.by_column(values) @ grad if of_dense else None
            return None, pattern.inner(grad, dense) if of_values else None, to_dense
        heads = range(values.size(1))
        to_values = torch.stack([pattern.inner(grad[:, h], dense[:, h]) for h in heads], dim=1) if of_values else None
        to_dense = torch.stack([pattern.by_column(values[:, h]) @ grad[:, h] for h in heads], 1) if of_dense else None
        return None, to_values, to_dense
