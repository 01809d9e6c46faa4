"""The micro space of GraphNAS and AGNN: two layers of six choices each. Gao et al., IJCAI 2020; Zhou et al., 2022."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

from graphlab.core.config import Choices
from graphlab.model.zoo.gnn_micro import HEADS, HIDDEN_DIMS, Activation, Aggregation, Attention, Combine
from graphlab.nas.core.space import Architecture, Decision, Space

MODEL = "gnn-micro"
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

HAND_SET = {
    "gat": {
        "attention": ("gat", "gat"),
        "aggregation": ("sum", "sum"),
        "activation": ("elu", "linear"),
        "heads": (8, 1),
        "hidden_dims": (8,),
        "combine": ("concat", "concat"),
    },
    "gcn": {
        "attention": ("gcn", "gcn"),
        "aggregation": ("sum", "sum"),
        "activation": ("relu", "linear"),
        "heads": (1, 1),
        "hidden_dims": (16,),
        "combine": ("concat", "concat"),
    },
    "sage-like": {
        "attention": ("const", "const"),
        "aggregation": ("mean", "mean"),
        "activation": ("relu", "linear"),
        "heads": (1, 1),
        "hidden_dims": (64,),
        "combine": ("add", "add"),
    },
    "sgc-like": {
        "attention": ("gcn", "gcn"),
        "aggregation": ("sum", "sum"),
        "activation": ("linear", "linear"),
        "heads": (1, 1),
        "hidden_dims": (64,),
        "combine": ("concat", "concat"),
    },
}
"""Networks that people take: each setting, a value a layer."""


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

    def hand_set(self) -> Mapping[str, Architecture]:
        """`gat` and `gcn` are the models of these names at their defaults but for dropout, which is gnn-micro's own.
        `sage-like` is `sage` with each node among its neighbours, so that the mean has a share of the node's own row.
        `sgc-like` is `sgc` with two linear maps in place of one, and with dropout before each."""
        return {name: self.canonical(choices_of(layers)) for name, layers in HAND_SET.items()}

    def canonical(self, values: Mapping[str, Any]) -> Architecture:
        choices = self.checked(values)
        for k in range(1, LAYERS + 1):
            if choices[f"combine_{k}"] == "average" and (k == LAYERS or choices[f"heads_{k}"] == 1):
                choices[f"combine_{k}"] = "concat"
        return choices

    def settings(self, values: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        last = f"hidden_dims_{LAYERS}"
        full = {last: values[f"hidden_dims_{LAYERS - 1}"], **values}
        return MODEL, {setting: tuple(full[f"{setting}_{k}"] for k in range(1, LAYERS + 1)) for setting in CHOICES}

    def sharing(self, values: Mapping[str, Any]) -> Mapping[str, str]:
        """Zhou et al., section 4.3: between layers of one attention function and one activation."""
        return {
            f"layers.{k - 1}.{part}": f"{values[f'attention_{k}']}, {values[f'activation_{k}']}"
            for k in range(1, LAYERS + 1)
            for part in PASSED_ON
        }


def choices_of(layers: Mapping[str, tuple[Any, ...]]) -> Architecture:
    """The decisions of settings that have a value a layer."""
    return {f"{setting}_{k}": value for setting, values in layers.items() for k, value in enumerate(values, 1)}
