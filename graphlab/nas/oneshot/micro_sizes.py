"""The expected size of networks of the micro space with number formats, as a polynomial of the options' probabilities.

Decisions are made independently, and each product below is of different decisions, so that the expectation of a product
is the product of expectations; widths alone are taken one by one. With h heads of d channels, w = h d, and r the width
of the rows that it reads, a layer has

    weights    w r; 2 w of learned attention; 256 d of `mlp` as aggregation; 256 o of `mlp` as combination; o r of `add`
    values     n w of the linear map, and those of the maps of `mlp`; n + E of attention, times h where it is learned;
               n w of the sums over neighbours

where o is w in hidden layers and d in the last. A hidden layer gives rows of d where heads are averaged, else of w.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from graphlab.model.attention import ATTENTIONS, Learned
from graphlab.model.zoo.gnn_micro import HEADS, HIDDEN_DIMS, MLP_DIM
from graphlab.nas.oneshot.quantized import Chances
from graphlab.nas.spaces.gnn_micro import CHOICES, LAYERS
from graphlab.nas.spaces.gnn_micro_quantized import FORMATS
from graphlab.quantization.accounting import FLOAT_BITS
from graphlab.quantization.formats import parse

LEARNED = tuple(isinstance(ATTENTIONS[name](1, 1, 0.0), Learned) for name in CHOICES["attention"])
"""Of the attention functions, those with parameters and a coefficient for each head."""


@dataclass(frozen=True)
class BatchSizes:
    """Nodes of a batch, and its edges with a loop for each node."""

    num_nodes: int
    num_entries: int


@dataclass(frozen=True)
class Amount:
    """Expected numbers of a component in a layer, the channels that may have a scale each, and the places that may;
    `[options of the width]`."""

    numbers: Tensor
    channels: Tensor
    places: Tensor

    def bits(self, component: str, chances: Tensor) -> Tensor:
        """Expected bits, given the probabilities of the formats `[options]`."""
        return torch.stack([self._of_format(component, name) for name in FORMATS[component]], dim=1) @ chances

    def _of_format(self, component: str, name: str) -> Tensor:
        """As `graphlab.quantization.accounting` counts, which has no bits for sums without a format."""
        chosen = parse(name)
        if chosen is None:
            return self.numbers * (0 if component == "aggregate" else FLOAT_BITS)
        scales = self.channels if chosen.granularity == "channel" else self.places
        return self.numbers * chosen.bits + FLOAT_BITS * scales


@dataclass(frozen=True)
class MicroSizes:
    """in_dim: of the features. last_dims: the widths of the last layer, by the option of the hidden one's."""

    in_dim: int
    last_dims: tuple[int, ...]

    def expected_bits(self, chances: Chances, batch: BatchSizes) -> Tensor:
        """A float64 scalar; see `QuantizedSupernet.expected_bits`."""
        p = {name: each.double() for name, each in chances.items()}
        dims = [torch.tensor(HIDDEN_DIMS, dtype=torch.float64)] * (LAYERS - 1)
        dims.append(torch.tensor(self.last_dims, dtype=torch.float64))
        total, reads = torch.zeros(len(HIDDEN_DIMS), dtype=torch.float64), torch.tensor(float(self.in_dim))
        for k, dim in enumerate(dims, start=1):
            layer = _Layer(p, k, dim, reads)
            for component in FORMATS:
                total = total + layer.amount(component, batch).bits(component, p[f"{component}_format_{k}"])
            reads = layer.gives
        return total @ p["hidden_dims_1"]


class _Layer:
    """Expectations of a layer, given the width of the rows that it reads and its own."""

    def __init__(self, p: Mapping[str, Tensor], k: int, dim: Tensor, reads: Tensor) -> None:
        self.dim, self.reads = dim, reads
        self.heads = p[f"heads_{k}"] @ torch.tensor(HEADS, dtype=torch.float64)
        self.width = self.heads * dim
        self.learned = p[f"attention_{k}"] @ torch.tensor(LEARNED, dtype=torch.float64)
        self.mlp = p[f"aggregation_{k}"][CHOICES["aggregation"].index("mlp")]
        combine = dict(zip(CHOICES["combine"], p[f"combine_{k}"], strict=True))
        self.add, self.combine = combine["add"], combine["mlp"]
        is_last = k == LAYERS
        self.own = dim if is_last else self.width
        self.gives = dim if is_last else self.width - combine["average"] * (self.width - dim)

    def amount(self, component: str, batch: BatchSizes) -> Amount:
        match component:
            case "weight":
                return self._weights()
            case "linear":
                return self._linear(batch.num_nodes)
            case "attention":
                of_heads = 1 + self.learned * (self.heads - 1)
                return self._values(batch.num_entries * of_heads * torch.ones_like(self.dim))
            case _:
                return self._values(batch.num_nodes * self.width)

    def _weights(self) -> Amount:
        learned, mlp, combine, add = 2 * self.learned, self.mlp, self.combine, self.add
        maps = mlp * self.dim + combine * self.own
        return Amount(
            numbers=self.width * (self.reads + learned) + 2 * MLP_DIM * maps + add * self.own * self.reads,
            channels=self.width + learned * self.heads + maps + MLP_DIM * (mlp + combine) + add * self.own,
            places=(1 + learned + 2 * mlp + 2 * combine + add) * torch.ones_like(self.dim),
        )

    def _linear(self, num_nodes: int) -> Amount:
        of_mlp = 2 * self.width + 2 * MLP_DIM * self.heads
        numbers = num_nodes * (self.width + self.mlp * of_mlp + self.combine * 2 * (self.own + MLP_DIM))
        return self._values(numbers, 1 + 4 * self.mlp + 4 * self.combine)

    def _values(self, numbers: Tensor, places: Tensor | float = 1.0) -> Amount:
        """Of values, which have no scale a channel."""
        each = places * torch.ones_like(self.dim)
        return Amount(numbers, each, each)
