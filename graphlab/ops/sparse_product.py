"""Products of a sparse matrix with dense ones: messages with weights, and linear maps of features that are mostly zero.

    product[i, h] = sum over entries (i, j) of values[(i, j), h] dense[j, h]
    inner[(i, j), h] = left[i, h] . right[j, h]

each of which is the gradient of the other: no message is laid out.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
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

    @property
    def row_order(self) -> tuple[Tensor, Tensor]:
        """Where each row's entries start, int64 `[num_rows + 1]`, and the entries in that order, int64 `[E]`."""
        return self._by_row.start, self._by_row.order

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
        self.start = first.new_zeros(size + 1)
        self.start[1:] = torch.bincount(first, minlength=size).cumsum(0)
        self._second = second[self.order]
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Sparse CSR tensor support is in beta state")
            self.matrix(
                torch.zeros(len(first), device=first.device), (size, int(second.max() + 1) if len(second) else 0)
            )

    def matrix(self, values: Tensor, shape: tuple[int, ...]) -> Tensor:
        return torch.sparse_csr_tensor(self.start, self._second, values[self.order], shape, check_invariants=False)


def sparse_product(pattern: Pattern, values: Tensor, dense: Tensor) -> Tensor:
    """Rows of a sparse times a dense matrix; with heads, one product for each.

    Args:
        values: `[E]`, or `[E, heads]`.
        dense: `[num_columns, d]`, or `[num_columns, heads, d]`.

    Returns `[num_rows, d]`, or `[num_rows, heads, d]`, in the dtype of `dense`, float32 at least.
    """
    dtype = torch.promote_types(dense.dtype, torch.float32)
    with torch.autocast(dense.device.type, enabled=False):  # sparse matrices are not multiplied in half precision
        return _Product.apply(pattern, values.to(dtype), dense.to(dtype))  # pyright: ignore[reportReturnType]


def sparse_inner(pattern: Pattern, left: Tensor, right: Tensor) -> Tensor:
    """Inner products of a row of each of two dense matrices, for each entry of a sparse one.

    left `[num_rows, heads, d]`, right `[num_columns, heads, d]`, of one dtype -> `[E, heads]`, float32 at least.
    """
    dtype = torch.promote_types(left.dtype, torch.float32)
    with torch.autocast(left.device.type, enabled=False):
        return _Inner.apply(pattern, left.to(dtype), right.to(dtype))  # pyright: ignore[reportReturnType]


class _Product(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, pattern: Pattern, values: Tensor, dense: Tensor) -> Tensor:
        ctx.save_for_backward(values, dense)
        ctx.pattern = pattern
        return _product(pattern.by_row, values, dense)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[None, Tensor | None, Tensor | None]:  # pyright: ignore[reportIncompatibleMethodOverride]
        values, dense = ctx.saved_tensors
        pattern, (_, of_values, of_dense) = ctx.pattern, ctx.needs_input_grad
        return (
            None,
            _inner(pattern, grad, dense) if of_values else None,
            _product(pattern.by_column, values, grad) if of_dense else None,
        )


class _Inner(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, pattern: Pattern, left: Tensor, right: Tensor) -> Tensor:
        ctx.save_for_backward(left, right)
        ctx.pattern = pattern
        return _inner(pattern, left, right)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[None, Tensor, Tensor]:  # pyright: ignore[reportIncompatibleMethodOverride]
        left, right = ctx.saved_tensors
        return None, _product(ctx.pattern.by_row, grad, right), _product(ctx.pattern.by_column, grad, left)


def _product(matrix: Callable[[Tensor], Tensor], values: Tensor, dense: Tensor) -> Tensor:
    if values.dim() == 1:
        return matrix(values) @ dense
    return torch.stack([matrix(values[:, h]) @ dense[:, h] for h in range(values.size(1))], dim=1)


def _inner(pattern: Pattern, left: Tensor, right: Tensor) -> Tensor:
    if left.dim() == 2:
        return pattern.inner(left, right)
    return torch.stack([pattern.inner(left[:, h], right[:, h]) for h in range(left.size(1))], dim=1)
