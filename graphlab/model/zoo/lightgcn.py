"""LightGCN. He et al., SIGIR 2020, eq. 7, 8 and 13, on a graph of one kind of nodes.

    e_v(k + 1) = sum over u in N(v) of e_u(k) / sqrt(d_u d_v)
    e_v = mean over k = 0 to K of e_v(k),    score(u, v) = e_u . e_v

e_v(0) are the parameters, a vector a node; features are not read, and no loop, map or activation is there. In the
publication nodes are users and items; here all are of one kind. The published loss is `task.loss=bpr`.
"""

from __future__ import annotations

from typing import Annotated

import torch
from torch import Tensor, nn
from torch_geometric.data import Data

from graphlab.core.citation import Citation
from graphlab.core.config import IntRange, PositiveInt
from graphlab.data.spec import LINK, DataSpec
from graphlab.model.base import LinkModel, ModelConfig, Preset, require_transductive, visible_edges
from graphlab.model.node_encoder import normalised_block
from graphlab.model.pairs_in_blocks import scores_in_blocks
from graphlab.model.sparse_features import Remembered


class Config(ModelConfig):
    """embedding_dim  width of the vectors
    num_layers     K, how many steps the vectors are passed on
    """

    embedding_dim: Annotated[PositiveInt, IntRange(8, 256, log=True)] = 64
    num_layers: Annotated[PositiveInt, IntRange(1, 4)] = 3


class LightGCN(LinkModel):
    """Learned vectors, smoothed over the graph, and their inner products."""

    citation = Citation(
        key="he2020",
        title="LightGCN: Simplifying and Powering Graph Convolution Network for Recommendation",
        authors="He, Xiangnan and Deng, Kuan and Wang, Xiang and Li, Yan and Zhang, Yongdong and Wang, Meng",
        venue="SIGIR",
        year=2020,
        url="https://arxiv.org/abs/2002.02126",
    )

    def __init__(self, config: Config, spec: DataSpec) -> None:
        super().__init__()
        self.out_dim, self.num_layers = config.embedding_dim, config.num_layers
        num_nodes = require_transductive("lightgcn", spec)
        self.vectors = nn.Parameter(nn.init.xavier_uniform_(torch.empty(num_nodes, config.embedding_dim)))
        self._block = Remembered(normalised_block)

    def encode(self, graph: Data) -> Tensor:
        """e_v `[num_nodes, embedding_dim]`."""
        block = self._block(visible_edges(graph), int(graph.num_nodes or 0), self.vectors.dtype)
        rows = total = self.vectors
        for _ in range(self.num_layers):
            rows = block.sum(rows)
            total = total + rows
        return total / (self.num_layers + 1)

    def score_nodes(self, encoding: Tensor, sources: Tensor, candidates: Tensor | None = None) -> Tensor:
        if candidates is None:
            return encoding[sources] @ encoding.T
        return scores_in_blocks(
            lambda pairs: self.score_pairs(encoding, pairs), sources, candidates, len(encoding), self.out_dim
        )

    def score_pairs(self, encoding: Tensor, pairs: Tensor) -> Tensor:
        """Scores `[P]` of pairs int64 `[P, 2]`."""
        first, second = encoding[pairs].unbind(1)
        return (first * second).sum(-1)


PRESETS = {
    "link-prediction": Preset(
        source=(
            "section 4.1.2: vectors of 64 numbers, three layers, batches of 1,024, Adam at 0.001; regularisation of "
            "1e-4 is a weight decay on all vectors, in place of a term on those of the batch"
        ),
        task={"batch_size": 1024, "remove_one_hop": False, "evaluation_batch_size": 1_000_000, "loss": "bpr"},
        training={"epochs": 1000, "lr": 0.001, "weight_decay": 1e-4},
        ours=("training.weight_decay", "training.patience"),
        num_parameters={DataSpec("node-pairs", (LINK,), num_entities=2708): 2708 * 64},
    ),
}
