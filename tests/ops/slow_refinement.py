"""Colour refinement by the book: colours are tuples of what they are made of, named in both graphs by one dictionary.

Nothing here is hashed to numbers of few bits, cached or made fast.
"""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from itertools import product
from typing import Any

import networkx as nx


class Slow:
    """A graph with what is known of its nodes (`x`) and edges (`edge_attr`)."""

    def __init__(self, graph: nx.Graph) -> None:
        self.nodes = list(graph)
        self.near = {v: list(graph[v]) for v in graph}
        self.x = {v: graph.nodes[v].get("x", 0) for v in graph}
        self.attr = {(u, v): graph.edges[u, v].get("edge_attr", 0) for u in graph for v in graph[u]}
        self.graph = graph

    def featured(self, u: Any, v: Any) -> Any:
        """What is known of an edge beside that it is there; of a self-loop, which no distance tells of, that too."""
        return (self.attr.get((u, v)) or None, u == v and (u, v) in self.attr)

    def kind(self, u: Any, v: Any) -> tuple[Any, ...]:
        """What is known of two nodes together."""
        return (self.x[u], self.x[v], u == v, (u, v) in self.attr, self.attr.get((u, v)))


def bag(items: Any) -> tuple[Any, ...]:
    return tuple(sorted(Counter(items).items(), key=repr))


def rational_resistances(graph: nx.Graph) -> dict[Any, dict[Any, Fraction]]:
    """Resistance distances of connected nodes by Gauss and Jordan on fractions."""
    found: dict[Any, dict[Any, Fraction]] = {v: {} for v in graph}
    for component in nx.connected_components(graph):
        rest = sorted(component)[1:]
        size = len(rest)
        rows = [
            [
                Fraction(graph.degree(u) - 2 * graph.has_edge(u, u) if u == v else -int(graph.has_edge(u, v)))
                for v in rest
            ]
            + [Fraction(int(u == v)) for v in rest]
            for u in rest
        ]
        for k in range(size):
            pivot = rows[k][k]
            rows[k] = [value / pivot if value else value for value in rows[k]]
            for i in range(size):
                if i != k and rows[i][k]:
                    factor = rows[i][k]
                    rows[i] = [a - factor * b if b else a for a, b in zip(rows[i], rows[k], strict=True)]
        inverse = {(u, v): rows[i][size + j] for (i, u), (j, v) in product(enumerate(rest), repeat=2)}
        for u, v in product(component, repeat=2):
            entry = [inverse.get(pair, Fraction(0)) for pair in ((u, u), (v, v), (u, v))]
            found[u][v] = entry[0] + entry[1] - 2 * entry[2]
    return found


def distances(g: Slow, seen: str) -> dict[Any, dict[Any, Any]]:
    if seen == "resistance":
        return rational_resistances(g.graph)
    return dict(nx.all_pairs_shortest_path_length(g.graph))


def node_rule(g: Slow, seen: str):
    if seen == "neighbours":
        return lambda c, v: (c[v], bag((g.attr[w, v], c[w]) for w in g.near[v]))
    far = distances(g, seen)
    return lambda c, v: (c[v], bag((far[v].get(w), g.featured(v, w), c[w]) for w in g.nodes))


PAIR_PARTS = {
    "vu": lambda g, c, u, v: c[v, u],
    "uu": lambda g, c, u, v: c[u, u],
    "vv": lambda g, c, u, v: c[v, v],
    "uL": lambda g, c, u, v: bag((g.attr[w, v], c[u, w]) for w in g.near[v]),
    "vL": lambda g, c, u, v: bag((g.attr[w, u], c[w, v]) for w in g.near[u]),
    "uG": lambda g, c, u, v: bag(c[u, w] for w in g.nodes),
    "vG": lambda g, c, u, v: bag(c[w, v] for w in g.nodes),
    "FWL": lambda g, c, u, v: bag((c[u, w], c[w, v]) for w in g.nodes),
    "LFWL": lambda g, c, u, v: bag((c[u, w], c[w, v]) for w in {v, *g.near[v]}),
    "SLFWL": lambda g, c, u, v: bag((c[u, w], c[w, v]) for w in {u, v, *g.near[u], *g.near[v]}),
}


def pair_rule(g: Slow, aggregations: frozenset[str]):
    return lambda c, p: (c[p], *(PAIR_PARTS[name](g, c, *p) for name in sorted(aggregations)))


def triple_rule(g: Slow):
    return lambda c, t: (
        c[t],
        bag((c[w, t[1], t[2]], c[t[0], w, t[2]], c[t[0], t[1], w]) for w in g.nodes),
    )


def pooled(g: Slow, c: dict[Any, Any], pool: str) -> Any:
    if pool == "VS":
        return bag(bag(c[u, v] for v in g.nodes) for u in g.nodes)
    if pool == "SV":
        return bag(bag(c[u, v] for u in g.nodes) for v in g.nodes)
    return bag(c.values())


def part(graphs: tuple[nx.Graph, nx.Graph], test: Any, rounds: int | None = None) -> int | None:
    """The first round after which the two differ, or None.

    They are refined together until their common partition is stable and one round more, or for so many rounds.
    """
    slow = [Slow(graph) for graph in graphs]
    pool = getattr(test.refinement, "pool", "flat")
    rules, colours = begin(slow, test.refinement)
    count = -1
    t = 0
    while True:
        if pooled(slow[0], colours[0], pool) != pooled(slow[1], colours[1], pool):
            return t
        now = len(set(colours[0].values()) | set(colours[1].values()))
        if now == count or t == rounds:
            return None
        count = now
        colours = named([{p: rule(c, p) for p in c} for rule, c in zip(rules, colours, strict=True)])
        t += 1


def stable(graphs: list[nx.Graph], test: Any) -> list[dict[Any, int]]:
    """The colours of all graphs, refined together until none of any splits any more, by node, pair or triple."""
    rules, colours = begin([Slow(graph) for graph in graphs], test.refinement)
    count = -1
    while (now := len({name for one in colours for name in one.values()})) > count:
        count = now
        colours = named([{p: rule(c, p) for p in c} for rule, c in zip(rules, colours, strict=True)])
    return colours


def begin(slow: list[Slow], refinement: Any) -> tuple[list[Any], list[dict[Any, int]]]:
    """How each graph's colours are refined, and the first ones."""
    kind = type(refinement).__name__
    if kind == "NodeRefinement":
        return [node_rule(g, refinement.seen) for g in slow], named([{v: g.x[v] for v in g.nodes} for g in slow])
    if kind == "PairRefinement":
        folklore = bool(refinement.aggregations & {"FWL", "LFWL", "SLFWL"})
        pairs = [
            {(u, v): g.kind(u, v) if folklore else (g.x[v], u == v) for u, v in product(g.nodes, repeat=2)}
            for g in slow
        ]
        return [pair_rule(g, refinement.aggregations) for g in slow], named(pairs)
    triples = [
        {(a, b, d): (g.kind(a, b), g.kind(b, d), g.kind(a, d)) for a, b, d in product(g.nodes, repeat=3)} for g in slow
    ]
    return [triple_rule(g) for g in slow], named(triples)


def named(both: list[dict[Any, Any]]) -> list[dict[Any, int]]:
    """A number for each different tuple, the same in all graphs."""
    names: dict[Any, int] = {}
    return [{p: names.setdefault(value, len(names)) for p, value in one.items()} for one in both]
