"""Readers of the layouts in which graphs of labelled nodes are published: the text files of Geom-GCN, the arrays of the
heterophilous graphs, the sparse arrays of gnn-benchmark, and the MATLAB files and splits of LINKX.

Edges come as `edge_index` int64 `[2, E]`, sorted, each once: an edge that a file lists again counts once, self-loops
stay. An edge (u, v) leads from u to v; whether that means something is for the adapter to say.
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.sparse import csc_matrix, csr_matrix
from torch import Tensor

from graphlab.core.errors import DataError
from graphlab.core.seeds import SeedStream
from graphlab.data.dataset import Split
from graphlab.data.text import read_lines
from graphlab.data.unpickle import read_object_array

AS_PUBLISHED = "replace it by the file as it was published"
NUM_SPLITS = 10
PARTS = ("train", "val", "test")

LINKX_SPLITS = 5
LINKX_PERCENTS = (50, 25, 25)
LINKX_PARTS = ("train", "valid", "test")
"""Splits of LINKX, the percentages of their parts, and what its files call these."""


@dataclass(frozen=True)
class NodeArrays:
    """What a file of the heterophilous graphs holds.

    x           float32 `[num_nodes, dim]`
    y           int64 `[num_nodes]`, classes from 0
    edge_index  int64 `[2, E]`, as the file lists them
    splits      the published ones, which share all nodes out
    """

    x: Tensor
    y: Tensor
    edge_index: Tensor
    splits: tuple[Split, ...]


def not_that(path: Path, what: str, reason: object) -> DataError:
    """The error of a file that holds something else."""
    return DataError(f"{path} does not hold {what}: {reason}", hint=AS_PUBLISHED)


def distinct_edges(pairs: np.ndarray) -> Tensor:
    """Pairs `[E, 2]` as `edge_index`, sorted, each once."""
    return torch.from_numpy(np.unique(pairs.astype(np.int64).reshape(-1, 2), axis=0).T.copy())


def without_direction(edge_index: Tensor) -> Tensor:
    """The same edges in both directions, sorted, each once, without self-loops."""
    pairs = edge_index[:, edge_index[0] != edge_index[1]].t().numpy()
    return distinct_edges(np.concatenate([pairs, pairs[:, ::-1]]))


def require_counts(path: Path, what: str, counts: Iterable[int], declared: Iterable[int]) -> None:
    """Raises DataError where a file holds other numbers of nodes, edges, features and classes than it should."""
    numbers, expected = tuple(counts), tuple(declared)
    if numbers != expected:
        raise not_that(path, what, f"nodes, edges, features and classes are {numbers}, not {expected}")


def read_arrays(path: Path, what: str, names: Sequence[str]) -> dict[str, np.ndarray]:
    """Arrays of an `.npz` or `.npy` file by name, the latter under the only name. Nothing is unpickled.

    Raises DataError where the file lacks an array, or holds one that is not plain.
    """
    try:
        stored = np.load(path, allow_pickle=False)
        if isinstance(stored, np.ndarray):
            return {names[0]: stored}
        with stored:
            return {name: stored[name] for name in names}
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise not_that(path, what, error) from None


def read_geom_gcn_edges(path: Path, num_nodes: int) -> Tensor:
    """Edges of an `out1_graph_edges.txt`: a line of names, then a line "source target" each, between tabs.

    Raises DataError where a line is another, or names no node.
    """
    try:
        rows = np.array([line.split("\t") for line in read_lines(path)[1:]], dtype=np.int64)
    except ValueError as error:
        raise not_that(path, "edges", error) from None
    if rows.ndim != 2 or rows.shape[1] != 2 or rows.min() < 0 or rows.max() >= num_nodes:
        raise not_that(path, "edges", f"lines are two nodes from 0 to {num_nodes - 1:,}")
    return distinct_edges(rows)


def read_geom_gcn_nodes(
    path: Path, features: Callable[[list[int]], Sequence[int]]
) -> tuple[list[Sequence[int]], Tensor]:
    """Features and class of each node of an `out1_node_feature_label.txt`, whose lines come in any order.

    Args:
        path: A line of names, then a line "node features class" each, between tabs; features have commas between them.
        features: What the numbers of a line mean.

    Raises DataError where a line is another, or a node is missing or twice.
    """
    rows = [line.split("\t") for line in read_lines(path)[1:]]
    try:
        by_node = {int(node): (features([int(n) for n in numbers.split(",")]), int(c)) for node, numbers, c in rows}
    except ValueError as error:
        raise not_that(path, "features and classes of nodes", error) from None
    if sorted(by_node) != list(range(len(rows))):
        raise not_that(path, "features and classes of nodes", f"its {len(rows):,} lines are not of as many nodes")
    ordered = [by_node[node] for node in range(len(rows))]
    return [row for row, _ in ordered], torch.tensor([c for _, c in ordered])


def read_geom_gcn_split(path: Path) -> Split:
    """A split of Geom-GCN: masks `train_mask`, `val_mask` and `test_mask`, which may leave nodes out."""
    masks = read_arrays(path, "a split", [f"{part}_mask" for part in PARTS])
    return Split(*(torch.from_numpy(np.flatnonzero(mask)) for mask in masks.values()))


def read_heterophilous(path: Path) -> NodeArrays:
    """A graph in the layout of Platonov et al., ICLR 2023: `node_features`, `node_labels`, `edges` `[E, 2]`, and
    `train_masks`, `val_masks` and `test_masks`, bool `[10, num_nodes]`.

    Raises DataError where an array is missing or has another shape, an edge names no node, or a split does not share
    the nodes out.
    """
    what = "a graph with ten splits"
    arrays = read_arrays(path, what, ["node_features", "node_labels", "edges", *(f"{part}_masks" for part in PARTS)])
    x, y, edges = (arrays[name] for name in ("node_features", "node_labels", "edges"))
    masks = np.stack([arrays[f"{part}_masks"] for part in PARTS], axis=1) if _alike(arrays) else np.zeros(0)
    if x.ndim != 2 or y.shape != x.shape[:1] or masks.shape != (NUM_SPLITS, len(PARTS), len(y)):
        shapes = ", ".join(f"{name} {list(each.shape)}" for name, each in arrays.items())
        raise not_that(path, what, f"its arrays have the shapes {shapes}")
    if masks.dtype != bool or np.any(masks.sum(axis=1) != 1):
        raise not_that(path, what, "a node is not in exactly one part of each split")
    if edges.ndim != 2 or edges.shape[1] != 2 or edges.min(initial=0) < 0 or edges.max(initial=0) >= len(y):
        raise not_that(path, what, f"edges are not pairs of its {len(y):,} nodes")
    splits = tuple(
        Split(*(torch.from_numpy(np.flatnonzero(masks[k, part])) for part in range(len(PARTS))))
        for k in range(NUM_SPLITS)
    )
    features = torch.from_numpy(x.astype(np.float32))
    return NodeArrays(features, torch.from_numpy(y.astype(np.int64)), distinct_edges(edges), splits)


def _alike(arrays: Mapping[str, np.ndarray]) -> bool:
    return len({(arrays[f"{part}_masks"].shape, arrays[f"{part}_masks"].dtype) for part in PARTS}) == 1


def read_sparse(path: Path, what: str, prefix: str = "", *, by_column: bool = False) -> csr_matrix:
    """A sparse matrix that lies in a file as `data`, `indices`, `indptr` and `shape`, each after a prefix.

    Raises DataError where they are no such matrix.
    """
    arrays = read_arrays(path, what, [f"{prefix}{name}" for name in ("data", "indices", "indptr", "shape")])
    data, indices, indptr, shape = arrays.values()
    try:
        kind = csc_matrix if by_column else csr_matrix
        matrix = kind((data, indices, indptr), shape=tuple(int(n) for n in shape))
        matrix.check_format(full_check=True)
    except (ValueError, TypeError) as error:
        raise not_that(path, what, error) from None
    return csr_matrix(matrix)


def edges_of(adjacency: csr_matrix) -> tuple[Tensor, Tensor]:
    """The entries of an adjacency as `edge_index`, sorted, from row to column, and what stands there, float32 `[E]`."""
    matrix = adjacency.tocoo()
    order = np.lexsort((matrix.col, matrix.row))
    pairs = np.stack([matrix.row[order], matrix.col[order]]).astype(np.int64)
    return torch.from_numpy(pairs), torch.from_numpy(matrix.data[order].astype(np.float32))


def draw_shares(num_nodes: int, percents: tuple[int, int, int], stream: SeedStream) -> Split:
    """So many percent of the nodes for training and validation, rounded down, and the rest for test."""
    order = torch.from_numpy(stream.numpy().permutation(num_nodes))
    return Split(*(part.sort().values for part in order.split(share_sizes(num_nodes, percents))))


def share_sizes(num_nodes: int, percents: tuple[int, int, int]) -> list[int]:
    """Nodes of training, validation and test."""
    train, validation = (num_nodes * percent // 100 for percent in percents[:2])
    return [train, validation, num_nodes - train - validation]


def draw_a_class(y: Tensor, num_train: int, num_validation: int, stream: SeedStream) -> Split:
    """So many nodes of each class for training, so many of the others for validation, and the rest for test."""
    order = torch.from_numpy(stream.numpy().permutation(len(y)))
    train = torch.cat([order[y[order] == c][:num_train] for c in range(int(y.max()) + 1)])
    rest = order[~torch.isin(order, train)]
    return Split(train, rest[:num_validation], rest[num_validation:])


def read_matlab(path: Path, what: str, names: Sequence[str]) -> dict[str, Any]:
    """Arrays and sparse matrices of a `.mat` file by name.

    Raises DataError where the file is damaged or lacks one.
    """
    from scipy.io import loadmat  # for one data set alone

    try:
        stored = loadmat(path, variable_names=names)
    except Exception as error:  # what reads a garbled file can fail in any way
        raise not_that(path, what, error or type(error).__name__) from None
    absent = [name for name in names if name not in stored]
    if absent:
        raise not_that(path, what, f"it lacks {', '.join(absent)}")
    return {name: stored[name] for name in names}


def read_linkx_splits(path: Path, num_nodes: int) -> tuple[Split, ...]:
    """The splits of Lim et al., NeurIPS 2021: an `.npy` file with a dictionary of node ids a split, `train`, `valid`
    and `test`. The pickle inside runs nothing.

    Raises DataError where it holds something else, or a split is not 50/25/25 or does not share all nodes out.
    """
    what = f"{LINKX_SPLITS} splits of {num_nodes:,} nodes"
    splits = read_object_array(path)
    if len(splits) != LINKX_SPLITS:
        raise not_that(path, what, f"it has {len(splits)}")
    for split in splits:
        if not isinstance(split, dict) or not set(LINKX_PARTS) <= set(split):
            raise not_that(path, what, f"a split does not have {', '.join(LINKX_PARTS)}")
        parts = [split[name] for name in LINKX_PARTS]
        if not all(isinstance(ids, np.ndarray) and ids.ndim == 1 and ids.dtype.kind in "iu" for ids in parts):
            raise not_that(path, what, "a part is no list of ids")
        sizes = share_sizes(num_nodes, LINKX_PERCENTS)
        if any(abs(len(ids) - size) > 1 for ids, size in zip(parts, sizes, strict=True)):
            raise not_that(path, what, f"a split is not {'/'.join(map(str, LINKX_PERCENTS))}")
        if not np.array_equal(np.sort(np.concatenate(parts)), np.arange(num_nodes)):
            raise not_that(path, what, "a node is not in exactly one part of each split")
    return tuple(Split(*(torch.from_numpy(split[name].astype(np.int64)) for name in LINKX_PARTS)) for split in splits)


def quantile_classes(values: np.ndarray, num_classes: int) -> Tensor:
    """Classes of about equal size, int64 `[n]`: a value is in class k if it reaches k of the quantiles 1 / C, ...,
    (C - 1) / C of all values. Equal values are in one class."""
    quantiles = np.quantile(values, np.arange(1, num_classes) / num_classes)
    return torch.from_numpy(np.searchsorted(quantiles, values, side="right").astype(np.int64))
