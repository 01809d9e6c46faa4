"""Networks that run on integers: a list of operations on rows of 8-bit numbers, each with a scale and a zero point.

A row's value is (integer - zero_point) scale. Features are rounded once, when they come in. From there on products and
sums are of integers, with int32 accumulators, and each operation rounds its result once, to the grid of the next; the
last leaves its accumulators, which times their scale are the logits; a head of maps leaves integers of its grid. Biases
are rounded to steps of the accumulators, as `graphlab.quantization.biases` does in training. What stays in floats is
named in `FLOAT_ISLANDS`.

References:
    Jacob et al., Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference, CVPR
    2018.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from graphlab.core.errors import InputError
from graphlab.ops.neighbour_sum import Neighbours
from graphlab.quantization.attention import Attention, Table
from graphlab.quantization.operations import Join, Operation, Product, Sum
from graphlab.quantization.rows import Edges, Grid, Rows
from graphlab.quantization.states import Beside, Norm, OwnSum, Pool

FLOAT_ISLANDS = (
    "features are rounded to integers when they come in",
    "weights of edges that depend on degrees are computed once a graph, and rounded",
    "a mean over the nodes of a graph has a factor by their number, which is kept in fixed point",
    "the last integers are multiplied by their scale",
)
"""What is computed in floats."""


OPERATIONS: dict[str, type[Operation]] = {
    each.kind: each for each in (Product, Sum, Join, Attention, Table, OwnSum, Norm, Beside, Pool)
}
INPUT, OUTPUT = "input", "output"


@dataclass(frozen=True)
class IntegerNetwork:
    """Operations in their order, from rows named `input` to rows named `output`.

    Attributes:
        messages: How weights of edges follow from a graph, as `gcn`; see `graphlab.model.frozen`.
        grid: Of the features.
        adjacency: Grid of the weights of edges, whose zero point is its lowest integer; None where all count one.
        operations: In the order in which they are run.
    """

    messages: str
    grid: Grid
    adjacency: Grid | None
    operations: tuple[Operation, ...]

    def edges(
        self,
        edge_index: Tensor,
        weight: Tensor | None,
        num_nodes: int,
        graph_of: Tensor | None = None,
        num_graphs: int = 1,
    ) -> Edges:
        """The edges `[2, E]` of a graph with weights `[E]` as integers of the adjacency's grid; of several graphs with
        the graph `[num_nodes]` that each node is of.

        Weights of few bits are multiplied by a power of two, and their scale divided by it: sums then have finer steps,
        which a bias is rounded to.
        """
        neighbours = Neighbours(edge_index, num_nodes, num_nodes)
        graphs = None
        if any(isinstance(each, Pool) for each in self.operations):
            nodes = torch.arange(num_nodes, device=edge_index.device)
            graph_of = torch.zeros_like(nodes) if graph_of is None else graph_of
            graphs = Neighbours(torch.stack([nodes, graph_of]), num_graphs, num_nodes)
        if self.adjacency is None or weight is None:
            return Edges(neighbours, None, 1.0, graphs)
        steps = self.adjacency.integers(weight).to(torch.int32) - self.adjacency.zero_point
        if steps.numel() and not 0 <= int(steps.min()) <= int(steps.max()) <= 255:
            raise InputError(
                "weights of edges are negative, or not within 8 bits of zero", hint="give weights of 0 and more"
            )
        finer = self.adjacency.finer
        return Edges(neighbours, (steps * finer).to(torch.uint8), self.adjacency.scale / finer, graphs)

    def run(self, features: Tensor, edges: Edges, by_definition: bool = False) -> Rows:
        """The last rows.

        Args:
            features: Float `[num_nodes, d]`, or integers of the grid; on the CPU or on a GPU, where the rows then stay.
            edges: Of the graph; those on another device than the features are moved, each time.
            by_definition: By int64 and numpy in place of the kernels: to the same integers, slowly.
        """
        *_, (_, rows) = self.stages(features, edges, by_definition)
        return rows

    def stages(self, features: Tensor, edges: Edges, by_definition: bool = False) -> Iterator[tuple[str, Rows]]:
        """Rows by name, after each operation, on the device of the features; the features as integers first.

        Definitions are computed on the CPU.
        """
        if by_definition:
            features = features.cpu()
        edges = edges.to(features.device)
        integers = features if features.dtype == self.grid.dtype else self.grid.integers(features)
        rows = {INPUT: Rows(integers, self.grid.scale, self.grid.zero_point)}
        yield INPUT, rows[INPUT]
        last_use = _last_use(self.operations)
        for place, operation in enumerate(self.operations):
            rows[operation.target] = operation.run(rows, edges, by_definition)
            yield operation.target, rows[operation.target]
            for name in [name for name in rows if last_use.get(name, -1) == place]:
                del rows[name]


def _last_use(operations: Sequence[Operation]) -> dict[str, int]:
    """The place of the operation that is the last to read rows of a name."""
    uses: dict[str, int] = {}
    for place, operation in enumerate(operations):
        uses.update(dict.fromkeys(operation.reads, place))
    return uses
