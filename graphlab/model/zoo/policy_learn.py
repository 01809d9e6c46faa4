"""Subgraphs chosen by a network: Policy-Learn. Bevilacqua et al., ICLR 2024, sec. 4.

A bag starts as the graph itself. Step t runs a network over the bag so far, which gives each node a logit; one node of
each graph is drawn, and a copy of the graph in which it is marked joins the bag. Another network predicts from the bag.

    both:  h[k] <- relu(BN(GIN(h[k])) + BN(GIN'(mean over k of h[k]))),  h[k, v] = x[v] + 1[v = mark k] m
    row:   x[v] + mean over k of h[k, v]
    draw:  while training, Gumbel-softmax with straight-through gradients (Jang et al., ICLR 2017); else the argmax

A node is drawn again only when all have been. Of nodes with equal logits any may be taken, so that no test bounds what
the model tells apart.
"""

from __future__ import annotations

from typing import Annotated

import torch
from torch import Tensor, nn
from torch_geometric.data import Data
from torch_geometric.utils import softmax

from graphlab.core.citation import Citation
from graphlab.core.config import FloatRange, IntRange, PositiveFloat, PositiveInt
from graphlab.data.spec import DataSpec, Features
from graphlab.model.base import Model, ModelConfig
from graphlab.model.subgraph.convolution import Convolution, graph_messages
from graphlab.model.subgraph.inputs import NodeInput, edge_kinds
from graphlab.model.subgraph.sampling import top_of_each
from graphlab.ops.tuple_spmm import Messages

DRAWN = 1e6
"""What a drawn node's logit is lowered by."""


class Config(ModelConfig):
    """num_layers        layers of the network that predicts
    selection_layers  layers of the network that chooses
    marks             nodes that are chosen, T
    temperature       of Gumbel-softmax
    """

    hidden_dim: Annotated[PositiveInt, IntRange(16, 128, log=True)] = 64
    num_layers: Annotated[PositiveInt, IntRange(1, 8)] = 4
    selection_layers: Annotated[PositiveInt, IntRange(1, 6)] = 2
    marks: Annotated[PositiveInt, IntRange(1, 20)] = 2
    temperature: Annotated[PositiveFloat, FloatRange(0.1, 2.0)] = 0.66


class Layer(nn.Module):
    """Copies `[K, N, dim]` to copies, each by itself and all by their mean."""

    def __init__(self, dim: int, edge: Features | None) -> None:
        super().__init__()
        self.inside, self.shared = Convolution(dim, edge), Convolution(dim, edge)
        self.norm, self.shared_norm = nn.BatchNorm1d(dim), nn.BatchNorm1d(dim)

    def forward(self, along: Messages, along_copies: Messages, h: Tensor, batch: Data) -> Tensor:
        inside = self.norm(self.inside(along_copies, h.flatten(0, 1), batch)).view_as(h)
        return (inside + self.shared_norm(self.shared(along, h.mean(0), batch))).relu()


class BagNetwork(nn.Module):
    """Node vectors and marks to node rows `[N, dim]`: the mean over copies, added to the vectors."""

    def __init__(self, spec: DataSpec, dim: int, num_layers: int) -> None:
        super().__init__()
        self.edge = spec.edge
        self.node = NodeInput(spec.node, dim)
        self.mark = nn.Parameter(torch.randn(dim))
        self.layers = nn.ModuleList(Layer(dim, spec.edge) for _ in range(num_layers))

    def forward(self, batch: Data, marks: Tensor) -> Tensor:
        """marks: `[K, N]`, 1 where a copy marks a node."""
        kind = edge_kinds(batch, self.edge)
        along, along_copies = graph_messages(batch, kind), copy_messages(batch, kind, len(marks))
        x = self.node(batch)
        h = x + marks.unsqueeze(2) * self.mark
        for layer in self.layers:
            h = layer(along, along_copies, h, batch)
        return x + h.mean(0)


def copy_messages(batch: Data, edge_kind: Tensor | None, copies: int) -> Messages:
    """Messages along the edges of so many copies of the graphs, one after the other."""
    num_nodes = int(batch.num_nodes or 0)
    offset = num_nodes * torch.arange(copies, device=batch["edge_index"].device)
    source, target = ((offset.unsqueeze(1) + end).flatten() for end in batch["edge_index"])
    kind = None if edge_kind is None else edge_kind.repeat(copies)
    return Messages.of_pairs(target, source, copies * num_nodes, copies * num_nodes, kind)


class PolicyLearn(Model):
    """batch: graphs as they are -> `[num_nodes, hidden_dim]`."""

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
        self.selection = BagNetwork(spec, dim, config.selection_layers)
        self.logit = nn.Sequential(nn.Linear(dim, dim), nn.ReLU(), nn.Linear(dim, 1, bias=False))
        self.prediction = BagNetwork(spec, dim, config.num_layers)
        self.out_dim = dim

    def forward(self, batch: Data) -> Tensor:
        return self.prediction(batch, self.choose(batch))

    def choose(self, batch: Data) -> Tensor:
        """The marks of the bag, `[marks + 1, N]`: no node, then one node of each graph in each copy."""
        graph = batch.get("batch", batch["edge_index"].new_zeros(int(batch.num_nodes or 0)))
        marks = self.prediction.mark.new_zeros(1, len(graph))
        for _ in range(self.marks):
            logit = self.logit(self.selection(batch, marks)).squeeze(1)
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
