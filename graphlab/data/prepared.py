"""Data sets as a model wants its graphs made ready: made once, however many runs use them, and kept on disk.

An entry is named by the data set's fingerprint, by what the preparation is and by all source code that has a part in
it, so that what changes any of these changes the name. It holds what was added to each graph and a digest of it, as one
.npz without pickles; one that is damaged, was changed or is another's is made again.
"""

from __future__ import annotations

import contextlib
import hashlib
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import ClassVar, Protocol
from weakref import WeakKeyDictionary

import numpy as np
import torch
from torch import Tensor
from torch_geometric.data import Data

from graphlab.core.files import canonical_json, hash_text, write_atomic
from graphlab.core.paths import data_root
from graphlab.core.source import imports_digest
from graphlab.data.dataset import Dataset

FORMAT = 3
DIGEST = "digest"


class Preparation(Protocol):
    """What makes graphs ready; its `repr` names all that it depends on but its code, and `version` is raised when it
    makes something else of them."""

    version: ClassVar[int]

    def prepare(self, graphs: Sequence[Data]) -> Sequence[Data]:
        """The graphs, same nodes and edges, with more tensors, whose first axis may differ from graph to graph."""
        ...

    def restore(self, graph: Data, added: Mapping[str, Tensor]) -> Data:
        """One graph with the tensors that `prepare` added to it."""
        ...


_MADE: WeakKeyDictionary[Dataset, dict[str, Dataset]] = WeakKeyDictionary()


def prepare(dataset: Dataset, preparation: Preparation) -> Dataset:
    """The data set with its graphs prepared; the same one for the same preparation of the same data set.

    Those of a data set that is made of files are kept on disk.
    """
    made = _MADE.setdefault(dataset, {})
    content = dataset.fingerprint
    key = f"{content} {preparation!r}"
    if key not in made:
        kept = dataset.card.sources
        graphs = _kept(dataset, preparation, content) if kept else preparation.prepare(dataset.graphs)
        made[key] = replace(dataset, graphs=tuple(graphs))
    return made[key]


def entry(dataset: Dataset, preparation: Preparation, content: str) -> Path:
    """Where what this preparation adds to the data set of this fingerprint is kept."""
    code = imports_digest(sys.modules[type(preparation).__module__])
    origins = [FORMAT, content, repr(preparation), code]
    stem = dataset.name.replace("/", "-")
    return data_root() / "prepared" / f"{stem}-{hash_text(canonical_json(origins))[:16]}.npz"


def _kept(dataset: Dataset, preparation: Preparation, content: str) -> Sequence[Data]:
    path = entry(dataset, preparation, content)
    kept = _read(path, dataset, preparation)
    if kept is not None:
        return kept
    graphs = preparation.prepare(dataset.graphs)
    with contextlib.suppress(OSError):
        _write(path, dataset, graphs)
    return graphs


def _write(path: Path, dataset: Dataset, graphs: Sequence[Data]) -> None:
    added = sorted(graphs[0].to_dict().keys() - dataset.graphs[0].to_dict().keys())
    arrays: dict[str, np.ndarray] = {}
    for key in added:
        parts: list[Tensor] = [graph[key] for graph in graphs]
        arrays[f"rows/{key}"] = np.array([len(part) for part in parts])
        arrays[f"values/{key}"] = torch.cat(parts).numpy()
    arrays[DIGEST] = _digest(path.name, arrays)
    write_atomic(path, lambda file: np.savez(file, allow_pickle=False, **arrays))


def _read(path: Path, dataset: Dataset, preparation: Preparation) -> list[Data] | None:
    try:
        with np.load(path, allow_pickle=False) as stored:
            arrays = dict(stored)
        if not np.array_equal(arrays.pop(DIGEST), _digest(path.name, arrays)):
            return None
        keys = [name.removeprefix("rows/") for name in arrays if name.startswith("rows/")]
        parts = {key: torch.from_numpy(arrays[f"values/{key}"]).split(arrays[f"rows/{key}"].tolist()) for key in keys}
        return [
            preparation.restore(graph, {key: parts[key][g] for key in keys}) for g, graph in enumerate(dataset.graphs)
        ]
    except Exception:  # a damaged file can fail in any way
        return None


def _digest(entry: str, arrays: Mapping[str, np.ndarray]) -> np.ndarray:
    """sha256 of the entry's name and of all names, types, shapes and values: uint8 `[32]`."""
    whole = hashlib.sha256(entry.encode())
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        whole.update(canonical_json([name, array.dtype.str, array.shape]).encode())
        whole.update(array.reshape(-1).view(np.uint8).data)
    return np.frombuffer(whole.digest(), np.uint8)
