"""Colour refinement of many small graphs by 64-bit hashes."""

from graphlab.ops.colour_refinement.graphs import GraphArrays, graph_arrays
from graphlab.ops.colour_refinement.refine import (
    Histories,
    NodeRefinement,
    PairRefinement,
    Refinement,
    TripleRefinement,
)

__all__ = [
    "GraphArrays",
    "Histories",
    "NodeRefinement",
    "PairRefinement",
    "Refinement",
    "TripleRefinement",
    "graph_arrays",
]
