"""Algorithms on edge lists: right by networkx, scipy and brute force, and equal to those on matrices."""

from __future__ import annotations

import time

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import coo_array, csgraph

from graphlab.algorithms import trajectory as dense
from graphlab.algorithms.algorithm import DTYPES
from graphlab.algorithms.sparse.graphs import (
    GENERATORS,
    SparseGraph,
    edge_probabilities,
    erdos_renyi,
    from_matrix,
)
from graphlab.algorithms.sparse.problems import ALGORITHMS, algorithm
from graphlab.algorithms.sparse.trajectory import (
    sample,
    trace,
)
from tests.algorithms.sparse_cases import DENSE, PATH, draws, equal, matrix_of, source_of

# Right by other means


def test_bfs_reaches_each_node_at_its_depth_from_the_least_node_before_it():
    for run, graph in draws("bfs"):
        depths = nx.single_source_shortest_path_length(graph, source_of(run))
        for node in graph:
            before = [other for other in graph[node] if depths[other] == depths[node] - 1]
            assert run.outputs["pi"][node] == (min(before) if before else node)
            assert run.hints["reach_h"][:, node].tolist() == [step >= depths[node] for step in range(run.length)]
        assert run.length == max(depths.values()) + 1


def test_dfs_intervals_are_nested_like_parentheses():
    for run, graph in draws("dfs"):
        parents, discovered, finished = run.outputs["pi"], run.hints["d"][-1], run.hints["f"][-1]
        times = np.sort(np.concatenate([discovered, finished]))
        np.testing.assert_allclose(times, 0.01 * np.arange(1, 2 * len(graph) + 1), err_msg="each time is one event")
        inside = (discovered[:, None] < discovered) & (finished < finished[:, None])
        apart = (finished[:, None] < discovered) | (finished < discovered[:, None])
        assert (inside | inside.T | apart | np.eye(len(graph), dtype=bool)).all()
        for node, parent in enumerate(parents):
            assert inside[parent, node] and graph.has_edge(node, parent) if node else parent == 0
        for node, other in graph.edges:
            assert inside[node, other] or inside[other, node], "no edge crosses between branches"
        expected = nx.dfs_predecessors(graph, 0, sort_neighbors=sorted)
        assert parents.tolist() == [expected.get(node, node) for node in graph]
        assert run.length == 3 * len(graph)


def test_dijkstra_finds_the_shortest_paths():
    for run, _ in draws("dijkstra"):
        matrix, source = matrix_of(run), source_of(run)
        distances = csgraph.dijkstra(matrix, indices=source)
        np.testing.assert_allclose(run.hints["d"][-1], distances, atol=1e-12)
        parents, nodes = run.outputs["pi"].astype(int), np.arange(run.graph.num_nodes)
        through = distances[parents] + np.where(nodes == source, 0, matrix.toarray()[parents, nodes])
        np.testing.assert_allclose(through, distances, atol=1e-12)
        visited = run.hints["u"].argmax(1)[1:]
        assert (np.diff(distances[visited]) >= 0).all() and sorted(visited) == nodes.tolist(), "nearest first"


def test_prim_finds_a_tree_of_the_least_weight():
    for run, graph in draws("mst_prim"):
        matrix, source = matrix_of(run), source_of(run)
        edges = [(node, parent) for node, parent in enumerate(run.outputs["pi"].tolist()) if node != source]
        assert nx.is_tree(nx.Graph(edges)) and all(graph.has_edge(*edge) for edge in edges)
        weight = matrix.toarray()[tuple(np.array(edges).T)].sum()
        assert weight == pytest.approx(csgraph.minimum_spanning_tree(matrix).sum(), abs=1e-12)
        assert weight == pytest.approx(run.hints["key"][-1].sum(), abs=1e-12)


def test_fast_mis_is_the_greedy_set_independent_and_maximal():
    rounds = []
    for run, graph in draws("fast_mis"):
        chosen = set(np.flatnonzero(run.outputs["inmis"]).tolist())
        assert not any(node in chosen and other in chosen for node, other in graph.edges)
        assert all(node in chosen or chosen & set(graph[node]) for node in graph)
        greedy = set()
        for node in np.argsort(run.inputs["randomness"]).tolist():
            if not greedy & set(graph[node]):
                greedy.add(node)
        assert chosen == greedy
        alive, joined = run.hints["alive_h"], run.hints["inmis_h"]
        assert alive[0].all() and not joined[0].any() and not alive[-1].any()
        sources, targets = run.graph.edge_index
        assert np.array_equal(run.hints["Ain_h"], alive[:, sources] & alive[:, targets])
        for before, after, new in zip(alive, alive[1:], np.diff(joined, axis=0), strict=False):
            living = {node for node in graph if before[node]}
            least = {
                u for u in living if all(run.inputs["randomness"][[u, v]].argmin() == 0 for v in living & set(graph[u]))
            }
            assert set(np.flatnonzero(new)) == least
            assert set(np.flatnonzero(after)) == living - least - {v for u in least for v in graph[u]}
        rounds.append(run.length - 1)
    assert 1 < np.mean(rounds) < 5 and len(set(rounds)) > 2


def test_of_equal_random_numbers_the_smaller_node_joins():
    run = trace("fast_mis", SparseGraph(3, PATH), {"randomness": [0.5, 0.5, 0.5]})
    assert run.outputs["inmis"].tolist() == [1, 0, 1] and run.length == 3, "node 2 waits for node 1 to die"
    graph = erdos_renyi(200, np.random.default_rng(0))
    values = np.random.default_rng(1).integers(0, 3, 200) / 2
    distinct = trace("fast_mis", graph, {"randomness": values + np.arange(200) / 1000})
    assert equal(trace("fast_mis", graph, {"randomness": values}).hints, distinct.hints)
    loop = SparseGraph(2, np.array([[0, 0, 1], [0, 1, 0]]))
    assert trace("fast_mis", loop, {"randomness": [0.1, 0.2]}).outputs["inmis"].tolist() == [1, 0]


def test_eccentricity_is_the_largest_depth_and_its_echo():
    for run, graph in draws("eccentricity"):
        source, steps = source_of(run), range(run.length)
        expected = nx.eccentricity(graph, source)
        assert run.outputs["eccentricity"] == expected == run.hints["eccentricity_h"][-1]
        assert run.hints["eccentricity_h"][:-1].max() <= expected and run.length == 2 * expected + 2
        depths = nx.single_source_shortest_path_length(graph, source)
        assert run.hints["floodstate_h"][-1].tolist() == [depths[node] for node in graph]
        for node in graph:
            assert run.hints["visited_h"][:, node].tolist() == [step >= depths[node] for step in steps]
        sent = run.hints["msgphase_h"]
        assert not sent[0].any() and sent[-1].all() and not sent[-2, source] and (np.diff(sent, axis=0) >= 0).all()
        parents = trace("bfs", run.graph, {"s": run.inputs["s"]}, hints=False).outputs["pi"]
        children = {node: [u for u in graph if parents[u] == node and u != source] for node in graph}
        when = sent.argmax(0)
        for node, below in children.items():
            assert when[node] == 1 + max([depths[node], *(when[child] for child in below)])
            echoes = [run.hints["echostate_h"][-1, child] for child in below]
            assert run.hints["echostate_h"][-1, node] == max([depths[node], *echoes])
        for place, (node, child) in enumerate(run.graph.edge_index.T.tolist()):
            awaited = [child in children[node] and depths[child] <= step < when[child] for step in steps]
            assert run.hints["tree_h"][:, place].tolist() == awaited


# Equal to those on matrices


@pytest.mark.parametrize("p", [0.05, 0.3, 0.7])
@pytest.mark.parametrize("size", [1, 2, 5, 16, 30])
@pytest.mark.parametrize("name", DENSE)
def test_runs_equal_those_on_matrices(name, size, p):
    """On graphs in pieces and with self-loops, directed where the algorithm takes them, edges in any order."""
    chosen = dense.algorithm(name)
    directed = name != "mst_prim"
    for seed in range(12):
        rng = np.random.default_rng(seed)
        matrix = rng.random((size, size)) * (rng.random((size, size)) < p)
        matrix = matrix if directed and seed % 2 else np.triu(matrix) + np.triu(matrix, 1).T
        if name in ("bfs", "dfs"):
            matrix = (matrix != 0).astype(float)
        elif seed % 3 == 0:
            matrix = np.ceil(3 * matrix)  # ties
        inputs = {} if name == "dfs" else {"s": (np.arange(size) == rng.integers(size)).astype(int)}
        expected = dense.trace(name, {"A": matrix, **inputs})
        graph, weights = from_matrix(matrix)
        order = rng.permutation(graph.num_edges)
        if name in ("dijkstra", "mst_prim"):
            inputs["A"] = weights[order]
        run = trace(name, SparseGraph(size, graph.edge_index[:, order]), inputs)
        assert equal(run.outputs, expected.outputs) and equal(run.hints, expected.hints)
        assert run.length == expected.length and np.array_equal(run.inputs["pos"], expected.inputs["pos"])
    sparse = {probe for probe in algorithm(name).probes if probe.name != "A"}
    assert {probe for probe in chosen.probes if probe.name not in ("A", "adj")} == sparse


@pytest.mark.parametrize("name", ALGORITHMS)
def test_arrays_have_the_shapes_and_types_of_their_probes(name):
    run = sample(name, "er", 12, np.random.default_rng(0))
    rows = {"node": (12,), "edge": (run.graph.num_edges,), "graph": ()}
    for stage, lead, arrays in (
        ("input", (), run.inputs),
        ("hint", (run.length,), run.hints),
        ("output", (), run.outputs),
    ):
        assert [probe.name for probe in run.algorithm.stage(stage)] == list(arrays)
        for probe in run.algorithm.stage(stage):
            assert arrays[probe.name].shape == lead + rows[probe.location]
            assert arrays[probe.name].dtype == DTYPES[probe.type]
            if probe.type == "mask-one":
                assert (arrays[probe.name].sum(-1) == 1).all()
    without = sample(name, "er", 12, np.random.default_rng(0), hints=False)
    assert without.hints == {} and without.length == run.length and equal(without.outputs, run.outputs)


# Large graphs


@pytest.mark.parametrize("kind", GENERATORS)
@pytest.mark.parametrize("name", ALGORITHMS)
def test_graphs_of_1600_nodes_work(name, kind):
    run = sample(name, kind, 1600, np.random.default_rng(0), hints=name != "dfs")
    source, parents = int(run.inputs.get("s", np.eye(1, 1600)).argmax()), run.outputs.get("pi")
    if parents is not None:
        assert np.flatnonzero(parents == np.arange(1600)).tolist() == [source]
        assert run.graph.is_connected()
    if name == "dijkstra":
        np.testing.assert_allclose(run.hints["d"][-1], csgraph.dijkstra(matrix_of(run), indices=source))
    if name == "eccentricity":
        unweighted = coo_array((np.ones(run.graph.num_edges), tuple(run.graph.edge_index)))
        assert run.outputs["eccentricity"] == csgraph.dijkstra(unweighted.tocsr(), indices=source).max()


def test_dijkstra_on_1600_nodes_takes_well_below_a_second():
    graph = erdos_renyi(1600, np.random.default_rng(0), p=edge_probabilities(1600)[1])
    inputs = algorithm("dijkstra").sample(graph, np.random.default_rng(0))
    start = time.process_time()
    trace("dijkstra", graph, inputs)
    assert time.process_time() - start < 0.5


# Other numbers for the same nodes


@settings(max_examples=80, deadline=None)
@given(
    st.sampled_from(sorted(ALGORITHMS)), st.sampled_from(sorted(GENERATORS)), st.integers(9, 20), st.integers(0, 10_000)
)
def test_runs_follow_a_renumbering_and_no_order_of_edges(name, kind, size, seed):
    rng = np.random.default_rng(seed)
    run = sample(name, kind, size, rng)
    order = rng.permutation(run.graph.num_edges)
    shuffled = SparseGraph(size, run.graph.edge_index[:, order])
    locations = {probe.name: probe.location for probe in run.algorithm.probes}
    inputs = {key: value[order] if locations[key] == "edge" else value for key, value in run.inputs.items()}
    again = trace(name, shuffled, inputs)
    assert equal(again.outputs, run.outputs)
    assert equal(
        again.hints, {key: hint[:, order] if locations[key] == "edge" else hint for key, hint in run.hints.items()}
    )
    if name == "dfs":
        return  # the order of the numbers is the order of visits
    number = rng.permutation(size)
    inputs = {
        key: value if locations[key] == "edge" else value[np.argsort(number)] for key, value in run.inputs.items()
    }
    other = trace(name, SparseGraph(size, number[run.graph.edge_index]), inputs)
    assert other.length == run.length
    follows = {"bfs": ["reach_h"], "eccentricity": ["visited_h", "floodstate_h"]}.get(name, list(run.hints))
    for key in follows:
        hint, renumbered = run.hints[key], other.hints[key]
        if run.algorithm.probe(key).type == "pointer":
            hint = number[hint]
        assert np.array_equal(renumbered if locations[key] == "edge" else renumbered[:, number], hint)
    if name in ("dijkstra", "mst_prim"):
        assert np.array_equal(other.outputs["pi"][number], number[run.outputs["pi"]])
    elif name == "fast_mis":
        assert np.array_equal(other.outputs["inmis"][number], run.outputs["inmis"])
    elif name == "eccentricity":
        assert equal(other.outputs, run.outputs)
