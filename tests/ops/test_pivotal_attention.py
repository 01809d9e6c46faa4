"""Pivotal attention against its definition and against numbers of the published package."""

from __future__ import annotations

import itertools

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import Tensor

from graphlab.core.errors import InputError
from graphlab.ops.pivotal_attention import dispatch, pairs, pivotal_attention, reference, tuples

MASKS = (None, "pivots", "scores", "numbers")


@pytest.fixture
def blocks(monkeypatch):
    """Sets the scores of a block, with which also few are not laid out at once."""

    def set_block(scores: int) -> None:
        monkeypatch.setattr(pairs, "BLOCK", scores)
        monkeypatch.setattr(tuples, "BLOCK", scores)
        monkeypatch.setattr(pairs, "SIDE", 2)
        monkeypatch.setattr(dispatch, "SHORT", 0)
        monkeypatch.setattr(dispatch, "FEW", 0)

    return set_block


def problem(
    seed: int, k: int, batch: int, heads: int, sizes: tuple[int, ...], pivots: int, dim: int, masked: str | None
):
    """Query, keys and values of `[batch, heads, *sizes, dim]`, and a mask."""
    random = torch.Generator().manual_seed(seed)

    def draw(*shape: int) -> Tensor:
        return torch.randn(batch, heads, *shape, generator=random, dtype=torch.float64)

    shapes = [(*sizes[:m], pivots, *sizes[m + 1 :], dim) for m in range(k)]
    keys, values = ([draw(*shape) for shape in shapes] for _ in range(2))
    match masked:
        case "pivots":
            mask = torch.rand(batch, 1, *(1,) * k, pivots, generator=random) < 0.4
        case "scores":
            mask = torch.rand(batch, heads, *sizes, pivots, generator=random) < 0.5
        case "numbers":
            mask = torch.randn(1, 1, *sizes, pivots, generator=random, dtype=torch.float64)
        case _:
            mask = None
    return draw(*sizes, dim), keys, values, mask


def by_definition(query, keys, values, mask, cap):
    """A tuple at a time."""
    k, out = query.dim() - 3, torch.empty_like(query)
    pivots = keys[0].size(2)
    mask = None if mask is None else mask.expand(*query.shape[:-1], pivots)
    for b, h, *place in itertools.product(*(range(size) for size in query.shape[:-1])):
        scores = []
        for p in range(pivots):
            places = [(b, h, *place[:m], p, *place[m + 1 :]) for m in range(k)]
            key = sum(keys[m][places[m]] for m in range(k))
            score = torch.dot(query[(b, h, *place)], key) / (k * query.size(-1)) ** 0.5
            score = score if cap is None else cap * torch.tanh(score / cap)
            if mask is not None:
                at = mask[(b, h, *place, p)]
                score = (
                    (torch.tensor(-1e9, dtype=score.dtype) if at else score) if mask.dtype == torch.bool else score + at
                )
            scores.append(score)
        weights = torch.stack(scores).softmax(0)
        out[(b, h, *place)] = sum(
            weights[p] * sum(values[m][(b, h, *place[:m], p, *place[m + 1 :])] for m in range(k)) for p in range(pivots)
        )
    return out


def with_gradients(function, query, keys, values, *options):
    leaves = [each.detach().clone().requires_grad_() for each in (query, *keys, *values)]
    k = len(keys)
    out = function(leaves[0], leaves[1 : 1 + k], leaves[1 + k :], *options)
    direction = torch.linspace(-1, 1, out.numel(), dtype=out.dtype).view_as(out)
    return [out, *torch.autograd.grad((out * direction).sum(), leaves)]


def assert_alike(results, expected, tolerance=1e-10):
    for result, other in zip(results, expected, strict=True):
        torch.testing.assert_close(result, other, rtol=0, atol=tolerance)


@pytest.mark.parametrize("masked", MASKS)
@pytest.mark.parametrize("cap", [None, 2.0])
@pytest.mark.parametrize("sizes", [(3, 4), (4,), (2, 3, 2)], ids=["pairs", "nodes", "triples"])
def test_the_definition_tuple_by_tuple(sizes, cap, masked):
    query, keys, values, mask = problem(0, len(sizes), 2, 2, sizes, 3, 2, masked)
    expected = by_definition(query, keys, values, mask, cap)
    assert_alike([reference(query, keys, values, mask, cap)], [expected])
    assert_alike([pivotal_attention(query, keys, values, mask, cap)], [expected])


@given(
    seed=st.integers(0, 99),
    batch=st.integers(1, 3),
    heads=st.integers(1, 3),
    sizes=st.tuples(st.integers(1, 7), st.integers(1, 7)),
    pivots=st.integers(1, 7),
    dim=st.integers(1, 5),
    masked=st.sampled_from(MASKS),
    cap=st.sampled_from([None, 1.5]),
    block=st.sampled_from([10, 60, 400, 10**6]),
)
@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_blocks_of_any_size_are_all_scores_at_once(blocks, seed, batch, heads, sizes, pivots, dim, masked, cap, block):
    blocks(block)
    query, keys, values, mask = problem(seed, 2, batch, heads, sizes, pivots, dim, masked)
    options = (mask, cap, 0.7)
    results = with_gradients(pivotal_attention, query, keys, values, *options)
    assert_alike(results, with_gradients(reference, query, keys, values, *options))


@pytest.mark.parametrize("sizes", [(5,), (5, 4, 3), (3, 2, 2, 3)])
@pytest.mark.parametrize("masked", MASKS)
def test_tuples_of_any_length_in_blocks(blocks, sizes, masked):
    blocks(10)
    arguments = problem(1, len(sizes), 2, 2, sizes, 4, 3, masked)
    results = with_gradients(pivotal_attention, *arguments, 2.0)
    assert_alike(results, with_gradients(reference, *arguments, 2.0))


@pytest.mark.parametrize("block", [20, 10**6])
@pytest.mark.parametrize("sizes", [(3, 3), (2, 3, 2)])
def test_gradcheck(blocks, sizes, block):
    blocks(block)
    query, keys, values, mask = problem(2, len(sizes), 1, 2, sizes, 3, 2, "scores")
    leaves, k = [each.requires_grad_() for each in (query, *keys, *values)], len(keys)
    assert torch.autograd.gradcheck(
        lambda query, *rest: pivotal_attention(query, rest[:k], rest[k:], mask, 2.0), leaves
    )


def test_it_is_the_same_to_the_bit_again_and_on_any_number_of_threads(blocks):
    blocks(500)
    query, keys, values, mask = problem(3, 2, 2, 3, (20, 20), 20, 4, "scores")
    before, results = torch.get_num_threads(), []
    for threads in (1, 2, 2):
        torch.set_num_threads(threads)
        try:
            results.append(with_gradients(pivotal_attention, query, keys, values, mask))
        finally:
            torch.set_num_threads(before)
    for other in results[1:]:
        assert all(torch.equal(first, second) for first, second in zip(results[0], other, strict=True))


@pytest.mark.parametrize("sizes", [(6, 6), (4, 4, 4)])
def test_dropout_draws_the_same_in_the_gradient_and_has_the_mean(blocks, sizes):
    blocks(200)
    query, keys, values, _ = problem(4, len(sizes), 1, 2, sizes, sizes[0], 2, None)
    leaves, k = [each.requires_grad_() for each in (query, *keys, *values)], len(keys)

    def attend(query: Tensor, *rest: Tensor) -> Tensor:
        torch.manual_seed(5)
        return pivotal_attention(query, rest[:k], rest[k:], dropout=0.4)

    assert torch.autograd.gradcheck(attend, leaves)
    torch.manual_seed(0)
    drawn = torch.stack([pivotal_attention(query, keys, values, dropout=0.4).detach() for _ in range(400)])
    expected = pivotal_attention(query, keys, values)
    assert (drawn.mean(0) - expected).abs().max() < 0.3 < (drawn[0] - drawn[1]).abs().max()
    assert not pivotal_attention(query, keys, values, dropout=1.0).any()


@pytest.mark.parametrize("options", [{}, {"cap": 2.0}])
def test_a_row_that_is_masked_whole_is_the_mean_and_no_pivot_has_its_gradient(blocks, options):
    blocks(20)
    query, keys, values, _ = problem(5, 2, 1, 1, (4, 4), 4, 2, None)
    mask = torch.zeros(1, 1, 4, 4, 4, dtype=torch.bool)
    mask[:, :, 1, 2] = True
    out, to_query, *_ = with_gradients(lambda *inputs: pivotal_attention(*inputs, mask, **options), query, keys, values)
    rows = values[1][0, 0, 1] + values[0][0, 0, :, 2]
    torch.testing.assert_close(out[0, 0, 1, 2], rows.mean(0))
    assert not to_query[0, 0, 1, 2].any()


@pytest.mark.real_data
@pytest.mark.parametrize("number", [2, 3])
def test_what_the_published_package_gives(truth, blocks, number):
    """With its gradients, masks, caps and a scale: `truth/floydnet_attention2` and `3`."""
    blocks(50)
    arrays = truth(f"floydnet_attention{number}")
    names = ["q", "k2", "k1", "v2", "v1"]
    if number == 3:
        names = ["q_ijk", *(f"{what}_{axes}" for what in "kv" for axes in ("pjk", "ipk", "ijp"))]
    variants = {
        "plain": {},
        "cap2": {"cap": 2.0},
        "mask": {},
        "mask_cap2": {"cap": 2.0},
        "additive": {},
        "scale0.7": {},
        "fully_masked_row": {},
    }
    cases = 0
    for key in arrays:
        case, _, what = key.partition("/")
        variant, _, output = what.partition("/")
        if output != "y":
            continue
        leaves = [torch.from_numpy(arrays[f"{case}/{name}"]).requires_grad_() for name in names]
        options = dict(variants[variant])
        if "mask" in variant:
            case_of_mask = f"{case}/{variant}" if variant == "fully_masked_row" else case
            options["mask"] = truth_mask(arrays, case_of_mask, number)
        if variant == "additive":
            options["mask"] = torch.from_numpy(arrays[f"{case}/additive_mask"])
        if variant == "scale0.7":
            options["scale"] = 0.7
        out = pivotal_attention(leaves[0], leaves[1 : 1 + number], leaves[1 + number :], **options)
        assert_alike([out], [torch.from_numpy(arrays[key])])
        cases += 1
        if f"{case}/{variant}/grad_{names[0]}" in arrays:
            upstream = torch.from_numpy(arrays[f"{case}/upstream_grad"])
            gradients = torch.autograd.grad((out * upstream).sum(), leaves)
            assert_alike(gradients, [torch.from_numpy(arrays[f"{case}/{variant}/grad_{name}"]) for name in names])
            cases += 1
    assert cases >= 5


def truth_mask(arrays, case: str, number: int) -> Tensor:
    if number == 2:
        return torch.from_numpy(arrays[f"{case}/bool_mask"])
    return ~torch.from_numpy(arrays[f"{case}/node_mask"]).view(1, 1, 1, 1, 1, -1)


def test_bad_input():
    query, keys, values, _ = problem(6, 2, 1, 1, (3, 3), 3, 2, None)
    with pytest.raises(InputError, match="2-tuples"):
        pivotal_attention(query, keys[:1], values)
    with pytest.raises(InputError, match="2-tuples"):
        pivotal_attention(query, [keys[0][..., :1], keys[1]], values)
    with pytest.raises(InputError, match="not of scores"):
        pivotal_attention(query, keys, values, torch.zeros(2, 3, 3, dtype=torch.bool))
    with pytest.raises(InputError, match="capped at 0"):
        pivotal_attention(query, keys, values, cap=0)
    with pytest.raises(InputError, match="no gradient"):
        pivotal_attention(query, keys, values, torch.zeros(3, 3, 3, dtype=query.dtype, requires_grad=True))


@pytest.mark.parametrize("in_blocks", [False, True])
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_with_a_mask(blocks, dtype, in_blocks):
    """-1e9 is beyond float16; a row that is masked whole is the mean of its values there too."""
    if in_blocks:
        blocks(32)
    query, keys, values, mask = problem(5, 2, 2, 1, (4, 3), 5, 4, "scores")
    mask[0, 0, 1, 2] = True
    halves = [[each.to(dtype) for each in part] for part in ((query,), keys, values)]
    out = pivotal_attention(halves[0][0], halves[1], halves[2], mask)
    doubles = [[each.double() for each in part] for part in halves]
    expected = reference(doubles[0][0], doubles[1], doubles[2], mask)
    assert out.dtype == dtype
    torch.testing.assert_close(out.double(), expected, rtol=0, atol=5e-2)
