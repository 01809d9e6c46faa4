"""What the path-based models share: one step of the generalised Bellman-Ford iteration. Zhu et al., NeurIPS 2021."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal, Self

import torch
from pydantic import model_validator
from torch import Tensor, nn
from torch.nn import functional as F

from graphlab.core.config import Choices, IntRange, PositiveInt
from graphlab.model.base import ModelConfig
from graphlab.model.observation import is_observed, observe
from graphlab.ops.grouped_linear import grouped_linear, grouped_map
from graphlab.ops.linear import Linear, blocks, is_lean, keep_freed_memory, linear
from graphlab.ops.relational_spmm import MOMENTS, Message, Reduce, RelationalGraph

SCALERS = 3
"""PNA's degree scalers: identity, amplification, attenuation. Corso et al., NeurIPS 2020, eq. 5."""

SCALE_FLOOR = 0.01
"""Least amplification, which bounds the attenuation 1 / s of nodes that receive nothing."""

ROWS_OF_A_SCALE = 32
"""Rows of each scale, on average, from which a map of their own costs less than it takes to make."""


class BellmanFordConfig(ModelConfig):
    """dim         width of a node's state
    num_layers  steps of the Bellman-Ford iteration, the longest path that is seen
    message     MESSAGE: translation, product, or rotation (dim even)
    aggregate   AGGREGATE: one reduction, or principal neighbourhood aggregation
    layer_norm  normalise each step's result before ReLU
    residual    add each step's result to the state before it
    """

    dim: Annotated[PositiveInt, IntRange(8, 64, log=True)] = 32
    num_layers: Annotated[PositiveInt, IntRange(2, 8)] = 6
    message: Annotated[Message, Choices()] = "distmult"
    aggregate: Annotated[Literal["sum", "mean", "max", "pna"], Choices()] = "pna"
    layer_norm: bool = True
    residual: bool = True

    @model_validator(mode="after")
    def _rotations_are_pairs(self) -> Self:
        if self.message == "rotate" and self.dim % 2:
            raise ValueError("message rotate needs an even dim")
        return self


@dataclass(frozen=True)
class Scales:
    """PNA's amplification of some rows, each the state of a node. Nodes of one degree have the same.

    values  `[G]`, those of the distinct degrees
    which   int64, of any shape: the value of each row
    """

    values: Tensor
    which: Tensor

    def of(self, rows: Tensor) -> Scales:
        """The scales of these rows."""
        return Scales(self.values, self.which[rows])

    def laid_out(self) -> Tensor:
        """One for each row: `[..., 1]`."""
        return self.values[self.which].unsqueeze(-1)

    def alike(self) -> Tensor:
        """For each of `[N]` rows one of the same scale, the same one for all of them: int64 `[N]`."""
        row = torch.arange(len(self.which), device=self.which.device)
        first = torch.zeros_like(row[: len(self.values)])
        return first.scatter_reduce(0, self.which, row, "amin", include_self=False)[self.which]


class BellmanFordUpdate(nn.Module):
    """From aggregated messages to the next states: ReLU(norm(W [h, aggregate]))."""

    observation_points = ("aggregate", "states")

    def __init__(self, config: BellmanFordConfig) -> None:
        super().__init__()
        dim = config.dim
        self.message: Message = config.message
        self.aggregate: Reduce = config.aggregate
        aggregate_dim = SCALERS * MOMENTS * dim if config.aggregate == "pna" else dim
        self.update = Linear(dim + aggregate_dim, dim)
        self.norm = nn.LayerNorm(dim) if config.layer_norm else nn.Identity()

    def advance(self, states: Tensor, aggregate: Tensor, scales: Scales, *, residual: bool = False) -> Tensor:
        """The next states, of which `residual` adds those before.

        states     `[..., dim]`
        aggregate  `[..., dim]`, or `[..., 4 dim]` for pna
        scales     PNA's amplification of each state's node, of the states' shape or one that expands to it
        """
        if is_lean(states) and not is_observed(self):
            keep_freed_memory()
            if self.aggregate == "pna":
                return self._finish(self._update(states, aggregate, scales), states, residual)
            return self._advance_in_blocks(states.flatten(0, -2), aggregate.flatten(0, -2), residual).view_as(states)
        updated = self._update(states, observe(self, "aggregate", aggregate), scales)
        hidden = observe(self, "states", F.relu(self.norm(updated)).to(states.dtype))
        return hidden + states if residual else hidden

    def _advance_in_blocks(self, states: Tensor, aggregate: Tensor, residual: bool) -> Tensor:
        """The same of `[P, dim]` without gradients, some rows at a time: what lies between stays in the cache."""
        weight, bias, out = self.update.weight, self.update.bias, torch.empty_like(states)
        for rows in blocks(states.size(0)):
            own = states[rows]
            updated = linear(torch.cat([own, aggregate[rows]], dim=1), weight, bias)
            out[rows] = self._finish(updated, own, residual)
        return out

    def _finish(self, updated: Tensor, states: Tensor, residual: bool) -> Tensor:
        """The next states from mapped ones, in whose place they may lie."""
        norm = self.norm
        if isinstance(norm, nn.LayerNorm):
            updated = torch.layer_norm(updated, norm.normalized_shape, norm.weight, norm.bias, norm.eps)
        hidden = updated.relu_()
        return hidden.add_(states) if residual else hidden

    def _update(self, states: Tensor, aggregate: Tensor, scales: Scales) -> Tensor:
        if self.aggregate != "pna":
            return self.update(torch.cat([states, aggregate], dim=-1))
        dim = states.size(-1)
        of_states, of_moments = self.update.weight.split([dim, SCALERS * MOMENTS * dim], dim=1)
        by_scaler = of_moments.view(dim, SCALERS, MOMENTS * dim).transpose(0, 1)
        scaled = map_by_scale if _scales_repeat(aggregate, scales) else map_by_scaler
        return linear(states, of_states, self.update.bias) + scaled(aggregate, by_scaler, scales)


def map_by_scaler(aggregate: Tensor, weight: Tensor, scales: Scales) -> Tensor:
    """The linear map of [aggregate, s aggregate, aggregate / s], from `[..., 4 d]` to `[..., d]`.

    weight: `[3, d, 4 d]`, the part of each scaler. The product by the scalers is taken after the map, where it is
    `[..., 3, d]` wide and not `[..., 3, 4 d]`.
    """
    plain, amplified, attenuated = linear(aggregate, weight.flatten(0, 1)).chunk(SCALERS, dim=-1)
    scale = scales.laid_out()
    return plain + scale * amplified + attenuated / scale.clamp(min=SCALE_FLOOR)


def map_by_scale(aggregate: Tensor, weight: Tensor, scales: Scales) -> Tensor:
    """`map_by_scaler` with a third of its products: rows of one scale share a map, the scaled sum of the weights."""
    values = scales.values
    scalers = torch.stack([torch.ones_like(values), values, values.clamp(min=SCALE_FLOOR).reciprocal()], dim=1)
    which = scales.which.expand(aggregate.shape[:-1]).flatten()
    rows = aggregate.flatten(0, -2)
    if is_lean(aggregate):
        by_input = weight.transpose(1, 2).flatten(1)
        of_scales = (scalers @ by_input).view(-1, weight.size(2), weight.size(1))
        return grouped_map(rows, of_scales, which).view(*aggregate.shape[:-1], -1)
    of_scales = (scalers @ weight.flatten(1)).view(-1, *weight.shape[1:])
    return grouped_linear(rows, of_scales, which).view(*aggregate.shape[:-1], -1)


def _scales_repeat(aggregate: Tensor, scales: Scales) -> bool:
    """Whether `map_by_scale` pays: elsewhere than on the CPU, and in half precision, one dense product is as fast."""
    enough = aggregate[..., 0].numel() >= ROWS_OF_A_SCALE * len(scales.values)
    return enough and aggregate.is_cpu and not torch.is_autocast_enabled("cpu")


def degree_scale(edges: RelationalGraph, edge_mask: Tensor | None, dtype: torch.dtype) -> Scales:
    """PNA's amplification s = log(degree + 1) / mean of log(degree + 1) over nodes, for each of N nodes."""
    degree, which = edges.incoming_count(edge_mask).unique(return_inverse=True)
    logarithm = degree.to(dtype).log1p()
    return Scales(logarithm / logarithm[which].mean().clamp(min=SCALE_FLOOR), which)
