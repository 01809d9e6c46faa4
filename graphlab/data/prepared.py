"""Data sets as a model wants its graphs made ready: once, however many runs use them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol
from weakref import WeakKeyDictionary

from torch_geometric.data import Data

from graphlab.data.dataset import Dataset


class Preparation(Protocol):
    """See `graphlab.model.base.Preparation`."""

    def prepare(self, graphs: Sequence[Data]) -> Sequence[Data]: ...


_MADE: WeakKeyDictionary[Dataset, dict[str, Dataset]] = WeakKeyDictionary()


def prepare(dataset: Dataset, preparation: Preparation) -> Dataset:
    """The data set with its graphs prepared; the same one for the same preparation of the same data set."""
    made = _MADE.setdefault(dataset, {})
    key = repr(preparation)
    if key not in made:
        made[key] = replace(dataset, graphs=tuple(preparation.prepare(dataset.graphs)))
    return made[key]
