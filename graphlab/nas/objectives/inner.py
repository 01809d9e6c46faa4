"""A search that leaves the official validation alone: its own split of the training part."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from torch import Tensor

from graphlab.core.seeds import SeedStream
from graphlab.data.dataset import Dataset, Split, Splits
from graphlab.data.identity import derived
from graphlab.data.item import find_items

Part = Literal["train", "validation"]
"""What is searched on: a part of the training labels that is held out, or the official validation labels."""

HELD_OUT = 0.3
"""Share of the training part, of each class where there are classes."""


def searched(dataset: Dataset, part: Part, seed: int) -> Dataset:
    """The data set as a search sees it. Its test part is what it selects on: the official test is not there.

    train       30 % of the training part is selected on, drawn once for the search, evenly over classes
    validation  the official validation part is; see `eligibility`

    Raises IncompatibleError for data whose training part is also what messages go over, as triples and links are, or
    too small to hold some of it out.
    """
    if part == "validation":
        official = _with(dataset, "validation", lambda split, k: (split.train, split.validation))
        return derived(official, dataset, "searched on validation")
    stream = SeedStream(seed).child("inner split")
    items = find_items(dataset.spec.items)
    inner = _with(dataset, "inner", lambda split, k: items.hold_out(dataset, split.train, HELD_OUT, stream.child(k)))
    return derived(inner, dataset, f"searched on the inner split of seed {seed}")


def eligibility(dataset: Dataset, part: Part) -> str:
    """For which leaderboard what a search on this part finds is not eligible, and why; empty where none forbids it."""
    forbids = dataset.card.forbids_search
    if part == "train" or not forbids:
        return ""
    return f"not eligible for {forbids}, whose rules forbid a search on validation labels"


def _with(dataset: Dataset, name: str, choose: Callable[[Split, int], tuple[Tensor, Tensor]]) -> Dataset:
    official = dataset.splits.fixed or (dataset.splits.at(0),)
    parts = [choose(split, k) for k, split in enumerate(official)]
    fixed = tuple(Split(train, chosen, chosen) for train, chosen in parts)
    splits = Splits(f"{dataset.splits.name}, searched on {name}", fixed=fixed)
    return find_items(dataset.spec.items).without_test(dataset, splits)
