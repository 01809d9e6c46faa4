"""A graph network encodes nodes and a decoder scores pairs of their rows. The form of Kipf and Welling, Variational
Graph Auto-Encoders, 2016, in the baselines of Hu et al., Open Graph Benchmark, NeurIPS 2020, section 5.

    Z = encoder(X, A),    score(u, v) = decoder(z_u, z_v)

    dot           z_u . z_v
    bilinear      z_u^T (W + W^T) / 2 z_v
    hadamard-mlp  w_2 . relu(W_1 (z_u * z_v) + b_1) + b_2, with * entry by entry

`graphlab.model.node_encoder` has the encoders. Where the data have no node features X is a learned vector a node. All
decoders score (u, v) and (v, u) alike.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Annotated, Literal

import torch
from torch import Tensor, nn
from torch_geometric.data import Data

from graphlab.core.citation import Citation
from graphlab.core.config import Choices, FloatRange, IntRange, PositiveInt, Probability
from graphlab.data.spec import LINK, Continuous, DataSpec
from graphlab.model.base import LinkModel, ModelConfig, Preset
from graphlab.model.node_encoder import EncoderName, NodeEncoder, mlp
from graphlab.model.pairs_in_blocks import scores_in_blocks


class Config(ModelConfig):
    """encoder     layers of the graph network
    decoder     what scores two rows
    num_layers  of the encoder
    hidden_dim  width of each of its layers, and of the hidden layer of hadamard-mlp
    dropout     between layers of the encoder, and of the hidden layer of hadamard-mlp
    """

    encoder: Annotated[EncoderName, Choices()] = "gcn"
    decoder: Annotated[Literal["dot", "hadamard-mlp", "bilinear"], Choices()] = "hadamard-mlp"
    num_layers: Annotated[PositiveInt, IntRange(1, 4)] = 2
    hidden_dim: Annotated[PositiveInt, IntRange(16, 256, log=True)] = 64
    dropout: Annotated[Probability, FloatRange(0.0, 0.8)] = 0.0


class Decoder(nn.Module, ABC):
    """Scores `[...]` of rows `[..., dim]` of two nodes, the same in both orders."""

    @abstractmethod
    def forward(self, first: Tensor, second: Tensor) -> Tensor: ...

    def all_nodes(self, rows: Tensor, encoding: Tensor) -> Tensor | None:
        """Scores `[B, num_nodes]` of rows `[B, dim]` with all, where that is a product of matrices; None elsewhere."""
        return None


class Dot(Decoder):
    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        return (first * second).sum(-1)

    def all_nodes(self, rows: Tensor, encoding: Tensor) -> Tensor:
        return rows @ encoding.T


class Bilinear(Decoder):
    """Starts as about the dot product: W is the identity and Glorot noise."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.eye(dim) + nn.init.xavier_uniform_(torch.empty(dim, dim)))

    def _map(self, rows: Tensor) -> Tensor:
        return rows @ (self.weight + self.weight.T) / 2

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        return (self._map(first) * second).sum(-1)

    def all_nodes(self, rows: Tensor, encoding: Tensor) -> Tensor:
        return self._map(rows) @ encoding.T


class HadamardMLP(Decoder):
    def __init__(self, dim: int, dropout: float) -> None:
        super().__init__()
        self.mlp = mlp(dim, dim, dropout)

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        return self.mlp(first * second).squeeze(-1)


class LinkEncoder(LinkModel):
    """One encoding of the graph, and scores of pairs by it."""

    citation = Citation(
        key="hu2020ogb",
        title="Open Graph Benchmark: Datasets for Machine Learning on Graphs",
        authors=(
            "Hu, Weihua and Fey, Matthias and Zitnik, Marinka and Dong, Yuxiao and Ren, Hongyu and Liu, Bowen and "
            "Catasta, Michele and Leskovec, Jure"
        ),
        venue="NeurIPS",
        year=2020,
        url="https://arxiv.org/abs/2005.00687",
    )

    def __init__(self, config: Config, spec: DataSpec) -> None:
        super().__init__()
        dim = self.out_dim = config.hidden_dim
        self.encoder = NodeEncoder("link-encoder", spec, config.encoder, dim, config.num_layers, config.dropout)
        self.decoder: Decoder = _decoder(config)

    def encode(self, graph: Data) -> Tensor:
        """Rows of nodes `[num_nodes, hidden_dim]`."""
        return self.encoder(graph)

    def score_nodes(self, encoding: Tensor, sources: Tensor, candidates: Tensor | None = None) -> Tensor:
        if candidates is None:
            scores = self.decoder.all_nodes(encoding[sources], encoding)
            if scores is not None:
                return scores
        return scores_in_blocks(
            lambda pairs: self.score_pairs(encoding, pairs), sources, candidates, len(encoding), self.out_dim
        )

    def score_pairs(self, encoding: Tensor, pairs: Tensor) -> Tensor:
        """Scores `[P]` of pairs int64 `[P, 2]`."""
        first, second = encoding[pairs].unbind(1)
        return self.decoder(first, second)


def _decoder(config: Config) -> Decoder:
    if config.decoder == "hadamard-mlp":
        return HadamardMLP(config.hidden_dim, config.dropout)
    return Bilinear(config.hidden_dim) if config.decoder == "bilinear" else Dot()


PRESETS = {
    "link-prediction": Preset(
        source="GraphLab's own choice: the published baselines are of larger graphs",
        is_published=False,
        model={"dropout": 0.3},
        task={"batch_size": 1024, "evaluation_batch_size": 65_536},
        training={"epochs": 100, "lr": 0.005},
        num_parameters={
            DataSpec("node-pairs", (LINK,), node=Continuous(1433), num_entities=2708): (
                1433 * 64 + 64 + 2 * (64 * 64 + 64) + 64 + 1
            )
        },
    ),
}
