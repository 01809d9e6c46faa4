"""Functions of a byte by table: a look-up, on the CPU or a GPU."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from graphlab.ops.integer import devices


def look_up(entries: Tensor, places: Tensor) -> Tensor:
    """The entry of each byte.

    Args:
        entries: int8 or uint8 `[256]`, on the CPU.
        places: int8 or uint8 of any shape, read as numbers from 0 to 255.

    Returns:
        Of the type of the entries and the shape and device of the places.
    """
    numbers = places.contiguous().view(torch.uint8)
    if devices.on_gpu(places):
        from graphlab.ops.integer.gpu.constants import constant

        return constant(entries.numpy(), places.device)[numbers.to(torch.int32)]
    return torch.from_numpy(np.take(entries.view(torch.uint8).numpy(), numbers.numpy())).view(entries.dtype)
