"""How many pairs of a data set a test can tell apart: no model of the test's class can do better, however trained."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from graphlab.analysis.expressiveness.compare import Partition, partition
from graphlab.analysis.expressiveness.graphs import as_arrays
from graphlab.analysis.expressiveness.tests import WLTest, find_tests
from graphlab.analysis.probe import Finding
from graphlab.core.errors import IncompatibleError
from graphlab.data.dataset import Dataset
from graphlab.ops.colour_refinement import GraphArrays

FINEST = "FWL(2)"
"""Graphs with the same target that this test finds alike count once."""


@dataclass(frozen=True, repr=False)
class Ceilings(Finding):
    """What each test separates.

    tests  by test: by category, and in total; of data without categories `total`, `pairs` and `tied`
    """

    tests: Mapping[str, Mapping[str, int]]

    def to_json(self) -> dict[str, Any]:
        by_test = {name: dict(counts) for name, counts in self.tests.items()}
        return {"probe": self.probe, "dataset": self.dataset, "tests": by_test, "summary": dict(self.summary)}


def ceilings(dataset: Dataset, tests: str | WLTest | Iterable[str | WLTest] = "all") -> Ceilings:
    """The pairs that each test separates, exactly: by refining every graph once, whatever the number of pairs.

    The pairs are those that the data set's test split names, or any two of the graphs that it lists. Of graphs to be
    classified or valued, they are any two whose targets differ, a missing one (NaN) being like others that are missing;
    of those with the same target that FWL(2) finds alike, one stands for all (the ten classes of `csl` make 45 pairs).
    Node and edge features are seen.

    Raises IncompatibleError for data whose targets are not those of whole graphs, UnknownNameError for a test.
    """
    chosen = find_tests(tests)
    spec = dataset.spec
    if spec.output.location not in ("graph", "graph-pair"):
        raise IncompatibleError(
            f"{dataset.name} has no graphs to be told apart: its predictions are about {spec.output.location}s",
            hint="expressiveness is about pair-discrimination and graph-prediction; see graphlab datasets. What tests "
            "see of nodes and edges: graphlab analyze biconnectivity",
        )
    arrays = as_arrays(dataset.graphs)
    listed = dataset.split().test.numpy() if spec.items == "graph-pairs" else None
    if listed is not None and listed.ndim == 2:
        counts = _of_pairs(dataset, arrays, listed, chosen)
        num_pairs = len(listed)
    else:
        which, target = _distinct(dataset, arrays) if listed is None else (listed, np.arange(len(listed)))
        num_pairs = _pairs_within(np.zeros(len(which), np.int64), target)
        arrays = arrays.take(which)
        counts = {}
        for test in chosen:
            tied = _pairs_within(partition(test, arrays).label, target)
            counts[test.name] = {"total": num_pairs - tied, "pairs": num_pairs, "tied": tied}
    return Ceilings(
        probe="expressiveness",
        dataset=dataset.name,
        text=_sentence(dataset.name, {name: count["total"] for name, count in counts.items()}, num_pairs),
        summary={"num_graphs": len(arrays), "num_pairs": num_pairs},
        rows=tuple({"test": name, **count} for name, count in counts.items()),
        tests=counts,
    )


def _of_pairs(
    dataset: Dataset, arrays: GraphArrays, pairs: np.ndarray, tests: Sequence[WLTest]
) -> dict[str, dict[str, int]]:
    categories = dataset.labels.get("categories")
    counts = {}
    for test in tests:
        separated = partition(test, arrays).separates(pairs)
        total = int(separated.sum())
        if categories is None:
            counts[test.name] = {"total": total, "pairs": len(pairs), "tied": len(pairs) - total}
            continue
        found = Counter(name for name, one in zip(categories, separated, strict=True) if one)
        counts[test.name] = {name: found[name] for name in dict.fromkeys(categories)} | {"total": total}
    return counts


def _distinct(dataset: Dataset, arrays: GraphArrays) -> tuple[np.ndarray, np.ndarray]:
    """One graph of each kind, int64 `[K]`, and a number for its target."""
    rows = torch.cat([torch.as_tensor(graph.y).reshape(1, -1) for graph in dataset.graphs]).numpy()
    rows = np.where(rows != rows, np.inf, rows)  # NaN would be unlike itself
    target = np.unique(rows, axis=0, return_inverse=True)[1].ravel()
    kinds = np.column_stack([target, partition(FINEST, arrays).label])
    which = np.sort(np.unique(kinds, axis=0, return_index=True)[1])
    return which, target[which]


def _pairs_within(label: np.ndarray, target: np.ndarray) -> int:
    """Pairs of one label and of two targets."""
    both = Partition("", np.unique(np.column_stack([label, target]), axis=0, return_inverse=True)[1].ravel())
    return Partition("", label).num_tied - both.num_tied


def _sentence(name: str, totals: Mapping[str, int], num_pairs: int) -> str:
    by_total: dict[int, list[str]] = {}
    for test, total in totals.items():
        by_total.setdefault(total, []).append(test)
    found = "; ".join(f"{', '.join(tests)} {total:,}" for total, tests in sorted(by_total.items()))
    return f"{name}: of {num_pairs:,} pairs, the exact number that a test can tell apart: {found}."
