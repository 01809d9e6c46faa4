"""The card of a data set family: where its files come from, whose they are, and what they must contain."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from graphlab.core.citation import Citation

HOMOPHILY_MEASURES = ("edge", "adjusted", "label informativeness", "reciprocity")
"""What a card says of how far joined nodes agree in class."""


@dataclass(frozen=True)
class Source:
    """One raw file.

    path    where it lies, relative to the mirror and to the data root: `planetoid/ind.cora.x`
    sha256  of the file's content; None only where no trustworthy digest could be had, and then the
            adapter checks the content itself
    url     where it can be downloaded; empty for files that GraphLab makes itself
    member  the file's base name inside the archive that `url` points to; empty if `url` is the file
    made_by the module whose `make(path)` writes the file; empty for files of other people
    origin  whose data the file holds in another form, where no address serves the file itself: it must then be in
            the mirror or the data root

    Exactly one of `url`, `made_by` and `origin` is given.
    """

    path: str
    sha256: str | None
    url: str = ""
    member: str = ""
    made_by: str = ""
    origin: str = ""


@dataclass(frozen=True)
class Card:
    """One family of data sets.

    variants        names within the family; empty for a family of one
    splits          names of the splits it offers, the default first
    split_variants  by split, the variants that it is for; splits that are not named are for all variants
    sources         raw files of each variant (key "" for a family of one), and for `variant@split` those that a split
                    needs beside them
    tasks           by split, the task of those that are not about `task`: links of a graph whose nodes are classified
    statistics      counts that the loaded data must show, for each variant, or for `variant@split` where a split has
                    others; see `Dataset.statistics`
    forbids_search  the leaderboard whose rules forbid to choose an architecture by validation labels, as OGB's do;
                    empty where none does
    notes           what a user should know of the data and of how it is read
    extras          attributes of graphs that no model of GraphLab reads, and that are there on purpose
    notices         by variant, or `variant@split` where they are others, the notices that `graphlab.data.check` gives
                    of the data; the contract compares them
    metrics         by variant, the metric that it is judged by where that is not the first of its task
    homophily       by variant, `HOMOPHILY_MEASURES` of its edges as `graphlab analyze homophily` has them, to three
                    decimals
    """

    family: str
    title: str
    task: str
    licence: str
    citation: Citation
    variants: tuple[str, ...] = ()
    splits: tuple[str, ...] = ("public",)
    sources: Mapping[str, tuple[Source, ...]] = field(default_factory=dict)
    statistics: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    tasks: Mapping[str, str] = field(default_factory=dict)
    forbids_search: str = ""
    notes: str = ""
    extras: tuple[str, ...] = ()
    notices: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    split_variants: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    metrics: Mapping[str, str] = field(default_factory=dict)
    homophily: Mapping[str, tuple[float, ...]] = field(default_factory=dict)

    def splits_of(self, variant: str) -> tuple[str, ...]:
        """The splits that a variant has, the default first."""
        return tuple(split for split in self.splits if variant in self.split_variants.get(split, (variant,)))

    def sources_of(self, variant: str, split: str) -> tuple[Source, ...]:
        """The raw files that a variant in a split is made of."""
        return (*self.sources.get(variant, ()), *self.sources.get(f"{variant}@{split}", ()))

    def notices_of(self, variant: str, split: str) -> tuple[str, ...]:
        """The notices of a variant in a split."""
        return self.notices.get(f"{variant}@{split}", self.notices.get(variant, ()))

    def task_of(self, split: str) -> str:
        """The task that a split is for."""
        return self.tasks.get(split, self.task)

    @property
    def all_tasks(self) -> tuple[str, ...]:
        """The task of each split, once, that of the default first."""
        return tuple(dict.fromkeys(map(self.task_of, self.splits)))

    def split_for(self, task: str) -> str | None:
        """The first split that is for a task; None where none is."""
        return next((split for split in self.splits if self.task_of(split) == task), None)


def card_of(values: Mapping[str, Any]) -> Card:
    """The card whose `asdict` went through JSON. Raises KeyError or TypeError for anything else."""
    values = {**values, "citation": Citation(**values["citation"])}
    values |= {key: tuple(values[key]) for key in ("splits", "variants", "extras")}
    values["sources"] = {
        key: tuple(Source(**each) for each in files) for key, files in values.get("sources", {}).items()
    }
    values["split_variants"] = {key: tuple(names) for key, names in values.get("split_variants", {}).items()}
    values["homophily"] = {key: tuple(numbers) for key, numbers in values.get("homophily", {}).items()}
    values["notices"] = {key: tuple(notices) for key, notices in values.get("notices", {}).items()}
    return Card(**values)
