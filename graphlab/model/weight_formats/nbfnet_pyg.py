"""NBFNet as its authors' code on PyG saves it, Zhu et al., NeurIPS 2021: a dict whose entry `model` is the state dict.

With its compiled kernel, which the published numbers come from, messages pass every edge against its direction and read
the vector of its relation: the same as along the edges with the vectors of r and r^-1 exchanged, which is how they are
stored here. The kernel has no `rotate`, which is always computed without it. It also drops the messages into the last
entity, which is not followed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import torch
from torch import Tensor

from graphlab.core.errors import InputError
from graphlab.data.spec import DataSpec
from graphlab.model.base import ModelConfig
from graphlab.model.bellman_ford import SCALERS
from graphlab.model.weight_format import (
    FormatConfig,
    Rows,
    WeightFormat,
    Weights,
    depth,
    in_order,
    of_model,
    renamed,
    require,
)
from graphlab.ops.relational_spmm import MOMENTS

NAMES = {
    r"layers\.(\d+)\.layer_norm\.(weight|bias)": r"layers.\1.norm.\2",
    r"layers\.(\d+)\.linear\.(weight|bias)": r"layers.\1.update.\2",
    r"layers\.(\d+)\.relation_linear\.(weight|bias)": r"layers.\1.relation.\2",
    r"layers\.(\d+)\.relation\.weight": r"layers.\1.relation.weight",
    r"query\.weight": "query.weight",
    r"mlp\.0\.(weight|bias)": r"readout.first.\1",
    r"mlp\.2\.(weight|bias)": r"readout.last.\1",
}
PNA_WIDTH = 1 + SCALERS * MOMENTS
MESSAGES = ("distmult", "transe", "rotate")


class Config(FormatConfig):
    """As `FormatConfig`, and

    kernel  compiled: trained with the compiled kernel; plain: without
    """

    kernel: Literal["compiled", "plain"] = "compiled"


class NBFNetPyG(WeightFormat):
    """NBFNet of knowledge graphs."""

    Config = Config
    models = ("nbfnet",)

    def settings(self, model: str, weights: Weights) -> dict[str, Any]:
        width, wide = require(weights, "layers.0.linear.weight", 2).shape
        aggregates = {2 * width: {"aggregate": "sum"}, PNA_WIDTH * width: {"aggregate": "pna"}}
        if wide not in aggregates:
            raise InputError(
                f"layers.0.linear.weight maps {wide} numbers to {width}",
                hint=f"nbfnet maps {2 * width}, or with pna {PNA_WIDTH * width}",
            )
        return {
            "dim": width,
            "num_layers": depth(weights, r"layers\.(\d+)\."),
            "dependent": "layers.0.relation_linear.weight" in weights,
            "layer_norm": "layers.0.layer_norm.weight" in weights,
            **aggregates[wide],
        }

    def alternatives(self, model: str, config: ModelConfig) -> Sequence[Mapping[str, Any]]:
        """The other kernel, and the messages of the same shapes."""
        message = config.to_json()["message"]
        others = [{"model.message": each} for each in MESSAGES[:2] if each != message]
        if message == "rotate":
            return others
        return [{"weights.kernel": "plain" if self.config.kernel == "compiled" else "compiled"}, *others]

    def convert(
        self, model: str, config: ModelConfig, spec: DataSpec, weights: Weights, rows: Rows
    ) -> dict[str, Tensor]:
        values = config.to_json()
        exchanged = self.config.kernel == "compiled" and values["message"] != "rotate"
        return of_model(
            {
                name: _converted(name, tensor, values, spec.num_relations, rows.relations, exchanged)
                for name, tensor in renamed(weights, NAMES).items()
            }
        )


def _converted(
    name: str, tensor: Tensor, config: Mapping[str, Any], num_relations: int, rows: Tensor | None, exchanged: bool
) -> Tensor:
    if name.endswith("update.weight") and config["aggregate"] == "pna":
        return scalers_first(tensor)
    if name == "query.weight":
        return _relations(tensor, num_relations, rows, exchanged=False)
    if ".relation." in name:
        by_relation = tensor.unflatten(0, (-1, config["dim"])) if config["dependent"] else tensor
        return _relations(by_relation, num_relations, rows, exchanged).reshape(tensor.shape)
    return tensor


def scalers_first(weight: Tensor) -> Tensor:
    """The map `[d, 13 d]` of [h, aggregate] whose columns hold moments and scalers channel by channel, with those of a
    scaler together, and in them those of a moment."""
    dim = weight.size(0)
    of_states, of_moments = weight.split([dim, weight.size(1) - dim], dim=1)
    by_scaler = of_moments.view(dim, dim, MOMENTS, SCALERS).permute(0, 3, 2, 1)
    return torch.cat([of_states, by_scaler.reshape(dim, -1)], dim=1)


def _relations(table: Tensor, num_relations: int, rows: Tensor | None, exchanged: bool) -> Tensor:
    """A table `[2 R, ...]`, in the data set's order, the halves exchanged if need be."""
    if len(table) != 2 * num_relations:
        raise InputError(
            f"the file has {len(table) // 2} relations and the data set {num_relations}",
            hint="weights of nbfnet belong to the relations of their data set; ultra's do not",
        )
    halves = [in_order(half, rows) for half in table.chunk(2)]
    return torch.cat(halves[::-1] if exchanged else halves)
