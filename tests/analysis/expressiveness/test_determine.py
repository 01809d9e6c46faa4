"""What stable colours determine: the theorems on all small graphs, and every verdict beside a search by the book."""

from __future__ import annotations

from itertools import combinations

import networkx as nx
import numpy as np
import pytest

from graphlab.analysis.expressiveness import (
    PROPERTIES,
    TESTS,
    Facts,
    Property,
    StableColours,
    WLTest,
    as_arrays,
    determine,
    find_properties,
)
from graphlab.core.errors import InputError, UnknownNameError
from graphlab.data.load import load
from graphlab.ops.colour_refinement import PairRefinement
from tests.ops.slow_refinement import stable

MIXED = [nx.gnm_random_graph(6, 7, seed=seed) for seed in range(6)] + [
    nx.cycle_graph(6),
    nx.disjoint_union(nx.cycle_graph(3), nx.cycle_graph(3)),
    nx.path_graph(7),
    nx.wheel_graph(7),
    nx.windmill_graph(2, 4),
    nx.empty_graph(1),
]
SMALL = [graph for graph in MIXED if len(graph) < 7][:4]


def same_partition(numbers, names):
    """Whether two lists name the same classes."""
    return len(set(zip(numbers, names, strict=True))) == len(set(numbers)) == len(set(names))


def node_names(colours, test):
    """By the book: colours of nodes, of (v, v) or (v, v, v), or sorted ones of a root's or a node's pairs."""
    if all(not isinstance(p, tuple) for p in colours):
        return colours
    nodes = {p[0] for p in colours}
    pool = getattr(test.refinement, "pool", "flat")
    if pool == "flat":
        return {v: colours[(v,) * len(next(iter(colours)))] for v in nodes}
    rows = {v: [colours[(v, w) if pool == "VS" else (w, v)] for w in nodes] for v in nodes}
    return {v: tuple(sorted(row)) for v, row in rows.items()}


@pytest.mark.parametrize("name", TESTS)
def test_stable_colours_are_those_of_the_book(name):
    test, graphs = TESTS[name], SMALL if name == "FWL(3)" else MIXED
    found = StableColours(test, as_arrays(graphs))
    book = stable(graphs, test)
    by_node = [node_names(colours, test) for colours in book]
    nodes = [by_node[g][v] for g, graph in enumerate(graphs) for v in graph]
    assert same_partition(found.nodes.tolist(), nodes)
    edges = [
        tuple(sorted((by_node[g][u], by_node[g][v]))) for g, graph in enumerate(graphs) for u, v in sorted(graph.edges)
    ]
    assert same_partition(found.of("edge").tolist(), edges)
    pairs = [
        tuple(sorted((by_node[g][u], by_node[g][v]))) if u in book[g] else book[g].get((u, v), book[g].get((u, v, v)))
        for g, graph in enumerate(graphs)
        for u in graph
        for v in graph
        if u != v
    ]
    assert same_partition(found.of("pair").tolist(), pairs)


def numbered_path(numbers):
    graph = nx.path_graph(len(numbers))
    for v, number in enumerate(numbers):
        graph.nodes[v]["x"] = [float(number)]
    return graph


def test_colours_are_stable_in_the_collection_not_in_each_graph_alone():
    """All nodes of a path are numbered, so that none of its colours ever splits; but that the last number of another
    path is a different one is news that travels one node a round."""
    graphs = [numbered_path([*range(20), last]) for last in (20, 99)]
    arrays, refinement = as_arrays(graphs), TESTS["1-WL"].refinement
    rounds = int(refinement.histories(arrays).rounds.max())
    early = [set(colour.tolist()) for colour in refinement.colours(arrays, rounds)]
    assert rounds == 1 and len(early[0] & early[1]) == 19
    assert len(set(StableColours(TESTS["1-WL"], arrays).nodes.tolist())) == 42


def by_search(found, of, graphs):
    """Mixed colours, and the nodes of the smallest witness, over all pairs of items."""
    arrays = as_arrays(graphs)
    facts = [Facts(arrays, g) for g in range(len(graphs))]
    values, labels = of.values(facts), found.of(of.of)
    sizes = [len(graph) for graph, one in zip(graphs, facts, strict=True) for _ in range(one.items(of.of).shape[1])]
    assert len(values) == len(labels) == len(sizes)
    clashes = [
        (max(sizes[i], sizes[j]), labels[i])
        for i, j in combinations(range(len(values)), 2)
        if labels[i] == labels[j] and abs(values[i] - values[j]) > 1e-6
    ]
    return len({label for _, label in clashes}), min((size for size, _ in clashes), default=None)


@pytest.mark.parametrize("name", ["1-WL", "SPD-WL", "SWL(VS)", "FWL(2)"])
def test_every_verdict_is_that_of_a_search_over_all_pairs(name):
    found = determine(MIXED, name)
    colours = StableColours(TESTS[name], as_arrays(MIXED))
    for of in PROPERTIES.values():
        one = found.found[name][of.name]
        mixed, smallest = by_search(colours, of, MIXED)
        assert one.num_mixed == mixed and found.df[of.name].tolist() == [mixed]
        assert (one.witness and one.witness.num_nodes) == smallest
        assert one.num_items == len(colours.of(of.of)) and one.num_colours == len(set(colours.of(of.of).tolist()))


def test_a_witness_is_what_it_says():
    found = determine(MIXED)
    arrays = as_arrays(MIXED)
    for test, row in found.found.items():
        for one in row.values():
            if one.witness is None:
                continue
            colours = StableColours(TESTS[test], arrays).of(one.of.of).tolist()
            facts = [Facts(arrays, g) for g in range(len(MIXED))]
            places = [(g, *v) for g, part in enumerate(facts) for v in part.items(one.of.of).T.tolist()]
            values = dict(zip(places, one.of.values(facts).tolist(), strict=True))
            label = dict(zip(places, colours, strict=True))
            ends = [(item.graph, *item.nodes) for item in (one.witness.first, one.witness.second)]
            assert label[ends[0]] == label[ends[1]] and values[ends[0]] != values[ends[1]]
            assert [values[end] for end in ends] == [one.witness.first.value, one.witness.second.value]


SEEN_BY = {
    "cut vertex": ("1-WL", "SPD-WL", "SWL(VS)"),
    "cut edge": ("1-WL",),
    "eccentricity": ("1-WL",),
    "distance sum": ("1-WL",),
    "resistance sum": ("1-WL", "SPD-WL", "SWL(VS)"),
    "distance": ("1-WL", "SPD-WL", "RD-WL"),
    "resistance": ("1-WL", "SPD-WL", "RD-WL", "SWL(VS)", "SWL(SV)"),
    "cut vertices": ("1-WL", "SPD-WL"),
    "cut edges": ("1-WL",),
    "block-cut tree": ("1-WL", "SPD-WL"),
    "bridge tree": ("1-WL",),
}
"""The tests that a graph on at most 7 nodes shows not to determine a property."""


def test_theorems_on_all_connected_graphs_of_the_atlas():
    """Zhang et al., ICLR 2023: SPD-WL determines cut edges and RD-WL cut vertices, and neither is 1-WL's; GSWL (there
    DSS-WL) and FWL(2) determine both. Of resistances, PSWL(VS) is the first to know them (Zhang et al., ICML 2023)."""
    found = determine(load("atlas"))
    refuted = {of: tuple(test for test, row in found.found.items() if row[of].num_mixed) for of in PROPERTIES}
    assert refuted == SEEN_BY


def test_distances_cannot_tell_a_wheel_from_two_cliques_that_share_a_node():
    wheel, windmill = nx.wheel_graph(7), nx.windmill_graph(2, 4)
    found = determine([wheel, windmill], "SPD-WL, SWL(VS), RD-WL, SWL(SV)", "cut vertex")
    for name in ("SPD-WL", "SWL(VS)"):
        witness = found.witness(name, "cut vertex")
        assert {witness.first.graph, witness.second.graph} == {0, 1} and witness.num_nodes == 7
        assert witness.first.nodes == witness.second.nodes == (0,)
        assert {witness.first.value, witness.second.value} == {0, 1}
    assert found.witness("RD-WL", "cut vertex") is found.witness("SWL(SV)", "cut vertex") is None


def test_bridges_of_cubic_graphs_are_seen_by_all_but_1_wl():
    data = load("biconnectivity/cut-edge")
    found = determine(data.graphs[:40], "1-WL, SPD-WL, RD-WL, GSWL", "cut edge, cut vertex")
    assert found.df["cut edge"].tolist() == [1, 0, 0, 0] and found.df["cut vertex"][0] == 1
    targets = np.concatenate([graph.y for graph in data.graphs[:40]])
    assert found.found["1-WL"]["cut edge"].num_items == len(targets) // 2


def test_features_are_seen():
    graph = nx.path_graph(4)
    for v in graph:
        graph.nodes[v]["x"] = [float(v)]
    assert determine([graph], "1-WL", "distance").df["distance"].tolist() == [0]


def test_trees_of_parts_are_those_of_the_block_cut_tree():
    arrays = as_arrays([nx.barbell_graph(3, 1), nx.disjoint_union(nx.empty_graph(1), nx.path_graph(2))])
    barbell, apart = (Facts(arrays, g) for g in range(2))
    blocks = barbell.block_cut_tree()
    assert sorted(x for _, x in blocks.nodes(data="x")) == [0, 0, 0, 0, 1, 1, 1] and nx.is_tree(blocks)
    assert nx.is_isomorphic(barbell.bridge_tree(), nx.path_graph(3))
    assert nx.number_connected_components(apart.block_cut_tree()) == 2
    assert sorted(apart.bridge_tree().degree) and len(apart.bridge_tree()) == 3


def test_tests_and_properties_of_ones_own():
    mine = WLTest("mine", PairRefinement(frozenset({"uL", "uu"}), "SV"))
    degree = Property("degree", "node", lambda graphs: np.concatenate([one.adjacency.sum(0) for one in graphs]))
    found = determine(MIXED, [mine, "1-WL"], [degree, "cut vertex"])
    assert found.df["degree"].tolist() == [0, 0] and found.df["test"].tolist() == ["mine", "1-WL"]
    assert find_properties("Cut Vertex, distance") == (PROPERTIES["cut vertex"], PROPERTIES["distance"])
    assert len(find_properties("all")) == len(PROPERTIES) and find_properties(degree) == (degree,)


def test_bad_questions():
    with pytest.raises(UnknownNameError, match="'cut vertex'"):
        determine(MIXED, properties="cut vertx")
    with pytest.raises(InputError, match="no property"):
        determine(MIXED, properties=",")
    with pytest.raises(InputError, match="no graphs"):
        determine([])
    with pytest.raises(InputError, match="nobody asked whether 1-WL determines distance"):
        determine(MIXED, "1-WL", "cut edge").witness("1-WL", "distance")


def test_graphs_without_nodes_or_edges_and_self_loops():
    looped = nx.path_graph(3)
    looped.add_edge(1, 1)
    for graphs in ([nx.empty_graph(0)], [nx.empty_graph(1)], [nx.empty_graph(0), nx.empty_graph(2), looped]):
        for row in determine(graphs, [*TESTS]).rows:
            assert {value for name, value in row.items() if name != "test"} == {0}
    facts = Facts(as_arrays([looped]), 0)
    assert facts.edges.tolist() == [[0, 1], [1, 2]] and facts.cut_edges.tolist() == [True, True]
    assert facts.bridge_tree().number_of_edges() == 2


def test_pictures_show_rims_bridges_and_verdicts():
    found = determine(
        [nx.barbell_graph(3, 0), nx.cycle_graph(6), nx.path_graph(2)], "1-WL, FWL(2)", "cut edge, distance"
    )
    table = found.plot().axes[0]
    assert len(table.collections) == 4 and [text.get_text() for text in table.texts] == ["6"]
    drawn = determine([bridged()], "1-WL", "cut edge").witness("1-WL", "cut edge").plot()
    assert len(drawn.axes) == 1
    lines, nodes = drawn.axes[0].collections
    assert len(lines.get_segments()) == 1 and len({tuple(c) for c in nodes.get_facecolors()}) == 1
    assert sorted(nodes.get_linewidths()) == [0.7] * 8 + [2.6] * 2
    assert "1-WL" in drawn.get_suptitle()
    assert [text.get_text() for text in drawn.legends[0].get_texts()] == ["cut vertex", "cut edge"]
    seen = determine([nx.wheel_graph(7), nx.windmill_graph(2, 4)], "SWL(VS)", "resistance").witness(
        "SWL(VS)", "resistance"
    )
    ends = [axes.collections[-1].get_facecolors() for axes in seen.plot().axes]
    (u, v), (x, y) = seen.first.nodes, seen.second.nodes
    assert (ends[0][u] == ends[1][x]).all() and (ends[0][v] == ends[1][y]).all() and not ends[0][u][:3].any()
    with pytest.raises(InputError, match="200 nodes"):
        determine([nx.path_graph(201)], "1-WL", "distance").witness("1-WL", "distance").plot()


def bridged():
    """The cubic graph of ten nodes with a bridge."""
    graph = nx.Graph([(0, 5)])
    for a in (0, 5):
        graph.add_edges_from([(a, a + 1), (a, a + 2), (a + 1, a + 3), (a + 1, a + 4), (a + 2, a + 3), (a + 2, a + 4)])
        graph.add_edge(a + 3, a + 4)
    return graph
