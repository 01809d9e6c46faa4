"""Batch normalisation and rectification of some rows at a time. Ioffe and Szegedy, ICML 2015, algorithm 1.

y = relu(gamma z^ + beta), z^ = (z - mean) / sqrt(var + eps), mean and var of each column over all rows

dz = gamma / sqrt(var + eps) (dy - mean(dy) - z^ mean(dy z^)), dy the gradient where y > 0
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from graphlab.ops.compiled import contracted, scratch

FEW = 64
"""Rows that are summed in their own dtype, before the sum goes on in float64."""


@dataclass(frozen=True)
class Moments:
    """The mean and the biased variance of each column, float64 `[d]`."""

    mean: np.ndarray
    variance: np.ndarray

    @classmethod
    def of_sums(cls, sums: np.ndarray, num_rows: int) -> Moments:
        """From sums and sums of squares `[2, d]`, as `add_moments` makes them."""
        mean, square = sums / num_rows
        return cls(mean, np.maximum(square - mean**2, 0))


class NormReLU:
    """y = relu(scale z + shift) for z of these moments; gamma, beta `[d]` in z's dtype."""

    def __init__(self, moments: Moments, gamma: np.ndarray, beta: np.ndarray, eps: float) -> None:
        rate = 1 / np.sqrt(moments.variance + eps)
        scale = gamma * rate
        parts = (scale, beta - moments.mean * scale, moments.mean, rate)
        self._norm = tuple(np.ascontiguousarray(part, gamma.dtype) for part in parts)

    def forward(self, z: np.ndarray, out: np.ndarray) -> None:
        """y of rows z `[n, d]`."""
        _rectify(z, *self._norm[:2], out)

    def add_sums(self, z: np.ndarray, grad: np.ndarray, sums: np.ndarray) -> None:
        """Adds the sums of dy and of dy z^ over rows z, given y's gradient, to float64 `[2, d]`: those of beta and
        gamma."""
        _sums(z, grad, *self._norm, sums)

    def backward(self, z: np.ndarray, grad: np.ndarray, means: np.ndarray, out: np.ndarray, total: np.ndarray) -> None:
        """dz of rows z into `out`, and its sum added to float64 `[d]`; `means` `[2, d]` are the sums over all rows by
        their number."""
        _backward(z, grad, *self._norm, means, out, total)


@contracted
def add_moments(z, sums):
    """Adds sums and sums of squares of the rows z `[n, d]` to float64 `[2, d]`."""
    for i in range(len(z)):
        row = z[i]
        for k in range(len(row)):
            value = np.float64(row[k])
            sums[0, k] += value
            sums[1, k] += value * value


@contracted
def _rectify(z, scale, shift, out):
    zero = z.dtype.type(0)
    for i in range(len(z)):
        row, result = z[i], out[i]
        for k in range(len(row)):
            result[k] = max(row[k] * scale[k] + shift[k], zero)


@contracted
def _sums(z, grad, scale, shift, centre, rate, sums):
    width = z.shape[1]
    ones, products, zero = scratch(z, width), scratch(z, width), z.dtype.type(0)
    for begin in range(0, len(z), FEW):
        for k in range(width):
            ones[k], products[k] = 0, 0
        for i in range(begin, min(begin + FEW, len(z))):
            row, back = z[i], grad[i]
            for k in range(width):
                passed = back[k] if row[k] * scale[k] + shift[k] > zero else zero
                ones[k] += passed
                products[k] += passed * ((row[k] - centre[k]) * rate[k])
        for k in range(width):
            sums[0, k] += ones[k]
            sums[1, k] += products[k]


@contracted
def _backward(z, grad, scale, shift, centre, rate, means, out, total):
    width = z.shape[1]
    ones, zero = scratch(z, width), z.dtype.type(0)
    for begin in range(0, len(z), FEW):
        for k in range(width):
            ones[k] = 0
        for i in range(begin, min(begin + FEW, len(z))):
            row, back, result = z[i], grad[i], out[i]
            for k in range(width):
                passed = back[k] if row[k] * scale[k] + shift[k] > zero else zero
                value = scale[k] * (passed - means[0, k] - (row[k] - centre[k]) * rate[k] * means[1, k])
                result[k] = value
                ones[k] += value
        for k in range(width):
            total[k] += ones[k]
