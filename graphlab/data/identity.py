"""Which data a data set holds: one that is loaded by name is known by its raw files and the versions of what reads
them, any other by its content."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from graphlab.core.files import canonical_json, hash_text
from graphlab.core.registry import Registered
from graphlab.core.source import foreign_module_digest
from graphlab.data.registry import find_version

if TYPE_CHECKING:
    from graphlab.data.dataset import Dataset

OWN = "own/"
"""What the names of data sets begin with that no adapter makes."""

DIGITS = 8
"""Of the fingerprint in such a name."""

_OWN_NAME = re.compile(rf"^{OWN}(?P<stem>.+)-(?P<digits>[0-9a-f]{{{DIGITS}}})$")


def named_identity(adapter: Registered, name: str, split: str, digests: Mapping[str, str]) -> str:
    """The identity of a registered data set, without loading it.

    Args:
        adapter: The adapter and its variant. Its module may set `VERSION`, raised when it makes other data of the same
            files; the text of an adapter that is not GraphLab's counts as well.
        name, split: The full name, and the name of the split.
        digests: sha256 of each raw file, by name.

    Returns:
        64 hexadecimal digits.
    """
    version = find_version(adapter)
    code = foreign_module_digest(adapter.path)
    return hash_text(canonical_json(["data", name, split, dict(digests), version, *([code] if code else [])]))


def identify(dataset: Dataset, unchecked: Dataset | None = None) -> Dataset:
    """The data set under the name that its runs are recorded by, its `origin` saying which data it holds now.

    Data that are as they were loaded keep the name and identity they were loaded by. Others, changed since, transformed
    or a user's own, are known by their content: they are called `own/NAME-FINGERPRINT@SPLIT`.

    Args:
        dataset: As it was checked.
        unchecked: As it was given, where the check has made another object of it.
    """
    from graphlab.data.dataset import Origin

    content, origin = dataset.fingerprint, dataset.origin
    if origin is None or origin.content != content:
        source = origin.source or origin.name if origin else ""
        identity = own_identity(dataset, content)
        origin = Origin(own_name(dataset, identity), identity, content, source)
    if (dataset.name, dataset.origin) == (origin.name, origin):
        return dataset
    key = dataset if unchecked is None else unchecked
    before = _IDENTIFIED.get(key)
    if before is None or (before.origin, before.notices) != (origin, dataset.notices):
        _IDENTIFIED[key] = before = replace(dataset, name=origin.name, origin=origin)
    return before


_IDENTIFIED: WeakKeyDictionary[Dataset, Dataset] = WeakKeyDictionary()
"""One object for one content, so that what is prepared of it is prepared once."""


def identity_at(dataset: Dataset, seed: int) -> str:
    """The identity of what an identified data set gives the run with this seed.

    Splits that a registered adapter draws follow from its version. Of a data set that no adapter makes nothing is known
    of the function that draws, so that the split itself is part of the identity.
    """
    assert dataset.origin is not None, "identify the data set first"
    identity = dataset.origin.identity
    if dataset.splits.draw is None or not dataset.name.startswith(OWN):
        return identity
    return hash_text(canonical_json([identity, dataset.split(seed).fingerprint]))


def own_identity(dataset: Dataset, content: str) -> str:
    """The identity of a data set that no adapter makes: its content, and the names that its answers are given by."""
    labels = {key: list(names) for key, names in dataset.labels.items()}
    return hash_text(canonical_json([content, labels])) if labels else content


def own_name(dataset: Dataset, identity: str) -> str:
    """The name of a data set that no adapter makes, from what it is called and its identity."""
    stem = dataset.name.partition("@")[0]
    stem = own_stem(stem) or re.sub(r"[^\w.+-]+", "-", stem).strip("-") or "data"
    return f"{OWN}{stem}-{identity[:DIGITS]}@{dataset.splits.name}"


def own_stem(name: str) -> str:
    """What data of one's own are called, without fingerprint and split; empty for a name that is not in full."""
    match = _OWN_NAME.match(name.partition("@")[0])
    return match["stem"] if match else ""


def derived(dataset: Dataset, source: Dataset, how: str) -> Dataset:
    """A data set that was made of another, which `how` describes in full: it keeps the name, and its identity follows
    from the other's."""
    from graphlab.data.dataset import Origin

    origin = source.origin or identify(source).origin
    assert origin is not None
    identity = hash_text(canonical_json([origin.identity, how]))
    return replace(dataset, origin=Origin(origin.name, identity, dataset.fingerprint))
