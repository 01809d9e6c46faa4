"""Graph auto-encoder. Kipf and Welling, Variational Graph Auto-Encoders, 2016, section 3.

    Z = A~ ReLU(A~ X W0) W1,    score(u, v) = z_u . z_v,    A~ = D^-1/2 (A + I) D^-1/2

Where the data have no node features X is the identity, so that W0 is one vector a node.
"""

from __future__ import annotations

from typing import Annotated

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch_geometric.data import Data

from graphlab.core.citation import Citation
from graphlab.core.config import FloatRange, IntRange, PositiveInt, Probability
from graphlab.data.spec import LINK, DataSpec
from graphlab.model.base import LinkModel, ModelConfig, Preset, input_dim, require_transductive, visible_edges
from graphlab.model.sparse_features import Remembered
from graphlab.ops.neighbour_sum import Neighbours, neighbour_sum


class Config(ModelConfig):
    """hidden_dim     width between the two convolutions
    embedding_dim  width of z
    dropout        of the hidden units
    """

    hidden_dim: Annotated[PositiveInt, IntRange(8, 256, log=True)] = 32
    embedding_dim: Annotated[PositiveInt, IntRange(8, 128, log=True)] = 16
    dropout: Annotated[Probability, FloatRange(0.0, 0.8)] = 0.0


class GAE(LinkModel):
    """Two graph convolutions, and the inner product of what they make of two nodes."""

    citation = Citation(
        key="kipf2016",
        title="Variational Graph Auto-Encoders",
        authors="Kipf, Thomas N. and Welling, Max",
        venue="NIPS Workshop on Bayesian Deep Learning",
        year=2016,
        url="https://arxiv.org/abs/1611.07308",
    )

    version = 2
    output_dims = {"first": 1, "second": 1}

    def __init__(self, config: Config, spec: DataSpec) -> None:
        super().__init__()
        self.out_dim = config.embedding_dim
        self.dropout = config.dropout
        self.has_features = spec.node is not None
        rows = input_dim(spec.node, "gae") if self.has_features else require_transductive("gae", spec)
        self.first = nn.Parameter(nn.init.xavier_uniform_(torch.empty(rows, config.hidden_dim)))
        self._neighbours = Remembered(_normalised)
        self.second = nn.Parameter(nn.init.xavier_uniform_(torch.empty(config.hidden_dim, config.embedding_dim)))

    def encode(self, graph: Data) -> Tensor:
        """Embeddings `[num_nodes, embedding_dim]`."""
        neighbours, weight = self._neighbours(visible_edges(graph), int(graph.num_nodes or 0))
        rows = graph["x"] @ self.first if self.has_features else self.first
        hidden = neighbour_sum(neighbours, rows, weight).relu()
        return neighbour_sum(neighbours, F.dropout(hidden, self.dropout, self.training) @ self.second, weight)

    def score_nodes(self, encoding: Tensor, sources: Tensor, candidates: Tensor | None = None) -> Tensor:
        if candidates is None:
            return encoding[sources] @ encoding.T
        return (encoding[sources].unsqueeze(1) * encoding[candidates]).sum(-1)

    def score_pairs(self, encoding: Tensor, pairs: Tensor) -> Tensor:
        """One look-up of both ends, which is faster and whose gradient sums in the order of the pairs."""
        first, second = encoding[pairs].unbind(1)
        return (first * second).sum(-1)


def _normalised(edge_index: Tensor, num_nodes: int) -> tuple[Neighbours, Tensor]:
    """The edges and a loop a node, and the entry of A~ that each stands for, `[E + num_nodes]`."""
    node = torch.arange(num_nodes, device=edge_index.device)
    edges = torch.cat([edge_index, node.expand(2, -1)], dim=1)
    source, target = edges
    degree = target.bincount().float()
    return Neighbours(edges, num_nodes, num_nodes), (degree[source] * degree[target]).rsqrt()


PRESETS = {
    "link-prediction": Preset(
        source=(
            "section 4: 200 steps of Adam on the whole graph; sampled negatives, as many as links, in place of the "
            "weighted loss over all pairs"
        ),
        task={"batch_size": None, "remove_one_hop": False, "evaluation_batch_size": 1_000_000},
        training={"epochs": 200, "lr": 0.01},
        ours=("task.num_negatives",),
        num_parameters={DataSpec("node-pairs", (LINK,), num_entities=2708): 2708 * 32 + 32 * 16},
    ),
}
