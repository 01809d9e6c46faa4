"""Files of the Open Graph Benchmark as its package ogb lays them out. Hu et al., NeurIPS 2020.

`<folder>` is the name with an underscore, `ogbl_collab`, in what ogb calls its root. All tables are compressed CSV
without a heading:

    <folder>/RELEASE_v1.txt                        the version
    <folder>/raw/edge.csv.gz                       a row an edge, in one direction where direction means nothing
    <folder>/raw/num-node-list.csv.gz              the number of nodes; num-edge-list.csv.gz that of edges
    <folder>/raw/node-feat.csv.gz, node-label.csv.gz, node_year.csv.gz, edge_weight.csv.gz, edge_year.csv.gz
    <folder>/split/<scheme>/{train,valid,test}     .csv.gz with ids of nodes, or .pt with a dictionary of arrays

The loaders of ogb ask on the terminal before they download or when a version has changed, print, and unpickle what they
read. This module reads the same files to the same numbers without any of it.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from graphlab.core.errors import DataError
from graphlab.data.card import Source
from graphlab.data.fetch import Files
from graphlab.data.unpickle import read_saved

AGAIN = "replace the file by the one that was published: delete it, and it is downloaded again when it is next needed"

DAMAGED = (OSError, EOFError, zlib.error, ValueError, gzip.BadGzipFile, UnicodeDecodeError)
"""What reading a damaged table raises."""

PARTS = {"train": "train", "validation": "valid", "test": "test"}
"""What ogb calls the parts of a split."""

ALWAYS = ("edge", "num-node-list", "num-edge-list")
"""Tables that each data set has."""


@dataclass(frozen=True)
class Layout:
    """Where the files of one data set lie, in one version.

    Attributes:
        name: What ogb calls it: `ogbl-collab`.
        archive: Address of the zip file that has them all.
        scheme: Name of the split.
        tables: Those of raw/ beside `ALWAYS`.
        version: Of the data set, which its RELEASE file tells.
    """

    name: str
    archive: str
    scheme: str
    tables: tuple[str, ...] = ()
    version: int = 1

    @property
    def folder(self) -> str:
        return self.name.replace("-", "_")

    @property
    def split_suffix(self) -> str:
        """Links are split by dictionaries of arrays, nodes by lists of ids."""
        return "pt" if self.name.startswith("ogbl") else "csv.gz"

    def table(self, name: str) -> str:
        return f"{self.folder}/raw/{name}.csv.gz"

    def part(self, part: str) -> str:
        return f"{self.folder}/split/{self.scheme}/{PARTS[part]}.{self.split_suffix}"

    def sources(self) -> tuple[Source, ...]:
        """All that is read, as members of the archive. No digest of any is published."""
        tables = (self.table(name) for name in (*ALWAYS, *self.tables))
        paths = (f"{self.folder}/RELEASE_v{self.version}.txt", *tables, *map(self.part, PARTS))
        return tuple(Source(path, None, url=self.archive, member=path.rpartition("/")[2]) for path in paths)


class OgbFiles:
    """The numbers in the files of one data set. Every method raises DataError for a file that is missing or damaged."""

    def __init__(self, layout: Layout, files: Files) -> None:
        self.layout = layout
        self._files = files
        files.path(f"{layout.folder}/RELEASE_v{layout.version}.txt")

    def read(self, name: str) -> np.ndarray:
        """A table of raw/ as `[rows, columns]`: int64 where all numbers are whole, else float32."""
        return self._table(self.layout.table(name))

    def edges(self) -> Tensor:
        """The edges of the file as int64 `[2, E]`, each once."""
        rows, count = self.read("edge"), self._number("num-edge-list")
        if rows.shape[1] != 2 or rows.dtype.kind != "i" or len(rows) != count:
            raise DataError(
                f"{self.layout.table('edge')} has {len(rows):,} rows of {rows.shape[1]} numbers, not {count:,} pairs "
                "of nodes as num-edge-list.csv.gz says",
                hint=AGAIN,
            )
        return torch.from_numpy(np.ascontiguousarray(rows.T))

    def num_nodes(self) -> int:
        return self._number("num-node-list")

    def rows(self, name: str, count: int) -> Tensor:
        """A table of raw/ with a row for each of `count` nodes or edges."""
        values = self.read(name)
        if len(values) != count:
            raise DataError(f"{self.layout.table(name)} has {len(values):,} rows, not {count:,}", hint=AGAIN)
        return torch.from_numpy(values)

    def ids(self, part: str) -> Tensor:
        """The nodes of a part of the split, int64 `[n]`."""
        path = self.layout.part(part)
        values = self._table(path)
        if values.shape[1] != 1 or values.dtype.kind != "i":
            raise DataError(f"{path} does not hold one id a line", hint=AGAIN)
        return torch.from_numpy(values[:, 0].copy())

    def arrays(self, part: str, *keys: str) -> list[Tensor]:
        """The arrays of these names in the dictionary of a part, int64."""
        path = self.layout.part(part)
        stored = read_saved(self._files.path(path))
        if not isinstance(stored, Mapping) or not set(keys) <= set(stored):
            names = ", ".join(map(str, stored)) if isinstance(stored, Mapping) else f"a {type(stored).__name__}"
            raise DataError(f"{path} holds {names}, not {', '.join(keys)}", hint=AGAIN)
        arrays = [stored[key] for key in keys]
        for key, array in zip(keys, arrays, strict=True):
            if not isinstance(array, np.ndarray) or array.dtype.kind not in "iu":
                raise DataError(f"{path} has {key} that is no array of whole numbers", hint=AGAIN)
        return [torch.from_numpy(array.astype(np.int64)) for array in arrays]

    def pairs(self, part: str, key: str) -> Tensor:
        """The pairs of nodes of this name in the dictionary of a part, int64 `[n, 2]`."""
        (pairs,) = self.arrays(part, key)
        if pairs.dim() != 2 or pairs.shape[1] != 2:
            raise DataError(
                f"{self.layout.part(part)} has {key} of the shape {list(pairs.shape)}, not [n, 2]", hint=AGAIN
            )
        return pairs

    def _number(self, name: str) -> int:
        values = self.read(name)
        if values.shape != (1, 1) or values.dtype.kind != "i":
            raise DataError(f"{self.layout.table(name)} does not hold one number", hint=AGAIN)
        return int(values[0, 0])

    def _table(self, name: str) -> np.ndarray:
        import pandas as pd

        path = self._files.path(name)
        try:
            frame = pd.read_csv(path, compression="gzip", header=None)
        except DAMAGED as error:
            raise DataError(f"{path} cannot be read as compressed CSV: {error}", hint=AGAIN) from None
        if any(dtype.kind not in "iuf" for dtype in frame.dtypes):
            raise DataError(f"{path} has columns that are no numbers", hint=AGAIN)
        values = frame.to_numpy()
        return values.astype(np.int64 if values.dtype.kind in "iu" else np.float32)


def require_counts(layout: Layout, counts: Mapping[str, int], published: Mapping[str, int]) -> None:
    """Raises DataError where counts are not those that are published: no digest tells whether the files are."""
    wrong = {key: number for key, number in published.items() if counts.get(key) != number}
    different = [f"{key} is {counts.get(key, 0):,}, not {number:,}" for key, number in wrong.items()]
    if different:
        raise DataError(
            f"the files of {layout.folder} are not those of {layout.name} as published: {'; '.join(different)}",
            hint="bring the folder as ogb downloads it; data of your own are read by gl.dataset",
        )
