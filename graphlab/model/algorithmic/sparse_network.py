"""The network of one sparse algorithm: encode, pass messages along edges, and decode, step after step.

    network = SparseNetwork(algorithm("bfs"), "pgn", ProcessorConfig(hidden_dim=32))
    instances = collate(batch(list(sample_split("bfs", "train", count=32))))
    network.loss(instances).backward()
    network.eval()
    network.predict(instances)  # for graphlab.algorithms.sparse.metrics.scores

References:
    Minder et al., SALSA-CLRS: A Sparse and Scalable Benchmark for Algorithmic Reasoning, LoG 2023.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from graphlab.algorithms.algorithm import Algorithm, Location, Probe
from graphlab.core.errors import InputError
from graphlab.model.algorithmic.decoders import Decoder, Order
from graphlab.model.algorithmic.edge_lists import (
    SparseFeatures,
    SparseInstances,
    SparseRows,
    add,
    answer,
    decode,
    encode,
    entries,
    feed_back,
    numbers,
    require_decodable,
    segment_max,
)
from graphlab.model.algorithmic.encoders import Encoder
from graphlab.model.algorithmic.messages import MPNN
from graphlab.model.algorithmic.processors import ProcessorConfig, State, processor_class
from graphlab.model.algorithmic.stepwise import StepwiseNetwork, decoder_key

PROCESSORS = ("pgn", "pgn-gated")
"""Processors whose messages go along edges alone."""


class SparseNetwork(StepwiseNetwork[SparseInstances, SparseFeatures, SparseRows]):
    """A network of an algorithm on edge lists, see `StepwiseNetwork`.

    A step computes what the processor computes on matrices whose adjacency is that of the edges, with a loop at each
    node, in time and memory of the edges.

    Args:
        algorithm: What is learned, of `graphlab.algorithms.sparse.problems`.
        processor: "pgn" or "pgn-gated".
        config: Its settings.
        hints: Whether hints are seen and predicted.
        teacher_forcing: Probability, for each instance and step, that training sees the true hints.

    Raises:
        UnknownNameError: No processor has that name.
        InputError: The processor needs rows of all pairs, or a setting is out of its range.
    """

    def __init__(
        self,
        algorithm: Algorithm,
        processor: str = "pgn",
        config: ProcessorConfig | None = None,
        *,
        hints: bool = True,
        teacher_forcing: float = 0.5,
    ) -> None:
        super().__init__(algorithm, hints=hints, teacher_forcing=teacher_forcing)
        config = ProcessorConfig() if config is None else config
        dim = config.hidden_dim
        self.processor = along_edges(processor, config)
        self.inputs = Encoder(self.layout.inputs, dim)
        self.hints = Encoder(self.hint_probes, dim) if self.hint_probes else None
        predicted = (*self.layout.outputs, *self.hint_probes)
        require_decodable(predicted)
        self.decoders = nn.ModuleDict(
            {decoder_key(probe): Decoder(probe, 3 * dim, dim, dim, dim) for probe in predicted}
        )

    def start(self, instances: SparseInstances) -> State:
        return State(next(self.parameters()).new_zeros(len(instances.graph), self.processor.dim), None)

    def encode_inputs(self, instances: SparseInstances) -> SparseFeatures:
        values = {
            probe.name: self.numbers(probe, instances.inputs[probe.name], instances) for probe in self.layout.inputs
        }
        return encode(self.inputs, values, instances)

    def add_hints(
        self, features: SparseFeatures, hints: dict[str, Tensor], instances: SparseInstances
    ) -> SparseFeatures:
        assert self.hints is not None
        return add(features, encode(self.hints, hints, instances))

    def advance(self, features: SparseFeatures, state: State, instances: SparseInstances) -> tuple[State, SparseRows]:
        after = State(pass_messages(self.processor, features, state.node, instances), None)
        node = torch.cat([features.node, state.node, after.node], dim=-1)
        return after, SparseRows(node, features.edge, features.graph, instances)

    def decode(self, probe: Probe, rows: SparseRows) -> Tensor:
        decoder = self.decoders[decoder_key(probe)]
        assert isinstance(decoder, Decoder)
        return decode(decoder, rows)

    def numbers(self, probe: Probe, values: Tensor, instances: SparseInstances) -> Tensor:
        return numbers(probe, values, instances, next(self.parameters()).dtype)

    def feed_back(self, probe: Probe, scores: Tensor, instances: SparseInstances, *, hard: bool) -> Tensor:
        return feed_back(probe, scores, instances, hard=hard)

    def entries(
        self, probe: Probe, predicted: Tensor | Order, truth: Tensor, instances: SparseInstances
    ) -> tuple[Tensor, Tensor]:
        assert isinstance(predicted, Tensor)
        return entries(probe, predicted, truth, instances)

    def spread(self, flags: Tensor, like: Tensor, location: Location, instances: SparseInstances) -> Tensor:
        return flags[instances.graph_of(location)].view(-1, *(1,) * (like.dim() - 1))

    def answer(self, probe: Probe, scores: Tensor | Order, instances: SparseInstances) -> np.ndarray:
        assert isinstance(scores, Tensor)
        return answer(probe, scores, instances)


def along_edges(name: str, config: ProcessorConfig) -> MPNN:
    """A processor whose messages go along edges. Raises InputError for one that needs all pairs."""
    build = processor_class(name)
    if name not in PROCESSORS:
        raise InputError(f"{name} computes on all pairs of nodes", hint=f"on edge lists use {' or '.join(PROCESSORS)}")
    processor = build(config)
    assert isinstance(processor, MPNN)
    return processor


def pass_messages(processor: MPNN, features: SparseFeatures, hidden: Tensor, instances: SparseInstances) -> Tensor:
    """The state of nodes `[N, dim]` after a step of the processor along the edges and loops."""
    z = torch.cat([features.node, hidden], dim=-1)
    messages = processor.source(z)[instances.source] + processor.target(z)[instances.target]
    messages = messages + processor.pair(features.edge) + processor.graph(features.graph)[instances.graph_of("edge")]
    received = segment_max(processor.mlp(messages), instances.target, len(z))
    return processor.update(z, received, hidden)
