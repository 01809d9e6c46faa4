"""Features to probes, as in CLRS-30, and how predictions are fed back.

With h a row of a node and e a row of a pair, and linear maps of their own for each probe, the scores are:

    node   value, mask, mask-one, class       D h[i]
           pointer i -> j                     w . max(A h[i], B h[j] + C e[j, i])
           permutation                        the same, and D h[i] for the first node
    edge   value, mask, class                 A h[i] + B h[j] + C e[i, j]
           pointer (i, j) -> k                w . max(A h[i] + B h[j] + C e[i, j], D h[k])
    graph  value, mask, class                 A (max over i of h[i]) + B g

Scores of a permutation become the logarithm of a doubly stochastic matrix by Sinkhorn's normalisation.

References:
    Velickovic et al., The CLRS Algorithmic Reasoning Benchmark, ICML 2022.
    Ibarz et al., A Generalist Neural Algorithmic Learner, LoG 2022.
    Mena et al., Learning Latent Permutations with Gumbel-Sinkhorn Networks, ICLR 2018.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from graphlab.algorithms.algorithm import Probe
from graphlab.core.errors import InputError
from graphlab.model.algorithmic.encoders import linear
from graphlab.model.algorithmic.instances import pairs_there

ABSENT = -1e9
"""The score of what is not there: its probability is 0 in float32 and float64, and its gradient too."""

TEMPERATURE = 0.1
SINKHORN_STEPS = 10


class Order(NamedTuple):
    """A prediction of an order.

    Shapes:
        log_matrix: `[B, n, n]`, the logarithm of the probability that j is the predecessor of i, the last of the first
        first: `[B, n]`, logits of the first node
    """

    log_matrix: Tensor
    first: Tensor


class Rows(NamedTuple):
    """What is decoded.

    Shapes:
        node: `[B, n, node_dim]`
        pair: `[B, n, n, pair_dim]`
        graph: `[B, graph_dim]`
        there: bool `[B, n]`
    """

    node: Tensor
    pair: Tensor
    graph: Tensor
    there: Tensor


class Decoder(nn.Module):
    """The scores of one probe.

    Args:
        probe: What is predicted.
        node_dim: Width of rows of nodes.
        pair_dim: Width of rows of pairs.
        graph_dim: Width of rows of graphs.
        hidden_dim: Width in which pointers are compared.

    Shapes, by location `...` of the probe:
        value, mask, mask-one: `[B, ...]`
        class: `[B, ..., classes]`
        pointer: `[B, ..., n]`
        permutation: an `Order`
    """

    def __init__(self, probe: Probe, node_dim: int, pair_dim: int, graph_dim: int, hidden_dim: int) -> None:
        super().__init__()
        self.probe = probe
        self.points = probe.type in ("pointer", "permutation")
        if probe.location == "graph" and (self.points or probe.type == "mask-one"):
            raise InputError(f"a {probe.type} of a graph cannot be decoded", hint="no algorithm has one")
        if probe.location == "edge" and probe.type in ("permutation", "mask-one"):
            raise InputError(f"a {probe.type} of pairs cannot be decoded", hint="no algorithm has one")
        width = hidden_dim if self.points else probe.size if probe.type == "class" else 1
        self.source = linear(graph_dim if probe.location == "graph" else node_dim, width)
        self.target = linear(node_dim, width) if probe.location != "node" or self.points else None
        self.pair = linear(pair_dim, width) if probe.location == "edge" or self.points else None
        self.pointed = linear(node_dim, width) if probe.location == "edge" and self.points else None
        self.score = linear(hidden_dim, 1) if self.points else None
        self.first = linear(node_dim, 1) if probe.type == "permutation" else None

    def forward(self, rows: Rows) -> Tensor | Order:
        match self.probe.location:
            case "node":
                scores = self._of_nodes(rows)
            case "edge":
                scores = self._of_pairs(rows)
            case _:
                scores = self._of_graphs(rows)
        if self.probe.type in ("value", "mask", "mask-one"):
            scores = scores.squeeze(-1)
        if self.points:
            places = rows.there.view(len(scores), *(1,) * (scores.dim() - 2), -1)
            scores = scores.masked_fill(~places, ABSENT)
        if self.probe.type == "mask-one":
            scores = scores.masked_fill(~rows.there, ABSENT)
        if self.first is None:
            return scores
        first = self.first(rows.node).squeeze(-1).masked_fill(~rows.there, ABSENT)
        return Order(log_sinkhorn(scores, rows.there, noise=self.training), first)

    def _of_nodes(self, rows: Rows) -> Tensor:
        source = self.source(rows.node)
        if self.score is None or self.target is None or self.pair is None:
            return source
        towards = self.target(rows.node).unsqueeze(2) + self.pair(rows.pair)
        return self.score(torch.maximum(source.unsqueeze(2), towards.transpose(1, 2))).squeeze(-1)

    def _of_pairs(self, rows: Rows) -> Tensor:
        assert self.target is not None and self.pair is not None
        scores = self.source(rows.node).unsqueeze(2) + self.target(rows.node).unsqueeze(1) + self.pair(rows.pair)
        if self.score is None or self.pointed is None:
            return scores
        pointed = self.pointed(rows.node)[:, None, None]
        return self.score(torch.maximum(scores.unsqueeze(3), pointed)).squeeze(-1)

    def _of_graphs(self, rows: Rows) -> Tensor:
        assert self.target is not None
        largest = rows.node.masked_fill(~rows.there.unsqueeze(-1), -torch.inf).amax(1)
        return self.target(largest) + self.source(rows.graph)


def log_sinkhorn(
    scores: Tensor, there: Tensor, *, noise: bool = False, steps: int = SINKHORN_STEPS, temperature: float = TEMPERATURE
) -> Tensor:
    """The logarithm of a doubly stochastic matrix with a zero diagonal, of the nodes that are there.

    Args:
        scores: `[B, n, n]`.
        there: bool `[B, n]`.
        noise: Whether to add Gumbel noise, as in training.
        steps: How often rows and columns are normalised.
        temperature: The smaller, the nearer is the matrix to a permutation.
    """
    if noise:
        uniform = torch.rand_like(scores)
        scores = scores - torch.log(-torch.log(uniform + 1e-12) + 1e-12)
    absent = ~pairs_there(there)
    scores = scores / temperature - 1e6 * torch.eye(scores.shape[-1], dtype=scores.dtype, device=scores.device)
    scores = scores.masked_fill(absent, ABSENT)
    for _ in range(steps):
        for axis in (-1, -2):
            scores = scores.log_softmax(axis).masked_fill(absent, ABSENT)
    return scores


def feed_back(probe: Probe, scores: Tensor, *, hard: bool) -> Tensor:
    """A predicted hint as `numbers` gives a true one.

    Args:
        probe: The hint.
        scores: As `Decoder` gives them.
        hard: Whether the likeliest is taken, without a gradient, or probabilities, with one.
    """
    match probe.type:
        case "value":
            return scores.detach() if hard else scores
        case "mask":
            return (scores > 0).to(scores.dtype) if hard else scores.sigmoid()
        case _:
            if hard:
                return F.one_hot(scores.argmax(-1), scores.shape[-1]).to(scores.dtype)
            return scores.softmax(-1)
