"""Observation points: named places of a network whose values an observer reads, or replaces, in each forward pass.

Observers are modules of the network that they observe, so that they move, are saved and are loaded with it, and nothing
outside of it knows of them. A network without observers has no hooks; a call of `observe` then costs one look-up.

Points are known before anything is computed:

    a linear layer                                  output
    a layer of PyG that passes messages             message, aggregate, and attention where it updates edges
    a module that names them in observation_points  those, each of which it passes through `observe`

A layer whose weight is read without a call of the layer has no value at its point.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
import torch_geometric.nn as pyg
from torch import Tensor, nn

OBSERVERS = "observers"
"""The child of a module that holds its observers, by point."""


def observe(module: nn.Module, point: str, value: Tensor) -> Tensor:
    """A value at a point of a module, as the observer there gives it; the value itself where there is no observer.

    Args:
        module: The module that is computing, whose class names the point in `observation_points`.
        point: Name of the point.
        value: Of any shape.
    """
    observers = module._modules.get(OBSERVERS)
    return value if observers is None else observers.get_submodule(point)(value)


def is_observed(module: nn.Module) -> bool:
    """Whether there are observers at the points of a module itself. A module that has a faster way without passing its
    points does not take it then."""
    return OBSERVERS in module._modules


def install_observers(network: nn.Module, make: Callable[[str], nn.Module]) -> dict[str, nn.Module]:
    """Put an observer at each point of a network.

    Args:
        network: Changed in place. It has no observers yet.
        make: From the name of a point, as `model.convs.0.aggregate`, to a module that maps a value to one of its shape.

    Returns:
        The observers by point.
    """
    installed: dict[str, nn.Module] = {}
    for path, module in list(network.named_modules()):
        points = points_of(module)
        if not points:
            continue
        own = {point: make(f"{path}.{point}".lstrip(".")) for point in points}
        module.add_module(OBSERVERS, nn.ModuleDict(own))
        for point, register in _hooks(module).items():
            register(lambda module, _, value, point=point: observe(module, point, value))
        installed |= {f"{path}.{point}".lstrip("."): observer for point, observer in own.items()}
    return installed


def points_of(module: nn.Module) -> tuple[str, ...]:
    """The points of a module, without those of the modules in it."""
    return (*_hooks(module), *getattr(module, "observation_points", ()))


def _hooks(module: nn.Module) -> Mapping[str, Callable[..., Any]]:
    """Of points that need no call of `observe`: how a hook is put there."""
    if isinstance(module, nn.Linear | pyg.Linear):
        return {"output": module.register_forward_hook}
    if isinstance(module, pyg.MessagePassing):
        updates_edges = type(module).edge_update is not pyg.MessagePassing.edge_update
        return {
            "message": module.register_message_forward_hook,
            "aggregate": module.register_aggregate_forward_hook,
            **({"attention": module.register_edge_update_forward_hook} if updates_edges else {}),
        }
    return {}


class MinMaxObserver(nn.Module):
    """Records the least and the greatest value that it has seen in training, zero included. Gives values back as they
    are.

    In data-parallel training the bounds are means over the processes, as those of all statistics are.
    """

    low: Tensor
    high: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("low", torch.zeros(()))
        self.register_buffer("high", torch.zeros(()))

    def forward(self, value: Tensor) -> Tensor:
        if self.training and value.numel():
            low, high = value.detach().aminmax()
            self.low.copy_(torch.minimum(self.low, low.to(self.low.dtype)))
            self.high.copy_(torch.maximum(self.high, high.to(self.high.dtype)))
        return value
