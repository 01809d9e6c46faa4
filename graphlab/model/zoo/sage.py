"""GraphSAGE, mean aggregator. Hamilton, Ying and Leskovec, NeurIPS 2017, alg. 1: h'_v = act(W [h_v, mean_u h_u])."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated

import torch.nn.functional as F
from torch import Tensor, nn
from torch_geometric.nn import SAGEConv
from torch_geometric.utils import scatter

from graphlab.core.citation import Citation
from graphlab.core.config import Choices, FloatRange, IntRange, PositiveInt, Probability
from graphlab.data.spec import Continuous, DataSpec, Target
from graphlab.model.base import ModelConfig, Preset
from graphlab.model.dropout import FeatureDropout
from graphlab.model.layered import Block, LayeredModel


class Config(ModelConfig):
    hidden_dim: Annotated[PositiveInt, IntRange(8, 256, log=True)] = 64
    num_layers: Annotated[PositiveInt, IntRange(1, 4)] = 2
    dropout: Annotated[Probability, FloatRange(0.0, 0.8)] = 0.5
    normalize: Annotated[bool, Choices((False, True))] = False


class SAGE(LayeredModel):
    """GraphSAGE with ReLU and dropout between layers; over whole neighbourhoods, or over those that
    `task.fan_outs` samples.

    With weights of edges the mean is that of w_uv h_u, as in PyG's GraphConv with aggr="mean".
    `normalize` scales each layer's output rows to unit length (algorithm 1, line 7).
    batch.x `[num_nodes, d]`, batch.edge_index `[2, E]` -> `[num_nodes, out_dim]`.
    """

    tasks = frozenset({"node-classification", "graph-prediction"})
    output_items = frozenset({"nodes"})
    edge_fields = frozenset({"edge_weight"})
    citation = Citation(
        key="hamilton2017",
        title="Inductive Representation Learning on Large Graphs",
        authors="Hamilton, William L. and Ying, Rex and Leskovec, Jure",
        venue="NeurIPS",
        year=2017,
        url="https://arxiv.org/abs/1706.02216",
    )

    def __init__(self, config: Config, spec: DataSpec) -> None:
        super().__init__()
        widths = self.layer_widths("sage", spec, config.hidden_dim, config.num_layers)
        self.out_dim, self.num_layers = widths[-1], config.num_layers
        self.dropout = config.dropout
        self.drop_features = FeatureDropout(config.dropout)
        self.convs = nn.ModuleList(SAGEConv(i, o, normalize=config.normalize) for i, o in pairwise(widths))

    @classmethod
    def expressiveness(cls, config: Config) -> str:
        return "1-WL"

    def layer(self, depth: int, x: Tensor, block: Block) -> Tensor:
        x = self.drop_features(x) if depth == 0 else F.dropout(x.relu(), self.dropout, self.training)
        conv, targets = self.convs[depth], block.of_targets(x)
        return conv((x, targets), block.edge_index) if block.edge_weight is None else _weighted(conv, x, targets, block)


def _weighted(conv: nn.Module, x: Tensor, targets: Tensor, block: Block) -> Tensor:
    """The convolution with weights of edges, of which PyG's has none."""
    assert isinstance(conv, SAGEConv) and block.edge_weight is not None
    source, target = block.edge_index
    mean = scatter(x[source] * block.edge_weight.unsqueeze(1), target, dim_size=len(targets), reduce="mean")
    out = conv.lin_l(mean) + conv.lin_r(targets)
    return F.normalize(out, dim=-1) if conv.normalize else out


PRESETS = {
    "planetoid": Preset(
        source="GraphLab's own choice",
        is_published=False,
        training={"epochs": 200, "lr": 0.01, "weight_decay": 5e-4},
        num_parameters={DataSpec("nodes", (Target("y", "node", "class", 7),), node=Continuous(1433)): 184_391},
    ),
}
