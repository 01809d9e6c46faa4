"""The degree of each node as a number."""

from __future__ import annotations

from torch import Tensor
from torch_geometric.data import Data
from torch_geometric.utils import degree

from graphlab.data.pre_transform import PreTransform, PreTransformConfig


class Config(PreTransformConfig):
    """in_degree  count the edges into a node instead of those out of it; both are the same where edges go both ways"""

    in_degree: bool = False


class Degree(PreTransform):
    """A column with the number of edges of each node."""

    Config = Config
    reads_edges = True

    @property
    def width(self) -> int:
        return 1

    def columns(self, graph: Data) -> Tensor:
        return degrees(graph, self.config.in_degree).float().unsqueeze(1)


def degrees(graph: Data, in_degree: bool) -> Tensor:
    """The edges out of each node, or into it, int64 `[num_nodes]`."""
    edge_index: Tensor = graph["edge_index"]
    return degree(edge_index[int(in_degree)], int(graph.num_nodes or 0), dtype=edge_index.dtype)
