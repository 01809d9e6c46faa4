"""All networks of an elastic space on the weights of the largest. Cai et al. (Once-for-All), ICLR 2020.

A network of the space is the model `gnn-micro` itself, called with slices of these weights: what it computes is what it
computes once its slices are cut out and loaded into it, to the bit.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, ClassVar

from torch import Tensor
from torch_geometric.data import Data

from graphlab.core.errors import ConfigError
from graphlab.data.spec import DataSpec
from graphlab.model.zoo.gnn_micro import GNNMicro
from graphlab.nas.core.space import Architecture
from graphlab.nas.elastic.slices import build, run_with, skeleton, slices
from graphlab.nas.elastic.space import ElasticSpace
from graphlab.nas.oneshot.supernets import Supernet

REMEMBERED = 512
"""Networks without numbers that are kept, the latest."""


class ElasticSupernet(Supernet):
    """batch.x as vectors `[num_nodes, d]`, batch.edge_index `[2, E]` -> `[num_nodes, out_dim]`.

    Attributes:
        space: Of the networks.
        largest: That of the most layers, heads and channels, whose parameters are the supernet's.

    Raises:
        ConfigError: Widths or channels are to be divided.
    """

    space: ClassVar[ElasticSpace]
    mixes = False

    def __init__(self, config: Any, spec: DataSpec, shrink: int, partial: int) -> None:
        super().__init__(config, spec, shrink, partial)
        if shrink != 1 or partial != 1:
            raise ConfigError(
                f"networks of {self.space.name} are cut out of the supernet, so that it is as wide as the largest",
                hint="set strategy.shrink=1",
            )
        self._dropout, self._spec = config.dropout, spec
        self.largest = build(self.space.settings(self.space.largest())[1], config.dropout, spec)
        self.out_dim = self.largest.out_dim
        self._skeleton = lru_cache(REMEMBERED)(self._make_skeleton)

    def forward(self, batch: Data) -> Tensor:
        values = self.chosen()
        network = self._network(values).train(self.training)
        return run_with(network, slices(self.largest, network), batch)

    def chosen(self) -> Architecture:
        """The architecture whose path the mixture is."""
        places = {name: weights.nonzero().flatten().tolist() for name, weights in self.mixture.items()}
        options = {decision.name: decision.options for decision in self.space.decisions}
        return {name: options[name][place[0]] for name, place in places.items() if place}

    def weights_of(self, values: Architecture) -> dict[str, Tensor]:
        """The parameters of a network, by their names in the model."""
        return {name: part.detach().clone() for name, part in slices(self.largest, self._network(values)).items()}

    def count(self, values: Architecture) -> int:
        """The parameters of a network."""
        return sum(parameter.numel() for parameter in self._network(values).parameters())

    def parameter_groups(self, weight_decay: float) -> list[dict[str, Any]]:
        """Those of the largest network."""
        return self.largest.parameter_groups(weight_decay)

    def _network(self, values: Architecture) -> GNNMicro:
        return self._skeleton(tuple(values.items()))

    def _make_skeleton(self, values: tuple[tuple[str, Any], ...]) -> GNNMicro:
        network = skeleton(self.space.settings(dict(values))[1], self._dropout, self._spec)
        network.read_as(self.largest)
        return network
