"""The degree of each node as a number."""

from __future__ import annotations

from torch import Tensor
from torch_geometric.data import Data

from graphlab.data.node_vectors import node_degrees
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
        degrees = node_degrees(graph["edge_index"], int(graph.num_nodes or 0), self.config.in_degree)
        return degrees.float().unsqueeze(1)
