"""Checks of integer kernels on a device, to the bit: against their definitions by numpy and against the CPU's kernels.

Run as a program it checks the Triton kernels with Triton's interpreter, which must be chosen before Triton is first
imported: `TRITON_INTERPRET=1 python -m tests.ops.integer.device_checks RESULTS`.
"""

from __future__ import annotations

import json
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar
from unittest import mock

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from graphlab.ops.integer import devices, join, neighbour_sum, product, requantise, rounding, softmax, table
from graphlab.ops.integer.gpu import dispatch
from graphlab.ops.integer.gpu.dispatch import PLAIN, Paths
from graphlab.ops.integer.gpu.layout import DeviceWeights
from graphlab.ops.integer.pack import pack
from graphlab.ops.integer.rescale import INT32, Multiplier, Output, rescale
from graphlab.ops.integer.rescale import requantise as requantise_reference
from graphlab.ops.neighbour_sum import Neighbours
from tests.ops.integer.integer_problems import DTYPES, OUTPUTS, graph, integers, outputs

T = TypeVar("T")
EXAMPLES = 25
SEEDS = st.integers(0, 10**6)
FEW = settings(max_examples=EXAMPLES, deadline=None, database=None)


@contextmanager
def path_of_gpus(paths: Paths) -> Iterator[None]:
    """Rows on the CPU are computed as those on a GPU."""
    with mock.patch.object(devices, "on_gpu", lambda tensor: True), mock.patch.object(dispatch, "paths", lambda: paths):
        yield


def moved(value: Any, device: str) -> Any:
    return value.to(device) if isinstance(value, (Tensor, Neighbours)) else value


def assert_same(function: Callable[..., Tensor], definitions: list[Callable[..., Tensor]], device: str, *arguments):
    result = function(*(moved(each, device) for each in arguments))
    assert result.device.type == device
    for definition in definitions:
        expected = definition(*arguments)
        assert result.dtype == expected.dtype and result.shape == expected.shape
        assert torch.equal(result.cpu(), expected)


def on_cpu(function: Callable[..., T]) -> Callable[..., T]:
    """By the CPU's kernels, whatever path is taken elsewhere."""

    def run(*arguments: Any) -> T:
        with mock.patch.object(devices, "on_gpu", lambda tensor: False):
            return function(*arguments)

    return run


def check_product(device: str) -> None:
    @given(
        seed=SEEDS,
        sizes=st.sampled_from([(0, 3, 2), (1, 1, 1), (7, 5, 3), (65, 64, 17), (3, 0, 4), (5, 130, 129), (130, 33, 16)]),
        dtype=DTYPES,
        extreme=st.booleans(),
        biased=st.booleans(),
        zero_point=st.integers(-128, 127),
        output=OUTPUTS,
    )
    @FEW
    def holds(seed, sizes, dtype, extreme, biased, zero_point, output):
        (rows, inner, width), random = sizes, torch.Generator().manual_seed(seed)
        x = integers(random, (rows, inner), dtype, extreme)
        weight = integers(random, (inner, width), torch.int8, extreme)
        bias = torch.randint(-(10**6), 10**6, (width,), generator=random, dtype=torch.int32) if biased else None
        origin = zero_point if dtype == torch.int8 else zero_point + 128
        arguments = x, weight, outputs(output, width, random), bias, origin
        assert_same(product.product, [product.reference, on_cpu(product.product)], device, *arguments)

    holds()


def check_packed_product(device: str) -> None:
    @given(
        seed=SEEDS,
        bits=st.sampled_from([2, 4]),
        sizes=st.sampled_from([(3, 5, 3), (20, 70, 9), (2, 64, 16), (0, 1, 1)]),
        dtype=DTYPES,
        output=OUTPUTS,
    )
    @FEW
    def holds(seed, bits, sizes, dtype, output):
        (rows, inner, width), random = sizes, torch.Generator().manual_seed(seed)
        half = 1 << (bits - 1)
        weight = torch.randint(-half, half, (inner, width), generator=random).to(torch.int8)
        laid_out = DeviceWeights.of(pack(weight, bits), torch.device(device))
        assert laid_out.data.numel() == -(-inner * width * bits // 8)
        assert torch.equal(laid_out.unpacked().cpu(), weight)
        x, to_bytes = integers(random, (rows, inner), dtype), outputs(output, width, random)
        result = product.product(x.to(device), laid_out, to_bytes, None, 3)
        assert torch.equal(result.cpu(), product.reference(x, weight, to_bytes, None, 3))

    holds()


def check_long_product(device: str) -> None:
    """More inner channels than tensor cores add up without a saturating sum, at the ends of their range."""
    inner = 2**17 + 3
    x, weight = torch.full((2, inner), -128, dtype=torch.int8), torch.full((inner, 3), -128, dtype=torch.int8)
    weight[:, 1] = 1
    weight[: inner // 2, 2] = 127
    assert_same(product.product, [product.reference], device, x, weight, None, None, -128 + 255)
    assert_same(product.product, [product.reference], device, x, weight, Output.of(1e-4), None, -100)


def check_neighbour_sum(device: str) -> None:
    @given(
        seed=SEEDS,
        sizes=st.sampled_from([(0, 0, 0), (1, 1, 0), (5, 3, 2), (40, 17, 25), (2, 9, 700), (1, 1, 33), (30, 30, 90)]),
        width=st.sampled_from([0, 1, 3, 16, 64, 129]),
        dtype=DTYPES,
        weights=st.sampled_from([None, torch.int8, torch.uint8]),
        extreme=st.booleans(),
        biased=st.booleans(),
        zero_point=st.integers(-128, 127),
        output=OUTPUTS,
    )
    @FEW
    def holds(seed, sizes, width, dtype, weights, extreme, biased, zero_point, output):
        random = torch.Generator().manual_seed(seed)
        edges = graph(random, *sizes) if sizes[1] else Neighbours(torch.zeros(2, 0, dtype=torch.int64), 0, 0)
        x = integers(random, (sizes[1], width), dtype, extreme)
        weight = None if weights is None else integers(random, (sizes[2],), weights, extreme)
        bias = torch.randint(-(10**6), 10**6, (width,), generator=random, dtype=torch.int32) if biased else None
        origin = zero_point if dtype == torch.int8 else zero_point + 128
        arguments = edges, x, outputs(output, width, random), weight, bias, origin
        definitions = [neighbour_sum.reference, on_cpu(neighbour_sum.neighbour_sum)]
        assert_same(neighbour_sum.neighbour_sum, definitions, device, *arguments)

    holds()


def check_softmax(device: str) -> None:
    @given(
        seed=SEEDS,
        sizes=st.sampled_from([(1, 1, 0), (5, 3, 0), (1, 2, 1), (4, 9, 30), (1, 5, 700), (2, 3, 257), (40, 40, 90)]),
        heads=st.sampled_from([1, 3]),
        reach=st.sampled_from([0, 100, 2**31 - 1]),
        scale=st.sampled_from([0.0, 1e-8, 0.02, 3.0]),
        slope=st.sampled_from([0.0, 0.2, 1.5, 2.0**29]),
    )
    @FEW
    def holds(seed, sizes, heads, reach, scale, slope):
        random = torch.Generator().manual_seed(seed)
        source, target = (
            torch.randint(-reach, reach + 1, (count, heads), generator=random, dtype=torch.int32)
            for count in sizes[1::-1]
        )
        arguments = graph(random, *sizes), source, target, scale, slope
        definitions = [softmax.reference, on_cpu(softmax.neighbour_softmax)]
        assert_same(softmax.neighbour_softmax, definitions, device, *arguments)

    holds()


def check_rescale(device: str) -> None:
    @given(
        seed=SEEDS,
        shape=st.sampled_from([(0, 2), (3, 1), (70, 5), (2, 300), (300, 3)]),
        exponent=st.integers(-33, 29),
        per_channel=st.booleans(),
        extreme=st.booleans(),
    )
    @FEW
    def holds(seed, shape, exponent, per_channel, extreme):
        random = torch.Generator().manual_seed(seed)
        sums = torch.randint(INT32.min, INT32.max + 1, shape, generator=random).to(torch.int32)
        if extreme:
            sums = torch.where(sums < 0, INT32.min, INT32.max).to(torch.int32)
        real = 2.0**exponent * (1 + torch.rand(shape[1] if per_channel else 1, generator=random).double().numpy())
        multiplier = Multiplier.of(np.minimum(real, 2.0**30 - 1))
        exact = np.clip(rescale(sums.numpy(), multiplier), INT32.min, INT32.max)
        result = requantise.rescale_rows(sums.to(device), multiplier)
        assert result.dtype == torch.int32 and torch.equal(result.cpu().long(), torch.from_numpy(exact))
        output = Output.of(multiplier, 9, signed=seed % 2 == 0, low=3, high=100)
        result = requantise.requantise_rows(sums.to(device), output).cpu()
        assert torch.equal(result, torch.from_numpy(requantise_reference(sums.numpy(), output)))

    holds()


def check_halves(device: str) -> None:
    """Halves go up, towards plus infinity, of negative numbers too."""
    sums = torch.arange(-9, 10, dtype=torch.int32).unsqueeze(1)
    expected = torch.floor((sums + 1).double() / 2).to(torch.int32)
    assert torch.equal(requantise.rescale_rows(sums.to(device), Multiplier.of(0.5)).cpu(), expected)


def check_ties(device: str) -> None:
    """Sums whose products are at a tie, and one below, to the last of their 62 bits, which float64 does not hold."""

    @given(mantissa=st.integers(2**29, 2**30 - 1), shift=st.sampled_from([0, 1, 5, 9]))
    @FEW
    def holds(mantissa, shift):
        odd, right = 2 * mantissa + 1, 31 - shift
        inverse, half = pow(odd, -1, 2**right), 2 ** (right - 1)
        rests = [(target - half) * inverse % 2**right for target in (-1, 0)]
        sums = [rest + turn for turn in (-(2**31), -(2**right), 0) for rest in rests]
        expected = [(each * odd + half) >> right for each in sums]
        clipped = [[min(max(each, -(2**31)), 2**31 - 1)] for each in expected]
        column = torch.tensor([[each] for each in sums], dtype=torch.int32)
        multiplier = Multiplier(np.array([odd], np.int32), np.array([shift], np.int32))
        assert requantise.rescale_rows(column.to(device), multiplier).cpu().tolist() == clipped

    holds()


def check_rounding(device: str) -> None:
    @given(seed=SEEDS, scale=st.floats(1e-3, 10.0), zero_point=st.integers(-128, 127))
    @FEW
    def holds(seed, scale, zero_point):
        x = 40 * torch.randn(30, 7, generator=torch.Generator().manual_seed(seed))
        x[0] = torch.tensor([torch.inf, -torch.inf, 0.0, -0.0, 0.5, 1.5, 2.5]) * scale
        arguments = x, scale, zero_point, -128, 127, torch.int8
        assert_same(rounding.round_rows, [on_cpu(rounding.round_rows)], device, *arguments)

    holds()


def check_join(device: str) -> None:
    @given(seed=SEEDS, size=st.sampled_from([1e-4, 1.0, 300.0]), wide=st.booleans())
    @FEW
    def holds(seed, size, wide):
        random = torch.Generator().manual_seed(seed)
        first = torch.randint(-(2**30), 2**30, (9, 5), generator=random).to(torch.int32)
        second = integers(random, (9, 5), torch.uint8)
        scales = 1e-8 * np.arange(1, 6), size
        bias = torch.randn(5, generator=random).double().numpy()
        ends = (0, -(2**31), 2**31 - 1, torch.int32) if wide else (-9, -128, 127, torch.int8)

        def joined(add: Callable[..., Tensor], place: str) -> Tensor:
            terms = join.Term(first.to(place), scales[0]), join.Term(second.to(place), scales[1], 7)
            return add(*terms, bias, 0.3, *ends)

        assert torch.equal(joined(join.join, device).cpu(), joined(join.reference, "cpu"))

    holds()


def check_tables(device: str) -> None:
    entries = torch.randperm(256, generator=torch.Generator().manual_seed(0)).to(torch.uint8)
    numbers = torch.arange(256).to(torch.uint8).view(32, 8)
    for dtype in (torch.int8, torch.uint8):
        typed = entries.view(dtype)
        for places in (numbers, numbers.view(torch.int8)):
            result = table.look_up(typed, places.to(device))
            assert result.dtype == dtype and torch.equal(result.cpu(), typed[numbers.int()])


CHECKS: dict[str, Callable[[str], None]] = {
    "product": check_product,
    "packed product": check_packed_product,
    "long product": check_long_product,
    "neighbour sum": check_neighbour_sum,
    "softmax": check_softmax,
    "rescale": check_rescale,
    "halves": check_halves,
    "ties": check_ties,
    "rounding": check_rounding,
    "join": check_join,
    "tables": check_tables,
}


def failures(checks: dict[str, Callable[[str], None]], device: str) -> dict[str, str]:
    """What each of the checks fails with; nothing where it passes."""
    results = {}
    for name, check in checks.items():
        try:
            check(device)
            results[name] = ""
        except Exception:
            results[name] = traceback.format_exc()
    return results


def main() -> None:
    """By way of the dispatch, as on a GPU."""
    kernels = dispatch.paths()
    assert kernels is not PLAIN
    with path_of_gpus(kernels):
        Path(sys.argv[1]).write_text(json.dumps(failures(CHECKS, "cpu")))


if __name__ == "__main__":
    main()
