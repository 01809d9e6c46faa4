"""Triton kernels of the GPU path. Nothing here is added to by two programs: results are the same bits every time.

A program works on BLOCK columns of the `B * d` that a row has, for one row of compressed rows, and takes the row's
edges in tiles of TILE, which keeps that many loads in flight and lets a row of thousands of edges end in time. Rows are
the grid's fast axis: the programs that run together read the same columns, which fit the second cache. Arguments:

    start, other, kind, edge    the rows of `Rows`
    mask, weight, boundary      None where there are none; mask is uint8 `[E]`
    x, out, boundary            `[rows, columns]`, columns = B * d; `out` is `[N, B, 4, d]` for PNA
    relation                    `[R, d]` if SHARED, or `[R, columns]`
    state                       `[N, parts, columns]`, see `_gradient`
    REDUCE                      the reduce's name; backward of a mean is that of a sum of a smaller gradient

Sums are in float32 whatever the inputs are. A message must be the same bits in every kernel, for it is compared with
the extremes: launch with `enable_fp_fusion=False`.
"""

# ruff: noqa: N803
# Capitals are the field's names for constants of the compiled code.

import triton  # pyright: ignore[reportMissingImports]
import triton.language as tl  # pyright: ignore[reportMissingImports]


@triton.jit
def _columns(columns, DIM: tl.constexpr, BLOCK: tl.constexpr):
    """This program's columns, whether they hold real parts, the columns of the other parts, and which are there."""
    at = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    real = at % DIM < DIM // 2
    across = tl.where(real, at + DIM // 2, at - DIM // 2)
    return at[None, :], real[None, :], across[None, :], (at < columns)[None, :]


@triton.jit
def _edges(start, row, i, other, kind, edge, mask, weight, TILE: tl.constexpr):
    """Far ends, types, numbers and weights of TILE edges from place i of a row, `[TILE, 1]` each, which of them are in
    the row, and which of these are not masked."""
    place = i + tl.arange(0, TILE)[:, None]
    inside = place < tl.load(start + row + 1)
    number = tl.load(edge + place, mask=inside, other=0)
    live = inside
    if mask is not None:
        live = inside & (tl.load(mask + number, mask=inside, other=0) != 0)
    w = live.to(tl.float32)
    if weight is not None:
        w = tl.load(weight + number, mask=live, other=0).to(tl.float32)
    far = tl.load(other + place, mask=inside, other=0).to(tl.int64)
    near = tl.load(kind + place, mask=inside, other=0).to(tl.int64)
    return far, near, number, w, inside, live


@triton.jit
def _vectors(values, rows, stride, at, across, live, MESSAGE: tl.constexpr):
    """Rows of x, and for ROTATE their other parts."""
    own = tl.load(values + rows * stride + at, mask=live, other=0).to(tl.float32)
    parts = own
    if MESSAGE == "rotate":
        parts = tl.load(values + rows * stride + across, mask=live, other=0).to(tl.float32)
    return own, parts


@triton.jit
def _relations(
    relation, kinds, columns, at, across, live, MESSAGE: tl.constexpr, DIM: tl.constexpr, SHARED: tl.constexpr
):
    """As `_vectors`, of relations."""
    if SHARED:
        own, parts = _vectors(relation, kinds, DIM, at % DIM, across % DIM, live, MESSAGE)
    else:
        own, parts = _vectors(relation, kinds, columns, at, across, live, MESSAGE)
    return own, parts


@triton.jit
def _message(s, s_across, r, r_across, real, MESSAGE: tl.constexpr):
    """The messages of sources s and relations r."""
    if MESSAGE == "transe":
        value = s + r
    elif MESSAGE == "distmult":
        value = s * r
    else:
        value = tl.where(real, s * r - s_across * r_across, s_across * r + s * r_across)
    return value


@triton.jit
def _send_back(g, g_across, factor, factor_across, real, MESSAGE: tl.constexpr):
    """From a message's gradient g to that of one of its factors, given the other; the product with its conjugate."""
    if MESSAGE == "transe":
        value = g
    elif MESSAGE == "distmult":
        value = g * factor
    else:
        value = tl.where(real, g * factor + g_across * factor_across, g * factor_across - g_across * factor)
    return value


@triton.jit
def _gradient(state, targets, columns, at, live, value, REDUCE: tl.constexpr):
    """The gradient of messages `value`, weight included, from what their targets left.

    The state of a sum is the gradient itself; of an extreme, the extreme and each equal message's share; of PNA, a
    constant and a slope in the message, the largest with its share and the smallest with its share.
    """
    if REDUCE == "sum":
        g = tl.load(state + targets * columns + at, mask=live, other=0).to(tl.float32)
    elif REDUCE == "pna":
        place = state + targets * (6 * columns) + at
        slope = tl.load(place + columns, mask=live, other=0)
        g = tl.load(place, mask=live, other=0) + slope * value
        largest = tl.load(place + 2 * columns, mask=live, other=0)
        g += tl.where(value == largest, tl.load(place + 3 * columns, mask=live, other=0), 0.0)
        smallest = tl.load(place + 4 * columns, mask=live, other=0)
        g += tl.where(value == smallest, tl.load(place + 5 * columns, mask=live, other=0), 0.0)
    else:
        place = state + targets * (2 * columns) + at
        best = tl.load(place, mask=live, other=0)
        g = tl.where(value == best, tl.load(place + columns, mask=live, other=0), 0.0)
    return g


@triton.jit
def _both_gradients(
    state,
    targets,
    columns,
    at,
    across,
    live,
    s,
    s_across,
    r,
    r_across,
    w,
    real,
    MESSAGE: tl.constexpr,
    REDUCE: tl.constexpr,
):
    """The unweighted messages, their gradients with the weight left out, and those of their other parts."""
    plain = _message(s, s_across, r, r_across, real, MESSAGE)
    g = _gradient(state, targets, columns, at, live, w * plain, REDUCE)
    g_across = g
    if MESSAGE == "rotate":
        plain_across = tl.where(real, s * r_across + s_across * r, s_across * r_across - s * r)
        g_across = _gradient(state, targets, columns, across, live, w * plain_across, REDUCE)
    return plain, g, g_across


@triton.jit
def _reduced(
    start, other, kind, edge, mask, weight, x, relation, boundary, columns,
    MESSAGE: tl.constexpr, REDUCE: tl.constexpr, TIES: tl.constexpr,
    DIM: tl.constexpr, SHARED: tl.constexpr, TILE: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """Over the messages of a row: how many, sum, sum of squares, largest, smallest, and how many equal these two."""
    row = tl.program_id(0).to(tl.int64)
    at, real, across, there = _columns(columns, DIM, BLOCK)
    zero = tl.zeros([1, BLOCK], tl.float32)
    count = tl.zeros([1, 1], tl.float32)
    sums, squares, of_largest, of_smallest = zero, zero, zero, zero
    largest, smallest = zero - float("inf"), zero + float("inf")
    if boundary is not None:
        own = tl.load(boundary + row * columns + at, mask=there, other=0).to(tl.float32)
        count += 1
        sums, squares, largest, smallest = own, own * own, own, own
        of_largest, of_smallest = zero + 1, zero + 1
    for i in range(tl.load(start + row), tl.load(start + row + 1), TILE):
        u, k, _, w, _, kept = _edges(start, row, i, other, kind, edge, mask, weight, TILE)
        live = kept & there
        s, s_across = _vectors(x, u, columns, at, across, live, MESSAGE)
        r, r_across = _relations(relation, k, columns, at, across, live, MESSAGE, DIM, SHARED)
        value = w * _message(s, s_across, r, r_across, real, MESSAGE)
        count += tl.sum(kept.to(tl.float32), 0, keep_dims=True)
        if REDUCE == "sum" or REDUCE == "mean" or REDUCE == "pna":
            sums += tl.sum(value, 0, keep_dims=True)
        if REDUCE == "pna":
            squares += tl.sum(value * value, 0, keep_dims=True)
        if REDUCE == "max" or REDUCE == "pna":
            best = tl.max(tl.where(live, value, float("-inf")), 0, keep_dims=True)
            if TIES:
                equal = tl.sum((live & (value == best)).to(tl.float32), 0, keep_dims=True)
                of_largest = tl.where(best > largest, 0.0, of_largest) + tl.where(best >= largest, equal, 0.0)
            largest = tl.maximum(largest, best)
        if REDUCE == "min" or REDUCE == "pna":
            least = tl.min(tl.where(live, value, float("inf")), 0, keep_dims=True)
            if TIES:
                equal = tl.sum((live & (value == least)).to(tl.float32), 0, keep_dims=True)
                of_smallest = tl.where(least < smallest, 0.0, of_smallest) + tl.where(least <= smallest, equal, 0.0)
            smallest = tl.minimum(smallest, least)
    return count, sums, squares, largest, smallest, of_largest, of_smallest


@triton.jit
def forward(
    start, other, kind, edge, mask, weight, x, relation, boundary, out, floor, columns,
    MESSAGE: tl.constexpr, REDUCE: tl.constexpr,
    DIM: tl.constexpr, SHARED: tl.constexpr, TILE: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """Rows of `by_target`; writes a row of `out`."""
    row = tl.program_id(0).to(tl.int64)
    at, _, _, there = _columns(columns, DIM, BLOCK)
    count, sums, squares, largest, smallest, _, _ = _reduced(
        start, other, kind, edge, mask, weight, x, relation, boundary, columns,
        MESSAGE, REDUCE, False, DIM, SHARED, TILE, BLOCK,
    )  # fmt: skip
    mean = sums / tl.maximum(count, 1.0)
    largest = tl.where(count > 0, largest, 0.0)
    smallest = tl.where(count > 0, smallest, 0.0)
    if REDUCE == "pna":
        place = out + row * (4 * columns) + (at // DIM) * (4 * DIM) + at % DIM
        variance = squares / tl.maximum(count, 1.0) - mean * mean
        tl.store(place, mean, mask=there)
        tl.store(place + DIM, largest, mask=there)
        tl.store(place + 2 * DIM, smallest, mask=there)
        tl.store(place + 3 * DIM, tl.sqrt(tl.maximum(variance, floor)), mask=there)
    else:
        result = sums
        if REDUCE == "mean":
            result = mean
        elif REDUCE == "max":
            result = largest
        elif REDUCE == "min":
            result = smallest
        tl.store(out + row * columns + at, result, mask=there)


@triton.jit
def backward_to_targets(
    start, other, kind, edge, mask, weight, x, relation, boundary, grad, state, grad_boundary, floor, columns,
    MESSAGE: tl.constexpr, REDUCE: tl.constexpr,
    DIM: tl.constexpr, SHARED: tl.constexpr, TILE: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """Rows of `by_target`, for extremes and PNA; writes a row of `state` and, if there is one, of the boundary's
    gradient. The reductions are made again, so that they are in float32 whatever `out` was rounded to."""
    row = tl.program_id(0).to(tl.int64)
    at, _, _, there = _columns(columns, DIM, BLOCK)
    count, sums, squares, largest, smallest, of_largest, of_smallest = _reduced(
        start, other, kind, edge, mask, weight, x, relation, boundary, columns,
        MESSAGE, REDUCE, True, DIM, SHARED, TILE, BLOCK,
    )  # fmt: skip
    own = tl.zeros([1, BLOCK], tl.float32)
    if boundary is not None:
        own = tl.load(boundary + row * columns + at, mask=there, other=0).to(tl.float32)
    if REDUCE == "pna":
        share = 1.0 / tl.maximum(count, 1.0)
        mean = sums * share
        variance = squares * share - mean * mean
        given = grad + row * (4 * columns) + (at // DIM) * (4 * DIM) + at % DIM
        to_deviation = tl.load(given + 3 * DIM, mask=there, other=0).to(tl.float32)
        slope = tl.where(variance > floor, share * to_deviation / tl.sqrt(tl.maximum(variance, floor)), 0.0)
        constant = share * tl.load(given, mask=there, other=0).to(tl.float32) - slope * mean
        to_largest = tl.load(given + DIM, mask=there, other=0).to(tl.float32) / tl.maximum(of_largest, 1.0)
        to_smallest = tl.load(given + 2 * DIM, mask=there, other=0).to(tl.float32) / tl.maximum(of_smallest, 1.0)
        place = state + row * (6 * columns) + at
        tl.store(place, constant, mask=there)
        tl.store(place + columns, slope, mask=there)
        tl.store(place + 2 * columns, largest, mask=there)
        tl.store(place + 3 * columns, to_largest, mask=there)
        tl.store(place + 4 * columns, smallest, mask=there)
        tl.store(place + 5 * columns, to_smallest, mask=there)
        g = constant + slope * own
        g += tl.where(own == largest, to_largest, 0.0) + tl.where(own == smallest, to_smallest, 0.0)
    else:
        given = tl.load(grad + row * columns + at, mask=there, other=0).to(tl.float32)
        best, equal = largest, of_largest
        if REDUCE == "min":
            best, equal = smallest, of_smallest
        share = given / tl.maximum(equal, 1.0)
        place = state + row * (2 * columns) + at
        tl.store(place, best, mask=there)
        tl.store(place + columns, share, mask=there)
        g = tl.where(own == best, share, 0.0)
    if boundary is not None:
        tl.store(grad_boundary + row * columns + at, g, mask=there)


@triton.jit
def backward_to_sources(
    start, other, kind, edge, mask, weight, x, relation, state, grad_x, grad_weight, num_edges, columns,
    MESSAGE: tl.constexpr, REDUCE: tl.constexpr,
    DIM: tl.constexpr, SHARED: tl.constexpr, TILE: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """Rows of `by_source`; writes a row of the gradient of x and, if `grad_weight` `[blocks, E]` is there, this block's
    part of that of the weights of the row's edges."""
    row = tl.program_id(0).to(tl.int64)
    at, real, across, there = _columns(columns, DIM, BLOCK)
    s, s_across = _vectors(x, row, columns, at, across, there, MESSAGE)
    total = tl.zeros([1, BLOCK], tl.float32)
    for i in range(tl.load(start + row), tl.load(start + row + 1), TILE):
        v, k, number, w, inside, kept = _edges(start, row, i, other, kind, edge, mask, weight, TILE)
        live = kept & there
        r, r_across = _relations(relation, k, columns, at, across, live, MESSAGE, DIM, SHARED)
        plain, g, g_across = _both_gradients(
            state, v, columns, at, across, live, s, s_across, r, r_across, w, real, MESSAGE, REDUCE
        )
        total += tl.sum(_send_back(w * g, w * g_across, r, r_across, real, MESSAGE), 0, keep_dims=True)
        if grad_weight is not None:
            part = tl.sum(g * plain, 1, keep_dims=True)
            tl.store(grad_weight + tl.program_id(1).to(tl.int64) * num_edges + number, part, mask=inside)
    tl.store(grad_x + row * columns + at, total, mask=there)


@triton.jit
def backward_to_relations(
    start, chunk_kind, source, target, edge, mask, weight, x, relation, state, parts, columns,
    MESSAGE: tl.constexpr, REDUCE: tl.constexpr,
    DIM: tl.constexpr, SHARED: tl.constexpr, TILE: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """Chunks of `by_type`; writes a row of `parts` `[chunks, columns]`, a chunk's gradient of its relation."""
    row = tl.program_id(0).to(tl.int64)
    at, real, across, there = _columns(columns, DIM, BLOCK)
    k = tl.load(chunk_kind + row)
    r, r_across = _relations(relation, k, columns, at, across, there, MESSAGE, DIM, SHARED)
    total = tl.zeros([1, BLOCK], tl.float32)
    for i in range(tl.load(start + row), tl.load(start + row + 1), TILE):
        u, v, _, w, _, kept = _edges(start, row, i, source, target, edge, mask, weight, TILE)
        live = kept & there
        s, s_across = _vectors(x, u, columns, at, across, live, MESSAGE)
        _, g, g_across = _both_gradients(
            state, v, columns, at, across, live, s, s_across, r, r_across, w, real, MESSAGE, REDUCE
        )
        total += tl.sum(_send_back(w * g, w * g_across, s, s_across, real, MESSAGE), 0, keep_dims=True)
    tl.store(parts + row * columns + at, total, mask=there)


@triton.jit
def sum_chunks(first, parts, out, columns, TILE: tl.constexpr, BLOCK: tl.constexpr):
    """out[k] = the sum of the rows `first[k]` to `first[k + 1]` of `parts`."""
    row = tl.program_id(0).to(tl.int64)
    at = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)[None, :]
    last = tl.load(first + row + 1)
    total = tl.zeros([1, BLOCK], tl.float32)
    for i in range(tl.load(first + row), last, TILE):
        place = i + tl.arange(0, TILE)[:, None]
        live = (place < last) & (at < columns)
        total += tl.sum(tl.load(parts + place * columns + at, mask=live, other=0), 0, keep_dims=True)
    tl.store(out + row * columns + at, total, mask=at < columns)
