"""Weights of products as the kernels of a GPU read them."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from graphlab.core.errors import InputError
from graphlab.ops.integer.pack import PackedWeights
from graphlab.ops.integer.product import Weights


@dataclass(frozen=True)
class DeviceWeights:
    """Weights on a device, once for many products.

    Attributes:
        data: int8 `[in_channels, out_channels]`, or packed as `PackedWeights` has them, uint8.
        shape: Channels that go in, and channels that come out.
        bits: 8, or 4 or 2 where they are packed.
        column_sums: int32 `[out_channels]`.
    """

    data: Tensor
    shape: tuple[int, int]
    bits: int
    column_sums: Tensor

    @classmethod
    def of(cls, weight: Tensor | Weights | PackedWeights, device: torch.device) -> DeviceWeights:
        """On a device; packed weights stay packed.

        Raises:
            InputError: Weights of other types or shapes.
        """
        if isinstance(weight, PackedWeights):
            data, bits, whole = torch.from_numpy(weight.data), weight.bits, weight.unpack()
        else:
            data = whole = weight.weight if isinstance(weight, Weights) else weight.detach()
            bits = 8
        if whole.dtype != torch.int8 or whole.dim() != 2:
            raise InputError(f"weights {tuple(whole.shape)} of {whole.dtype}", hint="weights are int8 [in, out]")
        sums = whole.sum(0, dtype=torch.int32)
        return cls(data.contiguous().to(device), (whole.size(0), whole.size(1)), bits, sums.to(device))

    def unpacked(self) -> Tensor:
        """int8 `[in_channels, out_channels]` on the device."""
        if self.bits == 8:
            return self.data
        shifts = torch.arange(0, 8, self.bits, device=self.data.device)
        fields = (self.data.to(torch.int32).unsqueeze(1) >> shifts).flatten()[: self.shape[0] * self.shape[1]]
        up = 32 - self.bits
        return ((fields.to(torch.int32) << up) >> up).to(torch.int8).view(self.shape)
