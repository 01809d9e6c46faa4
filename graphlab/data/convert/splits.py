"""Splits that are given as ids, masks or names, and splits that are drawn."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from graphlab.core.errors import InputError
from graphlab.core.seeds import SeedStream
from graphlab.data.convert.request import Request
from graphlab.data.dataset import Split, Splits

PARTS = ("train", "validation", "test")
DRAWN = re.compile(r"(random|stratified)-(\d{1,2})/(\d{1,2})/(\d{1,2})")
HINT = (
    'say split="random-60/20/20" for percents of training, validation and test drawn from split_seed, '
    '"stratified-60/20/20" for the same within each class, or give a mapping of train, validation and test to items'
)


def make_splits(request: Request, items: Tensor, classes: Tensor | None, places: Mapping[Any, int] | None) -> Splits:
    """The splits of nodes or graphs that a request asks for.

    Args:
        items: ids that a drawn split shares out.
        classes: of each of them; None where there are none to stratify by.
        places: ids by name, where items of a mapping are names.
    """
    split = request.split
    if split is None:
        raise InputError(f"{request.name} has no split", hint=HINT)
    if isinstance(split, str):
        kind, percents = drawn_split(split)
        if kind == "stratified" and classes is None:
            raise InputError(f"{request.name} has no classes that {split!r} could keep the shares of", hint=HINT)
        order = _shuffled(request, items)
        if kind == "stratified" and classes is not None:
            class_of = dict(zip(items.tolist(), classes.tolist(), strict=True))
            parts = _stratified(order, torch.tensor([class_of[item] for item in order.tolist()]), percents)
        else:
            parts = order.split(_counts(len(order), percents))
        for part, ids in zip(PARTS, parts, strict=True):
            if not len(ids):
                raise InputError(
                    f"{split!r} leaves nothing of {len(items):,} items for {part}", hint="ask for more of it"
                )
        return Splits(split_name(request, split), fixed=(Split(*(part.sort().values for part in parts)),))
    return given_splits(request, places)


def given_splits(request: Request, places: Mapping[Any, int] | None) -> Splits:
    """Splits whose items the caller lists."""
    split = request.split
    if isinstance(split, Split):
        return Splits("given", fixed=(split,))
    if isinstance(split, Mapping):
        if set(split) != set(PARTS):
            raise InputError(f"the split of {request.name} has the parts {', '.join(map(str, split))}", hint=HINT)
        return Splits("given", fixed=(Split(*(_items(request, part, split[part], places) for part in PARTS)),))
    listed = split if isinstance(split, Sequence) else ()
    splits = tuple(each for each in listed if isinstance(each, Split))
    if splits and len(splits) == len(listed):
        return Splits("given", fixed=splits)
    raise InputError(f"a split of {request.name} cannot be {split!r:.60}", hint=HINT)


def mask_splits(request: Request, masks: Sequence[Tensor]) -> Splits:
    """One split of masks `[n]`, or one a column of masks `[n, splits]`."""
    shapes = {tuple(mask.shape) for mask in masks}
    if len(shapes) > 1 or any(len(shape) not in (1, 2) for shape in shapes):
        raise InputError(
            f"the masks of {request.name} have the shapes {', '.join(map(str, sorted(shapes)))}",
            hint="give masks [nodes], or [nodes, splits] for several splits, all of one shape",
        )
    columns = [_booleans(request, mask).reshape(len(mask), -1) for mask in masks]
    number = columns[0].shape[1]
    return Splits("masks", fixed=tuple(Split(*(column[:, k] for column in columns)) for k in range(number)))


def drawn_split(split: str) -> tuple[str, tuple[int, int, int]]:
    """How a split is drawn, and the percents of its parts. Raises InputError for any other text."""
    match = DRAWN.fullmatch(split)
    if match:
        train, validation, test = map(int, match.groups()[1:])
        if train + validation + test == 100 and 0 not in (train, validation, test):
            return match.group(1), (train, validation, test)
    raise InputError(f"no split is called {split!r}", hint=HINT)


def split_name(request: Request, split: str) -> str:
    return f"{split}-seed{request.split_seed}" if request.split_seed else split


def stream(request: Request) -> SeedStream:
    return SeedStream(request.split_seed).child("split")


def _shuffled(request: Request, items: Tensor) -> Tensor:
    return items[torch.from_numpy(stream(request).numpy().permutation(len(items)))]


def _counts(size: int, percents: tuple[int, int, int]) -> list[int]:
    train, validation = size * percents[0] // 100, size * percents[1] // 100
    return [train, validation, size - train - validation]


def _stratified(order: Tensor, classes: Tensor, percents: tuple[int, int, int]) -> list[Tensor]:
    """Each class is cut at its percents, rounded so that the parts as a whole have theirs."""
    order = order[classes.argsort(stable=True)]
    sizes = np.bincount(classes.numpy())
    ends = np.concatenate([[0], np.cumsum(sizes)])
    parts: list[list[Tensor]] = [[], [], []]
    for first, last in zip(ends[:-1].tolist(), ends[1:].tolist(), strict=True):
        counts = np.subtract(_counts(last, percents), _counts(first, percents)).tolist()
        for part, ids in zip(parts, order[first:last].split(counts), strict=True):
            part.append(ids)
    return [torch.cat(part) for part in parts]


def _items(request: Request, part: str, items: Any, places: Mapping[Any, int] | None) -> Any:
    """Ids, or a mask, or names as ids."""
    if places is None or isinstance(items, Tensor | np.ndarray):
        return items
    if isinstance(items, str | Mapping) or not isinstance(items, Iterable):
        raise InputError(
            f"the {part} part of {request.name} is a {type(items).__name__}", hint="list nodes by their names"
        )
    items = list(items)
    if items and all(isinstance(item, bool | np.bool_) for item in items):
        return items
    unknown = [item for item in items if not isinstance(item, Hashable) or item not in places]
    if unknown:
        raise InputError(
            f"the {part} part of {request.name} has {len(unknown):,} items that are no nodes: {unknown[:5]!r}",
            hint="list nodes by their names, or give ids as an array",
        )
    return torch.tensor([places[item] for item in items], dtype=torch.int64)


def _booleans(request: Request, mask: Tensor) -> Tensor:
    if mask.dtype == torch.bool:
        return mask
    if not mask.is_floating_point() and bool(((mask == 0) | (mask == 1)).all()):
        return mask.bool()
    raise InputError(
        f"a mask of {request.name} is {str(mask.dtype).removeprefix('torch.')}", hint="a mask is bool, one an item"
    )
