"""Transforms of a user's own: applied to each graph of a data set, the same way at each load."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import torch
import torch_geometric
from torch import Tensor
from torch_geometric.data import Data

from graphlab.core.errors import GraphLabError, InputError
from graphlab.core.files import canonical_json
from graphlab.core.seeds import SeedStream
from graphlab.data.dataset import Dataset
from graphlab.data.item import find_items
from graphlab.data.spec import Continuous, Features
from graphlab.data.weights import move_weights, with_weights

Transform = Callable[[Data], Data]

STREAM = SeedStream(0).child("transform")


def apply(dataset: Dataset, transform: Transform) -> Dataset:
    """The data set with `transform` applied to each graph, and its spec brought into line. Scalars that it leaves in
    `edge_attr`, one an edge, are weights.

    Random numbers that a transform takes from the global generators are the same at each load.

    Raises InputError if it gives something other than a Data of the same nodes, which the splits refer to, changes the
    edges where each has a target, or makes features of the links that a link task holds out.
    """
    try:
        graphs = _transformed(dataset.graphs, transform)
    except GraphLabError:
        raise
    except Exception as error:  # it is of a user's making, and may fail in any way
        raise InputError(
            f"the transform {transform!r:.60} fails on {dataset.name}: {type(error).__name__}: {error}",
            hint="see that it can do with what these graphs carry: " + ", ".join(sorted(dataset.graphs[0].keys())),
        ) from error
    items, at_edges = find_items(dataset.spec.items), any(each.location == "edge" for each in dataset.spec.targets)
    for before, after in zip(dataset.graphs, graphs, strict=True):
        if not isinstance(after, Data) or after.num_nodes != before.num_nodes:
            raise InputError(
                f"the transform {transform!r} does not keep the nodes of {dataset.name}",
                hint="give a transform that returns a Data with the same nodes in the same order",
            )
        if at_edges and not torch.equal(before["edge_index"], after["edge_index"]):
            raise InputError(
                f"the transform {transform!r} does not keep the edges of {dataset.name}, each of which has a target",
                hint="give a transform that returns a Data with the same edges in the same order",
            )
    if items.are_edges and _tells_links(dataset.graph, graphs[0], transform):
        raise InputError(
            f"the transform {transform!r} makes features of the links of {dataset.name} that are to be predicted",
            hint="give a transform whose features do not depend on links; a model sees the training links itself",
        )
    spec = dataset.spec
    first = move_weights(graphs[0]) if "edge_weight" in items.reads else graphs[0]
    spec = replace(
        spec,
        node=_features(spec.node, first.x),
        edge=_features(spec.edge, first.edge_attr),
        directed=spec.directed and (items.are_relational or any(graph.is_directed() for graph in graphs)),
    )
    return with_weights(replace(dataset, graphs=graphs, spec=spec))


def fingerprint(transform: Transform) -> str | None:
    """What a transform is, in one line, or None if that cannot be told for sure.

    A transform of torch_geometric is its class, its attributes and the library's version. Code of any other
    origin can reach what no fingerprint sees (globals, closures, files), and so is applied at each load.
    """
    try:
        return canonical_json([torch_geometric.__version__, _describe(transform)])
    except (TypeError, ValueError, RecursionError):
        return None


def _describe(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, list | tuple):
        return [type(value).__name__, *map(_describe, value)]
    if isinstance(value, dict):
        return ["dict", *([_describe(key), _describe(item)] for key, item in value.items())]
    if type(value).__module__.startswith("torch_geometric.transforms."):
        return [f"{type(value).__module__}.{type(value).__qualname__}", _describe(vars(value))]
    raise TypeError(f"cannot tell what a {type(value).__name__} does")


def _transformed(graphs: Sequence[Data], transform: Transform) -> tuple[Data, ...]:
    with _same_draws():
        return tuple(transform(graph.clone()) for graph in graphs)


def _tells_links(graph: Data, transformed: Data, transform: Transform) -> bool:
    """Whether the features that a transform makes of the nodes would be others if no links were there."""
    if transformed.x is None:
        return False
    bare = graph.clone()
    bare.edge_index = graph["edge_index"][:, :0]
    try:
        (without,) = _transformed([bare], transform)
    except Exception:  # it cannot do without links
        return True
    return without.x is None or not torch.equal(without.x, transformed.x)


def _features(declared: Features | None, values: Any) -> Features | None:
    if values is None:
        return None
    if not isinstance(values, Tensor) or not values.is_floating_point():
        return declared
    return Continuous(values.shape[1] if values.dim() > 1 else 1)


@contextmanager
def _same_draws() -> Iterator[None]:
    before = random.getstate(), np.random.get_state()
    try:
        with torch.random.fork_rng(devices=[]):
            STREAM.seed_torch()
            random.seed(STREAM.integer())
            np.random.seed(STREAM.integer() % 2**32)
            yield
    finally:
        random.setstate(before[0])
        np.random.set_state(before[1])
