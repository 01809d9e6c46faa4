"""Which properties of nodes, edges, pairs of nodes and graphs the stable colours of a test determine.

A test determines a property if whatever it finds alike, in any two graphs, has it alike. A witness against this proves
that it does not; that there is none in a collection proves nothing of other graphs. What is proved for all connected
graphs is in Zhang et al., ICLR 2023: 1-WL determines neither cut vertices nor cut edges, distances (SPD-WL) cut edges,
resistances (RD-WL) cut vertices, and subgraphs with a marked root and all roots of a node in common (GSWL) both.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from graphlab.analysis.expressiveness.graphs import Graph, as_arrays
from graphlab.analysis.expressiveness.properties import Facts, Property, find_properties
from graphlab.analysis.expressiveness.stable import StableColours
from graphlab.analysis.expressiveness.tests import WLTest, find_tests
from graphlab.analysis.probe import Finding
from graphlab.core.errors import InputError
from graphlab.data.dataset import Dataset
from graphlab.ops.colour_refinement import GraphArrays

if TYPE_CHECKING:
    from graphlab.core.plot import Plot

TOLERANCE = 1e-6
"""Resistances, computed in float64, that differ by less count as equal: no witness is one of rounding."""


@dataclass(frozen=True)
class Item:
    """A node (v,), an edge or a pair of nodes (u, v), or a whole graph () of the collection, and its value."""

    graph: int
    nodes: tuple[int, ...]
    value: float

    def __str__(self) -> str:
        where = ("", "node {} of ", "nodes {} and {} of ")[len(self.nodes)].format(*self.nodes)
        return f"{where}graph {self.graph} ({self.value:g})"


@dataclass(frozen=True, eq=False)
class Witness:
    """Two items that a test finds alike and of which a property differs, in graphs as small as any such two are in."""

    test: WLTest
    of: Property
    first: Item
    second: Item
    graphs: GraphArrays

    @property
    def num_nodes(self) -> int:
        """Those of the larger graph."""
        return int(self.graphs.num_nodes[[self.first.graph, self.second.graph]].max())

    def plot(self) -> Plot:
        """The one graph or two with the test's stable colours, and the two items; see `plot_witness`."""
        from graphlab.analysis.expressiveness.witness_plot import plot_witness

        return plot_witness(self)

    def __repr__(self) -> str:
        return f"{self.test.name} does not determine {self.of.name}: it finds {self.first} and {self.second} alike"


@dataclass(frozen=True)
class Determination:
    """What a collection says of one test and one property.

    num_items    what the property is of: the nodes, edges, ordered pairs of nodes, or graphs of the collection
    num_colours  what the test finds different among them
    num_mixed    the colours that are of items of different values: 0 if and only if there is no witness
    """

    test: str
    of: Property
    num_items: int
    num_colours: int
    num_mixed: int
    witness: Witness | None

    def to_json(self) -> dict[str, Any]:
        return {
            "of": self.of.of,
            "items": self.num_items,
            "colours": self.num_colours,
            "mixed": self.num_mixed,
            "witness": self.witness and [vars(item) for item in (self.witness.first, self.witness.second)],
        }


@dataclass(frozen=True, repr=False)
class Determinations(Finding):
    """What a collection of graphs says of each test and property. `df` has a row a test and a column a property: how
    many of the test's colours are of items of different values, 0 where no witness is seen.

    found  by test and property
    """

    found: Mapping[str, Mapping[str, Determination]]

    def witness(self, test: str, of: str) -> Witness | None:
        """The smallest witness that the test does not determine the property, None if there is none here.

        Raises InputError for a test or a property that was not asked about.
        """
        by_property = self.found.get(test, {})
        if of not in by_property:
            raise InputError(f"nobody asked whether {test} determines {of}", hint=f"asked: {_asked(self.found)}")
        return by_property[of].witness

    def to_json(self) -> dict[str, Any]:
        tests = {test: {name: one.to_json() for name, one in row.items()} for test, row in self.found.items()}
        return {"probe": self.probe, "dataset": self.dataset, "tests": tests, "summary": dict(self.summary)}

    def plot(self) -> Plot:
        """Tests by properties; see `plot_determinations`."""
        from graphlab.analysis.expressiveness.witness_plot import plot_determinations

        return plot_determinations(self)


def determine(
    graphs: Dataset | Sequence[Graph],
    tests: str | WLTest | Iterable[str | WLTest] = "all",
    properties: str | Property | Iterable[str | Property] = "all",
) -> Determinations:
    """Whether the stable colours of tests determine properties, as far as a collection shows, with a smallest witness
    for each that one does not; see the module's text, `StableColours` for what is coloured, and `PROPERTIES`.

    Features of nodes and edges are seen. Raises UnknownNameError for a test or a property, InputError for what is no
    graph, or for none.
    """
    chosen, asked = find_tests(tests), find_properties(properties)
    arrays = as_arrays(graphs.graphs if isinstance(graphs, Dataset) else graphs)
    if not len(arrays):
        raise InputError("there are no graphs to look at", hint="give some")
    facts = [Facts(arrays, g) for g in range(len(arrays))]
    values = {one.name: one.values(facts) for one in asked}
    found: dict[str, dict[str, Determination]] = {}
    for test in chosen:
        colours = StableColours(test, arrays)
        found[test.name] = {one.name: _determination(colours, one, facts, values[one.name]) for one in asked}
    name = graphs.name if isinstance(graphs, Dataset) else "the collection"
    return Determinations(
        probe="biconnectivity",
        dataset=name,
        text=_text(name, len(arrays), found),
        summary={"num_graphs": len(arrays), "num_nodes": int(arrays.start[-1])},
        rows=tuple(
            {"test": test} | {one.of.name: one.num_mixed for one in row.values()} for test, row in found.items()
        ),
        found=found,
    )


def _determination(colours: StableColours, of: Property, facts: Sequence[Facts], values: np.ndarray) -> Determination:
    """Against the smallest item of each colour stand the others of its colour: if any two differ, one does from it."""
    label, nodes = colours.of(of.of), [one.items(of.of) for one in facts]
    graph = np.repeat(np.arange(len(facts)), [part.shape[1] for part in nodes])
    size = colours.graphs.num_nodes[graph]
    order = np.lexsort((size, label))
    starts = np.flatnonzero(np.diff(label[order], prepend=-1))
    first = np.repeat(order[starts], np.diff(starts, append=len(order)))
    against = np.flatnonzero(np.abs(values[order] - values[first]) > TOLERANCE)
    witness = None
    if len(against):
        best = against[np.argmin(size[order[against]])]
        ends = np.concatenate(nodes, axis=1)
        pair = (Item(int(graph[i]), tuple(ends[:, i].tolist()), float(values[i])) for i in (first[best], order[best]))
        witness = Witness(colours.test, of, *pair, graphs=colours.graphs)
    mixed = len(np.unique(label[order[against]]))
    return Determination(colours.test.name, of, len(label), len(starts), mixed, witness)


def _text(name: str, num_graphs: int, found: Mapping[str, Mapping[str, Determination]]) -> str:
    refuted: dict[tuple[str, ...], list[str]] = {}
    for of in next(iter(found.values())):
        tests = tuple(test for test, row in found.items() if row[of].witness)
        refuted.setdefault(tests, []).append(of)
    parts = [
        f"{', '.join(tests)} {'do' if len(tests) > 1 else 'does'} not determine {', '.join(names)}"
        if tests
        else f"of {', '.join(names)} no witness against any test"
        for tests, names in refuted.items()
    ]
    return f"{name}, {num_graphs:,} graphs: {'; '.join(parts)}."


def _asked(found: Mapping[str, Mapping[str, Determination]]) -> str:
    return f"{', '.join(next(iter(found.values())))} of {', '.join(found)}"
