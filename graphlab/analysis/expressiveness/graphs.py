"""From whatever a graph is given as to arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import torch
from torch import Tensor
from torch_geometric.data import Data

from graphlab.core.errors import DataError, InputError
from graphlab.data.graph6 import decode
from graphlab.ops.colour_refinement import GraphArrays, graph_arrays

if TYPE_CHECKING:
    import networkx as nx

Graph: TypeAlias = "Data | nx.Graph | str | bytes | np.ndarray"


EDGE_FIELDS = ("edge_attr", "edge_weight", "edge_type")
"""What a Data may say of its edges. All of it is part of an edge's colour."""


@dataclass(frozen=True)
class _Parts:
    """Edges int64 `[2, E]`, each in both directions, features of nodes, and fields of edges by name, a row each."""

    num_nodes: int
    edges: np.ndarray
    x: np.ndarray | None = None
    edge_fields: Mapping[str, np.ndarray] = field(default_factory=dict)


def as_arrays(graphs: Sequence[Graph]) -> GraphArrays:
    """Undirected graphs as PyG `Data`, networkx graphs, graph6 as text or bytes, or symmetric adjacencies `[n, n]`.

    What is known of nodes and edges is part of their first colours: `x`, `edge_attr`, `edge_weight` and `edge_type` of
    a Data, attributes of these names, or `weight`, of a networkx graph. Two edges of different weights or types thus
    have different colours, however near the weights are. Self-loops are edges like others.

    Raises:
        InputError: something is no such graph: it is directed, or has parallel edges, or an adjacency with weights, or
            fields that are NaN; or some graphs have a field and others do not, or of other widths.
    """
    parts = [_parts(graph) for graph in graphs]
    _check_rows(parts)
    num_nodes = np.array([part.num_nodes for part in parts], np.int64)
    num_edges = np.array([part.edges.shape[1] for part in parts], np.int64)
    edges = np.concatenate([part.edges for part in parts] or [np.zeros((2, 0))], axis=1).astype(np.int64)
    graph = np.repeat(np.arange(len(parts)), num_edges)
    edge_colour = _edge_colours([part.edge_fields for part in parts if part.edges.size], int(num_edges.sum()))
    _check_undirected(num_nodes, graph, *edges)
    return graph_arrays(
        num_nodes,
        graph,
        *edges,
        node_colour=_colours([part.x for part in parts if part.num_nodes], num_nodes.sum(), "x"),
        edge_colour=edge_colour,
    )


def _parts(graph: Any) -> _Parts:
    if isinstance(graph, Data):
        if graph.edge_index is None:
            raise InputError("a graph has no edge_index", hint="an empty one is torch.zeros(2, 0, dtype=torch.int64)")
        edges = graph.edge_index.cpu().numpy()
        if edges.ndim != 2 or len(edges) != 2 or edges.dtype.kind not in "iu":
            raise InputError(
                f"an edge_index is {edges.dtype} {list(edges.shape)}",
                hint="it is int64 [2, edges], each edge both ways",
            )
        fields = {name: _dense(graph[name]) for name in EDGE_FIELDS if graph.get(name) is not None}
        return _Parts(int(graph.num_nodes or 0), edges, None if graph.x is None else _dense(graph.x), fields)
    if isinstance(graph, str | bytes):
        try:
            return _of_adjacency(decode(graph))
        except DataError as error:
            raise InputError(error.message, hint=error.hint) from error
    if isinstance(graph, np.ndarray):
        return _of_adjacency(graph)
    if hasattr(graph, "is_directed") and hasattr(graph, "nodes"):
        return _of_networkx(graph)
    raise InputError(
        f"a {type(graph).__name__} is no graph", hint="give PyG Data, a networkx graph, graph6 text or an adjacency"
    )


def _dense(features: Tensor) -> np.ndarray:
    """Features as numpy has them, which knows neither sparse tensors nor bfloat16."""
    dense = features.detach().to_dense().cpu()
    return (dense.float() if dense.dtype == torch.bfloat16 else dense).numpy()


def _of_adjacency(adjacency: np.ndarray) -> _Parts:
    if adjacency.ndim != 2 or adjacency.shape[0] != adjacency.shape[1]:
        raise InputError(f"an adjacency is square, not {list(adjacency.shape)}", hint="give one row a node")
    if not np.isin(adjacency, (0, 1)).all():
        raise InputError(
            "an adjacency has entries that are neither 0 nor 1", hint="weights go into edge_weight of a Data"
        )
    return _Parts(len(adjacency), np.stack(np.nonzero(adjacency)))


def _of_networkx(graph: nx.Graph) -> _Parts:
    if graph.is_directed() or graph.is_multigraph():
        raise InputError("directed graphs and those with parallel edges are not compared", hint="nx.Graph(graph)")
    place = {node: i for i, node in enumerate(graph)}
    one_way = [(place[u], place[v], attributes) for u, v, attributes in graph.edges(data=True)]
    both = one_way + [(v, u, attributes) for u, v, attributes in one_way if u != v]
    edges = np.array([edge[:2] for edge in both], np.int64).reshape(-1, 2).T
    return _Parts(
        len(place),
        edges,
        _rows([attributes for _, attributes in graph.nodes(data=True)], "x"),
        {
            "edge_weight" if name == "weight" else name: rows
            for name in (*EDGE_FIELDS, "weight")
            if (rows := _rows([attributes for *_, attributes in both], name)) is not None
        },
    )


def _rows(attributes: list[dict[str, Any]], name: str) -> np.ndarray | None:
    given = [np.atleast_1d(one[name]) for one in attributes if name in one]
    if not given:
        return None
    if len(given) < len(attributes) or len({row.shape for row in given}) > 1:
        raise InputError(f"only some of a graph have {name}, or of other lengths", hint="give it to all, or to none")
    return np.stack(given)


def _colours(features: list[np.ndarray | None], num_rows: int, name: str) -> np.ndarray | None:
    """A number from 1 for every different row, or None where there is nothing to tell apart."""
    given = [rows.reshape(len(rows), -1) for rows in features if rows is not None]
    if not given:
        return None
    if len({rows.shape[1] for rows in given}) > 1 or sum(map(len, given)) != num_rows:
        raise InputError(f"the graphs do not all have {name}, or of other widths", hint="give it to all, or to none")
    rows = np.concatenate(given)
    if (rows != rows).any():
        raise InputError(f"{name} has NaN, which is not equal to itself", hint="put a number for what is missing")
    if not rows.size or (rows == rows[0]).all():
        return None
    return (np.unique(rows, axis=0, return_inverse=True)[1].ravel() + 1).astype(np.uint64)


def _edge_colours(fields: Sequence[Mapping[str, np.ndarray]], num_edges: int) -> np.ndarray | None:
    """The colours by all fields together."""
    names = sorted(set().union(*fields))
    columns = [_colours([part.get(name) for part in fields], num_edges, name) for name in names]
    told_apart = [column for column in columns if column is not None]
    return _colours([np.stack(told_apart, axis=1)], num_edges, "edges") if told_apart else None


def _check_rows(parts: Sequence[_Parts]) -> None:
    for part in parts:
        of_edges = [(name, rows, part.edges.shape[1]) for name, rows in part.edge_fields.items()]
        for name, rows, count in [("x", part.x, part.num_nodes), *of_edges]:
            if rows is not None and len(rows) != count:
                raise InputError(f"{name} of a graph has {len(rows)} rows for {count}", hint="one row a node or edge")


def _check_undirected(num_nodes: np.ndarray, graph: np.ndarray, source: np.ndarray, target: np.ndarray) -> None:
    if len(source) and not ((source >= 0) & (target >= 0) & (np.maximum(source, target) < num_nodes[graph])).all():
        raise InputError("an edge ends at a node that is not there", hint="nodes are 0 to num_nodes - 1")
    largest = int(num_nodes.max(initial=0))
    there, back = (graph * largest + source) * largest + target, (graph * largest + target) * largest + source
    there.sort()
    back.sort()
    if not np.array_equal(there, back):
        raise InputError("a graph is directed", hint="torch_geometric.utils.to_undirected, or nx.Graph")
    if (np.diff(there) == 0).any():
        raise InputError("a graph has parallel edges", hint="torch_geometric.utils.coalesce joins them")
