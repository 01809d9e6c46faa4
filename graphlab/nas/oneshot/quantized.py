"""Supernets that round numbers as the networks of their space do, and know what the formats cost."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor

from graphlab.nas.core.space import Space
from graphlab.nas.oneshot.supernets import Supernet

Chances = Mapping[str, Tensor]
"""By decision, the probability of each of its options `[options]`; decisions are made independently."""


class QuantizedSupernet(Supernet):
    """Base of the supernets of spaces whose decisions include number formats.

    Attributes:
        format_kinds: The kinds of the decisions about formats, each of which has the option `full_precision`.
        full_precision: The option that leaves numbers as they are.
        width_kinds: The kinds of the decisions of which a mixture is computed as wide as its widest option.
    """

    transform = "quantize"
    format_kinds: ClassVar[frozenset[str]]
    full_precision: ClassVar[str]
    width_kinds: ClassVar[frozenset[str]]

    @abstractmethod
    def expected_bits(self, chances: Chances) -> Tensor:
        """The expected size of a network in bits: its weights and what it computes for one batch, with their scales.

        Widths are those of the space's networks, not the narrower ones of the supernet. The sizes of the batch are
        those of the last one that the supernet has mapped.

        Returns:
            float64, a scalar, with a gradient for the chances. Where each decision has one option of probability 1 it
            is what `graphlab.quantization.accounting` counts for the layers of that network.

        Raises:
            InputError: No batch has been mapped yet.
        """

    @classmethod
    def in_full_precision(cls, space: Space) -> dict[str, Tensor]:
        """The mixture of the decisions about formats that leaves all numbers as they are."""
        return {
            decision.name: torch.tensor([float(option == cls.full_precision) for option in decision.options])
            for decision in space.decisions
            if decision.kind in cls.format_kinds
        }
