"""The micro space with its training: GraphLab's own, and no published one.

GraphNAS and Auto-GNN fix learning rate, weight decay, dropout and epochs, and about half of their networks stay at the
largest class: signals are small, so that the gradient is smaller than the weight decay that Adam adds to it, and an
activation of the outputs may cut them off. Here the training is chosen with the architecture, outputs have no
activation, and the settings `FIXED` of the model `gnn-micro` keep signals at their size.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graphlab.core.config import Choices
from graphlab.nas.core.space import Architecture, Decision
from graphlab.nas.spaces.gnn_micro import CHOICES, HAND_SET, LAYERS, GNNMicro, choices_of

FIXED = {"centred": True, "he_init": True, "decayed": "first"}
"""Settings of the model that all networks of the space have."""

NORMS = {
    "none": {"unit_rows": False, "norm": "none"},
    "rows": {"unit_rows": True, "norm": "none"},
    "batch": {"unit_rows": True, "norm": "batch"},
}
"""By value of the decision `norm`: nothing is normalised, each row of the features, or those and hidden layers."""

OUTPUTS = {f"activation_{LAYERS}": "linear"}
"""What the last layer has in place of a decision."""

OWN = {"dropout": (0.2, 0.4, 0.5, 0.6, 0.7), "norm": tuple(NORMS)}
"""Decisions that a network makes once, and their values."""

TRAINING = {
    "lr": (0.005, 0.01, 0.02),
    "weight_decay": (0.0, 5e-5, 5e-4, 1e-3),
    "epochs": (200, 400),
    "patience": (50, 100),
}
"""Settings of training, and their values."""

RECIPE = {"dropout": 0.5, "norm": "none", "lr": 0.01, "weight_decay": 5e-4, "epochs": 200, "patience": 100}
"""How the networks that people take are trained: as Kipf and Welling, ICLR 2017, section 5.2, train theirs."""

RECIPES = {"gat": RECIPE | {"dropout": 0.6, "lr": 0.005, "epochs": 400}}
"""Recipes that differ: that of Veličković et al., ICLR 2018, section 3.3."""


MOST_CHANNELS = 256
"""Of all heads of a hidden layer together: wider ones take most of a search's time, and are four times as wide as the
networks that people take."""


class GNNMicroTuned(GNNMicro):
    """The decisions of `gnn-micro` but for the activation of the outputs, and `dropout`, `norm`, `lr`,
    `weight_decay`, `epochs` and `patience`; the heads of a hidden layer have at most 256 channels together."""

    name = "gnn-micro-tuned"
    decisions = (
        *(decision for decision in GNNMicro.decisions if decision.name not in OUTPUTS),
        *(Decision(name, Choices(options), name) for name, options in (OWN | TRAINING).items()),
    )

    def is_valid(self, values: Mapping[str, Any]) -> bool:
        return all(values[f"heads_{k}"] * values[f"hidden_dims_{k}"] <= MOST_CHANNELS for k in range(1, LAYERS))

    def hand_set(self) -> Mapping[str, Architecture]:
        """The networks of `gnn-micro` with the recipe of `gat`, and the others with that of `gcn`. `gcn` differs from
        the model `gcn` in its patience alone, and `gat` from the model `gat` in that only its first layer's weights
        decay and that training ends after 400 epochs where patience has not ended it."""
        return {
            name: self.canonical(choices_of(layers) | RECIPES.get(name, RECIPE)) for name, layers in HAND_SET.items()
        }

    def settings(self, values: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        model, layers = super().settings({**values, **OUTPUTS})
        training = {f"training.{name}": values[name] for name in TRAINING}
        return model, {**layers, "dropout": values["dropout"], **NORMS[values["norm"]], **FIXED, **training}

    def sharing(self, values: Mapping[str, Any]) -> Mapping[str, str]:
        """As in `gnn-micro`, between networks that agree in the normalisation too."""
        tags = super().sharing({**values, **OUTPUTS})
        return {part: f"{tag}, {values['norm']}" for part, tag in tags.items()}

    def spelt(self, values: Mapping[str, Any]) -> str:
        """As `gat sum elu 8 x 8 concat, gat sum linear 1 concat; dropout 0.6, norm none, lr 0.005, ...`."""
        layers = ", ".join(_spelt_layer({**values, **OUTPUTS}, k) for k in range(1, LAYERS + 1))
        return f"{layers}; {super().spelt({name: values[name] for name in OWN | TRAINING})}"


def _spelt_layer(values: Mapping[str, Any], k: int) -> str:
    """The choices of a layer; heads by their width, which the last layer does not choose."""
    attention, aggregation, activation, heads, dim, combine = (values.get(f"{name}_{k}") for name in CHOICES)
    width = heads if dim is None else f"{heads} x {dim}"
    return f"{attention} {aggregation} {activation} {width} {combine}"
