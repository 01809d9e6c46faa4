"""Trajectories of sparse algorithms as tensors, and probes to features and back, on lists of edges.

What `encoders`, `decoders` and `losses` do on matrices, with the same formulas and the same maps, where the edges of
the list and a loop at each node take the place of all pairs. A pointer i -> j is the edge j -> i, one of those that end
at i, and its probability a softmax over them: a node points at a neighbour or at itself. That edge is marked where the
pointer is seen, on matrices the pair (i, j). Memory grows with the edges.

References:
    Minder et al., SALSA-CLRS: A Sparse and Scalable Benchmark for Algorithmic Reasoning, LoG 2023.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from graphlab.algorithms.algorithm import MASKED, Algorithm, Location, Probe
from graphlab.algorithms.sparse.trajectory import SparseBatch, first_hints
from graphlab.core.errors import InputError
from graphlab.model.algorithmic.decoders import Decoder
from graphlab.model.algorithmic.encoders import LOCATIONS, Encoder, channels


@dataclass(frozen=True)
class SparseInstances:
    """Trajectories of one sparse algorithm, joined to one graph, with a loop at each node behind the edges.

    Pointers are places in the list of edges. Hints are zero, and pointers loops, after the length of each trajectory.

    Shapes, by location of the probe (node, edge, graph), for N nodes and E edges in all and B graphs:
        inputs, outputs: `[N]`, `[E + N]`, `[B]`
        hints: `[steps, N]`, `[steps, E + N]`, `[steps, B]`; the first step alone is enough to predict
        edge_index: `[2, E + N]`
        graph: `[N]`, the graph of each node
        lengths: `[B]`, the number of steps of each
    """

    algorithm: Algorithm
    edge_index: Tensor
    graph: Tensor
    inputs: dict[str, Tensor]
    hints: dict[str, Tensor]
    outputs: dict[str, Tensor]
    lengths: Tensor

    @property
    def source(self) -> Tensor:
        return self.edge_index[0]

    @property
    def target(self) -> Tensor:
        return self.edge_index[1]

    @property
    def num_steps(self) -> int:
        """How often a network steps: from each step of the longest trajectory to the next one, and at least once."""
        return max(int(self.lengths.max()) - 1, 1)

    def graph_of(self, location: Location) -> Tensor:
        """The graph of each row of a location."""
        if location == "graph":
            return torch.arange(len(self), device=self.graph.device)
        return self.graph if location == "node" else self.graph[self.target]

    def __len__(self) -> int:
        return len(self.lengths)

    def to(self, device: torch.device | str) -> SparseInstances:
        """The same on a device."""
        inputs, hints, outputs = (
            {name: values.to(device) for name, values in part.items()}
            for part in (self.inputs, self.hints, self.outputs)
        )
        edge_index, graph, lengths = (part.to(device) for part in (self.edge_index, self.graph, self.lengths))
        return SparseInstances(self.algorithm, edge_index, graph, inputs, hints, outputs, lengths)


def collate(batch: SparseBatch, dtype: torch.dtype = torch.float32) -> SparseInstances:
    """A batch of trajectories as tensors.

    Args:
        batch: With hints to train on it; without them, the first hints are traced.
        dtype: Of real-valued probes.

    Raises:
        InputError: A pointer is neither to the node itself nor along an edge that ends at the node.
    """
    num_nodes = int(batch.num_nodes.sum())
    nodes = np.arange(num_nodes)
    edges = np.concatenate([batch.edge_index, np.stack([nodes, nodes])], axis=1)
    ended = np.arange(max(int(batch.lengths.max()), 1))[:, None] >= batch.lengths[batch.graph]
    places = _Places(batch.edge_index, num_nodes)

    def tensor(probe: Probe, array: np.ndarray) -> Tensor:
        if probe.type == "pointer":
            array = np.where(ended[: len(array)], nodes, array) if array.ndim == 2 else array
            array = places.of(probe.name, array)
        if probe.location == "edge":
            array = np.concatenate([array, np.zeros((*array.shape[:-1], num_nodes), array.dtype)], axis=-1)
        return torch.from_numpy(np.ascontiguousarray(array)).to(dtype if probe.type == "value" else torch.int64)

    chosen = batch.algorithm
    hints = batch.hints or first_hints(batch)
    return SparseInstances(
        chosen,
        torch.from_numpy(edges),
        torch.from_numpy(batch.graph),
        {probe.name: tensor(probe, batch.inputs[probe.name]) for probe in chosen.stage("input")},
        {probe.name: tensor(probe, hints[probe.name]) for probe in chosen.stage("hint")},
        {probe.name: tensor(probe, batch.outputs[probe.name]) for probe in chosen.stage("output")},
        torch.from_numpy(batch.lengths),
    )


class _Places:
    """Where the edges are in their list."""

    def __init__(self, edge_index: np.ndarray, num_nodes: int) -> None:
        self.num_nodes, self.num_edges = num_nodes, edge_index.shape[1]
        keys = edge_index[1] * num_nodes + edge_index[0]
        self.order = np.argsort(keys)
        self.keys = keys[self.order]

    def of(self, name: str, pointers: np.ndarray) -> np.ndarray:
        """The place of the edge from what each node points at to the node, `[..., N]`."""
        nodes = np.arange(self.num_nodes)
        loops = np.broadcast_to(self.num_edges + nodes, pointers.shape)
        wanted = nodes * self.num_nodes + pointers
        at = np.minimum(np.searchsorted(self.keys, wanted), max(self.num_edges - 1, 0))
        points_at_itself = pointers == nodes
        along = self.keys[at] == wanted if self.num_edges else np.zeros(wanted.shape, bool)
        if not (along | points_at_itself).all():
            raise InputError(
                f"{name} has a pointer that is no edge", hint="a node points at itself or along an edge that ends at it"
            )
        return np.where(points_at_itself, loops, self.order[at]) if self.num_edges else loops


class SparseFeatures(NamedTuple):
    """What a step sees.

    Shapes:
        node: `[N, dim]`
        edge: `[E + N, dim]`
        graph: `[B, dim]`
    """

    node: Tensor
    edge: Tensor
    graph: Tensor


def add(first: SparseFeatures, second: SparseFeatures) -> SparseFeatures:
    """Features of the probes of both."""
    return SparseFeatures(*(left + right for left, right in zip(first, second, strict=True)))


def encode(encoder: Encoder, values: dict[str, Tensor], instances: SparseInstances) -> SparseFeatures:
    """Features of the probes of an encoder, with its maps; zero where no probe is.

    Args:
        encoder: Of the probes.
        values: Of all its probes, as `numbers` gives them.
        instances: Whose they are.
    """
    columns: dict[Location, list[Tensor]] = {location: [] for location in LOCATIONS}
    for probe in encoder.probes:
        value = values[probe.name]
        columns[channels(probe).location] += value.unbind(-1) if probe.type == "class" else [value]
    sizes = (len(instances.graph), instances.edge_index.shape[1], len(instances))
    like = next(encoder.parameters())
    return SparseFeatures(
        *(
            encoder.maps[location](torch.stack(columns[location], dim=-1))
            if columns[location]
            else like.new_zeros(size, encoder.dim)
            for location, size in zip(LOCATIONS, sizes, strict=True)
        )
    )


def numbers(probe: Probe, values: Tensor, instances: SparseInstances, dtype: torch.dtype) -> Tensor:
    """Values of a probe as networks see them.

    Shapes, by location `...` of the probe:
        value, mask, mask-one: `...` as they are
        class: `..., classes` one-hot; all `MASKED` where the class is
        pointer: `[E + N]`, 1 at the edges that are pointed along
    """
    if probe.type == "class":
        hot = F.one_hot(values.clamp(min=0), probe.size).to(dtype)
        return hot.masked_fill((values == MASKED).unsqueeze(-1), MASKED)
    if probe.type == "pointer":
        return torch.zeros(instances.edge_index.shape[1], dtype=dtype, device=values.device).index_fill(0, values, 1)
    return values.to(dtype)


class SparseRows(NamedTuple):
    """What is decoded.

    Shapes:
        node: `[N, node_dim]`
        edge: `[E + N, dim]`
        graph: `[B, dim]`
    """

    node: Tensor
    edge: Tensor
    graph: Tensor
    instances: SparseInstances


def require_decodable(probes: Sequence[Probe]) -> None:
    """Raises InputError for probes of types that no sparse algorithm has."""
    for probe in probes:
        if probe.type == "permutation" or (probe.location != "node" and probe.type in ("pointer", "mask-one")):
            raise InputError(
                f"{probe.name}, a {probe.type} of {probe.location}s, cannot be decoded on edge lists",
                hint="nodes may have pointers and a mask of one, edges and graphs values, masks and classes",
            )


def decode(decoder: Decoder, rows: SparseRows) -> Tensor:
    """The scores of a probe, with the maps of a decoder.

    Shapes, by location `...` of the probe:
        value, mask, mask-one: `...`
        class: `..., classes`
        pointer: `[E + N]`, those of the edges that end at a node are compared
    """
    instances, probe = rows.instances, decoder.probe
    if decoder.points:
        assert decoder.target is not None and decoder.pair is not None and decoder.score is not None
        towards = decoder.target(rows.node)[instances.source] + decoder.pair(rows.edge)
        return decoder.score(torch.maximum(decoder.source(rows.node)[instances.target], towards)).squeeze(-1)
    match probe.location:
        case "node":
            scores = decoder.source(rows.node)
        case "edge":
            assert decoder.target is not None and decoder.pair is not None
            scores = decoder.source(rows.node)[instances.source] + decoder.target(rows.node)[instances.target]
            scores = scores + decoder.pair(rows.edge)
        case _:
            assert decoder.target is not None
            largest = segment_max(rows.node, instances.graph, len(instances))
            scores = decoder.target(largest) + decoder.source(rows.graph)
    return scores if probe.type == "class" else scores.squeeze(-1)


def feed_back(probe: Probe, scores: Tensor, instances: SparseInstances, *, hard: bool) -> Tensor:
    """A predicted hint as `numbers` gives a true one: the likeliest without a gradient, or probabilities."""
    match probe.type:
        case "value":
            return scores.detach() if hard else scores
        case "mask":
            return (scores > 0).to(scores.dtype) if hard else scores.sigmoid()
        case "class":
            return F.one_hot(scores.argmax(-1), probe.size).to(scores.dtype) if hard else scores.softmax(-1)
        case _:
            segment, count = _compared(probe, instances)
            if hard:
                return torch.zeros_like(scores).index_fill(0, segment_argmax(scores, segment, count), 1)
            return segment_log_softmax(scores, segment, count).exp()


def entries(probe: Probe, predicted: Tensor, truth: Tensor, instances: SparseInstances) -> tuple[Tensor, Tensor]:
    """The loss of each entry of a probe, and whether the entry counts: what `losses.entries` computes on matrices.

    Shapes:
        both: `[B]` for mask-one, else `[N]`, `[E + N]` or `[B]`, by location
    """
    kept = torch.ones(truth.shape, dtype=torch.bool, device=truth.device)
    if probe.location == "edge":
        kept = torch.arange(len(truth), device=truth.device) < len(truth) - len(instances.graph)
    match probe.type:
        case "value":
            return (predicted - truth) ** 2, kept
        case "mask":
            target = truth.clamp(min=0).to(predicted.dtype)
            loss = F.binary_cross_entropy_with_logits(predicted, target, reduction="none")
            return loss, kept & (truth != MASKED)
        case "class":
            logits = predicted.log_softmax(-1)
            return -logits.gather(-1, truth.clamp(min=0).unsqueeze(-1)).squeeze(-1), kept & (truth != MASKED)
        case "mask-one":
            segment, count = _compared(probe, instances)
            likely, positive = segment_log_softmax(predicted, segment, count), truth == 1
            loss = likely.new_zeros(count).index_add(0, segment, torch.where(positive, -likely, 0))
            return loss, torch.zeros_like(loss).index_add(0, segment, positive.to(loss.dtype)) > 0
        case _:
            segment, count = _compared(probe, instances)
            return -segment_log_softmax(predicted, segment, count)[truth], kept


def answer(probe: Probe, scores: Tensor, instances: SparseInstances) -> np.ndarray:
    """A prediction in the form that `graphlab.algorithms.sparse.metrics.scores` takes."""
    if probe.type == "pointer":
        return instances.source[segment_argmax(scores, *_compared(probe, instances))].numpy(force=True)
    return (scores.sigmoid() if probe.type == "mask" else scores).numpy(force=True)


def _compared(probe: Probe, instances: SparseInstances) -> tuple[Tensor, int]:
    """Which scores are compared with each other: those of the edges that end at a node, or of the nodes of a graph."""
    if probe.type == "pointer":
        return instances.target, len(instances.graph)
    return instances.graph, len(instances)


def segment_max(rows: Tensor, segment: Tensor, count: int) -> Tensor:
    """The maximum of the rows of each segment, `[n, dim]` to `[count, dim]`; no segment is empty."""
    index = segment.view(-1, *(1,) * (rows.dim() - 1)).expand_as(rows)
    return rows.new_zeros(count, *rows.shape[1:]).scatter_reduce(0, index, rows, "amax", include_self=False)


def segment_log_softmax(scores: Tensor, segment: Tensor, count: int) -> Tensor:
    """The logarithm of the softmax over the scores of each segment, `[n]`."""
    shifted = scores - segment_max(scores.detach(), segment, count)[segment]
    return shifted - scores.new_zeros(count).index_add(0, segment, shifted.exp()).log()[segment]


def segment_argmax(scores: Tensor, segment: Tensor, count: int) -> Tensor:
    """The first place of the largest score of each segment, `[count]`."""
    places = torch.arange(len(scores), device=scores.device)
    is_largest = scores == segment_max(scores, segment, count)[segment]
    return segment.new_full((count,), len(scores)).scatter_reduce(
        0, segment[is_largest], places[is_largest], "amin", include_self=False
    )
