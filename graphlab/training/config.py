"""The settings of the training loop."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from graphlab.core.config import (
    Config,
    FloatRange,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    Probability,
)


class TrainingConfig(Config):
    """How a model is trained. Every field is part of a run's identity.

    start           id of the run of the same store whose selected weights training starts from; None draws them
    epochs          at most so many; 0 evaluates the initial state, as parameter-free models always do
    patience        stop after so many evaluations in a row that improve neither the selecting metric nor the
                    validation loss; None trains all epochs
    evaluate_every  epochs between evaluations on validation; the last epoch is always evaluated
    betas           decay rates of adam's and adamw's two moments; sgd has none
    scheduler       cosine and linear: to 0 over all epochs; step: times `gamma` every `step_epochs`; plateau: times
                    `gamma` after `step_epochs` evaluations without a better selection metric; loss-plateau: the same
                    after `step_epochs` epochs without a lower training loss
    clip_norm       largest L2 norm of the whole gradient; None does not clip
    precision       arithmetic of the forward pass; bf16 and fp16 are mixed precision
    """

    start: Annotated[str, Field(pattern="^[0-9a-f]{16}$")] | None = None
    epochs: NonNegativeInt = 200
    optimizer: Literal["adam", "adamw", "sgd"] = "adam"
    betas: Annotated[tuple[Probability, Probability], Field(strict=False)] = (0.9, 0.999)
    lr: Annotated[float, Field(gt=0, le=1000), FloatRange(1e-4, 1e-1, log=True)] = 0.01
    weight_decay: Annotated[NonNegativeFloat, FloatRange(1e-6, 1e-2, log=True)] = 0.0
    scheduler: Literal["none", "cosine", "linear", "step", "plateau", "loss-plateau"] = "none"
    gamma: Annotated[float, Field(gt=0, le=1), FloatRange(0.1, 0.9)] = 0.5
    step_epochs: PositiveInt = 20
    patience: PositiveInt | None = None
    evaluate_every: PositiveInt = 1
    clip_norm: PositiveFloat | None = None
    precision: Literal["fp32", "bf16", "fp16"] = "fp32"
