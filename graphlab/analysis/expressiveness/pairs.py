"""Which pairs of a data set are meant."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from graphlab.core.errors import InputError

TOTAL = "total"
"""What pairs without categories are called."""


def parse_pairs(pairs: str | Iterable[int], categories: Sequence[str]) -> tuple[int, ...]:
    """Numbers of pairs, of which there are as many as categories are named. Raises InputError; see `discriminate`."""
    count = len(categories)
    hint = f'say "all", or ranges such as "0:{min(count, 60)}" and numbers from 0 to {count - 1}, by commas'
    if names := [name for name in dict.fromkeys(categories) if name != TOTAL]:
        hint += f", or one of {', '.join(names)}"
    try:
        chosen = _read_pairs(pairs, categories)
    except (TypeError, ValueError):
        raise InputError(f"cannot read pairs {pairs!r}", hint=hint) from None
    if not chosen:
        raise InputError(f"pairs {pairs!r} name no pair", hint=hint)
    if beyond := [pair for pair in chosen if not 0 <= pair < count]:
        raise InputError(f"there is no pair {beyond[0]}: the {count} pairs are 0 to {count - 1}", hint=hint)
    if len(set(chosen)) < len(chosen):
        raise InputError(f"pairs {pairs!r} name a pair twice", hint="name each once")
    return chosen


def _read_pairs(pairs: str | Iterable[int], categories: Sequence[str]) -> tuple[int, ...]:
    if not isinstance(pairs, str):
        chosen = tuple(pairs)
        if any(isinstance(pair, bool) or not isinstance(pair, int | np.integer) for pair in chosen):
            raise TypeError
        return tuple(map(int, chosen))
    if pairs == "all":
        return tuple(range(len(categories)))
    parts = [part.strip() for part in pairs.rstrip(",").split(",")]
    return tuple(pair for part in parts for pair in _read_part(part, categories))


def _read_part(part: str, categories: Sequence[str]) -> tuple[int, ...]:
    """Of a category, a range or a number."""
    if part in categories:
        return tuple(pair for pair, name in enumerate(categories) if name == part)
    if ":" in part:
        start, end = map(int, part.split(":"))
        return tuple(range(start, end)) if end <= len(categories) else (end - 1,)
    return (int(part),)
