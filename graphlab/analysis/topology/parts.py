"""The links of training, validation and test, by node."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from graphlab.core.errors import IncompatibleError, UnknownNameError, require_name
from graphlab.data.dataset import Dataset
from graphlab.ops.adjacency import Adjacency

Part = Literal["train", "validation", "test"]


@dataclass(frozen=True, eq=False)
class LinkParts:
    """Links of an undirected graph, divided for link prediction.

    Walks go along the training links; the links of a part are those that are asked for.
    """

    train: Adjacency
    validation: Adjacency
    test: Adjacency

    @classmethod
    def of_links(cls, num_nodes: int, train: np.ndarray, validation: np.ndarray, test: np.ndarray) -> LinkParts:
        """Of links `[L, 2]`, either end first.

        Raises:
            InputError: The links are of another shape, or name a node that is not there.
        """
        return cls(*(Adjacency.of(links, num_nodes) for links in (train, validation, test)))

    @classmethod
    def of(cls, dataset: Dataset, seed: int = 0) -> LinkParts:
        """Of a data set for link prediction, on the split of a seed, without the pairs that are no links.

        Raises:
            IncompatibleError: The data set is of other items than pairs of nodes.
        """
        if dataset.spec.items != "node-pairs":
            raise IncompatibleError(
                f"{dataset.name} has no links to predict",
                hint="topology is about link prediction; see graphlab datasets",
            )
        rows = dataset.splits.at(seed)
        links = (part[part[:, 2] == 1, :2].numpy() for part in (rows.train, rows.validation, rows.test))
        return cls.of_links(int(dataset.graph.num_nodes or 0), *links)

    @property
    def num_nodes(self) -> int:
        return self.train.num_nodes

    def links(self, part: str) -> Adjacency:
        """The links of a part. Raises UnknownNameError for a name of none."""
        require_name("part", part)
        if part not in get_args(Part):
            raise UnknownNameError("part", part, get_args(Part))
        return getattr(self, part)
