"""A search that leaves the official validation alone: its own split of the training part."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Literal

import torch
from torch import Tensor

from graphlab.core.errors import IncompatibleError
from graphlab.core.seeds import SeedStream
from graphlab.data.dataset import Dataset, Split, Splits
from graphlab.data.identity import derived
from graphlab.data.spec import UNLABELLED

Part = Literal["train", "validation"]
"""What is searched on: a part of the training labels that is held out, or the official validation labels."""

HELD_OUT = 0.3
"""Share of the training part, of each class where there are classes."""

LEVELS = ("node", "graph")


def searched(dataset: Dataset, part: Part, seed: int) -> Dataset:
    """The data set as a search sees it. Its test part is what it selects on: the official test is not there.

    train       30 % of the training part is selected on, drawn once for the search, evenly over classes
    validation  the official validation part is; see `eligibility`

    Raises IncompatibleError for data whose training part is also what messages go over, as triples and links are.
    """
    if part == "validation":
        official = _with(dataset, "validation", lambda split, k: (split.train, split.validation))
        return derived(official, dataset, "searched on validation")
    if dataset.spec.level not in LEVELS:
        raise IncompatibleError(
            f"{dataset.name} has no inner split: its training {dataset.spec.level}s are what messages go over",
            hint='search on its validation part: on="validation", or --on validation',
        )
    stream = SeedStream(seed).child("inner split")
    inner = _with(dataset, "inner", lambda split, k: _halves(dataset, split.train, stream.child(k)))
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
    if dataset.spec.level != "triple":
        return replace(dataset, splits=splits)
    last = dataset.validation_graph
    labels = {key: names for key, names in dataset.labels.items() if key != "test_entities"}
    if "validation_entities" in labels:
        labels["test_entities"] = labels["validation_entities"]
    elif last == len(dataset.graphs) - 1 and "test_entities" in dataset.labels:
        labels["test_entities"] = dataset.labels["test_entities"]
    return replace(dataset, splits=splits, graphs=dataset.graphs[: last + 1], labels=labels)


def _halves(dataset: Dataset, train: Tensor, stream: SeedStream) -> tuple[Tensor, Tensor]:
    """What is trained on and what is held out, each in ascending order."""
    random = stream.torch()
    held: list[Tensor] = []
    for group in _classes(dataset, train):
        order = group[torch.randperm(len(group), generator=random)]
        held.append(order[: max(1, round(HELD_OUT * len(group)))] if len(group) > 1 else order[:0])
    out = torch.cat(held).sort().values
    rest = train[~torch.isin(train, out)]
    if not len(out) or not len(rest):
        raise IncompatibleError(
            f"{dataset.name} has {len(train)} training {dataset.spec.level}s, too few to hold some out",
            hint='search on its validation part: on="validation", or --on validation',
        )
    return rest.sort().values, out


def _classes(dataset: Dataset, train: Tensor) -> list[Tensor]:
    """The items of each class; all of them where there are no classes."""
    if dataset.spec.level == "node":
        y = dataset.graph["y"][train]
    else:
        rows = [dataset.graphs[i]["y"].reshape(-1) for i in train.tolist()]
        y = torch.cat(rows) if all(len(row) == 1 for row in rows) else torch.zeros(len(train))
    if y.dim() != 1 or y.is_floating_point():
        return [train]
    return [train[y == label] for label in y.unique().tolist() if label != UNLABELLED]
