"""Knowledge-graph completion: given (h, r, ?) or (?, r, t), rank the entities.

Bordes et al., NeurIPS 2013, for filtered ranking; Sun et al., ICLR 2019, eq. 5-6, for self-adversarial
negatives; Zhu et al., NeurIPS 2021, for strict negatives and the removal of query edges.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass
from typing import Annotated, Literal

import torch
from torch import Tensor
from torch.nn import functional as F
from torch_geometric.data import Data

from graphlab.core.config import Choices, FloatRange, IntRange, NonNegativeFloat, PositiveInt
from graphlab.core.errors import IncompatibleError
from graphlab.core.seeds import SeedStream
from graphlab.model.base import TripleModel
from graphlab.task.base import Direction, Learner, Part, Task, TaskConfig
from graphlab.task.ranking import Tie, ranking_metrics, ranks
from graphlab.task.triples import KnownTails, inverse_queries, is_among, joins_ends


class Config(TaskConfig):
    """batch_size                triples a training step, over all processes
    num_negatives             corrupted triples for each true one
    adversarial_temperature   T of the negatives' weights softmax(logit / T); 0 weighs them equally
    strict_negatives          never draw a tail that training knows to be true
    remove_one_hop            while training, hide every edge between h and t rather than the queried triple alone
    tie                       how equal scores rank, see `graphlab.task.ranking.ranks`
    filter                    true triples that do not compete: all that are known, or the fact graph's only
    evaluation_batch_size     triples ranked at once; bounds the memory of evaluation
    """

    batch_size: Annotated[PositiveInt, IntRange(8, 512, log=True)] = 64
    num_negatives: Annotated[PositiveInt, IntRange(8, 256, log=True)] = 32
    adversarial_temperature: Annotated[NonNegativeFloat, FloatRange(0.0, 2.0)] = 0.5
    strict_negatives: bool = True
    remove_one_hop: Annotated[bool, Choices((False, True))] = False
    tie: Tie = "pessimistic"
    filter: Literal["all", "facts"] = "all"
    evaluation_batch_size: PositiveInt = 64


@dataclass(frozen=True)
class Queries:
    """One step's queries, heads asked as tails of the inverse relation.

    graph       the facts, with `edge_mask` bool `[E]` hiding what would give the answers away
    head        int64 `[B]`
    relation    int64 `[B]`, in `[0, 2 R)`
    candidates  int64 `[B, 1 + num_negatives]`, the true tail first
    size        queries of the whole step, over all shards
    """

    graph: Data
    head: Tensor
    relation: Tensor
    candidates: Tensor
    size: int


class TripleEpoch:
    """One pass over the training triples in an order drawn from the stream; each step is drawn from its own."""

    def __init__(self, task: KGCompletion, stream: SeedStream) -> None:
        self._task = task
        self._stream = stream
        self._order = torch.randperm(len(task.split.train), generator=stream.child("order").torch())

    def __len__(self) -> int:
        return -(-len(self._order) // self._task.config.batch_size)

    def __getitem__(self, step: int) -> Queries:
        if not 0 <= step < len(self):
            raise IndexError(step)
        size = self._task.config.batch_size
        return self._task.queries(self._order[step * size : (step + 1) * size], self._stream.child("step", step))


class KGCompletion(Task[Queries]):
    """Filtered ranking of tails and heads. Validation is asked in `graphs[0]`, test in `graphs[-1]`."""

    name = "kg-completion"
    level = "triple"
    Config = Config
    metric = "mrr"
    direction: Direction = "max"

    def prepare(self) -> None:
        graphs, num_relations = self.dataset.graphs, self.dataset.spec.num_relations
        self._train = self.split.train.to(self.device)
        self._worlds = {
            "validation": _World(graphs[0], num_relations, self.config.filter, self.device),
            "test": _World(graphs[-1], num_relations, self.config.filter, self.device),
        }
        self._train_tails = KnownTails(self._train, self._worlds["validation"].num_nodes, num_relations)

    def batches(self, stream: SeedStream) -> TripleEpoch:
        return TripleEpoch(self, stream)

    def queries(self, index: Tensor, stream: SeedStream) -> Queries:
        """This shard's share of the queries about the training triples at `index`.

        The first half asks for tails, the second for heads. Negatives and the edge mask are those of the
        whole step, so that no number depends on how many processes share it.
        """
        world, num_relations = self._worlds["validation"], self.dataset.spec.num_relations
        triples = self._train[index.to(self.device)]
        half = (len(triples) + 1) // 2
        asked = torch.cat([triples[:half], inverse_queries(triples[half:], num_relations)])

        shape = (len(asked), self.config.num_negatives)
        uniform = torch.rand(shape, generator=stream.torch(), dtype=torch.float64).to(self.device)
        asked, uniform = self.shard.of(asked), self.shard.of(uniform)
        head, relation, tail = asked.unbind(1)
        if self.config.strict_negatives:
            negatives = self._train_tails.sample_unknown(head, relation, uniform)
        else:
            negatives = (uniform * world.num_nodes).long()
        return Queries(
            graph=world.without(triples, one_hop=self.config.remove_one_hop),
            head=head,
            relation=relation,
            candidates=torch.cat([tail.unsqueeze(1), negatives], dim=1),
            size=len(triples),
        )

    def loss(self, learner: Learner, batch: Queries) -> Tensor:
        """Binary cross-entropy; in each row the truth and the negatives together weigh one half."""
        if not len(batch.head):
            return sum((p.sum() for p in learner.parameters()), torch.zeros((), device=self.device)) * 0
        logits = _triple_model(learner).score(batch.graph, batch.head, batch.relation, batch.candidates)
        target = torch.zeros_like(logits)
        target[:, 0] = 1
        with torch.no_grad():
            weight = torch.ones_like(logits)
            negatives = logits[:, 1:]
            temperature = self.config.adversarial_temperature
            weight[:, 1:] = (negatives / temperature).softmax(1) if temperature else 1 / negatives.size(1)
        rows = F.binary_cross_entropy_with_logits(logits, target, weight=weight, reduction="none").sum(1)
        return (rows / weight.sum(1)).mean()

    def weight(self, batch: Queries) -> float:
        return len(batch.head) * self.shard.world / batch.size

    def predict(self, learner: Learner, part: Part) -> Tensor:
        """Rows (rank of the tail, its competitors, rank of the head, its competitors), float64 `[n, 4]`."""
        world = self._worlds[part]
        triples = self.shard.of(getattr(self.split, part)).to(self.device)
        model = _triple_model(learner)
        rows = []
        for chunk in triples.split(self.config.evaluation_batch_size):
            both = (chunk, inverse_queries(chunk, world.num_relations))
            rows.append(torch.cat([self._rank(model, world, asked) for asked in both], dim=1))
        return torch.cat(rows) if rows else torch.zeros(0, 4, dtype=torch.float64, device=self.device)

    def score(self, rows: Tensor, part: Part) -> dict[str, float]:
        rank, competitors = rows.double().view(-1, 2).unbind(1)
        return ranking_metrics(rank, competitors)

    def protocol(self) -> Mapping[str, str | int | float]:
        return {
            "task": self.name,
            "split": self.dataset.splits.name,
            "metric": self.metric,
            "directions": "heads and tails",
            "tie": self.config.tie,
            "filter": self.config.filter,
        }

    @torch.no_grad()
    def _rank(self, model: TripleModel, world: _World, asked: Tensor) -> Tensor:
        head, relation, tail = asked.unbind(1)
        scores = model.score(world.graph, head, relation)
        excluded = torch.zeros_like(scores, dtype=torch.bool)
        excluded[world.known.find(head, relation)] = True
        rank, competitors = ranks(scores, tail, excluded, self.config.tie)
        return torch.stack([rank, competitors.double()], dim=1)


class _World:
    """One graph on the task's device, with what is known in it."""

    def __init__(self, graph: Data, num_relations: int, known: str, device: torch.device) -> None:
        self.num_relations = num_relations
        self.num_nodes = int(graph.num_nodes or 0)
        self.graph = Data(
            edge_index=graph.edge_index,
            edge_type=graph.edge_type,
            num_nodes=self.num_nodes,
            num_relations=num_relations,
        ).to(str(device))
        triples = self.facts() if known == "facts" else graph["known_triples"].to(device)
        self.known = KnownTails(triples, self.num_nodes, num_relations)

    def facts(self) -> Tensor:
        """The fact graph as triples `[E, 3]`."""
        (head, tail), relation = self.graph["edge_index"], self.graph["edge_type"]
        return torch.stack([head, relation, tail], dim=1)

    def without(self, triples: Tensor, *, one_hop: bool) -> Data:
        """The graph with `edge_mask` False at the triples, or at every edge between their ends."""
        if one_hop:
            hidden = joins_ends(self.facts(), triples, self.num_nodes)
        else:
            hidden = is_among(self.facts(), triples, self.num_nodes, self.num_relations)
        graph = copy(self.graph)
        graph.edge_mask = ~hidden
        return graph


def _triple_model(learner: Learner) -> TripleModel:
    if not isinstance(learner.model, TripleModel):
        raise IncompatibleError(
            f"{type(learner.model).__name__} does not score triples", hint="use a model of the kg-completion task"
        )
    return learner.model
