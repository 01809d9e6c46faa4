"""What a trained model of triples answers, asked by name: the likeliest tails or heads, and the paths behind them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from numbers import Integral
from typing import TYPE_CHECKING, Literal, get_args

import torch
from torch import Tensor

from graphlab.analysis.explanation import Explanation
from graphlab.analysis.paths import edge_importance, require_paths, top_paths
from graphlab.core.errors import IncompatibleError, InputError, UnknownNameError
from graphlab.data.dataset import Dataset
from graphlab.experiment.restore import restore
from graphlab.experiment.runs import Runs
from graphlab.model.base import TripleModel
from graphlab.records.record import RunRecord

if TYPE_CHECKING:
    import pandas as pd

Name = str | int
"""An entity or a relation: its name as text, or its id as int."""

Exclude = Literal["nothing", "facts", "known"]


def answers(run: RunRecord | Runs | str, store: str | os.PathLike[str] | None = None) -> Answers:
    """The trained model of a run, ready to be asked.

    run    a record, `Runs` (the seed that validation likes best), a run's id or its beginning, or "latest"
    store  where the run is; default that of the `Runs`, else `$GRAPHLAB_STORE`, else `./runs`

    Raises UnknownNameError for a run that is not there, StoreError for one that has not finished, and
    IncompatibleError if its model is not one of triples.
    """
    trained = restore(run, store)
    model = trained.learner.model
    if not isinstance(model, TripleModel):
        raise IncompatibleError(
            f"{trained.plan.model.name} does not score triples",
            hint="ask the run of a kg-completion model; graphlab models lists them",
        )
    return Answers(model, trained.plan.dataset)


class Answers:
    """Questions to a model about a graph: that of training, of validation or of test, where these are different ones.

    A text is the name of an entity or a relation, an int is its id. A text of digits that is nobody's name is an id
    where no name consists of digits, as on the command line; where some do, it is an unknown name. "0" is thus never
    another entity than the one that is called so.
    """

    def __init__(
        self, model: TripleModel, dataset: Dataset, *, world: Literal["test", "validation", "train"] = "test"
    ) -> None:
        self.model = model.eval()
        self.dataset = dataset
        self.graph = dataset.graph_of(world)
        self.entities = _names(dataset.labels.get(_entities(dataset, world)), int(self.graph.num_nodes or 0))
        self.relations = _names(dataset.labels.get("relations"), dataset.spec.num_relations)

    def __repr__(self) -> str:
        size = f"{len(self.entities):,} entities, {len(self.relations):,} relations"
        return f"Answers({type(self.model).__name__} on {self.dataset.name}: {size})"

    @torch.no_grad()
    def predict(
        self,
        head: Name | None = None,
        relation: Name | None = None,
        k: int = 10,
        *,
        tail: Name | None = None,
        exclude: Exclude = "nothing",
    ) -> pd.DataFrame:
        """The k likeliest tails of (head, relation, ?), or heads of (?, relation, tail): one row each.

        rank         from 1; equal scores share the best rank of theirs
        tail, head   the entity, whichever was asked for
        score        what the model gives, higher is likelier
        probability  sigmoid of the score: what binary cross-entropy trains it to be, not calibrated; of a model
                     that was trained with a softmax over candidates it says nothing
        known        "fact" if the model has the triple before it, "held out" if it is known to be true and was
                     hidden from it, else None

        exclude  entities that are not listed: none, those that facts give already, or all that is known

        Memory is that of one query: O(num_nodes) times the model's width. Raises UnknownNameError with the
        nearest names, or InputError for a question that does not leave exactly one end open.
        """
        import pandas as pd

        if (head is None) == (tail is None) or relation is None:
            raise InputError(
                "a question names a relation and one of head and tail",
                hint='predict("anna", "mother") asks for tails, predict(relation="mother", tail="eve") for heads',
            )
        if isinstance(k, bool) or not isinstance(k, Integral) or k < 1:
            raise InputError(f"there cannot be {k!r} answers", hint="k is a whole number from 1")
        if exclude not in get_args(Exclude):
            raise InputError(f"exclude cannot be {exclude!r}", hint=f"it is one of {', '.join(get_args(Exclude))}")
        given = self._entity(head if tail is None else tail)
        asked = self._relation(relation) + (0 if tail is None else len(self.relations))
        scores = self.model.score(self.graph, torch.tensor([given]), torch.tensor([asked]))[0]
        known = self._known(given, asked)
        left = scores.clone()
        for entity, kind in known.items():
            if exclude == "known" or (exclude == "facts" and kind == "fact"):
                left[entity] = -torch.inf
        order = left.argsort(descending=True, stable=True)
        listed = order[: min(k, int((left > -torch.inf).sum()))]
        values = scores[listed]
        ranks = 1 + torch.searchsorted(-values, -values)
        return pd.DataFrame(
            {
                "rank": ranks.numpy(),
                "tail" if tail is None else "head": [self.entities[entity] for entity in listed.tolist()],
                "score": values.double().numpy(),
                "probability": values.double().sigmoid().numpy(),
                "known": pd.Series([known.get(entity) for entity in listed.tolist()], dtype=object),
            }
        )

    def paths(self, head: Name, relation: Name, tail: Name, k: int = 10, *, scales: int = 1) -> Explanation:
        """The k paths from head to tail that the score of (head, relation, tail) rests on most.

        Importance is the gradient of the score, or with more `scales` its mean over so many weights of the edges:
        costlier, and truer where the score saturates; see `graphlab.analysis.paths`. Raises IncompatibleError for
        a model that does not score by paths, and as `predict` does.
        """
        require_paths(self.model)
        start, end, asked = self._entity(head), self._entity(tail), self._relation(relation)
        importance = edge_importance(self.model, self.graph, start, asked, end, scales=scales)
        found = top_paths(self._walked(), importance, len(self.entities), start, end, k)
        return Explanation(
            query=(self.entities[start], self.relations[asked], self.entities[end]),
            paths=tuple((path.importance, tuple(self._step(edge) for edge in path.edges)) for path in found),
        )

    def _walked(self) -> Tensor:
        """The ends of all edges as they are walked: facts, then their inverses; `[2, 2 E]`."""
        edge_index = self.graph["edge_index"]
        return torch.cat([edge_index, edge_index.flip(0)], dim=1)

    def _step(self, edge: int) -> tuple[str, str, str, bool]:
        """The fact that an edge is, by name, and whether it is walked against its direction."""
        fact, inverse = edge % self.graph.num_edges, edge >= self.graph.num_edges
        head, tail = self.graph["edge_index"][:, fact].tolist()
        return self.entities[head], self.relations[int(self.graph["edge_type"][fact])], self.entities[tail], inverse

    def _known(self, given: int, asked: int) -> dict[int, str]:
        """What is known to answer a question: entity to "fact" or "held out"."""
        facts = torch.stack([self.graph["edge_index"][0], self.graph["edge_type"], self.graph["edge_index"][1]], dim=1)
        column, other = (0, 2) if asked < len(self.relations) else (2, 0)

        def ends(triples: Tensor) -> list[int]:
            match = (triples[:, column] == given) & (triples[:, 1] == asked % len(self.relations))
            return triples[match, other].tolist()

        return dict.fromkeys(ends(self.graph["known_triples"]), "held out") | dict.fromkeys(ends(facts), "fact")

    def _entity(self, name: Name | None) -> int:
        return _find("entity", name, self.entities)

    def _relation(self, name: Name) -> int:
        return _find("relation", name, self.relations)


def _entities(dataset: Dataset, world: str) -> str:
    """The labels that name the entities of a graph."""
    place = {"train": 0, "validation": dataset.validation_graph, "test": len(dataset.graphs) - 1}[world]
    last = len(dataset.graphs) - 1
    kinds = {dataset.validation_graph: "validation_entities", last: "test_entities"} if place else {}
    return kinds[place] if kinds.get(place) in dataset.labels else "entities"


def _names(labels: tuple[str, ...] | None, count: int) -> tuple[str, ...]:
    return labels or tuple(str(index) for index in range(count))


def _find(what: str, name: Name | None, names: Sequence[str]) -> int:
    """The id of a name, or of an id: see `Answers` for the rule.

    Raises UnknownNameError for a text that is neither, InputError for an id out of range or a name that several have.
    """
    if isinstance(name, str):
        return _of_text(what, name, names)
    if isinstance(name, bool) or not isinstance(name, Integral):
        raise InputError(f"{name!r} is the name of no {what}", hint="give its name as text, or its id as int")
    if not 0 <= int(name) < len(names):
        raise InputError(f"no {what} has the id {name}", hint=f"ids are 0 to {len(names) - 1:,}")
    return int(name)


def _of_text(what: str, name: str, names: Sequence[str]) -> int:
    count = names.count(name)
    if count > 1:
        raise InputError(f"{count} of the names are {name!r}", hint=f"give the id of the {what} as int, in Python")
    if count:
        return names.index(name)
    if _is_number(name) and str(int(name)) == name and not any(map(_is_number, names)):
        return _find(what, int(name), names)
    raise UnknownNameError(what, name, names)


def _is_number(name: str) -> bool:
    return name.isascii() and name.isdigit()
