"""How sparsity rises during training, and by which steps tickets come to a sparsity."""

from __future__ import annotations

import math
from collections.abc import Sequence

from graphlab.core.errors import InputError


def cubic_sparsity(progress: float, sparsity: float) -> float:
    """The sparsity of a gradual schedule that starts at 0: s (1 - (1 - t)^3).

    Args:
        progress: t, the share of the schedule that has passed; values outside of [0, 1] count as its ends.
        sparsity: s, at the end.

    References:
        Zhu and Gupta, To Prune, or Not to Prune: Exploring the Efficacy of Pruning for Model Compression, 2017, eq. 1.
    """
    return sparsity * (1 - (1 - min(max(progress, 0.0), 1.0)) ** 3)


def progress_between(epoch: int, epochs: int, begin: float, end: float) -> float:
    """The share of a schedule that has passed when an epoch begins.

    Args:
        epoch: Counted from 1. The last one is at the end of every schedule.
        epochs: Of the training; 0 where nothing is trained, which is the end of every schedule.
        begin, end: Of the schedule, as shares of the training.

    Returns:
        A number in [0, 1].
    """
    if epoch >= epochs:
        return 1.0
    passed = (epoch - 1) / epochs
    if passed >= end:
        return 1.0
    return max(0.0, (passed - begin) / (end - begin))


def round_sparsities(sparsities: Sequence[float], share: float) -> list[float]:
    """The sparsities of the rounds of iterative pruning that pass through some sparsities.

    Between two of them are as few rounds as prune the same share, `share` at most, of what is left each.

    Args:
        sparsities: Ascending, in (0, 1).
        share: Of the remaining numbers, pruned in a round at most.

    Returns:
        Sparsities of all rounds, ascending; those of `sparsities` are among them as they are.

    Raises:
        InputError: They do not ascend within (0, 1), or the share is not in (0, 1).
    """
    if list(sparsities) != sorted(set(sparsities)) or not all(0 < each < 1 for each in (*sparsities, share)):
        raise InputError(
            "rounds need ascending sparsities and a share in (0, 1)", hint="as 0.5, 0.8 and a share of 0.2"
        )
    ascending, dense = [], 1.0
    for sparsity in sparsities:
        left = 1 - sparsity
        rounds = max(1, math.ceil(math.log(left / dense) / math.log(1 - share) - 1e-9))
        ascending += [1 - dense * (left / dense) ** (k / rounds) for k in range(1, rounds)] + [sparsity]
        dense = left
    return ascending
