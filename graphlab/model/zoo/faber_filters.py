"""Filters of directed graphs as polynomials in both directions, after HoloNets (Koke and Cremers, ICLR 2024).

    h'_v = alpha sum over k = 1 to K of (M^k H W_k)_v + (1 - alpha) sum over k of ((M^T)^k H U_k)_v + b,
    M = D_out^-e A D_in^-e

Monomials are the Faber polynomials of a disc. HoloNets' own networks may have complex weights and characteristic
operators of other kinds; here weights are real, and the stack of layers is that of `dir-gnn`, which K = 1 and e = 1/2
is but for its number of biases.
"""

from __future__ import annotations

from typing import Annotated

import torch
from torch import Tensor, nn

from graphlab.core.citation import Citation
from graphlab.core.config import Choices, FloatRange, IntRange, PositiveInt, Share
from graphlab.data.spec import Continuous, DataSpec, Target
from graphlab.model.base import Preset
from graphlab.model.directed import TwoWayConfig, TwoWayModel, block_of
from graphlab.model.layered import Block
from graphlab.model.sparse_features import SparseRows, linear
from graphlab.ops.directed_operators import degree_scaled


class Config(TwoWayConfig):
    """As `graphlab.model.directed.TwoWayConfig`, and

    order       K, the highest power
    exponent    e, of the degrees
    zero_order  whether k = 0 is a term of both sums
    """

    order: Annotated[PositiveInt, IntRange(1, 5)] = 2
    exponent: Annotated[Share, FloatRange(0.0, 1.0)] = 0.25
    zero_order: Annotated[bool, Choices((False, True))] = False


class Layer(nn.Module):
    """Polynomials of both directions, by Horner's rule, which multiplies narrow rows.

    rows `[num_nodes, width]` -> `[num_nodes, out_dim]`.
    """

    def __init__(self, width: int, out_dim: int, config: Config) -> None:
        super().__init__()
        self.alpha, self.zero_order = config.alpha, config.zero_order
        num_terms = config.order + config.zero_order
        self.out, self.into = (
            nn.ModuleList(nn.Linear(width, out_dim, bias=False) for _ in range(num_terms)) for _ in range(2)
        )
        self.bias = nn.Parameter(torch.zeros(out_dim))

    def forward(self, rows: Tensor | SparseRows, out: Block, into: Block) -> Tensor:
        return (
            self.alpha * self._polynomial(rows, self.out, out)
            + (1 - self.alpha) * self._polynomial(rows, self.into, into)
            + self.bias
        )

    def _polynomial(self, rows: Tensor | SparseRows, maps: nn.ModuleList, block: Block) -> Tensor:
        first, *others = (linear(rows, each.weight) for each in reversed(maps))  # pyright: ignore[reportArgumentType]
        total = first
        for term in others:
            total = term + block.sum(total)
        return total if self.zero_order else block.sum(total)


class FaberFilters(TwoWayModel):
    """Layers of polynomials in both directions.

    Weights of edges take the places of the ones in A.
    batch.x `[num_nodes, d]`, batch.edge_index `[2, E]` -> `[num_nodes, out_dim]`.
    """

    name = "faber-filters"
    citation = Citation(
        key="koke2024",
        title="HoloNets: Spectral Convolutions do extend to Directed Graphs",
        authors="Koke, Christian and Cremers, Daniel",
        venue="ICLR",
        year=2024,
        url="https://arxiv.org/abs/2310.02232",
    )

    def layer(self, width: int, out_dim: int) -> Layer:
        return Layer(width, out_dim, self.config)

    def edges(self, edge_index: Tensor, weight: Tensor | None, num_nodes: int, dtype: torch.dtype) -> Block:
        exponent = self.config.exponent
        return block_of(degree_scaled(edge_index, weight, num_nodes, exponent, exponent), num_nodes, dtype)

    @property
    def num_hops(self) -> int:
        return self.config.num_layers * self.config.order


PRESETS = {
    "node-classification": Preset(
        source="GraphLab's own choice: the published networks are others",
        is_published=False,
        training={"epochs": 300, "lr": 0.01, "weight_decay": 5e-4},
        num_parameters={
            DataSpec("nodes", (Target("y", "node", "class", 7),), node=Continuous(1433), directed=True): (
                (4 * 1433 * 64 + 64) + 2 * (4 * 64 * 64 + 64) + 3 * 64 * 7 + 7
            )
        },
    ),
}
