"""From a data set's name to a Dataset, and the list of all of them."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from graphlab.core.errors import DataError, GraphLabError, InputError
from graphlab.core.registry import Registered, folded
from graphlab.data.card import Card
from graphlab.data.fetch import Files
from graphlab.data.identity import OWN, named_identity
from graphlab.data.own import entries, load_own
from graphlab.data.paths import store_root
from graphlab.data.registry import DATASETS, find_card

if TYPE_CHECKING:
    import pandas as pd

    from graphlab.data.dataset import Dataset
    from graphlab.data.transform import Transform


def load(
    name: str,
    *,
    split: str | None = None,
    task: str | None = None,
    transform: Transform | None = None,
    store: str | os.PathLike[str] | None = None,
) -> Dataset:
    """Load `family/variant`, a family without variants, or a variant that only one family has; or data of one's own,
    `own/NAME`, that a store keeps.

    The split is part of the name (`planetoid/cora@full`) or given apart; else it is the family's default.
    `task` chooses among the splits those of a task: `load("cora", task="link-prediction")` is `planetoid/cora@links`.
    A registered task that no split is made for may be named too, where it is about the same items and outputs.
    `transform` maps each graph to a Data of the same nodes. What was built is checked, kept, and read again as long
    as nothing it was built from has changed.

    `store` is the folder of runs that is looked in, by default `$GRAPHLAB_STORE`, else `./runs`.

    Raises UnknownNameError or InputError for a name or a split that is not there, DataError where the raw files are
    missing or altered or what is built of them fails the check, InputError where what the transform made fails it.
    """
    from graphlab.data import cache
    from graphlab.data.check import check
    from graphlab.data.dataset import Origin
    from graphlab.data.transform import apply, fingerprint

    if transform is not None and not callable(transform):
        raise InputError(
            f"transform cannot be {transform!r}", hint="give what maps a Data to a Data, as PyG's transforms"
        )
    if isinstance(name, str) and name.startswith(OWN):
        own = load_own(name, store_root(store))
        if split not in (None, own.splits.name):
            raise InputError(
                f"{own.name} has no split {split!r}", hint=f"it has {own.splits.name}; gl.dataset makes another"
            )
        own = with_task(own, task)
        return own if transform is None else apply(own, transform)
    found, chosen = find_dataset(name, split, task)
    card = find_card(found)
    files = Files(card.sources_of(found.variant, chosen))
    build = partial(_build, found, files, chosen)
    digests = files.digests()
    place = partial(cache.entry, found.module, found.name, chosen, digests)
    dataset = _kept(place(""), card, build) if card.sources else build()
    name = full_name(found, chosen)
    identity = named_identity(found, name, chosen, digests)
    content = dataset.origin.content if dataset.origin else dataset.fingerprint
    dataset = with_task(replace(dataset, origin=Origin(name, identity, content)), task)
    if transform is None:
        return dataset
    how = fingerprint(transform)

    def transformed() -> Dataset:
        return check(apply(dataset, transform))

    if how is None or not card.sources:
        return transformed()
    return replace(_kept(place(how), card, transformed), origin=dataset.origin)


def with_task(dataset: Dataset, task: str | None) -> Dataset:
    """The data set for another task than its own, the same data under the same name; whether the task is about it is
    seen when a run is planned."""
    if task in (None, dataset.task):
        return dataset
    other, origin = replace(dataset, task=task), dataset.origin
    if origin is None or origin.content != dataset.fingerprint:
        return other
    return replace(other, origin=replace(origin, content=other.fingerprint))


def find_dataset(name: str, split: str | None = None, task: str | None = None) -> tuple[Registered, str]:
    """What a name stands for, and the split that it or `split` names, else the first for a task, else the default.
    Raises as `load` does."""
    if not isinstance(name, str):
        raise InputError(
            f"a data set is given by its name or as a Dataset, not as {name!r:.60}",
            hint="gl.dataset(...) makes a Dataset of graphs, frames, files and folders; names are text, in quotes",
        )
    stem, _, suffix = name.partition("@")
    if suffix and split and folded(suffix) != folded(split):
        raise InputError(f"{name!r} and split={split!r} name two splits", hint="give one of them")
    found = DATASETS.resolve(stem)
    card = find_card(found)
    requested = suffix or split or (task and card.split_for(folded(task))) or card.splits[0]
    chosen = folded(requested)
    if chosen not in card.splits_of(found.variant):
        splits = ", ".join(card.splits_of(found.variant))
        raise InputError(f"{found.name} has no split {requested!r}", hint=f"it has: {splits}")
    return found, chosen


def full_name(found: Registered, split: str) -> str:
    """The name that runs are recorded under, in which the default split is not said."""
    return found.name if split == find_card(found).splits[0] else f"{found.name}@{split}"


def _build(found: Registered, files: Files, split: str) -> Dataset:
    from graphlab.data.check import check
    from graphlab.data.dataset import Dataset

    hint = f"see build in {found.module.__file__}"
    try:
        dataset: object = found.module.build(found.variant, files, split)
    except GraphLabError:
        raise
    except Exception as error:  # what reads the files of others may fail in any way
        raise DataError(f"the adapter of {found.name} fails: {type(error).__name__}: {error}", hint=hint) from error
    if not isinstance(dataset, Dataset):
        raise DataError(f"the adapter of {found.name} gives a {type(dataset).__name__}, no Dataset", hint=hint)
    return check(replace(dataset, name=full_name(found, split), origin=None), DataError)


def _kept(path: Path, card: Card, build: Callable[[], Dataset]) -> Dataset:
    from graphlab.data import cache

    kept = cache.read(path, card)
    if kept is not None:
        return kept
    dataset = build()
    cache.write(path, dataset)
    return dataset


def table(store: str | os.PathLike[str] | None = None) -> pd.DataFrame:
    """All data sets, one a row: title, task, the card's counts, splits (the default first), licence and citation. Those
    that are registered come first, then those that the store of runs keeps."""
    import pandas as pd

    found = [DATASETS.resolve(name) for name in DATASETS.names()]
    cards = [(each.name, each.variant, find_card(each)) for each in found]
    cards += [(entry.name, "", entry.card) for entry in entries(store_root(store))]
    rows = [
        {
            "name": name,
            "title": card.title,
            "task": ", ".join(card.all_tasks),
            **card.statistics.get(variant, {}),
            "splits": ", ".join(card.splits_of(variant)),
            "licence": card.licence,
            "citation": str(card.citation),
        }
        for name, variant, card in cards
    ]
    frame = pd.DataFrame(rows)
    counts = [column for column in frame if str(column).startswith("num_")]
    columns = ["name", "title", "task", *counts, "splits", "licence", "citation"]
    return frame.astype(dict.fromkeys(counts, "Int64")).reindex(columns=columns)
