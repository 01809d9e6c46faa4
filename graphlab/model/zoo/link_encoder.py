"""A graph network encodes nodes and a decoder scores pairs of their rows. The form of Kipf and Welling, Variational
Graph Auto-Encoders, 2016, in the baselines of Hu et al., Open Graph Benchmark, NeurIPS 2020, section 5.

    Z = encoder(X, A),    score(u, v) = decoder(z_u, z_v)

    dot           z_u . z_v
    bilinear      z_u^T (W + W^T) / 2 z_v
    hadamard-mlp  w_2 . relu(W_1 (z_u * z_v) + b_1) + b_2, with * entry by entry

With `reweight` the edges get other weights every few epochs, by the concentration that the model has learned (Wang et
al., ICLR 2024): see `graphlab.model.reweighting`. The original ones are kept, to which what is learned is added anew.

`graphlab.model.node_encoder` has the encoders. Where the data have no node features X is a learned vector a node. All
decoders score (u, v) and (v, u) alike.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import replace
from typing import Annotated, Any, Literal, Self

import torch
from pydantic import model_validator
from torch import Tensor, nn
from torch_geometric.data import Data

from graphlab.core.citation import Citation
from graphlab.core.config import (
    Choices,
    FloatRange,
    IntRange,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveInt,
    Probability,
)
from graphlab.core.errors import IncompatibleError, InputError
from graphlab.data.spec import LINK, Continuous, DataSpec
from graphlab.model.base import LinkModel, ModelConfig, Preset
from graphlab.model.layered import Block
from graphlab.model.node_encoder import EncoderName, NodeEncoder, mlp
from graphlab.model.pairs_in_blocks import scores_in_blocks
from graphlab.model.reweighting import reweighted


class Config(ModelConfig):
    """encoder     layers of the graph network
    decoder     what scores two rows
    num_layers  of the encoder
    hidden_dim  width of each of its layers, and of the hidden layer of hadamard-mlp
    dropout     between layers of the encoder, and of the hidden layer of hadamard-mlp
    reweight    what the learned part of the edges' weights counts, alpha; 0 leaves them as they are
    reweight_warm_up, reweight_interval  epochs before the first update, and from one to the next
    """

    encoder: Annotated[EncoderName, Choices()] = "gcn"
    decoder: Annotated[Literal["dot", "hadamard-mlp", "bilinear"], Choices()] = "hadamard-mlp"
    num_layers: Annotated[PositiveInt, IntRange(1, 4)] = 2
    hidden_dim: Annotated[PositiveInt, IntRange(16, 256, log=True)] = 64
    dropout: Annotated[Probability, FloatRange(0.0, 0.8)] = 0.0
    reweight: NonNegativeFloat = 0.0
    reweight_warm_up: NonNegativeInt = 1
    reweight_interval: PositiveInt = 10

    @model_validator(mode="after")
    def _scores_products(self) -> Self:
        if self.reweight and self.decoder == "bilinear":
            raise ValueError("reweight needs a decoder that scores products of rows: dot or hadamard-mlp")
        return self


class Decoder(nn.Module, ABC):
    """Scores `[...]` of rows `[..., dim]` of two nodes, the same in both orders."""

    @abstractmethod
    def forward(self, first: Tensor, second: Tensor) -> Tensor: ...

    def of_products(self, products: Tensor) -> Tensor:
        """Scores `[...]` of products of rows `[..., dim]`, of decoders that see no more of a pair."""
        raise NotImplementedError

    def all_nodes(self, rows: Tensor, encoding: Tensor) -> Tensor | None:
        """Scores `[B, num_nodes]` of rows `[B, dim]` with all, where that is a product of matrices; None elsewhere."""
        return None


class Dot(Decoder):
    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        return self.of_products(first * second)

    def of_products(self, products: Tensor) -> Tensor:
        return products.sum(-1)

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
        return self.of_products(first * second)

    def of_products(self, products: Tensor) -> Tensor:
        return self.mlp(products).squeeze(-1)


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
        self.config = config
        self._update_is_due = False
        if config.reweight:
            self.register_buffer("edge_weight", torch.empty(0))
            self.register_load_state_dict_pre_hook(_make_room)

    def encode(self, graph: Data) -> Tensor:
        """Rows of nodes `[num_nodes, hidden_dim]`."""
        if not self.config.reweight:
            return self.encoder(graph)
        if "edge_mask" in graph:
            raise IncompatibleError(
                "link-encoder cannot learn weights of edges that are hidden now and then",
                hint="set task.remove_one_hop=false, or model.reweight=0",
            )
        block = self.encoder.block(graph)
        if self.training and self._update_is_due:
            self._update_is_due = False
            self._update(graph, block)
        return self.encoder.rows(graph, self._reweighted(block))

    def begin_epoch(self, epoch: int) -> None:
        after = epoch - self.config.reweight_warm_up - 1
        self._update_is_due = bool(self.config.reweight) and after >= 0 and after % self.config.reweight_interval == 0

    def _update(self, graph: Data, block: Block) -> None:
        """Learns the weights of the block's edges anew, from rows without dropout."""
        self.eval()
        with torch.no_grad():
            rows = self.encoder.rows(graph, self._reweighted(block))
            original = rows.new_ones(block.edge_index.shape[1]) if block.edge_weight is None else block.edge_weight
            self.edge_weight = reweighted(
                block.edge_index, original, rows, self.decoder.of_products, self.config.reweight
            )
        self.train()

    def _reweighted(self, block: Block) -> Block:
        """The block with the learned weights, if there are any yet."""
        weight = self.get_buffer("edge_weight")
        if not len(weight):
            return block
        if len(weight) != block.edge_index.shape[1]:
            raise InputError(
                f"link-encoder learned weights of {len(weight):,} edges, and is asked about a graph of "
                f"{block.edge_index.shape[1]:,}",
                hint="ask about the graph of training",
            )
        return replace(block, edge_weight=weight)

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


def _make_room(model: nn.Module, state: dict[str, Any], prefix: str, *rest: Any) -> None:
    """There are as many learned weights as the graph of training has edges, and none at first."""
    if f"{prefix}edge_weight" in state:
        model.register_buffer("edge_weight", torch.empty_like(state[f"{prefix}edge_weight"]))


def _decoder(config: Config) -> Decoder:
    if config.decoder == "hadamard-mlp":
        return HadamardMLP(config.hidden_dim, config.dropout)
    return Bilinear(config.hidden_dim) if config.decoder == "bilinear" else Dot()


PRESETS = {
    "planetoid/citeseer@heart": Preset(
        source="Li et al., NeurIPS 2023: settings released for CiteSeer, GCN; they train until validation stops rising",
        model={"num_layers": 1, "hidden_dim": 256, "dropout": 0.5},
        task={"negatives": "hard", "batch_size": 1024, "evaluation_batch_size": 65_536},
        training={"epochs": 300, "evaluate_every": 5, "patience": 10, "lr": 0.01, "weight_decay": 1e-7},
        ours=("training.epochs", "task.evaluation_batch_size"),
    ),
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
