"""What compiled loops are made of: code put in line, scratch on the stack, a sort."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic
from numba.np.numpy_support import carray

MAX_WIDTH = 1024
"""Columns that scratch on the stack has room for."""

inlined: Any = numba.njit(inline="always", error_model="numpy")

contracted: Any = numba.njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract"})
"""Products and sums may be fused, which doubles the speed and changes no order."""


def _local(typing_context: Any, like: Any) -> Any:
    """A pointer to MAX_WIDTH numbers of an array's dtype in the frame of the function that calls."""

    def generate(context, builder, signature, args):
        kind = context.get_value_type(like.dtype)
        return cgutils.alloca_once(builder, kind, size=ir.Constant(ir.IntType(64), MAX_WIDTH))

    return types.CPointer(like.dtype)(like), generate


local: Any = intrinsic(_local)


@inlined
def scratch(like, width):
    """`[width]` numbers of an array's dtype on the stack."""
    return carray(local(like), (width,))


def _add_product(typing_context: Any, sums: Any, left: Any, right: Any, width: Any) -> Any:
    """`sums += left * right` of `[width]` numbers that lie side by side, as one operation on vectors."""
    if any(kind.layout != "C" for kind in (sums, left, right)):
        return None
    number, columns = sums.dtype, width.literal_value

    def generate(context, builder, signature, args):
        vector = ir.VectorType(context.get_value_type(number), columns)
        places = [
            builder.bitcast(context.make_array(kind)(context, builder, value).data, vector.as_pointer())
            for kind, value in zip(signature.args[:3], args[:3], strict=True)
        ]
        total, first, second = (builder.load(place, align=number.bitwidth // 8) for place in places)
        product = builder.fmul(first, second, flags=("contract",))
        builder.store(builder.fadd(total, product, flags=("contract",)), places[0], align=number.bitwidth // 8)
        return context.get_dummy_value()

    return types.void(sums, left, right, width), generate


add_product: Any = intrinsic(prefer_literal=True)(_add_product)


@inlined
def at(array, i):
    """array[i] of an index that is not negative: without the check for those that count from the end."""
    return array[np.uint64(i)]


@numba.njit(cache=True, nogil=True)
def counting_sort(key: np.ndarray, num_keys: int) -> tuple[np.ndarray, np.ndarray]:
    """Where each key of `[0, num_keys)` starts among the sorted, int64 `[num_keys + 1]`, and the stable order."""
    start = np.zeros(num_keys + 1, np.int64)
    for k in key:
        start[k + 1] += 1
    for k in range(num_keys):
        start[k + 1] += start[k]
    place = start[:-1].copy()
    order = np.empty(len(key), np.int64)
    for i in range(len(key)):
        order[place[key[i]]] = i
        place[key[i]] += 1
    return start, order
