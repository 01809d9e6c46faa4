"""Pre-transforms: features of nodes, made once of a data set's graphs before a model sees them, one file each in
`graphlab.data.pre_transforms`.

A run names one as `pre_transform`, beside its settings `pre_transform.max_degree` and the like. The data set keeps its
name and identity; the pre-transform is a part of the run's. Files of other packages are found by the entry points
`graphlab.pre_transforms`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from copy import copy
from dataclasses import replace
from typing import Any, ClassVar
from weakref import WeakKeyDictionary

import torch
from torch import Tensor
from torch_geometric.data import Data

from graphlab.core.config import Config
from graphlab.core.errors import IncompatibleError
from graphlab.data.dataset import Dataset
from graphlab.data.item import find_items
from graphlab.data.node_vectors import node_vectors, vector_width
from graphlab.data.spec import Continuous, DataSpec

PRE_TRANSFORM = "pre_transform"
"""The setting of a run that names its pre-transform, and the group of the pre-transform's own settings."""


NUM_BEFORE = "num_features_before"
"""The attribute of an encoded graph whose links are predicted that says how many of its columns nodes had before."""


class PreTransformConfig(Config):
    """Base of a pre-transform's settings."""


class PreTransform(ABC):
    """Columns of features for the nodes of a data set. What nodes carry already comes before them: continuous features
    as they are, categories as one-hot columns.

    Args:
        config: Settings, of the subclass's `Config`.
        dataset: What the columns are made for. Their number may depend on it, and not on labels or splits.

    Attributes:
        Config: The settings.
        version: Raised when the same settings come to give other features.
        reads_edges: Whether features depend on edges, so that they would tell of links that are to be predicted.

    Raises:
        IncompatibleError: Nodes of this data set have no features, or none that this pre-transform may make.
    """

    Config: ClassVar[type[PreTransformConfig]] = PreTransformConfig
    version: ClassVar[int] = 1
    reads_edges: ClassVar[bool] = False

    def __init__(self, config: Any, dataset: Dataset) -> None:
        self.config, self.name = config, type(self).__module__.rpartition(".")[2].replace("_", "-")
        items = find_items(dataset.spec.items)
        if "x" not in items.reads:
            raise IncompatibleError(
                f"{self.name} makes features of nodes, and models of {items.plural} read none",
                hint="leave the pre-transform out",
            )
        if self.reads_edges and items.are_edges:
            raise IncompatibleError(
                f"{self.name} makes features of the links of {dataset.name} that are to be predicted",
                hint="choose a pre-transform that does not read edges: constant, identity or one-hot",
            )
        self._before, self._are_edges = dataset.spec.node, items.are_edges

    @property
    @abstractmethod
    def width(self) -> int:
        """The number of columns."""

    @abstractmethod
    def columns(self, graph: Data) -> Tensor:
        """The columns of one graph, float32 `[num_nodes, width]`."""

    def spec(self, spec: DataSpec) -> DataSpec:
        """The spec of what the pre-transform makes of data of `spec`."""
        return replace(spec, node=Continuous(vector_width(self._before) + self.width))

    def graphs(self, graphs: Sequence[Data]) -> list[Data]:
        """Graphs of the data set, or others of the same spec, with the features in place of those they had."""
        return [self._encoded(graph) for graph in graphs]

    def _encoded(self, graph: Data) -> Data:
        encoded = copy(graph)
        encoded.x = torch.cat([node_vectors(graph, self._before), self.columns(graph)], dim=1)
        if self._are_edges:  # negatives of links are chosen by what nodes had, whatever a run makes of it
            encoded[NUM_BEFORE] = vector_width(self._before)
        return encoded


_ENCODED: WeakKeyDictionary[Dataset, dict[tuple[type, str], Dataset]] = WeakKeyDictionary()


def encode(dataset: Dataset, pre_transform: PreTransform) -> Dataset:
    """The data set with the features of a pre-transform; the same object for the same settings of the same data set."""
    encoded = _ENCODED.setdefault(dataset, {})
    key = type(pre_transform), repr(pre_transform.config)
    if key not in encoded:
        graphs, spec = pre_transform.graphs(dataset.graphs), pre_transform.spec(dataset.spec)
        encoded[key] = replace(dataset, graphs=tuple(graphs), spec=spec)
    return encoded[key]
