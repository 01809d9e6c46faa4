"""What the path-based models share: one step of the generalised Bellman-Ford iteration. Zhu et al., NeurIPS 2021."""

from __future__ import annotations

from typing import Annotated, Literal, Self

import torch
from pydantic import model_validator
from torch import Tensor, nn
from torch.nn import functional as F

from graphlab.core.config import Choices, IntRange, PositiveInt
from graphlab.model.base import ModelConfig
from graphlab.ops.relational_spmm import MOMENTS, Message, Reduce, RelationalGraph

SCALERS = 3
"""PNA's degree scalers: identity, amplification, attenuation. Corso et al., NeurIPS 2020, eq. 5."""

SCALE_FLOOR = 0.01
"""Least amplification, which bounds the attenuation 1 / s of nodes that receive nothing."""


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


class BellmanFordUpdate(nn.Module):
    """From aggregated messages to the next states: ReLU(norm(W [h, aggregate]))."""

    def __init__(self, config: BellmanFordConfig) -> None:
        super().__init__()
        dim = config.dim
        self.message: Message = config.message
        self.aggregate: Reduce = config.aggregate
        aggregate_dim = SCALERS * MOMENTS * dim if config.aggregate == "pna" else dim
        self.update = nn.Linear(dim + aggregate_dim, dim)
        self.norm = nn.LayerNorm(dim) if config.layer_norm else nn.Identity()

    def advance(self, states: Tensor, aggregate: Tensor, scale: Tensor) -> Tensor:
        """The next states, before a residual sum.

        states     `[..., dim]`
        aggregate  `[..., dim]`, or `[..., 4 dim]` for pna
        scale      PNA's amplification of each state's node, `[..., 1]`; see `degree_scale`
        """
        return F.relu(self.norm(self._update(states, aggregate, scale)))

    def _update(self, states: Tensor, aggregate: Tensor, scale: Tensor) -> Tensor:
        """The linear map of [states, aggregate x scalers], grouped by scaler: the product by the scalers is
        taken after the map, where it is `[.., 3, d]` wide and not `[.., 3, 4 d]`."""
        if self.aggregate != "pna":
            return self.update(torch.cat([states, aggregate], dim=-1))
        dim = states.size(-1)
        of_states, of_moments = self.update.weight.split([dim, SCALERS * MOMENTS * dim], dim=1)
        by_scaler = of_moments.view(dim, SCALERS, MOMENTS * dim).transpose(0, 1).reshape(SCALERS * dim, -1)
        plain, amplified, attenuated = F.linear(aggregate, by_scaler).chunk(SCALERS, dim=-1)
        moments = plain + scale * amplified + attenuated / scale.clamp(min=SCALE_FLOOR)
        return F.linear(states, of_states, self.update.bias) + moments


def degree_scale(edges: RelationalGraph, edge_mask: Tensor | None, dtype: torch.dtype) -> Tensor:
    """PNA's amplification s = log(degree + 1) / mean of log(degree + 1) over nodes: `[N, 1]`."""
    logarithm = edges.incoming_count(edge_mask).to(dtype).log1p().unsqueeze(1)
    return logarithm / logarithm.mean(0).clamp(min=SCALE_FLOOR)
