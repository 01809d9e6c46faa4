"""What networks on matrices and on edge lists share: steps, hints that are fed back, and losses.

References:
    Velickovic et al., The CLRS Algorithmic Reasoning Benchmark, ICML 2022.
    Ibarz et al., A Generalist Neural Algorithmic Learner, LoG 2022.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from graphlab.algorithms.algorithm import Algorithm, Location, Probe
from graphlab.core.errors import InputError
from graphlab.model.algorithmic.decoders import Order
from graphlab.model.algorithmic.encoders import channels
from graphlab.model.algorithmic.instances import layout
from graphlab.model.algorithmic.losses import mean
from graphlab.model.algorithmic.processors import State

Scores = dict[str, Tensor | Order]


@dataclass(frozen=True)
class Prediction:
    """Scores of all probes, as the decoders give them.

    Attributes:
        outputs: Of each instance at its own last step.
        hints: Of each step: those of the next step; empty without hints.
        penalty: The mean over steps of what the processor adds to the loss; None where it adds nothing.
    """

    outputs: Scores
    hints: list[Scores]
    penalty: Tensor | None = None


class Trajectories(Protocol):
    """What a network is trained on: `Instances` or `SparseInstances`."""

    @property
    def algorithm(self) -> Algorithm: ...
    @property
    def inputs(self) -> dict[str, Tensor]: ...
    @property
    def hints(self) -> dict[str, Tensor]: ...
    @property
    def outputs(self) -> dict[str, Tensor]: ...
    @property
    def lengths(self) -> Tensor: ...
    @property
    def num_steps(self) -> int: ...


TrajectoriesT = TypeVar("TrajectoriesT", bound=Trajectories)
FeaturesT = TypeVar("FeaturesT")
RowsT = TypeVar("RowsT")


class StepwiseNetwork(nn.Module, ABC, Generic[TrajectoriesT, FeaturesT, RowsT]):
    """A network that runs as many steps as the longest trajectory has, less one, and at least one.

    Each step sees the inputs and the hints of the step before: in training the true ones, or with probability
    1 - `teacher_forcing` for each instance and step its own, as probabilities; in evaluation always its own, as the
    likeliest values. The first step sees the true first hints. Without hints, it sees inputs alone.

    Args:
        algorithm: What is learned.
        hints: Whether hints are seen and predicted.
        teacher_forcing: Probability, for each instance and step, that training sees the true hints.

    Raises:
        InputError: The probability is out of its range.
    """

    def __init__(self, algorithm: Algorithm, *, hints: bool, teacher_forcing: float) -> None:
        super().__init__()
        if not 0 <= teacher_forcing <= 1:
            raise InputError(f"teacher forcing cannot be {teacher_forcing}", hint="a probability is in [0, 1]")
        self.algorithm, self.teacher_forcing, self.layout = algorithm, teacher_forcing, layout(algorithm)
        self.hint_probes = self.layout.hints if hints else ()

    @abstractmethod
    def start(self, instances: TrajectoriesT) -> State:
        """The state before the first step."""

    @abstractmethod
    def encode_inputs(self, instances: TrajectoriesT) -> FeaturesT:
        """Features of the inputs."""

    @abstractmethod
    def add_hints(self, features: FeaturesT, hints: dict[str, Tensor], instances: TrajectoriesT) -> FeaturesT:
        """The features with those of hints, which are as `numbers` gives them."""

    @abstractmethod
    def advance(self, features: FeaturesT, state: State, instances: TrajectoriesT) -> tuple[State, RowsT]:
        """The state after a step, and what is decoded."""

    @abstractmethod
    def decode(self, probe: Probe, rows: RowsT) -> Tensor | Order:
        """The scores of a probe."""

    @abstractmethod
    def numbers(self, probe: Probe, values: Tensor, instances: TrajectoriesT) -> Tensor:
        """Values of a probe as the network sees them."""

    @abstractmethod
    def feed_back(self, probe: Probe, scores: Tensor, instances: TrajectoriesT, *, hard: bool) -> Tensor:
        """A predicted hint as `numbers` gives a true one: the likeliest without a gradient, or probabilities."""

    @abstractmethod
    def entries(
        self, probe: Probe, predicted: Tensor | Order, truth: Tensor, instances: TrajectoriesT
    ) -> tuple[Tensor, Tensor]:
        """The loss of each entry of a probe, and whether the entry counts."""

    @abstractmethod
    def spread(self, flags: Tensor, like: Tensor, location: Location, instances: TrajectoriesT) -> Tensor:
        """A flag of each instance, bool `[B]`, for each of its rows, with as many axes as `like`."""

    @abstractmethod
    def answer(self, probe: Probe, scores: Tensor | Order, instances: TrajectoriesT) -> np.ndarray:
        """A prediction in the form that metrics take."""

    def forward(self, instances: TrajectoriesT, *, keep_hints: bool = True) -> Prediction:
        """Scores of the outputs, and of the hints of all steps, or else of the last.

        Raises:
            InputError: The instances are of another algorithm, or lack hints that training sees.
        """
        if instances.algorithm is not self.algorithm:
            raise InputError(
                f"instances of {instances.algorithm.name} for a network of {self.algorithm.name}",
                hint="build a network for each algorithm",
            )
        if self.training:
            self._require_hints(instances)
        last = (instances.lengths - 2).clamp(min=0)
        seen = self.encode_inputs(instances)
        state = self.start(instances)
        outputs: Scores = {}
        hints: list[Scores] = []
        penalties: list[Tensor] = []
        for step in range(instances.num_steps):
            features = seen
            if self.hint_probes:
                features = self.add_hints(seen, self._current(instances, step, hints), instances)
            state, rows = self.advance(features, state, instances)
            if state.penalty is not None:
                penalties.append(state.penalty)
            predicted = {probe.name: self.decode(probe, rows) for probe in self.hint_probes}
            if not keep_hints:
                hints.clear()
            hints.append(predicted)
            ends = last == step
            if bool(ends.any()):
                for probe in self.layout.outputs:
                    new, old = self.decode(probe, rows), outputs.get(probe.name)
                    outputs[probe.name] = new if old is None else self._replaced(probe, old, new, ends, instances)
        penalty = torch.stack(penalties).mean() if penalties else None
        return Prediction(outputs, hints if self.hint_probes else [], penalty)

    def _current(self, instances: TrajectoriesT, step: int, hints: list[Scores]) -> dict[str, Tensor]:
        """The hints that a step sees."""
        if step and not self.training:
            return self._own(hints[-1], instances, hard=True)
        true = {
            probe.name: self.numbers(probe, instances.hints[probe.name][step], instances) for probe in self.hint_probes
        }
        if not step or self.teacher_forcing == 1:
            return true
        own = self._own(hints[-1], instances, hard=False)
        forced = torch.rand(len(instances.lengths), device=instances.lengths.device) < self.teacher_forcing
        return {
            probe.name: torch.where(
                self.spread(forced, own[probe.name], channels(probe).location, instances),
                true[probe.name],
                own[probe.name],
            )
            for probe in self.hint_probes
        }

    def _own(self, scores: Scores, instances: TrajectoriesT, *, hard: bool) -> dict[str, Tensor]:
        fed = {}
        for probe in self.hint_probes:
            predicted = scores[probe.name]
            assert isinstance(predicted, Tensor)
            fed[probe.name] = self.feed_back(probe, predicted, instances, hard=hard)
        return fed

    def _replaced(
        self, probe: Probe, old: Tensor | Order, new: Tensor | Order, where: Tensor, instances: TrajectoriesT
    ) -> Tensor | Order:
        """The new scores of some instances, and the old ones of the rest."""

        def merged(former: Tensor, latter: Tensor) -> Tensor:
            return torch.where(self.spread(where, latter, channels(probe).location, instances), latter, former)

        if isinstance(old, Order):
            assert isinstance(new, Order)
            return Order(*(merged(former, latter) for former, latter in zip(old, new, strict=True)))
        assert isinstance(new, Tensor)
        return merged(old, new)

    def _require_hints(self, instances: TrajectoriesT) -> None:
        steps, longest = [len(instances.hints[probe.name]) for probe in self.hint_probes], int(instances.lengths.max())
        if steps and min(steps) < longest:
            raise InputError(
                f"instances have hints of {min(steps)} steps, and trajectories of {longest}",
                hint="the first hint is enough to predict, but not to train",
            )

    def losses(self, instances: TrajectoriesT, prediction: Prediction | None = None) -> dict[str, Tensor]:
        """The loss of each output, and of each hint over the steps that each instance has; and `penalty`, where the
        processor has one.

        Raises:
            InputError: As `forward`, or the instances lack hints.
        """
        self._require_hints(instances)
        scores: Prediction = self(instances) if prediction is None else prediction
        losses = {
            probe.name: mean(*self.entries(probe, scores.outputs[probe.name], instances.outputs[probe.name], instances))
            for probe in self.layout.outputs
        }
        for probe in self.hint_probes:
            steps = [self._hint_entries(probe, instances, step, hints) for step, hints in enumerate(scores.hints)]
            if steps and len(instances.hints[probe.name]) > 1:
                losses[probe.name] = mean(*(torch.stack(part) for part in zip(*steps, strict=True)))
        if scores.penalty is not None:
            losses["penalty"] = scores.penalty
        return losses

    def _hint_entries(self, probe: Probe, instances: TrajectoriesT, step: int, scores: Scores) -> tuple[Tensor, Tensor]:
        truth = instances.hints[probe.name]
        following = truth[min(step + 1, len(truth) - 1)]
        loss, kept = self.entries(probe, scores[probe.name], following, instances)
        location = "graph" if probe.type == "mask-one" else probe.location
        return loss, kept & self.spread(instances.lengths > step + 1, kept, location, instances)

    def loss(self, instances: TrajectoriesT) -> Tensor:
        """The sum of all losses."""
        return torch.stack(list(self.losses(instances).values())).sum()

    @torch.no_grad()
    def predict(self, instances: TrajectoriesT) -> dict[str, np.ndarray]:
        """Outputs in the form that metrics take.

        Raises:
            InputError: The network is in training mode.
        """
        self._require_evaluation()
        outputs = self(instances, keep_hints=False).outputs
        return {probe.name: self.answer(probe, outputs[probe.name], instances) for probe in self.layout.outputs}

    @torch.no_grad()
    def predict_hints(self, instances: TrajectoriesT) -> list[dict[str, np.ndarray]]:
        """Of each step the hints of the next one, in the form that `graphlab.algorithms.metrics.hint_scores` takes.

        Each step sees those that were predicted before it.

        Raises:
            InputError: The network is in training mode, or was built without hints.
        """
        self._require_evaluation()
        if not self.hint_probes:
            raise InputError("a network without hints predicts none", hint="build it with hints=True")
        return [
            {probe.name: self.answer(probe, step[probe.name], instances) for probe in self.hint_probes}
            for step in self(instances).hints
        ]

    def _require_evaluation(self) -> None:
        if self.training:
            raise InputError("a network in training mode sees true hints", hint="put it in evaluation mode first")


def decoder_key(probe: Probe) -> str:
    """The name of a decoder: an output and a hint may share theirs."""
    return f"{probe.stage}_{probe.name}"
