"""Whether the colours of each test of the Weisfeiler-Lehman kind determine cut vertices, cut edges and distances; see
`graphlab.analysis.expressiveness.determine`. Zhang et al., ICLR 2023.
"""

from __future__ import annotations

from collections.abc import Iterable

from graphlab.analysis.expressiveness import Determinations, Property, WLTest, determine
from graphlab.core.errors import IncompatibleError
from graphlab.data.dataset import Dataset
from graphlab.data.item import find_items


def probe(
    dataset: Dataset,
    *,
    tests: str | WLTest | Iterable[str | WLTest] = "all",
    properties: str | Property | Iterable[str | Property] = "all",
) -> Determinations:
    """Of each test, how many of its colours are of nodes, edges, pairs or graphs that differ in a property, over all
    graphs of the data set: `all` tests and properties, a name, names with commas between them, or a list.

    Raises IncompatibleError for data whose predictions are not about whole graphs.
    """
    if not find_items(dataset.spec.items).are_graphs:
        raise IncompatibleError(
            f"{dataset.name} is no collection of graphs: its items are {find_items(dataset.spec.items).plural}",
            hint="biconnectivity is about pair-discrimination and graph-prediction; see graphlab datasets",
        )
    return determine(dataset, tests, properties)
