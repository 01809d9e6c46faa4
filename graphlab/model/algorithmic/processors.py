"""Processors, one step of computation on features of nodes, pairs and graphs: what each takes and gives; by name."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Annotated, ClassVar, NamedTuple

import torch
from torch import Tensor, nn

from graphlab.core.citation import Citation
from graphlab.core.config import Choices, Config, IntRange, PositiveInt
from graphlab.core.errors import InputError, UnknownNameError, require_name
from graphlab.model.algorithmic.encoders import Features


class ProcessorConfig(Config):
    """hidden_dim   width of all rows
    num_layers   blocks within one step; message passing has one
    heads        of attention, a divisor of hidden_dim; message passing has none
    triplet_dim  width of the messages of triples, of Triplet-GMPNN
    """

    hidden_dim: Annotated[PositiveInt, Choices((16, 32, 64, 128))] = 128
    num_layers: Annotated[PositiveInt, IntRange(1, 4)] = 1
    heads: Annotated[PositiveInt, Choices((1, 2, 4, 8))] = 4
    triplet_dim: Annotated[PositiveInt, IntRange(4, 16)] = 8


class State(NamedTuple):
    """What a step hands to the next one.

    Shapes:
        node: `[B, n, dim]`
        pair: `[B, n, n, dim]`, or None where the processor has no rows of pairs
        penalty: what the loss adds for this step, a number, or None
    """

    node: Tensor
    pair: Tensor | None
    penalty: Tensor | None = None


class Processor(nn.Module, ABC):
    """Base of processors. Places without a node change nothing, and all commute with permutations of the nodes: with
    a learned monoid as far as that is associative.

    Attributes:
        gives_pairs: Whether steps give rows of pairs, for decoders.
        carries_pairs: Whether the next step sees them.
    """

    gives_pairs: ClassVar[bool] = False
    carries_pairs: ClassVar[bool] = False
    citation: ClassVar[Citation]

    def __init__(self, config: ProcessorConfig) -> None:
        super().__init__()
        self.dim = config.hidden_dim

    def start(self, there: Tensor) -> State:
        """The state before the first step: zeros."""
        batch, size = there.shape
        like = next(self.parameters())
        pair = like.new_zeros(batch, size, size, self.dim) if self.carries_pairs else None
        return State(like.new_zeros(batch, size, self.dim), pair)

    @abstractmethod
    def forward(self, features: Features, state: State) -> State:
        """One step."""


def require_heads(config: ProcessorConfig) -> None:
    """Raises InputError where heads do not divide the width."""
    if config.hidden_dim % config.heads:
        raise InputError(
            f"{config.heads} heads do not divide a width of {config.hidden_dim}", hint="set heads to a divisor"
        )


def zero_absent(rows: Tensor, there: Tensor) -> Tensor:
    """Rows of nodes `[B, n, dim]` or of pairs `[B, n, n, dim]`, zero where a node is not there."""
    if rows.dim() == 3:
        return rows * there.unsqueeze(-1)
    return rows * (there.unsqueeze(2) & there.unsqueeze(1)).unsqueeze(-1)


def largest(rows: Tensor, kept: Tensor, axis: int) -> Tensor:
    """The maximum over an axis of the rows that are kept; 0 if none is."""
    kept = kept.unsqueeze(-1)
    peak = rows.masked_fill(~kept, -torch.inf).amax(axis)
    return peak.masked_fill(~kept.any(axis), 0)


MODULES: Mapping[str, tuple[str, str]] = {
    "mpnn": ("messages", "MPNN"),
    "mpnn-lcm": ("monoids", "MonoidMPNN"),
    "pgn": ("messages", "PGN"),
    "pgn-gated": ("messages", "GatedPGN"),
    "triplet-gmpnn": ("messages", "TripletGMPNN"),
    "edge-transformer": ("pairs", "EdgeTransformer"),
    "relational-transformer": ("relational", "RelationalTransformer"),
    "pair-product": ("pairs", "PairProduct"),
    "floydnet": ("pairs", "FloydNet"),
}
"""File and class of each processor."""


def processor_class(name: str) -> Callable[[ProcessorConfig], Processor]:
    """The class of a processor. Raises UnknownNameError with the nearest names."""
    require_name("processor", name)
    if name not in MODULES:
        raise UnknownNameError("processor", name, MODULES)
    file, member = MODULES[name]
    return getattr(import_module(f"graphlab.model.algorithmic.{file}"), member)
