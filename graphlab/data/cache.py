"""Built data sets kept on disk, named by everything they were built from.

The name of an entry is a hash of the raw files' digests, of the variant and split, of all source code that
had a part in it, and of the transform. What changes any of these changes the name, so an old entry is never
read. An entry is one .npz without pickles; one that is damaged is built again.
"""

from __future__ import annotations

import contextlib
import json
import math
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch_geometric.data import Data

from graphlab.core.files import canonical_json, hash_text, write_atomic
from graphlab.core.paths import data_root
from graphlab.core.source import source_digest
from graphlab.data.card import Card
from graphlab.data.dataset import Dataset, Origin, Split, Splits
from graphlab.data.spec import spec_of

FORMAT = 2


def entry(module: ModuleType, name: str, split: str, digests: Mapping[str, str], transform: str) -> Path:
    """Where the data set with these origins is kept; `transform` is the fingerprint of one, or empty."""
    code = [source_digest(each) for each in (sys.modules["graphlab.data"], module)]
    origins = [FORMAT, name, split, dict(digests), code, transform]
    stem = f"{name.replace('/', '-')}@{split}"
    return data_root() / "processed" / f"{stem}-{hash_text(canonical_json(origins))[:16]}.npz"


def read(path: Path, card: Card) -> Dataset | None:
    """The data set of an entry, of whose origin the content alone is known; None if there is none or it is not exactly
    what was written there."""
    try:
        with np.load(path, allow_pickle=False) as stored:
            arrays = dict(stored)
        about = json.loads(arrays.pop("about").tobytes())
        if about["entry"] != path.name:
            return None
        dataset = Dataset(
            name=about["name"],
            task=about["task"],
            graphs=_unpack_graphs(about["graphs"], arrays),
            splits=Splits(about["split"], fixed=_unpack_splits(about["num_splits"], arrays)),
            spec=spec_of(about["spec"]),
            card=card,
            labels={key: tuple(names) for key, names in about["labels"].items()},
            notices=tuple(about["notices"]),
            validation_graph=about["validation_graph"],
            findings=tuple(about["findings"]),
            evaluator=about.get("evaluator", ""),
        )
        if dataset.fingerprint != about["fingerprint"]:
            return None
        return replace(dataset, origin=Origin("", "", about["fingerprint"]))
    except Exception:  # a damaged file can fail in any way
        return None


def write(path: Path, dataset: Dataset) -> bool:
    """Keep a data set, and say whether that was possible: it is not for one that draws its splits or holds more than
    plain values, nor where nothing can be written."""
    if dataset.splits.draw is not None or any(type(graph) is not Data for graph in dataset.graphs):
        return False
    arrays: dict[str, np.ndarray] = {}
    with contextlib.suppress(OSError, TypeError, ValueError, RuntimeError):
        about = {
            "entry": path.name,
            "name": dataset.name,
            "task": dataset.task,
            "graphs": _pack_graphs(dataset.graphs, arrays),
            "split": dataset.splits.name,
            "num_splits": len(dataset.splits.fixed),
            "spec": dataset.spec.to_json(),
            "labels": dict(dataset.labels),
            "notices": list(dataset.notices),
            "validation_graph": dataset.validation_graph,
            "findings": list(dataset.findings),
            "evaluator": dataset.evaluator,
            "fingerprint": dataset.fingerprint,
        }
        for k, split in enumerate(dataset.splits.fixed):
            arrays.update({f"split/{k}/{name}": items.numpy() for name, items in split.tensors()})
        arrays["about"] = np.frombuffer(json.dumps(about).encode(), dtype=np.uint8)
        save: Callable[..., None] = np.savez_compressed
        write_atomic(path, lambda file: save(file, allow_pickle=False, **arrays))
        return True
    return False


def _pack_graphs(graphs: tuple[Data, ...], arrays: dict[str, np.ndarray]) -> list[dict[str, Any]]:
    """Put the tensors into `arrays`, those of one key end to end; return each graph's plain values and shapes."""
    flat: dict[str, list[Tensor]] = {}
    described = []
    for graph in graphs:
        values, shapes = {}, {}
        for key, value in graph.to_dict().items():
            if isinstance(value, Tensor):
                column = f"{key}/{value.dtype}"
                flat.setdefault(column, []).append(value.flatten())
                shapes[key] = [column, *value.shape]
            elif value is None or isinstance(value, bool | int | float | str | list | tuple):
                values[key] = value
            else:
                raise TypeError(f"{key} is a {type(value).__name__}")
        described.append({"values": values, "shapes": shapes})
    arrays.update({f"graph/{column}": torch.cat(parts).numpy() for column, parts in flat.items()})
    return described


def _unpack_graphs(described: list[dict[str, Any]], arrays: Mapping[str, np.ndarray]) -> tuple[Data, ...]:
    sizes: dict[str, list[int]] = {}
    for about in described:
        for column, *shape in about["shapes"].values():
            sizes.setdefault(column, []).append(math.prod(shape))
    pieces = {key: iter(torch.from_numpy(arrays[f"graph/{key}"]).split(lengths)) for key, lengths in sizes.items()}
    graphs = []
    for about in described:
        tensors = {key: next(pieces[column]).view(shape) for key, (column, *shape) in about["shapes"].items()}
        graphs.append(Data(**about["values"], **tensors))
    return tuple(graphs)


def _unpack_splits(number: int, arrays: Mapping[str, np.ndarray]) -> tuple[Split, ...]:
    def split(k: int) -> Split:
        parts = (torch.from_numpy(arrays[f"split/{k}/{part}"]) for part in ("train", "validation", "test"))
        names = {part: f"split/{k}/{part} negatives" for part in ("validation", "test")}
        negatives = {part: torch.from_numpy(arrays[name]) for part, name in names.items() if name in arrays}
        return Split(*parts, negatives=negatives)

    return tuple(map(split, range(number)))
