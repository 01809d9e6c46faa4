"""The supernet of the micro space with number formats. Zhao et al., Learned Low Precision Graph Neural Networks, 2020.

Formats are mixed as rounded values: a weight or a value at a component is the weighted sum of what the formats make of
it. The scale of a weight is fitted to the part of it that the mixture reads, so that a path rounds as its network does.
In a mixture of widths it is that of the widest.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor
from torch_geometric.data import Data

from graphlab.core.errors import InputError
from graphlab.data.spec import DataSpec
from graphlab.model.base import vector_dim
from graphlab.model.neighbourhood import Neighbourhood
from graphlab.model.zoo.gnn_micro import HIDDEN_DIMS
from graphlab.nas.oneshot.micro_sizes import BatchSizes, MicroSizes
from graphlab.nas.oneshot.quantized import Chances, QuantizedSupernet
from graphlab.nas.oneshot.supernets import Mixture, mixed
from graphlab.nas.oneshot.supernets.gnn_micro import GNNMicroSupernet, MicroLayer, Precision
from graphlab.nas.spaces.gnn_micro import CHOICES
from graphlab.nas.spaces.gnn_micro_quantized import FLOAT, FORMATS, KINDS
from graphlab.quantization.formats import FixedPoint, Format, parse
from graphlab.quantization.rounding import fake_quantise

PARSED = {component: tuple(parse(name) for name in names) for component, names in FORMATS.items()}
"""By component, the formats; None for full precision."""


class GNNMicroQuantizedSupernet(GNNMicroSupernet, QuantizedSupernet):
    """batch.x as vectors `[num_nodes, d]`, batch.edge_index `[2, E]` -> `[num_nodes, out_dim]`."""

    kinds = (*CHOICES, *KINDS)
    format_kinds = frozenset(KINDS)
    full_precision = FLOAT
    width_kinds = frozenset({"heads", "hidden_dims"})

    def __init__(self, config: Any, spec: DataSpec, shrink: int, partial: int) -> None:
        super().__init__(config, spec, shrink, partial)
        last = tuple(self.row_width(spec, width) for width in HIDDEN_DIMS)
        self._sizes = MicroSizes(vector_dim(spec.node, "gnn-micro"), last)
        self._batch: BatchSizes | None = None

    def make_layer(
        self, in_shape: tuple[int, ...], dims: tuple[int, ...], averaged: bool, config: Any, partial: int
    ) -> MicroLayer:
        return _RoundedLayer(in_shape, dims, averaged, config, partial)

    def forward(self, batch: Data) -> Tensor:
        rows = super().forward(batch)
        pattern = self._neighbourhood(batch["edge_index"], int(batch.num_nodes or 0)).pattern
        self._batch = BatchSizes(len(rows), len(pattern))
        return rows

    def expected_bits(self, chances: Chances) -> Tensor:
        if self._batch is None:
            raise InputError("the size of a batch is not known yet", hint="map a batch first")
        return self._sizes.expected_bits(chances, self._batch)


class _RoundedLayer(MicroLayer):
    """A layer that rounds what its network rounds, in the same order of operations."""

    def precision(self, of: Mixture) -> Precision:
        return _Rounding(of)

    def mean_of_heads(self, rows: Tensor, of: Mixture) -> Tensor:
        """As the network computes it where heads have one number: of a value between two steps the last digit decides
        to which it is rounded."""
        if of["heads"].requires_grad or chosen_option(of["heads"]) is None:
            return super().mean_of_heads(rows, of)
        return rows.mean(1, keepdim=True)

    def mean_of_neighbours(self, near: Neighbourhood, weights: Tensor, sent: Tensor, total: Tensor) -> Tensor:
        return near.mean(weights, sent)


class _Rounding(Precision):
    """Weights and values as a mixture of formats keeps them."""

    def __init__(self, of: Mixture) -> None:
        self.of = of

    def __call__(self, component: str, value: Tensor) -> Tensor:
        weights = self.of[f"{component}_format"].to(value.dtype)
        return mixed(weights, [lambda each=each: rounded(value, each) for each in PARSED[component]])

    def bias(self, bias: Tensor, weight: Tensor) -> Tensor:
        """Rounded to the steps of the products, with the straight-through gradient, where rows and weights have one
        format each; else as it is."""
        of_rows, of_weight = (self._chosen(component) for component in ("linear", "weight"))
        if of_rows is None or of_weight is None:
            return bias
        step = (scale_of(bias, of_rows)[0] * scale_of(weight, of_weight)[0]).double().flatten()
        steps = (bias.detach().double() / step).round() * step
        return bias + (steps.to(bias.dtype) - bias).detach()

    def _chosen(self, component: str) -> Format | None:
        option = chosen_option(self.of[f"{component}_format"])
        return None if option is None else PARSED[component][option]


def rounded(value: Tensor, number_format: Format | None) -> Tensor:
    """A weight `[out, in]`, or a value of any shape in fixed point, rounded; as it is without a format."""
    if number_format is None:
        return value
    scale, zero_point = scale_of(value, number_format)
    return fake_quantise(value, scale, zero_point, number_format)


def scale_of(value: Tensor, number_format: Format) -> tuple[Tensor, Tensor]:
    """Scale and zero point of a weight `[out, in]`, or of any value in fixed point."""
    if isinstance(number_format, FixedPoint):
        nothing = value.new_zeros(())
        return number_format.range_parameters(nothing, nothing)
    return number_format.value_parameters(value.detach(), 0 if number_format.granularity == "channel" else None)


def chosen_option(weights: Tensor) -> int | None:
    """The option that has all of the weight; None where several have some."""
    place = int(weights.argmax())
    return place if weights[place] == 1 and int(weights.count_nonzero()) == 1 else None
