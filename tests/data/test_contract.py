"""Every registered data set keeps the contract."""

from __future__ import annotations

import numpy as np
import pytest

from graphlab.core.errors import DataError
from graphlab.data.registry import DATASETS
from graphlab.testing.datasets import check_dataset

NOT_IN_MIRROR = {
    "planetoid/pubmed": "ind.pubmed.allx",
    "zinc/12k": "zinc/train.pickle",
    "zinc/full": "zinc/train.pickle",
}


def _needs_raw_files(name: str) -> bool:
    found = DATASETS.resolve(name)
    return any(not source.made_by for source in found.module.CARD.sources.get(found.variant, ()))


CASES = [
    pytest.param(name, marks=[pytest.mark.real_data] if _needs_raw_files(name) else []) for name in DATASETS.names()
]


@pytest.mark.parametrize("name", CASES)
def test_contract(name, shared_data_root):
    try:
        check_dataset(name)
    except DataError as error:
        absent = NOT_IN_MIRROR.get(name)
        if absent and f"{absent} is neither in" in error.message:
            pytest.skip(f"the mirror has no {absent}")
        raise
    for entry in shared_data_root.glob(f"processed/{name.replace('/', '-')}@*.npz"):
        with np.load(entry, allow_pickle=False) as arrays:
            assert all(arrays[key].dtype.kind in "biuf" for key in arrays)
