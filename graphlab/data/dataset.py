"""Dataset: graphs, splits, a DataSpec and a card; nothing after it knows about files."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor
from torch_geometric.data import Data

from graphlab.core.errors import InputError
from graphlab.core.files import canonical_json
from graphlab.core.seeds import SeedStream
from graphlab.data.arrays import bytes_of, tensor_of
from graphlab.data.card import HOMOPHILY_MEASURES, Card
from graphlab.data.item import find_items
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

    A part may be given as any list or array of whole numbers, or as a mask, one bool an item; it is kept as int64 ids.

    negatives  of pairs of nodes, the negatives of each link by itself where they are published with the split: by part,
               "validation" and "test", int64 `[links, 2, count]`. They are nodes that take the place of v, then nodes
               that take that of u, in the order of the part's rows (u, v, 1); `[links, 1, count]` where they take that
               of v alone
    mask_size  the length of the masks that the parts were given as; None where none was a mask

    Raises InputError for a part that is none of these, and for masks of different lengths.
    """

    train: Tensor
    validation: Tensor
    test: Tensor
    negatives: Mapping[str, Tensor] = field(default_factory=dict, hash=False, kw_only=True)
    mask_size: int | None = field(default=None, init=False, compare=False)

    def __post_init__(self) -> None:
        sizes: dict[str, int] = {}
        for name, items in tuple(self.parts()):
            ids, size = _ids(name, items)
            object.__setattr__(self, name, ids)
            if size is not None:
                sizes[name] = size
        if len(set(sizes.values())) > 1:
            lengths = ", ".join(f"{name} {size:,}" for name, size in sizes.items())
            raise InputError(
                f"the masks of a split have different lengths: {lengths}", hint="a mask has one bool for each item"
            )
        object.__setattr__(self, "mask_size", next(iter(sizes.values()), None))
        object.__setattr__(self, "negatives", {part: _negatives(part, self.negatives[part]) for part in self.negatives})

    def parts(self) -> Iterator[tuple[str, Tensor]]:
        yield from (("train", self.train), ("validation", self.validation), ("test", self.test))

    def tensors(self) -> Iterator[tuple[str, Tensor]]:
        """All that the split consists of, by name: the parts, and the negatives where there are any."""
        yield from self.parts()
        yield from ((f"{part} negatives", nodes) for part, nodes in sorted(self.negatives.items()))

    @property
    def fingerprint(self) -> str:
        """sha256 over the items of all parts."""
        digest = hashlib.sha256()
        for name, items in self.tensors():
            _feed(digest, name, items)
        return digest.hexdigest()


@dataclass(frozen=True)
class Splits:
    """The splits of a data set under one name: a fixed list that seeds cycle through, or drawn from the seed.

    Exactly one of `fixed` and `draw` is given. With one fixed split, every seed gets it; with ten, seed k
    gets split k mod 10, as the papers that publish ten splits average over them.

    Raises InputError for anything else.
    """

    name: str
    fixed: tuple[Split, ...] = ()
    draw: Callable[[SeedStream], Split] | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name:
            raise InputError(f"splits cannot be called {self.name!r:.60}", hint="their name is text, as 'random'")
        if not isinstance(self.fixed, tuple | list) or not all(isinstance(split, Split) for split in self.fixed):
            raise InputError(
                f"the splits {self.name!r} are fixed as {self.fixed!r:.60}", hint="give a tuple: fixed=(Split(...),)"
            )
        if bool(self.fixed) == (self.draw is not None) or not (self.draw is None or callable(self.draw)):
            raise InputError(
                f"the splits {self.name!r} are neither fixed nor drawn, or both",
                hint="give fixed=(Split(...),), or draw=, a function from a SeedStream to a Split",
            )
        object.__setattr__(self, "fixed", tuple(self.fixed))

    def at(self, seed: int) -> Split:
        if self.draw is not None:
            return self.draw(SeedStream(seed).child("split"))
        return self.fixed[seed % len(self.fixed)]


@dataclass(frozen=True)
class Origin:
    """Which data a data set holds, as far as that is known without looking at them.

    Attributes:
        name: The full name that runs are recorded under.
        identity: A hash of what the data were made from; see `graphlab.data.identity`.
        content: The fingerprint that they had then. Data with another have been changed since.
        source: The name of the data set that they were made from by a change or a transform; empty for none.
    """

    name: str
    identity: str
    content: str
    source: str = ""


@dataclass(frozen=True, eq=False)
class Dataset:
    """A loaded data set.

    name    `family/variant`, with `@split` unless the split is the family's default
    task    the name of the task that its official protocol belongs to
    graphs  PyG `Data` objects. Node tasks have one. A knowledge graph has one (transductive) or two
            (inductive: training world, test world); each carries the facts to pass messages over as
            `edge_index` `[2, E]` and `edge_type` `[E]` (inverses not included), and `known_triples`
            `[K, 3]`, everything known to be true in that world, for filtered ranking. Training uses
            `graphs[0]`, validation `graphs[validation_graph]`, test `graphs[-1]`. A link task has one, with all
            its links in both directions; the task shows a model those of training alone. The graph of ranked pairs
            has those of training and no others. A mixture has a knowledge
            graph each, with its `num_relations`, and their names as `labels["graphs"]`.
    labels  names for people to read (classes, entities, relations); may be empty. Those of a knowledge graph's last
            graph are `test_entities`, those of its validation graph `validation_entities`, where they are others.
            Pairs of graphs that come in kinds have them as `labels["categories"]`, one name a pair
    notices what is legal in these data but looks like a mistake, and what was converted, a sentence each
    origin  what the data were when they were loaded by name; None for those that never were
    validation_graph
            the place in `graphs` of the knowledge graph that validation is asked in: 0, the training graph; or that of
            the test graph, where both belong to it; or that of a graph between the two
    evaluator
            what the Open Graph Benchmark calls the data set, as "ogbl-collab", where its evaluator scores it; else ""
    findings
            those of the notices that `graphlab.data.check` found in the data itself, and finds anew at each check
    """

    name: str
    task: str
    graphs: tuple[Data, ...]
    splits: Splits
    spec: DataSpec
    card: Card
    labels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    notices: tuple[str, ...] = ()
    origin: Origin | None = None
    validation_graph: int = 0
    findings: tuple[str, ...] = ()
    evaluator: str = ""

    def split(self, seed: int = 0) -> Split:
        """The split that a run with this seed uses."""
        return self.splits.at(seed)

    @property
    def graph(self) -> Data:
        """The training graph."""
        return self.graphs[0]

    def graph_of(self, part: str) -> Data:
        """The knowledge graph that a part of the split is asked in."""
        return self.graphs[{"train": 0, "validation": self.validation_graph, "test": -1}[part]]

    @property
    def metric(self) -> str:
        """The metric that the data set is judged by, as its card has it; empty where it is the first of its task."""
        return self.card.metrics.get(self._variant, "") if self._variant is not None else ""

    @property
    def homophily(self) -> dict[str, float]:
        """What the card says of how far joined nodes agree in class; of data that were changed since, nothing."""
        is_changed = bool(self.origin and self.origin.source)
        numbers = () if is_changed or self._variant is None else self.card.homophily.get(self._variant, ())
        return dict(zip(HOMOPHILY_MEASURES, numbers, strict=False))

    @property
    def _variant(self) -> str | None:
        """Of the card's family; None for data that no adapter made."""
        name = (self.origin and self.origin.source) or self.name
        family, _, variant = name.partition("@")[0].partition("/")
        return variant if family == self.card.family else None

    @property
    def fingerprint(self) -> str:
        """sha256 over every tensor, the splits and the spec as they are now: two data sets with equal fingerprints are
        equal. Computed anew each time, since tensors can be changed in place."""
        more = {"validation_graph": self.validation_graph, "evaluator": self.evaluator}
        place = [{key: value} for key, value in more.items() if value]
        digest = hashlib.sha256(canonical_json([self.task, self.spec.to_json(), self.splits.name, *place]).encode())
        for graph in self.graphs:
            for key, value in sorted(graph.to_dict().items()):
                _feed(digest, key, value)
        for split in self.splits.fixed or (self.splits.at(0),):
            for key, value in split.tensors():
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
        return counts | find_items(self.spec.items).count(self, split)

    def __len__(self) -> int:
        return len(self.graphs)

    def __iter__(self) -> Iterator[Data]:
        return iter(self.graphs)

    def __getitem__(self, place: int) -> Data:
        return self.graphs[place]

    def __repr__(self) -> str:
        counts = ", ".join(f"{key.removeprefix('num_')}={value:,}" for key, value in self.statistics().items())
        notices = "".join(f"\n  notice: {notice}" for notice in self.notices)
        return f"Dataset({self.name!r}, {self.task}: {counts}){notices}"

    def _repr_html_(self) -> str:
        from graphlab.data.views import dataset_html

        return dataset_html(self)

    def plot(self, **options: Any) -> Plot:
        """Draw the data set: the graph where it is small, its degree distribution where not."""
        from graphlab.data.views import plot_dataset

        return plot_dataset(self, **options)


def _negatives(part: str, nodes: Any) -> Tensor:
    if part not in ("validation", "test"):
        raise InputError(f"a split has negatives of {part!r:.60}", hint="they are those of validation and test")
    ids, size = _ids(f"negatives of the {part}", nodes)
    if ids.dim() != 3 or ids.shape[1] not in (1, 2) or not ids.shape[2] or size is not None:
        raise InputError(
            f"the negatives of the {part} part of a split have the shape {list(ids.shape)}, not [links, 2, count]",
            hint="give nodes in the place of v and nodes in the place of u for each row (u, v, 1)",
        )
    return ids


def _ids(part: str, items: Any) -> tuple[Tensor, int | None]:
    """A part as int64, and the length of the mask that it was given as."""
    if isinstance(items, list | tuple | range):
        items = _array(part, list(items))
    if isinstance(items, np.ndarray):
        if items.dtype.kind not in "biuf":
            raise _no_ids(part, f"is an array of {items.dtype}")
        items = tensor_of(items)
    if not isinstance(items, Tensor) or items.layout != torch.strided or items.is_nested or items.is_meta:
        raise _no_ids(part, f"is a {type(items).__name__}{' that is not dense' if isinstance(items, Tensor) else ''}")
    items = items.detach().cpu()
    if items.dtype == torch.bool:
        if items.dim() != 1:
            raise _no_ids(part, f"is a mask of the shape {list(items.shape)}", hint="choose one column of it")
        return items.nonzero().flatten(), len(items)
    if items.numel() and items.dtype == torch.uint8:
        raise _no_ids(part, "is uint8, which may be a mask or ids", hint="use .bool() for a mask, .long() for ids")
    if items.numel() and (items.is_floating_point() or items.is_complex()):
        raise _no_ids(part, f"is {str(items.dtype).removeprefix('torch.')}")
    if items.dim() == 0:
        raise _no_ids(part, "is a single number", hint="put it in a list")
    return items.to(torch.int64), None


def _array(part: str, items: list[Any]) -> np.ndarray:
    booleans = sum(isinstance(item, bool | np.bool_) for item in items)
    if booleans not in (0, len(items)):
        raise _no_ids(part, "mixes numbers and bools")
    try:
        return np.asarray(items)
    except (ValueError, TypeError, OverflowError, RuntimeError) as error:
        raise _no_ids(part, f"is a list that is no array ({error})") from None


def _no_ids(part: str, problem: str, hint: str = "give whole numbers: ids, or rows of them") -> InputError:
    return InputError(f"the {part} part of a split {problem}", hint=hint)


def _feed(digest: Any, key: str, value: Any) -> None:
    digest.update(key.encode())
    if isinstance(value, Tensor):
        digest.update(f"{value.dtype}{tuple(value.shape)}".encode())
        digest.update(bytes_of(value))
    else:
        digest.update(canonical_json(value).encode())
