"""The network of one algorithm: encode, process and decode, step after step.

    network = Network(algorithm("bfs"), "floydnet", ProcessorConfig(hidden_dim=32))
    instances = collate([sample("bfs", 32, 16, np.random.default_rng(0))])
    network.loss(instances).backward()
    network.eval()
    network.predict(instances)  # for graphlab.algorithms.metrics.score

References:
    Velickovic et al., The CLRS Algorithmic Reasoning Benchmark, ICML 2022.
    Ibarz et al., A Generalist Neural Algorithmic Learner, LoG 2022.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from graphlab.algorithms.algorithm import Algorithm, Probe
from graphlab.algorithms.metrics import uncyclic
from graphlab.core.errors import InputError
from graphlab.model.algorithmic.decoders import Decoder, Order, Rows, feed_back
from graphlab.model.algorithmic.encoders import Encoder, Features, add, numbers
from graphlab.model.algorithmic.instances import Instances, layout
from graphlab.model.algorithmic.losses import entries, mean
from graphlab.model.algorithmic.processors import ProcessorConfig, State, processor_class

Scores = dict[str, Tensor | Order]


@dataclass(frozen=True)
class Prediction:
    """Scores of all probes, as `Decoder` gives them.

    Attributes:
        outputs: Of each instance at its own last step.
        hints: Of each step: those of the next step; empty without hints.
        penalty: The mean over steps of what the processor adds to the loss; None where it adds nothing.
    """

    outputs: Scores
    hints: list[Scores]
    penalty: Tensor | None = None


class Network(nn.Module):
    """A network that runs as many steps as the longest trajectory has, less one.

    Each step sees the inputs and the hints of the step before: in training the true ones, or with probability
    1 - `teacher_forcing` for each instance and step its own, as probabilities; in evaluation always its own, as the
    likeliest values. The first step sees the true first hints. Without hints, it sees inputs alone.

    Args:
        algorithm: What is learned.
        processor: The name of a processor.
        config: Its settings.
        hints: Whether hints are seen and predicted.
        teacher_forcing: Probability, for each instance and step, that training sees the true hints.

    Raises:
        UnknownNameError: No processor has that name.
        InputError: A setting is out of its range.
    """

    def __init__(
        self,
        algorithm: Algorithm,
        processor: str,
        config: ProcessorConfig | None = None,
        *,
        hints: bool = True,
        teacher_forcing: float = 0.5,
    ) -> None:
        super().__init__()
        if not 0 <= teacher_forcing <= 1:
            raise InputError(f"teacher forcing cannot be {teacher_forcing}", hint="a probability is in [0, 1]")
        config = ProcessorConfig() if config is None else config
        build = processor_class(processor)
        self.algorithm, self.teacher_forcing, self.layout = algorithm, teacher_forcing, layout(algorithm)
        self.hint_probes = self.layout.hints if hints else ()
        dim = config.hidden_dim
        self.processor = build(config)
        self.inputs = Encoder(self.layout.inputs, dim)
        self.hints = Encoder(self.hint_probes, dim) if self.hint_probes else None
        pair_dim = 2 * dim if self.processor.gives_pairs else dim
        self.decoders = nn.ModuleDict(
            {
                _key(probe): Decoder(probe, 3 * dim, pair_dim, dim, dim)
                for probe in (*self.layout.outputs, *self.hint_probes)
            }
        )

    def forward(self, instances: Instances, *, keep_hints: bool = True) -> Prediction:
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
        there, last = instances.there, (instances.lengths - 2).clamp(min=0)
        seen = self.inputs(self._numbers(self.layout.inputs, instances.inputs, there), there)
        state = self.processor.start(there)
        outputs: Scores = {}
        hints: list[Scores] = []
        penalties: list[Tensor] = []
        for step in range(instances.num_steps):
            features = seen
            if self.hints is not None:
                features = add(seen, self.hints(self._current(instances, step, hints, there), there))
            before, state = state, self.processor(features, state)
            if state.penalty is not None:
                penalties.append(state.penalty)
            rows = _rows(features, before, state)
            predicted = {probe.name: self.decoders[_key(probe)](rows) for probe in self.hint_probes}
            if not keep_hints:
                hints.clear()
            hints.append(predicted)
            ends = last == step
            if bool(ends.any()):
                for probe in self.layout.outputs:
                    outputs[probe.name] = _replaced(outputs.get(probe.name), self.decoders[_key(probe)](rows), ends)
        penalty = torch.stack(penalties).mean() if penalties else None
        return Prediction(outputs, hints if self.hint_probes else [], penalty)

    def _current(self, instances: Instances, step: int, hints: list[Scores], there: Tensor) -> dict[str, Tensor]:
        """The hints that a step sees."""
        if step and not self.training:
            return self._own(hints[-1], hard=True)
        true = self._numbers(self.hint_probes, {name: hint[step] for name, hint in instances.hints.items()}, there)
        if not step or self.teacher_forcing == 1:
            return true
        own = self._own(hints[-1], hard=False)
        forced = torch.rand(len(instances), device=there.device) < self.teacher_forcing
        return {name: torch.where(_as_wide(forced, own[name]), true[name], own[name]) for name in true}

    def _own(self, scores: Scores, *, hard: bool) -> dict[str, Tensor]:
        fed = {}
        for probe in self.hint_probes:
            predicted = scores[probe.name]
            assert isinstance(predicted, Tensor)
            fed[probe.name] = feed_back(probe, predicted, hard=hard)
        return fed

    def _require_hints(self, instances: Instances) -> None:
        steps, longest = [len(instances.hints[probe.name]) for probe in self.hint_probes], int(instances.lengths.max())
        if steps and min(steps) < longest:
            raise InputError(
                f"instances have hints of {min(steps)} steps, and trajectories of {longest}",
                hint="the first hint is enough to predict, but not to train",
            )

    def _numbers(self, probes: tuple[Probe, ...], values: dict[str, Tensor], there: Tensor) -> dict[str, Tensor]:
        dtype = next(self.parameters()).dtype
        return {probe.name: numbers(probe, values[probe.name], there.shape[1], dtype) for probe in probes}

    def losses(self, instances: Instances, prediction: Prediction | None = None) -> dict[str, Tensor]:
        """The loss of each output, and of each hint over the steps that each instance has; and `penalty`, where the
        processor has one.

        Raises:
            InputError: As `forward`, or the instances lack hints.
        """
        self._require_hints(instances)
        scores: Prediction = self(instances) if prediction is None else prediction
        there = instances.there
        losses = {
            probe.name: mean(*entries(probe, scores.outputs[probe.name], instances.outputs[probe.name], there))
            for probe in self.layout.outputs
        }
        for probe in self.hint_probes:
            steps = [self._hint_entries(probe, instances, step, hints) for step, hints in enumerate(scores.hints)]
            if steps and len(instances.hints[probe.name]) > 1:
                losses[probe.name] = mean(*(torch.stack(part) for part in zip(*steps, strict=True)))
        if scores.penalty is not None:
            losses["penalty"] = scores.penalty
        return losses

    def _hint_entries(self, probe: Probe, instances: Instances, step: int, scores: Scores) -> tuple[Tensor, Tensor]:
        truth = instances.hints[probe.name]
        following = truth[min(step + 1, len(truth) - 1)]
        loss, kept = entries(probe, scores[probe.name], following, instances.there)
        return loss, kept & _as_wide(instances.lengths > step + 1, kept)

    def loss(self, instances: Instances) -> Tensor:
        """The sum of all losses."""
        return torch.stack(list(self.losses(instances).values())).sum()

    @torch.no_grad()
    def predict(self, instances: Instances) -> dict[str, np.ndarray]:
        """Outputs of instances of one size, in the form that `graphlab.algorithms.metrics.score` takes.

        Raises:
            InputError: The network is in training mode, or sizes differ.
        """
        if self.training:
            raise InputError("a network in training mode sees true hints", hint="put it in evaluation mode first")
        if bool((instances.sizes != instances.num_nodes).any()):
            raise InputError("instances of different sizes have no one array", hint="predict each size by itself")
        outputs = self(instances, keep_hints=False).outputs
        return {probe.name: _answer(probe, outputs[probe.name]) for probe in self.layout.outputs}


def _key(probe: Probe) -> str:
    """The name of a decoder: an output and a hint may share theirs."""
    return f"{probe.stage}_{probe.name}"


def _rows(features: Features, before: State, after: State) -> Rows:
    node = torch.cat([features.node, before.node, after.node], dim=-1)
    pair = features.pair if after.pair is None else torch.cat([features.pair, after.pair], dim=-1)
    return Rows(node, pair, features.graph, features.there)


def _as_wide(flags: Tensor, like: Tensor) -> Tensor:
    """One flag an instance, with as many axes as `like`."""
    return flags.view(-1, *(1,) * (like.dim() - 1))


def _replaced(old: Tensor | Order | None, new: Tensor | Order, where: Tensor) -> Tensor | Order:
    """The new scores of some instances, and the old ones of the rest."""
    if old is None:
        return new
    if isinstance(old, Order):
        assert isinstance(new, Order)
        return Order(*(torch.where(_as_wide(where, part), part, former) for former, part in zip(old, new, strict=True)))
    assert isinstance(new, Tensor)
    return torch.where(_as_wide(where, new), new, old)


def _answer(probe: Probe, scores: Tensor | Order) -> np.ndarray:
    if isinstance(scores, Order):
        return uncyclic(scores.log_matrix.argmax(-1).numpy(force=True), scores.first.numpy(force=True))
    if probe.type == "pointer":
        return scores.argmax(-1).numpy(force=True)
    return (scores.sigmoid() if probe.type == "mask" else scores).numpy(force=True)
