"""Biases rounded as networks on integers round them: to whole steps of the accumulators that they are added to.

    step   = scale of the one factor * scale of the other / divisor
    output = round(bias / step) * step

The factors are those of the products that are summed. The gradient takes rounding for the identity.

Reference: Jacob et al., Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference,
CVPR 2018, section 2.4.
"""

from __future__ import annotations

from torch import Tensor, nn

from graphlab.quantization.quantisers import Quantiser


class BiasQuantiser(nn.Module):
    """Rounds a bias `[d]`; until the scales are known it passes unchanged.

    Args:
        factors: Quantisers of the factors, which stay parts of the modules that they are in. Their scales are one, or
            one an entry of the bias.
        divisor: By how much finer the steps of the accumulators are than the product of scales.
    """

    def __init__(self, factors: tuple[Quantiser, Quantiser], divisor: float = 1.0) -> None:
        super().__init__()
        self._factors, self.divisor = factors, divisor

    @property
    def step(self) -> Tensor | None:
        """float64, `[1]` or `[d]`; None where a scale is not known yet."""
        if not all(factor.is_known for factor in self._factors):
            return None
        first, second = (factor.parameters_of()[0].detach().double().flatten() for factor in self._factors)
        return first * second / self.divisor

    def forward(self, bias: Tensor) -> Tensor:
        step = self.step
        if step is None:
            return bias
        rounded = (bias.detach().double() / step).round() * step
        return bias + (rounded.to(bias.dtype) - bias).detach()
