"""What graphs hold as targets, of each type: classes, labels, values, masks, pointers and permutations."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from graphlab.data.draft import (
    Draft,
    counted_from_one,
    dtype_name,
    floats,
    join,
    plain_tensor,
    refuse,
    refuse_not_finite,
    some,
)
from graphlab.data.spec import UNLABELLED, Target


def check_targets(draft: Draft) -> list[str]:
    """Bring the targets that graphs hold to their types and shapes, and see that their numbers are; give findings."""
    return [finding for target in draft.spec.stored_targets for finding in _check_target(draft, target)]


def _check_target(draft: Draft, target: Target) -> list[str]:
    for place in range(len(draft.graphs)):
        _check_presence(draft, place, target)
        rows = _num_rows(draft, place, target)
        if target.stage == "hint":
            _hints(draft, place, target, rows)
        elif target.type == "class":
            _classes(draft, place, target, rows)
        elif target.type in ("value", "multi-label"):
            _values(draft, place, target, rows)
        else:
            _one_number_a_row(draft, place, target, rows)
    values = [graph[target.name] for graph in draft.graphs]
    if target.type == "class":
        _check_range(draft, values, target)
        return _gaps(target, join(values)) if target.stage == "output" else []
    if target.type in ("pointer", "permutation"):
        _check_pointers(draft, values, target)
        return []
    refuse_not_finite(draft, target.name, values, target.location)
    if target.type != "value":
        _check_truth_values(draft, values, target)
    return []


def _num_rows(draft: Draft, place: int, target: Target) -> int:
    if target.location == "graph":
        return 1
    return draft.sizes[place] if target.location == "node" else draft.graphs[place]["edge_index"].shape[1]


def _check_presence(draft: Draft, place: int, target: Target) -> None:
    """The target is a dense tensor of real numbers; of a single graph it may be a plain number."""
    name = target.name
    y: Any = draft.graphs[place].get(name)
    if isinstance(y, bool | int | float) and draft.items.are_graphs:
        draft.set(place, name, torch.tensor([y]), f"{name} from a number to a tensor")
        return
    tensor = plain_tensor(y)
    if tensor is None or tensor.is_complex():
        kind = f"no {name}" if y is None else f"{name} as a {type(y).__name__}"
        refuse(
            f"{draft.place(place)} has {kind}, not a tensor of targets",
            f"give {name} as a dense tensor of real numbers",
        )
    if tensor is not y:
        draft.set(place, name, tensor, "" if isinstance(y, Tensor) else f"{name} from an array to a tensor")


def _classes(draft: Draft, place: int, target: Target, rows: int) -> None:
    name, what = target.name, target.location
    y = draft.graphs[place][name]
    if y.dtype == torch.int64 and y.shape == (rows,):
        return
    if y.dim() == 2 and y.shape[1] > 1 and y.shape[1] == target.size:
        refuse(
            f"{draft.place(place)} has {name} of the shape {list(y.shape)}, a column a class",
            f"give classes: {name}.argmax(dim=1)",
        )
    if y.shape != (rows,) and y.shape not in ((rows, 1), ()):
        refuse(
            f"{draft.place(place)} has {name} of the shape {list(y.shape)}, not {[rows]}",
            f"give one class for each {what}",
        )
    if y.numel() != rows:
        refuse(f"{draft.place(place)} has {y.numel():,} classes and {rows:,} {what}s", f"give one for each {what}")
    if y.is_floating_point():
        refuse(
            f"{draft.place(place)} has {name} of {dtype_name(y)}, and its target is of classes",
            f'give {name}.long() where these are classes, or say type="value"',
        )
    if y.dtype != torch.int64:
        draft.set(place, name, y.long(), f"{name} from {dtype_name(y)} to int64")
    if y.shape != (rows,):
        draft.set(place, name, draft.graphs[place][name].reshape(rows), f"{name} from one column to one dimension")


def _values(draft: Draft, place: int, target: Target, rows: int) -> None:
    name, shape = target.name, (rows, target.size)
    y = floats(draft, place, name)
    if y.shape == shape:
        return
    if y.dim() > 1 or y.numel() != rows * target.size or (rows != 1 and target.size != 1):
        refuse(
            f"{draft.place(place)} has {name} of the shape {list(y.shape)}, not {list(shape)}",
            f"give a row for each {target.location} and a column for each of {target.size:,} {_columns(target)}",
        )
    dimensions = f"{y.dim() or 'no'} dimension{'' if y.dim() == 1 else 's'}"
    draft.set(place, name, y.reshape(shape), f"{name} from {dimensions} to rows")


def _columns(target: Target) -> str:
    return "labels" if target.type == "multi-label" else "values"


def _one_number_a_row(draft: Draft, place: int, target: Target, rows: int) -> None:
    """Masks as float32, pointers as int64, one dimension."""
    name = target.name
    y = draft.graphs[place][name]
    if y.shape != (rows,):
        refuse(
            f"{draft.place(place)} has {name} of the shape {list(y.shape)}, not {[rows]}",
            f"give one number for each {target.location}",
        )
    _bring_to_type(draft, place, target)


def _bring_to_type(draft: Draft, place: int, target: Target) -> None:
    name = target.name
    y = draft.graphs[place][name]
    if target.type not in ("class", "pointer", "permutation"):
        floats(draft, place, name)
    elif y.is_floating_point() or y.dtype == torch.bool:
        refuse(f"{draft.place(place)} has {name} of {dtype_name(y)}", f"give whole numbers: {name}.long()")
    elif y.dtype != torch.int64:
        draft.set(place, name, y.long(), f"{name} from {dtype_name(y)} to int64")


def _hints(draft: Draft, place: int, target: Target, rows: int) -> None:
    """A row, then steps, then the columns that the type has."""
    name = target.name
    y = draft.graphs[place][name]
    columns = (target.size,) if target.type in ("value", "multi-label") else ()
    if y.dim() != 2 + len(columns) or len(y) != rows or tuple(y.shape[2:]) != columns:
        refuse(
            f"{draft.place(place)} has the hint {name} of the shape {list(y.shape)}, not "
            f"[{', '.join([str(rows), 'steps', *map(str, columns)])}]",
            f"give a row for each {target.location}, and its steps as the second axis",
        )
    _bring_to_type(draft, place, target)


def _check_range(draft: Draft, values: list[Tensor], target: Target) -> None:
    """Classes are below the number of classes; what is not labelled is `UNLABELLED`."""
    size, name, what = target.size, target.name, target.location
    whole = join(values)
    wrong = (whole < UNLABELLED) | (whole >= size)
    if not wrong.any():
        return
    graph_of_row = torch.arange(len(values)).repeat_interleave(torch.tensor([len(y) for y in values]))
    wrong_rows = wrong.flatten(1).any(1) if wrong.dim() > 1 else wrong
    place = int(graph_of_row[wrong_rows][0])
    rows = "" if what == "graph" else f", at {what} {some(wrong_rows[graph_of_row == place].nonzero().flatten())}"
    if (whole[wrong] == -100).all():
        hint = f"say {UNLABELLED} where a class is not known"
    elif counted_from_one(whole[whole >= 0], size):
        hint = "they look counted from 1: subtract 1"
    else:
        hint = f"classes are 0 to {size - 1:,}, and {UNLABELLED} is unlabelled; or the size of the target is too small"
    refuse(
        f"{draft.place(place)} has {name} of {some(whole[wrong].unique())}{rows}, and there are {size:,} classes "
        f"({int(wrong.sum()):,} of {whole.numel():,} are no class)",
        hint,
    )


def _check_pointers(draft: Draft, values: list[Tensor], target: Target) -> None:
    """Pointers name nodes of their own graph; a permutation names each once."""
    for place, (value, size) in enumerate(zip(values, draft.sizes, strict=True)):
        wrong = (value < 0) | (value >= size)
        if wrong.any():
            refuse(
                f"{draft.place(place)} has {target.name} of {some(value[wrong].unique())}, and its nodes are 0 to "
                f"{size - 1:,}",
                "a pointer is a node of the same graph, counted from 0 within it",
            )
        each = torch.arange(len(value)).view(-1, *[1] * (value.dim() - 1))
        if target.type == "permutation" and not (value.sort(dim=0).values == each).all():
            refuse(
                f"{draft.place(place)} has {target.name}, which is no permutation: it names a node twice",
                "name each node of the graph once",
            )


def _check_truth_values(draft: Draft, values: list[Tensor], target: Target) -> None:
    """Masks and labels are 0 or 1; a mask-one is 1 at one row of each graph, at each step."""
    for place, value in enumerate(values):
        wrong = (value != 0) & (value != 1)
        if wrong.any():
            refuse(
                f"{draft.place(place)} has {target.name} of {some(value[wrong].unique())}",
                "it is 0 or 1; numbers are of type value",
            )
        if target.type == "mask-one" and not (value.sum(0) == 1).all():
            refuse(
                f"{draft.place(place)} has {target.name}, which is not 1 at one {target.location} alone",
                "a mask-one marks one row of each graph",
            )


def _gaps(target: Target, y: Tensor) -> list[str]:
    """Classes that nothing has."""
    counts = torch.bincount(y[y >= 0], minlength=target.size)
    absent = (counts == 0).nonzero().flatten()
    if not len(absent):
        return []
    return [f"no {target.location} has class {some(absent)}, of {target.size:,} classes"]
