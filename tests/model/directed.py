"""A directed graph for loops over nodes."""

from __future__ import annotations

import torch
from torch_geometric.data import Data

from graphlab.core.seeds import SeedStream
from graphlab.data.spec import Continuous, DataSpec, Target

SPEC = DataSpec("nodes", (Target("y", "node", "class", 3),), node=Continuous(5))


def directed(seed: int = 0, num_nodes: int = 9) -> Data:
    """With loops and a node that nobody sends anything."""
    random = SeedStream(seed, ("directed",)).torch()
    sent = torch.rand(num_nodes, num_nodes, generator=random) < 0.3
    sent[:, 0] = False
    sent[1, 1] = sent[2, 1] = True
    x = torch.randn(num_nodes, 5, generator=random, dtype=torch.float64)
    return Data(x=x, edge_index=sent.nonzero().T.contiguous(), num_nodes=num_nodes)


def senders(graph: Data) -> list[list[int]]:
    """Of each node, the others that send it an edge."""
    edges = graph["edge_index"].T.tolist()
    return [[j for j, to in edges if to == i and j != i] for i in range(int(graph.num_nodes or 0))]
