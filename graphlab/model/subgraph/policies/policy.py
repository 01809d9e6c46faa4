"""What a policy is: a way to see a graph as subgraphs, as a transform of PyG's `Data`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor
from torch_geometric.data import Data

from graphlab.model.subgraph.tuples import TupleData, Tuples


class Policy(ABC):
    """A way to make tuples of a graph.

    label_sizes    how many values each column of `tuple_label` can take
    num_values     columns of `tuple_value`
    rooted         whether every root is a node, so that tuples of tuples, such as (v, v), are defined
    version        raised when a policy makes other tuples of a graph, or other labels and values of tuples
    """

    version: ClassVar[int] = 1

    label_sizes: tuple[int, ...] = ()
    num_values: int = 0
    rooted: ClassVar[bool] = True

    def __call__(self, data: Data) -> TupleData:
        """One graph with its tuples."""
        return self.prepare([data])[0]

    @abstractmethod
    def prepare(self, graphs: Sequence[Data]) -> list[TupleData]:
        """Many graphs with their tuples, on as many threads as torch uses."""

    def restore(self, graph: Data, added: Mapping[str, Tensor]) -> TupleData:
        """The graph with the tensors that `prepare` added to it."""
        about: dict[str, Any] = graph.to_dict() | {"num_nodes": graph.num_nodes} | dict(added)
        return TupleData(**about)

    @abstractmethod
    def tuples(self, batch: Data, edge_kind: Tensor | None) -> Tuples:
        """The tuples of a batch; `edge_kind` int64 `[E]` tells its edges apart."""


def counts(num_tuples: int, num_roots: int) -> dict[str, Tensor]:
    """How many tuples and roots a graph has, as `TupleData` keeps it."""
    return {"num_tuples": torch.tensor([num_tuples]), "num_roots": torch.tensor([num_roots])}
