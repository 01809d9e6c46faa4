"""Subgraphs chosen by a network: Policy-Learn. Bevilacqua et al., ICLR 2024, sec. 4, and the code published with it.

A bag starts as the graph itself. Step t runs a network over the bag so far, which gives each node a logit; one node of
each graph is drawn, and a copy of the graph in which it is marked joins the bag. Another network predicts from the bag.
Both have two streams, of features and of marks, and look at each copy on its own:

    x = [mark | features],  p = mark
    x <- x + relu(BN(GIN([x | p]))),  p <- relu(BN(GIN'(p)))       GIN with bonds, GIN' without
    row:    mean over copies of x + p
    logit:  M(row + mean over nodes of the rows), M = linear, relu, linear
    draw:   while training, Gumbel-softmax with straight-through gradients (Jang et al., ICLR 2017); else the argmax

A node is drawn again only when all have been. Of nodes with equal logits any may be taken, so that no test bounds what
the model tells apart.

The published norms of the network that chooses keep no statistics, so that its choices depend on the batch. Here they
take those of each graph with its copies, which is the same for a batch of one graph.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor, nn
from torch_geometric.data import Data
from torch_geometric.nn import global_mean_pool
from torch_geometric.utils import softmax

from graphlab.core.citation import Citation
from graphlab.core.config import FloatRange, IntRange, PositiveFloat, PositiveInt
from graphlab.data.spec import DataSpec, Features
from graphlab.model.base import Model, ModelConfig, Preset
from graphlab.model.subgraph.inputs import EdgeTable, NodeInput, edge_kinds
from graphlab.model.subgraph.sampling import top_of_each
from graphlab.ops.segment_norm import segment_norm
from graphlab.ops.tuple_spmm import Messages, tuple_spmm

DRAWN = 1e6
"""What a drawn node's logit is lowered by."""


class Config(ModelConfig):
    """num_layers        layers of the network that predicts
    selection_layers  layers of the network that chooses
    marks             nodes that are chosen, T
    temperature       of Gumbel-softmax
    """

    hidden_dim: Annotated[int, Field(ge=2), IntRange(16, 128, log=True)] = 64
    num_layers: Annotated[PositiveInt, IntRange(1, 8)] = 6
    selection_layers: Annotated[PositiveInt, IntRange(1, 6)] = 6
    marks: Annotated[PositiveInt, IntRange(1, 20)] = 2
    temperature: Annotated[PositiveFloat, FloatRange(0.1, 2.0)] = 0.66


@dataclass(frozen=True)
class Copies:
    """Copies of a batch of graphs, one after the other, as `[K N, dim]`.

    Attributes:
        messages: Along the edges of all copies.
        count: K.
        sizes: Nodes of each graph, int64 `[G]`.
    """

    messages: Messages
    count: int
    sizes: Tensor


class BatchNorm(nn.BatchNorm1d):
    """Of all rows of a batch, `[K N, dim]`."""

    def forward(self, h: Tensor, copies: Copies) -> Tensor:  # pyright: ignore[reportIncompatibleMethodOverride]
        return super().forward(h)


class NormOfGraphs(nn.Module):
    """Rows of mean 0 and variance 1 in each column over the nodes of a graph in all its copies, scaled and shifted:
    `[K N, dim]` -> `[K N, dim]`, the same in training and evaluation."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.ones(dim)), nn.Parameter(torch.zeros(dim))

    def forward(self, h: Tensor, copies: Copies) -> Tensor:
        by_node = h.unflatten(0, (copies.count, -1)).transpose(0, 1)
        normed = segment_norm(by_node.reshape(-1, h.size(1)), copies.sizes * copies.count, self.weight, self.bias)
        return normed.view_as(by_node).transpose(0, 1).flatten(0, 1)


Norm = type[BatchNorm] | type[NormOfGraphs]


class Stream(nn.Module):
    """relu(norm(GIN(h))): `[K N, width]` -> `[K N, dim]`."""

    def __init__(self, width: int, dim: int, edge: Features | None, norm: Norm) -> None:
        super().__init__()
        self.eps = nn.Parameter(torch.zeros(()))
        self.table = None if edge is None else EdgeTable(edge, width)
        self.first, self.first_norm, self.second = nn.Linear(width, dim), norm(dim), nn.Linear(dim, dim)
        self.norm = norm(dim)

    def forward(self, copies: Copies, h: Tensor, batch: Data) -> Tensor:
        table = None if self.table is None else self.table(batch, h.dtype)
        aggregated = tuple_spmm(copies.messages, h, table, 1 + self.eps)
        inner = self.first_norm(self.first(aggregated), copies).relu()
        return self.norm(self.second(inner), copies).relu()


class BagNetwork(nn.Module):
    """Marks to node rows `[N, dim]`: the mean over copies."""

    def __init__(self, spec: DataSpec, dim: int, num_layers: int, norm: Norm) -> None:
        super().__init__()
        self.edge = spec.edge
        self.node = NodeInput(spec.node, dim - 1)
        widths = [1, *[dim] * (num_layers - 1)]
        self.features = nn.ModuleList(Stream(dim + width, dim, spec.edge, norm) for width in widths)
        self.marks = nn.ModuleList(Stream(width, dim, None, norm) for width in widths)

    def forward(self, batch: Data, marks: Tensor) -> Tensor:
        """marks: `[K, N]`, 1 where a copy marks a node."""
        count, sizes = len(marks), torch.bincount(_graph_of(batch))
        plain = Copies(copy_messages(batch, None, count), count, sizes)
        kind = edge_kinds(batch, self.edge)
        bonded = plain if kind is None else Copies(copy_messages(batch, kind, count), count, sizes)
        p = marks.flatten()[:, None]
        x = torch.cat([p, self.node(batch).repeat(count, 1).to(p.dtype)], dim=1)
        for features, of_marks in zip(self.features, self.marks, strict=True):
            x, p = x + features(bonded, torch.cat([x, p], dim=1), batch), of_marks(plain, p, batch)
        return (x + p).unflatten(0, (count, -1)).mean(0)


def _graph_of(batch: Data) -> Tensor:
    """The graph of each node, int64 `[N]`."""
    return batch.get("batch", batch["edge_index"].new_zeros(int(batch.num_nodes or 0)))


def copy_messages(batch: Data, edge_kind: Tensor | None, copies: int) -> Messages:
    """Messages along the edges of so many copies of the graphs, one after the other."""
    num_nodes = int(batch.num_nodes or 0)
    offset = num_nodes * torch.arange(copies, device=batch["edge_index"].device)
    source, target = ((offset.unsqueeze(1) + end).flatten() for end in batch["edge_index"])
    kind = None if edge_kind is None else edge_kind.repeat(copies)
    return Messages.of_pairs(target, source, copies * num_nodes, copies * num_nodes, kind)


class PolicyLearn(Model):
    """batch: graphs as they are -> `[num_nodes, hidden_dim]`."""

    version = 2
    tasks = frozenset({"graph-prediction", "node-classification"})
    edge_fields = frozenset({"edge_attr"})
    needs_whole_graph = True
    citation = Citation(
        key="bevilacqua2024",
        title="Efficient Subgraph GNNs by Learning Effective Selection Policies",
        authors="Bevilacqua, Beatrice and Eliasof, Moshe and Meirom, Eli and Ribeiro, Bruno and Maron, Haggai",
        venue="ICLR",
        year=2024,
        url="https://arxiv.org/abs/2310.20082",
    )

    def __init__(self, config: Config, spec: DataSpec) -> None:
        super().__init__()
        dim = config.hidden_dim
        self.marks, self.temperature = config.marks, config.temperature
        self.selection = BagNetwork(spec, dim, config.selection_layers, NormOfGraphs)
        self.logit = nn.Sequential(nn.Linear(dim, 2 * dim), nn.ReLU(), nn.Linear(2 * dim, 1))
        self.prediction = BagNetwork(spec, dim, config.num_layers, BatchNorm)
        self.out_dim = dim

    def forward(self, batch: Data) -> Tensor:
        return self.prediction(batch, self.choose(batch))

    def choose(self, batch: Data) -> Tensor:
        """The marks of the bag, `[marks + 1, N]`: no node, then one node of each graph in each copy."""
        graph = _graph_of(batch)
        marks = next(self.logit.parameters()).new_zeros(1, len(graph))
        for _ in range(self.marks):
            rows = self.selection(batch, marks)
            logit = self.logit(rows + global_mean_pool(rows, graph).index_select(0, graph)).squeeze(1)
            mark = self._draw(logit - DRAWN * marks.detach().sum(0), graph)
            marks = torch.cat([marks, mark.unsqueeze(0)])
        return marks

    def _draw(self, logit: Tensor, graph: Tensor) -> Tensor:
        """One node of each graph, `[N]` of 0 and 1, with the gradients of softmax while training."""
        if self.training:
            logit = logit - torch.empty_like(logit).exponential_().log()
        one = torch.ones_like(torch.bincount(graph))
        hard = top_of_each(logit.detach(), graph, one).to(logit)
        if not self.training:
            return hard
        soft = softmax(logit / self.temperature, graph)
        return hard + soft - soft.detach()


PRESETS = {
    "zinc": Preset(
        source="appendix, and the configuration published with the code: 6 layers of width 64",
        model={"hidden_dim": 64, "num_layers": 6, "selection_layers": 6},
        task={"readout_dims": (128,), "batch_size": 128},
        training={"epochs": 400, "lr": 0.001, "scheduler": "plateau", "gamma": 0.5},
        ours=("task.batch_size", "training.epochs", "training.lr", "training.scheduler", "training.gamma"),
    ),
}
