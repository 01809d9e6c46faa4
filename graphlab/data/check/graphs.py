"""Tensors of graphs: their types, shapes and ranges, and what no model reads of them.

Types and shapes are looked at graph by graph, values over all graphs at once, since a data set may have very many.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from graphlab.data.arrays import has_array
from graphlab.data.draft import (
    Draft,
    dense,
    dtype_name,
    floats,
    integers,
    join,
    kind_of,
    outside,
    plain_tensor,
    range_hint,
    refuse,
    refuse_not_finite,
    some,
)
from graphlab.data.spec import Categorical, Continuous, Features

MOST = 2**31
"""Nodes that a graph may have: a check takes a byte for each."""

EDGES = "give edge_index as int64 [2, E]"
UNHASHED = "remove it, as del data.{key}, or keep its numbers in a tensor"


def check_graphs(draft: Draft) -> list[str]:
    """Bring the tensors of all graphs but `y` to the types of the spec, count nodes, and give findings."""
    _check_attributes(draft)
    for place in range(len(draft.graphs)):
        _check_edge_index(draft, place)
        for key in ("x", "edge_attr"):
            _check_dtype(draft, place, key)
        draft.sizes.append(_num_nodes(draft, place))
    _check_edge_range(draft)
    return [*_features(draft, "x", draft.spec.node), *_features(draft, "edge_attr", draft.spec.edge), *_weights(draft),
            *_unread(draft), *_one_way(draft)]  # fmt: skip


def _check_attributes(draft: Draft) -> None:
    """What graphs carry can be hashed, and batched where graphs are: the same attributes in each."""
    first = set(draft.graphs[0].keys())
    for place, graph in enumerate(draft.graphs):
        values: dict[str, Any] = graph.to_dict()
        adjacency = next((key for key in ("adj_t", "adj") if key in values), None)
        if values.get("edge_index") is None:
            converted = adjacency and "drop T.ToSparseTensor(), or make edges of it by adj_t.coo() and torch.stack"
            refuse(
                f"{draft.place(place)} has no edge_index{f', but {adjacency}' if adjacency else ''}",
                converted or f"{EDGES}; of a graph without edges, torch.empty(2, 0, dtype=torch.long)",
            )
        for key, value in values.items():
            if key not in draft.reads:
                _check_extra(draft, place, key, value)
        if draft.items.are_graphs and set(values) != first:
            odd = sorted(set(values) ^ first)
            refuse(
                f"{draft.name}: graphs 0 and {place} do not carry the same: {some(odd)} is in one of them alone",
                "give it in every graph or in none",
            )


def _check_extra(draft: Draft, place: int, key: str, value: Any) -> None:
    """An attribute that no model reads is a tensor, or plain, so that it can be hashed and kept."""
    tensor = plain_tensor(value) if isinstance(value, Tensor) else None
    if tensor is not None and has_array(tensor):
        if tensor is not value:
            draft.set(place, key, tensor)
    elif not _is_plain(value):
        fault = f"a {kind_of(value)}, which is neither a tensor nor finite and plain"
        if tensor is not None:
            fault = f"a tensor of {dtype_name(tensor)}, a type that numpy does not have"
        refuse(f"{draft.place(place)} has {key}, {fault}", UNHASHED.format(key=key))


def _is_plain(value: Any) -> bool:
    return all(map(_is_plain_value, value)) if isinstance(value, list | tuple) else _is_plain_value(value)


def _is_plain_value(value: Any) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    return value is None or isinstance(value, bool | int | str)


def _check_edge_index(draft: Draft, place: int) -> None:
    edges = integers(draft, place, "edge_index", "int64 [2, E]")
    if edges.dim() != 2 or edges.shape[0] != 2:
        turned = edges.dim() == 2 and edges.shape[1] == 2
        refuse(
            f"{draft.place(place)} has edge_index of the shape {list(edges.shape)}, not [2, E]",
            "turn it round: edge_index.t().contiguous()" if turned else EDGES,
        )
    if not edges.is_contiguous():
        draft.set(place, "edge_index", edges.contiguous())


def _num_nodes(draft: Draft, place: int) -> int:
    """Nodes as the graph says, or as its features have rows, or its targets of nodes, or as its edges name."""
    graph = draft.graphs[place]
    values = graph.to_dict()
    if values.get("num_nodes") is not None:
        try:
            size = operator.index(values["num_nodes"])
        except TypeError:
            size = -1
        if not 0 <= size <= MOST or isinstance(values["num_nodes"], bool):
            refuse(
                f"{draft.place(place)} has num_nodes={values['num_nodes']!r:.60}",
                f"it is a whole number from 0 to {MOST:,}",
            )
        if type(values["num_nodes"]) is not int:
            draft.set(place, "num_nodes", size)
        return size
    x, edges = values.get("x"), values["edge_index"]
    at_nodes = (target.name for target in draft.spec.targets if target.location == "node")
    counted = [name for name in at_nodes if isinstance(values.get(name), Tensor) and values[name].dim()]
    if isinstance(x, Tensor) and x.dim():
        return len(x)
    if counted:
        size, origin = len(values[counted[0]]), counted[0]
    else:
        size, origin = int(edges.max()) + 1 if edges.numel() else 0, "the largest id in edge_index"
    draft.set(place, "num_nodes", size, f"num_nodes, which was not said, taken from {origin}")
    return size


def _check_edge_range(draft: Draft) -> None:
    """No edge leads out of its graph."""
    edges = [graph["edge_index"] for graph in draft.graphs]
    whole = join(edges, dim=1)
    limit = torch.tensor(draft.sizes).repeat_interleave(torch.tensor([e.shape[1] for e in edges]))
    if len(draft.graphs) == 1 and outside(whole, draft.sizes[0]) is None:
        return
    if not ((whole < 0) | (whole >= limit)).any():
        return
    for place, (each, size) in enumerate(zip(edges, draft.sizes, strict=True)):
        wrong = outside(each, size)
        if wrong is not None:
            refuse(
                f"{draft.place(place)} has {size:,} nodes, and edge_index names {some(wrong)}",
                range_hint(each, size, f"ids are 0 to {size - 1:,}; or num_nodes is too small"),
            )


def _check_dtype(draft: Draft, place: int, key: str) -> None:
    """Features as float32 or int64, whichever the spec says, with one row a node or an edge."""
    declared = draft.spec.node if key == "x" else draft.spec.edge
    if draft.graphs[place].get(key) is None or key not in draft.reads:
        return
    if isinstance(declared, Categorical):
        value = dense(draft, place, key, "int64")
        if value.dtype == torch.bool:
            draft.set(place, key, value.long(), f"{key} from bool to int64")
        value = integers(draft, place, key, "categories as int64")
    elif isinstance(declared, Continuous):
        value = floats(draft, place, key)
    else:
        return
    width = len(declared.sizes) if isinstance(declared, Categorical) else declared.dim
    if value.dim() == 1 and width == 1:
        draft.set(place, key, value.unsqueeze(1), f"{key} from one dimension to one column")


def _features(draft: Draft, key: str, declared: Features | None) -> list[str]:
    """The features of all graphs are as declared, and finite or in their vocabulary."""
    if key not in draft.reads:
        return []
    what, field = ("node", "spec.node") if key == "x" else ("edge", "spec.edge")
    there = [graph.get(key) is not None for graph in draft.graphs]
    if declared is None:
        if any(there):
            value = draft.graphs[there.index(True)][key]
            shape = kind_of(value) if plain_tensor(value) is None else list(value.shape)
            refuse(
                f"{draft.place(there.index(True))} has {key} of {shape}, and {field} says that {what}s carry nothing",
                f"say {field}=Continuous(columns) or Categorical(sizes), or remove {key}",
            )
        return []
    if not all(there):
        refuse(
            f"{draft.place(there.index(False))} has no {key}, and {field} is {declared}",
            f"give {key} in every graph, or say {field}=None",
        )
    width = declared.dim if isinstance(declared, Continuous) else len(declared.sizes)
    counts = draft.sizes if key == "x" else [graph["edge_index"].shape[1] for graph in draft.graphs]
    values = [graph[key] for graph in draft.graphs]
    for place, (value, rows) in enumerate(zip(values, counts, strict=True)):
        if value.shape != (rows, width):
            refuse(
                f"{draft.place(place)} has {key} of the shape {list(value.shape)}, not {[rows, width]}",
                f"it has {rows:,} {what}s, and {field} is {declared}",
            )
    if isinstance(declared, Continuous):
        refuse_not_finite(draft, key, values, what)
    else:
        _check_vocabulary(draft, key, values, declared, what)
    return []


def _check_vocabulary(draft: Draft, key: str, values: list[Tensor], declared: Categorical, what: str) -> None:
    whole = join(values)
    for column, size in enumerate(declared.sizes):
        wrong = outside(whole[:, column], size)
        if wrong is None:
            continue
        place = next(k for k, value in enumerate(values) if outside(value[:, column], size) is not None)
        rows = ((values[place][:, column] < 0) | (values[place][:, column] >= size)).nonzero().flatten()
        refuse(
            f"{draft.place(place)} has {key} of {some(wrong)} in column {column}, at {what} {some(rows)}, and the "
            f"vocabulary of this column has {size:,} words",
            range_hint(whole[:, column], size, f"words are 0 to {size - 1:,}"),
        )


def _weights(draft: Draft) -> list[str]:
    """`edge_weight` is one finite number an edge."""
    if "edge_weight" not in draft.reads or draft.graphs[0].get("edge_weight") is None:
        return []
    values = []
    for place, graph in enumerate(draft.graphs):
        num_edges = graph["edge_index"].shape[1]
        value = floats(draft, place, "edge_weight")
        if value.shape == (num_edges, 1):
            value = value.flatten()
            draft.set(place, "edge_weight", value, "edge_weight from one column to one dimension")
        if value.shape != (num_edges,):
            refuse(
                f"{draft.place(place)} has edge_weight of the shape {list(value.shape)}, not {[num_edges]}",
                "give one number an edge; several are edge_attr",
            )
        values.append(value)
    refuse_not_finite(draft, "edge_weight", values, "edge")
    return []


def _unread(draft: Draft) -> list[str]:
    """What graphs carry and no model of GraphLab reads, and what of it cannot be batched."""
    card = draft.dataset.card
    known = {*draft.reads, *(card.extras if card else ())}
    extras = sorted({key for graph in draft.graphs for key in graph.keys()} - {*draft.reads})  # noqa: SIM118
    if draft.items.are_graphs:
        for key in extras:
            _check_batched(draft, key)
    unread = [key for key in extras if key not in known]
    return [f"no model of GraphLab reads {some(unread)} of the graphs"] if unread else []


def _check_batched(draft: Draft, key: str) -> None:
    """PyG joins an attribute of many graphs end to end."""
    free: Callable[[Tensor], tuple[int, ...]] = lambda value: tuple(value.shape[1:])  # noqa: E731
    if "index" in key or key == "face":
        free = lambda value: tuple(value.shape[:-1])  # noqa: E731
    first = draft.graphs[0][key]
    for place, graph in enumerate(draft.graphs):
        value = graph[key]
        alike = type(value) is type(first)
        if alike and isinstance(value, Tensor):
            alike = value.dtype == first.dtype and value.dim() == first.dim() and free(value) == free(first)
        if not alike:
            refuse(
                f"{draft.name}: {key} of graphs 0 and {place} cannot be put end to end, which batches need",
                f"give it the same type and number of columns in every graph, or remove it: del data.{key}",
            )


def _one_way(draft: Draft) -> list[str]:
    """Edges without their reverse, where the spec says that direction says nothing."""
    if draft.spec.directed or draft.items.are_relational:
        return []
    edges = [graph["edge_index"] for graph in draft.graphs]
    whole = join(edges, dim=1)
    if len(edges) > 1:
        sizes = torch.tensor(draft.sizes)
        offset = (sizes.cumsum(0) - sizes).repeat_interleave(torch.tensor([e.shape[1] for e in edges]))
        whole = whole + offset
    source, target = whole
    if _multiset(source, target) == _multiset(target, source):
        return []
    total = max(1, sum(draft.sizes))
    missing = int((~torch.isin(source * total + target, target * total + source)).sum())
    if not missing:
        return []
    return [
        f"{missing:,} of {whole.shape[1]:,} edges have no reverse, though spec.directed is False: messages pass one way"
    ]


def _multiset(source: Tensor, target: Tensor) -> int:
    """A hash of the edges (source, target) that does not depend on their order."""
    code = source * 0x1E3779B97F4A7C15 + target * 0x3F58476D1CE4E5B9
    code = (code ^ (code >> 29)) * 0x14D049BB133111EB
    return int((code ^ (code >> 31)).sum())
