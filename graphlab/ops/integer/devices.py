"""Where integer kernels run: on the CPU, or on the GPU that the rows lie on."""

from __future__ import annotations

from torch import Tensor

from graphlab.core.errors import InputError


def on_gpu(tensor: Tensor) -> bool:
    """Whether rows are computed by the path of GPUs; see `graphlab.ops.integer.gpu`."""
    return tensor.is_cuda


def check_device(what: str, tensor: Tensor, beside: Tensor) -> None:
    """Raises InputError for a tensor on another device than the rows that it is used with."""
    if tensor.device != beside.device:
        raise InputError(
            f"{what} on {tensor.device} for rows on {beside.device}", hint="move both to one device by .to(device)"
        )
