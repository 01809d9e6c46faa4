"""A structured reference: what a model, a data set or a published number is cited by."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Citation:
    """One publication. `key` is unique over the project, as in a BibTeX file."""

    key: str
    title: str
    authors: str
    year: int
    url: str
    venue: str = ""

    def __str__(self) -> str:
        venue = f", {self.venue}" if self.venue else ""
        return f"{self.authors}, {self.title}{venue}, {self.year}"
