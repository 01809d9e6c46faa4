"""What a task is: everything that a protocol says, and nothing else.

A task is bound to one data set, one split and one device. It makes the batches, the loss, the
predictions and their score; it says which metric selects and which direction is better.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, Literal, NamedTuple, Protocol, TypeVar

import torch
from torch import Tensor, nn
from torch_geometric.data import Data

from graphlab.core.config import Config
from graphlab.core.errors import IncompatibleError
from graphlab.core.seeds import SeedStream
from graphlab.data.dataset import Dataset, Split
from graphlab.data.item import find_items
from graphlab.data.spec import DataSpec, Location, TargetType
from graphlab.model.base import Model, stored_bits
from graphlab.model.transform import optimiser_groups

Part = Literal["validation", "test"]
Direction = Literal["max", "min"]


class TaskConfig(Config):
    """Base of a task's settings: what a protocol leaves open."""


class Labelled(NamedTuple):
    """Predictions of what has a label.

    Shapes:
        rows: logits `[n, classes]`, scores `[n]` of what is so or not, or values `[n, outputs]`
        truth: classes `[n]`, bool `[n]`, or values `[n, outputs]`
        items: the items of the split that they are of, `[n]` or `[n, columns]`
    """

    rows: Tensor
    truth: Tensor
    items: Tensor


@dataclass(frozen=True)
class Shard:
    """Which share of the work this process does: rank of world, in data-parallel training."""

    rank: int = 0
    world: int = 1

    def of(self, items: Tensor) -> Tensor:
        return items[self.rank :: self.world]


@dataclass(frozen=True)
class Steps:
    """How the items of an epoch are shared out to its steps: `size` to each, what is left to the last.

    A single item that is left joins the step before it: of one row batch norm can take no statistics.
    """

    num_items: int
    size: int

    def __len__(self) -> int:
        whole, left = divmod(self.num_items, self.size)
        return whole if left == 0 or (left == 1 and whole) else whole + 1

    @property
    def joins_one(self) -> bool:
        """Whether a single item is left, which version 1 of the tasks trained on by itself."""
        return self.num_items > self.size and self.num_items % self.size == 1

    def of(self, items: Tensor, step: int) -> Tensor:
        """The items of a step. Raises IndexError for a step that the epoch does not have."""
        if not 0 <= step < len(self):
            raise IndexError(step)
        start = step * self.size
        return items[start:] if step == len(self) - 1 else items[start : start + self.size]


BatchT = TypeVar("BatchT")
BatchT_co = TypeVar("BatchT_co", covariant=True)


class Epoch(Protocol[BatchT_co]):
    """The batches of one epoch. Batch k depends on the epoch's seed stream and on k alone, so that a run can
    start again at any batch."""

    def __len__(self) -> int: ...

    def __getitem__(self, step: int, /) -> BatchT_co: ...


class Learner(nn.Module):
    """A model and the head that a task puts on it: what is trained and checkpointed as one."""

    def __init__(self, model: Model, head: nn.Module) -> None:
        super().__init__()
        self.model = model
        self.head = head
        self.register_load_state_dict_pre_hook(_move_classifier)

    @property
    def num_parameters(self) -> int:
        """Trainable ones."""
        return sum(parameter.numel() for parameter in self.parameters() if parameter.requires_grad)

    @property
    def num_bits(self) -> int:
        """What the trainable parameters take as they are stored."""
        return self.model.num_bits + stored_bits(self.head)

    def parameter_groups(self, weight_decay: float) -> list[dict[str, Any]]:
        return optimiser_groups(self, lambda: self._parameter_groups(weight_decay))

    def _parameter_groups(self, weight_decay: float) -> list[dict[str, Any]]:
        groups = self.model.parameter_groups(weight_decay)
        head = list(self.head.parameters())
        return [*groups, {"params": head, "weight_decay": weight_decay}] if head else groups


CLASSIFIER = re.compile(r"model\.(?:classify|readout)\.(weight|bias)")
"""Parameters of the last layer in checkpoints from when models of nodes had it, and not the task's head."""


def _move_classifier(learner: nn.Module, state: dict[str, Any], *rest: Any) -> None:
    """Reads those checkpoints: stores on users' disks hold them."""
    own = learner.state_dict().keys()
    for key in [key for key in state if key not in own]:
        if match := CLASSIFIER.fullmatch(key):
            state[f"head.mlp.0.{match[1]}"] = state.pop(key)


Ready = Callable[[Sequence[Data]], Sequence[Data]]
"""What is made of graphs before the model sees them."""


class Task(ABC, Generic[BatchT]):
    """Base of the tasks; see the module's text.

    `metric` selects checkpoints, on validation only. The graphs of the data set are ready for the model; `ready` does
    the same to others that a task makes.

    Raises:
        IncompatibleError: The data set has other items or another output than the task is about.
    """

    name: ClassVar[str]
    version: ClassVar[int] = 1
    """Raised when batches, loss, predictions or scores come to be others for the same settings."""
    ability: ClassVar[str] = ""
    """The task that a model must be able to do, where it is not this one."""
    training: ClassVar[Mapping[str, Any]] = {}
    """What the protocol says of training, where a model has no recipe of its own for it."""
    parts: ClassVar[Sequence[str]] = ("train", "validation", "test")
    """The parts of a split that must hold something."""
    items: ClassVar[str]
    """The kind of items that a split holds; see `graphlab.data.items`."""
    locations: ClassVar[frozenset[Location]]
    types: ClassVar[frozenset[TargetType]]
    """Where the output may be, and of which types."""
    Config: ClassVar[type[TaskConfig]]
    metric: str
    direction: Direction
    """Of class or object: the metric that selects, and which way it is better. A task whose metric depends on the data
    says so in `selection`."""

    def __init__(
        self,
        config: Any,
        dataset: Dataset,
        split: Split,
        device: torch.device | str = "cpu",
        shard: Shard | None = None,
        ready: Ready = lambda graphs: graphs,
    ) -> None:
        self.config = config
        self.dataset = dataset
        self.split = split
        self.device = torch.device(device)
        self.shard = shard or Shard()
        self.ready = ready
        self.require(config, dataset)
        self.metric, self.direction = self.selection(config, dataset)
        self.prepare()

    @classmethod
    def samples(cls, config: Any) -> bool:
        """Whether batches are samples of the graph."""
        return False

    @classmethod
    def abilities(cls) -> frozenset[str]:
        """The tasks of which a model must be able to do one."""
        return frozenset({cls.ability or cls.name})

    @classmethod
    def outputs(cls) -> str:
        """What the task predicts of what: `class or value of edges, graphs or nodes`."""
        return f"{_one_of(cls.types)} of {_one_of(frozenset(f'{place}s' for place in cls.locations))}"

    @classmethod
    def require(cls, config: Any, dataset: Dataset) -> None:
        """Raises IncompatibleError for a data set that the task is not about, and InputError for settings that do not
        fit it."""
        spec = dataset.spec
        ours, theirs = find_items(cls.items), find_items(spec.items)
        if spec.items != cls.items:
            raise IncompatibleError(
                f"{cls.name} is about {ours.plural} and {dataset.name} about {theirs.plural}",
                hint=f"its task is {dataset.task}; graphlab datasets lists the data sets of {cls.name}",
            )
        output = spec.output
        if output.location not in cls.locations or output.type not in cls.types:
            raise IncompatibleError(
                f"{cls.name} is about {cls.outputs()}, and {dataset.name} has {output.name}, a {output.type} of "
                f"{output.location}s",
                hint="graphlab tasks lists what each task is about",
            )

    def prepare(self) -> None:
        """Make once what every batch and score needs; called at the end of construction."""

    @classmethod
    def head(cls, config: Any, model: Model, spec: DataSpec) -> nn.Module:
        """What maps the rows of the model to predictions, called as `head(rows, batch)`; identity unless the task says
        otherwise. See `graphlab.task.heads`."""
        return nn.Identity()

    @abstractmethod
    def batches(self, stream: SeedStream) -> Epoch[BatchT]:
        """The training batches of one epoch, this shard's share of each."""

    @abstractmethod
    def loss(self, learner: Learner, batch: BatchT) -> Tensor:
        """The mean loss over the batch's items: a scalar with a gradient."""

    def weight(self, batch: BatchT) -> float:
        """This shard's share of the global batch times the number of shards; 1 where all shards do the same."""
        return 1.0

    def is_enough(self, loss: float) -> bool:
        """Whether training ends with an epoch of this mean loss; the weights of then are evaluated."""
        return False

    @abstractmethod
    def predict(self, learner: Learner, part: Part) -> Tensor:
        """One row an item of this shard's share of `part`, in the order of `shard.of(items)`; no gradient."""

    @abstractmethod
    def score(self, rows: Tensor, part: Part) -> dict[str, float]:
        """The metrics of a part from the rows of all its items, in the split's order."""

    def labelled(self, rows: Tensor, part: Part) -> Labelled | None:
        """Predictions beside the truth, from the rows of all items of a part; None where items have no truth each."""
        return None

    def submission(self, rows: Tensor, part: Part) -> dict[str, Tensor]:
        """What an official evaluator takes, by the names that it uses, from the rows of all items of a part.

        Raises IncompatibleError where there is none.
        """
        raise IncompatibleError(
            f"{self.dataset.name} has no official evaluator that predictions could be written for",
            hint="the data sets ogbn and ogbl have one",
        )

    @classmethod
    def selection(cls, config: Any, dataset: Dataset) -> tuple[str, Direction]:
        """The metric that selects checkpoints, and which way it is better."""
        return cls.metric, cls.direction

    @classmethod
    @abstractmethod
    def metrics(cls, config: Any, dataset: Dataset) -> Sequence[str]:
        """The names that `score` gives of the test part: what an experiment may claim something of."""

    def predictions(self, learner: Learner) -> Tensor:
        """What the model says of every node of the training graph, `[num_nodes, num_outputs]`.

        Raises IncompatibleError where predictions are not about the nodes of one graph.
        """
        raise IncompatibleError(
            f"{type(learner.model).__name__} on {self.dataset.name} predicts nothing of single nodes",
            hint='trained = gl.restore(run), then trained.task.predict(trained.learner, "test")',
        )

    @classmethod
    @abstractmethod
    def protocol(cls, config: Any, dataset: Dataset) -> Mapping[str, str | int | float]:
        """What a published number must share to be comparable: split, metric, tie rule and the like.

        A pure function of the settings and of what is said of the data set, so that no task is built to name a run.
        """

    def evaluate(self, learner: Learner, part: Part) -> dict[str, float]:
        """Predict and score a part in one process."""
        learner.eval()
        with torch.no_grad():
            return self.score(self.predict(learner, part), part)


def _one_of(words: frozenset[str]) -> str:
    *first, last = sorted(words)
    return f"{', '.join(first)} or {last}" if first else last
