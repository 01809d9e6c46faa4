"""A small graph for models of links, with an isolated node and features that are mostly zero where they are wide."""

from __future__ import annotations

import networkx as nx
import torch
from torch import Tensor
from torch_geometric.data import Data

from graphlab.data.links import both_directions
from graphlab.data.spec import LINK, Continuous, DataSpec
from graphlab.model.base import visible_edges

GRAPH = nx.karate_club_graph()
N = GRAPH.number_of_nodes() + 1
LINKS = torch.tensor(list(GRAPH.edges))
PAIRS = torch.combinations(torch.arange(N), with_replacement=True)


def spec_of(features: int | None) -> DataSpec:
    return DataSpec("node-pairs", (LINK,), node=Continuous(features) if features else None, num_entities=N)


def graph_of(features: int | None, links: Tensor = LINKS) -> Data:
    graph = Data(edge_index=both_directions(links), num_nodes=N)
    if features:
        random = torch.Generator().manual_seed(1)
        graph.x = torch.randn(N, features, generator=random)
        if features > 20:
            graph.x *= torch.rand(N, features, generator=random) < 0.1
    return graph


def adjacency(graph: Data) -> Tensor:
    """Float64 `[N, N]`, without the edges that are hidden."""
    a = torch.zeros(N, N, dtype=torch.float64)
    return a.index_put_(tuple(visible_edges(graph)), torch.ones((), dtype=torch.float64))
