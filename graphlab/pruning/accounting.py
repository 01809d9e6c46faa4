"""Bits of sparse numbers: those of the numbers that are kept, and those of the mask that says where they are."""

from __future__ import annotations


def mask_bits(numbers: int, kept: int) -> int:
    """Bits of a mask: a bitmap of one bit a number, or the index of each number that is kept, whichever is smaller.

        min(n, k ceil(log2 n))

    Args:
        numbers: n, zeros included.
        kept: k, numbers that are kept.
    """
    return min(numbers, kept * max(1, (numbers - 1).bit_length()))


def sparse_bits(numbers: int, kept: int, bits: float) -> float:
    """Bits of n numbers of which k are kept with b bits each.

        min(n b, k b + min(n, k ceil(log2 n)))

    The first is all numbers, zeros included, without a mask. Scales of rounded numbers are not counted here.

    Args:
        numbers: n, zeros included.
        kept: k, numbers that are kept.
        bits: b, of a number.
    """
    return min(numbers * bits, kept * bits + mask_bits(numbers, kept))
