"""The copy of a data set that conversions are made on, and the words that refusals and notices share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from copy import copy
from typing import Any, NoReturn

import numpy as np
import torch
from torch import Tensor
from torch_geometric.data import Data

from graphlab.core.errors import InputError
from graphlab.data.arrays import tensor_of
from graphlab.data.dataset import Dataset

LISTED = 5
"""Offending values that a message lists."""


class Draft:
    """A data set under check.

    graphs  those of the data set; a graph is copied before anything of it is replaced
    sizes   nodes of each graph, once `check_graphs` has counted them
    findings  what was seen to be suspicious on the way
    """

    def __init__(self, dataset: Dataset) -> None:
        self.dataset = dataset
        self.name = dataset.name
        self.spec = dataset.spec
        self.graphs: list[Data] = list(dataset.graphs)
        self.sizes: list[int] = []
        self.findings: list[str] = []
        self._copied: set[int] = set()
        self._conversions: dict[str, int] = {}

    @property
    def changed(self) -> bool:
        return bool(self._copied)

    def set(self, place: int, key: str, value: Any, conversion: str = "") -> None:
        """Replace an attribute of a graph; `conversion` is what a notice says, nothing where the numbers stay."""
        if place not in self._copied:
            self.graphs[place] = copy(self.graphs[place])
            self._copied.add(place)
        self.graphs[place][key] = value
        if conversion:
            self._conversions[conversion] = self._conversions.get(conversion, 0) + 1

    def conversions(self) -> list[str]:
        """A notice for each kind of conversion."""
        total = len(self.graphs)
        notices = []
        for conversion, count in self._conversions.items():
            where = f", in {count:,} of {total:,} graphs" if total > 1 else ""
            notices.append(f"converted: {conversion}{where}")
        return notices

    def place(self, graph: int) -> str:
        """How messages call a graph."""
        return self.name if len(self.graphs) == 1 else f"{self.name}, graph {graph}"


def refuse(message: str, hint: str) -> NoReturn:
    raise InputError(message, hint=hint)


def some(values: Tensor | Iterable[Any]) -> str:
    """The first of the values, and how many there are."""
    items = values.tolist() if isinstance(values, Tensor) else list(values)
    listed = ", ".join(map(_shown, items[:LISTED]))
    return listed if len(items) <= LISTED else f"{listed}, ... ({len(items):,} in all)"


def _shown(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    return f"({', '.join(map(str, value))})" if isinstance(value, list | tuple) else str(value)


def dtype_name(value: Tensor) -> str:
    return str(value.dtype).removeprefix("torch.")


def outside(values: Tensor, size: int) -> Tensor | None:
    """The different values that are not in [0, size), sorted; None where there are none."""
    if not values.numel():
        return None
    low, high = values.aminmax()
    if int(low) >= 0 and int(high) < size:
        return None
    return values[(values < 0) | (values >= size)].unique()


def counted_from_one(values: Tensor, size: int) -> bool:
    """Whether ids that do not fit would, if they were counted from 1."""
    return bool(values.numel()) and int(values.min()) >= 1 and int(values.max()) == size


def range_hint(values: Tensor, size: int, otherwise: str) -> str:
    """The remedy for ids out of range."""
    if counted_from_one(values, size):
        return "they look counted from 1: subtract 1"
    if values.numel() and int(values.min()) < 0 and int(values.max()) < size:
        return f"ids are 0 to {size - 1:,}; a negative id names nothing"
    return otherwise


def plain_tensor(value: Any) -> Tensor | None:
    """A dense tensor in main memory without a gradient; None for anything else that is not a number in an array."""
    if isinstance(value, np.ndarray):
        return tensor_of(value) if value.dtype.kind in "biufc" else None
    if not isinstance(value, Tensor) or value.layout != torch.strided or value.is_nested or value.is_meta:
        return None
    if value.is_quantized:
        return None
    if type(value) is Tensor and not (value.requires_grad or value.is_conj() or value.is_neg()) and value.is_cpu:
        return value
    return value.detach().cpu().as_subclass(Tensor).resolve_conj().resolve_neg()


def join(parts: Sequence[Tensor], dim: int = 0) -> Tensor:
    """`torch.cat` that does not copy a single tensor."""
    return parts[0] if len(parts) == 1 else torch.cat(list(parts), dim=dim)
