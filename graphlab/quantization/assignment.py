"""Which number format each place of a network has: an assignment of formats to components.

A place is a weight or an observation point of a network, and belongs to a component:

    weight      weights of two or more dimensions
    input       rows that a linear layer reads; hidden states
    linear      what a linear map gives
    message     what goes along an edge
    attention   coefficients of attention
    adjacency   weights of edges that depend on the graph alone
    aggregate   sums and products over neighbours or pairs

Written out, an assignment is a list of rules, of which the last that fits a place holds:

    w4a8                                weights in 4 bits, what is computed in 8
    w4a8,model.convs.0.*=int8           the same, but for all places of the first layer
    weight=int4-symmetric-channel       weights alone

`wXaY` has symmetric integers of X bits, with a scale for each output channel, for weights, and integers of Y bits for
what linear layers read and give, attention and adjacency. Messages and sums have none: what is summed over neighbours
is rounded once, when the next linear layer reads it. The states that a layer of `gat` gives are of the component
input too: ELU maps one grid to another. Shares of attention in 8 bits or fewer are multiples of 1 / 255 before. `gin`
has its features and its layers' states rounded before they are summed, as input, and 1 and 1 + eps as adjacency.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase

from graphlab.core.errors import InputError
from graphlab.quantization.formats import Format, parse

COMPONENTS = ("input", "weight", "linear", "message", "attention", "adjacency", "aggregate")

ROUNDED = ("input", "linear", "attention", "adjacency")
"""Components of `wXaY` beside the weights."""

COMPONENT_OF_POINT = {"output": "linear", "qkv": "linear", "product": "aggregate", "states": "input"}
"""Of observation points that do not have the name of their component."""

SCHEMES = {
    "mixed": "weight=int4-symmetric-channel,input=int4,linear=int8,attention=int8,adjacency=int8",
}
"""Assignments with a name, beside `wXaY`."""


@dataclass(frozen=True)
class Place:
    """A weight or an observation point. path: of the module and the name in it, as `model.convs.0.lin.weight`."""

    path: str
    component: str

    @classmethod
    def of_point(cls, path: str) -> Place:
        """The place of an observation point, of which the last part of the path names the component."""
        point = path.rpartition(".")[2]
        return cls(path, COMPONENT_OF_POINT.get(point, point))


@dataclass(frozen=True)
class Rule:
    """pattern: a component, or a path in which `*` stands for anything. format: None where numbers stay floats."""

    pattern: str
    format: Format | None

    def fits(self, place: Place) -> bool:
        return self.pattern == place.component or fnmatchcase(place.path, self.pattern)

    def __str__(self) -> str:
        return f"{self.pattern}={'float32' if self.format is None else self.format.name}"


@dataclass(frozen=True)
class Assignment:
    """Rules, of which the last that fits a place gives its format; a place that none fits stays in floats."""

    rules: tuple[Rule, ...]

    @classmethod
    def parse(cls, text: str) -> Assignment:
        """Read an assignment as it is written out.

        Raises:
            InputError: A part of the text is no scheme, component, path or format.
        """
        rules: list[Rule] = []
        for part in (part.strip() for part in text.split(",")):
            pattern, equals, name = (each.strip() for each in part.partition("="))
            if not equals:
                rules += _of_scheme(pattern)
            elif pattern in COMPONENTS or "." in pattern or "*" in pattern:
                rules.append(Rule(pattern, parse(name)))
            else:
                raise InputError(
                    f"{pattern[:60]!r} is no component of a network",
                    hint=f"one of {', '.join(COMPONENTS)}, or a path as model.convs.0.*",
                )
        return cls(tuple(rules))

    def __str__(self) -> str:
        return ",".join(map(str, self.rules))

    def format_of(self, place: Place) -> Format | None:
        """The format of a place; None for floats."""
        for rule in reversed(self.rules):
            if rule.fits(place):
                return rule.format
        return None

    def without_place(self, places: Iterable[Place]) -> tuple[str, ...]:
        """The patterns that no place of a network fits: of a component, because the network has none."""
        places = list(places)
        return tuple(rule.pattern for rule in self.rules if not any(rule.fits(place) for place in places))


def _of_scheme(name: str) -> Iterable[Rule]:
    """The rules of a scheme with a name."""
    match = re.fullmatch(r"w(\d{1,2})a(\d{1,2})", name)
    if match:
        weight, value = match.groups()
        rounded = [Rule(component, parse(f"int{value}")) for component in ROUNDED]
        return [Rule("weight", parse(f"int{weight}-symmetric-channel")), *rounded]
    if name in SCHEMES:
        return Assignment.parse(SCHEMES[name]).rules
    raise InputError(
        f"there is no quantisation scheme {name[:60]!r}",
        hint=f"wXaY as w4a8, {', '.join(SCHEMES)}, or rules as weight=int4-symmetric-channel,input=int8",
    )
