"""Label propagation. Zhu, Ghahramani and Lafferty, ICML 2003, section 2: F <- D^-1 A F, known labels clamped.

A has the weights of edges where there are any, else ones; D has its row sums.
"""

from __future__ import annotations

from typing import Annotated

import torch
from torch import Tensor
from torch_geometric.data import Data
from torch_geometric.utils import scatter

from graphlab.core.citation import Citation
from graphlab.core.config import IntRange, PositiveInt
from graphlab.data.spec import DataSpec
from graphlab.model.base import Model, ModelConfig
from graphlab.model.edges import edge_weight, require_positive, weighted_messages

FLOOR = 1e-6
"""Probability of a class that no walk has reached: keeps the logarithm finite."""


class Config(ModelConfig):
    num_iterations: Annotated[PositiveInt, IntRange(1, 200, log=True)] = 50


class LabelPropagation(Model):
    """No parameters: training labels spread over the edges for a number of iterations.

    batch.known_labels `[num_nodes, num_classes]`, batch.edge_index `[2, E]` -> log probabilities
    `[num_nodes, num_classes]`.
    """

    tasks = frozenset({"node-classification"})
    output_items = frozenset({"nodes"})
    edge_fields = frozenset({"edge_weight"})
    needs_whole_graph = True
    citation = Citation(
        key="zhu2003",
        title="Semi-Supervised Learning Using Gaussian Fields and Harmonic Functions",
        authors="Zhu, Xiaojin and Ghahramani, Zoubin and Lafferty, John",
        venue="ICML",
        year=2003,
        url="https://cdn.aaai.org/ICML/2003/ICML03-118.pdf",
    )

    def __init__(self, config: Config, spec: DataSpec) -> None:
        super().__init__()
        self.out_dim = spec.num_outputs
        self.num_iterations = config.num_iterations

    def forward(self, batch: Data) -> Tensor:
        known = batch.known_labels
        clamped = known.sum(dim=1, keepdim=True) > 0
        require_positive(edge_weight(batch), "label-propagation")
        spread = _spread if edge_weight(batch) is None else _spread_by_weight
        labels = known
        for _ in range(self.num_iterations):
            labels = torch.where(clamped, known, spread(batch, labels))
        return labels.clamp(min=FLOOR).log()


def _spread(batch: Data, labels: Tensor) -> Tensor:
    """Each node's mean over its neighbours: `[num_nodes, num_classes]` to the same."""
    source, target = batch["edge_index"]
    return scatter(labels[source], target, dim_size=len(labels), reduce="mean")


def _spread_by_weight(batch: Data, labels: Tensor) -> Tensor:
    """The same, weighted by edges; 0 where all weights are 0."""
    totals = weighted_messages(batch, labels.new_ones(len(labels), 1), "sum")
    return weighted_messages(batch, labels, "sum") / torch.where(totals > 0, totals, 1)
