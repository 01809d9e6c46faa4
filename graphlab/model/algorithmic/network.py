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

import numpy as np
import torch
from torch import Tensor, nn

from graphlab.algorithms.algorithm import Algorithm, Location, Probe
from graphlab.algorithms.metrics import uncyclic
from graphlab.core.errors import InputError
from graphlab.model.algorithmic.decoders import Decoder, Order, Rows, feed_back
from graphlab.model.algorithmic.encoders import Encoder, Features, add, numbers
from graphlab.model.algorithmic.instances import Instances
from graphlab.model.algorithmic.losses import entries
from graphlab.model.algorithmic.processors import ProcessorConfig, State, processor_class
from graphlab.model.algorithmic.stepwise import StepwiseNetwork, decoder_key


class Network(StepwiseNetwork[Instances, Features, Rows]):
    """A network of an algorithm on matrices, see `StepwiseNetwork`.

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
        super().__init__(algorithm, hints=hints, teacher_forcing=teacher_forcing)
        config = ProcessorConfig() if config is None else config
        dim = config.hidden_dim
        self.processor = processor_class(processor)(config)
        self.inputs = Encoder(self.layout.inputs, dim)
        self.hints = Encoder(self.hint_probes, dim) if self.hint_probes else None
        pair_dim = 2 * dim if self.processor.gives_pairs else dim
        self.decoders = nn.ModuleDict(
            {
                decoder_key(probe): Decoder(probe, 3 * dim, pair_dim, dim, dim)
                for probe in (*self.layout.outputs, *self.hint_probes)
            }
        )

    def start(self, instances: Instances) -> State:
        return self.processor.start(instances.there)

    def encode_inputs(self, instances: Instances) -> Features:
        values = {
            probe.name: self.numbers(probe, instances.inputs[probe.name], instances) for probe in self.layout.inputs
        }
        return self.inputs(values, instances.there)

    def add_hints(self, features: Features, hints: dict[str, Tensor], instances: Instances) -> Features:
        assert self.hints is not None
        return add(features, self.hints(hints, instances.there))

    def advance(self, features: Features, state: State, instances: Instances) -> tuple[State, Rows]:
        after: State = self.processor(features, state)
        node = torch.cat([features.node, state.node, after.node], dim=-1)
        pair = features.pair if after.pair is None else torch.cat([features.pair, after.pair], dim=-1)
        return after, Rows(node, pair, features.graph, features.there)

    def decode(self, probe: Probe, rows: Rows) -> Tensor | Order:
        return self.decoders[decoder_key(probe)](rows)

    def numbers(self, probe: Probe, values: Tensor, instances: Instances) -> Tensor:
        return numbers(probe, values, instances.num_nodes, next(self.parameters()).dtype)

    def feed_back(self, probe: Probe, scores: Tensor, instances: Instances, *, hard: bool) -> Tensor:
        return feed_back(probe, scores, hard=hard)

    def entries(
        self, probe: Probe, predicted: Tensor | Order, truth: Tensor, instances: Instances
    ) -> tuple[Tensor, Tensor]:
        return entries(probe, predicted, truth, instances.there)

    def spread(self, flags: Tensor, like: Tensor, location: Location, instances: Instances) -> Tensor:
        return flags.view(-1, *(1,) * (like.dim() - 1))

    def answer(self, probe: Probe, scores: Tensor | Order, instances: Instances) -> np.ndarray:
        if isinstance(scores, Order):
            return uncyclic(scores.log_matrix.argmax(-1).numpy(force=True), scores.first.numpy(force=True))
        if probe.type == "pointer":
            return scores.argmax(-1).numpy(force=True)
        return (scores.sigmoid() if probe.type == "mask" else scores).numpy(force=True)

    def predict(self, instances: Instances) -> dict[str, np.ndarray]:
        """Outputs of instances of one size, in the form that `graphlab.algorithms.metrics.score` takes.

        Raises:
            InputError: The network is in training mode, or sizes differ.
        """
        self._require_equal_sizes(instances)
        return super().predict(instances)

    def predict_hints(self, instances: Instances) -> list[dict[str, np.ndarray]]:
        self._require_equal_sizes(instances)
        return super().predict_hints(instances)

    def _require_equal_sizes(self, instances: Instances) -> None:
        if not self.training and bool((instances.sizes != instances.num_nodes).any()):
            raise InputError("instances of different sizes have no one array", hint="predict each size by itself")
