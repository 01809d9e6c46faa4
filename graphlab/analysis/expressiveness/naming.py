"""Tests and properties as they are asked for: by name, many names in one string, or as they are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

from graphlab.core.errors import InputError, UnknownNameError

T = TypeVar("T")


def chosen(asked: Any, kind: type[T], what: str, known: Mapping[str, T], usual: Sequence[T]) -> tuple[T, ...]:
    """What is asked for, each once, in that order: something of this kind, a name, names with commas between them, or a
    list of these; `all` stands for the usual ones, beside which others may be named.

    Raises UnknownNameError with the nearest names, InputError where nothing is asked for, where it is neither, or where
    two that differ share a name.
    """
    hint = f"all, or some of {', '.join(known)}"
    by_name = {name.lower(): (one,) for name, one in known.items()} | {"all": tuple(usual)}
    found: dict[T, str] = {}
    for one in asked if isinstance(asked, Iterable) and not isinstance(asked, str) else (asked,):
        if isinstance(one, kind):
            parts = [(one,)]
        elif isinstance(one, str):
            parts = [_named(word, by_name, what, known) for word in _words(one)]
        else:
            raise InputError(f"{one!r} names no {what}", hint=hint)
        found |= {each: each.name for part in parts for each in part}  # pyright: ignore[reportAttributeAccessIssue]
    names = list(found.values())
    if not names:
        raise InputError(f"no {what} is named", hint=hint)
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise InputError(f"two of what is asked for are called {twice}", hint="call one of them something else")
    return tuple(found)


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def _named(word: str, by_name: Mapping[str, tuple[T, ...]], what: str, known: Mapping[str, T]) -> tuple[T, ...]:
    if word.lower() not in by_name:
        raise UnknownNameError(what, word, known)
    return by_name[word.lower()]
