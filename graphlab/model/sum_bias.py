"""Which biases of a network are added to sums of products.

A linear layer adds its bias to products of its input and its weight. A model that adds one to sums over neighbours says
so by `sum_biases`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from torch import nn


@dataclass(frozen=True)
class SumBias:
    """The parameter `bias` of a module, and what is multiplied in the sums that it is added to.

    Attributes:
        module: Whose bias it is.
        factors: A module and its weight or observation point, of each factor.
        num_averaged: How many such sums are averaged.
    """

    module: nn.Module
    factors: tuple[tuple[nn.Module, str], tuple[nn.Module, str]]
    num_averaged: int = 1


def sum_biases(network: nn.Module) -> Iterator[SumBias]:
    """The biases of a network that are added to sums of products."""
    for module in list(network.modules()):
        if isinstance(module, nn.Linear) and module.bias is not None:
            yield SumBias(module, ((module, "input"), (module, "weight")))
        named: Any = getattr(module, "sum_biases", None)
        if named is not None:
            yield from named()
