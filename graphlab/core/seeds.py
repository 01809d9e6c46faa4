"""Independent streams of randomness drawn from one seed.

A stream is a seed and a path of names. Its numbers depend on nothing else: not on what was drawn
before it, in which process, or in which order. That is what lets a run stop at any step and go on
as if it had never stopped.
"""

from __future__ import annotations

import hashlib
import operator
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from graphlab.core.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    import torch


@dataclass(frozen=True)
class SeedStream:
    """The stream at `path` under `seed`, e.g. `SeedStream(3).child("sampling", epoch, step)`."""

    seed: int
    path: tuple[str, ...] = ()

    def child(self, *names: str | int) -> SeedStream:
        return SeedStream(self.seed, self.path + tuple(str(n) for n in names))

    def integer(self) -> int:
        """A number in [0, 2^63) that is a hash of seed and path."""
        text = "\x1f".join((str(self.seed), *self.path))
        return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1

    def numpy(self) -> np.random.Generator:
        import numpy as np

        return np.random.default_rng(self.integer())

    def torch(self) -> torch.Generator:
        """A CPU generator; draw there and move the result, so that devices agree."""
        import torch

        return torch.Generator().manual_seed(self.integer())

    def seed_torch(self) -> None:
        """Seed torch's global generators, which dropout and initialisers draw from."""
        import torch

        # Without a GPU torch.manual_seed still formats a stack trace for one to come, 200 us at each step.
        torch.default_generator.manual_seed(self.integer())
        if torch.accelerator.is_available():
            torch.manual_seed(self.integer())


MOST_SEEDS = 1_000_000
"""Seeds that a count or a range may name; more is taken for a slip."""


def parse_seeds(seeds: int | str | Iterable[int]) -> tuple[int, ...]:
    """Seeds from a count (`10` is 0 to 9), a half-open range (`"3:8"`) or a list (`"1,4,7"`, `[0]`, numpy's too).

    Raises InputError if none is left, one is negative or named twice, or there are more than `MOST_SEEDS`.
    """
    try:
        chosen = _read_seeds(seeds)
    except (TypeError, ValueError):
        raise InputError(
            f"cannot read seeds {seeds!r}", hint="give a count (10), a range (3:8) or a list (1,4,7)"
        ) from None
    if not chosen:
        raise InputError(f"seeds {seeds!r} name no seed", hint="ask for at least one: --seeds 1 runs seed 0")
    if min(chosen) < 0:
        raise InputError(f"seed {min(chosen)} is negative", hint="seeds are whole numbers from 0")
    if len(set(chosen)) < len(chosen):
        raise InputError(f"seeds {seeds!r} name a seed twice", hint="each seed is one run; name it once")
    return chosen


def _read_seeds(seeds: int | str | Iterable[int]) -> tuple[int, ...]:
    if not isinstance(seeds, str):
        return tuple(map(_whole, seeds)) if isinstance(seeds, Iterable) else _range(0, _whole(seeds))
    if ":" in seeds:
        start, stop = seeds.split(":")
        return _range(int(start), int(stop))
    if "," in seeds:
        return tuple(int(part) for part in seeds.rstrip(",").split(","))
    return _range(0, int(seeds))


def _range(start: int, stop: int) -> tuple[int, ...]:
    if stop - start > MOST_SEEDS:
        raise InputError(f"{stop - start:,} seeds are too many", hint=f"ask for {MOST_SEEDS:,} at most")
    return tuple(range(start, stop))


def _whole(number: int) -> int:
    if isinstance(number, bool):
        raise TypeError
    return operator.index(number)
