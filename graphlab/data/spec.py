"""DataSpec: all that a model may know of a data set."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

Level = Literal["node", "graph", "pair", "triple", "link", "mixture"]

UNLABELLED = -1
"""The class of an item whose class is not known: losses and metrics leave it out."""


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
    """What goes into a model and what must come out.

    level          what one prediction is about: a node, a graph, two graphs to be told apart (a pair), a (head,
                   relation, tail) triple, a pair of nodes (a link), or a triple of one of several knowledge graphs,
                   a mixture
    num_outputs    classes, regression targets, or 0 where candidates or pairs are ranked
    target         whether the rows of `y` are classes (int64 `[rows]`, `UNLABELLED` where not known) or values (float32
                   `[rows, num_outputs]`)
    node, edge     what each node (`x`) and edge (`edge_attr`) carries; None if nothing
    num_relations  relation types of a knowledge graph, inverses not counted; 0 elsewhere and in a mixture, of which
                   each graph says its own
    num_entities   entities, or nodes of a link task, that training and test share; None if those of test are new
    target_of      at level graph, what each row of `y` is about: the graph, or each of its nodes, or each of its edges
                   in the order of `edge_index`; batches and splits are of graphs in any case
    directed       whether edge (u, v) without (v, u) is a statement about direction
    weighted       whether each edge has a scalar weight, `edge_weight` float32 `[E]`
    """

    level: Level
    num_outputs: int
    node: Features | None = None
    edge: Features | None = None
    num_relations: int = 0
    num_entities: int | None = None
    directed: bool = False
    target: Literal["class", "value"] = "class"
    target_of: Literal["graph", "node", "edge"] = "graph"
    weighted: bool = False

    def to_json(self) -> dict[str, Any]:
        """All fields but those of `LATER` that have their defaults: what hashes and files of earlier versions hold."""
        return {key: value for key, value in asdict(self).items() if key not in LATER or value != LATER[key]}


LATER = {"weighted": False}
"""Fields that were added since specs are hashed and kept, and their defaults."""
