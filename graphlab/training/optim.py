"""The engine of a training step: optimiser, schedule and mixed precision, from their names in TrainingConfig."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch
from torch import Tensor
from torch.nn.utils import clip_grad_norm_
from torch.optim import Adam, AdamW, lr_scheduler

from graphlab.core.errors import IncompatibleError, InputError
from graphlab.task.base import Direction, Learner
from graphlab.training.config import TrainingConfig

OPTIMIZERS = {"adam": Adam, "adamw": AdamW, "sgd": torch.optim.SGD}
PRECISIONS = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


def check_precision(precision: str, device: torch.device) -> None:
    """Raise InputError where the device does not have the format."""
    if precision == "fp16" and device.type != "cuda":
        raise InputError(f"precision fp16 needs a GPU, not {device}", hint="use training.precision=bf16 or fp32")
    if precision == "bf16" and device.type == "cuda" and not torch.cuda.is_bf16_supported():
        raise InputError(f"{torch.cuda.get_device_name(device)} has no bf16", hint="use fp16 or fp32")


class Engine:
    """Turns losses into steps of a learner's parameters."""

    def __init__(self, learner: Learner, config: TrainingConfig, direction: Direction, device: torch.device) -> None:
        check_precision(config.precision, device)
        self.parameters = [p for p in learner.parameters() if p.requires_grad]
        moments: dict[str, Any] = {} if config.optimizer == "sgd" else {"betas": config.betas}
        self.optimizer = OPTIMIZERS[config.optimizer](
            learner.parameter_groups(config.weight_decay), lr=config.lr, fused=True, **moments
        )
        for group in self.optimizer.param_groups:
            group["lr"] *= group.pop("lr_factor", 1.0)
        self._schedule = self._make_schedule(config, direction)
        self._follows_loss = config.scheduler == "loss-plateau"
        self._clip_norm = config.clip_norm
        self._device_type = device.type
        self._dtype = PRECISIONS[config.precision]
        self._scaler = torch.amp.GradScaler(device.type, enabled=config.precision == "fp16")

    def _make_schedule(self, config: TrainingConfig, direction: Direction) -> lr_scheduler.LRScheduler | None:
        match config.scheduler:
            case "cosine":
                return lr_scheduler.CosineAnnealingLR(self.optimizer, T_max=config.epochs)
            case "linear":
                return lr_scheduler.LinearLR(self.optimizer, 1.0, 0.0, total_iters=config.epochs)
            case "step":
                return lr_scheduler.StepLR(self.optimizer, config.step_epochs, config.gamma)
            case "plateau":
                return lr_scheduler.ReduceLROnPlateau(self.optimizer, direction, config.gamma, config.step_epochs)
            case "loss-plateau":
                return lr_scheduler.ReduceLROnPlateau(self.optimizer, "min", config.gamma, config.step_epochs)
            case "none":
                return None

    def forward(self) -> AbstractContextManager[object]:
        """The arithmetic of the forward pass, as a context.

        Raises IncompatibleError from it where batch norm has a single row to take statistics of.
        """
        return self._forward()

    @contextmanager
    def _forward(self) -> Iterator[None]:
        precision = torch.autocast(self._device_type, self._dtype) if self._dtype != torch.float32 else nullcontext()
        with precision:
            try:
                yield
            except ValueError as error:
                if "more than 1 value per channel" not in str(error):
                    raise
                raise IncompatibleError(
                    "a training batch has a single row, of which the model's batch norm can take no statistics",
                    hint="train on more items, raise task.batch_size, or choose a model without batch norm",
                ) from error

    def backward(self, loss: Tensor) -> None:
        """Fresh gradients of the loss, times the scale of mixed precision."""
        self.optimizer.zero_grad()
        self._scaler.scale(loss).backward()

    def step(self) -> None:
        """Unscale the gradients and take the step; fp16 leaves it out if one of them overflowed."""
        self._scaler.unscale_(self.optimizer)
        if self._clip_norm:
            clip_grad_norm_(self.parameters, self._clip_norm)
        self._scaler.step(self.optimizer)
        self._scaler.update()

    def after_epoch(self, loss: float, selection: float | None) -> None:
        """Move the schedule on; `loss` is the epoch's mean, `selection` the selecting metric if it was evaluated."""
        if isinstance(self._schedule, lr_scheduler.ReduceLROnPlateau):
            watched = loss if self._follows_loss else selection
            if watched is not None:
                self._schedule.step(watched)
        elif self._schedule:
            with warnings.catch_warnings():
                # A run that goes on right after an epoch's last step has not stepped this optimiser object yet.
                warnings.filterwarnings("ignore", message="Detected call of `lr_scheduler.step")
                self._schedule.step()

    def state_dict(self) -> dict[str, Any]:
        return {
            "optimizer": self.optimizer.state_dict(),
            "schedule": self._schedule.state_dict() if self._schedule else {},
            "scaler": self._scaler.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        groups = self.optimizer.state_dict()["param_groups"]
        self.optimizer.load_state_dict(_regrouped(state["optimizer"], groups))
        self._scaler.load_state_dict(state["scaler"])
        if self._schedule:
            self._schedule.load_state_dict(_for_groups(state["schedule"], len(groups)))


def _regrouped(saved: dict[str, Any], groups: list[dict[str, Any]]) -> dict[str, Any]:
    """The state of an optimiser whose parameters, the same in the same order, were in one group: heads of node tasks
    were part of the models once, and stores hold such checkpoints."""
    before = saved["param_groups"]
    if len(before) == len(groups) or len(before) > 1:
        return saved
    kept = {"params", "weight_decay"}
    shared = {key: value for key, value in before[0].items() if key not in kept}
    return {**saved, "param_groups": [{**group, **shared} for group in groups]}


def _for_groups(saved: dict[str, Any], count: int) -> dict[str, Any]:
    """The state of a schedule with a rate for each group, where it had one for all."""
    return {
        key: value * count if isinstance(value, list) and len(value) == 1 else value for key, value in saved.items()
    }
