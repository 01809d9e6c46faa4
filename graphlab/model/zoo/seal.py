"""SEAL. Zhang and Chen, Link Prediction Based on Graph Neural Networks, NeurIPS 2018, with the DGCNN of Zhang et al.,
An End-to-End Deep Learning Architecture for Graph Classification, AAAI 2018.

The score of a pair is that of its enclosing subgraph, without a link of the two (`graphlab.model.enclosing_subgraphs`):

    Z(0) = [one-hot label, x],    Z(t + 1) = tanh(D^-1 (A + I) Z(t) W(t)),    the last of one channel
    rows [Z(1), ..., Z(L)] of a subgraph, sorted by the last channel, largest first; the first `num_sorted`, then zeros
    relu(map of each row to 16), maxima of every two, relu(convolution of 5 rows to 32), relu(map to 128), map to 1

with dropout before the last map. Labels above 99 are as 99. In the publication `num_sorted` is chosen so that 60 % of
the subgraphs have as many nodes; here it is a setting. Where the data have no node features labels alone are read.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, cast

import torch
from pydantic import Field
from torch import Tensor, nn
from torch_geometric.data import Data

from graphlab.core.citation import Citation
from graphlab.core.config import FloatRange, IntRange, PositiveInt, Probability
from graphlab.data.spec import LINK, Continuous, DataSpec
from graphlab.model.base import LinkModel, ModelConfig, Preset, input_dim, visible_edges
from graphlab.model.enclosing_subgraphs import EnclosingSubgraphs, enclosing_subgraphs
from graphlab.model.layered import Block
from graphlab.model.node_encoder import dtype_of
from graphlab.model.pair_neighbours import NeighbourLists
from graphlab.model.pairs_in_blocks import scores_in_blocks
from graphlab.model.sparse_features import FeatureInput, linear

LAST_LABEL = 99
PAIRS_AT_ONCE = 512
"""Pairs whose subgraphs are made together."""


class Config(ModelConfig):
    """num_hops    h, how far a node of the subgraph is at most from one of the two
    num_layers  graph convolutions, one of one channel not counted
    hidden_dim  channels of each
    num_sorted  rows that are kept of a subgraph
    dropout     before the last map
    """

    num_hops: Annotated[PositiveInt, IntRange(1, 2)] = 1
    num_layers: Annotated[PositiveInt, IntRange(1, 4)] = 3
    hidden_dim: Annotated[PositiveInt, IntRange(16, 128, log=True)] = 32
    num_sorted: Annotated[int, Field(ge=10), IntRange(10, 100)] = 30
    dropout: Annotated[Probability, FloatRange(0.0, 0.8)] = 0.5


@dataclass(frozen=True)
class EncodedGraph:
    """The neighbours of each node, and x W(0) `[num_nodes, hidden_dim]` where there are features."""

    neighbours: NeighbourLists
    mapped: Tensor | None


class SEAL(LinkModel):
    """Scores enclosing subgraphs, whose nodes are labelled by their distances from both ends."""

    citation = Citation(
        key="zhang2018seal",
        title="Link Prediction Based on Graph Neural Networks",
        authors="Zhang, Muhan and Chen, Yixin",
        venue="NeurIPS",
        year=2018,
        url="https://arxiv.org/abs/1802.09691",
    )

    def __init__(self, config: Config, spec: DataSpec) -> None:
        super().__init__()
        self.config, dim = config, config.hidden_dim
        self.out_dim = 1
        self.labels = nn.Embedding(LAST_LABEL + 1, dim)
        nn.init.xavier_uniform_(self.labels.weight)
        self.map = None if spec.node is None else nn.Linear(input_dim(spec.node, "seal"), dim, bias=False)
        widths = [*[dim] * config.num_layers, 1]
        self.layers = nn.ModuleList(nn.Linear(dim, width, bias=False) for width in widths[1:])
        self.rows, self.window = nn.Linear(sum(widths), 16), nn.Conv1d(16, 32, 5)
        self.dense = nn.Linear(32 * (config.num_sorted // 2 - 4), 128)
        self.readout = nn.Sequential(nn.ReLU(), nn.Dropout(config.dropout), nn.Linear(128, 1))
        self.features = FeatureInput(0.0)

    def encode(self, graph: Data) -> EncodedGraph:
        neighbours = NeighbourLists.of_edges(visible_edges(graph), int(graph.num_nodes or 0))
        if self.map is None:
            return EncodedGraph(neighbours, None)
        return EncodedGraph(neighbours, linear(self.features(graph["x"].to(dtype_of(self))), self.map.weight))

    def score_nodes(self, encoding: EncodedGraph, sources: Tensor, candidates: Tensor | None = None) -> Tensor:
        num_nodes = len(encoding.neighbours.degree)
        return scores_in_blocks(lambda pairs: self.score_pairs(encoding, pairs), sources, candidates, num_nodes, 1)

    def score_pairs(self, encoding: EncodedGraph, pairs: Tensor) -> Tensor:
        """Scores `[P]` of pairs int64 `[P, 2]`."""
        return torch.cat([self._score(encoding, few) for few in pairs.split(PAIRS_AT_ONCE)])

    def _score(self, encoding: EncodedGraph, pairs: Tensor) -> Tensor:
        subgraphs = enclosing_subgraphs(encoding.neighbours, pairs, self.config.num_hops)
        rows = self.convolved(encoding, subgraphs)
        kept = first_sorted(rows, subgraphs.pair, len(pairs), self.config.num_sorted)
        channels = nn.functional.max_pool1d(self.rows(kept).relu().transpose(1, 2), 2)
        return self.readout(self.dense(self.window(channels).relu().flatten(1))).squeeze(1)

    def convolved(self, encoding: EncodedGraph, subgraphs: EnclosingSubgraphs) -> Tensor:
        """[Z(1), ..., Z(L)] of the subgraphs' nodes, `[T, channels]`."""
        block = _mean_with_own(subgraphs.edge_index, len(subgraphs.node), dtype_of(self))
        mapped = self.labels(subgraphs.label.clamp(max=LAST_LABEL))
        if encoding.mapped is not None:
            mapped = mapped + encoding.mapped[subgraphs.node]
        states = [block.sum(mapped).tanh()]
        for layer in cast(list[nn.Linear], list(self.layers)):
            states.append(block.sum(layer(states[-1])).tanh())
        return torch.cat(states, dim=1)


def first_sorted(rows: Tensor, graph: Tensor, num_graphs: int, count: int) -> Tensor:
    """The rows of each graph, sorted by the last channel with the largest first; `count` of them, filled with zeros.

    Shapes:
        rows `[T, channels]`, graph int64 `[T]` ascending -> `[num_graphs, count, channels]`.
    """
    order = rows[:, -1].detach().argsort(descending=True, stable=True)
    order = order[graph[order].argsort(stable=True)]
    size = graph.bincount(minlength=num_graphs)
    place = torch.arange(len(rows), device=rows.device) - (size.cumsum(0) - size)[graph]
    is_kept = place < count
    out = rows.new_zeros(num_graphs * count, rows.size(1))
    index = (graph * count + place)[is_kept]
    return out.index_copy(0, index, rows[order[is_kept]]).view(num_graphs, count, rows.size(1))


def _mean_with_own(edge_index: Tensor, num_rows: int, dtype: torch.dtype) -> Block:
    """D^-1 (A + I), where D counts the loops too."""
    row = torch.arange(num_rows, device=edge_index.device)
    edges = torch.cat([edge_index, row.expand(2, -1)], dim=1)
    degree = edges[1].bincount(minlength=num_rows).to(dtype)
    return Block(edges, num_rows, 1 / degree[edges[1]])


PRESETS = {
    "link-prediction": Preset(
        source=(
            "section 4: the DGCNN with its own settings and 50 epochs; one hop, of the two numbers that are tried. The "
            "link of a pair is taken out of its own subgraph alone"
        ),
        task={"batch_size": 50, "remove_one_hop": False, "evaluation_batch_size": 512},
        training={"epochs": 50, "lr": 0.0001},
        ours=("model.num_sorted", "model.num_hops", "task.batch_size", "training.lr", "training.patience"),
        num_parameters={
            DataSpec("node-pairs", (LINK,), node=Continuous(1433), num_entities=2708): (
                100 * 32
                + 1433 * 32
                + 2 * 32 * 32
                + 32
                + 97 * 16
                + 16
                + 16 * 32 * 5
                + 32
                + 32 * 11 * 128
                + 128
                + 128
                + 1
            )
        },
    ),
}
