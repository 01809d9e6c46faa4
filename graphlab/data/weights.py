"""Scalar weights of edges: where they are in a graph, and the spec that says so."""

from __future__ import annotations

from copy import copy
from dataclasses import replace

from torch import Tensor
from torch_geometric.data import Data

from graphlab.data.dataset import Dataset
from graphlab.data.item import find_items

MOVED = "edge_attr has one number an edge and is read as edge_weight"
"""The notice that remains of it."""


def with_weights(dataset: Dataset) -> Dataset:
    """The data set with scalar weights as `edge_weight` and a spec that says whether there are any.

    Numbers in one dimension, as PyG's `T.GDC` leaves them in `edge_attr`, are weights unless the spec declares them as
    features. Graphs are copied before anything of them is moved; a data set that is right already comes back itself.
    """
    spec = dataset.spec
    if "edge_weight" not in find_items(spec.items).reads:
        return dataset
    graphs = dataset.graphs if spec.edge is not None else tuple(map(move_weights, dataset.graphs))
    weighted = any(graph.get("edge_weight") is not None for graph in graphs)
    if weighted == spec.weighted and all(old is new for old, new in zip(dataset.graphs, graphs, strict=True)):
        return dataset
    moved = any("edge_attr" in old and "edge_attr" not in new for old, new in zip(dataset.graphs, graphs, strict=True))
    notices = dict.fromkeys([*dataset.notices, *([MOVED] if moved else [])])
    return replace(dataset, graphs=graphs, spec=replace(spec, weighted=weighted), notices=tuple(notices))


def move_weights(graph: Data) -> Data:
    """The graph with real numbers in one dimension of `edge_attr` as its `edge_weight`, unless it has one."""
    attributes = graph.get("edge_attr")
    scalar = isinstance(attributes, Tensor) and attributes.dim() == 1 and attributes.is_floating_point()
    if not scalar or graph.get("edge_weight") is not None:
        return graph
    moved = copy(graph)
    moved.edge_weight = attributes
    del moved["edge_attr"]
    return moved
