"""Probes to features of nodes, pairs of nodes and graphs, as in CLRS-30.

The features of a location are the sum of one linear map for each probe. A pointer of a node is a one-hot row of pairs.
A pointer of a pair is a one-hot row of triples, and its pairs see two means of it: over the first and over the second
node of the pairs that point.

References:
    Velickovic et al., The CLRS Algorithmic Reasoning Benchmark, ICML 2022.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from graphlab.algorithms.algorithm import MASKED, Location, Probe
from graphlab.model.algorithmic.instances import Tensors, pairs_there, valid

LOCATIONS: tuple[Location, ...] = ("node", "edge", "graph")


def linear(in_dim: int, out_dim: int, bias: float = 0.0) -> nn.Linear:
    """A linear map that starts as in the benchmark: from a truncated normal distribution of variance 1 / in_dim."""
    layer = nn.Linear(in_dim, out_dim)
    spread = 1 / math.sqrt(max(in_dim, 1))
    nn.init.trunc_normal_(layer.weight, std=spread, a=-2 * spread, b=2 * spread)
    nn.init.constant_(layer.bias, bias)
    return layer


def numbers(probe: Probe, values: Tensor, num_nodes: int, dtype: torch.dtype) -> Tensor:
    """Values of a probe as networks see them, and as decoders predict them after `feed_back`.

    Shapes, with `...` the batch and the location:
        value, mask, mask-one: `...` as they are
        class: `..., classes` one-hot; all `MASKED` where the class is
        pointer, permutation: `..., n` one-hot
    """
    if probe.type == "class":
        hot = F.one_hot(values.clamp(min=0), probe.size).to(dtype)
        return hot.masked_fill((values == MASKED).unsqueeze(-1), MASKED)
    if probe.type in ("pointer", "permutation"):
        return F.one_hot(values, num_nodes).to(dtype)
    return values.to(dtype)


class Channels(NamedTuple):
    """Where a probe is encoded, and as how many numbers."""

    location: Location
    width: int


def channels(probe: Probe) -> Channels:
    if probe.type in ("pointer", "permutation"):
        return Channels("edge", 2 if probe.location == "edge" else 1)
    return Channels(probe.location, probe.size if probe.type == "class" else 1)


class Features(NamedTuple):
    """What a processor sees.

    Shapes:
        node: `[B, n, dim]`
        pair: `[B, n, n, dim]`
        graph: `[B, dim]`
        adjacency: bool `[B, n, n]`: a node with itself, or nodes that a mask of pairs or a pointer joins, either way
        there: bool `[B, n]`, whether a place has a node
    """

    node: Tensor
    pair: Tensor
    graph: Tensor
    adjacency: Tensor
    there: Tensor


class Encoder(nn.Module):
    """Probes to features. The maps of one location are the columns of one matrix, and share a bias.

    Args:
        probes: What is encoded.
        dim: Width of the features.
    """

    def __init__(self, probes: Sequence[Probe], dim: int) -> None:
        super().__init__()
        self.probes, self.dim = tuple(probes), dim
        self.maps = nn.ModuleDict()
        for location in LOCATIONS:
            members = [probe for probe in self.probes if channels(probe).location == location]
            if members:
                self.maps[location] = self._joined([linear(channels(probe).width, dim) for probe in members])
                self._spread_hints(self.maps[location], members)

    def _joined(self, layers: list[nn.Linear]) -> nn.Linear:
        whole = nn.Linear(sum(layer.in_features for layer in layers), self.dim)
        with torch.no_grad():
            whole.weight.copy_(torch.cat([layer.weight for layer in layers], dim=1))
            whole.bias.zero_()
        return whole

    def _spread_hints(self, layer: nn.Module, members: list[Probe]) -> None:
        """Real-valued hints start with small weights, as in Ibarz et al., LoG 2022: they are fed back."""
        assert isinstance(layer, nn.Linear)
        column = 0
        for probe in members:
            if probe.stage == "hint" and probe.type == "value":
                with torch.no_grad():
                    layer.weight[:, column] /= math.sqrt(self.dim)
            column += channels(probe).width

    def forward(self, values: Tensors, there: Tensor) -> Features:
        """Features of the probes; zero where no probe is, and where no node is.

        Args:
            values: Of all probes, as `numbers` gives them.
            there: bool `[B, n]`.
        """
        columns: dict[Location, list[Tensor]] = {location: [] for location in LOCATIONS}
        pairs = pairs_there(there)
        adjacency = torch.eye(there.shape[1], dtype=torch.bool, device=there.device) & pairs
        for probe in self.probes:
            value = self._clean(probe, values[probe.name], there)
            if channels(probe).location == "edge" and probe.location == "edge" and probe.type == "pointer":
                count = there.sum(1).view(-1, 1, 1)
                columns["edge"] += [value.sum(1) / count, value.sum(2) / count]
                continue
            if channels(probe).location == "edge" and probe.type in ("pointer", "permutation", "mask"):
                joined = value + value.transpose(1, 2)
                adjacency = adjacency | ((joined > (0 if probe.type == "mask" else 0.5)) & pairs)
            if probe.type == "class":
                columns[probe.location] += value.unbind(-1)
            else:
                columns[channels(probe).location].append(value)
        batch, size = there.shape
        like = next(self.parameters())
        return Features(
            self._encode("node", columns, like.new_zeros(batch, size, self.dim)) * there.unsqueeze(-1),
            self._encode("edge", columns, like.new_zeros(batch, size, size, self.dim)) * pairs.unsqueeze(-1),
            self._encode("graph", columns, like.new_zeros(batch, self.dim)),
            adjacency,
            there,
        )

    def _encode(self, location: Location, columns: dict[Location, list[Tensor]], empty: Tensor) -> Tensor:
        return self.maps[location](torch.stack(columns[location], dim=-1)) if columns[location] else empty

    @staticmethod
    def _clean(probe: Probe, value: Tensor, there: Tensor) -> Tensor:
        """Zero where no node points; what is padded is 0 as a pointer, which is a node."""
        kept = valid(probe, there)
        return value * kept.view(*kept.shape, *(1,) * (value.dim() - kept.dim()))


def add(first: Features, second: Features) -> Features:
    """Features of the probes of both."""
    return Features(
        first.node + second.node,
        first.pair + second.pair,
        first.graph + second.graph,
        first.adjacency | second.adjacency,
        first.there,
    )
