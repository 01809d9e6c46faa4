"""Checkpoints of ULTRA, Galkin et al., ICLR 2024: a dict whose entry `model` is the state dict.

The published weights were trained with a compiled kernel that passes messages against the direction of every edge, in
the graph of relations too, and with head queries that mark the relation. Their code without the kernel passes them
along the edges; what it trains is imported with `model.edges=along`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

from graphlab.core.errors import InputError
from graphlab.data.spec import DataSpec
from graphlab.model.base import ModelConfig
from graphlab.model.weight_format import Rows, WeightFormat, Weights, depth, of_model, renamed, require

NAMES = {
    r"relation_model\.layers\.(\d+)\.relation\.weight": r"kinds.\1.weight",
    r"relation_model\.layers\.(\d+)\.layer_norm\.(weight|bias)": r"relation_steps.\1.norm.\2",
    r"relation_model\.layers\.(\d+)\.linear\.(weight|bias)": r"relation_steps.\1.update.\2",
    r"entity_model\.layers\.(\d+)\.relation_projection\.([02])\.(weight|bias)": r"projections.\1.\2.\3",
    r"entity_model\.layers\.(\d+)\.layer_norm\.(weight|bias)": r"entity_steps.\1.norm.\2",
    r"entity_model\.layers\.(\d+)\.linear\.(weight|bias)": r"entity_steps.\1.update.\2",
    r"entity_model\.mlp\.([02])\.(weight|bias)": r"readout.\1.\2",
}


class Ultra(WeightFormat):
    """ULTRA's published checkpoints, and those that its code trains."""

    models = ("ultra",)

    def settings(self, model: str, weights: Weights) -> dict[str, Any]:
        dim = require(weights, "relation_model.layers.0.relation.weight", 2).size(1)
        width = require(weights, "entity_model.layers.0.linear.weight", 2).size(1)
        layers = {part: depth(weights, rf"{part}_model\.layers\.(\d+)\.") for part in ("relation", "entity")}
        if len(set(layers.values())) > 1 or width != 2 * dim:
            raise InputError(
                f"the checkpoint has {layers['relation']} and {layers['entity']} layers that read {width} numbers",
                hint=f"ultra has as many of both, which read {2 * dim}, as the published ones do",
            )
        return {
            "dim": dim,
            "num_layers": layers["entity"],
            "aggregate": "sum",
            "layer_norm": "entity_model.layers.0.layer_norm.weight" in weights,
            "edges": "against",
            "head_queries": "relation",
        }

    def alternatives(self, model: str, config: ModelConfig) -> Sequence[Mapping[str, Any]]:
        """The other direction. What a head query marks costs little either way, and may be chosen."""
        edges = config.to_json()["edges"]
        return [{"model.edges": "along" if edges == "against" else "against"}]

    def convert(
        self, model: str, config: ModelConfig, spec: DataSpec, weights: Weights, rows: Rows
    ) -> dict[str, Tensor]:
        return of_model(renamed(weights, NAMES))
