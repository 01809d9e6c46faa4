"""The places of a network that a number format can be assigned to, and how many numbers each holds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from graphlab.model.observation import install_observers, points_of
from graphlab.model.transform import weights
from graphlab.quantization.accounting import Count
from graphlab.quantization.assignment import Place


def places(network: nn.Module) -> Iterator[Place]:
    """The weights of a network, then its observation points."""
    for module, name, _ in weights(network):
        yield Place(_path(network, module, name), "weight")
    for path, module in network.named_modules():
        yield from (Place.of_point(f"{path}.{point}".lstrip(".")) for point in points_of(module))


def counts(network: nn.Module, run: Callable[[], object], with_messages: bool = False) -> list[Count]:
    """How many numbers the weights of a network hold, and the points that have a value while it maps a batch.

    A place that has values several times for one batch counts the largest. Multiplications are counted at the input of
    a linear layer, by its weight, and at weights of edges and coefficients of attention, by the rows that are summed,
    which the linear layer or the layer of `gin` before them gives; no others are. Of weights that edges share each edge
    counts, and each node with a weight of its own.

    Args:
        network: Without observers; it gets some, and is of no further use.
        run: Has the network map a batch.
        with_messages: Count messages along edges too, which takes a way on which they are laid out.
    """
    of_weights = [
        Count(Place(_path(network, module, name), "weight"), weight.numel(), _scales(weight.shape))
        for module, name, weight in weights(network)
    ]
    outputs = {f"{path}.input".lstrip("."): module for path, module in network.named_modules() if _is_linear(module)}
    trace: list[Seen] = []
    install_observers(network, lambda point: None if _is_left(point, with_messages) else _Recorder(point, trace))
    with torch.no_grad():
        run()
    of_points: dict[str, Count] = {}
    mapped, width = "", 0
    for path, shape, uses in trace:
        place, products, other = Place.of_point(path), 0, ""
        if path in outputs:
            module: Any = outputs[path]
            products, other = shape.numel() * len(module.weight), f"{path.removesuffix('.input')}.weight"
        elif place.component in ("linear", "input"):  # of the component input these are states, which `gin` sums
            mapped, width = path, shape[-1]
        elif place.component in ("attention", "adjacency"):
            products, other = uses * width, mapped
        before = of_points.get(path)
        numbers = max(shape.numel(), 0 if before is None else before.numbers)
        total = products + (0 if before is None else before.products)
        of_points[path] = Count(place, numbers, _scales(shape), total, other)
    return of_weights + list(of_points.values())


class Seen(NamedTuple):
    """A value at a point: the rows that its numbers are multiplied by, where any are, are `uses`."""

    path: str
    shape: torch.Size
    uses: int


class _Recorder(nn.Module):
    """Writes down the shapes of values in the order in which they are computed; sparse rows count as dense ones."""

    dim = 0
    counts_uses = True

    def __init__(self, path: str, trace: list[Seen]) -> None:
        super().__init__()
        self.path, self.trace = path, trace

    def forward(self, value: Tensor, uses: int | None = None) -> Tensor:
        rows = len(value) if value.dim() else 1
        self.trace.append(Seen(self.path, value.shape, rows if uses is None else uses))
        return value


def _is_left(point: str, with_messages: bool) -> bool:
    return Place.of_point(point).component == "message" and not with_messages


def _is_linear(module: nn.Module) -> bool:
    return "input" in points_of(module)


def _path(network: nn.Module, module: nn.Module, name: str) -> str:
    path = next(path for path, each in network.named_modules() if each is module)
    return f"{path}.{name}".lstrip(".")


def _scales(shape: torch.Size) -> dict[str, int]:
    """Scales of numbers that have one a row, which is a node or an output channel of a weight."""
    return {"tensor": 1, "node": shape[0], "channel": shape[0]} if shape else {}
