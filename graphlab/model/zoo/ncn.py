"""Neural common neighbour. Wang, Yang and Zhang, ICLR 2024, section 4.

    Z = encoder(X, A),    score(u, v) = MLP([z_u * z_v, sum over w in N(u) and N(v) of z_w])

with * entry by entry. It is NCN as the text of the publication has it: no scaling of the sum, no layer norm, no second
MLP for either part. The links that a training step asks about are hidden from both the encoder and the neighbourhoods.
`graphlab.model.node_encoder` has the encoders. Where the data have no node features X is a learned vector a node.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import torch
from torch import Tensor
from torch_geometric.data import Data

from graphlab.core.citation import Citation
from graphlab.core.config import Choices, FloatRange, IntRange, PositiveInt, Probability
from graphlab.data.spec import LINK, Continuous, DataSpec
from graphlab.model.base import LinkModel, ModelConfig, Preset, visible_edges
from graphlab.model.node_encoder import EncoderName, NodeEncoder, mlp
from graphlab.model.pair_neighbours import NeighbourLists
from graphlab.model.pairs_in_blocks import scores_in_blocks
from graphlab.ops.neighbour_sum import Neighbours, neighbour_sum


class Config(ModelConfig):
    """encoder     layers of the graph network
    num_layers  of the encoder
    hidden_dim  width of each of its layers, and of the MLP
    dropout     between layers of the encoder, and in the MLP
    """

    encoder: Annotated[EncoderName, Choices()] = "gcn"
    num_layers: Annotated[PositiveInt, IntRange(1, 4)] = 2
    hidden_dim: Annotated[PositiveInt, IntRange(16, 256, log=True)] = 64
    dropout: Annotated[Probability, FloatRange(0.0, 0.8)] = 0.0


@dataclass(frozen=True)
class EncodedGraph:
    """Rows of nodes `[num_nodes, hidden_dim]`, and the neighbours of each."""

    rows: Tensor
    neighbours: NeighbourLists


class NCN(LinkModel):
    """The product of the rows of two nodes beside the sum of their common neighbours' rows."""

    citation = Citation(
        key="wang2024ncn",
        title="Neural Common Neighbor with Completion for Link Prediction",
        authors="Wang, Xiyuan and Yang, Haotong and Zhang, Muhan",
        venue="ICLR",
        year=2024,
        url="https://arxiv.org/abs/2302.00890",
    )

    def __init__(self, config: Config, spec: DataSpec) -> None:
        super().__init__()
        dim = self.out_dim = config.hidden_dim
        name = type(self).__name__.lower()
        self.encoder = NodeEncoder(name, spec, config.encoder, dim, config.num_layers, config.dropout)
        self.mlp = mlp(2 * dim, dim, config.dropout)

    def encode(self, graph: Data) -> EncodedGraph:
        neighbours = NeighbourLists.of_edges(visible_edges(graph), int(graph.num_nodes or 0))
        return EncodedGraph(self.encoder(graph), neighbours)

    def score_nodes(self, encoding: EncodedGraph, sources: Tensor, candidates: Tensor | None = None) -> Tensor:
        return scores_in_blocks(
            lambda pairs: self.score_pairs(encoding, pairs), sources, candidates, len(encoding.rows), 2 * self.out_dim
        )

    def score_pairs(self, encoding: EncodedGraph, pairs: Tensor) -> Tensor:
        """Scores `[P]` of pairs int64 `[P, 2]`."""
        place, node = encoding.neighbours.common(pairs)
        return self.readout(encoding, pairs, place, node)

    def readout(
        self, encoding: EncodedGraph, pairs: Tensor, place: Tensor, node: Tensor, weight: Tensor | None = None
    ) -> Tensor:
        """Scores `[P]` by the nodes that are summed.

        Args:
            encoding: From `encode`.
            pairs: int64 `[P, 2]`.
            place: The pair that each node is summed for, int64 `[C]`.
            node: int64 `[C]`.
            weight: Of each node in the sum, `[C]`; None for one.
        """
        rows = encoding.rows
        edges = Neighbours(torch.stack([node, place]), len(pairs), len(rows))
        first, second = rows[pairs].unbind(1)
        return self.mlp(torch.cat([first * second, neighbour_sum(edges, rows, weight)], dim=1)).squeeze(1)


PRESETS = {
    "link-prediction": Preset(
        source="GraphLab's own choice: the published settings were searched for each data set and each part",
        is_published=False,
        model={"dropout": 0.3},
        task={"batch_size": 1024, "evaluation_batch_size": 16_384},
        training={"epochs": 100, "lr": 0.005},
        num_parameters={
            DataSpec("node-pairs", (LINK,), node=Continuous(1433), num_entities=2708): (
                1433 * 64 + 64 + 64 * 64 + 64 + 128 * 64 + 64 + 64 + 1
            )
        },
    ),
}
