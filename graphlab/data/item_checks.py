"""What kinds of items check alike: ids within the data, each once and in one part, and labelled."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from graphlab.data.dataset import Split
from graphlab.data.draft import Draft, outside, range_hint, refuse, some
from graphlab.data.spec import UNLABELLED

SAME = "validation and test are the same items: what chooses a checkpoint also measures it"


def check_id_parts(draft: Draft, splits: Sequence[Split], size: int, what: str) -> list[str]:
    """See that parts of ids fit the data, of which there are `size`; a finding where the same items choose and test."""
    for place, split in named(draft, splits):
        check_mask(place, split, size, what)
        whole = torch.cat([ids.flatten() for _, ids in split.parts()])
        for part, ids in split.parts():
            check_ids(f"the {part} part of {place}", ids, size, what, whole)
        check_disjoint(place, split, what)
    return same_parts(splits)


def named(draft: Draft, splits: Sequence[Split]) -> Iterator[tuple[str, Split]]:
    """Splits with what messages call them."""
    for k, split in enumerate(splits):
        yield (f"{draft.name}, split {k}" if len(splits) > 1 else draft.name), split


def check_mask(place: str, split: Split, size: int, what: str) -> None:
    """A mask has one bool for each item."""
    if split.mask_size not in (None, size):
        refuse(
            f"the masks of {place} have the length {split.mask_size:,}, and there are {size:,} {what}s",
            f"give a bool for each {what}, or ids",
        )


def check_no_mask(place: str, split: Split, rows: str) -> None:
    if split.mask_size is not None:
        refuse(f"a part of {place} is a mask, and its items are {rows}", f"give the {rows} themselves")


def check_ids(part: str, ids: Tensor, size: int, what: str, whole: Tensor) -> None:
    """Ids `[n]` that are there, each once; `whole` are those of all parts."""
    if ids.dim() != 1:
        refuse(f"{part} has the shape {list(ids.shape)}, not [n]", f"give {what} ids in one dimension")
    wrong = outside(ids, size)
    if wrong is not None:
        refuse(f"{part} names {what} {some(wrong)}, and there are {size:,}", range_hint(whole, size, _ids_are(size)))
    values, counts = ids.unique(return_counts=True)
    if len(values) < len(ids):
        twice = values[counts > 1]
        refuse(f"{part} names {what} {some(twice)} more than once", "give each id once: ids.unique()")


def _ids_are(size: int) -> str:
    return f"ids are 0 to {size - 1:,}"


def different_parts(split: Split) -> dict[str, Tensor]:
    """The parts of a split, of which validation and test count once where they are the same."""
    parts = dict(split.parts())
    if torch.equal(split.validation, split.test):
        del parts["validation"]
    return parts


def same_parts(splits: Sequence[Split]) -> list[str]:
    """A finding where the same items choose and test."""
    if not any(len(split.test) and torch.equal(split.validation, split.test) for split in splits):
        return []
    return [SAME]


def check_disjoint(place: str, split: Split, what: str) -> None:
    """No item is in two parts, unless validation and test are the same."""
    parts = list(different_parts(split).items())
    values, counts = torch.cat([items for _, items in parts]).unique(return_counts=True)
    if (counts < 2).all():
        return
    shared = values[counts > 1]
    names = [name for name, items in parts if torch.isin(shared, items).any()]
    refuse(
        f"the {' and '.join(names)} parts of {place} share {len(shared):,} {what}s: {some(shared)}",
        f"put each {what} into one part",
    )


def unlabelled(draft: Draft, splits: Sequence[Split], labelled: Tensor, plural: str) -> list[str]:
    """Refuses parts without any label; finds parts of which some items have none. `labelled` is bool, one an item."""
    if labelled.all():
        return []
    counts: dict[str, tuple[int, int, int]] = {}
    for place, split in named(draft, splits):
        for part, ids in split.parts():
            missing = int((~labelled[ids]).sum())
            if len(ids) and missing == len(ids):
                refuse(
                    f"all {len(ids):,} items of the {part} part of {place} are unlabelled",
                    f"give labels, or leave the part empty; {UNLABELLED} is a class that is not known",
                )
            first, number, of = counts.get(part, (0, 0, 0))
            counts[part] = (first or missing, number + bool(missing), of or len(ids))
    return [
        f"{missing:,} of {size:,} {part} {plural} are unlabelled, and left out of loss and metrics"
        + (f", and some in {number:,} of {len(splits):,} splits" if len(splits) > 1 else "")
        for part, (missing, number, size) in counts.items()
        if number
    ]


def refuse_repeats(place: str, pairs: Tensor, codes: Tensor) -> None:
    """Each pair occurs once; `codes` are equal where pairs are."""
    values, counts = codes.unique(return_counts=True)
    if len(values) < len(codes):
        twice = pairs[torch.isin(codes, values[counts > 1])].unique(dim=0)
        refuse(f"{place} has {len(twice):,} pairs more than once: {some(twice)}", "give each pair once, in one part")
