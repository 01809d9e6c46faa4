"""Completion of several knowledge graphs by one model, which must answer on all of them. Galkin et al., ICLR 2024.

Every graph is asked as `kg-completion` asks it. Each step is about one of them, drawn in proportion to their triples.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch_geometric.data import Data

from graphlab.core.config import PositiveInt
from graphlab.core.seeds import SeedStream
from graphlab.data.dataset import Dataset, Split, Splits
from graphlab.data.spec import FACT, DataSpec
from graphlab.task.base import Direction, Learner, Part, Shard, Task
from graphlab.task.example import NODES, RELATIONS, example_dataset, set_facts
from graphlab.task.kinds import kg_completion
from graphlab.task.kinds.kg_completion import KGCompletion, transductive_example
from graphlab.task.objectives import Queries
from graphlab.task.ranking import RANKING_METRICS


class Config(kg_completion.Config):
    """As the Config of `kg-completion`, and

    num_validation  of the validation triples of each graph so many are asked, drawn once for all runs; None asks all
    """

    num_validation: PositiveInt | None = None


@dataclass(frozen=True)
class Step:
    """Queries about one of the graphs."""

    graph: int
    queries: Queries


class MixtureEpoch:
    """One pass over the training triples of all graphs: the steps of each, in an order drawn from the stream."""

    def __init__(self, members: Sequence[KGCompletion], stream: SeedStream) -> None:
        self._epochs = [member.batches(stream.child(k)) for k, member in enumerate(members)]
        steps = [(k, step) for k, epoch in enumerate(self._epochs) for step in range(len(epoch))]
        order = torch.randperm(len(steps), generator=stream.child("graphs").torch())
        self._steps = [steps[i] for i in order.tolist()]

    @property
    def joins_one(self) -> bool:
        return any(epoch.joins_one for epoch in self._epochs)

    def __len__(self) -> int:
        return len(self._steps)

    def __getitem__(self, step: int) -> Step:
        if not 0 <= step < len(self):
            raise IndexError(step)
        graph, own_step = self._steps[step]
        return Step(graph, self._epochs[graph][own_step])


class KGMixture(Task[Step]):
    """Filtered ranking in each of several knowledge graphs; metrics are means over the graphs, each of equal weight."""

    name = "kg-mixture"
    version = 2
    items = "mixture-triples"
    locations = frozenset({"triple"})
    types = frozenset({"mask"})
    Config = Config
    metric = "mrr"
    direction: Direction = "max"

    def prepare(self) -> None:
        self._parts = {
            "validation": _some_of_each(self.split.validation, self.config.num_validation),
            "test": self.split.test,
        }
        self.members = [self._member(k) for k in range(len(self.dataset.graphs))]

    def _member(self, k: int) -> KGCompletion:
        """Graph k as a task of its own, with this process's share of the held-out triples."""
        graph = self.dataset.graphs[k]
        held_out = (self.shard.of(self._parts[part]) for part in ("validation", "test"))
        split = Split(*(rows[rows[:, 0] == k][:, 1:] for rows in (self.split.train, *held_out)))
        dataset = Dataset(
            name=f"{self.dataset.name}: {self.dataset.labels['graphs'][k]}",
            task=KGCompletion.name,
            graphs=(graph,),
            splits=Splits(self.dataset.splits.name, fixed=(split,)),
            spec=DataSpec("triples", (FACT,), num_relations=graph["num_relations"], directed=True),
            card=self.dataset.card,
        )
        member = KGCompletion(self.config, dataset, split, self.device, self.shard)
        member.shard = Shard()  # its steps are shared out, its held-out triples are a share already
        return member

    def batches(self, stream: SeedStream) -> MixtureEpoch:
        return MixtureEpoch(self.members, stream)

    def loss(self, learner: Learner, batch: Step) -> Tensor:
        return self.members[batch.graph].loss(learner, batch.queries)

    def weight(self, batch: Step) -> float:
        return len(batch.queries.head) * self.shard.world / batch.queries.size

    def predict(self, learner: Learner, part: Part) -> Tensor:
        """Rows as `kg-completion` has them, float64 `[n, 4]`."""
        graph = self.shard.of(self._parts[part])[:, 0].to(self.device)
        rows = torch.empty(len(graph), 4, dtype=torch.float64, device=self.device)
        for k, member in enumerate(self.members):
            rows[graph == k] = member.predict(learner, part)
        return rows

    def score(self, rows: Tensor, part: Part) -> dict[str, float]:
        """The means of the graphs' metrics, and each graph's own MRR as `mrr:<name>`."""
        graph = self._parts[part][:, 0].to(rows.device)
        asked = graph.unique().tolist()
        found = [self.members[k].score(rows[graph == k], part) for k in asked]
        means = {name: sum(values[name] for values in found) / len(found) for name in found[0]}
        names = (self.dataset.labels["graphs"][k] for k in asked)
        return means | {f"mrr:{name}": values["mrr"] for name, values in zip(names, found, strict=True)}

    @classmethod
    def metrics(cls, config: Config, dataset: Dataset) -> Sequence[str]:
        graphs = dataset.split().test[:, 0].unique().tolist()
        return (*RANKING_METRICS, *(f"mrr:{dataset.labels['graphs'][k]}" for k in graphs))

    @classmethod
    def protocol(cls, config: Config, dataset: Dataset) -> Mapping[str, str | int | float]:
        return {**KGCompletion.protocol(config, dataset), "task": cls.name, "mean": "over graphs"}


def _some_of_each(rows: Tensor, number: int | None) -> Tensor:
    """At most so many rows of each graph, in their order."""
    if number is None:
        return rows
    order = torch.randperm(len(rows), generator=SeedStream(0, ("mixture", "validation")).torch())
    kept = [order[rows[order, 0] == k][:number] for k in rows[:, 0].unique().tolist()]
    return rows[torch.cat(kept).sort().values]


def examples() -> dict[str, Dataset]:
    """The transductive example and the same without its last relation, two graphs of which neither knows the other."""
    whole = transductive_example()
    graphs, parts = [], []
    for k, num_relations in enumerate((RELATIONS, RELATIONS - 1)):
        held = [triples[triples[:, 1] < num_relations] for _, triples in whole.split().parts()]
        graph = Data(num_nodes=NODES, num_relations=num_relations)
        set_facts(graph, held[0], torch.cat(held))
        graphs.append(graph)
        parts.append([torch.cat([torch.full((len(rows), 1), k), rows], dim=1) for rows in held])
    split = Split(*(torch.cat(rows) for rows in zip(*parts, strict=True)))
    mixture = example_dataset(KGMixture.name, tuple(graphs), split, DataSpec("mixture-triples", (FACT,), directed=True))
    return {"kg-mixture": replace(mixture, labels={"graphs": ("all", "fewer")})}
