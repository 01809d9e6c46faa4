"""Values that belong to nodes and edges, by name: classes, features, and edges of either direction."""

from __future__ import annotations

import numbers
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from graphlab.core.errors import InputError
from graphlab.data.node_vectors import node_degrees
from graphlab.data.spec import UNLABELLED
from graphlab.data.text import alike


def is_missing(value: Any) -> bool:
    """Whether a value stands for one that is not there: None, NaN, or pandas' NA and NaT."""
    if isinstance(value, float | np.floating):
        return bool(value != value)
    return value is None or type(value).__name__ in ("NAType", "NaTType")


def read_classes(what: str, values: Sequence[Any]) -> tuple[Tensor, tuple[str, ...]]:
    """A class for each value, and the names of the classes in sorted order; what is missing is `UNLABELLED`.

    Classes are text, booleans or whole numbers. Raises InputError for real numbers, and for mixtures.
    """
    values = [bool(value) if isinstance(value, np.bool_) else value for value in values]
    there = [value for value in values if not is_missing(value)]
    empty = sum(isinstance(value, str) and not value.strip() for value in there)
    if empty:
        raise InputError(f"{what} are empty text {empty:,} times", hint="say None where a class is not known")
    if not there:
        raise InputError(f"{what} are all missing", hint="give classes as text or whole numbers")
    if all(isinstance(value, numbers.Real) and float(value).is_integer() for value in there):
        values = [None if is_missing(value) else int(value) for value in values]
    elif not all(isinstance(value, str) for value in there):
        odd = next(value for value in there if not isinstance(value, str))
        raise InputError(
            f"{what} have {odd!r} of type {type(odd).__name__}, which is no class",
            hint="classes are text or whole numbers, all of one kind; real values of nodes are no task of GraphLab yet",
        )
    names = sorted({value for value in values if not is_missing(value)})
    place = {name: k for k, name in enumerate(names)}
    ids = [UNLABELLED if is_missing(value) else place[value] for value in values]
    return torch.tensor(ids, dtype=torch.int64), tuple(map(str, names))


def read_names(what: str, names: Iterable[Hashable]) -> tuple[str, ...]:
    """Names of nodes as text, in their order. Raises InputError where two become the same, or look it."""
    written = tuple(str(name) for name in names)
    if len(set(written)) < len(written):
        twice = sorted({name for name in written if written.count(name) > 1} if len(written) < 10_000 else ())[:3]
        raise InputError(f"{what} have names that are written alike: {twice}", hint="give each node a name of its own")
    if any(not name.strip() for name in written):
        raise InputError(f"{what} have an empty name", hint="give each node a name of visible characters")
    same = alike(written)
    if same:
        raise InputError(
            f"{what} have names that differ by blanks or Unicode normal form alone: {same[0]!a}",
            hint="spell each name in one way",
        )
    return written


def read_features(what: str, rows: Any, hint: str = "name columns or attributes of numbers in features") -> Tensor:
    """Numbers `[rows, columns]` as float32. Raises InputError with this hint for what is none."""
    try:
        values = np.asarray(rows, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError(f"{what} are not all numbers, as many in each row", hint=hint) from None
    values = values.reshape(len(values), -1)
    return torch.from_numpy(values.astype(np.float32))


def made_features(kind: str, edge_index: Tensor, num_nodes: int) -> Tensor:
    """Features made of the graph: which node it is, how many edges it sends, or 1."""
    if kind == "identity":
        return torch.eye(num_nodes)
    if kind == "degree":
        return node_degrees(edge_index, num_nodes).float().unsqueeze(1)
    return torch.ones(num_nodes, 1)


def read_edges(
    what: str, pairs: Tensor, weights: Tensor | None, directed: bool
) -> tuple[Tensor, Tensor | None, list[str]]:
    """`edge_index`, `edge_weight` and notices of edges that are listed once each, int64 `[n, 2]`.

    Undirected edges are put in both directions. An edge that is listed again counts once; with another weight it is
    refused.
    """
    if not directed:
        pairs = pairs.sort(dim=1).values
    unique, place = pairs.unique(dim=0, return_inverse=True)
    notices = []
    if len(unique) < len(pairs):
        notices.append(f"{len(pairs) - len(unique):,} of {len(pairs):,} edges are listed again and count once")
    weight = None
    if weights is not None:
        weight = torch.empty(len(unique)).scatter(0, place, weights)
        differing = (weight[place] != weights) & ~weights.isnan()
        if differing.any():
            raise InputError(
                f"{what} list {int(differing.sum()):,} edges again with other weights", hint="give each edge once"
            )
    edge_index = unique.t()
    if not directed:
        proper = unique[:, 0] != unique[:, 1]
        edge_index = torch.cat([edge_index, edge_index[:, proper].flip(0)], dim=1)
        weight = None if weight is None else torch.cat([weight, weight[proper]])
    return edge_index.contiguous(), weight, notices


def require_directed(what: str, directed: bool | None) -> bool:
    """Whether edges have a direction, which the caller must say. Raises InputError where it is not said."""
    if directed is None:
        raise InputError(
            f"{what} do not say whether edges have a direction", hint="say directed=True or directed=False"
        )
    return directed


def read_weights(name: str, values: Any) -> Tensor:
    """Weights of edges as float32 `[edges]`."""
    return read_features(f"the weights of edges of {name}", values, "give each edge one number as its weight").flatten()


def by_place(names: Sequence[Hashable]) -> Mapping[Any, int]:
    return {name: place for place, name in enumerate(names)}
