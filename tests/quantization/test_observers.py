"""Which range observers record."""

from __future__ import annotations

import pytest
import torch

from graphlab.core.errors import InputError
from graphlab.quantization.formats import Affine, Format
from graphlab.quantization.observers import MinMax, Percentile, SquaredError

INT4 = Affine(4)


def _batches() -> torch.Tensor:
    spread = torch.tensor([1.0, 2.0, 0.5]).view(3, 1, 1)
    return spread * torch.randn(3, 40, 6, generator=torch.Generator().manual_seed(1))


def test_min_max_over_all_batches():
    observer, batches = MinMax(), _batches()
    for batch in batches:
        observer.record(batch, INT4, None)
    assert (observer.low, observer.high) == (batches.min(), batches.max())
    assert observer.num_batches == 3


def test_momentum_moves_from_the_first_range():
    observer, batches = MinMax(momentum=0.25), _batches()
    for batch in batches:
        observer.record(batch, INT4, 1)
    high = batches[0].amax(0)
    for batch in batches[1:]:
        high = high + 0.25 * (batch.amax(0) - high)
    torch.testing.assert_close(observer.high, high.view(1, 6))


@pytest.mark.parametrize("dim", [None, 0, 1, -1])
def test_ranges_have_size_one_in_other_dimensions_and_hold_zero(dim):
    for observer in (MinMax(), Percentile(0.1), SquaredError()):
        observer.record(_batches()[0].abs() + 1, INT4, dim)
        assert observer.low.shape == {None: (), 0: (40, 1), 1: (1, 6), -1: (1, 6)}[dim]
        assert (observer.low == 0).all() and (observer.high > 0).all()


def test_percentiles_are_order_statistics():
    value = torch.arange(-50.0, 50.0)[torch.randperm(100, generator=torch.Generator().manual_seed(0))]
    observer = Percentile(0.1)
    observer.record(value, INT4, None)
    assert (observer.low, observer.high) == (-41, 39)
    observer = Percentile(0.0)
    observer.record(value, INT4, None)
    assert (observer.low, observer.high) == (-50, 49)


def test_the_least_squared_error_is_that_of_its_best_range():
    value = torch.randn(500, generator=torch.Generator().manual_seed(3))
    value[0] = 9.0
    observer = SquaredError(num_ranges=20)
    observer.record(value, INT4, None)

    def error(share: float) -> float:
        scale, zero_point = INT4.range_parameters(share * value.min(), share * value.max())
        integers = ((value / scale).round() + zero_point).clamp(-8, 7)
        return float(((integers - zero_point) * scale - value).square().sum())

    shares = [step / 20 for step in range(1, 21)]
    best = min(shares, key=error)
    assert best < 1
    assert float(observer.high) == pytest.approx(best * 9.0)
    assert float(observer.low) == pytest.approx(best * float(value.min()))


def test_least_squared_error_is_averaged_over_batches_and_never_worse_than_extremes():
    observer, batches = SquaredError(), _batches()
    ranges = []
    for batch in batches:
        single = SquaredError()
        single.record(batch, INT4, 1)
        ranges.append(single.high)
        observer.record(batch, INT4, 1)
    torch.testing.assert_close(observer.high, torch.stack(ranges).mean(0))


def test_an_empty_batch_changes_nothing():
    for observer in (MinMax(0.5), Percentile(0.1), SquaredError()):
        observer.record(torch.zeros(0, 6), INT4, 1)
        assert not observer.has_range
        observer.record(_batches()[0], INT4, 1)
        before = observer.high.clone()
        observer.record(torch.zeros(0, 6), INT4, 1)
        assert torch.equal(observer.high, before)


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("dim", [None, 0])
def test_values_that_are_no_numbers_are_refused_and_leave_the_range(bad, dim):
    for observer in (MinMax(), Percentile(0.1), SquaredError()):
        observer.record(_batches()[0], INT4, dim)
        before = observer.high.clone()
        value = _batches()[1]
        value[3, 2] = bad
        with pytest.raises(InputError, match="NaN or infinite"):
            observer.record(value, INT4, dim)
        assert torch.equal(observer.high, before)


def test_a_range_too_wide_for_the_type_is_refused():
    with pytest.raises(InputError, match="too large"):
        MinMax().record(torch.tensor([-3e38, 3e38]), INT4, None)


def test_other_nodes_than_before_are_refused():
    observer = MinMax()
    observer.record(torch.ones(4, 2), Affine(4, granularity="node"), 0)
    with pytest.raises(InputError, match="same nodes"):
        observer.record(torch.ones(5, 2), Affine(4, granularity="node"), 0)


def test_a_dimension_that_values_lack_is_refused():
    with pytest.raises(InputError, match="no dimension 2"):
        MinMax().record(torch.ones(4, 2), INT4, 2)


@pytest.mark.parametrize(
    "build", [lambda: MinMax(0.0), lambda: MinMax(1.5), lambda: Percentile(0.5), lambda: Percentile(-0.1)]
)
def test_settings_out_of_range_are_refused(build):
    with pytest.raises(InputError):
        build()


def test_ranges_are_saved_with_their_shapes():
    observer = MinMax()
    observer.record(_batches()[0], INT4, 0)
    copy = MinMax().double()
    copy.load_state_dict(observer.state_dict())
    assert copy.has_range and copy.low.dtype == torch.float64
    assert torch.equal(copy.low, observer.low.double())


def test_another_format_may_take_another_range():
    value = torch.randn(2000, generator=torch.Generator().manual_seed(5))

    def width(number_format: Format) -> float:
        observer = SquaredError()
        observer.record(value, number_format, None)
        return float(observer.high)

    assert width(Affine(2, symmetric=True)) < width(Affine(8, symmetric=True))
