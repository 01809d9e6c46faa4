"""Items: what the parts of a split hold, one file a kind in `graphlab.data.items`.

A kind of items knows how its rows are checked, held out from, counted and drawn. Files of other packages are found by
the entry points `graphlab.items`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, ClassVar

import torch
from torch import Tensor

from graphlab.core.errors import IncompatibleError, InputError
from graphlab.core.registry import ClassRegistry

if TYPE_CHECKING:
    from torch_geometric.data import Data

    from graphlab.core.seeds import SeedStream
    from graphlab.data.dataset import Dataset, Split, Splits
    from graphlab.data.draft import Draft


@dataclass(frozen=True)
class Bars:
    """A count a category.

    Attributes:
        label: What is counted.
        counts: By the name of the category.
        what: What the categories are.
        in_order: Whether the order of the categories says something, else the most frequent comes first.
    """

    label: str
    counts: Mapping[str, int]
    what: str
    in_order: bool = False


@dataclass(frozen=True)
class Histogram:
    """How often values occur.

    Attributes:
        label: What is counted.
        values: One number each, `[n]`.
        what: What the values are.
    """

    label: str
    values: Tensor
    what: str


class Items(ABC):
    """A kind of items.

    Attributes:
        singular: What one is called in messages.
        reads: The attributes of graphs that tasks and models read, beside the targets.
        fewest, most: Graphs that a data set has at least and at most; None for no bound.
        are_graphs: Whether graphs are put together in batches, so that all carry the same attributes.
        are_relational: Whether edges are facts of a relation, which have a direction whatever the spec says.
        are_edges: Whether edges are what is predicted, so that no feature may tell of them.
    """

    singular: ClassVar[str]
    reads: ClassVar[tuple[str, ...]]
    fewest: ClassVar[int] = 1
    most: ClassVar[int | None] = None
    are_graphs: ClassVar[bool] = False
    are_relational: ClassVar[bool] = False
    are_edges: ClassVar[bool] = False

    @property
    def plural(self) -> str:
        return f"{self.singular}s"

    @abstractmethod
    def check(self, draft: Draft, splits: Sequence[Split]) -> list[str]:
        """Compare splits with the graphs, and give findings. Raises InputError for what cannot be right."""

    def check_outline(self, dataset: Dataset) -> None:
        """See that what is said of the graphs fits their number, before any tensor is looked at. Raises InputError."""
        if dataset.validation_graph:
            raise InputError(
                f"{dataset.name} asks validation in graph {dataset.validation_graph}, and its items are {self.plural}",
                hint="validation_graph is for the triples of one knowledge graph a part",
            )

    def label_sizes(self, draft: Draft) -> dict[str, int | None]:
        """How many names each kind of labels has; None where any number is right."""
        return {}

    def count(self, dataset: Dataset, split: Split) -> dict[str, int]:
        """Counts that a data set is recognised by, beside those of graphs and parts."""
        return {}

    def groups(self, dataset: Dataset, train: Tensor) -> list[Tensor] | None:
        """Training items by class, of each of which a search may hold a share out; None where messages go over them."""
        return None

    def hold_out(self, dataset: Dataset, train: Tensor, share: float, stream: SeedStream) -> tuple[Tensor, Tensor]:
        """Training items without some that are held out for a search, and those.

        Args:
            dataset: What the items are of.
            train: The training part of a split.
            share: Of each class where there are classes, else of all, to hold out; one item of every two at least.
            stream: What is random.

        Returns:
            The rest and the items held out, each in ascending order.

        Raises:
            IncompatibleError: Messages go over the training items, or these are too few.
        """
        groups, hint = self.groups(dataset, train), 'search on its validation part: on="validation", or --on validation'
        if groups is None:
            raise IncompatibleError(
                f"{dataset.name} has no inner split: its training {self.plural} are what messages go over", hint=hint
            )
        random = stream.torch()
        held: list[Tensor] = []
        for group in groups:
            order = group[torch.randperm(len(group), generator=random)]
            held.append(order[: max(1, round(share * len(group)))] if len(group) > 1 else order[:0])
        out = torch.cat(held).sort().values
        rest = train[~torch.isin(train, out)]
        if not len(out) or not len(rest):
            raise IncompatibleError(
                f"{dataset.name} has {len(train)} training {self.plural}, too few to hold some out", hint=hint
            )
        return rest.sort().values, out

    def without_test(self, dataset: Dataset, splits: Splits) -> Dataset:
        """The data set with other splits, of which nothing is asked in what only the test part belongs to."""
        return replace(dataset, splits=splits)

    @abstractmethod
    def picture(self, dataset: Dataset, graph: Data) -> Bars | Histogram:
        """What there is of the items, to be drawn beside the degrees."""


ITEMS = ClassRegistry("kind of items", "graphlab.data.items", "graphlab.items", Items)


@cache
def _instance(kind: type[Items]) -> Items:
    return kind()


def find_items(name: str) -> Items:
    """A kind of items by name. Raises UnknownNameError with the nearest names."""
    return _instance(ITEMS.find(name))
