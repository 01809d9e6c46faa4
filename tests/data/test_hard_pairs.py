"""Pairs of our own making: not isomorphic, and as hard as they are said to be."""

from __future__ import annotations

from itertools import combinations

import networkx as nx
import numpy as np
import pytest

from graphlab.data.generators.cfi import cfi, cfi_pair
from graphlab.data.generators.circulant import NUM_NODES, SKIPS, circulant
from graphlab.data.generators.hard_pairs import cfi_bases, hard_pairs, random_regular
from graphlab.data.generators.strongly_regular import chang, rook, shrikhande, switch, triangular
from graphlab.data.load import load
from tests.data.refinement import homomorphisms, proven_different, same_under_1_wl, same_under_2_fwl

GRAPHS, PAIRS = hard_pairs()


def isomorphic(first: np.ndarray, second: np.ndarray) -> bool:
    return nx.is_isomorphic(nx.from_numpy_array(first), nx.from_numpy_array(second))


def pairs(*categories: str) -> list:
    return [pytest.param(GRAPHS[a], GRAPHS[b], id=f"{a} {b}") for category, a, b in PAIRS if category in categories]


@pytest.mark.parametrize(("first", "second"), pairs("Cycles", "Regular", "SkipLinks", "Distance", "StronglyRegular"))
def test_no_pair_is_isomorphic(first, second):
    assert proven_different(first, second)


@pytest.mark.parametrize(
    ("first", "second"), pairs("Cycles", "Regular", "SkipLinks", "Distance", "StronglyRegular", "CFI")
)
def test_every_pair_is_alike_under_1_wl(first, second):
    assert same_under_1_wl(first, second)


@pytest.mark.parametrize(("first", "second"), pairs("Distance"))
def test_distances_do_not_tell(first, second):
    counts = []
    for adjacency in (first, second):
        lengths = dict(nx.all_pairs_shortest_path_length(nx.from_numpy_array(adjacency)))
        counts.append(sorted(sorted(row.values()) for row in lengths.values()))
    assert counts[0] == counts[1]


@pytest.mark.parametrize(("first", "second"), pairs("StronglyRegular"))
def test_strongly_regular_pairs_are_alike_under_2_fwl(first, second):
    assert same_under_2_fwl(first, second)


@pytest.mark.parametrize("name", [name for name in cfi_bases() if name != "complete-6"])
def test_cfi_twins_have_other_numbers_of_homomorphisms_from_their_base(name):
    """Roberson, 2022: more of them into the graph without a twist."""
    base = cfi_bases()[name]
    plain, twisted = cfi_pair(base)
    assert homomorphisms(base, plain) > homomorphisms(base, twisted)


def test_only_the_plain_twin_of_a_complete_base_holds_it():
    plain, twisted = cfi_pair(cfi_bases()["complete-6"])
    largest = [max(map(len, nx.find_cliques(nx.from_numpy_array(adjacency)))) for adjacency in (plain, twisted)]
    assert largest[0] == 6 > largest[1]


@pytest.mark.parametrize(
    ("name", "same"),
    [("cycle-5", False), ("complete-4", True), ("prism", True), ("grid-3x3", True), ("petersen", True)],
)
def test_cfi_twins_are_alike_under_2_fwl_from_treewidth_3(name, same):
    assert same_under_2_fwl(*cfi_pair(cfi_bases()[name])) == same


@pytest.mark.parametrize("base", [nx.cycle_graph(5), nx.complete_graph(4), nx.circular_ladder_graph(3)])
def test_only_the_parity_of_twists_matters(base):
    edges = list(base.edges)
    for twisted in [*combinations(edges, 2), edges[:1], edges[:3]]:
        assert isomorphic(cfi(base, twisted), cfi(base)) == (len(twisted) % 2 == 0)


def test_size_and_degrees_of_a_cfi_graph():
    base = nx.petersen_graph()
    plain, twisted = cfi_pair(base)
    assert len(plain) == sum(2 ** (d - 1) for _, d in base.degree)
    for adjacency in (plain, twisted):
        assert np.array_equal(adjacency, adjacency.T) and not adjacency.diagonal().any()
        assert set(adjacency.sum(axis=0)) == {6}


def test_cfi_graphs_of_the_smallest_bases_are_known_ones():
    plain, twisted = cfi_pair(nx.cycle_graph(3))
    assert isomorphic(plain, nx.to_numpy_array(nx.disjoint_union(nx.cycle_graph(3), nx.cycle_graph(3))) > 0)
    assert isomorphic(twisted, nx.to_numpy_array(nx.cycle_graph(6)) > 0)
    plain, twisted = cfi_pair(nx.complete_graph(4))
    assert isomorphic(plain, rook(4)) and isomorphic(twisted, shrikhande())


def test_bases_without_twins_are_refused():
    looped = nx.Graph([(0, 0), (0, 1)])
    with pytest.raises(ValueError, match="self-loops"):
        cfi(looped)
    with pytest.raises(ValueError, match="no edge"):
        cfi(nx.path_graph(3), [(0, 2)])
    for base in (nx.empty_graph(1), nx.Graph([(0, 1), (2, 3)])):
        with pytest.raises(ValueError, match="connected"):
            cfi_pair(base)


@pytest.mark.parametrize(
    ("adjacency", "parameters"),
    [
        (rook(4), (16, 6, 2, 2)),
        (shrikhande(), (16, 6, 2, 2)),
        *((graph, (28, 12, 6, 4)) for graph in (triangular(8), *chang())),
    ],
)
def test_strongly_regular_graphs_have_their_parameters(adjacency, parameters):
    size, degree, adjacent, apart = parameters
    links, identity = adjacency.astype(np.int64), np.eye(size, dtype=np.int64)
    walks = degree * identity + adjacent * links + apart * (1 - identity - links)
    assert np.array_equal(links @ links, walks)


def test_rook_and_triangular_graphs_are_line_graphs():
    """Of the complete bipartite and of the complete graph."""
    for adjacency, base in ((rook(4), nx.complete_bipartite_graph(4, 4)), (triangular(6), nx.complete_graph(6))):
        assert nx.is_isomorphic(nx.from_numpy_array(adjacency), nx.line_graph(base))


def test_switching_twice_changes_nothing():
    assert np.array_equal(switch(switch(rook(4), [0, 3, 7]), [0, 3, 7]), rook(4))


def test_circulants_equal_those_of_networkx():
    for skip in SKIPS:
        assert np.array_equal(circulant(NUM_NODES, (1, skip)), nx.to_numpy_array(nx.circulant_graph(41, [1, skip])) > 0)
    with pytest.raises(ValueError, match="itself"):
        circulant(5, (1, 10))


@pytest.mark.parametrize(("num_nodes", "degree"), [(8, 3), (9, 4), (12, 5)])
def test_random_regular_graphs(num_nodes, degree):
    adjacency = random_regular(num_nodes, degree, np.random.default_rng(0))
    assert set(adjacency.sum(axis=0)) == {degree} and np.array_equal(adjacency, adjacency.T)
    assert not adjacency.diagonal().any() and nx.is_connected(nx.from_numpy_array(adjacency))


@pytest.mark.parametrize(("num_nodes", "degree"), [(7, 3), (4, 4), (4, 1)])
def test_regular_graphs_that_cannot_be(num_nodes, degree):
    with pytest.raises(ValueError, match="no connected graph"):
        random_regular(num_nodes, degree, np.random.default_rng(0))


def test_the_data_set_names_its_graphs_and_pairs():
    dataset = load("hard-pairs")
    names = dataset.labels["graphs"]
    assert len(names) == len(dataset.graphs) == len(set(names))
    for (a, b), kind, (category, *pair) in zip(
        dataset.split().test.tolist(), dataset.labels["categories"], PAIRS, strict=True
    ):
        assert (kind, names[a], names[b]) == (category, *pair)
    for name, graph in zip(names, dataset.graphs, strict=True):
        assert graph.num_nodes == len(GRAPHS[name]) and graph.num_edges == GRAPHS[name].sum()
