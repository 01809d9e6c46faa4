"""Compiled loops over the rows `[first, last)`, which are written to `out[i - first]`, each once and by one thread.

A row's sum is kept in scratch on the stack; of a width that is known when they are compiled, in registers, which is
twice as fast. Zero is one of x's dtype: compared with a plain 0, numbers would be widened.

What is heard is summed in float64, so that of float32 the same comes out, to the bit, in whatever order the messages
are: noise that hangs on how nodes are numbered is multiplied by norms of columns that hardly vary, to the size of what
a network sees. Gradients are summed in their own dtype, which is a tenth faster.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from graphlab.ops.compiled import at, contracted, inlined, scratch

WIDE = np.zeros(0)
"""Of the dtype of what is heard."""

STEP = 16
"""Widths that are multiples of this have loops of their own; the others share loops that are told their width."""


@inlined
def begin(acc, x, i, self_weight, n):
    """The sum of row i before its messages."""
    if len(self_weight):
        weight = self_weight[0]
        for k in range(n):
            acc[k] = weight * x[i, k]
    else:
        for k in range(n):
            acc[k] = 0


@dataclass(frozen=True)
class Loops:
    plain: Callable[..., Any]
    rectified: Callable[..., Any]
    rectified_back: Callable[..., Any]


@lru_cache
def loops(width: int) -> Loops:
    """The loops for x of this width."""
    known = 0 if width % STEP else width
    return Loops(_plain(known), _rectified(known), _rectified_back(known))


def _plain(known: int) -> Callable[..., Any]:
    @contracted
    def plain(rows, view, x, self_weight, like, out, first, last):
        """out[i] = self_weight x[i] + sum of x[j], summed in the dtype of `like`."""
        start, index, _ = rows
        row, base, stride = view
        n = known if known else x.shape[1]
        acc = scratch(like, n)
        for i in range(first, last):
            begin(acc, x, i, self_weight, n)
            r = at(row, i)
            for p in range(at(start, r), at(start, r + 1)):
                sent = at(x, at(base, i) + at(stride, i) * at(index, p))
                for k in range(n):
                    acc[k] += sent[k]
            result = at(out, i - first)
            for k in range(n):
                result[k] = acc[k]

    return plain


def _rectified(known: int) -> Callable[..., Any]:
    @contracted
    def rectified(rows, view, x, table, self_weight, out, first, last):
        """out[i] = self_weight x[i] + sum of relu(x[j] + table[kind])."""
        start, index, kind = rows
        row, base, stride = view
        n = known if known else x.shape[1]
        acc, zero = scratch(WIDE, n), x.dtype.type(0)
        for i in range(first, last):
            begin(acc, x, i, self_weight, n)
            r = at(row, i)
            for p in range(at(start, r), at(start, r + 1)):
                sent = at(x, at(base, i) + at(stride, i) * at(index, p))
                shift = at(table, at(kind, p))
                for k in range(n):
                    acc[k] += max(sent[k] + shift[k], zero)
            result = at(out, i - first)
            for k in range(n):
                result[k] = acc[k]

    return rectified


def _rectified_back(known: int) -> Callable[..., Any]:
    @contracted
    def rectified_back(rows, view, x, table, self_weight, grad, out, to_table, first, last):
        """The gradient of row j of x, from all that it was told to, and of the table, added to."""
        start, index, kind = rows
        row, base, stride = view
        n = known if known else x.shape[1]
        acc, zero = scratch(x, n), x.dtype.type(0)
        for j in range(first, last):
            begin(acc, grad, j, self_weight, n)
            r = at(row, j)
            sent = at(x, j)
            for p in range(at(start, r), at(start, r + 1)):
                back = at(grad, at(base, j) + at(stride, j) * at(index, p))
                shift, to_shift = at(table, at(kind, p)), at(to_table, at(kind, p))
                for k in range(n):
                    passed = back[k] if sent[k] + shift[k] > zero else zero
                    acc[k] += passed
                    to_shift[k] += passed
            result = at(out, j - first)
            for k in range(n):
                result[k] = acc[k]

    return rectified_back
