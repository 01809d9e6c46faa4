"""How many pairs of a data set's graphs each test of the Weisfeiler-Lehman kind tells apart; see
`graphlab.analysis.expressiveness`.
"""

from __future__ import annotations

from collections.abc import Iterable

from graphlab.analysis.expressiveness import Ceilings, WLTest, ceilings
from graphlab.data.dataset import Dataset


def probe(dataset: Dataset, *, tests: str | WLTest | Iterable[str | WLTest] = "all") -> Ceilings:
    """The exact ceiling of each test: `all`, a name, names with commas between them, or a list; see `ceilings`."""
    return ceilings(dataset, tests)
