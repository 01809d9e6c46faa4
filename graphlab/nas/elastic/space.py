"""Spaces of depth, widths and heads. Cai et al. (Once-for-All), ICLR 2020; Yu et al. (BigNAS), ECCV 2020.

Their networks are those of the model `gnn-micro` with one operator in all layers.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any, ClassVar

from graphlab.core.config import Choices
from graphlab.nas.core.space import Architecture, Decision, Space
from graphlab.nas.spaces.gnn_micro_tuned import FIXED

MODEL = "gnn-micro"

DEPTHS = (2, 3, 4)
"""Numbers of layers, the last of which gives the outputs."""

LAST_DIM = 64
"""Width of the last layer where the items are graphs; it is not searched, so that all networks have one head."""

DEPTH, WIDTH, HEADS = "num_layers", "hidden_dims", "heads"
"""Kinds of decisions."""


@dataclass(frozen=True)
class Operator:
    """What all layers of a space's networks have in common, as the model `gnn-micro` names it."""

    attention: str
    aggregation: str
    activation: str
    combine: str

    def settings(self, num_layers: int) -> dict[str, Any]:
        """Of a network of so many layers; its outputs have no activation."""
        return {
            "attention": (self.attention,) * num_layers,
            "aggregation": (self.aggregation,) * num_layers,
            "activation": (self.activation,) * (num_layers - 1) + ("linear",),
            "combine": (self.combine,) * num_layers,
        }


class ElasticSpace(Space):
    """`num_layers`, and of each hidden layer `hidden_dims_1` and so on, and `heads_1` where there are several options.

    Attributes:
        operator: Of all layers.
        widths: Options of the width of a head, the narrowest first.
        head_counts: Options of the number of heads, the fewest first.
    """

    operator: ClassVar[Operator]
    widths: ClassVar[tuple[int, ...]]
    head_counts: ClassVar[tuple[int, ...]] = (1,)

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        cls.decisions = (Decision(DEPTH, Choices(DEPTHS), DEPTH), *cls._of_layers())

    @classmethod
    def _of_layers(cls) -> Iterator[Decision]:
        kinds = {WIDTH: cls.widths, HEADS: cls.head_counts}
        for k in range(1, max(DEPTHS)):
            when = {DEPTH: tuple(depth for depth in DEPTHS if depth > k)}
            for kind, options in kinds.items():
                if len(options) > 1:
                    yield Decision(f"{kind}_{k}", Choices(options), kind, when)

    def hidden(self, values: Mapping[str, Any]) -> list[tuple[int, int]]:
        """Heads and the width of a head, by hidden layer."""
        layers = range(1, values[DEPTH])
        return [(values.get(f"{HEADS}_{k}", self.head_counts[0]), values[f"{WIDTH}_{k}"]) for k in layers]

    def of_hidden(self, hidden: list[tuple[int, int]]) -> Architecture:
        """The architecture whose hidden layers have these heads and widths."""
        values: dict[str, Any] = {DEPTH: len(hidden) + 1}
        for k, (heads, width) in enumerate(hidden, start=1):
            values |= {f"{HEADS}_{k}": heads, f"{WIDTH}_{k}": width}
        return self.checked(values)

    def settings(self, values: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        hidden = self.hidden(values)
        sizes = {
            HEADS: (*(heads for heads, _ in hidden), 1),
            WIDTH: (*(width for _, width in hidden), LAST_DIM),
        }
        return MODEL, {**self.operator.settings(values[DEPTH]), **sizes, **FIXED, "unit_rows": True}

    def largest(self) -> Architecture:
        """The network of the most layers, all of them as wide as can be."""
        return self.of_hidden([(self.head_counts[-1], self.widths[-1])] * (max(DEPTHS) - 1))

    def smallest(self) -> Architecture:
        """The network of the fewest layers, all of them as narrow as can be."""
        return self.narrowest(min(DEPTHS))

    def narrowest(self, num_layers: int) -> Architecture:
        """The network of so many layers, all of them as narrow as can be."""
        return self.of_hidden([(self.head_counts[0], self.widths[0])] * (num_layers - 1))

    @property
    def size(self) -> int:
        """How many architectures there are."""
        return sum((len(self.widths) * len(self.head_counts)) ** (depth - 1) for depth in DEPTHS)

    def architectures(self) -> Iterator[Architecture]:
        """All of them, each once."""
        layers = list(product(self.head_counts, self.widths))
        for depth in DEPTHS:
            for hidden in product(layers, repeat=depth - 1):
                yield self.of_hidden(list(hidden))

    def spelt(self, values: Mapping[str, Any]) -> str:
        """As `3 layers: 8 x 16, 4 x 8`, heads by width."""
        hidden = self.hidden(values)
        has_heads = math.prod(self.head_counts) > 1
        sizes = ", ".join(f"{heads} x {width}" if has_heads else str(width) for heads, width in hidden)
        return f"{values[DEPTH]} layers: {sizes}"
