"""The hierarchy of the tests, and pairs of graphs that show it to be strict."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from graphlab.analysis.expressiveness.compare import partition
from graphlab.analysis.expressiveness.graphs import Graph, as_arrays
from graphlab.analysis.expressiveness.tests import ICML, TESTS, USUAL, find_tests
from graphlab.core.errors import InputError, UnknownNameError

if TYPE_CHECKING:
    import pandas as pd

    from graphlab.core.plot import Plot

CFI = "Cai, Fürer and Immerman, Combinatorica 1992"


@dataclass(frozen=True)
class Edge:
    """Every two graphs that `weaker` tells apart `stronger` does as well, and some that `weaker` does not."""

    weaker: str
    stronger: str
    source: str = ICML


HIERARCHY = (
    Edge("1-WL", "SPD-WL", "Zhang et al., ICLR 2023"),
    Edge("1-WL", "RD-WL", "Zhang et al., ICLR 2023"),
    Edge("1-WL", "SWL(VS)"),
    Edge("SPD-WL", "PSWL(VS)"),
    Edge("RD-WL", "PSWL(VS)"),
    Edge("SWL(VS)", "PSWL(VS)"),
    Edge("SWL(VS)", "SWL(SV)"),
    Edge("PSWL(VS)", "PSWL(SV)"),
    Edge("PSWL(VS)", "LFWL(2)"),
    Edge("SWL(SV)", "PSWL(SV)"),
    Edge("PSWL(SV)", "GSWL"),
    Edge("GSWL", "SSWL"),
    Edge("SSWL", "SLFWL(2)"),
    Edge("LFWL(2)", "SLFWL(2)"),
    Edge("SLFWL(2)", "FWL(2)"),
    Edge("FWL(2)", "FWL(3)", CFI),
)
"""Its diagram: what follows by way of others is left out."""


def weaker_than(test: str) -> tuple[str, ...]:
    """The tests that the diagram puts below this one, by way of others too, in the order of `TESTS`.

    Raises UnknownNameError for a test that it does not show.
    """
    return _reached(test, {(edge.stronger, edge.weaker) for edge in HIERARCHY})


def stronger_than(test: str) -> tuple[str, ...]:
    """Those that it puts above; as `weaker_than`."""
    return _reached(test, {(edge.weaker, edge.stronger) for edge in HIERARCHY})


def _reached(start: str, steps: Set[tuple[str, str]]) -> tuple[str, ...]:
    if start not in TESTS:
        raise UnknownNameError("test", start, TESTS)
    found: set[str] = set()
    ahead = {start}
    while ahead:
        ahead = {end for begin, end in steps if begin in ahead} - found
        found |= ahead
    return tuple(name for name in TESTS if name in found)


@dataclass(frozen=True)
class Pair:
    """Two graphs and where they are from."""

    name: str
    first: Graph
    second: Graph


@dataclass(frozen=True)
class Shown:
    """What pairs of graphs say of one edge of the diagram.

    witness        the smallest pair that only the stronger test tells apart; None if there is none among those seen
    num_witnesses  how many such pairs there are
    against        pairs that only the weaker test tells apart: there must be none
    """

    edge: Edge
    witness: Pair | None
    num_nodes: int
    num_witnesses: int
    against: tuple[Pair, ...]


@dataclass(frozen=True, repr=False)
class Evidence:
    """What pairs of graphs say of the whole diagram."""

    shown: tuple[Shown, ...]
    num_pairs: int

    @property
    def strict(self) -> bool:
        """Whether each edge has a witness and none has a pair against it."""
        return all(found.witness and not found.against for found in self.shown)

    @property
    def df(self) -> pd.DataFrame:
        import pandas as pd

        return pd.DataFrame(self.to_json()["edges"])

    def to_json(self) -> dict[str, Any]:
        edges = [
            {
                "weaker": found.edge.weaker,
                "stronger": found.edge.stronger,
                "witness": found.witness.name if found.witness else None,
                "num_nodes": found.num_nodes,
                "num_witnesses": found.num_witnesses,
                "num_against": len(found.against),
                "source": found.edge.source,
            }
            for found in self.shown
        ]
        return {"num_pairs": self.num_pairs, "strict": self.strict, "edges": edges}

    def plot(self) -> Plot:
        """The diagram with its witnesses; see `plot_hierarchy`."""
        from graphlab.analysis.expressiveness.diagram import plot_hierarchy

        return plot_hierarchy(self)

    def __repr__(self) -> str:
        return self.df.to_string(index=False)

    def _repr_html_(self) -> str:
        return self.df.to_html(index=False)


def find_evidence(pairs: Sequence[Pair], tests: str | Iterable[str] = USUAL) -> Evidence:
    """What these pairs say of the diagram's edges between these tests. Every graph is refined once by every test.

    Raises InputError where there is no pair, or no edge between the tests.
    """
    names = [test.name for test in find_tests(tests)]
    edges = [edge for edge in HIERARCHY if edge.weaker in names and edge.stronger in names]
    if not pairs or not edges:
        raise InputError("nothing to show", hint="give pairs of graphs, and tests that the diagram compares")
    arrays = as_arrays([graph for pair in pairs for graph in (pair.first, pair.second)])
    places = np.arange(2 * len(pairs)).reshape(-1, 2)
    separates = {name: partition(name, arrays).separates(places) for name in names}
    sizes = arrays.num_nodes[places].max(axis=1)
    return Evidence(tuple(_shown(edge, separates, pairs, sizes) for edge in edges), len(pairs))


def _shown(edge: Edge, separates: Mapping[str, np.ndarray], pairs: Sequence[Pair], sizes: np.ndarray) -> Shown:
    weaker, stronger = separates[edge.weaker], separates[edge.stronger]
    found = np.flatnonzero(stronger & ~weaker)
    against = tuple(pairs[k] for k in np.flatnonzero(weaker & ~stronger).tolist())
    if not len(found):
        return Shown(edge, None, 0, 0, against)
    best = int(found[np.argmin(sizes[found])])
    return Shown(edge, pairs[best], int(sizes[best]), len(found), against)
