"""Extremes and means of the values that share a scale."""

from __future__ import annotations

from torch import Tensor

from graphlab.core.errors import InputError


def extremes(value: Tensor, dim: int | None) -> tuple[Tensor, Tensor]:
    """The lowest and highest values, zero included.

    Args:
        value: floating point, of any shape.
        dim: dimension whose entries have extremes each; None for those of all.

    Returns:
        Two tensors of size 1 in every dimension but `dim`; scalars without `dim`. Zeros where there is no value.

    Raises:
        InputError: a value is NaN or infinite, or the range is wider than the dtype holds.
    """
    low, high = _amin_amax(value.detach(), dim)
    if not bool((high - low).isfinite().all()):
        raise InputError(
            "values to quantise are NaN or infinite, or too large to take their range",
            hint="look for a diverging loss; a smaller learning rate or clipped gradients may help",
        )
    return low.clamp(max=0), high.clamp(min=0)


def _amin_amax(value: Tensor, dim: int | None) -> tuple[Tensor, Tensor]:
    if dim is None:
        return value.aminmax() if value.numel() else (value.new_zeros(()), value.new_zeros(()))
    others = other_dims(value, dim)
    if not others:
        return value, value
    if value.numel() == 0:
        zeros = value.new_zeros([1 if d in others else size for d, size in enumerate(value.shape)])
        return zeros, zeros
    return value.amin(others, keepdim=True), value.amax(others, keepdim=True)


def other_dims(value: Tensor, dim: int) -> list[int]:
    """All dimensions of a tensor but one.

    Raises:
        InputError: the tensor has no such dimension.
    """
    if not -value.dim() <= dim < value.dim():
        raise InputError(
            f"values of shape {list(value.shape)} have no dimension {dim} to quantise along",
            hint="choose another channel, or a format with one scale",
        )
    return [d for d in range(value.dim()) if d != dim % value.dim()]


def weighted_mean(value: Tensor, weight: Tensor, dim: int | None) -> Tensor:
    """Weighted means along all dimensions but one; zero where no weight is."""
    if dim is None:
        return (value * weight).sum() / weight.sum().clamp(min=1)
    others = other_dims(value, dim)
    if not others:
        return value * weight
    return (value * weight).sum(others, keepdim=True) / weight.sum(others, keepdim=True).clamp(min=1)
