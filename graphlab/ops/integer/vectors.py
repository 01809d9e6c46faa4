"""Vectors in compiled loops: values of numba that LLVM keeps in registers, and the operations that integer kernels need.

A `Vector` of more numbers than a register has is several registers. `dot` multiplies groups of four bytes and adds them
to an int32, which processors with AVX512-VNNI do in one instruction, vpdpbusd; elsewhere LLVM makes it of what there is.
Both give the same integers. Sums wrap around at 2^32, so that corrections may pass the range of int32 on their way.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import llvmlite.binding as llvm
import numpy as np
from llvmlite import ir
from numba import types
from numba.core.datamodel import PrimitiveModel
from numba.extending import intrinsic, register_model

I1, I8, I16, I32, I64 = (ir.IntType(bits) for bits in (1, 8, 16, 32, 64))
NUMBERS = {"int8": I8, "int32": I32, "int64": I64, "float32": ir.FloatType()}

PIECE = 16
"""int32 in the widest register."""


@cache
def has_vnni() -> bool:
    """Whether the processor multiplies and adds groups of four bytes in one instruction of 512 bits."""
    features = llvm.get_host_cpu_features()
    return all(features.get(name) for name in ("avx512f", "avx512bw", "avx512vl", "avx512vnni"))


class Vector(types.Type):
    """`lanes` numbers of one type; bytes are int8, whatever they stand for."""

    def __init__(self, number: str, lanes: int) -> None:
        self.number, self.lanes = number, lanes
        super().__init__(name=f"vector({number} x {lanes})")


@register_model(Vector)
class _VectorModel(PrimitiveModel):
    def __init__(self, manager: Any, vector: Vector) -> None:
        super().__init__(manager, vector, ir.VectorType(NUMBERS[vector.number], vector.lanes))


def interleaved_order(lanes: int) -> np.ndarray:
    """Which column each int32 of a sum of `interleave`d rows is of, int64 `[lanes]`.

    Rows of 64 bytes are interleaved within each 16 of them, as the instructions do it: sum 16 j + 4 l + i is of
    column 16 l + 4 j + i.
    """
    groups = lanes // PIECE
    return np.arange(lanes).reshape(groups, 4, 4).transpose(1, 0, 2).reshape(-1)


def _constant(number: ir.Type, values: list[int]) -> ir.Constant:
    return ir.Constant(ir.VectorType(number, len(values)), [ir.Constant(number, value) for value in values])


def _lanes(builder: Any, places: list[int], first: Any, second: Any = None) -> Any:
    """The lanes of one or two vectors at `places`."""
    other = ir.Constant(first.type, ir.Undefined) if second is None else second
    return builder.shuffle_vector(first, other, _constant(I32, places))


def _pieces(builder: Any, vector: Any, size: int) -> list[Any]:
    if vector.type.count <= size:
        return [vector]
    return [_lanes(builder, list(range(at, at + size)), vector) for at in range(0, vector.type.count, size)]


def _joined(builder: Any, pieces: list[Any]) -> Any:
    while len(pieces) > 1:
        both = list(range(2 * pieces[0].type.count))
        pieces = [_lanes(builder, both, *pair) for pair in zip(pieces[::2], pieces[1::2], strict=True)]
    return pieces[0]


def _splat(builder: Any, value: Any, lanes: int) -> Any:
    kind = ir.VectorType(value.type, lanes)
    return _lanes(builder, [0] * lanes, builder.insert_element(ir.Constant(kind, ir.Undefined), value, I32(0)))


def _address(context: Any, builder: Any, array: Any, value: Any, place: Any) -> Any:
    """Where number `place` of a contiguous array lies."""
    return builder.gep(context.make_array(array)(context, builder, value).data, [place])


def _mask(builder: Any, bits: Any, lanes: int) -> Any:
    return builder.bitcast(bits if lanes == 64 else builder.trunc(bits, ir.IntType(lanes)), ir.VectorType(I1, lanes))


def _call(builder: Any, name: str, result: ir.Type, *arguments: Any) -> Any:
    kind = ir.FunctionType(result, [each.type for each in arguments])
    function = builder.module.globals.get(name) or ir.Function(builder.module, kind, name)
    return builder.call(function, arguments)


def _load(typing_context: Any, array: Any, place: Any, lanes: Any, masked: Any, bits: Any) -> Any:
    """`lanes` numbers of a contiguous array from number `place` on; if `masked`, 0 where a bit of `bits` is not set."""
    count, has_mask, width = lanes.literal_value, masked.literal_value, array.dtype.bitwidth // 8
    number = "int8" if width == 1 else array.dtype.name
    kind = ir.VectorType(NUMBERS[number], count)

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        address = builder.bitcast(_address(context, builder, array, args[0], args[1]), kind.as_pointer())
        if not has_mask:
            return builder.load(address, align=width)
        suffix = f"v{count}" + ("f32" if number == "float32" else f"i{kind.element.width}")
        mask, zeros = _mask(builder, args[4], count), ir.Constant(kind, None)
        return _call(builder, f"llvm.masked.load.{suffix}.p0", kind, address, I32(width), mask, zeros)

    return Vector(number, count)(array, types.uint64, lanes, masked, types.uint64), generate


def _store(typing_context: Any, vector: Any, array: Any, place: Any, masked: Any, bits: Any) -> Any:
    """Put the numbers of a vector into a contiguous array; if `masked`, those for which a bit of `bits` is set."""
    has_mask, width = masked.literal_value, array.dtype.bitwidth // 8

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        kind = args[0].type
        address = builder.bitcast(_address(context, builder, array, args[1], args[2]), kind.as_pointer())
        if has_mask:
            suffix = f"v{kind.count}" + ("f32" if vector.number == "float32" else f"i{kind.element.width}")
            mask, name = _mask(builder, args[4], kind.count), f"llvm.masked.store.{suffix}.p0"
            _call(builder, name, ir.VoidType(), args[0], address, I32(width), mask)
        else:
            builder.store(args[0], address, align=width)
        return context.get_dummy_value()

    return types.void(vector, array, types.uint64, masked, types.uint64), generate


def _word(typing_context: Any, array: Any, place: Any) -> Any:
    """Four bytes of a contiguous array as one int32."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        address = _address(context, builder, array, args[0], args[1])
        return builder.load(builder.bitcast(address, I32.as_pointer()), align=1)

    return types.int32(array, types.uint64), generate


def _repeated(typing_context: Any, number: Any, lanes: Any) -> Any:
    """An int32 in each of the lanes, as four bytes each."""
    count = lanes.literal_value

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.bitcast(_splat(builder, args[0], count), ir.VectorType(I8, 4 * count))

    return Vector("int8", 4 * count)(types.int32, lanes), generate


def _filled(typing_context: Any, number: Any, lanes: Any) -> Any:
    """An int32 or a float32 in each of the lanes."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return _splat(builder, args[0], lanes.literal_value)

    return Vector(number.name, lanes.literal_value)(number, lanes), generate


def _flipped(typing_context: Any, vector: Any, flips: Any) -> Any:
    """Bytes with their highest bit turned: int8 becomes uint8 of 128 more, uint8 becomes int8 of 128 less."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.xor(args[0], _constant(I8, [-128] * vector.lanes)) if flips.literal_value else args[0]

    return vector(vector, flips), generate


def _interleaved(typing_context: Any, a: Any, b: Any, c: Any, d: Any) -> Any:
    """Bytes of four rows side by side, column by column, in the order of `interleaved_order`."""
    lanes = a.lanes

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        if lanes == PIECE:
            return _lanes(builder, [PIECE * row + k for k in range(PIECE) for row in range(4)], _joined(builder, [*args]))

        def halves(left: Any, right: Any) -> list[Any]:
            each = 128 // left.type.element.width
            sides = [[at + k for at in range(0, left.type.count, each) for k in range(h, h + each // 2)] for h in (0, each // 2)]
            return [_lanes(builder, [p for k in side for p in (k, k + left.type.count)], left, right) for side in sides]

        pairs = [halves(args[0], args[1]), halves(args[2], args[3])]
        wide = [[builder.bitcast(half, ir.VectorType(I16, lanes // 2)) for half in pair] for pair in pairs]
        quads = [quad for low, high in zip(*wide, strict=True) for quad in halves(low, high)]
        return _joined(builder, [builder.bitcast(quad, ir.VectorType(I8, lanes)) for quad in quads])

    return Vector("int8", 4 * lanes)(a, b, c, d), generate


def _dot(typing_context: Any, sums: Any, unsigned: Any, signed: Any, fast: Any) -> Any:
    """sums[k] + the sum over t < 4 of unsigned[4 k + t] signed[4 k + t], by VNNI if `fast`."""
    lanes, by_vnni = sums.lanes, fast.literal_value

    def plain(builder: Any, total: Any, left: Any, right: Any) -> Any:
        wide = ir.VectorType(I32, left.type.count)
        product = builder.mul(builder.zext(left, wide), builder.sext(right, wide))
        for part in range(4):
            total = builder.add(total, _lanes(builder, list(range(part, left.type.count, 4)), product))
        return total

    def vnni(builder: Any, total: Any, left: Any, right: Any) -> Any:
        left, right = (builder.bitcast(each, total.type) for each in (left, right))
        return _call(builder, f"llvm.x86.avx512.vpdpbusd.{32 * total.type.count}", total.type, total, left, right)

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        size = min(lanes, PIECE)
        parts = [_pieces(builder, each, width) for each, width in zip(args, (size, 4 * size, 4 * size))]
        return _joined(builder, [(vnni if by_vnni else plain)(builder, *part) for part in zip(*parts, strict=True)])

    return sums(sums, unsigned, signed, fast), generate


def _added(typing_context: Any, sums: Any, vector: Any, factor: Any) -> Any:
    """sums + vector * factor of int32 or float32, `factor` one number."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        by = _splat(builder, args[2], sums.lanes)
        if sums.number == "float32":
            product = builder.fmul(args[1], by, flags=("contract",))
            return builder.fadd(args[0], product, flags=("contract",))
        return builder.add(args[0], builder.mul(args[1], by))

    return sums(sums, vector, NUMBA[sums.number]), generate


NUMBA = {"int32": types.int32, "float32": types.float32}


def _first(typing_context: Any, vector: Any) -> Any:
    """The number in lane 0 of a vector of int32."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.extract_element(args[0], I32(0))

    return types.int32(vector), generate


def _columns(typing_context: Any, vector: Any) -> Any:
    """A vector in the order of `interleaved_order` in that of its columns."""
    back = np.argsort(interleaved_order(vector.lanes)).tolist()

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return _lanes(builder, back, args[0])

    return vector(vector), generate


def _rescaled(typing_context: Any, sums: Any, mantissa: Any, half: Any, right: Any, place: Any, low: Any, high: Any, zero: Any) -> Any:
    """int32 as bytes: clamp((sums * mantissa + half) >> right, low, high) + zero, sixteen at a time.

    `mantissa`, `half` and `right` are int64 arrays, read from `place` on; `low` and `high` count from `zero`.
    """

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        results = []
        for index, piece in enumerate(_pieces(builder, args[0], PIECE)):
            kind = ir.VectorType(I64, piece.type.count)
            at = builder.add(args[4], I64(index * PIECE))
            factor, nudge, shift = (
                builder.load(builder.bitcast(_address(context, builder, array, value, at), kind.as_pointer()), align=8)
                for array, value in zip((mantissa, half, right), args[1:4])
            )
            value = builder.add(builder.mul(builder.sext(piece, kind), factor), nudge)
            value = builder.ashr(value, shift)
            bottom, top = (_splat(builder, bound, kind.count) for bound in args[5:7])
            value = builder.select(builder.icmp_signed("<", value, bottom), bottom, value)
            value = builder.select(builder.icmp_signed(">", value, top), top, value)
            value = builder.add(value, _splat(builder, args[7], kind.count))
            results.append(builder.trunc(value, ir.VectorType(I8, kind.count)))
        return _joined(builder, results)

    numbers = (types.uint64, types.int64, types.int64, types.int64)
    return Vector("int8", sums.lanes)(sums, mantissa, half, right, *numbers), generate


def _prefetch(typing_context: Any, array: Any, place: Any) -> Any:
    """Ask for the line of memory that number `place` of a contiguous array lies in."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        address = builder.bitcast(_address(context, builder, array, args[0], args[1]), I8.as_pointer())
        _call(builder, "llvm.prefetch.p0", ir.VoidType(), address, I32(0), I32(3), I32(1))
        return context.get_dummy_value()

    return types.void(array, types.uint64), generate


_literal = intrinsic(prefer_literal=True)
load: Any = _literal(_load)
store: Any = _literal(_store)
word: Any = intrinsic(_word)
repeated: Any = _literal(_repeated)
filled: Any = _literal(_filled)
flipped: Any = _literal(_flipped)
interleaved: Any = intrinsic(_interleaved)
dot: Any = _literal(_dot)
added: Any = intrinsic(_added)
first_lane: Any = intrinsic(_first)
columns: Any = intrinsic(_columns)
rescaled: Any = _literal(_rescaled)
prefetch: Any = intrinsic(_prefetch)
