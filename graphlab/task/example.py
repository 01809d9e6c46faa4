"""What examples of tasks are made of: tiny data sets in memory, the same each time.

A task's file has `examples()`, data sets by name, which the contracts of tasks and of models run on.
"""

from __future__ import annotations

import torch
from torch_geometric.data import Data

from graphlab.core.citation import Citation
from graphlab.data.card import Card
from graphlab.data.dataset import Dataset, Split, Splits
from graphlab.data.spec import DataSpec

NODES, FEATURES, CLASSES, RELATIONS = 24, 5, 3, 3
CITATION = Citation("none", "An example of no data", "GraphLab", 2026, "https://example.org")


def random_graph(num_nodes: int, random: torch.Generator) -> Data:
    """An undirected graph of which a quarter of the pairs are linked, with normal features."""
    upper = torch.triu(torch.rand(num_nodes, num_nodes, generator=random) < 0.25, diagonal=1)
    edge_index = (upper | upper.T).nonzero().T.contiguous()
    return Data(x=torch.randn(num_nodes, FEATURES, generator=random), edge_index=edge_index)


def ring_triples(random: torch.Generator) -> tuple[Data, torch.Tensor]:
    """A ring under every relation, entity i to i + 1 + relation, and its triples in a random order."""
    heads = torch.arange(NODES).repeat(RELATIONS)
    relations = torch.arange(RELATIONS).repeat_interleave(NODES)
    triples = torch.stack([heads, relations, (heads + 1 + relations) % NODES], dim=1)
    return Data(num_nodes=NODES), triples[torch.randperm(len(triples), generator=random)]


def set_facts(graph: Data, facts: torch.Tensor, known: torch.Tensor) -> None:
    """Make a knowledge graph of triples, with all that is known to be true of it."""
    graph.edge_index = facts[:, [0, 2]].T.contiguous()
    graph.edge_type = facts[:, 1].contiguous()
    graph.known_triples = known


def thirds(items: torch.Tensor) -> Split:
    """Half of the items for training, a quarter each for validation and test, in their order."""
    half, quarter = len(items) // 2, len(items) // 4
    return Split(items[:half], items[half : half + quarter], items[half + quarter :])


def example_dataset(task: str, graphs: tuple[Data, ...], split: Split, spec: DataSpec) -> Dataset:
    """A data set called `example`."""
    card = Card("example", "Examples for the contract tests", task, "MIT", CITATION)
    return Dataset("example", task, graphs, Splits("public", (split,)), spec, card)
