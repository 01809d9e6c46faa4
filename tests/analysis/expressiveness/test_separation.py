"""Verdicts on graphs of which the answer is known, however the graphs are given, and bad input."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
import torch
from torch_geometric.data import Data

from graphlab.analysis.expressiveness import TESTS, WLTest, as_arrays, compare, find_tests, partition, separates
from graphlab.core.errors import InputError, UnknownNameError
from graphlab.data.generators.strongly_regular import rook, shrikhande
from graphlab.data.graph6 import encode
from graphlab.ops.colour_refinement import NodeRefinement, PairRefinement, hashing, refine

HEXAGON = nx.cycle_graph(6)
TRIANGLES = nx.disjoint_union(nx.cycle_graph(3), nx.cycle_graph(3))


def as_data(graph, **features):
    one_way = torch.tensor(list(graph.edges)).T
    return Data(edge_index=torch.cat([one_way, one_way.flip(0)], 1), num_nodes=len(graph), **features)


def test_only_1_wl_takes_two_triangles_for_a_hexagon():
    found = compare(HEXAGON, TRIANGLES)
    assert found.by == tuple(name for name in TESTS if name not in ("1-WL", "FWL(3)"))
    assert found.rounds["1-WL"] is None and found.rounds["SPD-WL"] == 1 and found.rounds["SWL(VS)"] == 2
    assert found.df["round"].isna().tolist() == [True] + 11 * [False]
    assert "SWL(VS)" in repr(found) and "SWL(VS)" in found._repr_html_()


def test_rook_and_shrikhande_are_strongly_regular_and_need_triples():
    first, second = rook(4), shrikhande()
    for adjacency in (first.astype(float), second.astype(float)):
        squared = adjacency @ adjacency
        assert (squared == 6 * np.eye(16) + 2 * adjacency + 2 * (1 - np.eye(16) - adjacency)).all()
    found = compare(first, second, [*TESTS])
    assert found.by == ("FWL(3)",)


def test_one_graph_in_four_forms_is_one_graph():
    adjacency = nx.to_numpy_array(TRIANGLES, dtype=bool)
    written = nx.to_graph6_bytes(TRIANGLES)
    forms = [TRIANGLES, as_data(TRIANGLES), adjacency, encode(adjacency), written, written.decode()]
    for form in forms:
        assert compare(form, TRIANGLES).by == ()
        assert separates("RD-WL", HEXAGON, form)
    assert partition("FWL(2)", [*forms, HEXAGON]).classes == ((0, 1, 2, 3, 4, 5), (6,))


def test_features_enter_the_first_colours():
    one, two = torch.tensor([[1], [1], [1], [2], [2], [2]]), torch.tensor([[1], [2], [1], [2], [1], [2]])
    assert compare(as_data(HEXAGON, x=one), as_data(HEXAGON, x=two), [*TESTS]).by == tuple(TESTS)
    assert compare(as_data(HEXAGON, x=one), as_data(HEXAGON, x=one.flip(0)), [*TESTS]).by == ()
    square = nx.cycle_graph(4)
    beside, across = torch.tensor([1.0, 2.0, 2.0, 1.0]), torch.tensor([1.0, 2.0, 1.0, 2.0])
    bonds = [as_data(square, edge_attr=one.repeat(2).unsqueeze(1)) for one in (beside, across)]
    assert compare(*bonds, [*TESTS]).by == tuple(TESTS)


@pytest.mark.parametrize("field", ["edge_weight", "edge_type"])
def test_weights_and_types_of_edges_enter_the_first_colours(field):
    square = nx.cycle_graph(4)
    beside, across = (torch.tensor(values).repeat(2) for values in ([1, 2, 2, 1], [1, 2, 1, 2]))
    if field == "edge_weight":
        beside, across = beside / 2, across / 2
    first, second = (as_data(square, **{field: values}) for values in (beside, across))
    assert compare(first, second, [*TESTS]).by == tuple(TESTS)
    assert compare(first, first, [*TESTS]).by == ()
    constant = as_data(square, **{field: torch.ones_like(beside)})
    assert compare(constant, constant, [*TESTS]).by == ()
    with pytest.raises(InputError, match=f"do not all have {field}"):
        compare(first, as_data(square))


def test_all_fields_of_edges_count_together():
    square = nx.cycle_graph(4)
    weight, kind = torch.tensor([1.0, 2.0, 1.0, 2.0] * 2), torch.tensor([1, 2, 1, 2] * 2)
    together = as_data(square, edge_weight=weight, edge_type=kind)
    crossed = as_data(square, edge_weight=weight, edge_type=3 - kind)
    assert separates("1-WL", together, crossed)
    assert not separates("1-WL", as_data(square, edge_weight=weight), as_data(square, edge_weight=3 - weight))
    assert not separates("1-WL", as_data(square, edge_type=kind), as_data(square, edge_type=3 - kind))


def test_weights_of_networkx_graphs_are_seen():
    pairs = [([1.0, 2.0, 2.0, 1.0], [1.0, 2.0, 1.0, 2.0]), ([3.0] * 4, [3.0] * 4)]
    for (first, second), told_apart in zip(pairs, (True, False), strict=True):
        graphs = [nx.cycle_graph(4), nx.cycle_graph(4)]
        for graph, weights in zip(graphs, (first, second), strict=True):
            edges = [(0, 1), (1, 2), (2, 3), (3, 0)]
            graph.add_weighted_edges_from((u, v, w) for (u, v), w in zip(edges, weights, strict=True))
        assert separates("1-WL", *graphs) == told_apart
    with pytest.raises(InputError, match="do not all have edge_weight"):
        compare(nx.karate_club_graph(), nx.cycle_graph(4))


def test_sparse_features_and_those_of_few_bits_are_seen():
    edges, x = torch.tensor([[0, 1], [1, 0]]), torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    for form in (x, x.to_sparse(), x.bfloat16(), x.half()):
        here, there = Data(x=form, edge_index=edges), Data(x=torch.ones(2, 2), edge_index=edges)
        assert not separates("1-WL", here, Data(x=x, edge_index=edges)) and separates("1-WL", here, there)


def test_features_of_networkx_graphs_are_seen_as_those_of_data():
    x = torch.tensor([[0.5, 1.0], [0.5, 2.0], [0.5, 1.0], [0.5, 2.0], [0.5, 1.0], [0.5, 1.0]])
    graph = HEXAGON.copy()
    for v in graph:
        graph.nodes[v]["x"] = x[v].tolist()
    assert compare(graph, as_data(HEXAGON, x=x)).by == ()
    with pytest.raises(InputError, match="do not all have x"):
        compare(graph, HEXAGON)
    del graph.nodes[0]["x"]
    with pytest.raises(InputError, match="only some"):
        compare(graph, graph)


def test_a_collection_in_one_pass_is_every_pair_in_its_own():
    graphs = [nx.gnp_random_graph(6, 0.5, seed=seed) for seed in range(25)]
    for name in ("1-WL", "RD-WL", "FWL(2)"):
        found = partition(name, graphs)
        pairs = np.array([(i, j) for i in range(25) for j in range(i)])
        assert found.separates(pairs).tolist() == [separates(name, graphs[i], graphs[j]) for i, j in pairs]
        assert found.num_tied == len(pairs) - found.separates(pairs).sum()
        assert found.num_classes == len(found.classes) == len(set(found.label.tolist()))
        assert [part[0] for part in found.classes] == sorted(part[0] for part in found.classes)
    assert partition("1-WL", []).num_classes == partition("1-WL", []).num_tied == 0


def test_collisions_of_the_first_seed_are_undone_by_the_second(monkeypatch):
    """A first seed all of whose functions are 0 finds nothing different."""

    def keys(seed):
        return hashing.make_keys(seed) * np.uint64(seed > 0)

    monkeypatch.setattr(refine, "make_keys", keys)
    blind = TESTS["SSWL"].refinement.histories(as_arrays([HEXAGON, TRIANGLES]), seed=0).invariant
    assert (blind[0] == blind[1]).all()
    assert partition("SSWL", [HEXAGON, TRIANGLES, HEXAGON]).classes == ((0, 2), (1,))
    assert compare(HEXAGON, TRIANGLES, "SSWL").rounds["SSWL"] == 2


def test_tests_are_found_by_name():
    assert [test.name for test in find_tests("fwl(2), 1-wl")] == ["FWL(2)", "1-WL"]
    assert len(find_tests("all")) == 12
    mine = WLTest("mine", PairRefinement(frozenset({"uL", "uu"}), "SV"))
    assert find_tests(mine) == (mine,) and find_tests([mine, "GSWL", mine]) == (mine, TESTS["GSWL"])
    with pytest.raises(UnknownNameError, match="'SSWL'"):
        find_tests("SSWLL")
    assert find_tests("all, FWL(3)") == find_tests(["all", "FWL(3)"]) == tuple(TESTS.values())
    with pytest.raises(InputError, match="no test"):
        find_tests(" , ")
    for nothing in (3, [3], None):
        with pytest.raises(InputError, match="names no test"):
            find_tests(nothing)
    with pytest.raises(InputError, match="called 1-WL"):
        find_tests(["1-WL", WLTest("1-WL", mine.refinement)])


def test_refinements_that_there_are_none_of():
    for make in (lambda: PairRefinement(frozenset({"uL"}), "XX"), lambda: NodeRefinement("far")):
        with pytest.raises(InputError, match="known"):
            make()
    assert PairRefinement({"uL"}, "VS") == PairRefinement(frozenset({"uL"}), "VS")


def test_a_self_loop_is_seen_by_every_test():
    """By a complete graph and equal degrees nothing but where the loop is could tell the two apart."""
    first, second = nx.complete_graph(4), nx.complete_graph(4)
    for graph, v in ((first, 0), (second, 1)):
        for u in graph:
            graph.nodes[u]["x"] = u % 2
        graph.add_edge(v, v)
    assert compare(first, second, [*TESTS]).by == tuple(TESTS)
    assert compare(first, nx.relabel_nodes(first, {0: 3, 3: 0}), [*TESTS]).by == ()


def test_features_that_do_not_fit_are_refused():
    def path(**features):
        return Data(edge_index=torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]]), num_nodes=3, **features)

    with pytest.raises(InputError, match="NaN"):
        compare(path(x=torch.tensor([[0.0], [float("nan")], [0.0]])), path(x=torch.zeros(3, 1)))
    for name, short, long in (("x", 2, 4), ("edge_attr", 3, 5)):
        pair = [path(**{name: torch.arange(rows).unsqueeze(1)}) for rows in (short, long)]
        for graph in pair:
            graph.num_nodes = 3
        with pytest.raises(InputError, match=f"{name} of a graph has"):
            compare(*pair)


@pytest.mark.parametrize(
    ("graph", "message"),
    [
        (nx.DiGraph([(0, 1)]), "directed"),
        (nx.MultiGraph([(0, 1), (0, 1)]), "parallel"),
        (Data(edge_index=torch.tensor([[0], [1]]), num_nodes=2), "directed"),
        (Data(edge_index=torch.tensor([[0, 1, 0, 1], [1, 0, 1, 0]]), num_nodes=2), "parallel"),
        (Data(edge_index=torch.tensor([[0, 5], [5, 0]]), num_nodes=2), "not there"),
        (Data(num_nodes=2), "edge_index"),
        (np.zeros((2, 3)), "square"),
        (np.array([[0, 1], [0, 0]]), "directed"),
        (np.array([[0, 2.5], [2.5, 0]]), "neither 0 nor 1"),
        (np.array([[0, np.nan], [np.nan, 0]]), "neither 0 nor 1"),
        (Data(edge_index=torch.tensor([[0.0, 1.0], [1.0, 0.0]]), num_nodes=2), "float32"),
        (Data(edge_index=torch.tensor([[0, 1], [1, 0], [1, 0]]), num_nodes=2), r"int64 \[3, 2\]"),
        (Data(edge_index=torch.zeros(0, dtype=torch.int64), num_nodes=2), r"int64 \[0\]"),
        ("not graph6 \x01", "graph6"),
        (b"not graph6 \x01", "graph6"),
        (Data(edge_index=torch.tensor([[0, 1], [1, 0]]), edge_weight=torch.ones(3), num_nodes=2), "3 rows for 2"),
        (7, "int is no graph"),
    ],
)
def test_what_is_no_undirected_graph_is_refused(graph, message):
    with pytest.raises(InputError, match=message):
        compare(graph, graph, "1-WL")
