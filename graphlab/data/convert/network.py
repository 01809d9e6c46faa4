"""A networkx graph, with what its nodes and edges have as attributes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch_geometric.data import Data

from graphlab.core.errors import InputError
from graphlab.data.convert.columns import is_missing, read_classes, read_edges, read_features, read_names, read_weights
from graphlab.data.convert.nodes import NodeGraph, dataset_of_graph
from graphlab.data.convert.request import Request
from graphlab.data.dataset import Dataset

if TYPE_CHECKING:
    import networkx as nx


def from_networkx(request: Request, network: nx.Graph) -> Dataset:
    """A data set of the nodes or links of a graph. A Graph has no direction, a DiGraph has one."""
    request.refuse("a networkx graph", "nodes", "labels", "validation")
    if network.is_multigraph():
        raise InputError(
            f"{request.name} is a multigraph, of which edges are parallel",
            hint="give nx.Graph(graph) or nx.DiGraph(graph), or triples where edges have types",
        )
    if request.directed not in (None, network.is_directed()):
        raise InputError(
            f"{request.name} is a {type(network).__name__}, and directed is {request.directed}",
            hint="give network.to_directed() or network.to_undirected(), and leave directed out",
        )
    nodes = list(network)
    if not nodes:
        raise InputError(f"{request.name} has no nodes", hint="give a graph with nodes and edges")
    place = {node: k for k, node in enumerate(nodes)}
    pairs = torch.tensor([(place[u], place[v]) for u, v in network.edges], dtype=torch.int64).view(-1, 2)
    edge_index, weight, notices = read_edges(
        request.name, pairs, _weights(request, network), directed=network.is_directed()
    )
    graph = Data(edge_index=edge_index, num_nodes=len(nodes))
    if weight is not None:
        graph.edge_weight = weight
    classes: tuple[str, ...] = ()
    if request.target is not None:
        values = [network.nodes[node].get(request.target) for node in nodes]
        if all(map(is_missing, values)):
            there = sorted({str(key) for _, attributes in network.nodes(data=True) for key in attributes})
            raise InputError(
                f"no node of {request.name} has {request.target!r}", hint=f"nodes have {', '.join(there) or 'nothing'}"
            )
        graph.y, classes = read_classes(f"the values {request.target!r} of nodes of {request.name}", values)
    x = _features(request, network, nodes)
    if x is not None:
        graph.x = x
    source = NodeGraph(
        graph=graph,
        directed=network.is_directed(),
        names=nodes,
        written=read_names(f"the nodes of {request.name}", nodes),
        classes=classes,
        notices=(*notices, *_unread(request, network)),
    )
    return dataset_of_graph(request, source)


def _weights(request: Request, network: nx.Graph) -> Tensor | None:
    """The attribute `weight`, which is how networkx calls it."""
    weights = [attributes.get("weight") for _, _, attributes in network.edges(data=True)]
    missing = weights.count(None)
    if missing == len(weights):
        return None
    if missing:
        raise InputError(
            f"{missing:,} of {len(weights):,} edges of {request.name} have no weight", hint="give it to all, or to none"
        )
    return read_weights(request.name, weights)


def _wanted(request: Request) -> Sequence[str]:
    """Attributes of nodes that are features: those of the request, else `x`."""
    return ("x",) if request.features is None or isinstance(request.features, str) else request.features


def _features(request: Request, network: nx.Graph, nodes: list[Any]) -> Tensor | None:
    if isinstance(request.features, str):
        return None
    columns = []
    for key in _wanted(request):
        values = [network.nodes[node].get(key) for node in nodes]
        missing = sum(value is None for value in values)
        if missing == len(values) and request.features is None:
            return None
        if missing:
            raise InputError(
                f"{missing:,} of {len(values):,} nodes of {request.name} have no {key!r}",
                hint="give it to all nodes, or name other attributes in features=[...]",
            )
        columns.append(read_features(f"the values {key!r} of nodes of {request.name}", values))
    return torch.cat(columns, dim=1) if columns else None


def _unread(request: Request, network: nx.Graph) -> list[str]:
    """Attributes that no one reads."""
    of_nodes = {key for _, attributes in network.nodes(data=True) for key in attributes}
    of_edges = {key for *_, attributes in network.edges(data=True) for key in attributes}
    unread = sorted(map(str, of_nodes - {request.target, *_wanted(request)}))
    notices = [f"attributes of nodes that are not read: {', '.join(unread)}"] if unread else []
    others = sorted(map(str, of_edges - {"weight"}))
    return [*notices, *([f"attributes of edges that are not read: {', '.join(others)}"] if others else [])]
