"""Small instances of all algorithms, and random features for processors."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from graphlab.algorithms.trajectory import Batch, sample
from graphlab.model.algorithmic.encoders import Features
from graphlab.model.algorithmic.processors import ProcessorConfig, State, processor_class

SMALL = ProcessorConfig(hidden_dim=8, heads=2)


def batch_of(name: str, size: int = 5, count: int = 2, seed: int = 0, steps: int | None = None) -> Batch:
    """Random instances, cut to their first steps."""
    batch = sample(name, count, size, np.random.default_rng(seed))
    if steps is None:
        return batch
    hints = {key: hint[:steps] for key, hint in batch.hints.items()}
    return replace(batch, hints=hints, lengths=np.minimum(batch.lengths, steps))


def processor(name: str, **settings):
    torch.manual_seed(0)
    built = processor_class(name)(SMALL.model_copy(update=settings)).double()
    for parameter in built.parameters():  # FloydNet's blocks start as the identity
        torch.nn.init.normal_(parameter, std=0.4)
    return built


def features_of(there: torch.Tensor, dim: int = 8) -> Features:
    """Random features, also where no node is."""
    batch, size = there.shape
    torch.manual_seed(1)
    node, graph = torch.randn(batch, size, dim).double(), torch.randn(batch, dim).double()
    pair = torch.randn(batch, size, size, dim).double()
    return Features(node, pair, graph, torch.rand(batch, size, size) < 0.5, there)


def two_steps(built, features: Features) -> State:
    return built(features, built(features, built.start(features.there)))
