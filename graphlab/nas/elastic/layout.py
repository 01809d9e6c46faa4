"""The axes of each parameter of a network of an elastic space.

A map from `h` heads of `d` channels to `H` heads of `D` is a matrix `[H D, h d]`. It is looked at as `[H, D, h, d]`, of
which a narrower network has the leading part of each axis.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from graphlab.model.zoo.gnn_micro import GNNMicro

Axes = tuple[int, ...]
"""Sizes of the axes of a parameter."""

HEAD, CHANNEL = 0, 1
"""Axes of what a layer gives."""


@dataclass(frozen=True)
class LayerShape:
    """What a layer reads, as its axes, and its heads of a width each.

    Attributes:
        reads: (heads, width) of the layer before, or (features,).
        heads, dim: Its own; in the last layer, which averages its heads, there is one.
    """

    reads: Axes
    heads: int
    dim: int

    def axes(self, part: str) -> Axes:
        """Of a parameter by its name in the layer."""
        own = (self.heads, self.dim)
        return (*own, *self.reads) if part in ("weight", "own") else own


def layer_shapes(network: GNNMicro) -> list[LayerShape]:
    """Of each layer, the first layer first."""
    shapes: list[LayerShape] = []
    for layer in network.layers:
        weight: Tensor = layer.weight  # pyright: ignore[reportAssignmentType]
        heads: int = layer.heads  # pyright: ignore[reportAssignmentType]
        reads = (shapes[-1].heads, shapes[-1].dim) if shapes else (weight.size(1),)
        shapes.append(LayerShape(reads, heads, weight.size(0) // heads))
    return shapes


def spread(tensor: Tensor, axes: Axes) -> Tensor:
    """A parameter with an axis for each of its sizes, without a copy."""
    return tensor.view(axes)


def gathered(tensor: Tensor, like: Tensor) -> Tensor:
    """A tensor of several axes in the shape and with the strides of a parameter: the same numbers in another order of
    memory may have other sums."""
    flat = tensor.reshape(like.shape)
    is_by_input = like.dim() == 2 and like.stride(0) < like.stride(1)
    return flat.T.contiguous().T if is_by_input else flat.contiguous()


def name_of(k: int, part: str) -> str:
    """Of a parameter in the model, given its layer, from 0, and its name there."""
    return f"layers.{k}.{part}"


def parts_of(names: Sequence[str]) -> list[tuple[int, str, str]]:
    """Names of parameters with their layers, from 0, and their names there."""
    split = [name.split(".", 2) for name in names]
    return [(int(layer), part, name) for (_, layer, part), name in zip(split, names, strict=True)]
