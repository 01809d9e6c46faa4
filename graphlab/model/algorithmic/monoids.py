"""Message passing whose messages are aggregated by a learned commutative monoid."""

from __future__ import annotations

import torch
from torch import Tensor

from graphlab.core.citation import Citation
from graphlab.model.algorithmic.messages import MPNN
from graphlab.model.algorithmic.processors import ProcessorConfig
from graphlab.model.commutative_monoid import LCMAggregation

TRIPLES = 64
"""Triples that the associativity loss draws a step."""


class MonoidMPNN(MPNN):
    """MPNN in which a balanced tree of a commutative GRU takes the place of the maximum, with the associativity loss as
    the penalty of a step. Messages are combined in the order of their sources, on which a node's result depends as far
    as the operator is not associative.

    References:
        Ong and Velickovic, Learnable Commutative Monoids for Graph Neural Networks, LoG 2022.
    """

    citation = Citation(
        key="ong2022",
        title="Learnable Commutative Monoids for Graph Neural Networks",
        authors="Ong, Euan and Veli\u010dkovi\u0107, Petar",
        venue="LoG",
        year=2022,
        url="https://arxiv.org/abs/2212.08541",
    )

    def __init__(self, config: ProcessorConfig) -> None:
        super().__init__(config)
        self.aggregation = LCMAggregation(config.hidden_dim, config.hidden_dim, project=False)

    def aggregate(self, messages: Tensor, kept: Tensor) -> tuple[Tensor, Tensor | None]:
        batch, nodes = messages.shape[:2]
        kept = kept.transpose(1, 2).flatten(0, 1)
        values = messages.transpose(1, 2).flatten(0, 1)[kept]
        levels = self.aggregation.levels(values, kept.nonzero()[:, 0], batch * nodes)
        penalty = None
        if self.training and len(values):
            penalty = self.aggregation.monoid.associativity_loss(torch.cat(levels), TRIPLES)
        return levels[-1].view(batch, nodes, -1), penalty
