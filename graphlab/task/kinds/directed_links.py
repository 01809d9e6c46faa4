"""Links with a direction: whether an edge leads from u to v, which way an edge leads, or both at once.

The questions and shares of Zhang et al., MagNet, NeurIPS 2021, section 4.2; negatives of Salha et al., Gravity-Inspired
Graph Autoencoders, CIKM 2019, which are edges turned round; losses and shares of Kollias et al., AAAI 2022.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch_geometric.data import Data

from graphlab.core.config import Choices, NonNegativeInt, PositiveInt
from graphlab.core.errors import IncompatibleError, InputError
from graphlab.core.seeds import SeedStream
from graphlab.core.shapes import require_shape
from graphlab.data.dataset import Dataset
from graphlab.data.directed_links import (
    TASK,
    codes_of,
    fair_negatives,
    is_one_way,
    ordered_edges,
    split_edges,
    uniform_negatives,
)
from graphlab.data.links import both_directions
from graphlab.data.spec import LINK, Continuous, DataSpec
from graphlab.model.base import DirectedLinkModel, Model
from graphlab.task.base import Direction, Labelled, Learner, Part, Steps, Task, TaskConfig
from graphlab.task.example import FEATURES, NODES, example_dataset
from graphlab.task.metrics import measure

Question = Literal["existence", "direction", "three-class"]
Negatives = Literal["fair", "uniform"]
Metric = Literal["auroc", "ap", "accuracy", "macro_f1"]

METRICS: Mapping[Question, tuple[str, ...]] = {
    "existence": ("auroc", "ap", "accuracy"),
    "direction": ("auroc", "ap", "accuracy"),
    "three-class": ("accuracy", "macro_f1"),
}
"""What each question is measured by; the first selects unless the settings name another."""

TRUTH: Mapping[Question, tuple[int, ...]] = {"existence": (1, 0), "direction": (1, 0), "three-class": (0, 1, 2)}
"""What is true of the pairs that are asked about for each edge."""

PARTS: tuple[Part, ...] = ("validation", "test")


class Config(TaskConfig):
    """question               existence: of an ordered pair, whether an edge leads from the first node to the second;
                           direction: of a pair that is joined in one direction alone, whether it is this one;
                           three-class: whether an edge leads from u to v, from v to u, or there is none
    negatives              pairs that no edge joins, of existence and three-class. fair: each node is as often a source,
                           and as often a target, as in the edges that are asked about; uniform: any pair is as likely
    metric                 what selects, of the metrics of the question; None is auroc, of three-class accuracy
    decoder                of models of nodes, what maps the rows of both ends side by side to logits: a linear map, or
                           an mlp with one hidden layer. A linear map is a sum over both ends, and cannot tell edges
                           from fair negatives
    undirected_messages    whether models see each training edge in both directions
    batch_size             edges a training step, over all processes; None takes all of them
    evaluation_batch_size  pairs scored at once; bounds the memory of evaluation
    negatives_seed         what negatives of validation and test are drawn from, for each split
    """

    question: Annotated[Question, Choices()] = "existence"
    negatives: Annotated[Negatives, Choices()] = "fair"
    metric: Metric | None = None
    decoder: Annotated[Literal["mlp", "linear"], Choices()] = "mlp"
    undirected_messages: bool = False
    batch_size: PositiveInt | None = None
    evaluation_batch_size: PositiveInt = 1_000_000
    negatives_seed: NonNegativeInt = 0


@dataclass(frozen=True)
class Questions:
    """One step's pairs.

    graph  the training edges
    pairs  int64 `[B, Q, 2]`: of each edge, the pairs that `TRUTH` is about
    size   edges of the whole step, over all shards
    """

    graph: Data
    pairs: Tensor
    size: int


class PairHead(nn.Module):
    """Rows of nodes to logits `[P, num_outputs]` of pairs `[P, 2]`, which a batch has as `pairs`."""

    def __init__(self, width: int, num_outputs: int, decoder: str) -> None:
        super().__init__()
        hidden = [nn.Linear(2 * width, width), nn.ReLU()] if decoder == "mlp" else []
        self.mlp = nn.Sequential(*hidden, nn.Linear(width if hidden else 2 * width, num_outputs))

    def forward(self, rows: Tensor, batch: Data) -> Tensor:
        return self.mlp(rows[batch["pairs"]].flatten(1))


class EdgeEpoch:
    """One pass over the training edges in an order drawn from the stream; each step is drawn from its own."""

    def __init__(self, task: DirectedLinks, stream: SeedStream) -> None:
        self._task, self._stream = task, stream
        self._order = torch.randperm(task.num_edges, generator=stream.child("order").torch())
        self._steps = Steps(task.num_edges, task.config.batch_size or task.num_edges)

    @property
    def joins_one(self) -> bool:
        return self._steps.joins_one

    def __len__(self) -> int:
        return len(self._steps)

    def __getitem__(self, step: int) -> Questions:
        return self._task.ask(self._steps.of(self._order, step), self._stream.child("step", step))


class DirectedLinks(Task[Questions]):
    """Held-out edges are told from pairs that no edge joins, or from themselves turned round.

    Models see training edges only. Of each edge (u, v) as many pairs are asked about, each with its own truth, so that
    the same score for all pairs is right by chance alone:

    - existence: (u, v) and a negative. AUROC, average precision, and accuracy at a probability of one half.
    - direction: (u, v) and (v, u), by the same measures. A model whose scores do not depend on the order is right half
      of the time.
    - three-class: (u, v), (v, u) and a pair joined in neither direction. Accuracy and macro F1.

    Edges whose reverse is an edge are left out of the last two. Negatives of held-out edges are no edges of the whole
    graph; those of training, drawn anew for each step, are no training edges.

    Models of nodes encode the training edges, and the head maps the rows of both ends to logits; graphs that a model
    wants prepared are prepared from the training edges. A `DirectedLinkModel` scores pairs itself. Its logits of three
    classes are the scores of (u, v) and (v, u), and 0.
    """

    name = TASK
    version = 1
    ability = "node-classification"
    training = {"epochs": 200, "lr": 0.01}
    items = TASK
    locations = frozenset({"node-pair"})
    types = frozenset({"mask"})
    Config = Config
    metric = "auroc"
    direction: Direction = "max"

    @classmethod
    def abilities(cls) -> frozenset[str]:
        return frozenset({cls.name, cls.ability})

    @classmethod
    def require(cls, config: Config, dataset: Dataset) -> None:
        super().require(config, dataset)
        if config.metric not in (None, *METRICS[config.question]):
            raise InputError(
                f"task.metric={config.metric} is not measured of task.question={config.question}",
                hint=f"choose one of {', '.join(METRICS[config.question])}",
            )
        if config.question == "existence":
            return
        edges = ordered_edges(dataset.graph["edge_index"]).numpy()
        if not is_one_way(edges, edges, int(dataset.graph.num_nodes or 0)).any():
            raise _no_question(config.question, f"{len(edges):,} edges of {dataset.name}")

    def prepare(self) -> None:
        """Raises InputError where a part has no edge that can be asked about, or too few pairs are not joined."""
        graph = self.dataset.graph
        self._num_nodes = int(graph.num_nodes or 0)
        train = self.split.train.numpy()
        edges = ordered_edges(graph["edge_index"]).numpy()
        self._edges = train[self._is_asked(train, train, "training")]
        self._blocked = self._codes_of_no_negatives(train)
        self._graph = self._message_graph(self.split.train)
        self.num_unfair: dict[str, int] = {}
        self._questioned: dict[Part, Tensor] = {}
        self._pairs: dict[Part, Tensor] = {}
        blocked = self._codes_of_no_negatives(edges)
        for part in PARTS:
            rows = getattr(self.split, part).numpy()
            questioned = self._is_asked(rows, edges, part)
            pairs = np.zeros((len(rows), len(TRUTH[self.config.question]), 2), np.int64)
            pairs[questioned], count = self._questions_of(part, rows[questioned], blocked)
            self._questioned[part], self._pairs[part] = torch.from_numpy(questioned), torch.from_numpy(pairs)
            self.num_unfair |= {part: count} if count else {}
            if self.config.question != "direction":
                blocked = np.union1d(blocked, self._codes_of_no_negatives(pairs[questioned, -1]))
        self._train_questions(np.arange(len(self._edges)), SeedStream(0))
        if self.num_unfair:
            counts = " and ".join(f"{count:,} of {part}" for part, count in self.num_unfair.items())
            warnings.warn(
                f"no negatives of {self.dataset.name} are fair in all degrees: {counts} are drawn uniformly instead",
                stacklevel=2,
            )

    @property
    def num_edges(self) -> int:
        """How many edges training asks about."""
        return len(self._edges)

    def _is_asked(self, rows: np.ndarray, edges: np.ndarray, part: str) -> np.ndarray:
        """Which edges of a part are asked about, as far as `edges` say; bool."""
        if self.config.question == "existence":
            return np.ones(len(rows), bool)
        questioned = is_one_way(rows, edges, self._num_nodes)
        if len(rows) and not questioned.any():
            raise _no_question(self.config.question, f"{len(rows):,} {part} edges of {self.dataset.name}")
        return questioned

    def _codes_of_no_negatives(self, pairs: np.ndarray) -> np.ndarray:
        """Pairs that are joined, and where directions are asked about too, the same turned round."""
        codes = codes_of(pairs, self._num_nodes)
        if self.config.question != "three-class":
            return codes
        return np.union1d(codes, codes_of(pairs[:, ::-1], self._num_nodes))

    def _message_graph(self, edges: Tensor) -> Data:
        """What a model sees: these edges `[L, 2]` and the features of nodes, made ready for the model."""
        x = self.dataset.graph.x
        shown = both_directions(edges).unique(dim=1) if self.config.undirected_messages else edges.t().contiguous()
        graph = Data(edge_index=shown, num_nodes=self._num_nodes, **({} if x is None else {"x": x}))
        return self.ready([graph])[0].to(str(self.device))

    @classmethod
    def head(cls, config: Config, model: Model, spec: DataSpec) -> nn.Module:
        """Of models of nodes, logits of pairs. Raises IncompatibleError for a model that cannot answer the question."""
        name = type(model).__name__
        if isinstance(model, DirectedLinkModel):
            if config.question == "three-class" and not model.scores_are_logits:
                raise IncompatibleError(
                    f"the scores of {name} have no threshold, and cannot tell a pair that no edge joins",
                    hint="ask task.question=existence or direction, which auroc and ap measure without a threshold",
                )
            return nn.Identity()
        if not model.out_dim or type(model).row_graph is not Model.row_graph:
            raise IncompatibleError(
                f"{name} has no rows of nodes without classes", hint="choose a model that encodes nodes, as dir-gnn"
            )
        return PairHead(model.out_dim, 3 if config.question == "three-class" else 1, config.decoder)

    def batches(self, stream: SeedStream) -> EdgeEpoch:
        return EdgeEpoch(self, stream)

    def ask(self, index: Tensor, stream: SeedStream) -> Questions:
        """This shard's share of the questions about the training edges at `index`; negatives are the whole step's."""
        pairs, _ = self._train_questions(index.numpy(), stream)
        return Questions(self._graph, self.shard.of(torch.from_numpy(pairs)).to(self.device), len(index))

    def _train_questions(self, index: np.ndarray, stream: SeedStream) -> tuple[np.ndarray, int]:
        return self._questions(self._edges[index], self._blocked, stream)

    def _questions_of(self, part: Part, edges: np.ndarray, blocked: np.ndarray) -> tuple[np.ndarray, int]:
        """Questions about held-out edges, which do not depend on the order that these are listed in."""
        order = np.argsort(codes_of(edges, self._num_nodes))
        pairs = np.empty((len(edges), len(TRUTH[self.config.question]), 2), np.int64)
        stream = SeedStream(self.config.negatives_seed).child("negatives", part)
        pairs[order], count = self._questions(edges[order], blocked, stream)
        return pairs, count

    def _questions(self, edges: np.ndarray, blocked: np.ndarray, stream: SeedStream) -> tuple[np.ndarray, int]:
        """The pairs asked about for edges `[n, 2]`, int64 `[n, Q, 2]`, and how many negatives are not fair.

        Negatives of three classes are turned round or not, as the edges are asked about both ways.
        """
        turned = edges[:, ::-1]
        if self.config.question == "direction":
            return np.stack([edges, turned], axis=1), 0
        random, count = stream.child("negatives").numpy(), 0
        if self.config.negatives == "fair":
            negatives, is_fair = fair_negatives(edges, blocked, self._num_nodes, random)
            count = int((~is_fair).sum())
        else:
            negatives = uniform_negatives(len(edges), blocked, self._num_nodes, random)
        if self.config.question == "existence":
            return np.stack([edges, negatives], axis=1), count
        is_turned = random.random(len(negatives)) < 0.5
        negatives[is_turned] = negatives[is_turned, ::-1]
        return np.stack([edges, turned, negatives], axis=1), count

    def loss(self, learner: Learner, batch: Questions) -> Tensor:
        """Binary cross-entropy, or softmax cross-entropy of three classes, the mean over all pairs. To it comes what a
        `DirectedLinkModel` adds."""
        if not len(batch.pairs):
            return sum((p.sum() for p in learner.parameters()), torch.zeros((), device=self.device)) * 0
        rows = self._encoded(learner, batch.graph)
        logits = self._logits(learner, rows, batch.pairs.flatten(0, 1))
        truth = self._truth(len(batch.pairs))
        penalty = learner.model.encoding_penalty(rows) if isinstance(learner.model, DirectedLinkModel) else 0.0
        if self.config.question == "three-class":
            return F.cross_entropy(logits, truth) + penalty
        return F.binary_cross_entropy_with_logits(logits, truth.to(logits.dtype)) + penalty

    def weight(self, batch: Questions) -> float:
        return len(batch.pairs) * self.shard.world / batch.size

    def _encoded(self, learner: Learner, graph: Data) -> Any:
        model = learner.model
        return model.encode(graph) if isinstance(model, DirectedLinkModel) else model(graph)

    def _logits(self, learner: Learner, rows: Any, pairs: Tensor) -> Tensor:
        """Logits `[P]` of pairs `[P, 2]`, `[P, 3]` of three classes."""
        model, name = learner.model, type(learner.model).__name__
        if not isinstance(model, DirectedLinkModel):
            require_shape(f"the rows of {name}", rows, (self._num_nodes, model.out_dim), "[num_nodes, out_dim]")
            logits = learner.head(rows, Data(pairs=pairs))
            return logits if self.config.question == "three-class" else logits.squeeze(1)
        scores = require_shape(f"the scores of {name}", model.score_pairs(rows, pairs), (len(pairs),), "[pairs]")
        if self.config.question != "three-class":
            return scores
        return torch.stack([scores, model.score_pairs(rows, pairs.flip(1)), torch.zeros_like(scores)], dim=1)

    def _truth(self, num_edges: int) -> Tensor:
        """What is true of the pairs of so many edges, one after the other, int64."""
        return torch.tensor(TRUTH[self.config.question], device=self.device).repeat(num_edges)

    def pairs(self, part: Part) -> Tensor:
        """What a part asks about, int64 `[n, Q, 2]`, in the order of its edges; zeros for edges that are left out."""
        return self._pairs[part]

    def is_asked(self, part: Part) -> Tensor:
        """Which edges of a part are asked about, bool `[n]`."""
        return self._questioned[part]

    def predict(self, learner: Learner, part: Part) -> Tensor:
        """Logits of the pairs of each edge, `[n, 2]`, or `[n, 3, 3]` of three classes; those of edges that are left out
        say nothing."""
        pairs = self.shard.of(self._pairs[part]).to(self.device)
        with torch.no_grad():
            rows = self._encoded(learner, self._graph)
            few = pairs.flatten(0, 1).split(self.config.evaluation_batch_size)
            logits = torch.cat([self._logits(learner, rows, each) for each in few])
        return logits.unflatten(0, pairs.shape[:2])

    def labelled(self, rows: Tensor, part: Part) -> Labelled:
        questioned = self._questioned[part]
        truth = self._truth(int(questioned.sum())).to(rows.device)
        logits = rows[questioned.to(rows.device)].flatten(0, 1)
        pairs = self._pairs[part][questioned].flatten(0, 1)
        return Labelled(logits, truth if self.config.question == "three-class" else truth.bool(), pairs)

    def score(self, rows: Tensor, part: Part) -> dict[str, float]:
        logits, truth, _ = self.labelled(rows, part)
        kind = "class" if self.config.question == "three-class" else "mask"
        return measure(METRICS[self.config.question], kind, logits, truth)

    @classmethod
    def selection(cls, config: Config, dataset: Dataset) -> tuple[str, Direction]:
        return config.metric or METRICS[config.question][0], cls.direction

    @classmethod
    def metrics(cls, config: Config, dataset: Dataset) -> Sequence[str]:
        return METRICS[config.question]

    @classmethod
    def protocol(cls, config: Config, dataset: Dataset) -> Mapping[str, str | int | float]:
        negatives = {"fair": "fair in in- and out-degree", "uniform": "uniform"}[config.negatives]
        seed = f", seed {config.negatives_seed}" if config.negatives_seed else ""
        return {
            "task": cls.name,
            "split": dataset.splits.name,
            "metric": cls.selection(config, dataset)[0],
            "question": config.question,
            "negatives": "none" if config.question == "direction" else f"{negatives}, one for each edge{seed}",
        }


def _no_question(question: str, edges: str) -> InputError:
    return InputError(
        f"each of the {edges} has its reverse, or there are none: task.question={question} asks about pairs that are "
        "joined in one direction alone",
        hint="ask task.question=existence, or give a graph of which edges have no reverse",
    )


def examples() -> dict[str, Dataset]:
    """Edges from the smaller first feature to the larger, between nodes that are near, and a few edges turned round."""
    x = torch.randn(NODES, FEATURES, generator=SeedStream(0, ("example", "directed links")).torch())
    near = torch.cdist(x, x) < 2.2
    upwards = x[:, None, 0] < x[None, :, 0]
    back = torch.rand(NODES, NODES, generator=SeedStream(1, ("example", "directed links")).torch()) < 0.1
    edges = (near & (upwards | back) & ~torch.eye(NODES, dtype=torch.bool)).nonzero()
    graph = Data(x=x, edge_index=edges.t().contiguous())
    split = split_edges(edges, SeedStream(21, ("example", "split")), (60, 20, 20))
    spec = DataSpec(TASK, (LINK,), node=Continuous(FEATURES), num_entities=NODES, directed=True)
    return {"directed-edges": example_dataset(TASK, (graph,), split, spec)}
