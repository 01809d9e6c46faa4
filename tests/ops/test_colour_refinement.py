"""The compiled loops against refinement by the book, exact fractions, networkx, and renumberings."""

from __future__ import annotations

from collections import Counter
from itertools import combinations, pairwise

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphlab.analysis.expressiveness import TESTS, WLTest, as_arrays, compare
from graphlab.core.errors import InputError
from graphlab.ops.colour_refinement import NodeRefinement, PairRefinement, TripleRefinement, nodes, refine
from graphlab.ops.colour_refinement.distances import PRIMES, resistances, shortest_paths
from graphlab.ops.colour_refinement.hashing import count_different, make_keys, new_table
from tests.ops.slow_refinement import part, rational_resistances

MORE = [
    WLTest(f"{'+'.join(names)} {pool}", PairRefinement(frozenset(names), pool))
    for names in (("vu", "uL"), ("uu", "vL"), ("uG", "vG", "uL"), ("vv", "uu", "vL"), ("LFWL", "vG"))
    for pool in ("flat", "VS", "SV")
]
ALL = [*TESTS.values(), *MORE]


def arrays(*graphs):
    return as_arrays(graphs)


@st.composite
def pairs(draw, largest=6):
    """Two graphs of the same size, the second one often the first with an edge moved or two edges crossed."""
    n = draw(st.integers(1, largest))
    loops = [(v, v) for v in range(n)] if draw(st.booleans()) else []
    places = [*combinations(range(n), 2), *loops]
    edges = [place for place in places if draw(st.booleans())]
    first = nx.empty_graph(n)
    first.add_edges_from(edges)
    second = first.copy()
    if len(edges) > 1 and draw(st.booleans()):
        (a, b), (c, d) = draw(st.permutations(edges))[:2]
        if len({a, b, c, d}) == 4 and not second.has_edge(a, c) and not second.has_edge(b, d):
            second.remove_edges_from([(a, b), (c, d)])
            second.add_edges_from([(a, c), (b, d)])
    elif edges:
        second.remove_edge(*draw(st.sampled_from(edges)))
        second.add_edge(*draw(st.sampled_from(places)))
    if draw(st.booleans()):
        for graph in (first, second):
            for v in graph:
                graph.nodes[v]["x"] = (v * 7) % 2 + 1
            for u, v in graph.edges:
                graph.edges[u, v]["edge_attr"] = (u + v) % 2 + 1
    return first, nx.relabel_nodes(second, dict(enumerate(draw(st.permutations(range(n))))))


@settings(max_examples=150, deadline=None)
@given(pairs(), st.sampled_from([test for test in ALL if test.name != "FWL(3)"]))
def test_verdict_and_round_are_those_of_refinement_by_the_book(graphs, test):
    assert compare(*graphs, test).rounds[test.name] == part(graphs, test)


@settings(max_examples=25, deadline=None)
@given(pairs(largest=4))
def test_verdict_and_round_of_triples(graphs):
    assert compare(*graphs, "FWL(3)").rounds["FWL(3)"] == part(graphs, TESTS["FWL(3)"])


HARD = {
    "hexagon": (nx.cycle_graph(6), nx.disjoint_union(nx.cycle_graph(3), nx.cycle_graph(3))),
    "circulant": (nx.circulant_graph(11, [1, 2]), nx.circulant_graph(11, [1, 3])),
    "skips": (nx.circulant_graph(13, [1, 2]), nx.circulant_graph(13, [1, 5])),
    "prism": (nx.circular_ladder_graph(3), nx.complete_bipartite_graph(3, 3)),
    "tailed": (
        nx.Graph([(0, 1), (1, 2), (2, 3), (3, 4), (4, 5), (5, 0), (0, 6), (6, 7)]),
        nx.Graph([(0, 1), (1, 2), (2, 0), (3, 4), (4, 5), (5, 3), (0, 6), (6, 7)]),
    ),
    "dodecahedron": (nx.desargues_graph(), nx.dodecahedral_graph()),
}


CASES = [(test, name) for test in ALL for name in HARD if test.name != "FWL(3)" or len(HARD[name][0]) <= 8]


@pytest.mark.parametrize("test, name", CASES, ids=[f"{test.name}-{name}" for test, name in CASES])
def test_regular_graphs_by_the_book(test, name):
    first, second = HARD[name]
    assert compare(first, second, test).rounds[test.name] == part((first, second), test)


def test_paths_take_as_many_rounds_as_there_are_and_more_than_the_first_columns_hold():
    first = nx.path_graph(201)
    second = nx.disjoint_union(nx.path_graph(101), nx.path_graph(100))
    found = NodeRefinement().histories(arrays(first, first, second))
    assert found.rounds[0] == 101 > refine.FIRST_ROUNDS
    assert (found.invariant[0] == found.invariant[1]).all()
    assert compare(first, second, "1-WL").rounds["1-WL"] == part((first, second), TESTS["1-WL"])


@settings(max_examples=40, deadline=None)
@given(pairs(largest=9), st.randoms())
def test_no_renumbering_is_told_apart(graphs, random):
    for graph in graphs:
        order = list(graph)
        random.shuffle(order)
        renumbered = nx.Graph()
        renumbered.add_nodes_from((v, graph.nodes[v]) for v in order)
        renumbered.add_edges_from(graph.edges(data=True))
        assert compare(graph, renumbered, ALL).by == ()


@pytest.mark.filterwarnings("ignore:The hashes produced")
def test_1_wl_is_that_of_networkx_on_random_graphs():
    graphs = [nx.gnp_random_graph(7, 0.35, seed=seed) for seed in range(60)]
    found = NodeRefinement().histories(arrays(*graphs)).invariant
    for i, j in combinations(range(len(graphs)), 2):
        theirs = [nx.weisfeiler_lehman_graph_hash(graphs[k], iterations=7, digest_size=32) for k in (i, j)]
        assert (found[i] == found[j]).all() == (theirs[0] == theirs[1])


@pytest.mark.parametrize("seed", range(4))
def test_resistances_are_the_residues_of_the_fractions(seed):
    graph = nx.gnp_random_graph(14, 0.22, seed=seed)
    data = arrays(graph)
    primes = np.array(PRIMES[:2], np.uint64)
    edges, which, usable = (data.start, data.row, data.source), np.arange(1), np.zeros(1, np.bool_)
    far = shortest_paths(edges, which)
    found = far.copy()
    resistances(edges, which, primes, found, usable)
    far, found = far.reshape(14, 14), found.reshape(14, 14)
    exact = rational_resistances(graph)
    numeric = np.linalg.pinv(nx.laplacian_matrix(graph).toarray().astype(float))
    assert usable.all()
    for u in graph:
        for v in graph:
            if v not in exact[u]:
                assert found[u, v] == far[u, v] == 2**63
                continue
            value = exact[u][v]
            residues = [value.numerator * pow(value.denominator, -1, p) % p for p in map(int, primes)]
            assert [int(found[u, v]) % 2**31, int(found[u, v]) >> 31] == residues
            assert float(value) == pytest.approx(numeric[u, u] + numeric[v, v] - 2 * numeric[u, v], abs=1e-9)
            assert far[u, v] == nx.shortest_path_length(graph, u, v)


def test_a_prime_that_divides_the_number_of_spanning_trees_is_not_used(monkeypatch):
    """A triangle has three spanning trees, a star one."""
    data = arrays(nx.cycle_graph(3), nx.star_graph(4))
    fields = refine._fields(data, make_keys(0))
    _, unusable = nodes.distances(fields, np.arange(2), nodes.RESISTANCE, np.array([3, 5], np.uint64))
    assert unusable.tolist() == [0]
    expected = NodeRefinement("resistance").histories(data)
    monkeypatch.setattr(refine, "PRIMES", (3, 5, *PRIMES[:2]))
    assert (NodeRefinement("resistance").histories(data).invariant == expected.invariant).all()
    monkeypatch.setattr(refine, "PRIMES", (3, 5))
    with pytest.raises(InputError, match="resistances"):
        NodeRefinement("resistance").histories(data)


@given(st.lists(st.integers(0, 2**64 - 1), max_size=60))
def test_different_numbers_are_counted(values):
    array = np.array(values + values[:7], np.uint64)
    assert count_different(array, new_table(len(array))) == len(set(values))


@pytest.mark.parametrize("test", TESTS.values(), ids=lambda test: test.name)
def test_colours_are_those_that_the_history_counts(test):
    """As many colours after the last round as before it, fewer before; the same partition whatever the seed."""
    graph = nx.barbell_graph(3, 2)
    data = arrays(graph)
    last = int(test.refinement.histories(data).rounds[0])
    counts = [len(np.unique(test.refinement.colours(data, t)[0])) for t in range(last + 1)]
    assert counts[-1] == counts[-2] and all(a < b for a, b in pairwise(counts[:-1]))
    partitions = []
    for seed in (0, 1):
        _, first, name = np.unique(
            test.refinement.colours(data, last, seed=seed)[0], return_index=True, return_inverse=True
        )
        partitions.append(first[name.ravel()])
    assert (partitions[0] == partitions[1]).all()


def test_graphs_without_nodes_or_edges_and_no_graphs():
    empty, dots = nx.empty_graph(0), nx.empty_graph(3)
    for test in TESTS.values():
        assert compare(empty, empty, test).by == compare(dots, dots, test).by == ()
        assert compare(empty, dots, test).rounds[test.name] == 0
        assert test.refinement.histories(as_arrays([])).rounds.shape == (0,)


def test_too_large_a_graph_for_triples_and_unknown_aggregations():
    with pytest.raises(InputError, match="at most 100 nodes; one has 101"):
        TripleRefinement().histories(arrays(nx.path_graph(101)))
    with pytest.raises(InputError, match="'wL'"):
        PairRefinement(frozenset({"wL"}))


def test_a_batch_of_graphs_is_refined_as_each_alone_on_any_number_of_threads(monkeypatch):
    monkeypatch.setattr(refine, "BATCH", 50)
    monkeypatch.setattr("torch.get_num_threads", lambda: 3)
    graphs = [nx.gnp_random_graph(n, 0.4, seed=n) for n in range(2, 14)]
    data = arrays(*graphs)
    for test in TESTS.values():
        together = test.refinement.histories(data)
        for g in range(len(graphs)):
            alone = test.refinement.histories(data.take(np.array([g])))
            assert alone.rounds[0] == together.rounds[g]
            assert (alone.invariant[0] == together.invariant[g, : alone.rounds[0] + 1]).all()
        assert Counter(together.rounds.tolist())[-1] == 0
