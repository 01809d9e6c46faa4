"""What the loops share. Each file beside this one makes a forward and a backward loop for a message, for edge weights
or none, and for d and the width of a block, which are constants of the compiled code.

A loop works on one block, some of the B queries of d columns each, for the rows `[rows[0], rows[1])` of P results.
Its arguments:

    edges           (run, begin, other, kind, edge): `RelationalGraph.runs` and `by_target`
    pairs           (node `[P]`, slot `[P]`, place `[slots, sources]`, stride): result p is that of node[p]; its
                    source u lies in row place[slot[p], u] of x, its relation k in row stride * slot[p] + k
    mask            bool `[E]`, or empty where all edges are there
    weight          `[E]`, or empty where there are none
    x               `[Q, blocks, width]`; boundary, out, grad: `[P, blocks, width]`, boundary empty where there is none;
                    out and grad of the moments: `[P, blocks, width / d, 4 d]`
    relation        `[rows, width]`, the block's own
    grads           (x, relation, weight, boundary), added to; weight empty where it is not wanted

A row is walked run by run, edges of one type, whose relation vector and its gradient are read and written once.

They are written for the compiler. Scratch lies on the stack, so that it knows that nothing else points there and
keeps accumulators in registers from edge to edge: four times faster than scratch from the heap at 32 columns. A
message is computed where it is used, column by column, for the same reason. Helpers are put in line before
compilation, because a view that is passed on takes an atomic count of its references.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from graphlab.ops.compiled import inlined, kept

TRANSE, DISTMULT, ROTATE = range(3)


def compiled(message: int) -> Any:
    """Compiles a loop. A product may be rounded together with the sum that it goes into, but for a rotation, which is
    a sum of products itself: that of the forward pass is compared with that of the backward pass."""
    return kept(error_model="numpy", fastmath=set() if message == ROTATE else {"contract"})


@inlined
def message_of(s, r, k, message, dim):
    """Column k of the message of source s and relation r."""
    half = dim // 2
    if message == DISTMULT:
        value = s[k] * r[k]
    elif message == TRANSE:
        value = s[k] + r[k]
    elif k % dim < half:
        value = s[k] * r[k] - s[k + half] * r[k + half]
    else:
        value = s[k - half] * r[k] + s[k] * r[k - half]
    return value


@inlined
def send_back(g, s, r, to_s, to_r, new_s, k, message):
    """From column k of a message's gradient g to those of s, as they will be, and r; not for ROTATE."""
    if message == DISTMULT:
        new_s[k] = to_s[k] + g * r[k]
        to_r[k] += g * s[k]
    else:
        new_s[k] = to_s[k] + g
        to_r[k] += g


@inlined
def rotate_back(g, s, r, to_s, to_r, dim, width):
    """From a rotated message's gradient g `[width]` to those of s and r: the products with their conjugates."""
    half = dim // 2
    for q in range(width // dim):
        for k in range(q * dim, q * dim + half):
            to_s[k] += g[k] * r[k] + g[k + half] * r[k + half]
            to_s[k + half] += g[k + half] * r[k] - g[k] * r[k + half]
            to_r[k] += g[k] * s[k] + g[k + half] * s[k + half]
            to_r[k + half] += g[k + half] * s[k] - g[k] * s[k + half]


@inlined
def bounds(begin, j):
    """The places of run j. The compiler is told that there is one at least: with a way round the loop over them it
    would not keep their sums in vector registers."""
    first = begin[j]
    return first, first + max(begin[j + 1] - first, 1)


@inlined
def copy(source, target, width):
    """A loop of its own, so that loads before it need not wait for its stores, which might be to the same place for
    all that the compiler knows."""
    for k in range(width):
        target[k] = source[k]


@inlined
def count_edges(first, last, edge, mask):
    """Edges in these places that are not hidden."""
    if not len(mask):
        return last - first
    count = np.int64(0)
    for i in range(first, last):
        count += mask[edge[i]]
    return count
