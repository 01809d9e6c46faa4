"""The training loop. There is one, and it reads from top to bottom."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch

from graphlab.core.errors import DivergenceError, GraphLabError
from graphlab.core.seeds import SeedStream
from graphlab.model.transform import begin_epoch, is_settled, regularisers
from graphlab.task.base import Learner, Part, Task
from graphlab.training.config import TrainingConfig
from graphlab.training.distributed import any_process, gather_rows, synchronise
from graphlab.training.interrupt import PausedError, StopRequest
from graphlab.training.optim import Engine
from graphlab.training.state import Best, Progress, TrainingState

LOOP_VERSION = 1
"""Raised when the loop, its optimisers or its use of seeds come to other results for the same settings."""

CHECKPOINT_SECONDS = 30.0


class Checkpoints(Protocol):
    """Where `fit` leaves checkpoints and finds them again."""

    def save_checkpoint(self, name: str, state: dict[str, Any]) -> None: ...

    def restore_checkpoint(self, name: str, device: Any, restore: Callable[[dict[str, Any]], object]) -> bool: ...


OnEpoch = Callable[[int, int, dict[str, float]], None]
"""Told after each epoch: epoch, epochs at most, and its row of the learning curve. A run that goes on from a checkpoint
tells of the epochs before that again."""


@dataclass(frozen=True)
class Fit:
    """What training came to. Metrics are those of the selected epoch; `error` is set if it diverged."""

    epochs: int
    best_epoch: int | None
    curve: tuple[dict[str, float], ...]
    seconds: float
    validation: dict[str, float] = field(default_factory=dict)
    test: dict[str, float] = field(default_factory=dict)
    error: GraphLabError | None = None


def fit(
    learner: Learner,
    task: Task[Any],
    config: TrainingConfig,
    stream: SeedStream,
    checkpoints: Checkpoints,
    on_epoch: OnEpoch = lambda epoch, epochs, row: None,
    pause_after: int | None = None,
) -> Fit:
    """Train, select on validation, and score test once with the selected weights.

    Goes on from the last checkpoint if there is one, to the same result. Ctrl-C and SIGTERM stop after
    the step in hand, leave a checkpoint and raise KeyboardInterrupt. A loss or a metric that is not
    finite ends the run; the Fit then carries the error. Only epochs that begin with no change of the
    learner's transform ahead are selected. After the epoch `pause_after` a training that is not over
    leaves a checkpoint and raises PausedError.
    """
    state = TrainingState(learner, Best(task.metric, task.direction))
    progress, best = state.progress, state.best
    clock = Clock()
    try:
        if config.epochs and any(p.requires_grad for p in learner.parameters()):
            train(state, task, config, stream, checkpoints, on_epoch, clock, pause_after)
        else:
            begin_epoch(learner, 0, 0)
            scores = evaluate(learner, task, "validation", stream.child("evaluation", 0))
            require_finite(scores, "validation", 0)
            best.offer(0, scores, learner)
        learner.load_state_dict(best.weights)
        test = evaluate(learner, task, "test", stream.child("test"))
        require_finite(test, "test", best.epoch)
    except DivergenceError as error:
        return Fit(len(progress.curve), best.epoch, tuple(progress.curve), clock.total(), error=error)
    if task.shard.rank == 0:
        checkpoints.save_checkpoint("best", {"model": best.weights, "epoch": best.epoch})
    return Fit(len(progress.curve), best.epoch, tuple(progress.curve), clock.total(), best.scores, test)


def train(
    state: TrainingState,
    task: Task[Any],
    config: TrainingConfig,
    stream: SeedStream,
    checkpoints: Checkpoints,
    on_epoch: OnEpoch,
    clock: Clock,
    pause_after: int | None = None,
) -> None:
    """Bring `state` from where its last checkpoint left it to the end of training."""
    learner, best, progress = state.learner, state.best, state.progress
    engine = Engine(learner, config, task.direction, task.device)

    def restore(saved: dict[str, Any]) -> None:
        state.load_state_dict(saved)
        engine.load_state_dict(saved["engine"])
        clock.before = progress.seconds

    def save() -> None:
        progress.seconds, clock.saved = clock.total(), time.monotonic()
        if task.shard.rank == 0:
            checkpoints.save_checkpoint("last", state.state_dict() | {"engine": engine.state_dict()})

    checkpoints.restore_checkpoint("last", task.device, restore)
    for row in progress.curve:
        on_epoch(int(row["epoch"]), config.epochs, row)
    terms = regularisers(learner)
    with StopRequest() as stop:
        while progress.epoch <= config.epochs and not finished(progress, best, task, config):
            if pause_after is not None and progress.epoch > pause_after:
                save()
                raise PausedError(progress.epoch - 1, best.scores or last_scores(progress), learner.num_parameters)
            epoch_stream = stream.child("epoch", progress.epoch)
            batches = task.batches(epoch_stream)
            loss_sum = torch.tensor(progress.loss, dtype=torch.float64, device=task.device)
            learner.train()
            if progress.step == 0:
                learner.model.begin_epoch(progress.epoch)
                begin_epoch(learner, progress.epoch, config.epochs)
            for step in range(progress.step, len(batches)):
                batch = batches[step]
                epoch_stream.child("step", step, "rank", task.shard.rank).seed_torch()
                with engine.forward():
                    loss = task.loss(learner, batch)
                    for term in terms:
                        loss = loss + term.regularisation()
                engine.backward(loss)
                loss, stopping = synchronise(learner, loss, task.weight(batch), stop.requested, task.shard)
                engine.step()
                loss_sum += loss
                if stopping or clock.due():
                    progress.step, progress.loss = step + 1, loss_sum.item()
                    save()
                if stopping:
                    raise KeyboardInterrupt
            row = {"epoch": progress.epoch, "loss": loss_sum.item() / len(batches)}
            progress.curve.append(row)
            require_finite(row, "training", progress.epoch)
            settled = is_settled(learner)
            last = progress.epoch == config.epochs or (settled and task.is_enough(row["loss"]))
            evaluated = last or progress.epoch % config.evaluate_every == 0
            selection = None
            if evaluated:
                scores = evaluate(learner, task, "validation", stream.child("evaluation", progress.epoch))
                row |= {f"validation_{key}": value for key, value in scores.items()}
                require_finite(scores, "validation", progress.epoch)
                if settled:
                    best.offer(progress.epoch, scores, learner)
                selection = scores[task.metric]
            engine.after_epoch(row["loss"], selection)
            on_epoch(progress.epoch, config.epochs, row)
            progress.epoch, progress.step, progress.loss = progress.epoch + 1, 0, 0.0
        save()
        if any_process(stop.requested, task.device, task.shard):
            raise KeyboardInterrupt


def evaluate(learner: Learner, task: Task[Any], part: Part, stream: SeedStream) -> dict[str, float]:
    """The metrics of a part: each process predicts its share, and the whole is scored once.

    What a model draws to predict is drawn from the stream, not from where training left the generators: a run that goes
    on has not done the step before.
    """
    learner.eval()
    stream.child("rank", task.shard.rank).seed_torch()
    with torch.no_grad():
        return task.score(gather_rows(task.predict(learner, part), task.shard), part)


def finished(progress: Progress, best: Best, task: Task[Any], config: TrainingConfig) -> bool:
    """Whether the epochs so far are enough."""
    exhausted = config.patience is not None and best.stale >= config.patience
    enough = bool(progress.curve) and task.is_enough(progress.curve[-1]["loss"])
    return best.epoch is not None and (exhausted or enough)


def last_scores(progress: Progress) -> dict[str, float]:
    """The validation metrics of the last epoch that was evaluated; empty where none was."""
    prefix = "validation_"
    for row in reversed(progress.curve):
        scores = {key.removeprefix(prefix): value for key, value in row.items() if key.startswith(prefix)}
        if scores:
            return scores
    return {}


def require_finite(values: dict[str, float], what: str, epoch: int | None) -> None:
    for name, value in values.items():
        if not math.isfinite(value):
            raise DivergenceError(
                f"the {what} {name} is {value} in epoch {epoch}",
                hint="lower training.lr, or set training.clip_norm=1.0; the curve up to there is in the record",
            )


class Clock:
    """Seconds of this run, over all the processes that have worked on it, and since its last checkpoint."""

    def __init__(self) -> None:
        self.started = self.saved = time.monotonic()
        self.before = 0.0

    def total(self) -> float:
        return self.before + time.monotonic() - self.started

    def due(self) -> bool:
        return time.monotonic() - self.saved > CHECKPOINT_SECONDS
