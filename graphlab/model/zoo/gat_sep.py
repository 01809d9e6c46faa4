"""Graph attention in residual blocks that keep a node apart from its neighbours. Platonov et al., ICLR 2023, sec. 4.1.

    z = W LayerNorm(h_l) + b,    s_vu = softmax over u -> v of LeakyReLU(a . z_u + a' . z_v + c), for each head
    h_(l+1) = h_l + FFN([z_v | sum over u -> v of s_vu z_u])

Heads have their parts of z, and a, a' and c read the whole of it. `graphlab.model.separated` has the network around it.
"""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import model_validator
from torch import Tensor, nn

from graphlab.core.config import IntRange, PositiveInt
from graphlab.data.spec import Continuous, DataSpec, Target
from graphlab.model.base import Preset
from graphlab.model.layered import Block
from graphlab.model.separated import SeparatedConfig, SeparatedModel
from graphlab.ops.neighbour_attention import neighbour_attention

SLOPE = 0.2
"""Of the LeakyReLU below zero."""


class Config(SeparatedConfig):
    """As `graphlab.model.separated.SeparatedConfig`, and

    heads  of the attention; hidden_dim is a multiple of their number
    """

    heads: Annotated[PositiveInt, IntRange(1, 8)] = 8

    @model_validator(mode="after")
    def _divides(self) -> Self:
        if self.hidden_dim % self.heads:
            raise ValueError(f"hidden_dim is a multiple of heads, and {self.hidden_dim} is none of {self.heads}")
        return self


class Attention(nn.Module):
    """A node's row z `[num_targets, dim]`, and the sum of those of its neighbours by attention."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.linear, self.heads = nn.Linear(dim, dim), heads
        self.source, self.target = nn.Linear(dim, heads), nn.Linear(dim, heads, bias=False)

    def forward(self, rows: Tensor, block: Block) -> tuple[Tensor, Tensor]:
        z = self.linear(rows)
        own, parts = block.of_targets(z), z.unflatten(1, (self.heads, -1))
        neighbours = block.neighbours(len(z))
        sent = neighbour_attention(neighbours, parts, self.source(z), self.target(own), None, SLOPE)
        return own, sent.flatten(1)


class GATSep(SeparatedModel):
    """Attention over neighbours, a node itself not among them; no loops are added. Weights of edges are not read.

    Edges are read as messages u -> v.
    batch.x `[num_nodes, d]`, batch.edge_index `[2, E]` -> `[num_nodes, out_dim]`.
    """

    name = "gat-sep"

    def messenger(self, config: Config) -> Attention:
        return Attention(config.hidden_dim, config.heads)

    def block(self, edge_index: Tensor, edge_weight: Tensor | None, num_nodes: int) -> Block:
        return Block(edge_index, num_nodes)


SPEC = DataSpec("nodes", (Target("y", "node", "class", 18),), node=Continuous(300))
ATTENTION = 512 * 513 + 512 * 17 - 512 + 8
PRESETS = {
    "heterophilous": Preset(
        source="section 4.2: Adam; the number of blocks, 1 to 5, was chosen for each data set on validation",
        model={"hidden_dim": 512, "num_layers": 5},
        training={"epochs": 1000, "lr": 3e-5},
        ours=("model.num_layers",),
        num_parameters={SPEC: 301 * 512 + 5 * (1024 + ATTENTION + 3 * 512**2 + 2 * 512) + 1024 + 513 * 18},
    ),
    "node-classification": Preset(
        source="GraphLab's own choice: narrower, with a larger learning rate",
        is_published=False,
        training={"epochs": 300, "lr": 1e-3},
    ),
}
