"""Every registered data set keeps the contract; the slow tests have the variants that differ in one label alone."""

from __future__ import annotations

import numpy as np
import pytest

from graphlab.core.errors import DataError
from graphlab.data.registry import DATASETS
from graphlab.testing.datasets import check_dataset
from tests.golden import outputs

NOT_IN_MIRROR = {
    "planetoid/pubmed": "ind.pubmed.allx",
    "zinc/12k": "zinc/train.pickle",
    "zinc/full": "zinc/train.pickle",
    "citation-directed/cora-ml": "cora_ml.npz",
    "heterophilous/roman-empire": "roman_empire.npz",
    "heterophilous/roman-empire-directed": "roman_empire.npz",
    "heterophilous/amazon-ratings": "amazon_ratings.npz",
    "heterophilous/minesweeper": "minesweeper.npz",
    "heterophilous/questions": "questions.npz",
    "wiki/squirrel-filtered": "squirrel_filtered_directed.npz",
    "wiki/squirrel-filtered-undirected": "squirrel_filtered.npz",
}


COUNTED_ALIKE = [name for name in DATASETS.names() if name.startswith("graphcount/") and name != "graphcount/triangle"]
"""The same 5,000 graphs with another count, or with one a node or an edge."""


def _needs_raw_files(name: str) -> bool:
    found = DATASETS.resolve(name)
    return any(not source.made_by for source in found.module.CARD.sources.get(found.variant, ()))


LARGE = [*COUNTED_ALIKE, "mixture/fb-wn", "graph8c"]


def _marks(name: str) -> list[pytest.MarkDecorator]:
    raw = [pytest.mark.real_data] if _needs_raw_files(name) else []
    return raw + ([pytest.mark.slow] if name in LARGE else [])


CASES = [pytest.param(name, marks=_marks(name)) for name in DATASETS.names()]


@pytest.mark.parametrize("name", CASES)
def test_contract(name, shared_data_root):
    if not outputs.is_at_hand(name):
        pytest.skip("its raw files are gigabytes, not in the mirror, and not downloaded for a test")
    try:
        fingerprints = check_dataset(name)
    except DataError as error:
        absent = NOT_IN_MIRROR.get(name)
        if absent and f"{absent} is neither in" in error.message:
            pytest.skip(f"the mirror has no {absent}")
        raise
    golden = outputs.read("contents")
    is_ours = DATASETS.resolve(name).module.__name__.startswith("graphlab.")  # of another the text is in the identity
    for split, fingerprint in fingerprints.items() if is_ours else ():
        assert golden.get(f"{name}@{split} {outputs.version_of(name)}") == fingerprint, (
            f"{name}@{split} is another data set than its version was, so that old runs would be taken for runs on it: "
            "raise VERSION in its adapter"
        )
    for entry in shared_data_root.glob(f"processed/{name.replace('/', '-')}@*.npz"):
        with np.load(entry, allow_pickle=False) as arrays:
            assert all(arrays[key].dtype.kind in "biuf" for key in arrays)
