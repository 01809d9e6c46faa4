"""Weights that are set to zero while a network is trained, up to a sparsity, over all its weights together.

    global     the smallest magnitudes
    lamp       the smallest layer-adaptive magnitudes
    polarised  the smallest products of a magnitude and a mask that is learned with the weights, whose numbers a
               regulariser pushes to 0 or 1

The first two prune as a cubic schedule says, or at once. A polarised mask is learned until the schedule ends, and is
then fixed. Weights of epochs before that are never selected. Weights that are kept are rounded where `scheme` says so.

References:
    Han, Pool, Tran and Dally, Learning Both Weights and Connections for Efficient Neural Networks, NeurIPS 2015.
    Zhu and Gupta, To Prune, or Not to Prune: Exploring the Efficacy of Pruning for Model Compression, 2017.
    Lee, Park, Mo, Ahn and Shin, Layer-Adaptive Sparsity for the Magnitude-Based Pruning, ICLR 2021.
    Zhuang et al., Neuron-Level Structured Pruning Using Polarization Regularizer, NeurIPS 2020; on single weights here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, Literal

import torch
from pydantic import Field, model_validator
from torch import Tensor, nn

from graphlab.core.config import Choices, FloatRange, NonNegativeFloat, PositiveFloat, Probability
from graphlab.core.errors import IncompatibleError
from graphlab.data.spec import DataSpec
from graphlab.model.pruned_weights import LearnedMask, MaskedWeight, keep, mask_weights
from graphlab.model.transform import Regulariser, Scheduled, weights
from graphlab.model.transforms.quantize import Config as QuantizeConfig
from graphlab.model.transforms.quantize import Quantize
from graphlab.pruning.masks import kept_numbers
from graphlab.pruning.polarisation import polarisation, polarisation_for
from graphlab.pruning.schedule import cubic_sparsity, progress_between
from graphlab.pruning.scores import lamp_scores, magnitude_scores
from graphlab.quantization.assignment import Assignment

FLOATS = "weight=float32"
"""A scheme that rounds nothing."""

SCORES = {"global": magnitude_scores, "lamp": lamp_scores, "polarised": magnitude_scores}


class Config(QuantizeConfig):
    """sparsity   share of the weights that are zero in the end; biases and other vectors are none of them
    method     global, lamp or polarised
    schedule   gradual, from `begin` to `end`, or once, at `begin`
    begin      of the schedule, as a share of the epochs
    end        the same; a polarised mask is learned until then
    penalty    factor of the regulariser of a polarised mask
    lr_factor  learning rate of a polarised mask, as a multiple of the run's
    scheme     number formats as of `quantize`, whose other settings follow; by default nothing is rounded
    """

    scheme: str = FLOATS

    sparsity: Annotated[Probability, FloatRange(0.5, 0.98)] = 0.9
    method: Annotated[Literal["global", "lamp", "polarised"], Choices(("global", "lamp", "polarised"))] = "global"
    schedule: Literal["gradual", "once"] = "gradual"
    begin: Probability = 0.1
    end: Annotated[float, Field(gt=0, le=1)] = 0.5
    penalty: Annotated[NonNegativeFloat, FloatRange(1e-2, 1e1, log=True)] = 1.0
    lr_factor: Annotated[PositiveFloat, FloatRange(0.1, 10.0, log=True)] = 1.0

    @model_validator(mode="after")
    def _check_schedule(self) -> Config:
        if self.begin >= self.end:
            raise ValueError("begin is not before end")
        return self


class Prune(Quantize):
    """Puts a mask on each weight, after the rounding of its format where it has one."""

    Config = Config
    version = 1

    def apply(self, learner: nn.Module, spec: DataSpec) -> None:
        chosen = list(weights(learner))
        if not chosen:
            raise IncompatibleError("prune finds no weight in this model", hint="choose a model with parameters")
        if any(rule.format is not None for rule in Assignment.parse(self.config.scheme).rules):
            super().apply(learner, spec)
        if self.config.method == "polarised":
            masked = mask_weights(chosen, lambda weight: LearnedMask(weight, self.config.lr_factor))
            learner.add_module("pruning", PolarisedPruning(masked, self.config))
        else:
            learner.add_module("pruning", Pruning(mask_weights(chosen), self.config))


class Pruning(Scheduled):
    """Prunes the smallest scores at the beginning of epochs.

    Args:
        masked: The weights. They stay parts of the modules that they are in.
        config: Of the transform.
    """

    settled: Tensor

    def __init__(self, masked: Sequence[MaskedWeight], config: Config) -> None:
        super().__init__()
        self._masked, self.config = tuple(masked), config
        self.register_buffer("settled", torch.zeros((), dtype=torch.bool))

    @property
    def is_settled(self) -> bool:
        return bool(self.settled)

    def begin_epoch(self, epoch: int, epochs: int) -> None:
        progress = self._progress(epoch, epochs)
        self._prune(cubic_sparsity(progress, self.config.sparsity))
        self.settled.fill_(progress == 1)

    def _progress(self, epoch: int, epochs: int) -> float:
        """The share of the schedule that has passed."""
        if self.config.schedule == "gradual":
            return progress_between(epoch, epochs, self.config.begin, self.config.end)
        return float(epoch >= epochs or (epoch - 1) / epochs >= self.config.begin)

    def _prune(self, sparsity: float) -> None:
        numbers = sum(each.parameter.numel() for each in self._masked)
        score = SCORES[self.config.method]
        keep(self._masked, lambda each: score(each.parameter), kept_numbers(numbers, sparsity))


class PolarisedPruning(Pruning, Regulariser):
    """Learns masks until the schedule ends; then folds them into the weights and prunes the smallest of these."""

    def begin_epoch(self, epoch: int, epochs: int) -> None:
        settled = progress_between(epoch, epochs, self.config.begin, self.config.end) == 1
        with torch.no_grad():
            for each, mask in self._learned():
                mask.score.clamp_(0, 1)
                if settled:
                    mask.fix(each.parameter)
        if settled:
            self._prune(self.config.sparsity)
        self.settled.fill_(settled)

    def regularisation(self) -> Tensor:
        soft = [mask.soft.flatten() for _, mask in self._learned() if not mask.is_fixed]
        if not soft:
            return self.settled.new_zeros((), dtype=torch.float32)
        return self.config.penalty * polarisation(torch.cat(soft), polarisation_for(self.config.sparsity))

    def _learned(self) -> Iterator[tuple[MaskedWeight, LearnedMask]]:
        return ((each, each.mask) for each in self._masked if isinstance(each.mask, LearnedMask))
