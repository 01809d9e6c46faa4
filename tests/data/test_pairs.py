"""Published data of graphs to be told apart, and what the contract says of their pairs."""

from __future__ import annotations

import os
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import networkx as nx
import pytest
import torch
from torch_geometric.utils import to_dense_adj

from graphlab.core.errors import DataError, InputError
from graphlab.data.adapters import brec, graph8c, sr25
from graphlab.data.card import Source
from graphlab.data.check import check
from graphlab.data.dataset import Dataset, Split, Splits
from graphlab.data.fetch import Files
from graphlab.data.graph6 import encode
from graphlab.data.load import load
from graphlab.testing.datasets import check_splits
from tests.data.refinement import proven_different, same_under_1_wl

UNPROVEN = {282, *range(320, 325), 328, *range(330, 333), 335, 337, *range(340, 360), 398, 399}
"""Pairs of BREC whose difference is beyond the invariant of these tests: 32 of CFI, two of DistanceRegular."""


def dense(graph) -> object:
    return to_dense_adj(graph.edge_index, max_num_nodes=graph.num_nodes)[0].bool().numpy()


@pytest.mark.real_data
def test_pairs_of_brec_are_different_and_alike_under_1_wl():
    dataset = load("brec")
    categories = dataset.labels["categories"]
    for k, (a, b) in enumerate(dataset.split().test.tolist()):
        first, second = dense(dataset.graphs[a]), dense(dataset.graphs[b])
        assert (a, b) == (2 * k, 2 * k + 1) and len(first) == len(second)
        assert same_under_1_wl(first, second), k
        if categories[k] in ("Basic", "Regular", "Extension"):
            assert not nx.is_isomorphic(nx.from_numpy_array(first), nx.from_numpy_array(second)), k
        elif k not in UNPROVEN:
            assert proven_different(first, second), k


@pytest.mark.real_data
def test_categories_of_brec():
    dataset = load("brec")
    sizes = [dataset.labels["categories"].count(name) for name in brec.SCHEMA]
    assert sizes == [60, 50, 50, 100, 100, 20, 20]
    nodes = [int(graph.num_nodes) for graph in dataset.graphs[::2]]
    found = {name: (min(nodes[a:b]), max(nodes[a:b])) for name, (a, b) in brec.SCHEMA.items()}
    assert found["Basic"] == (10, 10) and found["CFI"] == (18, 198) and found["4Vertex"] == (63, 63)


@pytest.mark.real_data
def test_sr25_graphs_are_15_different_ones():
    graphs = [dense(graph) for graph in load("sr25").graphs]
    assert len(graphs) == 15
    for first, second in combinations(graphs, 2):
        assert same_under_1_wl(first, second) and proven_different(first, second)


@pytest.mark.slow
@pytest.mark.real_data
def test_graph8c_graphs_are_different():
    """Graphs of equal degrees, triangles and spectrum are few, and networkx tells those apart."""
    groups: dict[tuple, list[nx.Graph]] = {}
    for graph in load("graph8c").graphs:
        network = nx.from_numpy_array(dense(graph))
        triangles, degrees = nx.triangles(network), dict(network.degree)
        key = tuple(sorted((degrees[v], triangles[v], *sorted(degrees[u] for u in network[v])) for v in network))
        groups.setdefault(key, []).append(network)
    assert sum(map(len, groups.values())) == 11117
    assert not any(nx.is_isomorphic(*two) for group in groups.values() for two in combinations(group, 2))


ALTERED = {
    brec: [
        ("is not ", lambda text: text.replace("\tRegular\t", "\tBasic\t", 1)),
        ("graphs", lambda text: text.rsplit("\n", 2)[0]),
        ("no graph6", lambda text: text.replace("ICZJvZsNg", "ICZJvZsN", 1)),
        ("pair 0", lambda text: text.replace("ICZJvZsNg", "ICrbut{{W", 1)),
        ("pair 3", lambda text: text.replace("I?ABCfWd_", "I?ABCfWd?", 1)),
        ("rows", lambda text: ""),
    ],
    sr25: [
        ("14 of its 15", lambda text: text.replace("X}rM", "X~rM", 1)),
        ("14 of its 14", lambda text: text.split("\n", 1)[1]),
        ("line 15", lambda text: text.rstrip()[:-1]),
    ],
    graph8c: [
        ("11,117", lambda text: text.replace("G???F{\n", "", 1)),
        ("11,117", lambda text: text.replace("G???F{", "G?????", 1)),
    ],
}
CASES = [(module, words, damage) for module, cases in ALTERED.items() for words, damage in cases]


@pytest.mark.real_data
@pytest.mark.parametrize(("module", "words", "damage"), CASES)
def test_altered_files_are_refused_without_their_digest(module, words, damage, tmp_path, monkeypatch):
    (source,) = module.CARD.sources[""]
    text = Path(os.environ["GRAPHLAB_MIRROR"], source.path).read_text()
    path = tmp_path / "mirror" / source.path
    path.parent.mkdir(parents=True)
    path.write_text(damage(text))
    monkeypatch.setenv("GRAPHLAB_MIRROR", str(tmp_path / "mirror"))
    with pytest.raises(DataError) as caught:
        module.build("", Files([Source(source.path, None, url="http://127.0.0.1:9")]), "pairs")
    assert path.name in caught.value.message and caught.value.hint


def test_a_file_that_no_address_serves_is_named(data_root, monkeypatch):
    monkeypatch.delenv("GRAPHLAB_MIRROR", raising=False)
    with pytest.raises(DataError, match=r"brec_pairs\.tsv is neither in.*converted from brec_v3\.npy"):
        load("brec")


def with_test(pairs, **labels) -> Dataset:
    dataset = load("hard-pairs")
    nothing = torch.zeros(0, 2, dtype=torch.int64)
    return replace(dataset, splits=Splits("pairs", fixed=(Split(nothing, nothing, pairs),)), labels=labels)


@pytest.mark.parametrize(
    ("pairs", "labels", "words"),
    [
        (torch.tensor([[0, 1], [1, 0]]), {}, r"2 pairs more than once: \(0, 1\), \(1, 0\)"),
        (torch.tensor([[2, 2]]), {}, r"pairs of one graph: \(2, 2\)"),
        (torch.tensor([[0, 68]]), {}, "names graphs 68"),
        (torch.tensor([[0, 1, 2]]), {}, r"has the shape \[1, 3\]"),
        (torch.tensor([[0, 1], [1, 2]]), {"categories": ("one",)}, "1 kinds of 2 pairs"),
        (torch.tensor([3, 4, 3]), {}, "names graph 3 more than once"),
        (torch.tensor([3]), {}, "one graph alone"),
        (torch.tensor([3, 4]), {"categories": ("one",)}, "1 kinds of 0 pairs"),
    ],
)
def test_pairs_that_are_none(pairs, labels, words):
    with pytest.raises(InputError, match=words):
        check(with_test(pairs, **labels))


def test_pairs_that_are_not_there():
    with pytest.raises(AssertionError, match="test of hard-pairs is empty"):
        check_splits(with_test(torch.zeros(0, 2, dtype=torch.int64)))
    with pytest.raises(InputError, match="the test part of a split is float32"):
        with_test(torch.tensor([[0.0, 1.0]]))


def test_ids_stand_for_every_two():
    dataset = with_test(torch.tensor([3, 9, 4]))
    assert check(dataset) is dataset
    assert dataset.statistics()["num_pairs"] == 3


@pytest.mark.real_data
def test_graph6_of_brec_is_written_as_it_was_read():
    path = Path(os.environ["GRAPHLAB_MIRROR"], "brec/brec_pairs.tsv")
    _, adjacencies = brec.read_pairs(path)
    codes = [code for line in path.read_text().splitlines()[1:] for code in line.split("\t")[2:]]
    assert [encode(adjacency) for adjacency in adjacencies] == codes
