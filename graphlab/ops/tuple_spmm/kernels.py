"""Compiled loops. A row's sum is kept in scratch on the stack, and every row is written once, by one thread."""

from __future__ import annotations

from graphlab.ops.compiled import at, contracted, inlined, scratch


@inlined
def begin(acc, x, i, self_weight):
    """The sum of row i before its messages."""
    if len(self_weight):
        own, weight = x[i], self_weight[0]
        for k in range(len(acc)):
            acc[k] = weight * own[k]
    else:
        for k in range(len(acc)):
            acc[k] = 0


@contracted
def plain(rows, view, x, self_weight, out, first, last):
    """out[i] = self_weight x[i] + sum of x[j]."""
    start, index, _ = rows
    row, base, stride = view
    acc = scratch(x, x.shape[1])
    for i in range(first, last):
        begin(acc, x, i, self_weight)
        r = at(row, i)
        for p in range(at(start, r), at(start, r + 1)):
            sent = x[base[i] + stride[i] * index[p]]
            for k in range(len(acc)):
                acc[k] += sent[k]
        for k in range(len(acc)):
            out[i, k] = acc[k]


@contracted
def rectified(rows, view, x, table, self_weight, out, first, last):
    """out[i] = self_weight x[i] + sum of relu(x[j] + table[kind])."""
    start, index, kind = rows
    row, base, stride = view
    acc = scratch(x, x.shape[1])
    for i in range(first, last):
        begin(acc, x, i, self_weight)
        r = at(row, i)
        for p in range(at(start, r), at(start, r + 1)):
            sent, shift = x[base[i] + stride[i] * index[p]], table[kind[p]]
            for k in range(len(acc)):
                acc[k] += max(sent[k] + shift[k], 0)
        for k in range(len(acc)):
            out[i, k] = acc[k]


@contracted
def rectified_back(rows, view, x, table, self_weight, grad, to_x, to_table, first, last):
    """The gradient of row j of x, from all that it was told to, and of the table, added to."""
    start, index, kind = rows
    row, base, stride = view
    acc = scratch(x, x.shape[1])
    for j in range(first, last):
        begin(acc, grad, j, self_weight)
        r = at(row, j)
        sent = x[j]
        for p in range(at(start, r), at(start, r + 1)):
            back, shift = grad[base[j] + stride[j] * index[p]], table[kind[p]]
            to_shift = to_table[kind[p]]
            for k in range(len(acc)):
                passed = back[k] if sent[k] + shift[k] > 0 else 0
                acc[k] += passed
                to_shift[k] += passed
        for k in range(len(acc)):
            to_x[j, k] = acc[k]
