"""Dataset: graphs, splits, a DataSpec and a card; nothing after it knows about files."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from torch import Tensor
from torch_geometric.data import Data

from graphlab.core.files import canonical_json
from graphlab.core.seeds import SeedStream
from graphlab.data.card import Card
from graphlab.data.spec import Categorical, Continuous, DataSpec

if TYPE_CHECKING:
    from graphlab.core.plot import Plot


@dataclass(frozen=True)
class Split:
    """What is trained on, selected on and tested on; disjoint.

    Each part is int64: node ids `[n]`, graph ids `[n]`, triples `[n, 3]` as (head, relation, tail), pairs of
    nodes `[n, 3]` as (u, v, whether a link joins them), u < v, or triples of several graphs `[n, 4]` as (graph, head,
    relation, tail). Where graphs are to be told apart, test holds pairs of graph ids `[n, 2]`, or ids `[n]` of graphs
    of which every two are a pair; nothing is trained on across pairs, so train and validation may be empty.
    """

    train: Tensor
    validation: Tensor
    test: Tensor

    def parts(self) -> Iterator[tuple[str, Tensor]]:
        yield from (("train", self.train), ("validation", self.validation), ("test", self.test))


@dataclass(frozen=True)
class Splits:
    """The splits of a data set under one name: a fixed list that seeds cycle through, or drawn from the seed.

    Exactly one of `fixed` and `draw` is given. With one fixed split, every seed gets it; with ten, seed k
    gets split k mod 10, as the papers that publish ten splits average over them.
    """

    name: str
    fixed: tuple[Split, ...] = ()
    draw: Callable[[SeedStream], Split] | None = None

    def __post_init__(self) -> None:
        if bool(self.fixed) == bool(self.draw):
            raise ValueError("Splits needs either fixed splits or a function that draws them")

    def at(self, seed: int) -> Split:
        if self.draw is not None:
            return self.draw(SeedStream(seed).child("split"))
        return self.fixed[seed % len(self.fixed)]


@dataclass(frozen=True, eq=False)
class Dataset:
    """A loaded data set.

    name    `family/variant`, with `@split` unless the split is the family's default
    task    the name of the task that its official protocol belongs to
    graphs  PyG `Data` objects. Node tasks have one. A knowledge graph has one (transductive) or two
            (inductive: training world, test world); each carries the facts to pass messages over as
            `edge_index` `[2, E]` and `edge_type` `[E]` (inverses not included), and `known_triples`
            `[K, 3]`, everything known to be true in that world, for filtered ranking. Training and
            validation use `graphs[0]`, test uses `graphs[-1]`. A link task has one, with all its links in both
            directions; the task shows a model those of training alone. A mixture has a knowledge graph each, with
            its `num_relations`, and their names as `labels["graphs"]`.
    labels  names for people to read (classes, entities, relations); may be empty. Pairs of graphs that come in
            kinds have them as `labels["categories"]`, one name a pair
    notices what is legal in these data but looks like a mistake, a sentence each; as `check` finds them
    """

    name: str
    task: str
    graphs: tuple[Data, ...]
    splits: Splits
    spec: DataSpec
    card: Card
    labels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    notices: tuple[str, ...] = ()

    def split(self, seed: int = 0) -> Split:
        """The split that a run with this seed uses."""
        return self.splits.at(seed)

    @property
    def graph(self) -> Data:
        """The training graph."""
        return self.graphs[0]

    @cached_property
    def fingerprint(self) -> str:
        """sha256 over every tensor, the splits and the spec: two data sets with equal fingerprints are equal."""
        digest = hashlib.sha256(canonical_json([self.task, self.spec.to_json(), self.splits.name]).encode())
        for graph in self.graphs:
            for key, value in sorted(graph.to_dict().items()):
                _feed(digest, key, value)
        for split in self.splits.fixed or (self.splits.at(0),):
            for key, value in split.parts():
                _feed(digest, key, value)
        return digest.hexdigest()

    def statistics(self) -> dict[str, int]:
        """Counts by which a data set is recognised; the card's statistics are a subset of these."""
        split = self.split()
        counts = {
            "num_graphs": len(self.graphs),
            "num_nodes": sum(int(g.num_nodes or 0) for g in self.graphs),
            "num_edges": sum(g.num_edges for g in self.graphs),
            "num_outputs": self.spec.num_outputs,
            **{f"num_{part}": len(items) for part, items in split.parts()},
        }
        if isinstance(self.spec.node, Continuous):
            counts["num_features"] = self.spec.node.dim
        if isinstance(self.spec.node, Categorical):
            counts["num_features"] = len(self.spec.node.sizes)
        if self.spec.num_relations:
            counts["num_relations"] = self.spec.num_relations
        if self.spec.level == "pair":
            counts["num_pairs"] = len(split.test) if split.test.ndim == 2 else math.comb(len(split.test), 2)
        return counts

    def __len__(self) -> int:
        return len(self.graphs)

    def __iter__(self) -> Iterator[Data]:
        return iter(self.graphs)

    def __getitem__(self, place: int) -> Data:
        return self.graphs[place]

    def __repr__(self) -> str:
        counts = ", ".join(f"{key.removeprefix('num_')}={value:,}" for key, value in self.statistics().items())
        return f"Dataset({self.name!r}, {self.task}: {counts})"

    def _repr_html_(self) -> str:
        from graphlab.data.views import dataset_html

        return dataset_html(self)

    def plot(self, **options: Any) -> Plot:
        """Draw the data set: the graph where it is small, its degree distribution where not."""
        from graphlab.data.views import plot_dataset

        return plot_dataset(self, **options)


def _feed(digest: Any, key: str, value: Any) -> None:
    digest.update(key.encode())
    if isinstance(value, Tensor):
        digest.update(f"{value.dtype}{tuple(value.shape)}".encode())
        digest.update(value.detach().cpu().numpy().tobytes())
    else:
        digest.update(canonical_json(value).encode())
