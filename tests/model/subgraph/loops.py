"""Subgraphs and what their nodes hear of, by loops over tuples and networkx: slow, on its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import networkx as nx
import torch
from torch import Tensor
from torch_geometric.data import Data

from graphlab.core.seeds import SeedStream
from graphlab.data.spec import Categorical, Continuous, DataSpec, Target

KINDS = 3
SPEC = DataSpec("graphs", (Target("y", "graph", "value", 1),), node=Continuous(2), edge=Categorical((KINDS,)))
PLAIN = DataSpec("graphs", (Target("y", "graph", "value", 1),), node=Continuous(2))

Rows = dict[Any, Tensor]


def random_graph(seed: int, num_nodes: int = 7, density: float = 0.35) -> Data:
    """Undirected, with a kind of each edge; sparse enough to fall apart now and then."""
    rng = SeedStream(seed, ("loops",)).torch()
    upper = torch.triu(torch.rand(num_nodes, num_nodes, generator=rng) < density, diagonal=1)
    kinds = torch.triu(torch.randint(KINDS, (num_nodes, num_nodes), generator=rng), diagonal=1)
    edges = (upper | upper.T).nonzero()
    order = torch.randperm(len(edges), generator=rng)
    edge_index = edges[order].T.contiguous()
    edge_attr = (kinds + kinds.T)[edge_index[0], edge_index[1]].view(-1, 1)
    x = torch.randn(num_nodes, 2, generator=rng, dtype=torch.float64)
    return Data(x=x, edge_index=edge_index, edge_attr=edge_attr, num_nodes=num_nodes)


def to_networkx(graph: Data) -> nx.Graph:
    """Each edge with its kind."""
    out = nx.Graph()
    out.add_nodes_from(range(int(graph.num_nodes or 0)))
    for (w, v), kind in zip(graph["edge_index"].T.tolist(), graph["edge_attr"].flatten().tolist(), strict=True):
        out.add_edge(w, v, kind=kind)
    return out


@dataclass(frozen=True)
class Subgraph:
    """A part of a graph, looked at from a node, or from a node and another."""

    root: int
    graph: nx.Graph
    other: int = -1


def subgraphs(policy: str, graph: nx.Graph, hops: int = 2) -> list[Subgraph]:
    """What a policy makes of a graph, roots in the order of nodes or of `graph.edges`."""
    match policy:
        case "null":
            return [Subgraph(0, graph)]
        case "node-deleted":
            return [Subgraph(u, nx.restricted_view(graph, [u], [])) for u in graph]
        case "edge-deleted":
            return [Subgraph(u, nx.restricted_view(graph, [], [(u, v)]), v) for u, v in graph.edges]
        case "whole":
            return [Subgraph(u, graph) for u in graph]
        case "ego":
            return [Subgraph(u, nx.ego_graph(graph, u, hops)) for u in graph]
    raise AssertionError(policy)


def tuples_of(parts: Iterable[Subgraph]) -> list[tuple[int, int]]:
    return [(r, v) for r, part in enumerate(parts) for v in part.graph]


def heard(name: str, parts: list[Subgraph], whole: nx.Graph, r: int, v: int) -> list[tuple[tuple[int, int], int]]:
    """The tuples that (r, v) hears of, and the kind of edge each message goes along, -1 for none."""
    root_of = {part.root: k for k, part in enumerate(parts)}
    u = parts[r].root
    single = {"uv": (r, v), "vu": (root_of[v], u), "uu": (r, u), "vv": (root_of[v], v)} if name in POINTS else {}
    if name in single:
        return [(single[name], -1)]
    if name == "uL":
        return [((r, w), whole.edges[w, v]["kind"]) for w in parts[r].graph[v]]
    if name == "vL":
        return [((root_of[w], v), whole.edges[w, u]["kind"]) for w in whole[u] if v in parts[root_of[w]].graph]
    if name == "uG":
        return [((r, w), -1) for w in parts[r].graph]
    return [((k, v), -1) for k, part in enumerate(parts) if v in part.graph]


POINTS = ("uv", "vu", "uu", "vv")


def total(rows: Iterable[Tensor], like: Tensor) -> Tensor:
    return sum(rows, torch.zeros_like(like))


def mean(rows: Iterable[Tensor]) -> Tensor:
    rows = list(rows)
    return sum(rows[1:], rows[0]) / len(rows)


def each(module: Callable[[Tensor], Tensor], rows: Rows) -> Rows:
    """A module in evaluation mode on one row at a time."""
    return {key: module(row.unsqueeze(0)).squeeze(0) for key, row in rows.items()}


def convolution(module: Any, rows: Rows, sources: Callable[[Any], list[tuple[Any, int]]]) -> Rows:
    """MLP((1 + eps) h_i + sum of relu(h_j + bond), or of h_j where edges carry nothing)."""
    out = {}
    for key, row in rows.items():
        sent = []
        for source, kind in sources(key):
            bond = None if module.table is None else module.table.map.tables[0].weight[kind]
            sent.append(rows[source] if bond is None else (rows[source] + bond).relu())
        out[key] = (1 + module.eps) * row + total(sent, row)
    return each(module.mlp, out)
