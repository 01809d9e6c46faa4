"""From a data set's name to a Dataset."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from torch_geometric.data import Data

from graphlab.core.errors import InputError
from graphlab.data.card import Card
from graphlab.data.dataset import Dataset
from graphlab.data.fetch import Files
from graphlab.data.registry import DATASETS

if TYPE_CHECKING:
    import pandas as pd

Transform = Callable[[Data], Data]


def load(name: str, *, split: str | None = None, transform: Transform | None = None) -> Dataset:
    """Load `family/variant`, a family without variants, or a variant that only one family has.

    The split is part of the name (`planetoid/cora@full`) or given apart; else it is the family's default.

    Raises UnknownNameError or InputError for a name or a split that is not there, DataError where the raw
    files are missing or altered.
    """
    stem, _, suffix = name.partition("@")
    if suffix and split and suffix.lower() != split.lower():
        raise InputError(f"{name!r} and split={split!r} name two splits", hint="give one of them")
    found = DATASETS.resolve(stem)
    card: Card = found.module.CARD
    chosen = _split(card, found.name, suffix or split or card.splits[0])
    files = Files(card.sources.get(found.variant, ()))
    dataset = found.module.build(found.variant, files, chosen)
    return replace(dataset, name=found.name if chosen == card.splits[0] else f"{found.name}@{chosen}")


def _split(card: Card, name: str, asked: str) -> str:
    chosen = asked.lower().replace("_", "-")
    if chosen not in card.splits:
        raise InputError(f"{name} has no split {asked!r}", hint=f"it has: {', '.join(card.splits)}")
    return chosen
