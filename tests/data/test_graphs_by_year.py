"""`arxiv-year` and `snap-patents`, whose files nobody has seen here, on small files of their layout."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy.io import savemat
from scipy.sparse import csc_matrix

from graphlab.core.errors import DataError, UnsafePickleError
from graphlab.data.adapters import arxiv_year, snap_patents
from graphlab.data.load import load
from graphlab.data.node_files import quantile_classes
from graphlab.testing.datasets import check_dataset
from tests.ogb import stand_in

NUM_NODES, DIM = stand_in.NODES, 7

NAMES = ("arxiv-year", "snap-patents")


def slow_classes(years: np.ndarray) -> list[int]:
    """As Lim et al. have it: a class begins where the one before it ends, at a quantile."""
    bounds = [-np.inf, *(np.quantile(years, k / 5) for k in range(1, 5)), np.inf]
    return [next(k for k in range(5) if bounds[k] <= year < bounds[k + 1]) for year in years]


def made_splits(seed: int = 0) -> list[dict[str, Any]]:
    """Arrays, and in every other split tensors."""
    orders = [np.random.default_rng((seed, k)).permutation(NUM_NODES) for k in range(5)]
    parts = [dict(zip(("train", "valid", "test"), np.split(order, [20, 30]), strict=True)) for order in orders]
    return [
        {name: torch.from_numpy(ids) for name, ids in split.items()} if k % 2 else split
        for k, split in enumerate(parts)
    ]


def write_splits(folder: Path, name: str, splits: list[Any] | None = None) -> Path:
    path = folder / "linkx" / f"{name}-splits.npy"
    path.parent.mkdir(exist_ok=True)
    np.save(path, np.array(splits or made_splits(), dtype=object), allow_pickle=True)
    return path


def write_patents(folder: Path, **changes: Any) -> dict[str, Any]:
    """A file as scipy writes it; citations lead to earlier nodes, and most features are 0."""
    random = np.random.default_rng(0)
    source = random.integers(1, NUM_NODES, 90)
    arrays: dict[str, Any] = {
        "num_nodes": NUM_NODES,
        "edge_index": np.stack([source, random.integers(0, source)]),
        "node_feat": csc_matrix(random.integers(0, 2, (NUM_NODES, DIM)) * random.random((NUM_NODES, DIM))),
        "years": np.sort(random.integers(1975, 2000, NUM_NODES))[None],
        **changes,
    }
    (folder / "linkx").mkdir(exist_ok=True)
    savemat(folder / "linkx" / "snap_patents.mat", {key: value for key, value in arrays.items() if value is not None})
    return arrays


@pytest.fixture
def folder(tmp_path, monkeypatch, data_root):
    """A mirror for small files, whose numbers are taken for the published ones."""
    root = tmp_path / "mirror"
    root.mkdir()
    monkeypatch.setenv("GRAPHLAB_MIRROR", str(root))
    monkeypatch.setattr(snap_patents, "COUNTS", (NUM_NODES, 90, DIM, 5))
    return root


@pytest.fixture
def arxiv(folder, monkeypatch):
    """The folder, with the stand-in of ogbn-arxiv in it."""
    counts = stand_in.write(folder, "ogbn/arxiv")
    for name in ("num_nodes", "num_edges", "num_features"):
        monkeypatch.setitem(arxiv_year.COUNTS, name, counts[name])
    return folder


def read_csv(path: Path) -> np.ndarray:
    return np.loadtxt(path, delimiter=",", ndmin=2)


def test_classes_are_equal_shares_of_the_years():
    years = np.repeat(np.arange(2001, 2011), 6)
    assert quantile_classes(years, 5).bincount().tolist() == [12] * 5
    random = np.random.default_rng(1)
    for _ in range(20):
        years = random.integers(1990, 1990 + random.integers(1, 20), 50)
        assert quantile_classes(years, 5).tolist() == slow_classes(years)


def test_arxiv_year_by_its_layout(arxiv):
    write_splits(arxiv, "arxiv-year")
    dataset, raw = load("arxiv-year"), arxiv / "ogbn_arxiv" / "raw"
    assert dataset.spec.directed and dataset.spec.num_outputs == 5
    assert np.array_equal(dataset.graph.edge_index.numpy(), read_csv(raw / "edge.csv.gz").T)
    assert np.allclose(dataset.graph.x.numpy(), read_csv(raw / "node-feat.csv.gz"))
    assert dataset.graph.y.tolist() == slow_classes(read_csv(raw / "node_year.csv.gz")[:, 0])


def test_snap_patents_by_its_layout(folder):
    arrays = write_patents(folder)
    write_splits(folder, "snap-patents")
    dataset = load("snap-patents")
    assert dataset.spec.directed and dataset.spec.num_outputs == 5
    assert np.array_equal(dataset.graph.edge_index.numpy(), arrays["edge_index"])
    assert np.allclose(dataset.graph.x.numpy(), arrays["node_feat"].toarray())
    assert dataset.graph.x.dtype == torch.float32
    assert dataset.graph.y.tolist() == slow_classes(arrays["years"].ravel())


@pytest.fixture(params=NAMES)
def name(request, folder):
    """Each data set, its files written."""
    request.getfixturevalue("arxiv") if request.param == "arxiv-year" else write_patents(folder)
    write_splits(folder, request.param)
    return request.param


def test_five_splits_are_those_of_the_file(name):
    dataset = load(name)
    assert dataset.splits.name == "linkx-50/25/25" and len(dataset.splits.fixed) == 5
    for seed, split in enumerate(made_splits()):
        for (_, items), part in zip(dataset.split(seed).parts(), ("train", "valid", "test"), strict=True):
            assert items.tolist() == split[part].tolist()
        assert dataset.split(seed + 5).test.equal(dataset.split(seed).test)


def test_a_split_is_drawn_from_the_seed_without_the_file_of_splits(name, folder):
    (folder / "linkx" / f"{name}-splits.npy").unlink()
    dataset = load(name, split="random-50/25/25")
    parts = [items for _, items in dataset.split(0).parts()]
    assert [len(items) for items in parts] == [20, 10, 10]
    assert torch.cat(parts).sort().values.equal(torch.arange(NUM_NODES))
    assert not dataset.split(1).test.equal(parts[2])
    with pytest.raises(DataError, match="-splits"):
        load(name)


def test_contract(name, monkeypatch):
    if name == "snap-patents":
        keys = ("num_nodes", "num_edges", "num_features", "num_outputs")
        counts = dict(zip(keys, snap_patents.COUNTS, strict=True))
        monkeypatch.setitem(snap_patents.CARD.statistics, "", counts)
    assert set(check_dataset(name)) == {"linkx-50/25/25", "random-50/25/25"}


WHOLE = np.arange(NUM_NODES)

BAD_SPLITS = {
    "it has 4": made_splits()[:4],
    "a split does not have train, valid, test": [{"train": WHOLE}] * 5,
    "a part is no list of ids": [{"train": WHOLE[:20], "valid": WHOLE[20:30] + 0.5, "test": WHOLE[30:]}] * 5,
    "a split is not 50/25/25": [{"train": WHOLE[:24], "valid": WHOLE[24:30], "test": WHOLE[30:]}] * 5,
    "a node is not in exactly one part": [{"train": WHOLE[:20], "valid": WHOLE[19:29], "test": WHOLE[30:]}] * 5,
}


@pytest.mark.parametrize("reason", BAD_SPLITS)
def test_files_of_other_splits_are_refused(name, folder, reason):
    write_splits(folder, name, BAD_SPLITS[reason])
    with pytest.raises(DataError, match=reason) as refused:
        load(name)
    assert refused.value.hint


class Calls:
    def __reduce__(self):
        return print, ("this pickle ran",)


def test_a_file_of_splits_that_runs_something_is_refused(name, folder, capsys):
    write_splits(folder, name, [Calls()] * 5)
    with pytest.raises(UnsafePickleError, match="print"):
        load(name)
    assert "ran" not in capsys.readouterr().out


@pytest.mark.parametrize("content", [b"", b"\x93NUMPY\x01\x00", pickle.dumps([{}] * 5)])
def test_damaged_splits_are_refused(name, folder, content):
    (folder / "linkx" / f"{name}-splits.npy").write_bytes(content)
    with pytest.raises(DataError, match="cannot be read as an array of objects"):
        load(name)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"years": None}, "it lacks years"),
        ({"years": np.zeros(NUM_NODES - 1)}, "its arrays have the shapes"),
        ({"edge_index": np.zeros((3, 90), dtype=int)}, "its arrays have the shapes"),
        ({"years": np.full(NUM_NODES, np.nan)}, "not all of its arrays are numbers"),
        ({"years": np.full(NUM_NODES, 1980)}, r"are \(40, 90, 7, 1\), not \(40, 90, 7, 5\)"),
        ({"edge_index": np.zeros((2, 91), dtype=int)}, r"are \(40, 91, 7, 5\), not"),
        ({"edge_index": np.full((2, 90), NUM_NODES)}, "edges are not pairs of its 40 nodes"),
    ],
)
def test_patents_of_another_layout_are_refused(folder, changes, reason):
    write_patents(folder, **changes)
    with pytest.raises(DataError, match=reason) as refused:
        load("snap-patents", split="random-50/25/25")
    assert refused.value.hint


def test_patents_that_are_cut_short_are_refused(folder):
    write_patents(folder)
    path = folder / "linkx" / "snap_patents.mat"
    content = path.read_bytes()
    for size in range(0, len(content) - 8, len(content) // 7):
        path.write_bytes(content[:size])
        with pytest.raises(DataError, match="does not hold snap-patents"):
            load("snap-patents", split="random-50/25/25")


def test_articles_of_other_numbers_or_damaged_are_refused(arxiv, monkeypatch):
    write_splits(arxiv, "arxiv-year")
    with monkeypatch.context() as patch:
        patch.setitem(arxiv_year.COUNTS, "num_edges", 1_166_243)
        with pytest.raises(DataError, match=r"num_edges is \d+, not 1,166,243"):
            load("arxiv-year")
    stand_in.cut(arxiv / "ogbn_arxiv" / "raw" / "node_year.csv.gz")
    with pytest.raises(DataError, match=r"node_year\.csv\.gz"):
        load("arxiv-year")
