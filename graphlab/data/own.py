"""Data that no adapter makes, kept in the store of runs under `data/`, so that their name is enough afterwards."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from graphlab.core.citation import Citation
from graphlab.core.errors import InputError, StoreError, UnknownNameError
from graphlab.core.files import write_json
from graphlab.data import cache
from graphlab.data.card import Card
from graphlab.data.dataset import Dataset, Origin
from graphlab.data.identity import OWN

FOLDER = "data"


def keep(dataset: Dataset, store: Path) -> None:
    """Keep an identified data set that is not registered; nothing happens for one that is, or is there already.

    Raises:
        InputError: Its splits are drawn by a function, or its graphs hold what is no tensor and no plain value.
        StoreError: The store cannot be written to.
    """
    if not dataset.name.startswith(OWN):
        return
    path = _file(dataset.name, store)
    if path.exists():
        return
    if dataset.splits.draw is not None:
        raise InputError(
            f"the splits of {dataset.name} are drawn by a function, which cannot be kept",
            hint="give it fixed splits: Splits(name, fixed=(dataset.split(0),))",
        )
    card = replace(dataset.card, sources={}, statistics={}, variants=())
    try:
        write_json(path.with_suffix(".json"), asdict(card))
    except OSError as error:
        raise StoreError(f"cannot write to the store {store}: {error.strerror or error}", hint="free space") from error
    cache.write(path, dataset)
    if not path.exists():
        raise InputError(
            f"{dataset.name} cannot be kept in {path.parent}",
            hint="its graphs may hold tensors, numbers, text and truth values; and the store must be writable",
        )


def names(store: Path) -> list[str]:
    """The full names of the data sets that a store keeps."""
    return sorted(_about(path)["name"] for path in (store / FOLDER).glob("*.npz"))


def load_own(name: str, store: Path) -> Dataset:
    """A data set that the store keeps, by its full name or by a beginning that one of them has.

    Raises:
        UnknownNameError: The store keeps none of this name.
        InputError: Several begin so.
        StoreError: Its file is damaged, or is no longer what it was.
    """
    kept = names(store)
    fitting = [name] if name in kept else [each for each in kept if each.startswith(name)]
    if len(fitting) > 1:
        raise InputError(f"{len(fitting)} data sets begin with {name!r}", hint=f"such as {' and '.join(fitting[:2])}")
    if not fitting:
        raise UnknownNameError("data set of your own", name, kept)
    path = _file(fitting[0], store)
    dataset = cache.read(path, _card(path.with_suffix(".json")))
    if dataset is None or dataset.origin is None:
        raise StoreError(
            f"{path} is damaged", hint="make the data set again with gl.dataset(...), and give it to gl.run"
        )
    content = dataset.origin.content
    return replace(dataset, origin=Origin(dataset.name, content, content))


def _file(name: str, store: Path) -> Path:
    return store / FOLDER / f"{name.removeprefix(OWN).replace('/', '-')}.npz"


def _about(path: Path) -> dict[str, Any]:
    try:
        return cache.about(path)
    except Exception as error:  # a damaged file can fail in any way
        raise StoreError(f"{path} cannot be read: {error}", hint="restore it, or move it away") from error


def _card(path: Path) -> Card:
    try:
        values = json.loads(path.read_text())
        values |= {"citation": Citation(**values["citation"]), "splits": tuple(values["splits"]), "variants": ()}
        return Card(**values)
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise StoreError(f"{path} cannot be read: {error}", hint="restore it, or move it away") from error
