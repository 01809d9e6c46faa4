"""The micro space with number formats: architecture and precision in one space, as LPGNAS searches them.

Each layer chooses a format for its weights, for what its linear maps read and give, for its coefficients of attention
and for its sums over neighbours.

The lists of formats are ours; the paper's are not public. Values have fixed point alone, of which the scale depends on
no batch. Weights of few bits have a scale for each output channel: fixed point of 4 bits has steps of 1 / 8, to which
most weights of a trained network are zero. As in `gnn-micro-tuned`, the settings `FIXED` of the model keep signals at
their size.

References:
    Zhao et al., Learned Low Precision Graph Neural Networks, 2020.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from graphlab.core.config import Choices
from graphlab.model.transform import TRANSFORM
from graphlab.nas.core.space import Architecture, Decision
from graphlab.nas.spaces.gnn_micro import LAYERS, GNNMicro
from graphlab.nas.spaces.gnn_micro_tuned import FIXED

FLOAT = "float32"
"""The option of every decision about a format that leaves numbers as they are."""

FORMATS = {
    "weight": ("binary-channel", "ternary-channel", "int4-symmetric-channel", "q0.7", FLOAT),
    "linear": ("q1.2", "q1.6", "q3.4", "q4.11", FLOAT),
    "attention": ("q0.3", "q1.6", "q1.14", FLOAT),
    "aggregate": ("q2.1", "q2.5", "q4.3", "q5.10", FLOAT),
}
"""By component, the formats that a layer chooses from."""

PLACES = {
    "weight": ("*weight", "own", "attention.left", "attention.right"),
    "linear": ("linear", "*.input", "*.output"),
    "attention": ("attention",),
    "aggregate": ("aggregate",),
}
"""By component, the places of a layer of the model `gnn-micro`, as patterns of their paths."""

SCHEMES = {
    "w8a8": {"weight": "q0.7", "linear": "q1.6", "attention": "q1.6", "aggregate": FLOAT},
    "w4a8": {"weight": "int4-symmetric-channel", "linear": "q1.6", "attention": "q1.6", "aggregate": FLOAT},
}
"""Formats that people take for a whole network, by component."""

KINDS = {f"{component}_format": options for component, options in FORMATS.items()}
"""By kind of decision, its options."""


class GNNMicroQuantized(GNNMicro):
    """The decisions of `gnn-micro`, and `weight_format_1` to `aggregate_format_2`."""

    name = "gnn-micro-quantized"
    decisions = (
        *GNNMicro.decisions,
        *(
            Decision(f"{kind}_{k}", Choices(options), kind)
            for k in range(1, LAYERS + 1)
            for kind, options in KINDS.items()
        ),
    )

    def hand_set(self) -> Mapping[str, Architecture]:
        """The networks of `gnn-micro` in full precision, and with weights of 8 and of 4 bits and values of 8: `gcn`,
        `gcn-w8a8`, `gcn-w4a8` and so on."""
        return {
            name + suffix: values | formats
            for name, values in GNNMicro().hand_set().items()
            for suffix, formats in {"": in_floats(), **by_scheme()}.items()
        }

    def settings(self, values: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        """Of a network without any format no transform is named."""
        model, layers = super().settings(values)
        rules = list(rules_of(values))
        rounded = {TRANSFORM: "quantize", f"{TRANSFORM}.scheme": ",".join(rules)} if rules else {}
        return model, {**layers, **FIXED, **rounded}

    def sharing(self, values: Mapping[str, Any]) -> Mapping[str, str]:
        """None: behind a format a weight has another name."""
        return {}


def in_floats() -> Architecture:
    """The decisions about formats of a network in full precision."""
    return in_formats(dict.fromkeys(FORMATS, FLOAT))


def in_formats(chosen: Mapping[str, str]) -> Architecture:
    """The decisions about formats of a network all layers of which have these, by component."""
    return {f"{component}_format_{k}": name for k in range(1, LAYERS + 1) for component, name in chosen.items()}


def by_scheme() -> dict[str, Architecture]:
    """The decisions about formats of each of `SCHEMES`, by what it adds to a network's name."""
    return {f"-{scheme}": in_formats(chosen) for scheme, chosen in SCHEMES.items()}


def rules_of(values: Mapping[str, Any]) -> Iterator[str]:
    """The rules of an architecture's formats, as `transform.scheme` takes them."""
    for k in range(1, LAYERS + 1):
        for component, patterns in PLACES.items():
            chosen = values[f"{component}_format_{k}"]
            if chosen != FLOAT:
                yield from (f"model.layers.{k - 1}.{pattern}={chosen}" for pattern in patterns)
