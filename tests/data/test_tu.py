"""TU data against published counts, their folds, and damaged MATLAB files."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.io import savemat

from graphlab.core.errors import DataError
from graphlab.data.adapters import tu
from graphlab.data.load import load

pytestmark = pytest.mark.real_data

PUBLISHED = {"mutag": (17.93, 19.79), "ptc": (25.56, 25.96), "enzymes": (32.63, 62.14), "proteins": (39.06, 72.82)}
"""Mean nodes and links of a graph: Morris et al., 2020; of PTC, whose 25.5 nodes are all that is in print, counted."""

CLASS_SIZES = {"mutag": [63, 125], "ptc": [192, 152], "enzymes": [100] * 6, "proteins": [663, 450]}


def raw(*parts: str) -> Path:
    return Path(os.environ["GRAPHLAB_MIRROR"], "tu", *parts)


@pytest.mark.parametrize("variant", PUBLISHED)
def test_sizes_and_classes_are_the_published_ones(variant):
    dataset = load(f"tu/{variant}")
    counts = dataset.statistics()
    means = counts["num_nodes"] / counts["num_graphs"], counts["num_edges"] / 2 / counts["num_graphs"]
    assert means == pytest.approx(PUBLISHED[variant], abs=0.0051)
    assert torch.cat([graph.y for graph in dataset.graphs]).bincount().tolist() == CLASS_SIZES[variant]
    atoms = torch.cat([graph.x for graph in dataset.graphs]).flatten().bincount()
    assert len(atoms) == dataset.spec.node.sizes[0] and atoms.min() > 0


@pytest.mark.parametrize("variant", PUBLISHED)
def test_folds_are_those_of_the_files(variant):
    dataset = load(f"tu/{variant}")
    read = {
        part: [
            set(map(int, raw(variant, "10fold_idx", f"{part}_idx-{k}.txt").read_text().split())) for k in range(1, 11)
        ]
        for part in ("train", "test")
    }
    for k, split in enumerate(dataset.splits.fixed):
        train, validation, test = (set(items.tolist()) for _, items in split.parts())
        assert test == read["test"][k] and validation == read["test"][(k + 1) % 10]
        assert train | validation == read["train"][k] and not train & validation
    assert sum(map(len, read["test"])) == len(set().union(*read["test"]))


@pytest.mark.parametrize("keep", [0, 100, 20_000])
def test_cut_files_are_refused(keep, tmp_path):
    path = tmp_path / "mutag.mat"
    path.write_bytes(raw("mutag", "mutag.mat").read_bytes()[:keep])
    with pytest.raises(DataError, match=r"mutag\.mat does not hold"):
        tu.read_graphs(path, "mutag")


def cells(values: list) -> np.ndarray:
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


@pytest.mark.parametrize("what", ["asymmetric", "loop", "text", "two atoms", "rows", "number", "classes", "missing"])
def test_altered_files_are_refused(what, tmp_path):
    link, atoms = np.array([[0, 1], [1, 0]]), np.eye(7)[[0, 1]]
    adjacencies, features, targets = [link] * 188, [atoms] * 188, [1, 2] * 94
    if what == "asymmetric":
        adjacencies[3] = np.array([[0, 1], [0, 0]])
    elif what == "loop":
        adjacencies[3] = np.array([[1, 1], [1, 0]])
    elif what == "text":
        adjacencies[3] = "graph"
    elif what == "two atoms":
        features[3] = np.ones((2, 7))
    elif what == "rows":
        features[3] = np.eye(7)[[0, 1, 2]]
    elif what == "number":
        targets = targets[:-1]
    elif what == "classes":
        targets[0] = 3
    arrays = {"A": cells(adjacencies), "F": cells(features), "Y": np.array(targets)}
    if what == "missing":
        del arrays["F"]
    path = tmp_path / "mutag.mat"
    savemat(path, arrays)
    with pytest.raises(DataError, match=r"mutag\.mat does not hold"):
        tu.read_graphs(path, "mutag")


def test_the_same_file_unaltered_is_read(tmp_path):
    """What the cases above alter is right in itself."""
    path = tmp_path / "mutag.mat"
    link, atoms = np.array([[0, 1], [1, 0]]), np.eye(7)[[0, 1]]
    savemat(path, {"A": cells([link] * 188), "F": cells([atoms] * 188), "Y": np.array([1, 2] * 94)})
    graphs = tu.read_graphs(path, "mutag")
    assert [int(graph.y) for graph in graphs] == [0, 1] * 94
    assert graphs[0].x.tolist() == [[0], [1]] and graphs[0].edge_index.tolist() == [[0, 1], [1, 0]]
