"""The polarisation regulariser, which pushes the numbers of a mask to 0 or to 1.

    R(m) = t mean(m) - mean |m - mean(m)|        m in [0, 1]

Its least value has a share of (2 - t) / 4 of the numbers at 1 and the others at 0. `polarisation_for` chooses t such
that this share is what a sparsity leaves.

References:
    Zhuang et al., Neuron-Level Structured Pruning Using Polarization Regularizer, NeurIPS 2020, section 3. They prune
    channels by the scaling factors of batch norm; a mask of single weights, and t by the sparsity, are ours.
"""

from __future__ import annotations

from torch import Tensor

from graphlab.core.errors import InputError


def polarisation(mask: Tensor, t: float) -> Tensor:
    """R, a scalar, of the numbers of a mask `[numbers]` in [0, 1]."""
    mean = mask.mean()
    return t * mean - (mask - mean).abs().mean()


def polarisation_for(sparsity: float) -> float:
    """The t at which R is least where a share of `sparsity` of the mask is 0: 4 sparsity - 2.

    Raises:
        InputError: The sparsity is not in [0, 1].
    """
    if not 0 <= sparsity <= 1:
        raise InputError(f"a sparsity of {sparsity} is no share of zeros", hint="choose one from 0 to 1")
    return 4 * sparsity - 2
