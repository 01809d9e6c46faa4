"""Models that carry a tensor over all pairs of nodes of each graph, beside those that carry subgraphs.

The tensor is packed: row u n + v of a graph of n nodes, one graph after the other, `[T, dim]` with T the sum of n^2, so
that graphs of other sizes cost nothing. `pair_product` computes on it as it is. A layer that is easier to write for
`[num_graphs, n, n, dim]` has it by `to_dense`, with the mask of what is there, and comes back by `from_dense`. The
pairs become rows of nodes, of edges and of graphs by `node_rows`, `edge_rows` and `graph_rows`, all in
`graphlab.model.subgraph.pairs`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

from torch import Tensor
from torch_geometric.data import Data

from graphlab.data.spec import DataSpec
from graphlab.model.base import Model
from graphlab.model.subgraph.pairs import GraphPairInput, all_pairs
from graphlab.model.subgraph.tuples import AllPairs


class PairModel(Model, ABC):
    """Base of models of pairs: a first tensor, layers that map it, and a readout. Memory grows with the sum of n^2.

    A subclass defines `update` and `read`. `GraphPairInput` makes the first tensor, of equal, linked and other nodes,
    with the features of nodes and edges.
    """

    edge_fields = frozenset({"edge_attr"})

    def __init__(self, spec: DataSpec, dim: int) -> None:
        super().__init__()
        self.start = GraphPairInput(spec, dim)

    @abstractmethod
    def update(self, pairs: AllPairs, h: Tensor) -> Tensor:
        """All layers: from `[T, dim]` to `[T, dim]`."""

    @abstractmethod
    def read(self, pairs: AllPairs, h: Tensor) -> Tensor:
        """Rows of what the model is about: `[num_nodes, out_dim]`, or a row a graph."""

    def pair_tensor(self, batch: Data) -> tuple[AllPairs, Tensor]:
        """The pairs of a batch, and the tensor `[T, dim]` over them that is read."""
        pairs = all_pairs(batch)
        return pairs, self.update(pairs, self.start(pairs, batch))

    def forward(self, batch: Data) -> Tensor:
        return self.read(*self.pair_tensor(batch))
