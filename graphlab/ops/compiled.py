"""What compiled loops are made of: a compiler that keeps them on disk, code put in line, scratch on the stack, a sort.

numba keeps a loop beside its source, in `__pycache__`, or where that cannot be written in the user's cache folder;
`NUMBA_CACHE_DIR` names another place.
"""

from __future__ import annotations

import gc
import warnings
from collections.abc import Callable
from functools import cache
from typing import Any

import numba
import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils, event
from numba.extending import intrinsic
from numba.np.numpy_support import carray

MAX_WIDTH = 1024
"""Columns that scratch on the stack has room for."""


class _CollectLater(event.Listener):
    """No garbage is collected while a loop is compiled: to look through all objects of torch and others again and again
    takes a fifth of the time and frees next to nothing. numba compiles one loop at a time, with what that calls."""

    def __init__(self) -> None:
        self.depth = 0
        self.was_enabled = False

    def on_start(self, event: event.Event) -> None:
        if not self.depth:
            self.was_enabled = gc.isenabled()
            gc.disable()
        self.depth += 1

    def on_end(self, event: event.Event) -> None:
        self.depth -= 1
        if not self.depth and self.was_enabled:
            gc.enable()


event.register("numba:compile", _CollectLater())

inlined: Any = numba.njit(inline="always", error_model="numpy")


def kept(**options: Any) -> Callable[[Callable[..., Any]], Any]:
    """`numba.njit` of loops that are kept on disk, for the next process.

    Where no folder can be written they are compiled in each process, with a warning. Python calls them and nothing in
    C does, so that no code is made for calls from C.

    Args:
        options: those of `numba.njit`.
    """
    options = {"nogil": True, "no_cfunc_wrapper": True, **options}

    def decorate(function: Callable[..., Any]) -> Any:
        try:
            return numba.njit(cache=True, **options)(function)
        except RuntimeError as error:
            if "no locator available" not in str(error):
                raise
            _warn_of_no_cache()
            return numba.njit(**options)(function)

    return decorate


@cache
def _warn_of_no_cache() -> None:
    warnings.warn(
        "no folder for compiled loops can be written: they are compiled anew in each process, which takes seconds. "
        "Set NUMBA_CACHE_DIR to a folder that can be written",
        stacklevel=4,
    )


compiled: Any = kept(error_model="numpy")

contracted: Any = kept(error_model="numpy", fastmath={"contract"})
"""Products and sums may be fused, which doubles the speed and changes no order."""

called_by_loops: Any = kept(error_model="numpy", no_cpython_wrapper=True)
"""Loops that other loops call and Python never does, which would end the process: no code is made for its calls."""


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


FEW = 2**15
"""Keys, and values of keys, up to which numpy sorts as fast, whose radix sort is for 16 bits: no loop is compiled."""


def counting_sort(key: np.ndarray, num_keys: int) -> tuple[np.ndarray, np.ndarray]:
    """Where each key of `[0, num_keys)` starts among the sorted, int64 `[num_keys + 1]`, and the stable order."""
    if len(key) > FEW or num_keys > FEW:
        return _counting_sort(key, num_keys)
    start = np.zeros(num_keys + 1, np.int64)
    np.cumsum(np.bincount(key, minlength=num_keys), out=start[1:])
    return start, np.argsort(key.astype(np.int16), kind="stable")


@kept()
def _counting_sort(key: np.ndarray, num_keys: int) -> tuple[np.ndarray, np.ndarray]:
    start = np.empty(num_keys + 1, np.int64)
    for k in range(num_keys + 1):
        start[k] = 0
    for k in key:
        start[k + 1] += 1
    for k in range(num_keys):
        start[k + 1] += start[k]
    place, order = np.empty(num_keys, np.int64), np.empty(len(key), np.int64)
    for k in range(num_keys):
        place[k] = start[k]
    for i in range(len(key)):
        order[place[key[i]]] = i
        place[key[i]] += 1
    return start, order
