"""Degree-Quant: nodes of high in-degree are rounded less often while training.

Rounding hurts most where many messages are summed. A node is protected with a probability that grows with the rank of
its in-degree, and protected rows pass at full precision in training mode; nothing is protected or drawn in evaluation.

Reference: Tailor, Fernandez-Marques and Lane, Degree-Quant: Quantization-Aware Training for Graph Neural Networks,
ICLR 2021.
"""

from __future__ import annotations

import torch
from torch import Tensor

from graphlab.core.errors import InputError
from graphlab.quantization.formats import Format
from graphlab.quantization.observers import Observer, Percentile
from graphlab.quantization.quantisers import ActivationQuantiser


def protection_probabilities(in_degree: Tensor, low: float, high: float) -> Tensor:
    """low + (high - low) * (number of nodes of at most this in-degree) / (number of nodes).

    Args:
        in_degree: `[num_nodes]`.
        low: the limit that nodes of the least in-degree come near to.
        high: probability of nodes of the largest in-degree.

    Returns:
        `[num_nodes]`, float32.

    Raises:
        InputError: not 0 <= low <= high <= 1.
    """
    if not 0 <= low <= high <= 1:
        raise InputError(f"{low} to {high} are no probabilities in order", hint="use 0 <= low <= high <= 1")
    ordered = in_degree.sort().values
    at_most = torch.searchsorted(ordered, in_degree.contiguous(), right=True)
    share = at_most.to(torch.float64) / max(1, len(in_degree))
    return (low + (high - low) * share).to(torch.float32)


def draw_protected(probability: Tensor, generator: torch.Generator | None = None) -> Tensor:
    """Which nodes are protected, drawn independently.

    Args:
        probability: `[num_nodes]`.
        generator: numbers are drawn on its device; torch's own CPU generator by default, so that devices agree.

    Returns:
        `[num_nodes]`, bool, on the device of `probability`.
    """
    device = "cpu" if generator is None else generator.device
    return torch.rand(len(probability), generator=generator, device=device).to(probability.device) < probability


class DegreeQuantiser(ActivationQuantiser):
    """Rounds rows of nodes; in training mode the protected ones pass unchanged, and the range is that of the others.

    A format with a scale a node records ranges of all nodes.

    Args:
        number_format: what values are stored as.
        observer: decides the range; by default between the 1 % and 99 % percentiles, moving by 0.01 a batch.
        channel: dimension of the channels, the last by default.
        generator: of the draws, when `forward` gets no mask; torch's own by default.

    Shapes:
        value `[num_nodes, ...]`; probability `[num_nodes]`; is_protected `[num_nodes]`, bool.
    """

    def __init__(
        self,
        number_format: Format,
        observer: Observer | None = None,
        channel: int = -1,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__(number_format, Percentile(0.01, momentum=0.01) if observer is None else observer, channel)
        self.generator = generator

    def forward(
        self, value: Tensor, probability: Tensor | None = None, *, is_protected: Tensor | None = None
    ) -> Tensor:
        """Rounded rows.

        Args:
            value: `[num_nodes, ...]`.
            probability: of protection; a mask is drawn from it in training mode.
            is_protected: the mask itself, for layers that protect the same nodes. Without either, no row is protected.

        Raises:
            InputError: the mask does not have a row a node.
        """
        if not self.training or (probability is None and is_protected is None):
            return super().forward(value)
        mask = is_protected
        if mask is None and probability is not None:
            mask = draw_protected(probability, self.generator)
        if mask is None or value.dim() == 0 or mask.shape != value.shape[:1]:
            shape = None if mask is None else list(mask.shape)
            raise InputError(
                f"protection of shape {shape} does not fit values of shape {list(value.shape)}",
                hint="give a number a row, from the in-degrees of the graph that the rows belong to",
            )
        if self.format.granularity == "node":
            return torch.where(mask.view(-1, *[1] * (value.dim() - 1)), value, super().forward(value))
        rows = (~mask).nonzero().squeeze(1)
        return value.index_copy(0, rows, super().forward(value.index_select(0, rows)))
