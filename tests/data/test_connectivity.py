"""Cut vertices and edges by taking each out, distances and resistances beside networkx and exact fractions."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest

from graphlab.data.connectivity import cut_edges, cut_vertices, distances, resistances
from tests.ops.slow_refinement import rational_resistances

GRAPHS = [
    nx.path_graph(5),
    nx.cycle_graph(5),
    nx.barbell_graph(4, 1),
    nx.empty_graph(3),
    nx.disjoint_union(nx.lollipop_graph(3, 2), nx.complete_graph(2)),
    *(nx.gnm_random_graph(9, 11, seed=seed) for seed in range(12)),
]


@pytest.fixture(params=GRAPHS, ids=str)
def graph(request):
    return request.param


def dense(graph):
    return nx.to_numpy_array(graph, nodelist=sorted(graph)).astype(bool)


def parts_without(graph, *, node=None, edge=None):
    rest = graph.copy()
    rest.remove_nodes_from([] if node is None else [node])
    rest.remove_edges_from([] if edge is None else [edge])
    return nx.number_connected_components(rest) if len(rest) else 0


def test_what_holds_a_graph_together_is_what_leaves_more_parts_when_it_is_gone(graph):
    parts = nx.number_connected_components(graph)
    assert cut_vertices(dense(graph)).tolist() == [parts_without(graph, node=v) > parts for v in sorted(graph)]
    found = cut_edges(dense(graph))
    assert (found == found.T).all() and not (found & ~dense(graph)).any()
    assert {(u, v) for u, v in np.argwhere(found).tolist() if u < v} == {
        (min(e), max(e)) for e in graph.edges if parts_without(graph, edge=e) > parts
    }


def test_distances_are_those_of_networkx(graph):
    known = dict(nx.all_pairs_shortest_path_length(graph))
    assert distances(dense(graph)).tolist() == [[known[u].get(v, np.inf) for v in sorted(graph)] for u in sorted(graph)]


def test_resistances_are_the_fractions(graph):
    known = rational_resistances(graph)
    exact = np.array([[float(known[u].get(v, np.inf)) for v in sorted(graph)] for u in sorted(graph)])
    np.testing.assert_allclose(resistances(dense(graph)), exact, atol=1e-12)
    if nx.is_connected(graph):
        theirs = nx.resistance_distance(graph)
        np.testing.assert_allclose(exact, [[theirs[u][v] for v in sorted(graph)] for u in sorted(graph)], atol=1e-9)
