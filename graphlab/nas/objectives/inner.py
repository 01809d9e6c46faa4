"""A search that leaves the official validation alone: its own split of the training part."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import torch

from graphlab.core.errors import IncompatibleError
from graphlab.core.seeds import SeedStream
from graphlab.data.dataset import Dataset, Split, Splits
from graphlab.data.identity import derived
from graphlab.data.item import find_items

Part = Literal["train", "validation"]
"""What is searched on: a part of the training labels that is held out, or the official validation labels."""

HELD_OUT = 0.3
"""Share of the training part, of each class where there are classes."""

REPORTED = 0.2
"""Share of the official validation part that a search on it does not see, of each class where there are classes."""


def searched(dataset: Dataset, part: Part, seed: int, *, keeps_report: bool = False) -> Dataset:
    """The data set as a search sees it. The official test is not there.

    train       30 % of the training part is selected on, drawn once for the search, evenly over classes; its test part
                is the official validation part
    validation  the official validation part is selected on, see `eligibility`, and is the test part too; if it
                `keeps_report`, a fifth of it, drawn likewise, is the test part alone, but where messages go over what
                is selected on, as over triples and links, or there is too little of it

    What is in the test part alone no checkpoint and no architecture is selected on: it tells what a choice is worth.

    Raises IncompatibleError for data whose training part is also what messages go over, as triples and links are, or
    too small to hold some of it out.
    """
    items, stream = find_items(dataset.spec.items), SeedStream(seed).child("inner split")

    def on_train(split: Split, k: int) -> Split:
        return Split(*items.hold_out(dataset, split.train, HELD_OUT, stream.child(k)), split.validation)

    def on_validation(split: Split, k: int) -> Split:
        return Split(split.train, split.validation, split.validation)

    def on_most_of_validation(split: Split, k: int) -> Split:
        try:
            chosen, reported = items.hold_out(dataset, split.validation, REPORTED, stream.child("report", k))
        except IncompatibleError:
            return on_validation(split, k)
        return Split(split.train, chosen, reported)

    if part == "validation" and keeps_report:
        most = _with(dataset, "validation", on_most_of_validation)
        return derived(most, dataset, f"searched on validation, seed {seed}")
    if part == "validation":
        return derived(_with(dataset, "validation", on_validation), dataset, "searched on validation")
    return derived(_with(dataset, "inner", on_train), dataset, f"searched on the inner split of seed {seed}")


def has_report(inner: Dataset) -> bool:
    """Whether the data set as a search sees it has items that nothing is selected on."""
    splits = inner.splits.fixed or (inner.splits.at(0),)
    return not any(torch.isin(split.test, split.validation).any() for split in splits)


def eligibility(dataset: Dataset, part: Part) -> str:
    """For which leaderboard what a search on this part finds is not eligible, and why; empty where none forbids it."""
    forbids = dataset.card.forbids_search
    if part == "train" or not forbids:
        return ""
    return f"not eligible for {forbids}, whose rules forbid a search on validation labels"


def _with(dataset: Dataset, name: str, choose: Callable[[Split, int], Split]) -> Dataset:
    official = dataset.splits.fixed or (dataset.splits.at(0),)
    fixed = tuple(choose(split, k) for k, split in enumerate(official))
    splits = Splits(f"{dataset.splits.name}, searched on {name}", fixed=fixed)
    return find_items(dataset.spec.items).without_test(dataset, splits)
