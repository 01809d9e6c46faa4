"""Which subgraphs a graph is seen as, and what marks their nodes: policies are transforms of PyG's `Data`."""

from graphlab.model.subgraph.policies.all_pairs import Distance, NodeMarked, Resistance
from graphlab.model.subgraph.policies.listed import (
    EdgeDeleted,
    Ego,
    EgoDistance,
    EgoMarked,
    NodeDeleted,
    Null,
)
from graphlab.model.subgraph.policies.policy import Policy
from graphlab.model.subgraph.policies.shells import EgoShells, NeighbourShells

__all__ = [
    "Distance",
    "EdgeDeleted",
    "Ego",
    "EgoDistance",
    "EgoMarked",
    "EgoShells",
    "NeighbourShells",
    "NodeDeleted",
    "NodeMarked",
    "Null",
    "Policy",
    "Resistance",
]
