"""A structured reference: what a model, a data set or a published number is cited by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["inproceedings", "article", "book", "misc"]
"""Entry types of BibTeX."""


@dataclass(frozen=True)
class Citation:
    """One publication.

    Args:
        key: Unique over the project, as in a BibTeX file.
        title: As it is printed.
        authors: As BibTeX has them: `Dettmers, Tim and Minervini, Pasquale`; the surname alone where no more is known.
        year: Of publication.
        url: Where it can be read.
        venue: Conference, or journal and volume, as `JMLR 24`; of a book its publisher.
        kind: Entry type in BibTeX.
    """

    key: str
    title: str
    authors: str
    year: int
    url: str
    venue: str = ""
    kind: Kind = "inproceedings"

    @property
    def is_publication(self) -> bool:
        """Whether there is something to cite."""
        return bool(self.title and self.year)

    @property
    def surnames(self) -> str:
        """The authors for a line of text: `Dettmers, Minervini, Stenetorp and Riedel`."""
        *others, last = [author.partition(",")[0] for author in self.authors.split(" and ")]
        return f"{', '.join(others)} and {last}" if others else last

    def __str__(self) -> str:
        return ", ".join(map(str, filter(None, (self.surnames, self.title, self.venue, self.year))))


UNSTATED = Citation(key="own", title="", authors="not stated", year=0, url="")
"""Of data and models of a user's own that say nothing."""
