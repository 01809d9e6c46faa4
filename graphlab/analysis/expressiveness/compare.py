"""Which tests tell two graphs apart, and which graphs of a collection."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from graphlab.analysis.expressiveness.graphs import Graph, as_arrays
from graphlab.analysis.expressiveness.tests import WLTest, find_tests
from graphlab.ops.colour_refinement import GraphArrays, Refinement

if TYPE_CHECKING:
    import pandas as pd

    from graphlab.core.plot import Plot

SEEDS = (0, 1)
"""What the first finds different is different; what it does not, the second is asked as well."""


@dataclass(frozen=True, eq=False)
class Separation:
    """What tests say of two graphs.

    rounds  by test, the first round after which the two differ (0: at sight), or None if they never do
    stable  by test, the round after which the colours of either graph no longer split
    """

    graphs: GraphArrays
    tests: tuple[WLTest, ...]
    rounds: Mapping[str, int | None]
    stable: Mapping[str, int]

    @property
    def by(self) -> tuple[str, ...]:
        """The tests that tell the two apart."""
        return tuple(name for name, found in self.rounds.items() if found is not None)

    @property
    def df(self) -> pd.DataFrame:
        """A test a row: whether it separates the two, and in which round."""
        import pandas as pd

        rounds = pd.array(list(self.rounds.values()), dtype="Int64")
        separated = [found is not None for found in self.rounds.values()]
        frame = {"test": list(self.rounds), "separated": separated, "round": rounds, "stable": self.stable.values()}
        return pd.DataFrame(frame)

    def plot(self, test: str | WLTest, after: int | None = None) -> Plot:
        """The colours of a test after so many rounds, or when neither graph's split any more; see `plot_colours`."""
        from graphlab.analysis.expressiveness.pictures import plot_colours

        (found,) = find_tests([t for t in self.tests if t.name == test] or test)
        if after is None:
            after = self.stable[found.name] if found in self.tests else _rounds(found.refinement, self.graphs)[1]
        return plot_colours(found, self.graphs, after)

    def __repr__(self) -> str:
        return self.df.to_string(index=False)

    def _repr_html_(self) -> str:
        return self.df.to_html(index=False)


@dataclass(frozen=True, eq=False)
class Partition:
    """The graphs of a collection, by what a test cannot tell apart.

    label  int64 `[G]`, equal for graphs that the test finds alike; from 0, in the order of first appearance
    """

    test: str
    label: np.ndarray

    @property
    def num_classes(self) -> int:
        return int(self.label.max(initial=-1)) + 1

    @cached_property
    def classes(self) -> tuple[tuple[int, ...], ...]:
        """The graphs of each class."""
        order = np.argsort(self.label, kind="stable")
        cuts = np.cumsum(np.bincount(self.label, minlength=self.num_classes))[:-1]
        return tuple(tuple(part.tolist()) for part in np.split(order, cuts)) if len(order) else ()

    @property
    def num_tied(self) -> int:
        """Pairs of graphs that the test does not tell apart."""
        sizes = np.bincount(self.label)
        return int((sizes * (sizes - 1) // 2).sum())

    def separates(self, pairs: np.ndarray) -> np.ndarray:
        """Of pairs of graphs, int64 `[P, 2]`, which the test tells apart: bool `[P]`."""
        return self.label[pairs[:, 0]] != self.label[pairs[:, 1]]


def compare(first: Graph, second: Graph, tests: str | WLTest | Iterable[str | WLTest] = "all") -> Separation:
    """Put tests to two graphs; see `as_arrays` for what a graph may be given as and what of it is seen.

    A test separates two graphs if the multisets of their colours differ after some round, see
    `graphlab.ops.colour_refinement.refine` for why no later round than those tried can. Raises UnknownNameError, or
    InputError for what is no graph.
    """
    chosen = find_tests(tests)
    arrays = as_arrays([first, second])
    found = {test.name: _rounds(test.refinement, arrays) for test in chosen}
    return Separation(
        graphs=arrays,
        tests=chosen,
        rounds={name: parted for name, (parted, _) in found.items()},
        stable={name: stable for name, (_, stable) in found.items()},
    )


def separates(test: str | WLTest, first: Graph, second: Graph) -> bool:
    """Whether a test tells two graphs apart; see `compare`."""
    return bool(compare(first, second, test).by)


def partition(test: str | WLTest, graphs: Sequence[Graph] | GraphArrays) -> Partition:
    """What a test cannot tell apart in a collection. One pass over the graphs, none over pairs of them."""
    (found,) = find_tests(test)
    arrays = graphs if isinstance(graphs, GraphArrays) else as_arrays(graphs)
    first, second = SEEDS
    label = _numbered(_history(found.refinement, arrays, first))
    alike = np.flatnonzero(np.bincount(label, minlength=len(label))[label] > 1)
    if len(alike):
        again = _history(found.refinement, arrays.take(alike), second)
        part = _numbered(np.column_stack([label[alike].astype(np.uint64), again]))
        label[alike] = len(arrays) + part
    return Partition(found.name, _in_order(label))


def _rounds(refinement: Refinement, arrays: GraphArrays) -> tuple[int | None, int]:
    """When the two graphs part, if they do, and when both are stable."""
    found = [refinement.histories(arrays, seed=seed) for seed in SEEDS]
    columns = [np.flatnonzero(one.invariant[0] != one.invariant[1]) for one in found]
    parted = min((int(different[0]) for different in columns if len(different)), default=None)
    return parted, int(max(one.rounds.max() for one in found))


def _history(refinement: Refinement, arrays: GraphArrays, seed: int) -> np.ndarray:
    return refinement.histories(arrays, seed=seed).invariant


def _numbered(rows: np.ndarray) -> np.ndarray:
    """A number for each different row."""
    return np.unique(rows, axis=0, return_inverse=True)[1].ravel().astype(np.int64)


def _in_order(label: np.ndarray) -> np.ndarray:
    _, first, inverse = np.unique(label, return_index=True, return_inverse=True)
    rank = np.empty(len(first), np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    return rank[inverse.ravel()]
