"""Weights of 4 or 2 bits, packed in bytes.

Number k of the weights lies in byte k * bits // 8, from the lowest bits up, as two's complement. They are unpacked once
before a product, not a tile at a time: that takes under a tenth of a millisecond for 128 x 64 weights, where the
product with 200,000 rows takes ten, and its loop stays that of int8. What fewer bits save here is memory, not time.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from graphlab.core.errors import InputError
from graphlab.ops.integer.product import Weights

PACKED_BITS = (2, 4)


@dataclass(frozen=True)
class PackedWeights:
    """Integers of few bits in bytes.

    Attributes:
        data: uint8 `[ceil(numbers * bits / 8)]`.
        shape: `[in_channels, out_channels]`.
        bits: 2 or 4.
    """

    data: np.ndarray
    shape: tuple[int, ...]
    bits: int

    def unpack(self) -> Tensor:
        """The integers as int8 of the shape."""
        shifts = np.arange(0, 8, self.bits, dtype=np.uint8)
        fields = (self.data[:, None] >> shifts).reshape(-1)[: int(np.prod(self.shape))]
        up = 8 - self.bits
        return torch.from_numpy((fields << np.uint8(up)).view(np.int8) >> np.int8(up)).reshape(self.shape)

    def weights(self) -> Weights:
        """Laid out for `product`."""
        return Weights(self.unpack())


def pack(weight: Tensor, bits: int) -> PackedWeights:
    """Integers in [-2^(bits - 1), 2^(bits - 1)) in as few bytes as they need.

    Args:
        weight: Integers of any shape.
        bits: 2 or 4.

    Raises:
        InputError: Other bits, or integers that these do not hold.
    """
    if bits not in PACKED_BITS:
        raise InputError(f"weights of {bits} bits are not packed", hint="2 or 4; int8 weights need no packing")
    values = weight.detach().numpy().reshape(-1).astype(np.int64)
    half = 1 << (bits - 1)
    if len(values) and not -half <= values.min() <= values.max() < half:
        raise InputError(
            f"weights from {values.min()} to {values.max()} do not fit into {bits} bits",
            hint=f"{bits} bits hold {-half} to {half - 1}",
        )
    each = 8 // bits
    fields = np.zeros((-(-len(values) // each), each), np.uint8)
    fields.reshape(-1)[: len(values)] = values & (2 * half - 1)
    shifts = np.arange(0, 8, bits, dtype=np.uint8)
    return PackedWeights(np.bitwise_or.reduce(fields << shifts, axis=1), tuple(weight.shape), bits)
