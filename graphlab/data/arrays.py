"""Arrays of numpy as tensors, and tensors as bytes."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

WIDEST = {"i": np.int64, "u": np.uint64, "f": np.float64, "c": np.complex128}
"""By kind, the widest type that numpy and torch both have."""


def tensor_of(array: np.ndarray) -> Tensor:
    """A copy of an array of numbers or truth values, whatever its strides, byte order and width."""
    native = array.dtype.newbyteorder("=")
    widest = WIDEST.get(native.kind)
    if widest is not None and native.itemsize > np.dtype(widest).itemsize:
        native = np.dtype(widest)
    return torch.from_numpy(np.array(array, dtype=native, order="C"))


def has_array(value: Tensor) -> bool:
    """Whether numpy has the type of a tensor; it lacks bfloat16 and the eight-bit floats."""
    try:
        torch.empty(0, dtype=value.dtype).numpy()
    except TypeError:
        return False
    return True


def bytes_of(value: Tensor) -> np.ndarray:
    """The numbers of a dense tensor of any type in the order of its elements, in memory that can be hashed."""
    plain = value.detach().cpu().resolve_conj().resolve_neg()
    if not has_array(plain):
        plain = plain.flatten().clone().view(torch.uint8)
    return np.ascontiguousarray(plain.numpy())
