"""Bit widths as a mixture: every width rounds the value, and a softmax over widths is learned along with the network.

    output  = sum over b of softmax(a)_b * quantise_b(value)
    penalty = sum over b of softmax(a)_b * b * numel / 8192

The penalty is the expected size in KiB. After training the width of the largest weight is chosen and trained anew.

Reference: Moustafa, Kriege and Gansterer, Efficient Mixed Precision Quantization in Graph Neural Networks, 2025 (MixQ).
The published code has gradients of scale and zero point that are no derivatives, and zero points beyond the range; here
scales follow the values and take no gradient.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from graphlab.core.errors import InputError
from graphlab.quantization.formats import Format
from graphlab.quantization.quantisers import Quantiser

BITS_A_KIBIBYTE = 8192


class Mixture(nn.Module):
    """A weighted sum of one value as several quantisers round it.

    The first weights are those of logits 0, and 1 for the widest format.

    Args:
        quantisers: one a format, such as weight quantisers of int2, int4 and int8.

    Attributes:
        logits: parameter, `[num_quantisers]`.

    Raises:
        InputError: there is no quantiser.
    """

    def __init__(self, quantisers: Sequence[Quantiser]) -> None:
        super().__init__()
        if not quantisers:
            raise InputError("a mixture needs at least one quantiser", hint="give one for each bit width")
        self.quantisers = nn.ModuleList(quantisers)
        self.formats: tuple[Format, ...] = tuple(quantiser.format for quantiser in quantisers)
        bits = torch.tensor([float(number_format.bits) for number_format in self.formats])
        self.register_buffer("bits", bits, persistent=False)
        self.logits = nn.Parameter(torch.nn.functional.one_hot(bits.argmax(), len(bits)).to(bits.dtype))
        self._numel: int | None = None

    bits: Tensor

    @property
    def weights(self) -> Tensor:
        """softmax(a), `[num_quantisers]`."""
        return self.logits.softmax(0)

    @property
    def chosen(self) -> Format:
        """The format of the largest weight; of the fewest bits among equals."""
        logits = self.logits.tolist()
        return max(zip(logits, self.formats, strict=True), key=lambda each: (each[0], -each[1].bits))[1]

    def forward(self, value: Tensor) -> Tensor:
        """The mixture, of the shape and dtype of `value`."""
        self._numel = value.numel()
        weights = self.weights.to(value.dtype)
        return torch.stack([weights[i] * quantise(value) for i, quantise in enumerate(self.quantisers)]).sum(0)

    @property
    def has_value(self) -> bool:
        """Whether a value has passed."""
        return self._numel is not None

    def expected_bits(self) -> Tensor:
        """Bits a number under the mixture, a scalar."""
        return self.weights @ self.bits

    def penalty(self, numel: int | None = None) -> Tensor:
        """Expected size in KiB, a scalar with a gradient for the logits.

        Args:
            numel: how many numbers are stored; those of the last value by default.

        Raises:
            InputError: no value has passed yet.
        """
        numel = self._numel if numel is None else numel
        if numel is None:
            raise InputError("how many numbers are stored is not known yet", hint="pass a value first, or give numel")
        return self.expected_bits() * numel / BITS_A_KIBIBYTE
