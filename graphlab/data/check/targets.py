"""What graphs have as `y`: classes, of which `UNLABELLED` is none, or values."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from graphlab.data.check.draft import Draft, counted_from_one, dtype_name, join, plain_tensor, refuse, some
from graphlab.data.check.graphs import floats, refuse_not_finite
from graphlab.data.spec import UNLABELLED


def check_targets(draft: Draft) -> list[str]:
    """Bring `y` of all graphs to the type and shape of the spec, at levels that have targets; give findings."""
    spec = draft.spec
    if spec.level not in ("node", "graph"):
        return []
    what = "node" if spec.level == "node" else spec.target_of
    for place in range(len(draft.graphs)):
        _check_presence(draft, place)
        if spec.target == "class":
            _classes(draft, place, _rows(draft, place, what), what)
        else:
            _values(draft, place, _rows(draft, place, what), what)
    values = [graph["y"] for graph in draft.graphs]
    if spec.target != "class":
        refuse_not_finite(draft, "y", values, what)
        return []
    _check_range(draft, values, what)
    return _gaps(draft, join(values), what)


def _rows(draft: Draft, place: int, what: str) -> int:
    if what == "graph":
        return 1
    return draft.sizes[place] if what == "node" else draft.graphs[place]["edge_index"].shape[1]


def _check_presence(draft: Draft, place: int) -> None:
    """`y` is a dense tensor of real numbers; of a single graph it may be a plain number."""
    y: Any = draft.graphs[place].get("y")
    if isinstance(y, bool | int | float) and draft.spec.level == "graph":
        draft.set(place, "y", torch.tensor([y]), "y from a number to a tensor")
        return
    tensor = plain_tensor(y)
    if tensor is None or tensor.is_complex():
        kind = "no y" if y is None else f"y as a {type(y).__name__}"
        refuse(f"{draft.place(place)} has {kind}, not a tensor of targets", "give y as a dense tensor of real numbers")
    if tensor is not y:
        draft.set(place, "y", tensor, "" if isinstance(y, Tensor) else "y from an array to a tensor")


def _classes(draft: Draft, place: int, rows: int, what: str) -> None:
    y = draft.graphs[place]["y"]
    if y.dtype == torch.int64 and y.shape == (rows,):
        return
    if y.dim() == 2 and y.shape[1] > 1 and y.shape[1] == draft.spec.num_outputs:
        refuse(
            f"{draft.place(place)} has y of the shape {list(y.shape)}, a column a class",
            "give classes: y.argmax(dim=1)",
        )
    if y.shape != (rows,) and y.shape not in ((rows, 1), ()):
        refuse(
            f"{draft.place(place)} has y of the shape {list(y.shape)}, not {[rows]}", f"give one class for each {what}"
        )
    if y.numel() != rows:
        refuse(f"{draft.place(place)} has {y.numel():,} classes and {rows:,} {what}s", f"give one for each {what}")
    if y.is_floating_point():
        refuse(
            f"{draft.place(place)} has y of {dtype_name(y)}, and spec.target says classes",
            "give y.long() where these are classes, or say target='value'",
        )
    if y.dtype != torch.int64:
        draft.set(place, "y", y.long(), f"y from {dtype_name(y)} to int64")
    if y.shape != (rows,):
        draft.set(place, "y", draft.graphs[place]["y"].reshape(rows), "y from one column to one dimension")


def _values(draft: Draft, place: int, rows: int, what: str) -> None:
    shape = (rows, draft.spec.num_outputs)
    y = floats(draft, place, "y")
    if y.shape == shape:
        return
    if y.dim() > 1 or y.numel() != rows * draft.spec.num_outputs or (rows != 1 and draft.spec.num_outputs != 1):
        refuse(
            f"{draft.place(place)} has y of the shape {list(y.shape)}, not {list(shape)}",
            f"give a row for each {what} and a column for each of {draft.spec.num_outputs:,} values",
        )
    draft.set(place, "y", y.reshape(shape), f"y from {y.dim() or 'no'} dimension{'' if y.dim() == 1 else 's'} to rows")


def _check_range(draft: Draft, values: list[Tensor], what: str) -> None:
    """Classes are below the number of classes; what is not labelled is `UNLABELLED`."""
    size = draft.spec.num_outputs
    whole = join(values)
    wrong = (whole < UNLABELLED) | (whole >= size)
    if not wrong.any():
        return
    graph_of_row = torch.arange(len(values)).repeat_interleave(torch.tensor([len(y) for y in values]))
    place = int(graph_of_row[wrong][0])
    rows = "" if what == "graph" else f", at {what} {some(wrong[graph_of_row == place].nonzero().flatten())}"
    if (whole[wrong] == -100).all():
        hint = f"say {UNLABELLED} where a class is not known"
    elif counted_from_one(whole[whole >= 0], size):
        hint = "they look counted from 1: subtract 1"
    else:
        hint = f"classes are 0 to {size - 1:,}, and {UNLABELLED} is unlabelled; or spec.num_outputs is too small"
    refuse(
        f"{draft.place(place)} has y of {some(whole[wrong].unique())}{rows}, and there are {size:,} classes "
        f"({int(wrong.sum()):,} of {len(whole):,} are no class)",
        hint,
    )


def _gaps(draft: Draft, y: Tensor, what: str) -> list[str]:
    """Classes that nothing has."""
    counts = torch.bincount(y[y >= 0], minlength=draft.spec.num_outputs)
    absent = (counts == 0).nonzero().flatten()
    if not len(absent):
        return []
    return [f"no {what} has class {some(absent)}, of {draft.spec.num_outputs:,} classes"]
