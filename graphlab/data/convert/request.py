"""What a caller says about data of one's own, beside the data."""

from __future__ import annotations

import re
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from graphlab.core.citation import UNSTATED
from graphlab.core.errors import InputError
from graphlab.data.card import Card
from graphlab.data.dataset import Dataset, Split, Splits
from graphlab.data.spec import DataSpec

SplitRequest = str | Split | Sequence[Split] | Mapping[str, Any] | None
"""A split by name, as "random-60/20/20"; one or several splits; or a mapping of train, validation and test to items."""

MADE_FEATURES = ("identity", "degree", "constant")
"""Features of nodes that can be made of the graph."""

NAME = re.compile(r"[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)?")


@dataclass(frozen=True)
class Request:
    """The arguments of `dataset`, which describes them."""

    name: str
    task: str | None = None
    split: SplitRequest = None
    split_seed: int = 0
    directed: bool | None = None
    target: str | None = None
    features: str | Sequence[str] | None = None
    nodes: Any = None
    labels: Any = None
    validation: Literal["train", "inference"] | None = None
    card: Card | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not NAME.fullmatch(self.name):
            raise InputError(
                f"a data set cannot be called {self.name!r}",
                hint="a name has letters, digits, '.', '_' and '-', and one '/' between family and variant",
            )
        if isinstance(self.split_seed, bool) or not isinstance(self.split_seed, int) or self.split_seed < 0:
            raise InputError(f"split_seed cannot be {self.split_seed!r}", hint="it is a whole number from 0")
        if self.directed is not None and not isinstance(self.directed, bool):
            raise InputError(f"directed cannot be {self.directed!r:.60}", hint="it is True or False")
        if not isinstance(self.target, Hashable):
            raise InputError(f"target cannot be {self.target!r:.60}", hint="name one attribute or column")
        if not (self.features is None or isinstance(self.features, str | list | tuple)):
            raise InputError(
                f"features cannot be {self.features!r:.60}",
                hint=f"list attributes or columns, or say {' or '.join(map(repr, MADE_FEATURES))}",
            )
        if not isinstance(self.card, Card | None):
            raise InputError(f"the card of {self.name} is a {type(self.card).__name__}", hint="give a Card, or none")

    def refuse(self, source: str, *unused: str) -> None:
        """Raises InputError for arguments that say nothing about this kind of source."""
        for key in unused:
            if getattr(self, key) is not None:
                raise InputError(f"{key} says nothing about {source}", hint=f"leave {key} out")

    def require_made_features(self, source: str) -> None:
        """Raises InputError for features that are listed by name where there are no names to choose from."""
        if isinstance(self.features, list | tuple):
            raise InputError(
                f"{source} has no columns to choose {list(self.features)!r:.60} from",
                hint=f"leave features out, or say {' or '.join(map(repr, MADE_FEATURES))}",
            )

    def require_task(self, *tasks: str) -> str:
        """The task, the first of those that fit unless the caller says another."""
        task = self.task or tasks[0]
        if task not in tasks:
            raise InputError(f"{self.name} cannot be for the task {task!r}", hint=f"it can be for {', '.join(tasks)}")
        return task

    def dataset(self, task: str, graphs: Any, splits: Splits, spec: DataSpec, **more: Any) -> Dataset:
        """The data set, checked as every other."""
        from graphlab.data.check import check

        card = replace(self.card or _card(self.name, task, splits.name), task=task)
        return check(Dataset(self.name, task, tuple(graphs), splits, spec, card, **more), InputError)


def _card(name: str, task: str, split: str) -> Card:
    return Card(
        family="own",
        title=name,
        task=task,
        licence="not stated",
        citation=UNSTATED,
        splits=(split,),
    )
