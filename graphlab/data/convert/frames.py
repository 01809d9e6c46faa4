"""pandas frames of edges, nodes and labels, and edge lists in text files."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch_geometric.data import Data

from graphlab.core.errors import DataError, InputError
from graphlab.data.convert.columns import (
    by_place,
    is_missing,
    read_classes,
    read_edges,
    read_features,
    read_names,
    read_weights,
    require_directed,
)
from graphlab.data.convert.nodes import NodeGraph, dataset_of_graph
from graphlab.data.convert.request import Request
from graphlab.data.dataset import Dataset
from graphlab.data.text import HEADERS, read_lines

if TYPE_CHECKING:
    import pandas as pd

LISTED = 5


def from_frame(request: Request, edges: pd.DataFrame) -> Dataset:
    """A data set of the nodes or links of a graph whose edges are the first two columns of a frame, by name of node."""
    request.refuse("frames", "validation")
    directed = require_directed(f"the edges of {request.name}", request.directed)
    if edges.shape[1] < 2:
        raise InputError(
            f"the edges of {request.name} have {edges.shape[1]} columns", hint="the first two are the ends"
        )
    ends = [edges.iloc[:, column].tolist() for column in (0, 1)]
    others = [str(name) for name in edges.columns[2:] if name != "weight"]
    places = [place for place, name in enumerate(edges.columns) if name == "weight" and place > 1]
    if len(places) > 1:
        raise InputError(f"the edges of {request.name} have {len(places)} columns 'weight'", hint="keep one of them")
    weights = read_weights(request.name, edges.iloc[:, places[0]].to_numpy()) if places else None
    notices = [f"columns of edges that are not read: {', '.join(others)}"] if others else []
    return _from_ends(request, ends[0], ends[1], weights, directed, notices)


def from_edge_list(request: Request, path: Path) -> Dataset:
    """The same of a text file: two names a line and perhaps a weight, between tabs, commas or blanks."""
    request.refuse("an edge list", "validation")
    directed = require_directed(f"the edges of {path}", request.directed)
    rows = read_rows(path)
    weights = None
    if len(rows[0]) == 3:
        weights = torch.tensor([_number(path, number, row[2]) for number, row in enumerate(rows, start=1)])
    return _from_ends(request, [row[0] for row in rows], [row[1] for row in rows], weights, directed, [])


def read_rows(path: Path, widths: tuple[int, ...] = (2, 3)) -> list[list[str]]:
    """Names of each line, between tabs where the first line has one, else commas, else blanks.

    Raises DataError as the readers of text do, and for a line with another number of names than the first.
    """
    lines = read_lines(path)
    separator = next((mark for mark in ("\t", ",") if mark in lines[0]), None)
    rows = [[word.strip() for word in line.split(separator)] for line in lines]
    width = len(rows[0])
    for number, (line, row) in enumerate(zip(lines, rows, strict=True), start=1):
        if line.startswith(("#", "%")):
            raise DataError(f"{path}:{number} is a comment: {line[:40]!r}", hint="take it off; each line is an edge")
        if width not in widths or len(row) != width or not all(row):
            raise DataError(
                f"{path}:{number} has {len([word for word in row if word])} names: {line[:60]!r}",
                hint=f"each line holds {' or '.join(map(str, widths))}, between tabs, commas or blanks, as the first",
            )
    if _is_count(rows):
        raise DataError(
            f"{path}:1 is a count of nodes and edges: {lines[0][:40]!r}",
            hint=f"take it off: sed -i 1d {path.name}; an edge may be in any other line",
        )
    if HEADERS.issuperset(word.lower() for word in rows[0]) and not any(set(rows[0]) & set(row) for row in rows[1:]):
        raise DataError(f"{path}:1 is a header: {', '.join(rows[0])}", hint=f"take it off: sed -i 1d {path.name}")
    return rows


def _is_count(rows: Sequence[Sequence[str]]) -> bool:
    """Whether a first line of two whole numbers says how many nodes and edges follow, and joins no two nodes.

    One is the number of the other lines and names nothing in them, the other no less than what they name; or nothing
    else is named by a number.
    """
    first, others = rows[0], {word for row in rows[1:] for word in row[:2]}
    if len(first) != 2 or not others or not all(word.isascii() and word.isdigit() for word in first):
        return False
    counts = {int(word) for word in first}
    lines = str(len(rows) - 1)
    if lines in first and lines not in others and max(counts - {int(lines)}, default=int(lines)) >= len(others):
        return True
    return not any(word.isdigit() for word in others)


def _number(path: Path, number: int, word: str) -> float:
    try:
        return float(word)
    except ValueError:
        raise DataError(f"{path}:{number} has the weight {word!r}", hint="a third name is a number") from None


def _from_ends(
    request: Request,
    sources: Sequence[Hashable],
    targets: Sequence[Hashable],
    weights: Tensor | None,
    directed: bool,
    notices: Sequence[str],
) -> Dataset:
    missing = sum(map(is_missing, [*sources, *targets]))
    if missing:
        raise InputError(f"{missing:,} ends of edges of {request.name} are missing", hint="drop these rows: dropna()")
    odd = next((name for name in [*sources, *targets] if not isinstance(name, Hashable)), None)
    if odd is not None:
        raise InputError(
            f"an end of an edge of {request.name} is the {type(odd).__name__} {odd!r:.60}",
            hint="name nodes by text or whole numbers",
        )
    frame = _nodes(request)
    names = _ordered({*sources, *targets}) if frame is None else _index(request, frame)
    place = by_place(names)
    strangers = [name for name in dict.fromkeys([*sources, *targets]) if name not in place]
    if strangers:
        raise InputError(
            f"{len(strangers):,} ends of edges of {request.name} are in no row of nodes: {strangers[:LISTED]!r}",
            hint="give every node a row, and names of one type: 1 and '1' are two names",
        )
    pairs = torch.tensor([[place[name] for name in sources], [place[name] for name in targets]]).t().reshape(-1, 2)
    edge_index, weight, repeated = read_edges(f"the edges of {request.name}", pairs, weights, directed)
    graph = Data(edge_index=edge_index, num_nodes=len(names))
    if weight is not None:
        graph.edge_weight = weight
    values = _class_values(request, names, frame)
    if frame is not None:
        x = _features(request, frame)
        if x is not None:
            graph.x = x
    classes: tuple[str, ...] = ()
    if values is not None:
        graph.y, classes = read_classes(f"the classes of nodes of {request.name}", values)
    written = read_names(f"the nodes of {request.name}", names)
    return dataset_of_graph(request, NodeGraph(graph, directed, names, written, classes, notices=(*notices, *repeated)))


def _nodes(request: Request) -> pd.DataFrame | None:
    frame = request.nodes
    if frame is None:
        request.require_made_features(f"{request.name}, which has no frame of nodes,")
        return None
    if not (hasattr(frame, "iloc") and hasattr(frame, "columns")):
        raise InputError(
            f"the nodes of {request.name} are a {type(frame).__name__}",
            hint="give a frame with a row a node, as pandas.read_csv(...) does",
        )
    if not frame.columns.is_unique:
        twice = sorted({str(name) for name in frame.columns[frame.columns.duplicated()]})
        raise InputError(
            f"the nodes of {request.name} have several columns {twice[0]!r}", hint="give each column a name"
        )
    return frame


def _ordered(names: set[Any]) -> list[Any]:
    """Names in order: numbers, and texts that are all whole numbers, by size."""
    if all(isinstance(name, str) and name.isascii() and name.isdigit() for name in names):
        return sorted(names, key=lambda name: (int(name), name))
    try:
        return sorted(names)
    except TypeError:
        raise InputError(
            f"names of nodes are of several types: {', '.join(sorted({type(name).__name__ for name in names}))}",
            hint="give names of one type: 1 and '1' are two names",
        ) from None


def _index(request: Request, frame: pd.DataFrame) -> list[Any]:
    """Names of nodes: the column `node` where there is one, else the index."""
    names = frame["node"].tolist() if "node" in frame.columns else frame.index.tolist()
    odd = next((name for name in names if not isinstance(name, Hashable)), None)
    if odd is not None:
        raise InputError(
            f"a node of {request.name} is called {odd!r:.60}, a {type(odd).__name__}",
            hint="name nodes by text or whole numbers",
        )
    if len(set(names)) < len(names) or any(map(is_missing, names)):
        raise InputError(
            f"the nodes of {request.name} have {len(names) - len(set(names)):,} repeated names, or missing ones",
            hint="give each node one row, named by the column 'node' or by the index",
        )
    return names


def _features(request: Request, frame: pd.DataFrame) -> Tensor | None:
    """The columns of the request, else all that are neither names nor classes."""
    if isinstance(request.features, str):
        return None
    wanted = request.features
    if wanted is None:
        wanted = [name for name in frame.columns if name not in ("node", request.target)]
    absent = [name for name in wanted if name not in frame.columns]
    if absent:
        raise InputError(f"the nodes of {request.name} have no column {absent[0]!r}", hint="name columns of nodes=")
    columns = list(wanted)
    if not columns:
        return None
    text = [name for name in columns if frame[name].dtype.kind not in "biuf"]
    if text:
        raise InputError(
            f"columns of nodes of {request.name} are no numbers: {', '.join(map(str, text))}",
            hint="name those that are features in features=[...], and the classes in target=",
        )
    return read_features(f"the features of {request.name}", frame[columns].to_numpy(dtype="float64"))


def _class_values(request: Request, names: Sequence[Any], frame: pd.DataFrame | None) -> list[Any] | None:
    """The class of each node: the column `target` of nodes, or by name from `labels`; None where there are none."""
    if request.labels is None:
        if request.target is None:
            return None
        if frame is None or request.target not in frame.columns:
            raise InputError(
                f"{request.name} has no column {request.target!r} of nodes", hint="give nodes= with it, or labels="
            )
        return frame[request.target].tolist()
    if request.target is not None:
        raise InputError(f"{request.name} has classes in labels and in target", hint="leave one of them out")
    labels = _labels(request)
    nodes = set(names)
    strangers = [name for name in labels if name not in nodes]
    if strangers:
        raise InputError(
            f"{len(strangers):,} labels of {request.name} are of no node: {strangers[:LISTED]!r}",
            hint="name nodes as the edges do: 1 and '1' are two names",
        )
    return [labels.get(name) for name in names]


def _labels(request: Request) -> Mapping[Any, Any]:
    """Classes by name of node: of a mapping, a Series, a frame of two columns, or a file of two names a line."""
    labels = request.labels
    if isinstance(labels, str | Path):
        pairs = read_rows(Path(labels), (2,))
    elif isinstance(labels, Mapping) or (hasattr(labels, "items") and not hasattr(labels, "columns")):
        pairs = list(labels.items())
    elif hasattr(labels, "columns") and labels.shape[1] == 2:
        pairs = list(zip(labels.iloc[:, 0].tolist(), labels.iloc[:, 1].tolist(), strict=True))
    else:
        raise InputError(
            f"labels of {request.name} cannot be a {type(labels).__name__}",
            hint="give a mapping, a Series, a frame of two columns (node, class), or a file of two names a line",
        )
    classes = dict(pairs)
    if len(classes) < len(pairs):
        raise InputError(f"labels of {request.name} name a node more than once", hint="give each node one class")
    return classes
