"""The one way from what a user has to a data set."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from torch_geometric.data import Data
from torch_geometric.data import Dataset as PyGDataset

from graphlab.core.errors import DataError, InputError
from graphlab.data.card import Card
from graphlab.data.convert.folder import from_folder
from graphlab.data.convert.frames import from_edge_list, from_frame
from graphlab.data.convert.network import from_networkx
from graphlab.data.convert.pyg import from_data, from_list
from graphlab.data.convert.request import Request, SplitRequest
from graphlab.data.dataset import Dataset

TAKEN = (
    "a PyG Data, a list of them, a networkx graph, a pandas frame of edges, an edge-list file or a folder of triples"
)


def dataset(
    source: Any,
    *,
    name: str | None = None,
    task: str | None = None,
    split: SplitRequest = None,
    split_seed: int = 0,
    directed: bool | None = None,
    target: str | None = None,
    features: str | Sequence[str] | None = None,
    nodes: Any = None,
    labels: Any = None,
    validation: Literal["train", "inference"] | None = None,
    card: Card | None = None,
) -> Dataset:
    """A data set of one's own, checked as every other. Nothing that is given is changed.

    Args:
        source: a PyG Data; a list of them with targets; a networkx graph; a pandas frame of edges, or a mapping of the
            frames `edges`, `nodes` and `labels`; the path of an edge list, or of a folder of triples.
        name: what runs and tables call it, `own/NAME-FINGERPRINT@SPLIT`. By default what the file or folder is called,
            else "data".
        task: where several fit: "link-prediction" or "directed-links" in place of "node-classification".
        split: "random-60/20/20" or "stratified-60/20/20", percents of training, validation and test; a Split, or
            several; or a mapping of train, validation and test to items. A Data may have masks in its place.
        split_seed: what a split by name is drawn from; in the split's name where it is not 0.
        directed: whether edges have a direction. Files and frames do not say; networkx graphs do.
        target: the attribute or column that has the classes of nodes; `y` of a Data.
        features: attributes or columns of numbers; or "identity", "degree" or "constant", made of the graph.
        nodes: a frame with a row a node, named by its column `node` or its index.
        labels: classes by name of node, in place of `target`: a mapping, a Series, a frame or a file of two columns.
        validation: of triples with an inference graph, the graph in which validation is asked.
        card: whose the data are.

    Raises:
        InputError: what is given is no such thing, does not say what must be said, or fails the check.
        DataError: a file is not as it should be.
    """
    name = _default_name(source) if name is None else name
    if isinstance(source, Mapping):
        source, nodes, labels = _frames(source, nodes, labels)
    request = Request(name, task, split, split_seed, directed, target, features, nodes, labels, validation, card)
    if isinstance(source, Data):
        return from_data(request, source)
    if isinstance(source, list | tuple | PyGDataset):
        graphs: list[Any] = list(source)
        odd = next((graph for graph in graphs if not isinstance(graph, Data)), None)
        if odd is not None:
            raise InputError(f"{name} has a {type(odd).__name__} among its graphs", hint="give a list of PyG Data")
        return from_list(request, graphs)
    if isinstance(source, str | os.PathLike):
        return _from_path(request, Path(source))
    if hasattr(source, "iloc") and hasattr(source, "columns"):
        return from_frame(request, source)
    if hasattr(source, "is_multigraph"):
        return from_networkx(request, source)
    raise InputError(f"{name} cannot be made of a {type(source).__name__}", hint=f"give {TAKEN}")


def _default_name(source: Any) -> str:
    """What a file or folder is called, in the letters that a name may have."""
    stem = Path(source).resolve().stem if isinstance(source, str | os.PathLike) else ""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", stem).strip("-") or "data"


def _from_path(request: Request, path: Path) -> Dataset:
    if path.is_dir():
        return from_folder(request, path)
    if path.is_file():
        return from_edge_list(request, path)
    raise DataError(
        f"{path} is not there", hint="give an edge-list file, or a folder of train.txt, valid.txt, test.txt"
    )


def _frames(frames: Mapping[str, Any], nodes: Any, labels: Any) -> tuple[Any, Any, Any]:
    others = sorted(set(frames) - {"edges", "nodes", "labels"})
    if others or "edges" not in frames:
        raise InputError(
            f"a mapping with {', '.join(map(str, frames)) or 'nothing'} is no data set",
            hint="it holds the frames edges, and perhaps nodes and labels",
        )
    twice = [key for key, value in (("nodes", nodes), ("labels", labels)) if value is not None and key in frames]
    if twice:
        raise InputError(f"{twice[0]} are in the mapping and beside it", hint="give them once")
    if not hasattr(frames["edges"], "iloc"):
        raise InputError(
            f"the edges are a {type(frames['edges']).__name__}", hint="give a frame of which two columns are the ends"
        )
    return frames["edges"], frames.get("nodes", nodes), frames.get("labels", labels)
