"""Models in which no root hears of another: what they make of a root follows from its own subgraph, so that a graph of
any size can be taken a few roots at a time."""

from __future__ import annotations

from abc import ABC, abstractmethod

from torch import Tensor
from torch_geometric.data import Data

from graphlab.core.config import NonNegativeInt
from graphlab.model.base import Model, ModelConfig
from graphlab.model.subgraph.blocks import in_blocks


class RootwiseConfig(ModelConfig):
    """max_tuples  tuples that are held at once, subgraph after subgraph, for large graphs; 0 holds them all. While
    training, normalisation is then by block; see `graphlab.model.subgraph.blocks`
    """

    max_tuples: NonNegativeInt = 0


class Rootwise(Model, ABC):
    """Base of such models. A subclass sets `max_tuples`, says in `rows_of` what it makes of the roots of a batch, and
    asks `root_rows` for it."""

    max_tuples: int

    @abstractmethod
    def rows_of(self, batch: Data) -> Tensor:
        """A row for each root of the batch, which may be a part of one: `[R, d]`."""

    def root_rows(self, batch: Data) -> Tensor:
        """A row for each root of the batch, block by block if tuples are bounded: `[R, d]`."""
        if not self.max_tuples:
            return self.rows_of(batch)
        return in_blocks(self, self.rows_of, batch, self.max_tuples)
