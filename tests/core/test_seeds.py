"""Seed streams: independent, repeatable, and nothing but a function of their names."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from graphlab.core.errors import InputError
from graphlab.core.seeds import SeedStream, parse_seeds


@pytest.mark.parametrize(
    ("given_seeds", "expected"),
    [
        (3, (0, 1, 2)),
        ("3", (0, 1, 2)),
        ("3:8", (3, 4, 5, 6, 7)),
        ("1,4,7", (1, 4, 7)),
        ("0,", (0,)),
        ([5, 2], (5, 2)),
        ((0,), (0,)),
        (range(2), (0, 1)),
        (np.arange(2), (0, 1)),
        (np.int64(2), (0, 1)),
        (torch.arange(2), (0, 1)),
    ],
)
def test_seeds_are_counts_ranges_or_lists(given_seeds, expected):
    assert parse_seeds(given_seeds) == expected


@pytest.mark.parametrize(
    "bad",
    [
        0,
        "0",
        "5:5",
        "7:3",
        [],
        "-1",
        [-1],
        "1,1",
        [2, 2],
        "x",
        "1:2:3",
        "1.5",
        True,
        [True],
        [0.5],
        2.0,
        None,
        np.array(1.5),
        [None],
    ],
)
def test_bad_seeds_are_refused(bad):
    with pytest.raises(InputError) as caught:
        parse_seeds(bad)
    assert caught.value.hint


@given(st.integers(0, 10**6), st.lists(st.text(min_size=1, max_size=5), min_size=1, max_size=3))
def test_streams_depend_on_seed_and_path_alone(seed, path):
    stream = SeedStream(seed).child(*path)
    first = stream.numpy().random(4)
    SeedStream(seed).child("other").numpy().random(100)
    assert (first == SeedStream(seed).child(*path).numpy().random(4)).all()
    assert stream.integer() != SeedStream(seed + 1).child(*path).integer()
    assert stream.integer() != stream.child("x").integer()


def test_seed_zero_is_a_seed_like_any_other():
    zero, one = SeedStream(0).torch(), SeedStream(1).torch()
    assert not torch.equal(torch.rand(4, generator=zero), torch.rand(4, generator=one))


def test_streams_are_not_correlated():
    draws = torch.stack([torch.randn(2000, generator=SeedStream(0).child("step", i).torch()) for i in range(20)])
    off_diagonal = torch.corrcoef(draws) - torch.eye(20)
    assert off_diagonal.abs().max() < 0.12


@pytest.mark.parametrize("bad", [2**70, "0:99999999999", 1_000_001])
def test_seeds_beyond_reason_are_refused(bad):
    with pytest.raises(InputError, match="are too many"):
        parse_seeds(bad)
