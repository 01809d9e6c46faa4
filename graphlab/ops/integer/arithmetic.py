"""What integer kernels do with vectors in registers.

`dot` multiplies groups of four bytes and adds them to an int32, which processors with AVX512-VNNI do in one
instruction, vpdpbusd; elsewhere LLVM makes it of what there is. Both give the same integers. Sums wrap around at 2^32,
so that corrections may pass the range of int32 on their way.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import llvmlite.binding as llvm
import numpy as np
from llvmlite import ir
from numba import types
from numba.core import config
from numba.extending import intrinsic

from graphlab.ops.integer.vectors import (
    I8,
    I16,
    I32,
    I64,
    Vector,
    address,
    call,
    constant,
    joined,
    literal,
    pieces,
    shuffled,
    splat,
    whole,
)

NUMBA = {"int32": types.int32, "float32": types.float32}


@cache
def has_vnni() -> bool:
    """Whether the processor, or the one that NUMBA_CPU_NAME and NUMBA_CPU_FEATURES name, multiplies and adds groups of
    four bytes in one instruction of 512 bits."""
    needed = ("avx512f", "avx512bw", "avx512vl", "avx512vnni")
    name, features = (getattr(config, option, None) for option in ("CPU_NAME", "CPU_FEATURES"))
    if name is None and features is None:
        host = llvm.get_host_cpu_features()
        return all(host.get(each) for each in needed)
    return {f"+{each}" for each in needed} <= set((features or "").split(","))


def interleaved_order(lanes: int) -> np.ndarray:
    """Which column each int32 of a sum of `interleaved` rows is of, int64 `[lanes]`.

    Rows of 64 bytes are interleaved within each 16 of them, as the instructions do it: sum 16 j + 4 l + i is of
    column 16 l + 4 j + i.
    """
    return np.arange(lanes).reshape(lanes // 16, 4, 4).transpose(1, 0, 2).reshape(-1)


def _flipped(typing_context: Any, vector: Any, flips: Any) -> Any:
    """Bytes with their highest bit turned: int8 becomes uint8 of 128 more, uint8 becomes int8 of 128 less."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        if not flips.literal_value:
            return args[0]
        return whole(
            builder, [builder.xor(each, constant(I8, [-128] * vector.lanes)) for each in pieces(builder, args[0])]
        )

    return vector(vector, flips), generate


def _halves(builder: Any, left: Any, right: Any) -> list[Any]:
    """Two registers interleaved within each 16 bytes: their lower and their upper halves."""
    count, each = left.type.count, 128 // left.type.element.width
    sides = [[at + k for at in range(0, count, each) for k in range(h, h + each // 2)] for h in (0, each // 2)]
    return [shuffled(builder, [p for k in side for p in (k, k + count)], left, right) for side in sides]


def _interleaved(typing_context: Any, a: Any, b: Any, c: Any, d: Any) -> Any:
    """Bytes of four rows of 16 or 64 side by side, column by column, in the order of `interleaved_order`."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        rows = [pieces(builder, each)[0] for each in args]
        if a.lanes == 16:
            return whole(
                builder, [shuffled(builder, [16 * r + k for k in range(16) for r in range(4)], joined(builder, rows))]
            )
        pairs = [_halves(builder, *rows[:2]), _halves(builder, *rows[2:])]
        wide = [[builder.bitcast(half, ir.VectorType(I16, a.lanes // 2)) for half in pair] for pair in pairs]
        quads = [quad for sides in zip(*wide, strict=True) for quad in _halves(builder, *sides)]
        return whole(builder, [builder.bitcast(quad, a.kind) for quad in quads])

    return Vector("int8", 64, a.lanes // 16)(a, b, c, d), generate


def _plain_dot(builder: Any, total: Any, left: Any, right: Any) -> Any:
    wide = ir.VectorType(I32, left.type.count)
    product = builder.mul(builder.zext(left, wide), builder.sext(right, wide))
    for part in range(4):
        total = builder.add(total, shuffled(builder, list(range(part, left.type.count, 4)), product))
    return total


def _vnni_dot(builder: Any, total: Any, left: Any, right: Any) -> Any:
    left, right = (builder.bitcast(each, total.type) for each in (left, right))
    return call(builder, f"llvm.x86.avx512.vpdpbusd.{32 * total.type.count}", total.type, total, left, right)


def _dot(typing_context: Any, sums: Any, unsigned: Any, signed: Any, fast: Any) -> Any:
    """sums[k] + the sum over t < 4 of unsigned[4 k + t] signed[4 k + t], by VNNI if `fast`. Bytes of one register count
    for all registers of the sums."""
    by = _vnni_dot if fast.literal_value else _plain_dot

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        sides = [
            each if len(each) == sums.pieces else each * sums.pieces for each in (pieces(builder, v) for v in args[:3])
        ]
        return whole(builder, [by(builder, *each) for each in zip(*sides, strict=True)])

    return sums(sums, unsigned, signed, fast), generate


def _block_dot(
    typing_context: Any, sums: Any, x: Any, place: Any, stride: Any, signed: Any, flips: Any, fast: Any
) -> Any:
    """`dot` for sums of several rows with the same `signed`: four unsigned bytes of each row are read from x, the first
    at `place`, the next `stride` further on; their highest bits are turned if `flips`."""
    by = _vnni_dot if fast.literal_value else _plain_dot

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        at, factors, totals, results = args[2], pieces(builder, args[4]), pieces(builder, args[0]), []
        for row in range(0, sums.pieces, signed.pieces):
            four = builder.load(address(context, builder, x, args[1], at, I32), align=1)
            four = (
                builder.xor(four, I32(-0x7F7F7F80)) if flips.literal_value else four
            )  # a register's xor does not compile
            left = builder.bitcast(splat(builder, four, sums.lanes), signed.kind)
            results += [by(builder, totals[row + index], left, factor) for index, factor in enumerate(factors)]
            at = builder.add(at, args[3])
        return whole(builder, results)

    return sums(sums, x, types.uint64, types.uint64, signed, flips, fast), generate


def _added(typing_context: Any, sums: Any, vector: Any, factor: Any) -> Any:
    """sums + vector * factor of int32 or float32, `factor` one number."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        by, results = splat(builder, args[2], sums.lanes), []
        for total, each in zip(pieces(builder, args[0]), pieces(builder, args[1]), strict=True):
            if sums.number == "float32":
                results.append(builder.fadd(total, builder.fmul(each, by, flags=("contract",)), flags=("contract",)))
            else:
                results.append(builder.add(total, builder.mul(each, by)))
        return whole(builder, results)

    return sums(sums, vector, NUMBA[sums.number]), generate


def _columns(typing_context: Any, vector: Any) -> Any:
    """int32 or bytes in the order of `interleaved_order` in that of their columns."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        count = vector.lanes * vector.pieces
        back = np.argsort(interleaved_order(count)).tolist()
        values = shuffled(builder, back, joined(builder, pieces(builder, args[0])))
        parts = [list(range(at, at + vector.lanes)) for at in range(0, count, vector.lanes)]
        return whole(builder, [shuffled(builder, part, values) for part in parts])

    return vector(vector), generate


def _rescaled(
    typing_context: Any, sums: Any, mantissa: Any, half: Any, right: Any, low: Any, high: Any, zero: Any, count: Any
) -> Any:
    """int32 as bytes, in pieces of `count`: clamp((sums * mantissa + half) >> right, low, high) + zero.

    `mantissa`, `half` and `right` are int64 arrays of `count` numbers, the same for each `count` of the sums; `low` and
    `high` are counted from `zero`.
    """
    each, lanes = count.literal_value // sums.lanes, sums.lanes
    result = Vector("int8", count.literal_value, sums.pieces // each)

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        kind, results = ir.VectorType(I64, lanes), []
        bottom, top, origin = (splat(builder, value, lanes) for value in args[4:7])
        for index, piece in enumerate(pieces(builder, args[0])):
            factor, nudge, shift = (
                builder.load(address(context, builder, array, value, I64(index % each * lanes), kind), align=8)
                for array, value in zip((mantissa, half, right), args[1:4], strict=True)
            )
            value = builder.ashr(builder.add(builder.mul(builder.sext(piece, kind), factor), nudge), shift)
            value = builder.select(builder.icmp_signed("<", value, bottom), bottom, value)
            value = builder.select(builder.icmp_signed(">", value, top), top, value)
            results.append(builder.trunc(builder.add(value, origin), ir.VectorType(I8, lanes)))
        rows = [joined(builder, results[at : at + each]) for at in range(0, len(results), each)]
        return whole(builder, rows)

    return result(sums, mantissa, half, right, types.int64, types.int64, types.int64, count), generate


flipped: Any = literal(_flipped)
dot: Any = literal(_dot)
block_dot: Any = literal(_block_dot)
rescaled: Any = literal(_rescaled)
interleaved: Any = intrinsic(_interleaved)
added: Any = intrinsic(_added)
columns: Any = intrinsic(_columns)
