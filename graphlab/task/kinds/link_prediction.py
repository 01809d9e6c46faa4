"""Link prediction on a plain graph: tell held-out links from pairs that no link joins.

Liben-Nowell and Kleinberg, CIKM 2003; the split and metrics of Kipf and Welling, Variational Graph Auto-Encoders, 2016;
sampled negatives and the removal of queried links as in Zhu et al., NeurIPS 2021; hits over shared negatives of Hu et
al., Open Graph Benchmark, NeurIPS 2020; ranking among negatives of each link's own of Li et al., NeurIPS 2023.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F
from torch_geometric.data import Data

from graphlab.core.config import Choices, IntRange, NonNegativeInt, PositiveInt
from graphlab.core.errors import IncompatibleError, InputError
from graphlab.core.seeds import SeedStream
from graphlab.core.shapes import require_shape
from graphlab.data.dataset import Dataset
from graphlab.data.links import NonLinks, NonNeighbours, both_directions, split_links, unordered
from graphlab.data.node_vectors import node_vectors
from graphlab.data.pre_transform import NUM_BEFORE
from graphlab.data.spec import LINK, Continuous, DataSpec
from graphlab.model.base import LinkModel, Model
from graphlab.ops.adjacency import Adjacency
from graphlab.task.base import Direction, Labelled, Learner, Part, Steps, Task, TaskConfig
from graphlab.task.example import FEATURES, NODES, example_dataset
from graphlab.task.hard_negatives import Combination, Heuristics, hard_negatives
from graphlab.task.metrics import measure
from graphlab.task.ranking import ranked_metric, ranks, shared_hits

Negatives = Literal["uniform", "shared", "hard"]
Metric = Literal["auroc", "ap", "mrr", "hits@1", "hits@3", "hits@10", "hits@20", "hits@50", "hits@100"]

HITS = ("hits@1", "hits@3", "hits@10", "hits@20", "hits@50", "hits@100")
METRICS: Mapping[Negatives, tuple[str, ...]] = {
    "uniform": ("auroc", "ap"),
    "shared": ("auroc", "ap", *HITS),
    "hard": ("mrr", *HITS),
}
"""What is measured against each kind of negatives."""

SELECTION: Mapping[Negatives, str] = {"uniform": "auroc", "shared": "hits@50", "hard": "mrr"}
"""The metric that selects unless the settings name another."""

NUM_HARD = 500


class PairsConfig(TaskConfig):
    """batch_size             links a training step, over all processes; None takes all of them. With loss=model, nodes
    num_negatives          pairs for each link, drawn uniformly from those that no training link joins
    remove_one_hop         while training, hide the links that are asked for
    evaluation_batch_size  pairs scored at once, or the hard negatives of one end; bounds the memory of evaluation
    loss                   bce: each pair is a link or none, against pairs drawn from all that are none; bpr: a link
                           (u, v) scores higher than (u, w), where no training link joins u and w (Rendle et al., 2009);
                           model: the loss that the model has of nodes, as node2vec of walks from them
    """

    batch_size: Annotated[PositiveInt, IntRange(8, 512, log=True)] | None = 64
    num_negatives: Annotated[PositiveInt, IntRange(1, 8)] = 1
    remove_one_hop: Annotated[bool, Choices((False, True))] = True
    evaluation_batch_size: PositiveInt = 128
    loss: Literal["bce", "bpr", "model"] = "bce"


class Config(PairsConfig):
    """negatives              what held-out links are told from. uniform: the pairs of the split that no link joins;
                           shared: the same, each link ranked among all of them; hard: negatives of each link's own,
                           those that are published with the split, else those of `graphlab.task.hard_negatives`
    metric                 what selects, of the metrics that go with the negatives; None is auroc for uniform, hits@50
                           for shared, mrr for hard
    num_hard_negatives     hard negatives of a link, half for each end; None is 500, or as many as are published
    combination            how hard negatives are chosen: by the minimum or the mean of their ranks
    negatives_seed         what the order of tied hard negatives is drawn from, the same for all seeds of a run
    """

    negatives: Negatives = "uniform"
    metric: Metric | None = None
    num_hard_negatives: Annotated[int, Field(ge=2)] | None = None
    combination: Combination = "min"
    negatives_seed: NonNegativeInt = 0


@dataclass(frozen=True)
class Pairs:
    """One step's pairs.

    graph  the training links, with `edge_mask` bool `[E]` where some are hidden
    pairs  int64 `[B, 1 + num_negatives, 2]`, the link first
    size   links of the whole step, over all shards
    """

    graph: Data
    pairs: Tensor
    size: int


@dataclass(frozen=True)
class Nodes:
    """One step's nodes, of a model that has a loss of nodes.

    graph   the training links
    nodes   int64 `[B]`
    stream  of the whole step
    size    nodes of the whole step, over all shards
    """

    graph: Data
    nodes: Tensor
    stream: SeedStream
    size: int


class LinkEpoch:
    """One pass over the training links, or all nodes, in an order drawn from the stream; each step is drawn from its
    own."""

    def __init__(self, task: LinkPrediction, stream: SeedStream) -> None:
        self._task = task
        self._stream = stream
        self._order = torch.randperm(task.num_items, generator=stream.child("order").torch())
        self._steps = Steps(len(self._order), task.config.batch_size or max(1, len(self._order)))

    @property
    def joins_one(self) -> bool:
        return self._steps.joins_one

    def __len__(self) -> int:
        return len(self._steps)

    def __getitem__(self, step: int) -> Pairs | Nodes:
        return self._task.ask(self._steps.of(self._order, step), self._stream.child("step", step))


class LinkPrediction(Task["Pairs | Nodes"]):
    """Held-out links are told from pairs that are none, or ranked among them; models see training links only.

    Against uniform negatives AUROC and average precision are measured, against shared ones hits@k as well, and against
    hard ones the reciprocal rank and hits@k of each link among its own, of which tied ones rank at their mean.
    """

    name = "link-prediction"
    version = 3
    items = "node-pairs"
    locations = frozenset({"node-pair"})
    types = frozenset({"mask"})
    Config = Config
    metric = "auroc"
    direction: Direction = "max"

    @classmethod
    def require(cls, config: Config, dataset: Dataset) -> None:
        super().require(config, dataset)
        cls.require_negatives(config, dataset)

    @classmethod
    def require_negatives(cls, config: Config, dataset: Dataset) -> None:
        """Raises InputError for settings that do not fit the negatives of the data set."""
        if config.metric not in (None, *METRICS[config.negatives]):
            raise InputError(
                f"task.metric={config.metric} is not measured against {config.negatives} negatives",
                hint=f"choose one of {', '.join(METRICS[config.negatives])}, or other task.negatives",
            )
        count = config.num_hard_negatives
        if count is not None and count % 2:
            raise InputError(
                f"{count:,} hard negatives cannot be halved between the ends of a link",
                hint=f"choose an even number for task.num_hard_negatives, as {count + 1:,}",
            )
        published = _num_published(dataset)
        if config.negatives == "hard" and published and count not in (None, published):
            raise InputError(
                f"{dataset.name} has {published:,} hard negatives of each link, task.num_hard_negatives is {count:,}",
                hint="leave task.num_hard_negatives out, or choose a split without negatives of its own",
            )

    def prepare(self) -> None:
        self._hard: dict[Part, Tensor] = {}
        whole = self.dataset.graph
        self._links = self.training_links().to(self.device)
        self._num_nodes = int(whole.num_nodes or 0)
        self._non_links = NonLinks(self._links, self._num_nodes)
        if not len(self._non_links):
            raise InputError(
                f"the {len(self._links):,} training links of {self.dataset.name} join all pairs of its "
                f"{self._num_nodes:,} nodes",
                hint="training draws pairs that no training link joins, and there are none; hold links out",
            )
        self._non_neighbours = NonNeighbours(self._links, self._num_nodes) if self.config.loss == "bpr" else None
        self._graph = self.message_graph(self._links.cpu())

    def training_links(self) -> Tensor:
        """The links that are trained on, int64 `[L, 2]`, u < v, without repeats."""
        return self.split.train[:, :2]

    @property
    def num_links(self) -> int:
        """How many links are trained on."""
        return len(self._links)

    def message_graph(self, links: Tensor) -> Data:
        """What a model sees where it may see these links `[L, 2]`."""
        x = self.dataset.graph.x
        shown = {} if x is None else {"x": x}
        return Data(edge_index=both_directions(links), num_nodes=self._num_nodes, **shown).to(str(self.device))

    @classmethod
    def head(cls, config: Config, model: Model, spec: DataSpec) -> nn.Module:
        """None. Raises IncompatibleError for a loss that the model is not trained by."""
        has_node_loss = isinstance(model, LinkModel) and model.has_node_loss
        name = type(model).__name__
        if config.loss == "model" and not has_node_loss:
            raise IncompatibleError(f"{name} has no loss of its own", hint="choose task.loss=bce or task.loss=bpr")
        if config.loss != "model" and has_node_loss:
            raise IncompatibleError(
                f"{name} is trained by a loss of its own, and not by task.loss={config.loss}",
                hint="set task.loss=model, or choose a model that is trained on links, as link-encoder",
            )
        return super().head(config, model, spec)

    @property
    def num_items(self) -> int:
        """What an epoch goes through: the training links, or the nodes of a model that has a loss of these."""
        return self._num_nodes if self.config.loss == "model" else self.num_links

    def batches(self, stream: SeedStream) -> LinkEpoch:
        return LinkEpoch(self, stream)

    def ask(self, index: Tensor, stream: SeedStream) -> Pairs | Nodes:
        """This shard's share of the training links at `index` and their negatives; the mask is the whole step's. Or its
        share of the nodes `index`."""
        if self.config.loss == "model":
            return Nodes(self._graph, self.shard.of(index).to(self.device), stream, len(index))
        links = self._links[index.to(self.device)]
        random = stream.torch()
        uniform = torch.rand((len(links), self.config.num_negatives), generator=random, dtype=torch.float64)
        number = (uniform * len(self._non_links)).long().clamp(max=len(self._non_links) - 1)
        negatives = self._non_links.at(number.to(self.device))
        if self._non_neighbours is not None:
            ends = torch.randint(2, (len(links), 1), generator=random)
            negatives = _of_one_end(
                self._non_neighbours, links, ends.to(self.device), uniform.to(self.device), negatives
            )
        pairs = torch.cat([links.unsqueeze(1), negatives], dim=1)
        graph = copy(self._graph)
        if self.config.remove_one_hop:
            graph.edge_mask = ~torch.isin(self._code(self._links), self._code(links)).repeat(2)
        return Pairs(graph, self.shard.of(pairs), len(links))

    def loss(self, learner: Learner, batch: Pairs | Nodes) -> Tensor:
        """Binary cross-entropy, of which for each link, it and its negatives together weigh one half; or
        -log sigmoid(score of the link - score of a negative). To it comes what the model adds. Or the model's own."""
        if not len(_items_of(batch)):
            return sum((p.sum() for p in learner.parameters()), torch.zeros((), device=self.device)) * 0
        model = link_model_of(learner)
        if isinstance(batch, Nodes):
            return model.node_loss(batch.graph, batch.nodes, batch.stream)
        encoding = model.encode(batch.graph)
        logits = scores_of_pairs(model, encoding, batch.pairs.flatten(0, 1)).view(batch.pairs.shape[:2])
        if self.config.loss == "bpr":
            return F.softplus(logits[:, 1:] - logits[:, :1]).mean() + model.encoding_penalty(encoding)
        positive = F.binary_cross_entropy_with_logits(logits[:, 0], torch.ones_like(logits[:, 0]))
        negative = F.binary_cross_entropy_with_logits(logits[:, 1:], torch.zeros_like(logits[:, 1:]))
        return (positive + negative) / 2 + model.encoding_penalty(encoding)

    def weight(self, batch: Pairs | Nodes) -> float:
        return len(_items_of(batch)) * self.shard.world / batch.size

    def predict(self, learner: Learner, part: Part) -> Tensor:
        """Scores `[n]`; with hard negatives, rows (rank of a link, its competitors), float64 `[n, 2]`, which are zero
        for pairs that are no links."""
        if self.config.negatives == "hard":
            return self._rank(learner, part)
        pairs = self.shard.of(getattr(self.split, part)).to(self.device)[:, :2]
        model = link_model_of(learner)
        with torch.no_grad():
            encoding = model.encode(self._graph)
            few = pairs.split(self.config.evaluation_batch_size)
            return torch.cat([scores_of_pairs(model, encoding, each) for each in few])

    def _rank(self, learner: Learner, part: Part) -> Tensor:
        items = getattr(self.split, part)
        is_link = items[:, 2] == 1
        place = self.shard.of(is_link.cumsum(0) - 1)[self.shard.of(is_link)]
        links, negatives = self.shard.of(items)[self.shard.of(is_link), :2], self.hard_negatives(part)[place]
        model = link_model_of(learner)
        with torch.no_grad():
            encoding = model.encode(self._graph)
            first, second = (self._rank_ends(model, encoding, links, negatives, end) for end in range(2))
        rows = torch.zeros(len(self.shard.of(items)), 2, dtype=torch.float64, device=self.device)
        # The rank among the negatives of both ends is one more than the number of those before the link.
        rows[self.shard.of(is_link).to(self.device)] = first + second - torch.tensor([1.0, 0.0], device=self.device)
        return rows

    def _rank_ends(self, model: LinkModel, encoding: Any, links: Tensor, negatives: Tensor, end: int) -> Tensor:
        """Rows (rank, competitors) of links among the negatives of one of their ends. The link is scored with them, so
        that what is equal in them is equal in their scores, to the last bit."""
        sources = links[:, end]
        candidates = torch.cat([links[:, 1 - end, None], negatives[:, end]], dim=1)
        nothing = torch.zeros(0, dtype=torch.int64, device=self.device)
        rows = [torch.zeros(0, 2, dtype=torch.float64, device=self.device)]
        size = max(1, self.config.evaluation_batch_size // candidates.shape[1])
        for some, columns in zip(sources.split(size), candidates.split(size), strict=True):
            if not len(some):
                continue
            scores = require_shape(
                f"the scores of {type(model).__name__}",
                model.score_nodes(encoding, some.to(self.device), columns.to(self.device)),
                tuple(columns.shape),
                "[nodes, candidates]",
            )
            first = torch.zeros(len(some), dtype=torch.int64, device=self.device)
            rank, competitors = ranks(scores, first, (nothing, nothing), "mean")
            rows.append(torch.stack([rank, competitors.double()], dim=1))
        return torch.cat(rows)

    def hard_negatives(self, part: Part) -> Tensor:
        """The negatives of each link of a part, int64 `[links, 2, count]`: nodes in place of its second end, then nodes
        in place of its first. Those that are published with the split, else chosen on the training links."""
        if part not in self._hard:
            self._hard[part] = self.split.negatives[part] if part in self.split.negatives else self._choose(part)
        return self._hard[part]

    def _choose(self, part: Part) -> Tensor:
        whole, split = self.dataset.graph, self.split
        x = node_vectors(whole, self.dataset.spec.node)
        x = x[:, : whole[NUM_BEFORE]] if NUM_BEFORE in whole else x
        excluded = split.train if part == "validation" else torch.cat([split.train, _links_of(split.validation)])
        items = getattr(split, part)
        return hard_negatives(
            _links_of(items)[:, :2],
            Heuristics(
                Adjacency.of(split.train[:, :2].numpy(), self._num_nodes), x.numpy(force=True) if x.shape[1] else None
            ),
            Adjacency.of(excluded[:, :2].numpy(), self._num_nodes),
            (self.config.num_hard_negatives or NUM_HARD) // 2,
            SeedStream(self.config.negatives_seed).child("hard negatives", part),
            self.config.combination,
        )

    def encoding(self, learner: Learner) -> Any:
        """What the model makes of the training links, without a gradient: rows `[num_nodes, dim]` where it scores pairs
        of these, as `fastrp`, `node2vec`, `gae` and `link-encoder` do."""
        with torch.no_grad():
            return link_model_of(learner.eval()).encode(self._graph)

    def node_scores(self, learner: Learner) -> Callable[[np.ndarray], np.ndarray]:
        """A function from nodes int64 `[n]` to their scores with all nodes `[n, num_nodes]`, after one encoding of the
        training links."""
        model, encoding = link_model_of(learner), self.encoding(learner)

        def scores(nodes: np.ndarray) -> np.ndarray:
            sources = torch.from_numpy(np.asarray(nodes, np.int64)).to(self.device)
            with torch.no_grad():
                rows = torch.cat([model.score_nodes(encoding, few) for few in sources.split(self._nodes_at_once())])
            return require_shape(
                f"the scores of {type(model).__name__}", rows, (len(nodes), self._num_nodes), "[nodes, num_nodes]"
            ).numpy(force=True)

        return scores

    def _nodes_at_once(self) -> int:
        return max(1, self.config.evaluation_batch_size // max(self._num_nodes, 1))

    def labelled(self, rows: Tensor, part: Part) -> Labelled | None:
        pairs = getattr(self.split, part)
        return Labelled(rows, pairs[:, 2].bool().to(rows.device), pairs[:, :2])

    def score(self, rows: Tensor, part: Part) -> dict[str, float]:
        positive = getattr(self.split, part)[:, 2].bool().to(rows.device)
        if self.config.negatives == "hard":
            return {name: ranked_metric(name, rows[positive, 0]) for name in METRICS["hard"]}
        scores = measure(METRICS["uniform"], "mask", rows, positive)
        if self.config.negatives == "shared":
            hits = (int(name.removeprefix("hits@")) for name in HITS)
            scores |= {f"hits@{k}": shared_hits(rows[positive], rows[~positive], k) for k in hits}
        return scores

    @classmethod
    def selection(cls, config: Config, dataset: Dataset) -> tuple[str, Direction]:
        return config.metric or SELECTION[config.negatives], cls.direction

    @classmethod
    def metrics(cls, config: Config, dataset: Dataset) -> Sequence[str]:
        return METRICS[config.negatives]

    @classmethod
    def protocol(cls, config: Config, dataset: Dataset) -> Mapping[str, str | int | float]:
        return {
            "task": cls.name,
            "split": dataset.splits.name,
            "metric": cls.selection(config, dataset)[0],
            "negatives": _negatives_of(config, dataset),
            **({"tie": "mean"} if config.negatives == "hard" else {}),
        }

    def _code(self, links: Tensor) -> Tensor:
        return links[:, 0] * self._num_nodes + links[:, 1]


def _num_published(dataset: Dataset) -> int:
    """Negatives of a link that are published with the splits of a data set; 0 where none are."""
    counts = (2 * nodes.shape[2] for split in dataset.splits.fixed for nodes in split.negatives.values())
    return next(counts, 0)


def _negatives_of(config: Config, dataset: Dataset) -> str:
    """What the protocol says of the negatives."""
    if config.negatives == "uniform":
        return "uniform, one for each link"
    if config.negatives == "shared":
        return "uniform, one for each link, shared by all links"
    if published := _num_published(dataset):
        return f"hard, {published} for each link, published with the split"
    count, seed = config.num_hard_negatives or NUM_HARD, config.negatives_seed
    return f"hard, {count} for each link, by the {config.combination} of ranks, ties by seed {seed}"


def _items_of(batch: Pairs | Nodes) -> Tensor:
    return batch.nodes if isinstance(batch, Nodes) else batch.pairs


def _links_of(items: Tensor) -> Tensor:
    return items[items[:, 2] == 1]


def link_model_of(learner: Learner) -> LinkModel:
    """The model of a learner. Raises IncompatibleError for one that does not score links."""
    if not isinstance(learner.model, LinkModel):
        raise IncompatibleError(
            f"{type(learner.model).__name__} does not score links", hint="use a model of the link-prediction task"
        )
    return learner.model


def scores_of_pairs(model: LinkModel, encoding: Any, pairs: Tensor) -> Tensor:
    """Scores `[P]` of pairs `[P, 2]`."""
    scores = model.score_pairs(encoding, pairs)
    return require_shape(f"the scores of {type(model).__name__}", scores, (len(pairs),), "[pairs]")


def _of_one_end(others: NonNeighbours, links: Tensor, end: Tensor, uniform: Tensor, elsewhere: Tensor) -> Tensor:
    """Pairs of one end of each link with nodes that no training link joins it to, int64 `[L, num_negatives, 2]`.

    An end that is linked with all nodes has none of these: its place is taken by the other end, and where that has none
    either, by the pairs `elsewhere`.

    Args:
        links: int64 `[L, 2]`; end: int64 `[L, 1]`, 0 or 1; uniform: in [0, 1), `[L, num_negatives]`.
    """
    source = links.gather(1, end)
    source = torch.where(others.count[source] > 0, source, links.gather(1, 1 - end)).expand_as(uniform)
    count = others.count[source]
    other = others.at(source, torch.minimum((uniform * count).long(), count - 1))
    return torch.where((count > 0).unsqueeze(-1), torch.stack([source, other], dim=-1), elsewhere)


def examples() -> dict[str, Dataset]:
    """Links between nodes of like features, with these features and without."""
    x = torch.randn(NODES, FEATURES, generator=SeedStream(0, ("example", "links")).torch())
    near = torch.triu((x @ x.T) > 1.5, diagonal=1)
    edge_index = (near | near.T).nonzero().T.contiguous()
    return {
        "links": _example(Data(x=x, edge_index=edge_index), Continuous(FEATURES)),
        "links-without-features": _example(Data(edge_index=edge_index, num_nodes=NODES), None),
    }


def _example(graph: Data, features: Continuous | None) -> Dataset:
    split = split_links(unordered(graph["edge_index"]), NODES, SeedStream(0, ("example", "split")))
    spec = DataSpec("node-pairs", (LINK,), node=features, num_entities=NODES)
    return example_dataset(LinkPrediction.name, (graph,), split, spec)
