"""Products of a sparse matrix with dense ones: messages with weights, and linear maps of features that are mostly zero.

    product[i, h] = sum over entries (i, j) of values[(i, j), h] dense[j, h]
    inner[(i, j), h] = left[i, h] . right[j, h]

each of which is the gradient of the other: no message is laid out.
"""

from __future__ import annotations

import warnings
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable


class Pattern:
    """Where a matrix `[num_rows, num_columns]` has entries.

    row, column: int64 `[E]`, in any order; an entry listed twice counts twice. Of each number of heads above one that
    it is multiplied with, it keeps the indices: 4 E heads of them.
    """

    def __init__(self, row: Tensor, column: Tensor, num_rows: int, num_columns: int) -> None:
        self.row, self.column = row, column
        self.shape = (num_rows, num_columns)
        self._by_row = _Order.sorted(row, column, num_rows)
        self._by_column = _Order.sorted(column, row, num_columns)
        self._of_heads: dict[int, tuple[_Order, _Order]] = {}
        with warnings.catch_warnings():  # torch gives this warning once in a process
            warnings.filterwarnings("ignore", message="Sparse CSR tensor support is in beta state")
            self._by_row.matrix(torch.zeros(len(row), device=row.device), num_columns)

    def __len__(self) -> int:
        return len(self.row)

    @property
    def row_order(self) -> tuple[Tensor, Tensor]:
        """Where each row's entries start, int64 `[num_rows + 1]`, and the entries in that order, int64 `[E]`."""
        return self._by_row.start, self._by_row.order

    def product(self, values: Tensor, dense: Tensor) -> Tensor:
        """values `[E, heads]`, dense `[num_columns, heads, d]` -> `[num_rows, heads, d]`."""
        return self._orders(values.size(1))[0].product(values, dense)

    def transposed_product(self, values: Tensor, dense: Tensor) -> Tensor:
        """values `[E, heads]`, dense `[num_rows, heads, d]` -> `[num_columns, heads, d]`."""
        return self._orders(values.size(1))[1].product(values, dense)

    def inner(self, left: Tensor, right: Tensor) -> Tensor:
        """left `[num_rows, heads, d]`, right `[num_columns, heads, d]` -> `[E, heads]`."""
        return self._orders(left.size(1))[0].inner(left, right)

    def _orders(self, heads: int) -> tuple[_Order, _Order]:
        """By row and by column."""
        if heads not in self._of_heads:
            with torch.inference_mode(False):
                self._of_heads[heads] = (self._by_row.of_heads(heads), self._by_column.of_heads(heads))
        return self._of_heads[heads]


class _Order:
    """Entries sorted by `first`, then by `second`: those of each `first` from where `start` says, and their places.

    With heads, the matrix has a row and a column for each head of what was one: all heads are one product, of which no
    rows are copied.
    """

    def __init__(self, start: Tensor, second: Tensor, order: Tensor) -> None:
        self.start, self.second, self.order = start, second, order

    @classmethod
    def sorted(cls, first: Tensor, second: Tensor, size: int) -> _Order:
        by_second = second.argsort(stable=True)
        order = by_second[first[by_second].argsort(stable=True)]
        start = first.new_zeros(size + 1)
        start[1:] = torch.bincount(first, minlength=size).cumsum(0)
        return cls(start, second[order], order)

    def of_heads(self, heads: int) -> _Order:
        """Entry e of head h is the number e * heads + h; a row's entries of one head lie side by side."""
        if heads == 1:
            return self
        count = self.start.diff()
        start = self.start.new_zeros(len(count) * heads + 1)
        start[1:] = count.repeat_interleave(heads).cumsum(0)
        head = torch.arange(heads, device=start.device)
        before = (self.start[:-1] * (heads - 1)).repeat_interleave(count)
        place = torch.arange(len(self.order), device=start.device) + before
        places = (place[:, None] + count.repeat_interleave(count)[:, None] * head).flatten()
        second, order = (
            torch.empty_like(places).index_copy_(0, places, (part[:, None] * heads + head).flatten())
            for part in (self.second, self.order)
        )
        return _Order(start, second, order)

    def product(self, values: Tensor, dense: Tensor) -> Tensor:
        rows = dense.flatten(0, 1)
        out = rows.new_empty(len(self.start) - 1, rows.size(1))
        matrix = self.matrix(values.flatten()[self.order], len(rows))
        torch.addmm(out, matrix, rows, beta=0, out=out)
        return out.unflatten(0, (-1, dense.size(1)))

    def inner(self, left: Tensor, right: Tensor) -> Tensor:
        rows, columns = left.flatten(0, 1), right.flatten(0, 1)
        zero = self.matrix(rows.new_zeros(len(self.order)), len(columns))
        found = torch.sparse.sampled_addmm(zero, rows, columns.T, beta=0.0).values()
        return torch.empty_like(found).index_copy_(0, self.order, found).unflatten(0, (-1, left.size(1)))

    def matrix(self, values: Tensor, num_columns: int) -> Tensor:
        shape = (len(self.start) - 1, num_columns)
        return torch.sparse_csr_tensor(self.start, self.second, values, shape, check_invariants=False)


def sparse_product(pattern: Pattern, values: Tensor, dense: Tensor) -> Tensor:
    """Rows of a sparse times a dense matrix; with heads, one product for each.

    Args:
        values: `[E]`, or `[E, heads]`.
        dense: `[num_columns, d]`, or `[num_columns, heads, d]`.

    Returns `[num_rows, d]`, or `[num_rows, heads, d]`, in the dtype of `dense`, float32 at least.
    """
    dtype = torch.promote_types(dense.dtype, torch.float32)
    with torch.autocast(dense.device.type, enabled=False):  # sparse matrices are not multiplied in half precision
        if values.dim() == 2:
            return _Product.apply(pattern, values.to(dtype), dense.to(dtype))  # pyright: ignore[reportReturnType]
        one = _Product.apply(pattern, values.to(dtype).unsqueeze(1), dense.to(dtype).unsqueeze(1))
        return one.squeeze(1)  # pyright: ignore[reportOptionalMemberAccess, reportAttributeAccessIssue]


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
        return pattern.product(values, dense)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[None, Tensor | None, Tensor | None]:  # pyright: ignore[reportIncompatibleMethodOverride]
        values, dense = ctx.saved_tensors
        pattern, (_, of_values, of_dense) = ctx.pattern, ctx.needs_input_grad
        return (
            None,
            pattern.inner(grad, dense) if of_values else None,
            pattern.transposed_product(values, grad) if of_dense else None,
        )


class _Inner(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, pattern: Pattern, left: Tensor, right: Tensor) -> Tensor:
        ctx.save_for_backward(left, right)
        ctx.pattern = pattern
        return pattern.inner(left, right)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[None, Tensor, Tensor]:  # pyright: ignore[reportIncompatibleMethodOverride]
        left, right = ctx.saved_tensors
        return None, ctx.pattern.product(grad, right), ctx.pattern.transposed_product(grad, left)
