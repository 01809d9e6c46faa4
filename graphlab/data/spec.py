"""DataSpec: all that a model may know of a data set, and the targets that can be predicted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

Location = Literal["node", "edge", "node-pair", "triple", "graph", "graph-pair"]
TargetType = Literal["class", "multi-label", "value", "mask", "mask-one", "pointer", "permutation"]
Stage = Literal["input", "hint", "output"]

UNLABELLED = -1
"""The class of an item whose class is not known: losses and metrics leave it out."""


@dataclass(frozen=True)
class Target:
    """Something that can be predicted, or that an algorithm takes or passes through, as in CLRS's specs.

    Targets at nodes, edges and graphs are tensors of each graph, under the target's name; those of an edge are in the
    order of `edge_index`. The labels of pairs and triples stand in the rows of a split.

    Attributes:
        name: The attribute of the graphs that holds it.
        location: What it has a row for.
        type: What a row is:
            class        int64 `[rows]`, in `[0, size)`, `UNLABELLED` where not known
            multi-label  float32 `[rows, size]` of 0 and 1
            value        float32 `[rows, size]`
            mask         float32 `[rows]` of 0 and 1
            mask-one     as mask, 1 at one row of each graph
            pointer      int64 `[rows]`, a node of the same graph, counted from 0 within it
            permutation  as pointer, each node of the graph once
        size: Classes, labels or values; 1 for the other types.
        stage: Of an algorithm: what goes in, what it passes through, or what comes out. A hint has its steps as the
            axis after the rows, `[rows, steps, ...]`.

    References:
        Velickovic et al., The CLRS Algorithmic Reasoning Benchmark, ICML 2022.
    """

    name: str
    location: Location
    type: TargetType
    size: int = 1
    stage: Stage = "output"


LINK = Target("link", "node-pair", "mask")
"""Whether a link joins two nodes."""

FACT = Target("fact", "triple", "mask")
"""Whether a triple is true."""

DISTINCT = Target("distinct", "graph-pair", "mask")
"""Whether two graphs are told apart."""


@dataclass(frozen=True)
class Continuous:
    """Real-valued vectors: float32 `[rows, dim]`."""

    dim: int


@dataclass(frozen=True)
class Categorical:
    """Columns of vocabulary indices: int64 `[rows, len(sizes)]`, column j in `[0, sizes[j])`."""

    sizes: tuple[int, ...]


Features = Continuous | Categorical


@dataclass(frozen=True)
class DataSpec:
    """What goes into a model and what can be predicted.

    Attributes:
        items: What a split holds and an epoch goes over, by name; see `graphlab.data.items`.
        targets: What the graphs hold beside what goes into a model. Of several outputs the first is the one that
            `output` names.
        node, edge: What each node (`x`) and edge (`edge_attr`) carries; None if nothing.
        num_relations: Relation types of a knowledge graph, inverses not counted; 0 elsewhere, and in a mixture, of
            which each graph says its own.
        num_entities: Entities, or nodes of pairs, that training and test share; None if those of test are new.
        directed: Whether edge (u, v) without (v, u) is a statement about direction.
        weighted: Whether each edge has a scalar weight, `edge_weight` float32 `[E]`.
        num_nodes: Nodes of the graph, where a model is built for the nodes of one graph; else None. It is no part of
            what a data set says of itself.
        num_edges: Columns of that graph's `edge_index`, where each batch holds the whole of it; else None. The same.
    """

    items: str
    targets: tuple[Target, ...]
    node: Features | None = None
    edge: Features | None = None
    num_relations: int = 0
    num_entities: int | None = None
    directed: bool = False
    weighted: bool = False
    num_nodes: int | None = None
    num_edges: int | None = None

    def __post_init__(self) -> None:
        if isinstance(self.targets, list):
            object.__setattr__(self, "targets", tuple(self.targets))

    @property
    def output(self) -> Target:
        """What is predicted: the first target of stage output."""
        return next(target for target in self.targets if target.stage == "output")

    @property
    def stored_targets(self) -> tuple[Target, ...]:
        """Those that graphs hold: at nodes, edges and graphs."""
        return tuple(target for target in self.targets if target.location in ("node", "edge", "graph"))

    @property
    def num_outputs(self) -> int:
        """Classes, labels or values of the output; 0 where pairs or triples are ranked or told apart."""
        target = self.output
        return target.size if target.type in ("class", "multi-label", "value") else 0

    def to_json(self) -> dict[str, Any]:
        """What fingerprints hash and files hold; `spec_of` reads it.

        It is the form that version 0.1.0 wrote wherever that says all, so that fingerprints and kept data stay valid.
        """
        whole = asdict(self)
        items, targets = whole.pop("items"), whole.pop("targets")
        del whole["num_nodes"], whole["num_edges"]
        if not self.weighted:
            del whole["weighted"]
        level = LEVELS.get(items)
        if level and self.targets == _targets_of(level, *(first := _first_form(self))):
            return {**whole, "level": level, **dict(zip(FIRST_FORM, first, strict=True))}
        return {**whole, "items": items, "targets": targets}


FIRST_FORM = ("num_outputs", "target", "target_of")

LEVELS = {
    "nodes": "node",
    "graphs": "graph",
    "graph-pairs": "pair",
    "triples": "triple",
    "node-pairs": "link",
    "mixture-triples": "mixture",
}
"""What version 0.1.0 called items in files."""


def _first_form(spec: DataSpec) -> tuple[int, str, str]:
    """Number of outputs, type of the target and its place in a batch of graphs, as version 0.1.0 wrote them."""
    output = spec.output
    kind = "value" if output.type == "value" else "class"
    return spec.num_outputs, kind, output.location if spec.items == "graphs" else "graph"


def _targets_of(level: str, num_outputs: int, kind: Any, location: Any) -> tuple[Target, ...]:
    """The targets that version 0.1.0 meant."""
    if level in ("node", "graph"):
        return (Target("y", "node" if level == "node" else location, kind, num_outputs),)
    return ({"link": LINK, "pair": DISTINCT}.get(level, FACT),)


def spec_of(values: Mapping[str, Any]) -> DataSpec:
    """The spec that `DataSpec.to_json` wrote. Raises KeyError, TypeError or ValueError for anything else."""
    values = dict(values)
    values |= {key: _features_of(values[key]) for key in ("node", "edge")}
    if "level" not in values:
        return DataSpec(**{**values, "targets": tuple(Target(**target) for target in values["targets"])})
    level, first = values.pop("level"), [values.pop(key) for key in FIRST_FORM]
    items = next(items for items, name in LEVELS.items() if name == level)
    return DataSpec(items, _targets_of(level, *first), **values)


def _features_of(values: Mapping[str, Any] | None) -> Features | None:
    if values is None:
        return None
    return Continuous(**values) if "dim" in values else Categorical(tuple(values["sizes"]))
