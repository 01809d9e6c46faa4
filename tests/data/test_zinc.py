"""ZINC: what is held out against its raw arrays, and the published form of the large files."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch

from graphlab.core.errors import DataError
from graphlab.data.adapters import zinc
from graphlab.data.fetch import Files
from graphlab.data.load import load


@pytest.mark.real_data
def test_held_out_molecules_are_those_of_the_arrays():
    dataset = load("zinc/12k-held-out")
    for name, graphs in (("val", dataset.graphs[:1000]), ("test", dataset.graphs[1000:])):
        with np.load(Path(os.environ["GRAPHLAB_MIRROR"], f"zinc12k/zinc12k_{name}.npz")) as arrays:
            assert torch.cat([g.x for g in graphs]).flatten().tolist() == arrays["atom"].tolist()
            assert torch.cat([g.edge_attr for g in graphs]).flatten().tolist() == arrays["bond"].tolist()
            assert torch.cat([g.edge_index for g in graphs], dim=1).tolist() == arrays["edge_index"].tolist()
            assert torch.cat([g.y for g in graphs]).flatten().tolist() == arrays["y"].tolist()
            assert [g.num_nodes for g in graphs] == np.diff(arrays["node_ptr"]).tolist()
    split = dataset.split()
    assert split.train.max() < 800 <= split.validation.min() and split.validation.max() < 1000 <= split.test.min()


@pytest.mark.real_data
@pytest.mark.parametrize("what", ["missing", "bond", "pointer", "cut"])
def test_damaged_arrays_are_refused(what, tmp_path):
    path = tmp_path / "zinc12k_val.npz"
    with np.load(Path(os.environ["GRAPHLAB_MIRROR"], "zinc12k/zinc12k_val.npz")) as stored:
        arrays = dict(stored)
    if what == "missing":
        del arrays["atom"]
    elif what == "bond":
        arrays["edge_index"][0, 0] = 99
    elif what == "pointer":
        arrays["node_ptr"][-1] += 1
    np.savez(path, **arrays)
    if what == "cut":
        path.write_bytes(path.read_bytes()[:-3000])
    with pytest.raises(DataError, match=r"zinc12k_val\.npz does not hold"):
        list(zinc.read_arrays(path))


def molecule(size: int, target: float) -> dict:
    """A chain of atoms in the published form."""
    bonds = torch.zeros(size, size, dtype=torch.int8)
    for k in range(size - 1):
        bonds[k, k + 1] = bonds[k + 1, k] = 1 + k % 3
    return {
        "num_atom": size,
        "atom_type": (torch.arange(size) % 28).to(torch.int8),
        "bond_type": bonds,
        "logP_SA_cycle_normalized": torch.tensor([target]),
    }


@pytest.fixture
def published(tmp_path, monkeypatch):
    """A small ZINC in the form of the large files: 6, 4 and 2 molecules, of which the subset has 3, 2 and 1."""
    for name, sizes in (("FULL", (6, 4, 2)), ("SUBSET", (3, 2, 1))):
        monkeypatch.setattr(zinc, name, sizes)
    monkeypatch.setattr(zinc, "HELD_OUT_NODES", (4 + 5, 3))
    monkeypatch.setattr(zinc, "HELD_OUT_EDGES", (6 + 8, 4))
    folder = tmp_path / "mirror" / "zinc"
    folder.mkdir(parents=True)
    for part, sizes, chosen in (("train", range(2, 8), "5,0,2"), ("val", range(2, 6), "2,3"), ("test", (3, 9), "0")):
        (folder / f"{part}.pickle").write_bytes(pickle.dumps([molecule(n, n / 8) for n in sizes], protocol=2))
        (folder / f"{part}.index").write_text(f"{chosen}\n")
    monkeypatch.setenv("GRAPHLAB_MIRROR", str(folder.parent))
    return folder


def build(variant: str):
    return zinc.build(variant, Files(zinc.CARD.sources[variant]), "fixed")


def test_published_form_is_read(published):
    whole, subset = build("full"), build("12k")
    assert [g.num_nodes for g in whole.graphs] == [2, 3, 4, 5, 6, 7, 2, 3, 4, 5, 3, 9]
    assert [g.num_nodes for g in subset.graphs] == [7, 2, 4, 4, 5, 3]
    assert [items.tolist() for _, items in subset.split().parts()] == [[0, 1, 2], [3, 4], [5]]
    graph = subset.graphs[2]
    assert graph.x.flatten().tolist() == [0, 1, 2, 3] and graph.y.tolist() == [[0.5]]
    assert graph.edge_index.tolist() == [[0, 1, 1, 2, 2, 3], [1, 0, 2, 1, 3, 2]]
    assert graph.edge_attr.flatten().tolist() == [1, 1, 2, 2, 3, 3]


@pytest.mark.parametrize("index", ["5,0", "5,0,0", "6,0,1", "a,b,c", ""])
def test_indices_that_do_not_fit_are_refused(published, index):
    (published / "train.index").write_text(index)
    with pytest.raises(DataError, match=r"train\.index.*(does not hold ZINC|is empty|whole numbers)"):
        build("12k")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ([molecule(3, 0.0)] * 3, "no list of 4 molecules"),
        ([{**molecule(3, 0.0), "bond_type": torch.ones(2)}] * 4, "cannot be read"),
        ([{"atom_type": torch.ones(2)}] * 4, "cannot be read"),
        ([molecule(3, 0.0)] * 4, "the subset has 6 atoms"),
    ],
)
def test_molecules_that_do_not_fit_are_refused(published, content, words):
    (published / "val.pickle").write_bytes(pickle.dumps(content, protocol=2))
    with pytest.raises(DataError, match=words):
        build("12k")
