"""The errors a user can meet. Each says what is wrong and, in `hint`, what to do about it.

Exit codes of the command line follow the class: 2 for bad input, 1 for work that failed.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

LISTED = 60
"""Names that an error lists in full."""


class GraphLabError(Exception):
    """Base of every error that GraphLab raises on purpose."""

    exit_code = 1

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n  hint: {self.hint}" if self.hint else self.message

    @property
    def kind(self) -> str:
        """Stable machine-readable name: `UnknownNameError` is `unknown-name`."""
        words = re.sub(r"(?<=[a-z])(?=[A-Z])", "-", type(self).__name__.removesuffix("Error"))
        return words.lower()

    def to_json(self) -> dict[str, dict[str, str | None]]:
        return {"error": {"kind": self.kind, "message": self.message, "hint": self.hint}}


class InputError(GraphLabError):
    """The request itself is wrong; nothing was done."""

    exit_code = 2


class UnknownNameError(InputError):
    """A name that nothing is registered under.

    The hint has the nearest of the `known` names, or if none is near those `listed`, by default all that are known.
    """

    def __init__(self, what: str, name: str, known: Iterable[str], listed: Iterable[str] | None = None) -> None:
        choices = sorted(known)
        close = closest(name, choices)
        if close:
            hint = "did you mean " + " or ".join(repr(c) for c in close) + "?"
        else:
            hint = f"known: {_listed(choices if listed is None else sorted(listed)) or 'none'}"
        super().__init__(f"no {what} is named {name!r}", hint=hint)


class ConfigError(InputError):
    """A configuration with an unknown key, a wrong type or a value out of its range."""


class IncompatibleError(InputError):
    """A model, task and data set that do not fit together."""


class DataError(GraphLabError):
    """A data file that is missing, cut short, altered or not what it should be."""


class UnsafePickleError(DataError):
    """A pickle that asks for something other than plain numeric data."""


class StoreError(GraphLabError):
    """A run store that cannot be read or written."""


class DivergenceError(GraphLabError):
    """A training run whose loss or parameters are no longer finite."""


def require_name(what: str, name: object) -> None:
    """Raises InputError for what is no text, such as a class in the place of its name."""
    if not isinstance(name, str):
        found = f"the class {name.__name__}" if isinstance(name, type) else f"{name!r:.60}"
        raise InputError(f"a {what} is given by its name, not as {found}", hint="names are text, in quotes")


def require_count(what: str, count: object, hint: str) -> None:
    """Raises InputError for what is no whole number from 1."""
    if isinstance(count, bool) or not isinstance(count, int) or count < 1:
        raise InputError(f"{what} cannot be {count!r}", hint=hint)


def _listed(names: list[str]) -> str:
    """Names in a row; of very many, the first and how many there are."""
    if len(names) <= LISTED:
        return ", ".join(names)
    return f"{', '.join(names[:LISTED])}, ... ({len(names):,} in all)"


def closest(name: str, known: Iterable[str], n: int = 3) -> list[str]:
    """The known names nearest to `name`, compared without regard to case; those of the same letters come first."""
    by_lower = {k.lower(): k for k in known}
    letters = sorted(name.lower())
    matches = [k for k in by_lower if sorted(k) == letters]
    matches += difflib.get_close_matches(name.lower(), [k for k in by_lower if k not in matches], n=n, cutoff=0.6)
    return [by_lower[m] for m in matches[:n]]
