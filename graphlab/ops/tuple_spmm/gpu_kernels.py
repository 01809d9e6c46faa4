"""Triton kernels, a program a row and a block of columns. Sums are in the order of the messages, what is heard
in float64, as on the CPU, gradients in float32."""

# ruff: noqa: N803
# Capitals are the field's names for constants of the compiled code.

import triton  # pyright: ignore[reportMissingImports]
import triton.language as tl  # pyright: ignore[reportMissingImports]


@triton.jit
def gather(
    start, index, kind, row, base, stride, x, table, self_weight, out, columns,
    RECTIFIED: tl.constexpr, WEIGHTED: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """out[i] = self_weight x[i] + sum of x[j], or of relu(x[j] + table[kind])."""
    i = tl.program_id(0).to(tl.int64)
    column = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    inside = column < columns
    r, origin, step = tl.load(row + i), tl.load(base + i), tl.load(stride + i)
    total = tl.zeros([BLOCK], tl.float64)
    if WEIGHTED:
        own = tl.load(x + i * columns + column, mask=inside, other=0).to(tl.float32)
        total += (tl.load(self_weight).to(tl.float32) * own).to(tl.float64)
    for p in range(tl.load(start + r), tl.load(start + r + 1)):
        j = (origin + step * tl.load(index + p)).to(tl.int64)
        sent = tl.load(x + j * columns + column, mask=inside, other=0).to(tl.float32)
        if RECTIFIED:
            shift = tl.load(table + tl.load(kind + p).to(tl.int64) * columns + column, mask=inside, other=0)
            sent = tl.maximum(sent + shift.to(tl.float32), 0)
        total += sent.to(tl.float64)
    tl.store(out + i * columns + column, total.to(tl.float32).to(out.dtype.element_ty), mask=inside)


@triton.jit
def send_back(
    start, index, kind, row, base, stride, x, table, self_weight, grad, to_x, columns,
    WEIGHTED: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """The gradient of row j of x from all that it was told to."""
    j = tl.program_id(0).to(tl.int64)
    column = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    inside = column < columns
    r, origin, step = tl.load(row + j), tl.load(base + j), tl.load(stride + j)
    sent = tl.load(x + j * columns + column, mask=inside, other=0).to(tl.float32)
    total = tl.zeros([BLOCK], tl.float32)
    if WEIGHTED:
        own = tl.load(grad + j * columns + column, mask=inside, other=0).to(tl.float32)
        total += tl.load(self_weight).to(tl.float32) * own
    for p in range(tl.load(start + r), tl.load(start + r + 1)):
        i = (origin + step * tl.load(index + p)).to(tl.int64)
        back = tl.load(grad + i * columns + column, mask=inside, other=0).to(tl.float32)
        shift = tl.load(table + tl.load(kind + p).to(tl.int64) * columns + column, mask=inside, other=0)
        total += tl.where(sent + shift.to(tl.float32) > 0, back, 0)
    tl.store(to_x + j * columns + column, total.to(to_x.dtype.element_ty), mask=inside)


@triton.jit
def send_back_to_table(
    start, index, kind, row, base, stride, x, table, grad, parts, num_rows, num_kinds, columns,
    ROWS: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """Adds what ROWS rows of x send to each kind to the program's own part of `parts` `[., kinds, columns]`."""
    chunk = tl.program_id(0).to(tl.int64)
    column = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    inside = column < columns
    for k in range(ROWS):
        j = chunk * ROWS + k
        if j < num_rows:
            r, origin, step = tl.load(row + j), tl.load(base + j), tl.load(stride + j)
            sent = tl.load(x + j * columns + column, mask=inside, other=0).to(tl.float32)
            for p in range(tl.load(start + r), tl.load(start + r + 1)):
                i = (origin + step * tl.load(index + p)).to(tl.int64)
                of_kind = tl.load(kind + p).to(tl.int64)
                back = tl.load(grad + i * columns + column, mask=inside, other=0).to(tl.float32)
                shift = tl.load(table + of_kind * columns + column, mask=inside, other=0).to(tl.float32)
                place = parts + (chunk * num_kinds + of_kind) * columns + column
                before = tl.load(place, mask=inside, other=0)
                tl.store(place, before + tl.where(sent + shift > 0, back, 0), mask=inside)
