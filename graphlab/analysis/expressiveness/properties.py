"""What is true of the nodes, edges, pairs of nodes and whole of a graph: what a test may or may not see.

The notions of biconnectivity are those of Zhang et al., ICLR 2023, section 2. Each edge is a resistor of 1 ohm.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import networkx as nx
import numpy as np

from graphlab.analysis.expressiveness.compare import partition
from graphlab.analysis.expressiveness.naming import chosen
from graphlab.data.connectivity import cut_edges, cut_vertices, distances, resistances
from graphlab.ops.colour_refinement import GraphArrays

Of = Literal["node", "edge", "pair", "graph"]

APART = -1.0
"""The distance and the resistance of nodes that no path joins."""


class Facts:
    """What is true of one graph, `adjacency` bool `[n, n]`; each is found out when it is first asked for.

    Self-loops are left out: they lead nowhere.
    """

    def __init__(self, graphs: GraphArrays, g: int) -> None:
        start, end = graphs.start[g : g + 2].tolist()
        rows = graphs.row[start : end + 1]
        target = np.repeat(np.arange(end - start), np.diff(rows))
        self.adjacency = np.zeros((end - start, end - start), dtype=bool)
        self.adjacency[graphs.source[rows[0] : rows[-1]], target] = True
        np.fill_diagonal(self.adjacency, False)

    @cached_property
    def edges(self) -> np.ndarray:
        """Int64 `[2, E]`, each undirected edge once."""
        return np.stack(np.nonzero(np.triu(self.adjacency)))

    def items(self, of: Of) -> np.ndarray:
        """The nodes of each item: int64 `[0, 1 or 2, items]`, in the order of `Property.values`."""
        match of:
            case "node":
                return np.arange(len(self.adjacency)).reshape(1, -1)
            case "edge":
                return self.edges
            case "pair":
                return np.stack(np.nonzero(~np.eye(len(self.adjacency), dtype=bool)))
            case "graph":
                return np.zeros((0, 1), np.int64)

    @cached_property
    def cut_vertices(self) -> np.ndarray:
        """Bool `[n]`."""
        return cut_vertices(self.adjacency)

    @cached_property
    def cut_edges(self) -> np.ndarray:
        """Bool `[E]`, in the order of `edges`."""
        return cut_edges(self.adjacency)[tuple(self.edges)]

    @cached_property
    def distances(self) -> np.ndarray:
        """Float64 `[n, n]`, or APART."""
        return _or_apart(distances(self.adjacency))

    @cached_property
    def resistances(self) -> np.ndarray:
        """Float64 `[n, n]`, or APART."""
        return _or_apart(resistances(self.adjacency))

    def block_cut_tree(self) -> nx.Graph:
        """Blocks, `x` 0, and cut vertices, `x` 1, each joined to the blocks that it is in."""
        network = nx.from_numpy_array(self.adjacency)
        cuts = np.flatnonzero(self.cut_vertices).tolist()
        blocks = [*nx.biconnected_components(network), *({v} for v in nx.isolates(network))]
        tree = nx.Graph()
        tree.add_nodes_from((("cut", v) for v in cuts), x=1)
        tree.add_nodes_from(range(len(blocks)), x=0)
        tree.add_edges_from((b, ("cut", v)) for b, block in enumerate(blocks) for v in block.intersection(cuts))
        return tree

    def bridge_tree(self) -> nx.Graph:
        """The components that are left without the cut edges, joined by them."""
        network = nx.from_numpy_array(self.adjacency)
        cuts = self.edges[:, self.cut_edges].T.tolist()
        network.remove_edges_from(cuts)
        part = {v: k for k, component in enumerate(nx.connected_components(network)) for v in component}
        tree = nx.empty_graph(len(set(part.values())))
        tree.add_edges_from((part[u], part[v]) for u, v in cuts)
        return tree


@dataclass(frozen=True)
class Property:
    """values  from the facts of a collection to a number for each item, end to end, as in `Facts.items`: for each node
    of a graph, each of its edges once, each ordered pair of different nodes, or the graph"""

    name: str
    of: Of
    values: Callable[[Sequence[Facts]], np.ndarray]


def _or_apart(found: np.ndarray) -> np.ndarray:
    return np.where(np.isfinite(found), found, APART)


def _each(fact: Callable[[Facts], np.ndarray]) -> Callable[[Sequence[Facts]], np.ndarray]:
    return lambda graphs: np.concatenate([np.zeros(0), *(np.ravel(fact(one)) for one in graphs)])


def _kinds(tree: Callable[[Facts], nx.Graph]) -> Callable[[Sequence[Facts]], np.ndarray]:
    """A number for each kind of tree: 1-WL tells any two forests apart."""
    return lambda graphs: partition("1-WL", [tree(one) for one in graphs]).label.astype(np.float64)


PROPERTIES = {
    one.name: one
    for one in (
        Property("cut vertex", "node", _each(lambda graph: graph.cut_vertices)),
        Property("cut edge", "edge", _each(lambda graph: graph.cut_edges)),
        Property("eccentricity", "node", _each(lambda graph: graph.distances.max(axis=1, initial=APART))),
        Property("distance sum", "node", _each(lambda graph: graph.distances.clip(min=0).sum(axis=1))),
        Property("resistance sum", "node", _each(lambda graph: graph.resistances.clip(min=0).sum(axis=1))),
        Property("distance", "pair", _each(lambda graph: graph.distances[tuple(graph.items("pair"))])),
        Property("resistance", "pair", _each(lambda graph: graph.resistances[tuple(graph.items("pair"))])),
        Property("cut vertices", "graph", _each(lambda graph: graph.cut_vertices.sum())),
        Property("cut edges", "graph", _each(lambda graph: graph.cut_edges.sum())),
        Property("block-cut tree", "graph", _kinds(Facts.block_cut_tree)),
        Property("bridge tree", "graph", _kinds(Facts.bridge_tree)),
    )
}
"""Whether a node or an edge is a cut vertex or edge; how far a node is from the farthest and from all that it reaches,
and two nodes from each other; how many cut vertices and edges a graph has, and how its parts hang together by them."""


def find_properties(properties: str | Property | Iterable[str | Property]) -> tuple[Property, ...]:
    """Properties from `all`, a name, names with commas between them, or a list of names and properties.

    Raises UnknownNameError with the nearest names, InputError where there is none or two differ and share a name.
    """
    return chosen(properties, Property, "property", PROPERTIES, [*PROPERTIES.values()])
