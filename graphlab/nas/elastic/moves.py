"""How architectures of an elastic space grow: a wider layer, more heads, a layer more. Cai et al. (EAS), AAAI 2018.

Each move leads to the next larger option. `graphlab.nas.elastic.net2net` moves the weights.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from graphlab.nas.core.space import Architecture
from graphlab.nas.elastic.space import DEPTHS, ElasticSpace

Hidden = list[tuple[int, int]]
"""Heads and the width of a head, by hidden layer."""

IDEMPOTENT = ("relu", "linear")
"""Activations with act(act(x)) = act(x): a layer more, which gives what it reads, leaves its rows as they are."""


@dataclass(frozen=True)
class Move:
    """A change of the hidden layer `layer`, from 0.

    Attributes:
        kind: heads or width: that of the layer becomes `size`. depth: a layer of its size follows it.
        size: 0 of a move of depth.
    """

    kind: Literal["heads", "width", "depth"]
    layer: int
    size: int = 0

    def apply(self, hidden: Hidden) -> Hidden:
        """The hidden layers after the move."""
        before, (heads, width), after = hidden[: self.layer], hidden[self.layer], hidden[self.layer + 1 :]
        match self.kind:
            case "heads":
                return [*before, (self.size, width), *after]
            case "width":
                return [*before, (heads, self.size), *after]
            case "depth":
                return [*before, (heads, width), (heads, width), *after]


def can_deepen(space: ElasticSpace) -> bool:
    """Whether a layer more can leave what its networks compute as it is.

    A convolution that only sums over neighbours is no identity, whatever its weights. One that adds a map of a node's
    own row is, where its activation is idempotent.
    """
    return space.operator.combine == "add" and space.operator.activation in IDEMPOTENT


def moves_from(space: ElasticSpace, values: Mapping[str, Any]) -> Iterator[Move]:
    """All moves of an architecture that preserve what a network computes."""
    hidden = space.hidden(values)
    for k, (heads, width) in enumerate(hidden):
        yield from (Move("heads", k, more) for more in _after(space.head_counts, heads))
        yield from (Move("width", k, wider) for wider in _after(space.widths, width))
        if can_deepen(space) and len(hidden) + 1 < max(DEPTHS):
            yield Move("depth", k)


def roots(space: ElasticSpace) -> list[Architecture]:
    """Those that no move leads to, and from which moves lead to all others: the narrowest network, of each depth where
    no move leads from one depth to another."""
    return [space.narrowest(depth) for depth in (DEPTHS[:1] if can_deepen(space) else DEPTHS)]


def moved(space: ElasticSpace, values: Mapping[str, Any], move: Move) -> Architecture:
    """The architecture after a move."""
    return space.of_hidden(move.apply(space.hidden(values)))


def moves_to(space: ElasticSpace, values: Mapping[str, Any]) -> Iterator[tuple[Architecture, Move]]:
    """The architectures from which a move leads to this one, with that move."""
    for parent in _smaller(space, space.hidden(values)):
        architecture = space.of_hidden(parent)
        for move in moves_from(space, architecture):
            if moved(space, architecture, move) == space.checked(values):
                yield architecture, move


def _smaller(space: ElasticSpace, hidden: Hidden) -> list[Hidden]:
    """Hidden layers that are one option smaller in one place, or lack a layer, each once."""
    smaller: list[Hidden] = []
    for k, (heads, width) in enumerate(hidden):
        smaller += [_replaced(hidden, k, (fewer, width)) for fewer in _before(space.head_counts, heads)]
        smaller += [_replaced(hidden, k, (heads, narrower)) for narrower in _before(space.widths, width)]
        if len(hidden) + 1 > min(DEPTHS):
            smaller.append([*hidden[:k], *hidden[k + 1 :]])
    return [each for place, each in enumerate(smaller) if each not in smaller[:place]]


def _before(options: Sequence[int], size: int) -> Sequence[int]:
    """The option before another, if there is one."""
    place = options.index(size)
    return options[max(0, place - 1) : place]


def _after(options: Sequence[int], size: int) -> Sequence[int]:
    """The option after another, if there is one."""
    return options[options.index(size) + 1 :][:1]


def _replaced(hidden: Hidden, k: int, layer: tuple[int, int]) -> Hidden:
    return [*hidden[:k], layer, *hidden[k + 1 :]]
