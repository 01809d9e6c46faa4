"""Integer sums over neighbours against int64, bit for bit."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from graphlab.core.errors import InputError
from graphlab.ops.integer import neighbour_sum as module
from graphlab.ops.integer.neighbour_sum import neighbour_sum, reference
from graphlab.ops.integer.rescale import Output
from graphlab.ops.neighbour_sum import Neighbours
from tests.ops.integer.integer_problems import DTYPES, OUTPUTS, WIDTHS, graph, integers, outputs


@given(
    seed=st.integers(0, 999),
    sizes=st.sampled_from(
        [(1, 1, 0), (5, 3, 0), (1, 2, 1), (3, 3, 2), (4, 9, 30), (9, 4, 60), (1, 5, 70), (40, 40, 90)]
    ),
    width=st.sampled_from(WIDTHS),
    dtype=DTYPES,
    weights=st.sampled_from([None, torch.int8, torch.uint8]),
    kind=OUTPUTS,
    extreme=st.booleans(),
    zero_point=st.sampled_from([0, -128, 127, 255, -3]),
    biased=st.booleans(),
)
@settings(max_examples=200, deadline=None)
def test_it_is_the_definition(seed, sizes, width, dtype, weights, kind, extreme, zero_point, biased):
    """Graphs without edges, isolated nodes, edges listed twice, sides of other sizes."""
    random = torch.Generator().manual_seed(seed)
    neighbours, x = graph(random, *sizes), integers(random, (sizes[1], width), dtype, extreme)
    weight = None if weights is None else integers(random, (sizes[2],), weights, extreme)
    bias = torch.randint(-(10**8), 10**8, (width,), generator=random, dtype=torch.int32) if biased else None
    arguments = neighbours, x, outputs(kind, width, random), weight, bias, zero_point
    result, expected = neighbour_sum(*arguments), reference(*arguments)
    assert result.dtype == expected.dtype
    assert torch.equal(result, expected)


@pytest.mark.parametrize("width", [3, 65])
@pytest.mark.parametrize("weights", [torch.int8, torch.uint8])
def test_without_the_instruction_the_integers_are_the_same(monkeypatch, width, weights):
    random = torch.Generator().manual_seed(0)
    neighbours, x = graph(random, 20, 20, 90), integers(random, (20, width), torch.int8)
    weight = integers(random, (90,), weights)
    monkeypatch.setattr(module, "has_vnni", lambda: False)
    assert torch.equal(neighbour_sum(neighbours, x, None, weight), reference(neighbours, x, None, weight))


def test_threads_do_not_change_integers():
    random = torch.Generator().manual_seed(0)
    neighbours, x = graph(random, 500, 500, 5000), integers(random, (500, 65), torch.int8)
    weight, threads, results = integers(random, (5000,), torch.uint8), torch.get_num_threads(), []
    try:
        for count in (1, 2, 3):
            torch.set_num_threads(count)
            results.append(neighbour_sum(neighbours, x, Output.of(0.001), weight))
    finally:
        torch.set_num_threads(threads)
    assert all(torch.equal(each, results[0]) for each in results)


def test_by_hand():
    """0 -> 2 twice, 1 -> 2, 2 -> 0; zero point 1, and node 1 has no neighbours: its sum is the bias."""
    neighbours = Neighbours(torch.tensor([[0, 1, 0, 2], [2, 2, 2, 0]]), 3, 3)
    x, weight = torch.tensor([[2], [-4], [11]], dtype=torch.int8), torch.tensor([1, 2, 3, 4], dtype=torch.uint8)
    bias = torch.tensor([7], dtype=torch.int32)
    assert neighbour_sum(neighbours, x, None, weight, bias, 1).flatten().tolist() == [47, 7, 1]
    assert neighbour_sum(neighbours, x, None, None, None, 1).flatten().tolist() == [10, 0, -3]
    assert neighbour_sum(neighbours, x, Output.of(0.5, relu=True), None, None, 1).flatten().tolist() == [5, 0, 0]


@pytest.mark.parametrize("width", [1, 16, 40, 64, 65])
@pytest.mark.parametrize("weighted", [True, False])
def test_wider_rows_have_the_same_sums(width, weighted):
    random = torch.Generator().manual_seed(0)
    neighbours, x = graph(random, 20, 20, 90), integers(random, (20, width), torch.int8)
    weight = integers(random, (90,), torch.int8) if weighted else None
    expected = reference(neighbours, x, None, weight)
    for dtype in (torch.int32, torch.float32):
        sums = neighbour_sum(neighbours, x.to(dtype), weight=None if weight is None else weight.to(dtype))
        assert sums.dtype == dtype
        assert torch.equal(sums.to(torch.int32), expected)


@pytest.mark.parametrize(
    ("rows", "options"),
    [
        (torch.zeros(3, 2, dtype=torch.int8), {}),
        (torch.zeros(2, 2, dtype=torch.int64), {}),
        (torch.zeros(2, 2, dtype=torch.int8), {"weight": torch.zeros(1)}),
        (torch.zeros(2, 2, dtype=torch.int8), {"weight": torch.zeros(2, dtype=torch.int8)}),
        (torch.zeros(2, 2, dtype=torch.int8), {"bias": torch.zeros(3, dtype=torch.int32)}),
        (torch.zeros(2, 2, dtype=torch.int8), {"output": Output.of([1.0, 1.0, 1.0])}),
        (torch.zeros(2, 2), {"zero_point": 1}),
        (torch.zeros(2, 2), {"weight": torch.zeros(1, dtype=torch.int8)}),
    ],
)
def test_other_types_and_shapes_are_refused(rows, options):
    with pytest.raises(InputError):
        neighbour_sum(Neighbours(torch.tensor([[0], [1]]), 2, 2), rows, **options)
