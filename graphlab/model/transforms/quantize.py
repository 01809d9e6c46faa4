"""Weights and activations that are rounded to the numbers of an assignment of formats, while a network is trained.

Nothing is computed in integers: a network so trained has the accuracy of such numbers, and `graphlab.quantization` can
have some run on them. Training updates unrounded weights by gradients that take rounding for the identity, and are zero
where a value lies outside the range of its format.

References:
    Bengio, Léonard and Courville, Estimating or Propagating Gradients Through Stochastic Neurons, 2013.
    Jacob et al., Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference, CVPR
    2018.
    Esser et al., Learned Step Size Quantization, ICLR 2020.
    Tailor et al., Degree-Quant: Quantization-Aware Training for Graph Neural Networks, ICLR 2021.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator
from torch import Tensor, nn

from graphlab.core.config import Choices, FloatRange, Probability
from graphlab.core.errors import IncompatibleError, InputError
from graphlab.data.spec import DataSpec
from graphlab.model.observation import install_observers
from graphlab.model.places import places
from graphlab.model.protection import ProtectedQuantiser, Protection
from graphlab.model.rounded_biases import round_biases
from graphlab.model.transform import LearnerTransform, TransformConfig, parametrise, weights
from graphlab.quantization.assignment import Assignment, Place
from graphlab.quantization.formats import FixedPoint, Format
from graphlab.quantization.observers import MinMax, Observer, Percentile, SquaredError
from graphlab.quantization.quantisers import ActivationQuantiser, LearnedStep, WeightQuantiser


class Config(TransformConfig):
    """scheme    the assignment of formats, as w4a8, mixed, or rules; see `graphlab.quantization.assignment`
    observer  how the range of an activation follows from what training has seen: min-max, the least and greatest value;
              momentum, means of those over steps; percentile; squared-error, the range of the least error
    momentum  share that a step has in the means, of the observer momentum
    share     of values that the observer percentile cuts off at each end
    steps     ranges are observed, or learned as the weights are (LSQ)
    protect_low, protect_high
              probabilities by which rows of nodes of the least and of the largest in-degree are not rounded in a step
              of training (Degree-Quant); 0 for none
    """

    scheme: str = "w8a8"
    observer: Literal["min-max", "momentum", "percentile", "squared-error"] = "min-max"
    momentum: Annotated[float, Field(gt=0, le=1), FloatRange(0.01, 0.5, log=True)] = 0.1
    share: Annotated[float, Field(ge=0, lt=0.5), FloatRange(0.0001, 0.05, log=True)] = 0.001
    steps: Annotated[Literal["observed", "learned"], Choices(("observed", "learned"))] = "observed"

    protect_low: Annotated[Probability, FloatRange(0.0, 0.2)] = 0.0
    protect_high: Annotated[Probability, FloatRange(0.0, 0.2)] = 0.0

    @model_validator(mode="after")
    def _check_order(self) -> Config:
        if self.protect_low > self.protect_high:
            raise ValueError("protect_low is above protect_high")
        if self.protect_high and self.steps == "learned":
            raise ValueError("rows are protected where ranges are observed, not where steps are learned")
        return self

    @field_validator("scheme")
    @classmethod
    def _check_scheme(cls, scheme: str) -> str:
        try:
            Assignment.parse(scheme)
        except InputError as error:
            raise ValueError(f"{error.message}; {error.hint}") from error
        return scheme


class Quantize(LearnerTransform):
    """Rounds the weights and the values at observation points that the assignment gives a format.

    The output channel of a weight is its first dimension, as in `torch.nn.Linear`, unless the module says otherwise of
    a parameter in `output_dims`. A bias that is added to sums of products of rounded numbers is rounded to the steps of
    these sums, which have no bits of their own; other biases, and norms, stay as they are.
    """

    Config = Config
    version = 2

    def apply(self, learner: nn.Module, spec: DataSpec) -> None:
        assignment = Assignment.parse(self.config.scheme)
        if all(assignment.format_of(place) is None for place in places(learner)):
            raise IncompatibleError(
                f"{self.config.scheme} gives no weight and no value of this model a format",
                hint="choose a model that has parameters, or other rules; graphlab describe quantize lists components",
            )
        path_of = {module: path for path, module in learner.named_modules()}
        chosen = [
            (module, name, parameter, assignment.format_of(Place(f"{path_of[module]}.{name}".lstrip("."), "weight")))
            for module, name, parameter in weights(learner)
        ]
        protection = None
        if self.config.protect_high:
            protection = Protection(learner.model, self.config.protect_low, self.config.protect_high)
        install_observers(learner, lambda point: self._activation(assignment, point, protection))
        for module, name, parameter, of_weight in chosen:
            if of_weight is not None:
                channel = getattr(module, "output_dims", {}).get(name, 0)
                parametrise(module, name, self._weight(of_weight, parameter, channel))
        round_biases(learner)

    def _weight(self, of_weight: Format, weight: Tensor, channel: int) -> nn.Module:
        if self.config.steps == "observed" or isinstance(of_weight, FixedPoint):
            return WeightQuantiser(of_weight, channel)
        shape = tuple(size if dim == channel else 1 for dim, size in enumerate(weight.shape))
        return LearnedStep(of_weight, () if of_weight.granularity == "tensor" else shape)

    def _activation(self, assignment: Assignment, point: str, protection: Protection | None) -> nn.Module | None:
        of_values = assignment.format_of(Place.of_point(point))
        if of_values is None:
            return None
        if of_values.granularity == "node":
            return WeightQuantiser(of_values, 0)
        if protection is not None:
            return ProtectedQuantiser(of_values, self._observer(), protection)
        is_fixed = isinstance(of_values, FixedPoint) or of_values.granularity != "tensor"
        if self.config.steps == "learned" and not is_fixed:
            return LearnedStep(of_values)
        return ActivationQuantiser(of_values, self._observer())

    def _observer(self) -> Observer:
        match self.config.observer:
            case "momentum":
                return MinMax(self.config.momentum)
            case "percentile":
                return Percentile(self.config.share)
            case "squared-error":
                return SquaredError()
            case _:
                return MinMax()
