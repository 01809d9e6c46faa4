"""What untrained weights say about how well a network will do: guesses that cost a pass or a few, and no training.

Here is their base class, `Proxy`, and what several share; each other file is the proxy of its name.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch_geometric.data import Data

from graphlab.core.citation import Citation
from graphlab.core.errors import IncompatibleError
from graphlab.core.seeds import SeedStream
from graphlab.experiment.plan import Plan
from graphlab.task.base import Learner, Task
from graphlab.task.kinds.node_classification import NodeClassification


class Proxy(ABC):
    """Base of the proxies: `proxy(learner, task)` is higher for what it thinks will be more accurate.

    Measured on one training batch, on a task of nodes the whole graph, without dropout and with batch norm by the
    batch's own moments, as while training. Weights, gradients, buffers, modes and torch's generators are left as they
    were. Numbers of different data sets cannot be compared.

    tasks  the kind that the proxy reads
    """

    citation: ClassVar[Citation]
    tasks: ClassVar[type[Task[Any]]] = Task

    def __call__(self, learner: Learner, task: Task[Any]) -> float:
        """Raises IncompatibleError as `check` does. Not a number where the weights leave the range of floats."""
        self.check(type(task))
        with _undisturbed(learner, task.device):
            return self.measure(learner, task)

    @abstractmethod
    def measure(self, learner: Learner, task: Task[Any]) -> float:
        """The value; may change what `__call__` puts back."""

    def check(self, task: type[Task[Any]]) -> None:
        """Raises IncompatibleError for a kind of task that the proxy cannot read."""
        if not issubclass(task, self.tasks):
            raise IncompatibleError(
                f"the proxy {self.name} does not read {task.name}, only {self.tasks.name}",
                hint="grad-norm, snip and parameters take every task",
            )

    @property
    def name(self) -> str:
        return type(self).__module__.rpartition(".")[2].replace("_", "-")


class TensorProxy(Proxy):
    """Base of those that are a sum over parameter tensors."""

    @abstractmethod
    def terms(self, learner: Learner, task: Task[Any]) -> list[Tensor]:
        """The part of each trained parameter, in the order of the learner's; may change what a call puts back."""

    def measure(self, learner: Learner, task: Task[Any]) -> float:
        return float(sum(self.terms(learner, task)))

    def by_tensor(self, learner: Learner, task: Task[Any]) -> list[float]:
        """The part of each trained parameter, whose sum is the proxy. Raises IncompatibleError as `check` does."""
        self.check(type(task))
        with _undisturbed(learner, task.device):
            return [float(term) for term in self.terms(learner, task)]


class NodeProxy(Proxy):
    """Base of those that look at the single nodes of one graph."""

    tasks = NodeClassification

    def nodes(self, task: Task[Any]) -> tuple[Data, Tensor]:
        """A training batch and the nodes of it that are trained on, int64 `[n]`: of a sampled one the seeds."""
        batch = training_batch(task)
        rows = torch.arange(batch["batch_size"]) if "batch_size" in batch else task.split.train
        return batch, rows.to(task.device)


def at_initialisation(proxy: Proxy, plan: Plan, seed: int, device: torch.device | str = "cpu") -> float:
    """The proxy of the weights that a run with this seed would start from."""
    task = plan.make_task(seed, device)
    return proxy(plan.make_learner(task, seed), task)


def training_batch(task: Task[Any]) -> Any:
    return task.batches(SeedStream(0).child("proxy"))[0]


def trainable(module: nn.Module) -> list[nn.Parameter]:
    """Every parameter, of whatever module: graph layers own theirs, which no list of Linear and Conv would find."""
    return [parameter for parameter in module.parameters() if parameter.requires_grad]


def gradients(out: Tensor, inputs: Sequence[Tensor], back: Tensor | None = None, keep: bool = False) -> list[Tensor]:
    """The gradient in each input, zeros where `out` does not depend on it; `keep` what the next call needs."""
    if not inputs or not out.requires_grad:
        return [torch.zeros_like(tensor) for tensor in inputs]
    return list(torch.autograd.grad(out, inputs, back, retain_graph=keep, materialize_grads=True))


def loss_gradients(learner: Learner, task: Task[Any]) -> list[tuple[Tensor, Tensor]]:
    """Each parameter, and the gradient in it of the task's loss on a batch."""
    weights = trainable(learner)
    grads = gradients(task.loss(learner, training_batch(task)), weights)
    return [(weight.detach(), grad) for weight, grad in zip(weights, grads, strict=True)]


@contextmanager
def _undisturbed(learner: Learner, device: torch.device) -> Iterator[None]:
    modes = {module: module.training for module in learner.modules()}
    buffers = [(buffer, buffer.clone()) for buffer in learner.buffers()]
    try:
        with torch.random.fork_rng([device] if device.type == "cuda" else []):
            learner.eval()
            for module in modes:
                if isinstance(module, _BatchNorm):
                    module.train()
            yield
    finally:
        for module, mode in modes.items():
            module.training = mode
        with torch.no_grad():
            for buffer, before in buffers:
                buffer.copy_(before)
