"""How many pairs of a data set's graphs each test of the Weisfeiler-Lehman kind tells apart, and where a model stands
among these tests; see `graphlab.analysis.expressiveness`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from graphlab.analysis.expressiveness import Ceilings, Placement, WLTest, ceilings, place
from graphlab.data.dataset import Dataset
from graphlab.model.registry import ModelEntry


def probe(dataset: Dataset, *, tests: str | WLTest | Iterable[str | WLTest] = "all") -> Ceilings:
    """The exact ceiling of each test: `all`, a name, names with commas between them, or a list; see `ceilings`."""
    return ceilings(dataset, tests)


def probe_model(
    model: ModelEntry,
    dataset: Dataset | None,
    *,
    tests: str | WLTest | Iterable[str | WLTest] = "all",
    settings: Mapping[str, Any] | None = None,
) -> Placement:
    """The model's class and, on a data set, the exact ceiling that follows, beside those of the tests; see `place`."""
    return place(model, dataset, tests, settings)
