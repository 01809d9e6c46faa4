"""Knowledge-graph completion: given (h, r, ?) or (?, r, t), rank the entities.

Bordes et al., NeurIPS 2013, for filtered ranking; `graphlab.task.objectives` for training.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import torch
from torch import Tensor

from graphlab.core.config import PositiveInt
from graphlab.core.errors import IncompatibleError
from graphlab.core.seeds import SeedStream
from graphlab.core.shapes import require_shape
from graphlab.data.dataset import Dataset, Split
from graphlab.data.spec import FACT, DataSpec
from graphlab.model.base import TripleModel
from graphlab.task.base import Direction, Learner, Part, Task
from graphlab.task.example import NODES, RELATIONS, example_dataset, ring_triples, set_facts, thirds
from graphlab.task.objectives import OBJECTIVES, ObjectiveConfig, Queries, QueryEpoch
from graphlab.task.ranking import RANKING_METRICS, Tie, ranking_metrics, ranks
from graphlab.task.triples import World, inverse_queries


class Config(ObjectiveConfig):
    """As `ObjectiveConfig`, and
    tie                       how equal scores rank, see `graphlab.task.ranking.ranks`
    filter                    true triples that do not compete: all that are known, or the fact graph's only
    evaluation_batch_size     queries scored and triples ranked at once; bounds the memory of evaluation
    """

    tie: Tie = "pessimistic"
    filter: Literal["all", "facts"] = "all"
    evaluation_batch_size: PositiveInt = 64


class KGCompletion(Task[Queries]):
    """Filtered ranking of tails and heads, in the graph that each part of the split is about.

    Training is about `graphs[0]`, test about `graphs[-1]`, and validation about `graphs[validation_graph]`.
    """

    name = "kg-completion"
    version = 2
    items = "triples"
    locations = frozenset({"triple"})
    types = frozenset({"mask"})
    Config = Config
    metric = "mrr"
    direction: Direction = "max"

    def prepare(self) -> None:
        graphs, num_relations = self.dataset.graphs, self.dataset.spec.num_relations
        places = {"train": 0, "validation": self.dataset.validation_graph, "test": len(graphs) - 1}
        worlds = {
            place: World(graphs[place], num_relations, self.config.filter, self.device)
            for place in dict.fromkeys(places.values())
        }
        self._worlds = {part: worlds[place] for part, place in places.items()}
        objective = OBJECTIVES[self.config.objective]
        self._objective = objective(self.config, self.split.train.to(self.device), self._worlds["train"], self.shard)

    def batches(self, stream: SeedStream) -> QueryEpoch:
        return QueryEpoch(self._objective, stream)

    def loss(self, learner: Learner, batch: Queries) -> Tensor:
        """That of the objective, see `graphlab.task.objectives`; 0 for a shard that has no query."""
        if not len(batch.head):
            return sum((p.sum() for p in learner.parameters()), torch.zeros((), device=self.device)) * 0
        return self._objective.loss(_triple_model(learner), batch)

    def weight(self, batch: Queries) -> float:
        return len(batch.head) * self.shard.world / batch.size

    def predict(self, learner: Learner, part: Part) -> Tensor:
        """Rows (rank of the tail, its competitors, rank of the head, its competitors), float64 `[n, 4]`."""
        world = self._worlds[part]
        triples = self.shard.of(getattr(self.split, part)).to(self.device)
        both = torch.cat([triples, inverse_queries(triples, world.num_relations)])
        rows = self._rank(_triple_model(learner), world, both)
        return torch.cat([rows[: len(triples)], rows[len(triples) :]], dim=1)

    def score(self, rows: Tensor, part: Part) -> dict[str, float]:
        rank, competitors = rows.double().view(-1, 2).unbind(1)
        return ranking_metrics(rank, competitors)

    @classmethod
    def metrics(cls, config: Config, dataset: Dataset) -> Sequence[str]:
        return RANKING_METRICS

    @classmethod
    def protocol(cls, config: Config, dataset: Dataset) -> Mapping[str, str | int | float]:
        return {
            "task": cls.name,
            "split": dataset.splits.name,
            "metric": cls.metric,
            "directions": "heads and tails",
            "tie": config.tie,
            "filter": config.filter,
        }

    @torch.no_grad()
    def _rank(self, model: TripleModel, world: World, triples: Tensor) -> Tensor:
        """Rows (rank of the tail, its competitors), float64 `[n, 2]`.

        Triples of one head and relation are one query, which is scored once. Queries of one relation follow each other,
        so that a model computes once what depends on the relation alone.
        """
        rows = torch.empty(len(triples), 2, dtype=torch.float64, device=triples.device)
        if not len(triples):
            return rows
        head, relation, tail = triples.unbind(1)
        codes, query_of = (relation * world.num_nodes + head).unique(return_inverse=True)
        size = self.config.evaluation_batch_size
        counts = [int(count.sum()) for count in query_of.bincount(minlength=len(codes)).split(size)]
        first = 0
        for queries, answers in zip(codes.split(size), query_of.argsort(stable=True).split(counts), strict=True):
            scores = require_shape(
                f"the scores of {type(model).__name__}",
                model.score(world.graph, queries % world.num_nodes, queries // world.num_nodes),
                (len(queries), world.num_nodes),
                "[queries, entities]",
            )
            for few in answers.split(size):
                known = world.known.find(head[few], relation[few])
                rank, competitors = ranks(scores[query_of[few] - first], tail[few], known, self.config.tie)
                rows[few] = torch.stack([rank, competitors.double()], dim=1)
            first += len(queries)
        return rows


def _triple_model(learner: Learner) -> TripleModel:
    if not isinstance(learner.model, TripleModel):
        raise IncompatibleError(
            f"{type(learner.model).__name__} does not score triples", hint="use a model of the kg-completion task"
        )
    return learner.model


def examples() -> dict[str, Dataset]:
    """Rings under three relations: one graph, and one for training with another for test."""
    return {"kg-transductive": transductive_example(), "kg-inductive": _inductive_example()}


def transductive_example() -> Dataset:
    """One graph, of whose triples half are facts."""
    graph, facts = ring_triples(SeedStream(0, ("example", "kg")).torch())
    spec = DataSpec("triples", (FACT,), num_relations=RELATIONS, num_entities=NODES, directed=True)
    held_out = thirds(facts)
    set_facts(graph, held_out.train, facts)
    return example_dataset(KGCompletion.name, (graph,), held_out, spec)


def _inductive_example() -> Dataset:
    random = SeedStream(0, ("example", "kg")).torch()
    (seen, facts), (unseen, other) = ring_triples(random), ring_triples(random)
    first, second = thirds(facts), thirds(other)
    set_facts(seen, first.train, facts)
    set_facts(unseen, second.train, other)
    spec = DataSpec("triples", (FACT,), num_relations=RELATIONS, directed=True)
    split = Split(first.train, first.validation, second.test)
    return example_dataset(KGCompletion.name, (seen, unseen), split, spec)
