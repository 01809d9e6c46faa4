"""Training objectives of knowledge-graph completion: what a step asks, and what its loss is.

Sun et al., ICLR 2019, eq. 5-6, for self-adversarial negatives; Zhu et al., NeurIPS 2021, for strict negatives and
the removal of query edges; Dettmers et al., AAAI 2018, for k-vs-all (there 1-N); Lacroix et al., ICML 2018, for
one-vs-all. The names are those of Ruffinelli et al., ICLR 2020.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any, Literal, Self

import torch
from pydantic import model_validator
from torch import Tensor
from torch.nn import functional as F
from torch_geometric.data import Data

from graphlab.core.config import Choices, FloatRange, IntRange, NonNegativeFloat, PositiveInt, Probability
from graphlab.core.seeds import SeedStream
from graphlab.core.shapes import require_shape
from graphlab.model.base import TripleModel
from graphlab.ops.multi_hot import multi_hot_bce, multi_hot_cross_entropy
from graphlab.task.base import Shard, Steps, TaskConfig
from graphlab.task.triples import KnownTails, World, inverse_queries


class ObjectiveConfig(TaskConfig):
    """objective                 negative-sampling: the truth against sampled candidates;
                              k-vs-all: all true tails of a query against all entities, binary cross-entropy;
                              k-vs-all-softmax: the same, softmax cross-entropy;
                              one-vs-all: one true tail against all entities, softmax cross-entropy
    batch_size                triples (k-vs-all, -softmax: queries) a training step, over all processes
    num_negatives             negative-sampling: corrupted triples for each true one
    adversarial_temperature   negative-sampling: T of the negatives' weights softmax(logit / T); 0 weighs them equally
    strict_negatives          negative-sampling: never draw a tail that training knows to be true
    label_smoothing           not negative-sampling: share s of the targets (1 - s) y + s / num_entities
    remove_one_hop            while training, hide every edge between h and t rather than the queried triple alone;
                              negative-sampling: also between h and each negative, for if the edges of true pairs
                              alone were gone, an edge would mean no
    """

    objective: Annotated[Literal["negative-sampling", "k-vs-all", "k-vs-all-softmax", "one-vs-all"], Choices()] = (
        "negative-sampling"
    )
    batch_size: Annotated[PositiveInt, IntRange(8, 512, log=True)] = 64
    num_negatives: Annotated[PositiveInt, IntRange(8, 256, log=True)] = 32
    adversarial_temperature: Annotated[NonNegativeFloat, FloatRange(0.0, 2.0)] = 0.5
    strict_negatives: bool = True
    label_smoothing: Probability = 0.0
    remove_one_hop: Annotated[bool, Choices((False, True))] = False

    @model_validator(mode="after")
    def _smooths_what_has_labels(self) -> Self:
        if self.label_smoothing and self.objective == "negative-sampling":
            raise ValueError("label_smoothing is for objective k-vs-all or one-vs-all, not for negative-sampling")
        return self


@dataclass(frozen=True)
class Queries:
    """One step's queries, heads asked as tails of the inverse relation.

    head      int64 `[B]`
    relation  int64 `[B]`, in `[0, 2 R)`
    size      queries of the whole step, over all shards
    facts     the triples `[n, 3]` that the whole step asks about, in either direction, negatives included
    hide      from these to the graph without them, its `edge_mask` bool `[E]`
    """

    head: Tensor
    relation: Tensor
    size: int
    facts: Callable[[], Tensor]
    hide: Callable[[Tensor], Data]

    @cached_property
    def graph(self) -> Data:
        """The facts, without those that would give the answers away. Made when a model first reads it."""
        return self.hide(self.facts())


@dataclass(frozen=True)
class Sampled(Queries):
    """candidates  int64 `[B, 1 + num_negatives]`, the true tail first"""

    candidates: Tensor


@dataclass(frozen=True)
class Answered(Queries):
    """row, tail  int64 `[P]`: query `row` is truly answered by `tail`"""

    row: Tensor
    tail: Tensor


class Objective(ABC):
    """What training asks of a model. `num_items` things are asked in an epoch; a step is a choice of them."""

    num_items: int

    def __init__(self, config: ObjectiveConfig, train: Tensor, world: World, shard: Shard) -> None:
        self.config = config
        self.train = train
        self.world = world
        self.shard = shard
        self.prepare()

    @abstractmethod
    def prepare(self) -> None:
        """Make once what every step needs, and set `num_items`."""

    @abstractmethod
    def queries(self, index: Tensor, stream: SeedStream) -> Queries:
        """This shard's share of a step about the items at `index`, with what is random drawn from the stream."""

    @abstractmethod
    def loss(self, model: TripleModel, batch: Any) -> Tensor:
        """The mean over the queries, regularisation included."""

    def hide(self, facts: Tensor) -> Data:
        return self.world.without(facts, one_hop=self.config.remove_one_hop)

    def scores(self, model: TripleModel, batch: Queries, tail: Tensor | None = None) -> Tensor:
        graph = batch.graph if model.reads_graph else self.world.graph
        scores = model.score(graph, batch.head, batch.relation, tail)
        width = self.world.num_nodes if tail is None else tail.size(1)
        return require_shape(
            f"the scores of {type(model).__name__}", scores, (len(batch.head), width), "[queries, candidates]"
        )


class NegativeSampling(Objective):
    """Each training triple once an epoch, asked for its tail or its head, against sampled candidates."""

    def prepare(self) -> None:
        self.num_items = len(self.train)
        if self.config.strict_negatives:
            self.known = KnownTails(self.train, self.world.num_nodes, self.world.num_relations)

    def queries(self, index: Tensor, stream: SeedStream) -> Sampled:
        """The first half asks for tails, the second for heads. Negatives and the edge mask are those of the
        whole step, so that no number depends on how many processes share it."""
        triples = self.train[index.to(self.train.device)]
        half = (len(triples) + 1) // 2
        asked = torch.cat([triples[:half], inverse_queries(triples[half:], self.world.num_relations)])

        shape = (len(asked), self.config.num_negatives)
        uniform = torch.rand(shape, generator=stream.torch(), dtype=torch.float64).to(asked.device)
        head, relation, tail = asked.unbind(1)
        if self.config.strict_negatives:
            negatives = self.known.sample_unknown(head, relation, uniform)
        else:
            negatives = (uniform * self.world.num_nodes).long()
        candidates = torch.cat([tail.unsqueeze(1), negatives], dim=1)

        def facts() -> Tensor:
            query = asked[:, :2].unsqueeze(1).expand(-1, candidates.size(1), -1)
            return self.world.forwards(torch.cat([query, candidates.unsqueeze(2)], dim=2).flatten(0, 1))

        head, relation, share = (self.shard.of(each) for each in (head, relation, candidates))
        return Sampled(head, relation, len(triples), facts, self.hide, share)

    def loss(self, model: TripleModel, batch: Sampled) -> Tensor:
        """Binary cross-entropy; in each row the truth and the negatives together weigh one half.

        Of a model whose logit is a margin less a distance this is the loss of Sun et al., eq. 6.
        """
        logits = self.scores(model, batch, batch.candidates)
        target = torch.zeros_like(logits)
        target[:, 0] = 1
        with torch.no_grad():
            weight = torch.ones_like(logits)
            negatives = logits[:, 1:]
            temperature = self.config.adversarial_temperature
            weight[:, 1:] = (negatives / temperature).softmax(1) if temperature else 1 / negatives.size(1)
        rows = F.binary_cross_entropy_with_logits(logits, target, weight=weight, reduction="none").sum(1)
        return (rows / weight.sum(1)).mean() + model.penalty(batch.head, batch.relation, batch.candidates[:, 0])


class KvsAll(Objective):
    """Each query (h, r, ?) and (?, r, t) that training answers once an epoch, against all entities.

    The loss is the mean over queries and entities of the binary cross-entropy, eq. 2 of Dettmers et al.
    """

    def prepare(self) -> None:
        self.known = KnownTails(self.train, self.world.num_nodes, self.world.num_relations)
        self.num_items = len(self.known.queries)

    def queries(self, index: Tensor, stream: SeedStream) -> Answered:
        asked = self.known.queries[index.to(self.train.device)]
        head, relation = self.shard.of(asked).unbind(1)

        def facts() -> Tensor:
            row, tail = self.known.find(*asked.unbind(1))
            return self.world.forwards(torch.cat([asked[row], tail.unsqueeze(1)], dim=1))

        return Answered(head, relation, len(asked), facts, self.hide, *self.known.find(head, relation))

    def loss(self, model: TripleModel, batch: Answered) -> Tensor:
        loss = multi_hot_bce(self.scores(model, batch), batch.row, batch.tail, self.config.label_smoothing)
        return loss + model.penalty(batch.head, batch.relation, batch.tail)


class KvsAllSoftmax(KvsAll):
    """As k-vs-all, but the answers of a query share a distribution: their mean softmax cross-entropy.

    Over an epoch it asks what one-vs-all asks, in as many rows as there are queries, which are fewer than triples;
    a query weighs one, however many its answers.
    """

    def loss(self, model: TripleModel, batch: Answered) -> Tensor:
        scores = self.scores(model, batch)
        loss = multi_hot_cross_entropy(scores, batch.row, batch.tail, self.config.label_smoothing)
        return loss + model.penalty(batch.head, batch.relation, batch.tail)


class OneVsAll(Objective):
    """Each training triple twice an epoch, asked for its tail and for its head, against all entities."""

    def prepare(self) -> None:
        self.asked = torch.cat([self.train, inverse_queries(self.train, self.world.num_relations)])
        self.num_items = len(self.asked)

    def queries(self, index: Tensor, stream: SeedStream) -> Answered:
        asked = self.asked[index.to(self.train.device)]
        head, relation, tail = self.shard.of(asked).unbind(1)
        row = torch.arange(len(head), device=head.device)
        return Answered(head, relation, len(asked), lambda: self.world.forwards(asked), self.hide, row, tail)

    def loss(self, model: TripleModel, batch: Answered) -> Tensor:
        logits = self.scores(model, batch)
        loss = F.cross_entropy(logits, batch.tail, label_smoothing=self.config.label_smoothing)
        return loss + model.penalty(batch.head, batch.relation, batch.tail)


OBJECTIVES: dict[str, type[Objective]] = {
    "negative-sampling": NegativeSampling,
    "k-vs-all": KvsAll,
    "k-vs-all-softmax": KvsAllSoftmax,
    "one-vs-all": OneVsAll,
}


class QueryEpoch:
    """One pass over an objective's items in an order drawn from the stream; each step is drawn from its own."""

    def __init__(self, objective: Objective, stream: SeedStream) -> None:
        self._objective = objective
        self._stream = stream
        self._order = torch.randperm(objective.num_items, generator=stream.child("order").torch())
        self._steps = Steps(objective.num_items, objective.config.batch_size)

    @property
    def joins_one(self) -> bool:
        return self._steps.joins_one

    def __len__(self) -> int:
        return len(self._steps)

    def __getitem__(self, step: int) -> Queries:
        return self._objective.queries(self._steps.of(self._order, step), self._stream.child("step", step))
