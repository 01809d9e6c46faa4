"""Scores, exact masks, schedules, the polarisation regulariser and the bits of sparse numbers."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from graphlab.core.errors import InputError
from graphlab.pruning.accounting import mask_bits, sparse_bits
from graphlab.pruning.masks import keep_largest, kept_numbers
from graphlab.pruning.polarisation import polarisation, polarisation_for
from graphlab.pruning.schedule import cubic_sparsity, progress_between, round_sparsities
from graphlab.pruning.scores import lamp_scores, magnitude_scores

SHAPES = st.lists(st.tuples(st.integers(0, 5), st.integers(1, 6)), min_size=1, max_size=4)


@settings(max_examples=40, deadline=None)
@given(shapes=SHAPES, seed=st.integers(0, 99), sparsity=st.floats(0, 1))
def test_masks_keep_exactly_the_largest(shapes, seed, sparsity):
    random = torch.Generator().manual_seed(seed)
    scores = [torch.randint(0, 5, shape, generator=random).double() for shape in shapes]
    numbers = sum(each.numel() for each in scores)
    kept = kept_numbers(numbers, sparsity)
    masks = keep_largest(scores, kept)
    assert [mask.shape for mask in masks] == [each.shape for each in scores]
    assert sum(int(mask.sum()) for mask in masks) == kept and abs(kept - (1 - sparsity) * numbers) <= 0.5
    flat = [value for each in scores for value in each.flatten().tolist()]
    order = sorted(range(numbers), key=lambda k: (-flat[k], k))
    expected = [k in set(order[:kept]) for k in range(numbers)]
    assert [bit for mask in masks for bit in mask.flatten().tolist()] == expected


@settings(max_examples=40, deadline=None)
@given(shape=st.tuples(st.integers(1, 5), st.integers(1, 6)), seed=st.integers(0, 99))
def test_lamp_scores_are_those_of_their_sum(shape, seed):
    weight = torch.randn(shape, generator=torch.Generator().manual_seed(seed))
    flat = weight.flatten().double().tolist()
    slow = [w * w / sum(v * v for v in flat if abs(v) >= abs(w)) for w in flat]
    torch.testing.assert_close(lamp_scores(weight).flatten(), torch.tensor(slow, dtype=torch.float64))
    assert lamp_scores(weight).max() == 1
    torch.testing.assert_close(lamp_scores(3 * weight), lamp_scores(weight), rtol=1e-5, atol=1e-9)


def test_lamp_keeps_a_layer_of_small_weights_that_magnitude_loses():
    random = torch.Generator().manual_seed(0)
    large, small = torch.randn(10, 10, generator=random), 1e-3 * torch.randn(10, 10, generator=random)
    for score, is_lost in ((magnitude_scores, True), (lamp_scores, False)):
        masks = keep_largest([score(large), score(small)], 20)
        assert (int(masks[1].sum()) == 0) == is_lost
    assert lamp_scores(torch.zeros(2, 2)).eq(0).all()


@given(progress=st.floats(-1, 2), sparsity=st.floats(0, 1))
def test_the_cubic_schedule_rises_to_its_sparsity(progress, sparsity):
    value = cubic_sparsity(progress, sparsity)
    assert 0 <= value <= sparsity and cubic_sparsity(1, sparsity) == sparsity and cubic_sparsity(0, sparsity) == 0
    assert value <= cubic_sparsity(progress + 0.1, sparsity) + 1e-12


def test_progress_goes_from_begin_to_end_and_ends_with_training():
    progress = [progress_between(epoch, 10, 0.2, 0.6) for epoch in range(1, 11)]
    assert progress == pytest.approx([0, 0, 0, 0.25, 0.5, 0.75, 1, 1, 1, 1])
    assert progress_between(0, 0, 0.2, 0.6) == progress_between(3, 3, 0.5, 1.0) == 1


def test_rounds_pass_through_the_sparsities_and_prune_a_share_at_most():
    levels = [0.5, 0.8, 0.9, 0.95, 0.98]
    rounds = round_sparsities(levels, 0.2)
    assert set(levels) <= set(rounds) and rounds == sorted(rounds)
    left = [1.0, *(1 - each for each in rounds)]
    assert all(after / before >= 0.8 - 1e-9 for before, after in pairwise(left))
    assert round_sparsities([0.2], 0.2) == [0.2] and len(rounds) == 22
    for wrong, share in (([0.8, 0.5], 0.2), ([0.5, 0.5], 0.2), ([0.5], 1.0), ([1.0], 0.2)):
        with pytest.raises(InputError):
            round_sparsities(wrong, share)


@pytest.mark.parametrize("sparsity", [0.1, 0.5, 0.9])
def test_polarisation_is_least_at_zeros_and_ones_of_the_sparsity(sparsity):
    """Against all two-valued masks, and against random masks within [0, 1]."""
    t, n = polarisation_for(sparsity), 50
    values = [polarisation((torch.arange(n) < ones).double(), t).item() for ones in range(n + 1)]
    best = min(values)
    assert math.isclose(values[round((1 - sparsity) * n)], best, abs_tol=1e-9)
    random = torch.Generator().manual_seed(0)
    for _ in range(200):
        drawn = torch.rand(n, generator=random, dtype=torch.float64).pow(4 * torch.rand(1, generator=random).item())
        assert polarisation(drawn, t) >= best - 1e-12


@given(numbers=st.integers(1, 5000), share=st.floats(0, 1), bits=st.sampled_from([1, 4, 8, 32]))
def test_sparse_numbers_take_the_cheapest_form(numbers, share, bits):
    kept = round(share * numbers)
    index = max(1, math.ceil(math.log2(numbers)))
    forms = [numbers * bits, kept * bits + numbers, kept * bits + kept * index]
    assert sparse_bits(numbers, kept, bits) == min(forms)
    assert mask_bits(numbers, kept) == min(numbers, kept * index)


def test_what_is_no_sparsity_is_refused():
    for wrong in (-0.1, 1.1, float("nan")):
        with pytest.raises(InputError, match="share of zeros"):
            kept_numbers(10, wrong)
        with pytest.raises(InputError, match="share of zeros"):
            polarisation_for(wrong)
    with pytest.raises(InputError, match="cannot be kept"):
        keep_largest([torch.zeros(3)], 4)
