"""What the networks of Platonov, Kuznedelev, Diskin, Babenko and Prokhorenkova, ICLR 2023, share: residual blocks that
read a node's own row and what its neighbours send side by side.

    h_0 = GELU(W x + b),    h_(l+1) = h_l + FFN([u | sum over neighbours of s v]),    outputs = W' LayerNorm(h_L) + b'

u and v are rows of LayerNorm(h_l), s the shares of a mean or of an attention, and FFN(r) = W_2 GELU(W_1 r + b_1) + b_2.
Dropout follows the map of the features and both of FFN; it comes before GELU.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Annotated, Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from graphlab.core.citation import Citation
from graphlab.core.config import FloatRange, IntRange, PositiveInt, Probability
from graphlab.data.spec import DataSpec
from graphlab.model.base import ModelConfig, input_dim
from graphlab.model.layered import Block, LayeredModel
from graphlab.model.sparse_features import FeatureInput, FeatureLinear

CITATION = Citation(
    key="platonov2023",
    title="A Critical Look at the Evaluation of GNNs under Heterophily: Are We Really Making Progress?",
    authors=("Platonov, Oleg and Kuznedelev, Denis and Diskin, Michael and Babenko, Artem and Prokhorenkova, Liudmila"),
    venue="ICLR",
    year=2023,
    url="https://arxiv.org/abs/2302.11640",
)


class SeparatedConfig(ModelConfig):
    """hidden_dim  width of all rows
    num_layers  number of residual blocks
    dropout     after the map of the features and both maps of each block's FFN
    """

    hidden_dim: Annotated[PositiveInt, IntRange(16, 512, log=True)] = 128
    num_layers: Annotated[PositiveInt, IntRange(1, 5)] = 2
    dropout: Annotated[Probability, FloatRange(0.0, 0.8)] = 0.2


class FeedForward(nn.Module):
    """`[n, 2 dim]` to `[n, dim]` over one hidden layer of GELU."""

    def __init__(self, dim: int, dropout: float) -> None:
        super().__init__()
        self.first, self.second, self.dropout = nn.Linear(2 * dim, dim), nn.Linear(dim, dim), dropout

    def forward(self, rows: Tensor) -> Tensor:
        hidden = F.gelu(F.dropout(self.first(rows), self.dropout, self.training))
        return F.dropout(self.second(hidden), self.dropout, self.training)


class SeparatedModel(LayeredModel):
    """Base of the two. A subclass sets `name` and gives `messenger`, a module for each block."""

    name: str
    tasks = frozenset({"node-classification", "graph-prediction"})
    output_items = frozenset({"nodes"})
    citation = CITATION

    def __init__(self, config: Any, spec: DataSpec) -> None:
        super().__init__()
        dim, self.num_layers, self.dropout = config.hidden_dim, config.num_layers, config.dropout
        self.out_dim = self.row_width(spec, dim)
        self.features = FeatureInput(0.0)
        self.first = FeatureLinear(input_dim(spec.node, self.name), dim)
        self.norms = nn.ModuleList(nn.LayerNorm(dim) for _ in range(config.num_layers + 1))
        self.messengers = nn.ModuleList(self.messenger(config) for _ in range(config.num_layers))
        self.feed_forwards = nn.ModuleList(FeedForward(dim, config.dropout) for _ in range(config.num_layers))
        self.last = nn.Linear(dim, self.out_dim)

    @classmethod
    def expressiveness(cls, config: SeparatedConfig) -> str:
        return "1-WL"

    @abstractmethod
    def messenger(self, config: Any) -> nn.Module:
        """Maps normalised rows `[num_sources, dim]` and a `Block` to the rows of the targets themselves and to what
        their neighbours send, both `[num_targets, dim]`."""

    def layer(self, depth: int, x: Tensor, block: Block) -> Tensor:
        """The first layer begins with the map of the features, and the last ends with that to the outputs."""
        if not depth:
            x = F.gelu(F.dropout(self.first(self.features(x)), self.dropout, self.training))
        parts = self.messengers[depth](self.norms[depth](x), block)
        x = block.of_targets(x) + self.feed_forwards[depth](torch.cat(parts, dim=1))
        return self.last(self.norms[-1](x)) if depth == self.num_layers - 1 else x
