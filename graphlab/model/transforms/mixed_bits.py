"""Bit widths learned with the weights: each place rounds to several widths, mixed by a softmax that is trained.

The loss has a penalty on the expected size, `penalty` a KiB, so that places come to the fewest bits that the loss
allows.
`gl.chosen_scheme(run)` names the width of each place, a scheme with which the network is then trained anew.

References:
    Moustafa, Kriege and Gansterer, Efficient Mixed Precision Quantization in Graph Neural Networks, 2025 (MixQ).
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, field_validator
from torch import Tensor, nn

from graphlab.core.config import FloatRange
from graphlab.core.errors import IncompatibleError, InputError
from graphlab.data.spec import DataSpec
from graphlab.model.observation import OBSERVERS, install_observers
from graphlab.model.transform import LearnerTransform, Regulariser, TransformConfig, parametrise, weights
from graphlab.quantization.assignment import ROUNDED, Assignment, Place, Rule
from graphlab.quantization.formats import Format, parse
from graphlab.quantization.mixture import Mixture
from graphlab.quantization.observers import MinMax
from graphlab.quantization.quantisers import ActivationQuantiser, Quantiser, WeightQuantiser


class Config(TransformConfig):
    """bits     the widths of each place, with commas between them
    penalty  what one KiB of the expected size adds to the loss
    """

    bits: str = "2,4,8"
    penalty: Annotated[float, Field(ge=0), FloatRange(1e-4, 1.0, log=True)] = 0.01

    @field_validator("bits")
    @classmethod
    def _check_bits(cls, bits: str) -> str:
        try:
            _formats(bits, "")
        except InputError as error:
            raise ValueError(f"{error.message}; {error.hint}") from error
        return bits


class MixedBits(LearnerTransform):
    """Mixes the widths of weights, of what linear layers read and give, of attention and of weights of edges."""

    Config = Config

    def apply(self, learner: nn.Module, spec: DataSpec) -> None:
        chosen = list(weights(learner))
        if not chosen:
            raise IncompatibleError("mixed-bits finds no weight in this model", hint="choose a model with parameters")
        install_observers(learner, self._activation)
        for module, name, _ in chosen:
            channel = getattr(module, "output_dims", {}).get(name, 0)
            of_weight = _formats(self.config.bits, "-symmetric-channel")
            parametrise(module, name, self._mixture([WeightQuantiser(each, channel) for each in of_weight]))

    def _activation(self, point: str) -> nn.Module | None:
        if Place.of_point(point).component not in ROUNDED:
            return None
        return self._mixture([ActivationQuantiser(each, MinMax()) for each in _formats(self.config.bits, "")])

    def _mixture(self, quantisers: list[Quantiser]) -> PenalisedMixture:
        return PenalisedMixture(quantisers, self.config.penalty)


class PenalisedMixture(Mixture, Regulariser):
    """A mixture whose expected size is a part of the loss."""

    def __init__(self, quantisers: list[Quantiser], strength: float) -> None:
        super().__init__(quantisers)
        self.strength = strength

    def regularisation(self) -> Tensor:
        return self.strength * (self.penalty() if self.has_value else 0 * self.logits.sum())


def chosen_assignment(learner: nn.Module) -> Assignment:
    """The width of the largest weight at each place of a learner that was trained so.

    Raises:
        InputError: It has no mixtures.
    """
    mixtures = [(path, module) for path, module in learner.named_modules() if isinstance(module, PenalisedMixture)]
    if not mixtures:
        raise InputError("this run has no mixtures of bit widths", hint="train it with transform=mixed-bits")
    return Assignment(tuple(Rule(_place(path), module.chosen) for path, module in mixtures))


def _place(path: str) -> str:
    """The path of a place from that of the module that rounds it."""
    parts = path.split(".")
    if "parametrizations" in parts:
        return ".".join([*parts[: parts.index("parametrizations")], parts[-2]])
    return ".".join(part for part in parts if part != OBSERVERS)


def _formats(bits: str, suffix: str) -> list[Format]:
    formats = [parse(f"int{width.strip()}{suffix}") for width in bits.split(",")]
    return [each for each in formats if each is not None]
