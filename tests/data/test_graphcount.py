"""The counting graphs: published deviations, networkx, and arrays that do not fit."""

from __future__ import annotations

import os
from pathlib import Path

import networkx as nx
import numpy as np
import pytest
import torch
from torch_geometric.utils import to_networkx

from graphlab.core.errors import DataError
from graphlab.data.adapters import graphcount
from graphlab.data.load import load

pytestmark = pytest.mark.real_data


@pytest.mark.parametrize(
    ("name", "deviation"),
    [
        ("triangle", 3.072),
        *(
            pytest.param(*case, marks=pytest.mark.slow)
            for case in [("tailed-triangle", 25.95), ("star", 17.78), ("c4", 6.939), ("c5", 15.26)]
        ),
    ],
)
def test_deviations_are_the_published_ones(name, deviation):
    dataset = load(f"graphcount/{name}")
    counts = torch.cat([graph.count for graph in dataset.graphs]).double()
    targets = torch.cat([graph.y for graph in dataset.graphs]).flatten()
    assert counts.std().item() == pytest.approx(deviation, rel=3e-4)
    torch.testing.assert_close(targets, (counts / counts.std()).float())


@pytest.mark.parametrize("length", [3, *(pytest.param(length, marks=pytest.mark.slow) for length in (4, 5, 6))])
def test_cycles_of_some_graphs_equal_those_of_networkx(length):
    name = {3: "triangle"}.get(length, f"c{length}")
    whole, nodes, edges = (load(f"graphcount/{prefix}{name}").graphs for prefix in ("", "node-", "edge-"))
    for k in range(0, 5000, 500):
        network = to_networkx(whole[k], to_undirected=True)
        cycles = [c for c in nx.simple_cycles(network, length_bound=length) if len(c) == length]
        links = [{frozenset((c[i], c[i - 1])) for i in range(length)} for c in cycles]
        assert whole[k].count.tolist() == [len(cycles)]
        assert nodes[k].count.tolist() == [sum(v in c for c in cycles) for v in network]
        assert edges[k].count.tolist() == [
            sum(frozenset(edge) in used for used in links) for edge in edges[k].edge_index.t().tolist()
        ]


def test_split_is_the_published_one():
    split = load("graphcount/triangle").split()
    with np.load(Path(os.environ["GRAPHLAB_MIRROR"], "graphcount/graphcount.npz")) as arrays:
        for (_, items), key in zip(split.parts(), ("train", "val", "test"), strict=True):
            assert items.tolist() == arrays[key].tolist()


def spoil(arrays: dict, what: str) -> None:
    if what == "missing":
        del arrays["ei"]
    elif what == "loop":
        arrays["ei"][1, 0] = arrays["ei"][0, 0]
    elif what == "twice":
        arrays["ei"][:, 1] = arrays["ei"][:, 0]
    elif what == "outside":
        arrays["ei"][1, 0] = 40
    elif what == "short":
        arrays["ei"] = arrays["ei"][:, :-1]
    elif what == "part":
        arrays["train"][0] = arrays["test"][0]
    else:
        arrays["n"] = np.array([None] * 5000)


@pytest.mark.parametrize("what", ["missing", "loop", "twice", "outside", "short", "part", "pickle"])
def test_arrays_that_do_not_fit_are_refused(what, tmp_path):
    with np.load(Path(os.environ["GRAPHLAB_MIRROR"], "graphcount/graphcount.npz")) as stored:
        arrays = dict(stored)
    spoil(arrays, what)
    path = tmp_path / "graphcount.npz"
    np.savez(path, **arrays)
    with pytest.raises(DataError, match=r"graphcount\.npz does not hold"):
        graphcount.read_arrays(path)


def test_cut_archive_is_refused(tmp_path):
    path = tmp_path / "graphcount.npz"
    path.write_bytes(Path(os.environ["GRAPHLAB_MIRROR"], "graphcount/graphcount.npz").read_bytes()[:5000])
    with pytest.raises(DataError, match="does not hold"):
        graphcount.read_arrays(path)
