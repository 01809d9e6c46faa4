"""The copy of a data set that conversions are made on, tensors brought to a type on it, and the words that refusals and
notices share."""

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
from graphlab.data.item import find_items

LISTED = 5
"""Offending values that a message lists."""

EXACT = 2**24
"""Whole numbers below this are the same in float32."""


class Draft:
    """A data set under check.

    graphs  those of the data set; a graph is copied before anything of it is replaced
    items   the kind of items that its splits hold
    sizes   nodes of each graph, once `check_graphs` has counted them
    findings  what was seen to be suspicious on the way
    """

    def __init__(self, dataset: Dataset) -> None:
        self.dataset = dataset
        self.name = dataset.name
        self.spec = dataset.spec
        self.items = find_items(dataset.spec.items)
        self.graphs: list[Data] = list(dataset.graphs)
        self.sizes: list[int] = []
        self.findings: list[str] = []
        self._copied: set[int] = set()
        self._conversions: dict[str, int] = {}

    @property
    def reads(self) -> tuple[str, ...]:
        """The attributes of graphs that tasks and models read."""
        return (*self.items.reads, *(target.name for target in self.spec.stored_targets))

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


def kind_of(value: Any) -> str:
    """What messages call a value of a graph."""
    if isinstance(value, Tensor):
        is_sparse = value.layout != torch.strided
        return "quantized tensor" if value.is_quantized else "sparse tensor" if is_sparse else "tensor"
    return type(value).__name__


def dense(draft: Draft, place: int, key: str, needed: str) -> Tensor:
    """An attribute as a dense tensor."""
    value = draft.graphs[place][key]
    tensor = plain_tensor(value)
    if tensor is None:
        hint = f"give {key} as a tensor"
        if isinstance(value, Tensor):
            hint = f"give {key}.{'dequantize' if value.is_quantized else 'to_dense'}()"
        refuse(f"{draft.place(place)} has {key} as a {kind_of(value)}, not {needed}", hint)
    if tensor is not value:
        draft.set(place, key, tensor, "" if isinstance(value, Tensor) else f"{key} from an array to a tensor")
    return tensor


def integers(draft: Draft, place: int, key: str, needed: str) -> Tensor:
    """An attribute of ids as int64."""
    value = dense(draft, place, key, needed)
    if value.dtype == torch.int64:
        return value
    if value.numel() and (value.is_floating_point() or value.is_complex() or value.dtype == torch.bool):
        refuse(
            f"{draft.place(place)} has {key} of {dtype_name(value)}, not {needed}", f"give whole numbers, {key}.long()"
        )
    draft.set(place, key, value.long(), f"{key} from {dtype_name(value)} to int64" if value.numel() else "")
    return draft.graphs[place][key]


def floats(draft: Draft, place: int, key: str) -> Tensor:
    """An attribute of numbers as float32."""
    value = dense(draft, place, key, "float32")
    if value.dtype == torch.float32:
        return value
    name = dtype_name(value)
    if value.is_complex():
        refuse(f"{draft.place(place)} has {key} of {name}", "give real and imaginary parts as columns of float32")
    converted, rounded = value.float(), ""
    if value.dtype == torch.float64:
        if (converted.isinf() & value.isfinite()).any():
            refuse(f"{draft.place(place)} has {key} with numbers that float32 cannot hold", "scale them down")
        finite = value.isfinite()
        rounded = "" if torch.equal(converted.double()[finite], value[finite]) else ", rounded"
    elif not value.is_floating_point() and value.numel() and value.dtype != torch.bool:
        whole = value.long()  # unsigned types of more than 8 bits have no order of their own
        low, high = int(whole.min()), int(whole.max())
        if max(-low, high) > EXACT:
            refuse(
                f"{draft.place(place)} has {key} of {name} up to {max(-low, high):,}, which float32 may not hold",
                "numbers of this size look like ids: say Categorical(sizes), or scale them down",
            )
    draft.set(place, key, converted, f"{key} from {name} to float32{rounded}")
    return converted


def refuse_not_finite(draft: Draft, key: str, values: list[Tensor], what: str) -> None:
    """NaN and infinity are told with their rows and columns."""
    if join([value.reshape(-1) for value in values]).sum().isfinite():  # a sum shows all of them, and makes no copy
        return
    for place, value in enumerate(values):
        wrong = (~value.isfinite()).nonzero()
        if len(wrong):
            row, *column = wrong[0].tolist()
            where = f"{what} {row}" + (f", column {column[0]}" if column else "")
            refuse(
                f"{draft.place(place)} has {key} = {value[tuple(wrong[0])].item():g} at {where}; "
                f"{len(wrong):,} of its {value.numel():,} numbers are not finite",
                f"replace or remove what is missing before training, as torch.nan_to_num({key})",
            )
