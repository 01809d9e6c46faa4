"""The contract of a data set. In a package that adds one, this is the whole test:

@pytest.mark.parametrize("name", ["my-family/my-variant"])
def test_contract(name):
    check_dataset(name)
"""

from __future__ import annotations

from collections.abc import Mapping

import torch

from graphlab.data.card import Card
from graphlab.data.check import check, check_split
from graphlab.data.dataset import Dataset
from graphlab.data.fetch import Files
from graphlab.data.load import load
from graphlab.data.registry import DATASETS
from graphlab.task.registry import find_task


def check_dataset(name: str) -> dict[str, str]:
    """Load a data set in all its splits, which checks it as `graphlab.data.check` does, and compare it with its card
    and with itself.

    Returns its fingerprint by split, to be held against that of the same version before. Raises AssertionError saying
    what is not as it should be.
    """
    fingerprints: dict[str, str] = {}
    found = DATASETS.resolve(name)
    card: Card = found.module.CARD
    check_card(card, found.family, found.variant)
    for split in card.splits_of(found.variant):
        dataset = load(found.name, split=split)
        default = split == card.splits[0]
        assert dataset.name == (found.name if default else f"{found.name}@{split}"), dataset.name
        assert dataset.splits.name == split, f"{dataset.name} calls its split {dataset.splits.name}"
        assert dataset.task == card.task_of(split), f"{dataset.name} has another task than its card"
        own = card.statistics.get(f"{found.variant}@{split}")
        check_statistics(dataset, own or card.statistics[found.variant], parts=default or own is not None)
        assert check(dataset) is dataset, f"{dataset.name} is not as a check leaves it"
        check_notices(dataset, card.notices_of(found.variant, split))
        check_splits(dataset)
        built = found.module.build(found.variant, Files(card.sources_of(found.variant, split)), split)
        for other in (built, load(found.name, split=split)):
            assert other.fingerprint == dataset.fingerprint, f"{dataset.name} is not the same when loaded again"
        fingerprints[split] = dataset.fingerprint
    return fingerprints


def check_card(card: Card, family: str, variant: str) -> None:
    """It says whose the data are, where every file comes from and what must be in them."""
    assert card.family == family, f"the card of {family} says {card.family}"
    assert card.splits, "the card names no split"
    assert card.licence, "the card names no licence"
    citation = card.citation
    assert all((citation.key, citation.title, citation.authors, citation.year, citation.url)), "the citation has gaps"
    assert variant in card.statistics, f"the card has no statistics of {variant!r}"
    sources = {source for split in card.splits_of(variant) for source in card.sources_of(variant, split)}
    for source in sources:
        origins = [source.url, source.made_by, source.origin]
        assert sum(map(bool, origins)) == 1, f"{source.path} needs one of address, maker and origin"
        assert source.sha256 is None or len(source.sha256) == 64, f"{source.path}: not a sha256"


def check_statistics(dataset: Dataset, declared: Mapping[str, int], *, parts: bool) -> None:
    """The card's counts are those of the data; `parts` says whether they are of this split."""
    found = dataset.statistics()
    sizes = {"num_train", "num_validation", "num_test"}
    expected = {key: n for key, n in declared.items() if parts or key not in sizes}
    assert expected, "the card declares no counts"
    different = {key: (found.get(key), n) for key, n in expected.items() if found.get(key) != n}
    assert not different, f"{dataset.name} has other counts (found, declared) than its card: {different}"


def check_splits(dataset: Dataset) -> None:
    """Parts are there, and a seed always gets the same."""
    for seed, split in enumerate(dataset.splits.fixed or map(dataset.split, range(3))):
        for (part, items), (_, again) in zip(split.parts(), dataset.split(seed).parts(), strict=True):
            may_be_empty = part not in find_task(dataset.task).parts
            assert len(items) or may_be_empty, f"{part} of {dataset.name} is empty"
            assert torch.equal(items, again), f"{part} of {dataset.name} changes for one seed"
        check_split(dataset, split)


def check_notices(dataset: Dataset, declared: tuple[str, ...]) -> None:
    """The notices are those that the card tells, so that none is news to who adds the data set."""
    different = sorted({*dataset.notices} ^ {*declared})
    assert not different, (
        f"{dataset.name} and its card do not tell the same notices: {different}; mend the data, or declare them"
    )
