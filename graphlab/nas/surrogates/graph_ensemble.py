"""An ensemble of small graph networks that orders architectures. Dudziak et al., NeurIPS 2020; White et al., AAAI 2021.

Each member embeds the labels, passes messages along and against the edges, h' = relu(h W + A h W_in + A^T h W_out), and
scores the mean of its nodes. Its loss is that of the pairs, log(1 + exp(-(s_a - s_b))) for a better than b. Members
differ in their initial weights and in the bootstrap sample of architectures that they learn from.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from graphlab.core.seeds import SeedStream
from graphlab.nas.core.space import Graph


@dataclass(frozen=True)
class Batch:
    """Graphs of at most n nodes.

    labels   `[b, n]`
    mask     1 where there is a node, `[b, n]`
    reads    1 where the row's node is fed by the column's, `[b, n, n]`
    is_read  its transpose
    """

    labels: Tensor
    mask: Tensor
    reads: Tensor
    is_read: Tensor


def batch_of(graphs: Sequence[Graph]) -> Batch:
    size = max(len(graph.labels) for graph in graphs)
    labels = np.zeros((len(graphs), size), np.int64)
    mask = np.zeros((len(graphs), size), np.float32)
    reads = np.zeros((len(graphs), size, size), np.float32)
    for i, graph in enumerate(graphs):
        labels[i, : len(graph.labels)] = graph.labels
        mask[i, : len(graph.labels)] = 1
        for source, target in graph.edges:
            reads[i, target, source] = 1
    is_read = reads.transpose(0, 2, 1).copy()
    return Batch(*(torch.from_numpy(array) for array in (labels, mask, reads, is_read)))


class Ensemble(nn.Module):
    """`members` networks at once: every weight has a first dimension of that many."""

    def __init__(self, num_labels: int, members: int, width: int, layers: int, stream: SeedStream) -> None:
        super().__init__()
        generator = stream.torch()

        def weight(fan_in: int, *shape: int) -> nn.Parameter:
            return nn.Parameter(torch.randn(members, *shape, generator=generator) / fan_in**0.5)

        self.embedding = weight(1, num_labels, width)
        self.layers = nn.ParameterList(weight(3 * width, 3 * width, width) for _ in range(layers))
        self.hidden = weight(width, width, width)
        self.score = weight(width, width, 1)

    def forward(self, batch: Batch) -> Tensor:
        """Scores `[members, b]`; only their order means anything."""
        mask = batch.mask[None, :, :, None]
        h = self.embedding[:, batch.labels] * mask
        members, width = len(h), h.shape[-1]
        for layer in self.layers:
            seen = torch.cat([h, batch.reads @ h, batch.is_read @ h], -1)
            h = h + functional.relu(seen.view(members, -1, 3 * width) @ layer).view(h.shape) * mask
        pooled = h.sum(2) / mask.sum(2)
        return (functional.relu(pooled @ self.hidden) @ self.score).squeeze(-1)


def fit(ensemble: Ensemble, batch: Batch, targets: np.ndarray, epochs: int, lr: float, stream: SeedStream) -> None:
    """Learn the order of the targets `[b]`."""
    values = torch.from_numpy(targets).float()
    is_better = (values[:, None] > values).float()
    members = len(ensemble.score)
    draws = torch.randint(len(values), (members, len(values)), generator=stream.torch())
    counts = torch.stack([torch.bincount(draw, minlength=len(values)) for draw in draws]).float()
    weights = counts[:, :, None] * counts[:, None] * is_better
    weights /= weights.sum((1, 2), keepdim=True).clamp(min=1)
    optimizer = torch.optim.Adam(ensemble.parameters(), lr=lr, weight_decay=1e-4)
    for _ in range(epochs):
        scores = ensemble(batch)
        loss = (weights * functional.softplus(scores[:, None] - scores[:, :, None])).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
