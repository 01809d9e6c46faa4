"""GraphSAGE, mean aggregator. Hamilton, Ying and Leskovec, NeurIPS 2017, alg. 1: h'_v = act(W [h_v, mean_u h_u])."""

from __future__ import annotations

from functools import partial
from itertools import pairwise
from typing import Annotated, Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch_geometric.nn import SAGEConv

from graphlab.core.citation import Citation
from graphlab.core.config import Choices, FloatRange, IntRange, PositiveInt, Probability
from graphlab.data.spec import Continuous, DataSpec, Target
from graphlab.model.base import ModelConfig, Preset
from graphlab.model.layered import Block, LayeredModel
from graphlab.model.observation import is_observed, observe, observe_rows, observed_linear
from graphlab.model.sparse_features import FeatureInput, SparseRows, convolve, linear


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

    version = 2
    tasks = frozenset({"node-classification", "graph-prediction"})
    output_items = frozenset({"nodes"})
    observation_points = ("adjacency",)
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
        self.features, self.normalize = FeatureInput(config.dropout), config.normalize
        self.weighted = spec.weighted
        self.convs = nn.ModuleList(SAGEConv(i, o, normalize=config.normalize) for i, o in pairwise(widths))

    @classmethod
    def expressiveness(cls, config: Config) -> str:
        return "1-WL"

    def block(self, edge_index: Tensor, edge_weight: Tensor | None, num_nodes: int) -> Block:
        return averaged(edge_index, edge_weight, num_nodes)

    def layer(self, depth: int, x: Tensor, block: Block) -> Tensor:
        conv: Any = self.convs[depth]
        if any(map(is_observed, (self, conv, conv.lin_l, conv.lin_r))):
            if is_observed(conv, "message"):
                return self._laid_out(conv, F.dropout(x.relu() if depth else x, self.dropout, self.training), block)
            return self._observed(conv, depth, x, block)
        rows = F.dropout(x.relu(), self.dropout, self.training) if depth else self.features(x)
        own = rows if isinstance(rows, SparseRows) else block.of_targets(rows)
        mean = convolve(rows, conv.lin_l.weight, block.sum) + conv.lin_l.bias
        out = mean + block.of_targets(linear(own, conv.lin_r.weight))
        return F.normalize(out, dim=-1) if self.normalize else out

    def _observed(self, conv: Any, depth: int, x: Tensor, block: Block) -> Tensor:
        """The same past the points of the layer; maps come before sums."""
        mapped = observed_linear(conv.lin_l, self._rows(conv.lin_l, depth, x))
        assert block.edge_weight is not None
        mean = block.with_weights(observe(self, "adjacency", block.edge_weight)).sum(mapped)
        own = block.of_targets(observed_linear(conv.lin_r, self._rows(conv.lin_r, depth, x)))
        out = observe(conv, "aggregate", mean) + conv.lin_l.bias + own
        return F.normalize(out, dim=-1) if self.normalize else out

    def _laid_out(self, conv: Any, x: Tensor, block: Block) -> Tensor:
        """The same through PyG's layer, whose messages are laid out; it has none with weights."""
        if not self.weighted:
            return conv((x, block.of_targets(x)), block.edge_index)
        out = conv.lin_l(block.sum(x)) + conv.lin_r(block.of_targets(x))
        return F.normalize(out, dim=-1) if self.normalize else out

    def _rows(self, layer: Any, depth: int, x: Tensor) -> Tensor | SparseRows:
        """What a layer reads, observed before dropout, so that training and evaluation have one range."""
        if not depth:
            return self.features(x, partial(observe_rows, layer, "input"))
        return F.dropout(observe(layer, "input", x.relu()), self.dropout, self.training)


def averaged(edge_index: Tensor, edge_weight: Tensor | None, num_nodes: int) -> Block:
    """The edges with weights by the number of edges into a node, so that sums are means."""
    target = edge_index[1]
    share = 1 / torch.bincount(target, minlength=num_nodes).float().index_select(0, target)
    return Block(edge_index, num_nodes, share if edge_weight is None else share * edge_weight)


PRESETS = {
    "planetoid": Preset(
        source="GraphLab's own choice",
        is_published=False,
        training={"epochs": 200, "lr": 0.01, "weight_decay": 5e-4},
        num_parameters={DataSpec("nodes", (Target("y", "node", "class", 7),), node=Continuous(1433)): 184_391},
    ),
}
