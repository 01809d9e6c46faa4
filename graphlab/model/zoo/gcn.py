"""Graph convolutional network. Kipf and Welling, ICLR 2017, eq. 8-9: H' = act(D^-1/2 (A + I) D^-1/2 H W)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import pairwise
from typing import Annotated, Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch_geometric.nn import GCNConv
from torch_geometric.nn.conv.gcn_conv import gcn_norm

from graphlab.core.citation import Citation
from graphlab.core.config import FloatRange, IntRange, PositiveInt, Probability
from graphlab.data.spec import Continuous, DataSpec, Target
from graphlab.model.base import ModelConfig, Preset
from graphlab.model.edges import require_positive
from graphlab.model.layered import Block, LayeredModel
from graphlab.model.observation import is_observed, observe, observe_rows, observed_linear
from graphlab.model.sparse_features import FeatureInput, SparseRows, convolve
from graphlab.model.sum_bias import SumBias


class Config(ModelConfig):
    hidden_dim: Annotated[PositiveInt, IntRange(8, 256, log=True)] = 16
    num_layers: Annotated[PositiveInt, IntRange(1, 4)] = 2
    dropout: Annotated[Probability, FloatRange(0.0, 0.8)] = 0.5


class GCN(LayeredModel):
    """Convolutions with ReLU and dropout between them; edges are read as undirected messages u -> v.

    Weights of edges take the places of the ones in A, and D has their sums, as in PyG's GCNConv. In a sampled
    mini-batch D has the sums of the sampled edges, as there too.
    batch.x `[num_nodes, d]`, batch.edge_index `[2, E]` -> `[num_nodes, out_dim]`.
    """

    version = 2
    tasks = frozenset({"node-classification", "graph-prediction"})
    output_items = frozenset({"nodes"})
    observation_points = ("adjacency",)
    edge_fields = frozenset({"edge_weight"})
    citation = Citation(
        key="kipf2017",
        title="Semi-Supervised Classification with Graph Convolutional Networks",
        authors="Kipf, Thomas N. and Welling, Max",
        venue="ICLR",
        year=2017,
        url="https://arxiv.org/abs/1609.02907",
    )

    def __init__(self, config: Config, spec: DataSpec) -> None:
        super().__init__()
        widths = self.layer_widths("gcn", spec, config.hidden_dim, config.num_layers)
        self.out_dim, self.num_layers = widths[-1], config.num_layers
        self.dropout = config.dropout
        self.features = FeatureInput(config.dropout)
        self.convs = nn.ModuleList(GCNConv(i, o, normalize=False) for i, o in pairwise(widths))

    @classmethod
    def expressiveness(cls, config: Config) -> str:
        return "1-WL"

    def block(self, edge_index: Tensor, edge_weight: Tensor | None, num_nodes: int) -> Block:
        return normalised(edge_index, edge_weight, num_nodes)

    def layer(self, depth: int, x: Tensor, block: Block) -> Tensor:
        conv: Any = self.convs[depth]
        if is_observed(conv, "message"):
            x = F.dropout(x.relu() if depth else x, self.dropout, self.training)
            return block.of_targets(conv(x, block.edge_index, block.edge_weight))
        if is_observed(self) or is_observed(conv) or is_observed(conv.lin):
            h = observed_linear(conv.lin, self._rows(conv.lin, depth, x))
            assert block.edge_weight is not None
            total = block.with_weights(observe(self, "adjacency", block.edge_weight)).sum(h)
            return observe(conv, "aggregate", total) + conv.bias
        rows = F.dropout(x.relu(), self.dropout, self.training) if depth else self.features(x)
        return convolve(rows, conv.lin.weight, block.sum) + conv.bias

    def _rows(self, layer: Any, depth: int, x: Tensor) -> Tensor | SparseRows:
        """What a layer reads, observed before dropout, so that training and evaluation have one range."""
        if not depth:
            return self.features(x, partial(observe_rows, layer, "input"))
        return F.dropout(observe(layer, "input", x.relu()), self.dropout, self.training)

    def sum_biases(self) -> Iterator[SumBias]:
        """Those of the layers, which are added to sums of mapped rows times weights of edges."""
        convs: list[Any] = list(self.convs)
        for conv in convs:
            yield SumBias(conv, ((conv.lin, "output"), (self, "adjacency")))

    def parameter_groups(self, weight_decay: float) -> list[dict[str, Any]]:
        """The paper regularises the first layer alone (section 5.2)."""
        return [
            {"params": list(self.convs[0].parameters()), "weight_decay": weight_decay},
            {"params": list(self.convs[1:].parameters()), "weight_decay": 0.0},
        ]


def normalised(edge_index: Tensor, edge_weight: Tensor | None, num_nodes: int) -> Block:
    """The edges with a loop a node, and the weights of D^-1/2 (A + I) D^-1/2."""
    require_positive(edge_weight, "gcn")
    edges, weight = gcn_norm(edge_index, edge_weight, num_nodes=num_nodes, dtype=torch.float32)
    assert isinstance(edges, Tensor)
    return Block(edges, num_nodes, weight)


PRESETS = {
    "planetoid": Preset(
        source="section 5.2; early stopping replaced by selection on validation",
        training={"epochs": 200, "lr": 0.01, "weight_decay": 5e-4},
        ours=("training.patience",),
        num_parameters={DataSpec("nodes", (Target("y", "node", "class", 7),), node=Continuous(1433)): 23_063},
    ),
}
