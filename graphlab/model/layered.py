"""Models that are a stack of layers, each of which reads rows of nodes and the edges into them alone.

Such a model runs in three ways: on a whole graph at once; on a sampled subgraph, where each layer computes only the
rows that the next one reads; and layer by layer, a block of nodes at a time, over a graph whose messages do not fit in
memory (`layerwise`; Hamilton, Ying and Leskovec, NeurIPS 2017, algorithm 1). `sage` and `gcn` are written so.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch_geometric.data import Data

from graphlab.model.base import Model
from graphlab.model.sparse_features import Remembered
from graphlab.ops.neighbour_sampling import ALL, InNeighbours, sample_neighbours
from graphlab.ops.neighbour_sum import Neighbours, neighbour_sum

MAX_NUMBERS = 2**24
"""Numbers in the rows of a block's sources, of the widest that the model has; 64 MiB in float32."""


@dataclass(frozen=True)
class Block:
    """Edges into some nodes, the targets, which are the first of the sources.

    Attributes:
        edge_index: int64 `[2, E]`, sources in `[0, num_sources)`, targets in `[0, num_targets)`.
        num_targets: Rows that a layer computes.
        edge_weight: `[E]`, or None where all edges count alike.
    """

    edge_index: Tensor
    num_targets: int
    edge_weight: Tensor | None = None
    _sorted: dict[int, Neighbours] = field(default_factory=dict, repr=False, compare=False)

    def sum(self, x: Tensor, own: Tensor | None = None, sum_dtype: torch.dtype | None = None) -> Tensor:
        """The sum of the sources' rows times the weights of their edges, `[num_sources, d]` to `[num_targets, d]`;
        with `own`, also of so many times the target's row. `sum_dtype` is that of `neighbour_sum`."""
        return neighbour_sum(self.neighbours(len(x)), x, self.edge_weight, own, sum_dtype)

    def with_weights(self, edge_weight: Tensor | None) -> Block:
        """The same edges with other weights; they are sorted once for both."""
        return Block(self.edge_index, self.num_targets, edge_weight, self._sorted)

    def neighbours(self, num_sources: int) -> Neighbours:
        """The edges, of so many sources, sorted once."""
        if num_sources not in self._sorted:
            with torch.inference_mode(False):
                self._sorted[num_sources] = Neighbours(self.edge_index, self.num_targets, num_sources)
        return self._sorted[num_sources]

    def of_targets(self, rows: Tensor) -> Tensor:
        """The targets' rows among those of sources."""
        return rows if len(rows) == self.num_targets else rows[: self.num_targets]

    def of_first(self, num_targets: int) -> Block:
        """The block of the first targets alone."""
        if num_targets == self.num_targets:
            return self
        kept = self.edge_index[1] < num_targets
        weight = None if self.edge_weight is None else self.edge_weight[kept]
        return Block(self.edge_index[:, kept], num_targets, weight)


class LayeredModel(Model, ABC):
    """Base of models that are a stack of layers. A subclass sets `num_layers` and gives `layer`."""

    num_layers: int

    def __init__(self) -> None:
        super().__init__()
        self._block = Remembered(self.block)

    @property
    def num_hops(self) -> int:
        return self.num_layers

    def messages(self, batch: Data) -> Block:
        """The edges that every layer sends messages along, with their weights; made once a graph."""
        return self._block(batch["edge_index"], batch.get("edge_weight"), int(batch.num_nodes or 0))

    def block(self, edge_index: Tensor, edge_weight: Tensor | None, num_nodes: int) -> Block:
        """The same of these edges between all nodes. Override where weights are normalised or loops are added."""
        return Block(edge_index, num_nodes, edge_weight)

    @abstractmethod
    def layer(self, depth: int, x: Tensor, block: Block) -> Tensor:
        """One layer, with the activation and dropout before it.

        Shapes:
            x: `[num_sources, width before]`, to `[num_targets, width after]`.
        """

    def forward(self, batch: Data) -> Tensor:
        """`[num_nodes, out_dim]`; of a sampled subgraph `[num_seeds, out_dim]`, the seeds' rows."""
        x: Tensor = batch["x"]
        for depth, block in enumerate(self._blocks(batch)):
            x = self.layer(depth, x, block)
        return x

    def _blocks(self, batch: Data) -> Iterator[Block]:
        """The block of each layer. In a sampled subgraph the last layer's targets are the seeds, and each layer's the
        sources of the next one."""
        block = self.messages(batch)
        counts: tuple[int, ...] | None = batch.get("num_sampled_nodes")
        for depth in range(self.num_layers):
            yield block if counts is None else block.of_first(sum(counts[: self.num_layers - depth]))


@torch.no_grad()
def layerwise(
    model: LayeredModel, graph: Data, device: torch.device | str = "cpu", max_numbers: int = MAX_NUMBERS
) -> Tensor:
    """The rows of all nodes, computed a layer at a time and in each layer a block of nodes at a time.

    Nothing is sampled. Beside the graph and its messages' weights, memory holds the rows before and after one layer, on
    the CPU, and one block, on the device.

    Args:
        graph: The whole graph, on the CPU.
        device: Where the model is.
        max_numbers: Numbers in the rows of a block's sources at most, but for one node that has more neighbours.

    Returns:
        `[num_nodes, out_dim]` on the CPU.
    """
    whole = model.messages(graph)
    neighbours = InNeighbours(whole.edge_index, whole.num_targets)
    x: Tensor = graph["x"]
    width = max(x.size(1), *(max(parameter.shape, default=1) for parameter in model.parameters()))
    ranges = list(_ranges(torch.from_numpy(neighbours.start), max_numbers // width))
    for depth in range(model.num_layers):
        rows: Tensor | None = None
        for first, last in ranges:
            sample = sample_neighbours(neighbours, torch.arange(first, last), (ALL,), 0)
            weight = None if whole.edge_weight is None else whole.edge_weight[sample.e_id].to(device)
            block = Block(sample.edge_index.to(device), last - first, weight)
            out = model.layer(depth, x.index_select(0, sample.n_id).to(device), block)
            rows = torch.empty(whole.num_targets, out.size(1), dtype=out.dtype) if rows is None else rows
            rows[first:last] = out.cpu()
        x = x if rows is None else rows
    return x


def _ranges(start: Tensor, max_rows: int) -> Iterator[tuple[int, int]]:
    """Nodes `[0, N)` in ranges whose nodes and in-edges are at most `max_rows` together, but of one node at least."""
    rows = start + torch.arange(len(start))
    first = 0
    while first < len(start) - 1:
        last = int(torch.searchsorted(rows, rows[first] + max_rows, right=True)) - 1
        yield first, max(last, first + 1)
        first = max(last, first + 1)
