"""PyG's Data: one graph with classes of nodes, or many graphs with targets."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch_geometric.data import Data
from torch_geometric.utils import is_undirected

from graphlab.core.errors import InputError
from graphlab.data.convert.columns import read_classes
from graphlab.data.convert.nodes import (
    NodeGraph,
    category_notice,
    dataset_of_graph,
    edge_features,
    features_of,
)
from graphlab.data.convert.request import Request
from graphlab.data.convert.splits import make_splits
from graphlab.data.dataset import Dataset
from graphlab.data.spec import UNLABELLED, DataSpec, Target

MASKS = ("train_mask", "val_mask", "test_mask")

TENSORS = ("x", "edge_index", "edge_attr", "edge_weight")


def from_data(request: Request, data: Data) -> Dataset:
    """A data set of the nodes or links of one graph."""
    request.refuse("a PyG Data", "nodes", "labels", "validation")
    request.require_made_features(f"{request.name}, a PyG Data,")
    target = str(request.target or "y")
    graph = _with_tensors(request.name, data)
    masks = tuple(graph[key] for key in MASKS if graph.get(key) is not None)
    if 0 < len(masks) < len(MASKS) and request.split is None:
        absent = ", ".join(key for key in MASKS if graph.get(key) is None)
        raise InputError(f"{request.name} has masks, and no {absent}", hint="give all three, or split=")
    for key in MASKS:
        if key in graph:
            del graph[key]
    _require_edges(request.name, graph)
    classes = _name_target(request, graph, target)
    y = graph.get("y")
    if y is not None:
        _require_classes(request.name, y, int(graph.num_nodes or 0))
        graph.y = y.reshape(-1) if y.dim() == 2 and y.shape[1] == 1 else y
    notices = category_notice("the features x", features_of(graph.x))
    directed = _directed(request, graph)
    if masks and request.split is not None:
        notices = (*notices, f"the masks are not read: split={request.split!r:.40} takes their place")
    return dataset_of_graph(request, NodeGraph(graph, directed, classes=classes, masks=masks, notices=notices))


def from_list(request: Request, graphs: Sequence[Data]) -> Dataset:
    """A data set of graphs, each with a target: a class as a whole number, or real values."""
    request.refuse("a list of graphs", "nodes", "labels", "validation", "features")
    if not graphs:
        raise InputError(f"{request.name} has no graphs", hint="give one Data at least")
    task = request.require_task("graph-prediction")
    copies = [_with_tensors(f"{request.name}, graph {place},", graph) for place, graph in enumerate(graphs)]
    for place, graph in enumerate(copies):
        _require_edges(f"{request.name}, graph {place},", graph)
    targets, classes = _targets(request, copies)
    rows = [_target(request, place, target) for place, target in enumerate(targets)]
    values = rows[0].is_floating_point()
    other = next((place for place, row in enumerate(rows) if row.is_floating_point() != values), None)
    if other is not None:
        raise InputError(
            f"{request.name} has {'a value' if values else 'a class'} as y of graph 0, and of graph {other} "
            f"{'a class' if values else 'a value'}",
            hint="give whole numbers for classes or floats for values, to all graphs",
        )
    if values:
        width = max(row.numel() for row in rows)
        rows = [row.float().reshape(1, -1) for row in rows]
    else:
        whole = torch.cat([row.reshape(-1) for row in rows])
        width = len(classes) or max(1, int(whole.max()) + 1)
    for graph, row in zip(copies, rows, strict=True):
        graph.y = row
    spec = DataSpec(
        "graphs",
        (Target("y", "graph", "value" if values else "class", width),),
        node=_shared([features_of(graph.x) for graph in copies]),
        edge=_shared([edge_features(graph) for graph in copies]),
        directed=any(_directed(request, graph) for graph in copies),
        weighted=any(graph.get("edge_weight") is not None for graph in copies),
    )
    ids = torch.arange(len(copies))
    of_graphs = None if values else torch.cat([row.reshape(-1) for row in rows])
    labelled = ids if of_graphs is None else ids[of_graphs != UNLABELLED]
    splits = make_splits(request, labelled, None if of_graphs is None else of_graphs[labelled], None)
    notices = (*category_notice("the features x", spec.node), *category_notice("edge_attr", spec.edge))
    labels = {"classes": classes} if classes else {}
    return request.dataset(task, copies, splits, spec, labels=labels, notices=notices)


def _shared(features: list[Any]) -> Any:
    """What fits all graphs: of categories, as many as any graph names."""
    first = features[0]
    if any(type(each) is not type(first) for each in features) or first is None or not hasattr(first, "sizes"):
        return first
    if len({len(each.sizes) for each in features}) > 1:
        return first
    return type(first)(tuple(map(max, zip(*(each.sizes for each in features), strict=True))))


def _target(request: Request, place: int, y: Any) -> Tensor:
    """The target of one graph: a class `[1]`, or values `[1, k]`."""
    if isinstance(y, bool | int | float):
        y = torch.tensor([y])
    if not isinstance(y, Tensor):
        target = "no target y" if y is None else f"a {type(y).__name__} as its target"
        raise InputError(
            f"{request.name}, graph {place}, has {target}", hint="give data.y, or say target=, the attribute"
        )
    if y.numel() != 1 and (not y.is_floating_point() or y.dim() != 2 or len(y) != 1):
        raise InputError(
            f"{request.name}, graph {place}, has y of the shape {list(y.shape)}",
            hint="a graph has one class [1], or a row of values [1, k]; targets of nodes need a Dataset of your own",
        )
    return y.reshape(-1) if y.numel() == 1 else y


def _require_edges(name: str, graph: Data) -> None:
    if not isinstance(graph.edge_index, Tensor) or graph.edge_index.dim() != 2 or len(graph.edge_index) != 2:
        raise InputError(f"{name} has no edge_index [2, edges]", hint="give edges as int64, one column an edge")


def _require_classes(name: str, y: Tensor, num_nodes: int) -> None:
    if not y.dim() or len(y) != num_nodes:
        raise InputError(f"{name} has y of the shape {list(y.shape)}, and {num_nodes} nodes", hint="give each a class")
    if y.is_floating_point():
        raise InputError(
            f"{name} has y of {str(y.dtype).removeprefix('torch.')}", hint="classes of nodes are int64: y.long()"
        )


def _with_tensors(name: str, data: Data) -> Data:
    """A copy of a graph in which arrays are tensors, as are masks and numbers of `y` that are lists."""
    graph = copy(data)
    for key, value in data.to_dict().items():
        if isinstance(value, list | tuple) and key in ("y", *MASKS) and not _has_text(value):
            value = _array(value)
        if isinstance(value, np.ndarray) and value.dtype.kind in "biuf":
            graph[key] = torch.from_numpy(np.array(value, order="C"))
        elif key in (*TENSORS, *MASKS) and not isinstance(value, Tensor | None):
            raise InputError(
                f"{name} has {key} as a {type(value).__name__}, which is no array of numbers",
                hint=f"give {key} as a tensor",
            )
    return graph


def _array(values: Sequence[Any]) -> Any:
    """The values as an array, as they are where they make none."""
    try:
        return np.asarray(values)
    except (ValueError, TypeError, RuntimeError):
        return values


def _has_text(values: Any) -> bool:
    return any(isinstance(value, str) for value in values)


def _name_target(request: Request, graph: Data, target: str) -> tuple[str, ...]:
    """Put the attribute that is the target into `y`, and give the names of its classes where they are texts."""
    value, classes = graph.get(target), ()
    if value is None and target != "y":
        raise _no_target(request, graph, target)
    if isinstance(value, list | tuple | np.ndarray):
        value, classes = read_classes(f"the values {target!r} of {request.name}", list(value))
    if not isinstance(value, Tensor | None):
        raise InputError(f"{request.name} has {target} as a {type(value).__name__}", hint="give a class for each node")
    del graph[target]
    graph.y = value
    return classes


def _targets(request: Request, graphs: Sequence[Data]) -> tuple[list[Any], tuple[str, ...]]:
    """The target of each graph, and the names of the classes where they are texts."""
    target = str(request.target or "y")
    values = [graph.get(target) for graph in graphs]
    for place, (graph, value) in enumerate(zip(graphs, values, strict=True)):
        if value is None and target != "y":
            raise _no_target(request, graph, target, f", graph {place},")
        if target != "y":
            del graph[target]
    if not _has_text(values):
        return values, ()
    ids, classes = read_classes(f"the values {target!r} of {request.name}", values)
    return list(ids.unsqueeze(1)), classes


def _no_target(request: Request, graph: Data, target: str, place: str = "") -> InputError:
    there = ", ".join(sorted(graph.keys()))
    return InputError(f"{request.name}{place} has no attribute {target!r}", hint=f"there are {there}")


def _directed(request: Request, graph: Data) -> bool:
    """Whether edges have a direction: they do where some have no reverse, which the caller must then say."""
    if request.directed:
        return True
    if is_undirected(graph["edge_index"], num_nodes=int(graph.num_nodes or 0)):
        return False
    contrary = ", and directed is False" if request.directed is False else ""
    raise InputError(
        f"{request.name} has edges without their reverse{contrary}",
        hint="say directed=True, or give each edge both ways: torch_geometric.transforms.ToUndirected()(data)",
    )
