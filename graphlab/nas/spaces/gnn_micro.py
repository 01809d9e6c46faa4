"""The micro space of GraphNAS and AGNN: two layers of six choices each. Gao et al., IJCAI 2020; Zhou et al., 2022."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

from graphlab.core.config import Choices
from graphlab.model.zoo.gnn_micro import HEADS, HIDDEN_DIMS, Activation, Aggregation, Attention, Combine
from graphlab.nas.core.space import Architecture, Decision, Space

LAYERS = 2

CHOICES = {
    "attention": get_args(Attention),
    "aggregation": get_args(Aggregation),
    "activation": get_args(Activation),
    "heads": HEADS,
    "hidden_dims": HIDDEN_DIMS,
    "combine": get_args(Combine),
}
"""By setting of the model `gnn-micro`."""

PASSED_ON = ("weight", "attention", "mlp", "combine", "bias")
"""Parts of a layer that architectures may share: all but `own`, the map of a node's own features, which is a skip
connection."""


class GNNMicro(Space):
    """`attention_1` to `combine_2`, the last layer without a width, which the outputs are.

    Heads side by side and on average are the same where there is one, and in the last layer, whose heads are always
    averaged.
    """

    name = "gnn-micro"
    decisions = tuple(
        Decision(f"{setting}_{k}", Choices(options), setting)
        for k in range(1, LAYERS + 1)
        for setting, options in CHOICES.items()
        if not (setting == "hidden_dims" and k == LAYERS)
    )

    def canonical(self, values: Mapping[str, Any]) -> Architecture:
        choices = self.checked(values)
        for k in range(1, LAYERS + 1):
            if choices[f"combine_{k}"] == "average" and (k == LAYERS or choices[f"heads_{k}"] == 1):
                choices[f"combine_{k}"] = "concat"
        return choices

    def settings(self, values: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        last = f"hidden_dims_{LAYERS}"
        full = {last: values[f"hidden_dims_{LAYERS - 1}"], **values}
        return self.name, {setting: tuple(full[f"{setting}_{k}"] for k in range(1, LAYERS + 1)) for setting in CHOICES}

    def sharing(self, values: Mapping[str, Any]) -> Mapping[str, str]:
        """Zhou et al., section 4.3: between layers of one attention function and one activation."""
        return {
            f"layers.{k - 1}.{part}": f"{values[f'attention_{k}']}, {values[f'activation_{k}']}"
            for k in range(1, LAYERS + 1)
            for part in PASSED_ON
        }
