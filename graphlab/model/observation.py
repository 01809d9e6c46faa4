"""Observation points: named places of a network whose values an observer reads, or replaces, in each forward pass.

Observers are modules of the network that they observe, so that they move, are saved and are loaded with it, and nothing
outside of it knows of them. A network without observers has no hooks; a call of `observe` then costs one look-up.

Points are known before anything is computed:

    a linear layer                                  input, output
    a layer of PyG that passes messages             message, aggregate, and attention where it updates edges
    a module that names them in observation_points  those, each of which it passes through `observe`

A layer whose weight is read without a call of the layer has no value at its point.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import torch
import torch_geometric.nn as pyg
from torch import Tensor, nn

from graphlab.model.sparse_features import SparseRows, linear

OBSERVERS = "observers"
"""The child of a module that holds its observers, by point."""


def observe(module: nn.Module, point: str, value: Tensor, uses: int | None = None) -> Tensor:
    """A value at a point of a module, as the observer there gives it; the value itself where there is no observer.

    Args:
        module: The module that is computing, whose class names the point in `observation_points`.
        point: Name of the point.
        value: Of any shape.
        uses: Rows that the numbers are multiplied by, where several rows share a number, as where all edges have one
            weight; the rows of the value by default. Only an observer that counts (`counts_uses`) is passed it.
    """
    observers = module._modules.get(OBSERVERS)
    observer = None if observers is None else observers._modules.get(point)
    if observer is None:
        return value
    if uses is not None and getattr(observer, "counts_uses", False):
        return observer(value, uses)
    return observer(value)


def observe_rows(module: nn.Module, point: str, rows: Tensor | SparseRows) -> Tensor | SparseRows:
    """`observe` for rows of nodes. Of sparse ones an observer sees the numbers that are not zero, unless it looks at
    rows or columns one by one (`dim`, `reads_rows`), and maps zero to zero. One that `reads_sparse_rows` is passed them
    as they are."""
    if not isinstance(rows, SparseRows) or not is_observed(module, point):
        return rows if isinstance(rows, SparseRows) else observe(module, point, rows)
    observer = module.get_submodule(f"{OBSERVERS}.{point}")
    if getattr(observer, "reads_sparse_rows", False):
        return observer(rows)
    if getattr(observer, "dim", None) is not None or getattr(observer, "reads_rows", False):
        return observe(module, point, rows.to_dense())
    return replace(rows, values=observe(module, point, rows.values))


def is_observed(module: nn.Module, *points: str) -> bool:
    """Whether there are observers at a module's own points, of these where some are named. A module that has a faster
    way without passing its points does not take it then."""
    observers = module._modules.get(OBSERVERS)
    return observers is not None and (not points or any(point in observers._modules for point in points))


def observed_linear(layer: Any, rows: Tensor | SparseRows) -> Tensor:
    """The product of rows `[num_nodes, in]`, as the point `input` of a linear layer has given them, with the layer's
    weight, without its bias, past the point `output`."""
    return observe(layer, "output", linear(rows, layer.weight))


def install_observers(network: nn.Module, make: Callable[[str], nn.Module | None]) -> dict[str, nn.Module]:
    """Put an observer at points of a network.

    Args:
        network: Changed in place. It has no observers yet.
        make: From the name of a point, as `model.convs.0.aggregate`, to a module that maps a value to one of its shape,
            or None for none.

    Returns:
        The observers by point.
    """
    installed: dict[str, nn.Module] = {}
    for path, module in list(network.named_modules()):
        names = {point: f"{path}.{point}".lstrip(".") for point in points_of(module)}
        observers = {point: observer for point, name in names.items() if (observer := make(name)) is not None}
        if not observers:
            continue
        module.add_module(OBSERVERS, nn.ModuleDict(observers))
        for point, register in _hooks(module).items():
            if point in observers:
                register(_hook_of(point))
        installed |= {names[point]: observer for point, observer in observers.items()}
    return installed


def _hook_of(point: str) -> Callable[..., Any]:
    if point == "input":
        return lambda module, values: (observe_rows(module, point, values[0]), *values[1:])
    return lambda module, _, value: observe(module, point, value)


def points_of(module: nn.Module) -> tuple[str, ...]:
    """The points of a module, without those of the modules in it."""
    return (*_hooks(module), *getattr(module, "observation_points", ()))


def _hooks(module: nn.Module) -> Mapping[str, Callable[..., Any]]:
    """Of points that need no call of `observe`: how a hook is put there."""
    if isinstance(module, nn.Linear | pyg.Linear):
        return {"input": module.register_forward_pre_hook, "output": module.register_forward_hook}
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
