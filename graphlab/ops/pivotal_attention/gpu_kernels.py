"""Triton kernels of pivotal attention of pairs: a program has a square tile of pairs and goes over the third node.

A tensor is a tuple of its pointer and its strides, those of batch and heads first; the last axis of query, keys and
values is dense. The second key and value come as `[B, H, K, J, d]`, so that each product of matrices is a batch over
rows i or over columns k: tiles of `first` are `[i, j, d]`, of `second` `[k, j, d]`, scores `[i, k, j]`.

A program has WIDTH columns of a result, and all scores that these need; products that give scores take STEP columns at
a time. So registers and shared memory do not grow with d. Sums are in float32. A row's largest score and its sum of
exponentials are kept apart: log n would be rounded away beside -1e9, the score of a pivot that is masked.
"""

# ruff: noqa: N803
# Capitals are the field's names for constants of the compiled code.

import triton  # pyright: ignore[reportMissingImports]
import triton.language as tl  # pyright: ignore[reportMissingImports]


@triton.jit(do_not_specialize=["seed"])
def forward(
    query, first_key, second_key, first_value, second_value, mask, out, largest, total, sizes, scale, cap, dropout,
    seed, WIDTH: tl.constexpr, STEP: tl.constexpr, SIDE: tl.constexpr, CAPPED: tl.constexpr, MASKING: tl.constexpr,
    DROPS: tl.constexpr,
):  # fmt: skip
    """out[i, k] over all pivots j, and what makes probabilities of scores again."""
    heads, num_rows, num_columns, num_pivots, dim = sizes
    b, h, i, k = place(heads, num_rows, num_columns, SIDE)
    part = tl.program_id(1) * WIDTH
    top = tl.full([SIDE, SIDE], float("-inf"), tl.float32)
    sums = tl.zeros([SIDE, SIDE], tl.float32)
    by_row = tl.zeros([SIDE, SIDE, WIDTH], tl.float32)
    by_column = tl.zeros([SIDE, SIDE, WIDTH], tl.float32)
    pair = offset(b, h, i, k, heads, num_rows, num_columns, num_columns, 1, SIDE)
    for j in range(0, num_pivots, SIDE):
        dots = products(query, first_key, second_key, b, h, i, k, j, sizes, STEP, SIDE)
        s, _ = scores(dots, mask, b, h, i, k, j, sizes, scale, cap, CAPPED, MASKING, SIDE)
        new = tl.maximum(top, tl.max(s, 2))
        # A row may have nothing but -inf so far.
        shift = tl.where(new == float("-inf"), 0.0, new)
        shrink = tl.exp(top - shift)
        weights = tl.exp(s - shift[:, :, None])
        top, sums = new, sums * shrink + tl.sum(weights, 2)
        if DROPS:
            weights *= draws(pair, j, num_pivots, dropout, seed, SIDE)
        first = load(first_value, b, h, i, j, part, num_rows, num_pivots, dim, WIDTH, SIDE)
        second = load(second_value, b, h, k, j, part, num_columns, num_pivots, dim, WIDTH, SIDE)
        weights = weights.to(first.dtype)
        by_row = tl.dot(weights, first, by_row * shrink[:, :, None], input_precision="ieee")
        by_column = tl.dot(
            tl.permute(weights, (1, 0, 2)), second, by_column * tl.trans(shrink)[:, :, None], input_precision="ieee"
        )
    result = (by_row + tl.permute(by_column, (1, 0, 2))) / sums[:, :, None]
    store(out, result, b, h, i, k, part, num_rows, num_columns, dim, WIDTH, SIDE)
    if part == 0:
        there = inside(i, k, num_rows, num_columns, SIDE)
        tl.store(largest + pair, top, mask=there)
        tl.store(total + pair, sums, mask=there)


@triton.jit(do_not_specialize=["seed"])
def backward_to_query(
    query, first_key, second_key, first_value, second_value, mask, out, grad, largest, total, inner, to_query, sizes,
    scale, cap, dropout, seed, WIDTH: tl.constexpr, STEP: tl.constexpr, SIDE: tl.constexpr, CAPPED: tl.constexpr,
    MASKING: tl.constexpr, DROPS: tl.constexpr,
):  # fmt: skip
    """The gradient of query[i, k] over all pivots j; and what later passes need, out[i, k] . grad[i, k]."""
    heads, num_rows, num_columns, num_pivots, dim = sizes
    b, h, i, k = place(heads, num_rows, num_columns, SIDE)
    part = tl.program_id(1) * WIDTH
    mean = tl.zeros([SIDE, SIDE], tl.float32)
    for p in range(0, dim, WIDTH):
        y = load(out, b, h, i, k, p, num_rows, num_columns, dim, WIDTH, SIDE).to(tl.float32)
        mean += tl.sum(y * load(grad, b, h, i, k, p, num_rows, num_columns, dim, WIDTH, SIDE).to(tl.float32), 2)
    pair = offset(b, h, i, k, heads, num_rows, num_columns, num_columns, 1, SIDE)
    there = inside(i, k, num_rows, num_columns, SIDE)
    if part == 0:
        tl.store(inner + pair, mean, mask=there)
    top = tl.load(largest + pair, mask=there, other=0.0)
    sums = tl.load(total + pair, mask=there, other=1.0)
    by_row = tl.zeros([SIDE, SIDE, WIDTH], tl.float32)
    by_column = tl.zeros([SIDE, SIDE, WIDTH], tl.float32)
    for j in range(0, num_pivots, SIDE):
        to_weights = products(grad, first_value, second_value, b, h, i, k, j, sizes, STEP, SIDE)
        if DROPS:
            to_weights *= draws(pair, j, num_pivots, dropout, seed, SIDE)
        dots = products(query, first_key, second_key, b, h, i, k, j, sizes, STEP, SIDE)
        s, slope = scores(dots, mask, b, h, i, k, j, sizes, scale, cap, CAPPED, MASKING, SIDE)
        weights = tl.exp(s - top[:, :, None]) / sums[:, :, None]
        first = load(first_key, b, h, i, j, part, num_rows, num_pivots, dim, WIDTH, SIDE)
        second = load(second_key, b, h, k, j, part, num_columns, num_pivots, dim, WIDTH, SIDE)
        to_products = (weights * (to_weights - mean[:, :, None]) * slope).to(first.dtype)
        by_row = tl.dot(to_products, first, by_row, input_precision="ieee")
        by_column = tl.dot(tl.permute(to_products, (1, 0, 2)), second, by_column, input_precision="ieee")
    result = by_row + tl.permute(by_column, (1, 0, 2))
    store(to_query, result, b, h, i, k, part, num_rows, num_columns, dim, WIDTH, SIDE)


@triton.jit(do_not_specialize=["seed"])
def backward_to_first(
    query, first_key, second_key, first_value, second_value, mask, grad, largest, total, inner, row_stride,
    column_stride, to_key, to_value, sizes, scale, cap, dropout, seed, WIDTH: tl.constexpr, STEP: tl.constexpr,
    SIDE: tl.constexpr, CAPPED: tl.constexpr, MASKING: tl.constexpr, DROPS: tl.constexpr,
):  # fmt: skip
    """The gradients of first_key[i, j] and first_value[i, j] over all columns k.

    With rows and columns exchanged, and first and second, these are the gradients of the second key and value. So what
    belongs to pairs, `[B, H, I, K]`, has strides too.
    """
    heads, num_rows, num_columns, num_pivots, dim = sizes
    b, h, i, j = place(heads, num_rows, num_pivots, SIDE)
    part = tl.program_id(1) * WIDTH
    keys = tl.zeros([SIDE, SIDE, WIDTH], tl.float32)
    values = tl.zeros([SIDE, SIDE, WIDTH], tl.float32)
    for k in range(0, num_columns, SIDE):
        pair = offset(b, h, i, k, heads, num_rows, num_columns, row_stride, column_stride, SIDE)
        there = inside(i, k, num_rows, num_columns, SIDE)
        top = tl.load(largest + pair, mask=there, other=0.0)
        sums = tl.load(total + pair, mask=there, other=1.0)
        mean = tl.load(inner + pair, mask=there, other=0.0)
        dots = products(query, first_key, second_key, b, h, i, k, j, sizes, STEP, SIDE)
        s, slope = scores(dots, mask, b, h, i, k, j, sizes, scale, cap, CAPPED, MASKING, SIDE)
        weights = tl.exp(s - top[:, :, None]) / sums[:, :, None]
        to_weights = products(grad, first_value, second_value, b, h, i, k, j, sizes, STEP, SIDE)
        dropped = weights
        if DROPS:
            stays = draws(pair, j, num_pivots, dropout, seed, SIDE)
            dropped = weights * stays
            to_weights *= stays
        g = load(grad, b, h, i, k, part, num_rows, num_columns, dim, WIDTH, SIDE)
        values = tl.dot(tl.permute(dropped.to(g.dtype), (0, 2, 1)), g, values, input_precision="ieee")
        q = load(query, b, h, i, k, part, num_rows, num_columns, dim, WIDTH, SIDE)
        to_products = (weights * (to_weights - mean[:, :, None]) * slope).to(q.dtype)
        keys = tl.dot(tl.permute(to_products, (0, 2, 1)), q, keys, input_precision="ieee")
    store(to_key, keys, b, h, i, j, part, num_rows, num_pivots, dim, WIDTH, SIDE)
    store(to_value, values, b, h, i, j, part, num_rows, num_pivots, dim, WIDTH, SIDE)


@triton.jit
def place(heads, num_rows, num_columns, SIDE: tl.constexpr):
    """The graph, the head, the first row and the first column of this program's tile."""
    across = tl.cdiv(num_columns, SIDE)
    down = tl.cdiv(num_rows, SIDE)
    program = tl.program_id(0)
    column, rest = program % across, program // across
    row, group = rest % down, rest // down
    return group // heads, group % heads, row * SIDE, column * SIDE


@triton.jit
def offset(b, h, i, k, heads, num_rows, num_columns, row_stride, column_stride, SIDE: tl.constexpr):
    """Where the pairs of a tile are in `[B, H, I, K]`."""
    group = (b.to(tl.int64) * heads + h) * num_rows * num_columns
    return group + grid(i, k, row_stride, column_stride, SIDE)


@triton.jit
def grid(row, column, row_stride, column_stride, SIDE: tl.constexpr):
    """Offsets of the pairs of a tile. Those within it fit in 32 bits; see `dispatch.FAR`."""
    start = tl.cast(row, tl.int64) * row_stride + tl.cast(column, tl.int64) * column_stride
    steps = tl.arange(0, SIDE)
    return start + (steps[:, None] * row_stride + steps[None, :] * column_stride)


@triton.jit
def inside(row, column, num_rows, num_columns, SIDE: tl.constexpr):
    """Which pairs of a tile there are."""
    steps = tl.arange(0, SIDE)
    return (row + steps < num_rows)[:, None] & (column + steps < num_columns)[None, :]


@triton.jit
def addresses(tensor, b, h, row, column, part, WIDTH: tl.constexpr, SIDE: tl.constexpr):
    pointer, batch_stride, head_stride, row_stride, column_stride = tensor
    start = pointer + b.to(tl.int64) * batch_stride + h.to(tl.int64) * head_stride + part
    return start + grid(row, column, row_stride, column_stride, SIDE)[:, :, None] + tl.arange(0, WIDTH)[None, None, :]


@triton.jit
def within(
    row, column, part, num_rows, num_columns, dim, WIDTH: tl.constexpr, SIDE: tl.constexpr
):  # fmt: skip
    pairs = inside(row, column, num_rows, num_columns, SIDE)
    return pairs[:, :, None] & (part + tl.arange(0, WIDTH) < dim)[None, None, :]


@triton.jit
def load(
    tensor, b, h, row, column, part, num_rows, num_columns, dim, WIDTH: tl.constexpr, SIDE: tl.constexpr
):  # fmt: skip
    """A tile `[rows, columns, WIDTH]` from column `part` on, with zeros where the tensor has nothing."""
    there = within(row, column, part, num_rows, num_columns, dim, WIDTH, SIDE)
    return tl.load(addresses(tensor, b, h, row, column, part, WIDTH, SIDE), mask=there, other=0.0)


@triton.jit
def store(
    tensor, tile, b, h, row, column, part, num_rows, num_columns, dim, WIDTH: tl.constexpr,
    SIDE: tl.constexpr,
):  # fmt: skip
    there = within(row, column, part, num_rows, num_columns, dim, WIDTH, SIDE)
    places = addresses(tensor, b, h, row, column, part, WIDTH, SIDE)
    tl.store(places, tile.to(places.dtype.element_ty), mask=there)


@triton.jit
def products(
    pairs, first, second, b, h, i, k, j, sizes, STEP: tl.constexpr, SIDE: tl.constexpr
):  # fmt: skip
    """pairs[i, k] . (first[i, j] + second[k, j]), `[i, k, j]`."""
    _, num_rows, num_columns, num_pivots, dim = sizes
    by_row = tl.zeros([SIDE, SIDE, SIDE], tl.float32)
    by_column = tl.zeros([SIDE, SIDE, SIDE], tl.float32)
    for part in range(0, dim, STEP):
        x = load(pairs, b, h, i, k, part, num_rows, num_columns, dim, STEP, SIDE)
        row = load(first, b, h, i, j, part, num_rows, num_pivots, dim, STEP, SIDE)
        by_row = tl.dot(x, tl.permute(row, (0, 2, 1)), by_row, input_precision="ieee")
        column = load(second, b, h, k, j, part, num_columns, num_pivots, dim, STEP, SIDE)
        by_column = tl.dot(tl.permute(x, (1, 0, 2)), tl.permute(column, (0, 2, 1)), by_column, input_precision="ieee")
    return by_row + tl.permute(by_column, (1, 0, 2))


@triton.jit
def scores(
    dots, mask, b, h, i, k, j, sizes, scale, cap, CAPPED: tl.constexpr, MASKING: tl.constexpr, SIDE: tl.constexpr
):  # fmt: skip
    """Scores, capped and masked, and what the gradient of a product is by that of its score."""
    _, num_rows, num_columns, num_pivots, _ = sizes
    s = dots * scale
    slope = tl.full([SIDE, SIDE, SIDE], 1.0, tl.float32) * scale
    if CAPPED:
        t = tanh(s / cap)
        s = cap * t
        slope *= 1 - t * t
    steps = tl.arange(0, SIDE)
    here = (j + steps < num_pivots)[None, None, :]
    if MASKING != "none":
        pointer, batch_stride, head_stride, row_stride, column_stride, pivot_stride = mask
        start = pointer + b.to(tl.int64) * batch_stride + h.to(tl.int64) * head_stride
        start += tl.cast(i, tl.int64) * row_stride + tl.cast(k, tl.int64) * column_stride
        start += tl.cast(j, tl.int64) * pivot_stride
        places = (steps[:, None] * row_stride + steps[None, :] * column_stride)[:, :, None]
        places += (steps * pivot_stride)[None, None, :]
        there = inside(i, k, num_rows, num_columns, SIDE)[:, :, None] & here
        if MASKING == "bool":
            masked = tl.load(start + places, mask=there, other=0) != 0
            s = tl.where(masked, -1e9, s)
            slope = tl.where(masked, 0.0, slope)
        else:
            s += tl.load(start + places, mask=there, other=0.0).to(tl.float32)
    return tl.where(here, s, float("-inf")), slope


@triton.jit
def tanh(x):
    """By its series near 0, where the quotient of exponentials is a difference of equal numbers."""
    small = tl.exp(-2 * tl.abs(x))
    quotient = (1 - small) / (1 + small)
    square = x * x
    series = x * (1 - square * (1 / 3 - square * (2 / 15 - square * (17 / 315))))
    return tl.where(tl.abs(x) < 0.1, series, tl.where(x < 0, -quotient, quotient))


@triton.jit
def draws(pair, j, num_pivots, dropout, seed, SIDE: tl.constexpr):
    """1 / (1 - dropout) for a weight that stays, else 0: a function of the seed and of the place of the weight."""
    weight = (pair * num_pivots + j)[:, :, None] + tl.arange(0, SIDE)[None, None, :]
    return tl.where(tl.rand(seed, weight) >= dropout, 1 / (1 - tl.minimum(dropout, 1 - 1e-7)), 0.0)
