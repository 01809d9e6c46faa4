"""What the path-based models share: one step of the generalised Bellman-Ford iteration. Zhu et al., NeurIPS 2021."""

from __future__ import annotations

from typing import Annotated, Literal, Self

import torch
from pydantic import model_validator
from torch import Tensor, nn
from torch.nn import functional as F

from graphlab.core.config import Choices, IntRange, PositiveInt
from graphlab.model.base import ModelConfig
from graphlab.ops.relational_spmm import MOMENTS, Message, Reduce, RelationalGraph, relational_spmm

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


class BellmanFordStep(nn.Module):
    """ReLU(norm(W [h, AGGREGATE of the MESSAGEs and the boundary])) for relation weights from outside."""

    def __init__(self, config: BellmanFordConfig) -> None:
        super().__init__()
        dim = config.dim
        self.message: Message = config.message
        self.aggregate: Reduce = config.aggregate
        aggregate_dim = SCALERS * MOMENTS * dim if config.aggregate == "pna" else dim
        self.update = nn.Linear(dim + aggregate_dim, dim)
        self.norm = nn.LayerNorm(dim) if config.layer_norm else nn.Identity()

    def forward(
        self,
        edges: RelationalGraph,
        relation: Tensor,
        states: Tensor,
        boundary: Tensor,
        scale: Tensor,
        *,
        edge_mask: Tensor | None = None,
        num_updated: int | None = None,
    ) -> Tensor:
        """The next states `[M, B, dim]` of the first M = `num_updated` nodes, of all N for None.

        relation  `[R, dim]` or `[R, B, dim]`
        states    `[N, B, dim]`, and the boundary likewise
        scale     PNA's amplification of the updated nodes, `[M, 1, 1]`; see `degree_scale`
        """
        aggregate = relational_spmm(
            edges,
            relation,
            states,
            edge_mask=edge_mask,
            boundary=boundary,
            message=self.message,
            reduce=self.aggregate,
        )
        return F.relu(self.norm(self._map(states[:num_updated], aggregate[:num_updated], scale)))

    def _map(self, states: Tensor, aggregate: Tensor, scale: Tensor) -> Tensor:
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
    """PNA's amplification s = log(degree + 1) / mean of log(degree + 1) over nodes: `[N, 1, 1]`."""
    logarithm = edges.incoming_count(edge_mask).to(dtype).log1p().view(-1, 1, 1)
    return logarithm / logarithm.mean(0).clamp(min=SCALE_FLOOR)
