"""Data that no adapter makes, kept in the store of runs under `data/`, so that their name is enough afterwards.

A data set is two files there: its tensors (`.npz`, as `cache` writes them), and what is said of it (`.json`).
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from graphlab.core.errors import InputError, StoreError, UnknownNameError
from graphlab.core.files import hash_file, write_json
from graphlab.data.card import Card, card_of
from graphlab.data.identity import DIGITS, OWN, own_identity, own_stem

if TYPE_CHECKING:
    from graphlab.data.dataset import Dataset

FOLDER = "data"

AGAIN = "make the data set again with gl.dataset(...), and give it to gl.run"


@dataclass(frozen=True)
class Entry:
    """What a store says of a data set that it keeps, without its tensors.

    Attributes:
        name: The full name, `own/NAME-FINGERPRINT@SPLIT`.
        card: Its card; `statistics[""]` are its counts.
        notices: What is legal in the data and looks like a mistake.
        sha256: Of the file of its tensors.
    """

    name: str
    card: Card
    notices: tuple[str, ...]
    sha256: str = ""


def keep(dataset: Dataset, store: Path) -> None:
    """Keep an identified data set that is not registered. Nothing happens for one that is, or that the store has whole.

    Raises:
        InputError: Its splits are drawn by a function, or its graphs hold what is no tensor and no plain value.
        StoreError: The store cannot be written to.
    """
    if not dataset.name.startswith(OWN):
        return
    from graphlab.data import cache

    path = _file(dataset.name, store)
    if dataset.splits.draw is not None:
        raise InputError(
            f"the splits of {dataset.name} are drawn by a function, which cannot be kept",
            hint="give it fixed splits: Splits(name, fixed=(dataset.split(0),))",
        )
    card = replace(
        dataset.card, sources={}, statistics={"": dataset.statistics()}, variants=(), notices={}, split_variants={}
    )
    entry = Entry(dataset.name, card, dataset.notices)
    if _is_kept(path, entry):
        return
    if not cache.write(path, dataset):
        raise InputError(
            f"{dataset.name} cannot be kept in {path.parent}",
            hint="its graphs may hold tensors, numbers, text and truth values; and the store must be writable",
        )
    try:
        write_json(path.with_suffix(".json"), asdict(replace(entry, sha256=hash_file(path))))
    except OSError as error:
        raise StoreError(f"cannot write to the store {store}: {error.strerror or error}", hint="free space") from error


def entries(store: Path) -> list[Entry]:
    """The data sets that a store keeps, by name. One that cannot be read is named in a warning."""
    readable = []
    for path in sorted((store / FOLDER).glob("*.json")):
        try:
            readable.append(read_entry(path))
        except StoreError as error:
            warnings.warn(f"a data set is left out: {error.message}", stacklevel=2)
    return sorted(readable, key=lambda entry: entry.name)


def names(store: Path) -> list[str]:
    """The full names of the data sets that a store keeps."""
    return [entry.name for entry in entries(store)]


def full_own_name(name: str, store: Path, others: Iterable[str] = ()) -> str:
    """The full name of data of one's own that a store keeps, from this name or a beginning of it.

    A beginning that is all of what one data set is called means that one, whatever else begins so.

    Args:
        others: Names that may be meant too, such as those of runs whose data are kept no longer.

    Raises:
        UnknownNameError: The store keeps none of this name.
        InputError: Several begin so.
    """
    if _file(name, store).exists():
        return name
    known = sorted({*names(store), *others})
    beginning = [each for each in known if each.startswith(name)]
    fitting = [each for each in beginning if each == name or f"{OWN}{own_stem(each)}" == name] or beginning
    if len(fitting) > 1:
        raise InputError(f"{len(fitting)} data sets begin with {name!r}", hint=f"such as {' and '.join(fitting[:2])}")
    if not fitting:
        raise UnknownNameError("data set of your own", name, known)
    return fitting[0]


def load_own(name: str, store: Path) -> Dataset:
    """A data set that the store keeps, by its full name or a beginning of it.

    Raises:
        UnknownNameError, InputError: As `full_own_name` does.
        StoreError: Its file is damaged, or is no longer what it was.
    """
    from graphlab.data import cache
    from graphlab.data.dataset import Origin

    name = full_own_name(name, store)
    path = _file(name, store)
    entry = read_entry(path.with_suffix(".json"))
    dataset = cache.read(path, entry.card) if hash_file(path) == entry.sha256 else None
    if dataset is None or dataset.origin is None:
        raise StoreError(f"{path} is damaged", hint=AGAIN)
    content = dataset.origin.content
    identity = own_identity(dataset, content)
    if dataset.name != name or f"-{identity[:DIGITS]}@" not in name:
        raise StoreError(f"{path} is not what was kept under {name}", hint=AGAIN)
    return replace(dataset, origin=Origin(name, identity, content))


def find_entry(name: str, store: Path) -> Entry:
    """What a store says of a data set. Raises as `load_own` does."""
    return read_entry(_file(full_own_name(name, store), store).with_suffix(".json"))


def read_entry(path: Path) -> Entry:
    """Raises StoreError for a file that is not as `keep` writes them."""
    try:
        values: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return Entry(values["name"], card_of(values["card"]), tuple(values["notices"]), values["sha256"])
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise StoreError(f"{path} cannot be read: {error}", hint="restore it, or move it away") from error


def _is_kept(path: Path, entry: Entry) -> bool:
    """Whether both files are there, whole, and say this of the data set."""
    try:
        kept = read_entry(path.with_suffix(".json"))
        return replace(kept, sha256="") == entry and hash_file(path) == kept.sha256
    except (StoreError, OSError):
        return False


def _file(name: str, store: Path) -> Path:
    return store / FOLDER / f"{name.removeprefix(OWN).replace('/', '-')}.npz"
