"""A supernet on the data that an objective's networks are for: its losses, its steps, and what keeps it on disk."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import fmean
from typing import Any

from filelock import FileLock
from torch import Tensor, nn

from graphlab.core.errors import DivergenceError
from graphlab.core.seeds import SeedStream
from graphlab.nas.core.space import Space
from graphlab.nas.objectives import NetworkObjective
from graphlab.nas.oneshot.supernets import Mixture, Supernet
from graphlab.nas.registry import find_supernet
from graphlab.records.store import CheckpointFolder
from graphlab.task.base import Learner, Task
from graphlab.training.interrupt import StopRequest
from graphlab.training.optim import Engine

CHECKPOINT_SECONDS = 30.0

Loss = Callable[[Mixture], Tensor]


class SupernetTraining:
    """Weights learn on the training part, the rest on the part that is selected on; no other is there.

    Weights have the recipe of the space's networks, and `epochs` of it; a schedule that follows the selecting metric
    rests, since no network is selected. Raises IncompatibleError for a space without a supernet, or an objective that
    builds no networks.
    """

    def __init__(
        self,
        space: Space,
        objective: NetworkObjective,
        stream: SeedStream,
        epochs: int,
        shrink: int,
        channels: int,
        supernet: type[Supernet] | None = None,
    ) -> None:
        self.space, self.objective, self.stream, self.epochs = space, objective, stream, epochs
        self._widths, self._kind = (shrink, channels), supernet
        build = supernet or find_supernet(space)
        plan = objective.plan(space.sample(stream.child("sample").numpy()))
        seed, device = objective.seeds[0], objective.device
        self.task = plan.make_task(seed, device)
        held_out = replace(self.task.split, train=self.task.split.validation)
        self.held_out: Task[Any] = type(self.task)(plan.task_config, self.task.dataset, held_out, device)
        stream.child("init").seed_torch()
        model = build(plan.model_config, plan.spec_seen, shrink, channels)
        self.learner = Learner(model, self.task.head(plan.task_config, model, plan.spec_seen)).to(device)
        self.training = plan.training.model_copy(update={"epochs": epochs})
        self.engine = Engine(self.learner, self.training, self.task.direction, device)
        self.sign = 1.0 if self.task.direction == "max" else -1.0
        self._losses: list[float] = []
        self._drops = True

    def untrained(self, epochs: int | None = None) -> SupernetTraining:
        """Another one like this, of so many epochs, with the weights that this one began with."""
        return SupernetTraining(
            self.space, self.objective, self.stream, epochs or self.epochs, *self._widths, self._kind
        )

    @property
    def supernet(self) -> Supernet:
        return self.learner.model  # pyright: ignore[reportReturnType]

    @property
    def weights(self) -> Sequence[Tensor]:
        return self.engine.parameters

    @property
    def lr(self) -> float:
        """Of the weights, where their schedule is now."""
        return self.engine.optimizer.param_groups[0]["lr"]

    @lr.setter
    def lr(self, lr: float) -> None:
        for group in self.engine.optimizer.param_groups:
            group["lr"] = lr

    def mix(self, mixture: Mixture) -> None:
        self.supernet.mixture = {name: weights.to(self.objective.device) for name, weights in mixture.items()}

    def losses(self, epoch: int) -> Iterator[tuple[Loss, Loss]]:
        """For each step of an epoch, the loss on a training batch and on a held-out one.

        Each draws the same dropout whenever it is called.
        """
        stream = self.stream.child("epoch", epoch)
        train, held_out = self.task.batches(stream.child("train")), self.held_out.batches(stream.child("held out"))

        def loss(task: Task[Any], batch: Any, seeds: SeedStream, mixture: Mixture) -> Tensor:
            seeds.seed_torch()
            self.learner.train(self._drops)
            self.mix(mixture)
            return task.loss(self.learner, batch)

        for step in range(len(train)):
            seeds = stream.child("step", step)
            one, other = train[step], held_out[step % len(held_out)]
            yield (
                partial(loss, self.task, one, seeds.child("train")),
                partial(loss, self.held_out, other, seeds.child("held out")),
            )

    def with_predictions(self, loss: Loss, mixture: Mixture) -> tuple[Tensor, Tensor]:
        """A loss, and the predictions that it is of, `[rows, outputs]`: of all nodes, or of the items of a batch."""
        predictions: list[Tensor] = []

        def keep(module: nn.Module, rows: Any, out: Tensor) -> None:
            predictions.append(out)

        with self.learner.head.register_forward_hook(keep):
            value = loss(mixture)
        return value, predictions[-1]

    @contextmanager
    def at(self, weights: Sequence[Tensor]) -> Iterator[None]:
        """While entered, the supernet has other weights, and losses have no dropout. Nothing may be trained there."""
        own = [weight.data for weight in self.weights]
        try:
            self._drops = False
            self._set(weights)
            yield
        finally:
            self._drops = True
            self._set(own)

    def _set(self, weights: Sequence[Tensor]) -> None:
        for weight, other in zip(self.weights, weights, strict=True):
            weight.data = other

    def descend(self, loss: Loss, mixture: Mixture, on_gradients: Callable[[], None] = lambda: None) -> float:
        """One step of the weights; `on_gradients` is called once these have their gradients, before the step.

        Raises DivergenceError for a loss that is not finite.
        """
        with self.engine.forward():
            found = loss(mixture)
        value = float(found.detach())
        if not math.isfinite(value):
            raise DivergenceError(f"the loss of the supernet is {value}", hint="lower training.lr")
        self.engine.backward(found)
        on_gradients()
        self.engine.step()
        self._losses.append(value)
        return value

    def end_epoch(self) -> None:
        """Move the schedule on by the mean of the losses that were descended since the last call."""
        self.engine.after_epoch(fmean(self._losses), None)
        self._losses.clear()

    def score(self, mixture: Mixture) -> float:
        """The task's metric on the held-out part with the weights as they are, so that more is better; minus infinity
        where it is no number."""
        self.mix(mixture)
        found = self.sign * self.task.evaluate(self.learner, "validation")[self.task.metric]
        return -math.inf if math.isnan(found) else found

    def run(self, epoch: Callable[[int], object], state: Mapping[str, Any], name: str = "supernet") -> None:
        """Call `epoch` with 1, 2, ... and keep weights and `state`, modules and optimisers, in the search's folder, by
        the name of this supernet among those of the search.

        One worker does so, the others wait and read what it came to. Goes on where an earlier process stopped. Raises
        KeyboardInterrupt after an epoch in which that was asked for.
        """
        parts = {"learner": self.learner, "engine": self.engine, **state}
        done, saved = 0, time.monotonic()

        def restore(found: dict[str, Any]) -> None:
            nonlocal done
            for name, part in parts.items():
                part.load_state_dict(found[name])
            done = found["epoch"]

        with _kept_in(self.objective.folder) as folder, StopRequest() as stop:
            if folder:
                folder.restore_checkpoint(name, self.objective.device, restore)
            while done < self.epochs:
                done += 1
                epoch(done)
                self.end_epoch()
                self.objective.on_work("supernet epoch", done, self.epochs)
                due = time.monotonic() - saved > CHECKPOINT_SECONDS or done == self.epochs or stop.requested
                if folder and due:
                    saved = time.monotonic()
                    state_dicts = {name: part.state_dict() for name, part in parts.items()}
                    folder.save_checkpoint(name, {**state_dicts, "epoch": done})
                if stop.requested:
                    raise KeyboardInterrupt


@contextmanager
def _kept_in(path: Path | None) -> Iterator[CheckpointFolder | None]:
    """While entered, nobody else trains there."""
    if path is None:
        yield None
        return
    path.mkdir(parents=True, exist_ok=True)
    with FileLock(path / "supernet.lock"):
        yield CheckpointFolder(path)
