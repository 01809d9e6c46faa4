"""Any point of the algebra of subgraph GNNs: aggregations a layer, a policy, a pooling. Zhang et al., ICML 2023.

h[u, v] <- relu(BN(sum over op of the layer of MLP_op((1 + eps_op) h[u, v] + op(h)[u, v]))), op one of the eight atomic
aggregations; the models `subgraph/...` are the points that the paper names, with the same aggregations in every layer.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Self

from pydantic import Field, model_validator

from graphlab.core.config import Choices
from graphlab.model.subgraph.aggregation import Aggregation
from graphlab.model.subgraph.network import Pooling, SubgraphConfig, SubgraphNetwork
from graphlab.model.zoo import subgraph

Set = Annotated[tuple[Aggregation, ...], Field(strict=False, min_length=1)]


class Config(SubgraphConfig):
    """As `SubgraphConfig`, and

    aggregations  sets of them, one a layer, the first layer first; or a single one, which all layers have
    pooling       VS, each root's tuples together, or SV, each node's
    """

    aggregations: Annotated[tuple[Set, ...], Field(strict=False, min_length=1)] = (("uL", "vL"),)
    pooling: Annotated[Pooling, Choices()] = "VS"

    @model_validator(mode="after")
    def _has_a_set_a_layer(self) -> Self:
        if len(self.aggregations) not in (1, self.num_layers):
            raise ValueError(f"{self.num_layers} layers need one set of aggregations or as many as layers")
        if any(len(set(one)) < len(one) for one in self.aggregations):
            raise ValueError("a layer has each aggregation once")
        return self


class SubgraphAlgebra(SubgraphNetwork):
    """Layers with sets of aggregations of their own."""

    citation = subgraph.SWLVS.citation

    @classmethod
    def sets(cls, config: Config) -> tuple[tuple[Aggregation, ...], ...]:  # pyright: ignore[reportIncompatibleMethodOverride]
        return config.aggregations * (config.num_layers if len(config.aggregations) == 1 else 1)

    @classmethod
    def pooled(cls, config: Config) -> Pooling:  # pyright: ignore[reportIncompatibleMethodOverride]
        return config.pooling


PRESETS = {
    where: replace(preset, ours=("model.aggregations", "model.pooling")) for where, preset in subgraph.PRESETS.items()
}
