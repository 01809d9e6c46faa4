"""Vectors in compiled loops: values of numba that LLVM keeps in registers, and how they are read and written.

A `Vector` is a few registers, its pieces; `arithmetic` has what is done with them. Places in arrays are counted in
numbers from the start of a contiguous array, unsigned.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core.datamodel.models import PrimitiveModel
from numba.extending import intrinsic, register_model

I1, I8, I16, I32, I64 = (ir.IntType(bits) for bits in (1, 8, 16, 32, 64))
NUMBERS = {"int8": I8, "int32": I32, "float32": ir.FloatType()}

REGISTER = 64
"""Bytes of the widest register."""


class Vector(types.Type):
    """`pieces` times `lanes` numbers of one type; bytes are int8, whatever they stand for."""

    def __init__(self, number: str, lanes: int, pieces: int) -> None:
        self.number, self.lanes, self.pieces = number, lanes, pieces
        super().__init__(name=f"vector({number} x {lanes} x {pieces})")

    @classmethod
    def of(cls, number: str, count: int) -> Vector:
        """One of `count` numbers, in as many registers as they need."""
        lanes = min(count, REGISTER * 8 // (8 if number == "int8" else 32))
        return cls(number, lanes, count // lanes)

    @property
    def kind(self) -> ir.VectorType:
        """LLVM's type of a piece."""
        return ir.VectorType(NUMBERS[self.number], self.lanes)


@register_model(Vector)
class _VectorModel(PrimitiveModel):
    def __init__(self, manager: Any, vector: Vector) -> None:
        super().__init__(manager, vector, ir.ArrayType(vector.kind, vector.pieces))


def pieces(builder: Any, vector: Any) -> list[Any]:
    """The registers of a vector."""
    return [builder.extract_value(vector, index) for index in range(vector.type.count)]


def whole(builder: Any, parts: list[Any]) -> Any:
    """A vector of registers."""
    vector = ir.Constant(ir.ArrayType(parts[0].type, len(parts)), ir.Undefined)
    for index, piece in enumerate(parts):
        vector = builder.insert_value(vector, piece, index)
    return vector


def constant(number: ir.Type, values: list[int]) -> ir.Constant:
    """A register of numbers."""
    return ir.Constant(ir.VectorType(number, len(values)), [ir.Constant(number, value) for value in values])


def shuffled(builder: Any, places: list[int], first: Any, second: Any = None) -> Any:
    """The lanes of one or two registers at `places`."""
    other = ir.Constant(first.type, ir.Undefined) if second is None else second
    return builder.shuffle_vector(first, other, constant(I32, places))


def joined(builder: Any, parts: list[Any]) -> Any:
    """Registers side by side in a wider one."""
    while len(parts) > 1:
        both = list(range(2 * parts[0].type.count))
        parts = [shuffled(builder, both, *pair) for pair in zip(parts[::2], parts[1::2], strict=True)]
    return parts[0]


def splat(builder: Any, value: Any, lanes: int) -> Any:
    """A register with one number in each lane."""
    kind = ir.VectorType(value.type, lanes)
    return shuffled(builder, [0] * lanes, builder.insert_element(ir.Constant(kind, ir.Undefined), value, I32(0)))


def address(context: Any, builder: Any, array: Any, value: Any, place: Any, kind: ir.Type) -> Any:
    """Where number `place` of an array lies, as an address of a type."""
    return builder.bitcast(
        builder.gep(context.make_array(array)(context, builder, value).data, [place]), kind.as_pointer()
    )


def call(builder: Any, name: str, result: ir.Type, *arguments: Any) -> Any:
    """A call of a function of LLVM's."""
    kind = ir.FunctionType(result, [each.type for each in arguments])
    function = builder.module.globals.get(name) or ir.Function(builder.module, kind, name)
    return builder.call(function, arguments)


def _mask(builder: Any, bits: Any, index: int, lanes: int) -> Any:
    """Of bits for all lanes of a vector, those of a piece."""
    bits = builder.lshr(bits, I64(index * lanes)) if index else bits
    bits = bits if lanes == 64 else builder.trunc(bits, ir.IntType(lanes))
    return builder.bitcast(bits, ir.VectorType(I1, lanes))


def _suffix(kind: Any) -> str:
    return f"v{kind.count}" + (f"i{kind.element.width}" if isinstance(kind.element, ir.IntType) else "f32") + ".p0"


def _load(typing_context: Any, array: Any, place: Any, count: Any, masked: Any, bits: Any) -> Any:
    """`count` numbers of an array from `place` on; if `masked`, 0 where a bit of `bits` is not set."""
    width = array.dtype.bitwidth // 8
    vector = Vector.of("int8" if width == 1 else array.dtype.name, count.literal_value)

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        parts, kind = [], vector.kind
        for index in range(vector.pieces):
            at = builder.add(args[1], I64(index * vector.lanes))
            source = address(context, builder, array, args[0], at, kind)
            if masked.literal_value:
                mask, name = _mask(builder, args[4], index, vector.lanes), f"llvm.masked.load.{_suffix(kind)}"
                parts.append(call(builder, name, kind, source, I32(width), mask, ir.Constant(kind, None)))
            else:
                parts.append(builder.load(source, align=width))
        return whole(builder, parts)

    return vector(array, types.uint64, count, masked, types.uint64), generate


def _store(
    typing_context: Any, vector: Any, array: Any, place: Any, stride: Any, count: Any, masked: Any, bits: Any
) -> Any:
    """Put a vector into an array: `count` numbers at `place`, as many `stride` further on, and so forth; if `masked`,
    those for which a bit of `bits` is set."""
    width, each = array.dtype.bitwidth // 8, count.literal_value // vector.lanes

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        start, kind = args[2], vector.kind
        for index, piece in enumerate(pieces(builder, args[0])):
            within = index % each
            target = address(context, builder, array, args[1], builder.add(start, I64(within * vector.lanes)), kind)
            if masked.literal_value:
                mask, name = _mask(builder, args[6], within, vector.lanes), f"llvm.masked.store.{_suffix(kind)}"
                call(builder, name, ir.VoidType(), piece, target, I32(width), mask)
            else:
                builder.store(piece, target, align=width)
            start = builder.add(start, args[3]) if within == each - 1 else start
        return context.get_dummy_value()

    return types.void(vector, array, types.uint64, types.uint64, count, masked, types.uint64), generate


def _word(typing_context: Any, array: Any, place: Any) -> Any:
    """Four bytes of an array as one int32."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.load(address(context, builder, array, args[0], args[1], I32), align=1)

    return types.int32(array, types.uint64), generate


def _repeated(typing_context: Any, number: Any, lanes: Any) -> Any:
    """One register: an int32 in each of the lanes, as four bytes each."""
    count = lanes.literal_value

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return whole(builder, [builder.bitcast(splat(builder, args[0], count), ir.VectorType(I8, 4 * count))])

    return Vector("int8", 4 * count, 1)(types.int32, lanes), generate


def _filled(typing_context: Any, number: Any, count: Any) -> Any:
    """An int32 or a float32 in each of `count` lanes."""
    vector = Vector.of(number.name, count.literal_value)

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return whole(builder, [splat(builder, args[0], vector.lanes)] * vector.pieces)

    return vector(number, count), generate


def _spread(typing_context: Any, vector: Any, times: Any) -> Any:
    """A vector several times over."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return whole(builder, pieces(builder, args[0]) * times.literal_value)

    return Vector(vector.number, vector.lanes, vector.pieces * times.literal_value)(vector, times), generate


def _first_lane(typing_context: Any, vector: Any) -> Any:
    """The first number of a vector of int32."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.extract_element(pieces(builder, args[0])[0], I32(0))

    return types.int32(vector), generate


def _prefetch(typing_context: Any, array: Any, place: Any) -> Any:
    """Ask for the line of memory that a number of an array lies in."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        line = address(context, builder, array, args[0], args[1], I8)
        call(builder, "llvm.prefetch.p0", ir.VoidType(), line, I32(0), I32(3), I32(1))
        return context.get_dummy_value()

    return types.void(array, types.uint64), generate


literal: Any = intrinsic(prefer_literal=True)
load: Any = literal(_load)
store: Any = literal(_store)
repeated: Any = literal(_repeated)
filled: Any = literal(_filled)
spread: Any = literal(_spread)
word: Any = intrinsic(_word)
first_lane: Any = intrinsic(_first_lane)
prefetch: Any = intrinsic(_prefetch)
