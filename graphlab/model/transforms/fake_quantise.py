"""Weights, and where it is wanted activations, that are rounded to a grid of whole numbers in the forward pass.

    w -> s round(w / s),  s = max |w| / (2^(bits - 1) - 1)  over each output channel
    x -> s round(clamp(x, low, high) / s),  s = (high - low) / (2^bits - 1)

with low and high the least and the greatest value that training has seen at that place, zero included, moved so that
zero lies on the grid. Training updates the unrounded weights by gradients that take rounding for the identity, and are
zero where a value is clamped. Nothing is computed in integers: the transform says what accuracy a network of such
numbers has.

References:
    Bengio, Léonard and Courville, Estimating or Propagating Gradients Through Stochastic Neurons, 2013.
    Jacob et al., Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference, CVPR
    2018.
"""

from __future__ import annotations

from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor, nn

from graphlab.core.config import Choices, IntRange
from graphlab.core.errors import IncompatibleError
from graphlab.model.observation import MinMaxObserver, install_observers
from graphlab.model.transform import LearnerTransform, TransformConfig, parametrise, weights


class Config(TransformConfig):
    """bits         of a weight, and of an activation
    activations  round the values at observation points too
    """

    bits: Annotated[int, Field(ge=2, le=16), IntRange(2, 8)] = 8
    activations: Annotated[bool, Choices((False, True))] = False


class FakeQuantise(LearnerTransform):
    """Rounds every weight of two or more dimensions to `bits` bits, symmetrically for each output channel.

    The output channel is the first dimension, as in `torch.nn.Linear`, unless the module says otherwise of a parameter
    in `output_dims`. Biases and norms stay as they are.
    """

    Config = Config

    def apply(self, learner: nn.Module) -> None:
        chosen = list(weights(learner))
        if not chosen:
            raise IncompatibleError(
                "fake-quantise finds no weights to round in this model", hint="choose a model that has parameters"
            )
        if self.config.activations:
            install_observers(learner, lambda point: FakeQuantisedActivation(self.config.bits))
        for module, name, _ in chosen:
            channel = getattr(module, "output_dims", {}).get(name, 0)
            parametrise(module, name, FakeQuantisedWeight(self.config.bits, channel))


class FakeQuantisedWeight(nn.Module):
    """A weight of any shape to the nearest point of a symmetric grid for each channel, of the dimension `channel`."""

    def __init__(self, bits: int, channel: int) -> None:
        super().__init__()
        self.largest, self.channel = 2 ** (bits - 1) - 1, channel

    def forward(self, weight: Tensor) -> Tensor:
        with torch.no_grad():
            others = [dim for dim in range(weight.dim()) if dim != self.channel]
            scale = positive(weight.abs().amax(dim=others, keepdim=True) / self.largest)
            rounded = (weight / scale).round() * scale
        return straight_through(rounded, weight)


class FakeQuantisedActivation(MinMaxObserver):
    """A value of any shape to the nearest point of the grid between the bounds that training has seen. Before the
    first training step values pass as they are."""

    def __init__(self, bits: int) -> None:
        super().__init__()
        self.steps = 2**bits - 1

    def forward(self, value: Tensor) -> Tensor:
        value = super().forward(value)
        low, high = self.low.to(value.dtype), self.high.to(value.dtype)
        with torch.no_grad():
            scale = positive((high - low) / self.steps)
            first = (low / scale).round()
            rounded = (value / scale).round().clamp(first, first + self.steps) * scale
            is_inside = (value >= low) & (value <= high)
        return torch.where(high > low, straight_through(rounded, torch.where(is_inside, value, value.detach())), value)


def positive(scale: Tensor) -> Tensor:
    """The same, with 1 in place of the 0 of channels that are all zero."""
    return torch.where(scale > 0, scale, torch.ones_like(scale))


def straight_through(rounded: Tensor, value: Tensor) -> Tensor:
    """The rounded numbers to the bit, with the gradient of the value."""
    return rounded + (value - value.detach())
