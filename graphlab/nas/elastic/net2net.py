"""Weights that grow with a network and compute the same: Net2Wider and Net2Deeper. Chen, Goodfellow and Shlens, ICLR
2016; Cai et al. (EAS), AAAI 2018.

Wider. Unit j of the new layer is a copy of unit g(j) of the old one, g(j) = j as far as there are old units and drawn
after that. What reads the layer divides its weights for a unit by the number of its copies:

    U'[:, j] = U[:, g(j)] / |{i : g(i) = g(j)}|

Units are the channels of all heads, or whole heads. An activation is applied to each channel, and a sum over neighbours
to each channel, so that copies stay copies. A logit of attention that is a product with the channels of a head, as l.h
and r.h of `gat`, reads the layer too.

Deeper. The new layer has W = 0 for what it sums over neighbours, the identity for the map of a node's own row, and no
bias: act(0 + x + 0) = x where x = act(.) and act is idempotent. With sums over neighbours alone there is no such layer.

Dropout is not copied with a unit: two copies are dropped independently, so that training tells them apart.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import torch
from torch import Tensor

from graphlab.model.zoo.gnn_micro import GNNMicro
from graphlab.nas.elastic.layout import CHANNEL, HEAD, LayerShape, gathered, layer_shapes, name_of, parts_of, spread
from graphlab.nas.elastic.moves import Move

ATTENTION = "attention."
"""What names of parameters of attention begin with, in a layer."""

MAPS = ("weight", "own")
"""Parameters of a layer that read the layer before it."""


def grow(
    parent: Mapping[str, Tensor], smaller: GNNMicro, larger: GNNMicro, move: Move, random: np.random.Generator
) -> dict[str, Tensor]:
    """The parameters of a network after a move, with which it computes what it did before.

    Args:
        parent: The parameters before the move, by name.
        smaller, larger: The networks before and after the move; their numbers are not read.
        random: Draws which units are copied.

    Returns:
        By name, in the shapes and with the strides of the larger network's parameters.
    """
    shapes = layer_shapes(smaller)
    spaced = {name: spread(parent[name], shapes[k].axes(part)) for k, part, name in parts_of(list(parent))}
    change = _deeper if move.kind == "depth" else _wider
    grown = change(spaced, shapes, move, random)
    return {name: gathered(grown[name], like) for name, like in larger.named_parameters()}


Parameters = dict[str, Tensor]
"""By name, with an axis for each size."""


def _wider(parameters: Parameters, shapes: list[LayerShape], move: Move, random: np.random.Generator) -> Parameters:
    k, axis = move.layer, HEAD if move.kind == "heads" else CHANNEL
    old = (shapes[k].heads, shapes[k].dim)[axis]
    source = copies(old, move.size, random)
    share = 1 / torch.bincount(source, minlength=old)[source].double()
    widened = dict(parameters)
    for layer, part, name in parts_of(list(parameters)):
        tensor = parameters[name]
        if layer == k:
            widened[name] = tensor.index_select(axis, source)
            if part.startswith(ATTENTION) and axis == CHANNEL:
                widened[name] = _times(widened[name], share, axis)
        elif layer == k + 1 and part in MAPS:
            reads = axis - 2  # the last two axes are the heads and channels of the layer before
            widened[name] = _times(tensor.index_select(reads, source), share, reads)
    return widened


def copies(old: int, new: int, random: np.random.Generator) -> Tensor:
    """Of which old unit each new one is a copy, int64 `[new]`: all of them once, then some that are drawn."""
    return torch.tensor([*range(old), *random.integers(old, size=new - old).tolist()])


def _times(tensor: Tensor, factors: Tensor, axis: int) -> Tensor:
    """A tensor with each index of an axis times a factor."""
    shape = [1] * tensor.dim()
    shape[axis] = len(factors)
    return tensor * factors.to(tensor).view(shape)


def _deeper(parameters: Parameters, shapes: list[LayerShape], move: Move, random: np.random.Generator) -> Parameters:
    new = move.layer + 1
    deepened: Parameters = {}
    for layer, part, name in parts_of(list(parameters)):
        deepened[name_of(layer + (layer >= new), part)] = parameters[name]
    width = shapes[move.layer].heads * shapes[move.layer].dim
    own = shapes[move.layer].axes("bias")
    for layer, part, name in parts_of(list(parameters)):
        if layer == move.layer:
            make = _IDENTITY.get(part, _zeros)
            reads = own if part in MAPS else ()
            deepened[name_of(new, part)] = make(width, parameters[name]).reshape(own + reads)
    return deepened


def _zeros(width: int, like: Tensor) -> Tensor:
    return like.new_zeros(width)


def _zero_map(width: int, like: Tensor) -> Tensor:
    return like.new_zeros(width, width)


def _identity(width: int, like: Tensor) -> Tensor:
    return torch.eye(width, dtype=like.dtype, device=like.device)


_IDENTITY: dict[str, Callable[[int, Tensor], Tensor]] = {"weight": _zero_map, "own": _identity}
"""The parameters of a layer that gives what it reads, by their names in it; others are zeros."""
