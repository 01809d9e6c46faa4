"""Algorithms on edge lists: right by other means, equal to those on matrices, in batches and splits."""

from __future__ import annotations

import time
from dataclasses import replace
from itertools import combinations

import networkx as nx
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import coo_array, csgraph
from sklearn.metrics import f1_score
from torch_geometric.nn import SimpleConv

from graphlab.algorithms import trajectory as dense
from graphlab.algorithms.algorithm import DTYPES
from graphlab.algorithms.sparse import graphs, trajectory
from graphlab.algorithms.sparse.graphs import (
    GENERATORS,
    SparseGraph,
    delaunay,
    draw_graph,
    draw_weights,
    edge_probabilities,
    erdos_renyi,
    from_matrix,
    watts_strogatz,
)
from graphlab.algorithms.sparse.metrics import score_probe, scores
from graphlab.algorithms.sparse.problems import ALGORITHMS, algorithm
from graphlab.algorithms.sparse.tensors import to_data
from graphlab.algorithms.sparse.trajectory import (
    SPLITS,
    TEST_SIZES,
    batch,
    published_split,
    sample,
    sample_split,
    trace,
    unbatch,
)
from graphlab.core.errors import InputError, UnknownNameError

DENSE = ("bfs", "dfs", "dijkstra", "mst_prim")
PATH = np.array([[0, 1, 1, 2], [1, 0, 2, 1]])
DRAWN = [(kind, size, seed) for kind in GENERATORS for size in (10, 16, 40) for seed in range(15)]


def draws(name):
    """135 trajectories, with their graphs as those of networkx."""
    for kind, size, seed in DRAWN:
        run = sample(name, kind, size, np.random.default_rng(seed))
        graph = nx.Graph()
        graph.add_nodes_from(range(size))
        graph.add_edges_from(run.graph.edge_index.T.tolist())
        yield run, graph


def source_of(run):
    return int(run.inputs["s"].argmax())


def matrix_of(run):
    return coo_array((run.inputs["A"], tuple(run.graph.edge_index)), shape=(run.graph.num_nodes,) * 2).tocsr()


def equal(first, second):
    """Whether two sets of arrays have the same names, types and values."""
    return list(first) == list(second) and all(
        first[name].dtype == second[name].dtype and np.array_equal(first[name], second[name]) for name in first
    )


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
            heard = [run.hints["echostate_h"][-1, child] for child in below]
            assert run.hints["echostate_h"][-1, node] == max([depths[node], *heard])
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


# Random graphs


@pytest.mark.parametrize("kind", GENERATORS)
@pytest.mark.parametrize("size", [9, 16, 80, 1600])
def test_random_graphs_are_connected_simple_and_undirected(kind, size):
    for seed in range(3 if size == 1600 else 20):
        graph = draw_graph(kind, size, np.random.default_rng(seed))
        sources, targets = graph.edge_index
        assert (
            csgraph.connected_components(coo_array((np.ones(graph.num_edges), (sources, targets)), (size,) * 2))[0] == 1
        )
        assert graph.is_connected() and (sources != targets).all()
        pairs = graph.edge_index.T.tolist()
        assert pairs == sorted(pairs) and {(v, u) for u, v in pairs} == {(u, v) for u, v in pairs}
        again = draw_graph(kind, size, np.random.default_rng(seed))
        assert np.array_equal(again.edge_index, graph.edge_index)


def test_graphs_in_pieces_are_told():
    assert not SparseGraph(4, PATH).is_connected() and SparseGraph(3, PATH).is_connected()
    assert SparseGraph(1, np.zeros((2, 0), int)).is_connected()


def test_erdos_renyi_pairs_are_independent_and_as_likely_as_they_should_be():
    rng = np.random.default_rng(0)
    assert graphs._pairs(np.arange(45)).T.tolist() == [[u, v] for v in range(10) for u in range(v)]
    for most in range(graphs.MOST_NODES - 1000, graphs.MOST_NODES):
        start = most * (most - 1) // 2
        assert graphs._pairs(np.array([start - 1, start])).T.tolist() == [[most - 2, most - 1], [0, most]]
    for p in (0.0, 0.02, 0.5, 1.0):
        drawn = np.zeros((2000, 20))
        for row in drawn:
            row[graphs._hits(20, p, rng)] += 1
        assert drawn.max(initial=0) <= 1 and (np.abs(drawn.mean(0) - p) <= 5 * np.sqrt(p * (1 - p) / 2000)).all()
        assert np.abs(drawn.sum(1).var() - 20 * p * (1 - p)) <= 0.2 * 20 * p * (1 - p) + 1e-12
    edges = [erdos_renyi(400, rng, p=0.05).num_edges / 2 for _ in range(20)]
    assert abs(np.mean(edges) - 0.05 * 400 * 399 / 2) < 5 * np.sqrt(0.05 * 400 * 399 / 2 / 20)


def test_erdos_renyi_p_is_drawn_from_the_published_range():
    assert edge_probabilities(800) == pytest.approx((np.log(800) / 800, 3 * np.log(800) / 800))
    assert edge_probabilities(4)[1] == 1
    least, most = edge_probabilities(800)
    densities = [erdos_renyi(800, np.random.default_rng(seed)).num_edges / (800 * 799) for seed in range(40)]
    assert 0.9 * least < min(densities) < 1.4 * least < 2.6 * least < max(densities) < 1.1 * most
    narrow = [erdos_renyi(800, np.random.default_rng(s), p_range=(0.02, 0.021)).num_edges / 800 / 799 for s in range(5)]
    assert min(narrow) > 0.018 and max(narrow) < 0.023


def test_watts_strogatz_rewires_a_ring():
    rng = np.random.default_rng(0)
    ring = {(u, (u + step) % 20) for u in range(20) for step in (-2, -1, 1, 2)}
    assert set(map(tuple, watts_strogatz(20, rng, k=4, p=0).edge_index.T.tolist())) == ring
    moved = []
    for _ in range(20):
        graph = watts_strogatz(200, rng, k=6, p=0.1)
        assert graph.num_edges == 200 * 6, "edges are moved, none is lost"
        distance = np.abs(np.diff(graph.edge_index, axis=0))
        moved.append((np.minimum(distance, 200 - distance) > 3).mean())
    assert abs(np.mean(moved) - 0.1) < 0.01
    degrees = {watts_strogatz(40, np.random.default_rng(seed)).num_edges // 40 for seed in range(30)}
    assert degrees == {4, 6, 8}
    complete = watts_strogatz(5, rng, k=4, p=1)
    assert complete.num_edges == 20, "no node is left to move to"


def test_delaunay_triangles_have_no_point_within_their_circle():
    for seed in range(20):
        graph = delaunay(10, np.random.default_rng(seed))
        points = np.random.default_rng(seed).random((10, 2))
        edges = set()
        for triangle in combinations(range(10), 3):
            a, b, c = points[list(triangle)]
            centre = np.linalg.solve(2 * np.array([b - a, c - a]), [b @ b - a @ a, c @ c - a @ a])
            others = np.delete(points, triangle, axis=0)
            if (np.linalg.norm(others - centre, axis=1) > np.linalg.norm(a - centre)).all():
                edges |= set(combinations(triangle, 2))
        assert {(u, v) for u, v in graph.edge_index.T.tolist() if u < v} == edges


def test_weights_are_those_of_the_benchmark_in_both_directions():
    graph = erdos_renyi(300, np.random.default_rng(0), p=0.3)
    weights = draw_weights(graph, np.random.default_rng(1))
    matrix = np.zeros((300, 300))
    matrix[tuple(graph.edge_index)] = weights
    assert np.array_equal(matrix, matrix.T) and len(np.unique(weights)) == graph.num_edges // 2
    assert np.sqrt(1e-3) <= weights.min() < 0.1 and 0.9 < weights.max() <= np.sqrt(1 + 1e-3)
    assert abs((weights**2).mean() - 0.25 - 1e-3) < 0.01


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


# Batches


@st.composite
def several(draw):
    """Trajectories of one algorithm, on graphs of up to 12 nodes."""
    name = draw(st.sampled_from(list(ALGORITHMS)))
    sizes = draw(st.lists(st.integers(2, 12), min_size=1, max_size=5))
    rng, hints = np.random.default_rng(draw(st.integers(0, 10_000))), draw(st.booleans())
    return [sample(name, "er", size, rng, hints=hints) for size in sizes]


@settings(max_examples=80, deadline=None)
@given(several())
def test_a_batch_is_its_graphs_one_by_one(runs):
    joined = batch(runs)
    first = np.cumsum([0, *(run.graph.num_nodes for run in runs)])
    assert len(joined) == len(runs) and joined.edge_index.dtype == np.int64
    assert joined.graph.tolist() == [place for place, run in enumerate(runs) for _ in range(run.graph.num_nodes)]
    assert np.array_equal(joined.graph[joined.edge_index[0]], joined.graph[joined.edge_index[1]])
    assert joined.first_node.tolist() == first[:-1].tolist()
    for place, run in enumerate(runs):
        nodes = slice(first[place], first[place + 1])
        edges = joined.graph[joined.edge_index[0]] == place
        assert np.array_equal(joined.edge_index[:, edges] - first[place], run.graph.edge_index)
        for whole, own in ((joined.inputs, run.inputs), (joined.hints, run.hints), (joined.outputs, run.outputs)):
            assert list(whole) == list(own)
            for name, array in own.items():
                probe = run.algorithm.probe(name)
                columns = {"node": nodes, "edge": edges, "graph": place}[probe.location]
                part = whole[name][..., columns]
                if probe.stage == "hint":
                    assert not part[run.length :].any(), "zero after the end"
                    part = part[: run.length]
                assert np.array_equal(part - first[place] if probe.type == "pointer" else part, array)
    for run, back in zip(runs, unbatch(joined), strict=True):
        assert back.algorithm is run.algorithm and back.length == run.length
        assert back.graph.num_nodes == run.graph.num_nodes
        assert np.array_equal(back.graph.edge_index, run.graph.edge_index)
        assert equal(back.inputs, run.inputs) and equal(back.hints, run.hints) and equal(back.outputs, run.outputs)


def test_a_maximal_independent_set_of_a_batch_is_that_of_its_graphs():
    joined = batch([sample("fast_mis", kind, 20, np.random.default_rng(3)) for kind in GENERATORS])
    union = SparseGraph(60, joined.edge_index)
    assert np.array_equal(
        trace("fast_mis", union, {"randomness": joined.inputs["randomness"]}).outputs["inmis"], joined.outputs["inmis"]
    )


def test_pointers_of_large_batches_fit():
    run = sample("bfs", "ws", 1600, np.random.default_rng(0), hints=False)
    joined = batch([run] * 25)
    assert joined.outputs["pi"].max() > np.iinfo(np.int16).max and joined.outputs["pi"].min() == 0
    assert np.array_equal(joined.graph[joined.outputs["pi"]], joined.graph)


@pytest.mark.parametrize("name", ALGORITHMS)
def test_tensors_are_the_arrays_of_the_batch_with_rows_first(name):
    rng = np.random.default_rng(0)
    joined = batch([sample(name, "er", size, rng) for size in (5, 9, 12)])
    data = to_data(joined)
    assert data.validate() and data.num_nodes == 26 and data.num_graphs == 3
    assert np.array_equal(data.edge_index, joined.edge_index) and np.array_equal(data.batch, joined.graph)
    assert np.array_equal(data.lengths, joined.lengths)
    for arrays in (joined.inputs, joined.hints, joined.outputs):
        for key, array in arrays.items():
            real = joined.algorithm.probe(key).type == "value"
            assert data[key].dtype == (torch.float32 if real else torch.int64)
            assert np.array_equal(data[key], array.T.astype(np.float32) if real else array.T)
            assert not real or to_data(joined, torch.float64)[key].dtype == torch.float64


def test_a_layer_of_message_passing_makes_a_step_of_bfs():
    rng = np.random.default_rng(0)
    data = to_data(batch([sample("bfs", kind, 20, rng) for kind in GENERATORS]))
    for step in range(int(data.lengths.max()) - 1):
        reached = data.reach_h[:, step].float().unsqueeze(1)
        new = SimpleConv("max")(reached, data.edge_index).maximum(reached).squeeze(1)
        lasts = step + 1 < data.lengths[data.batch]
        assert lasts.any() and torch.equal(new[lasts], data.reach_h[lasts, step + 1].float())


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


# Splits


def test_splits_have_the_published_sizes():
    test = {f"{kind}_{size}" for kind in ("er", "ws", "delaunay") for size in (16, 80, 160, 800, 1600)}
    assert set(SPLITS) == {"train", "validation"} | test and TEST_SIZES == (16, 80, 160, 800, 1600)
    train, validation = published_split("train"), published_split("validation")
    assert (train.kind, train.count, train.sizes, train.hints) == ("er", 10_000, (4, 7, 11, 13, 16), True)
    assert (validation.kind, validation.count, validation.sizes) == ("er", 1000, (16,))
    for name in test:
        kind, size = name.split("_")
        split = published_split(name)
        assert (split.kind, split.sizes, split.count, split.hints) == (kind, (int(size),), 1000, False)
    for part in test:
        (run,) = sample_split("bfs", part, count=1)
        assert run.graph.num_nodes == int(part.split("_")[1]) and not run.hints and run.graph.is_connected()


def test_training_graphs_are_of_all_sizes_and_of_the_density_of_16_nodes():
    runs = list(sample_split("bfs", "train", count=400))
    sizes = np.array([run.graph.num_nodes for run in runs])
    assert (np.abs(np.bincount(sizes)[[4, 7, 11, 13, 16]] - 80) < 40).all() and set(sizes) == {4, 7, 11, 13, 16}
    assert all(run.hints and run.graph.is_connected() for run in runs)
    density = [run.graph.num_edges / 16 / 15 for run in runs if run.graph.num_nodes == 16]
    assert 0.12 < min(density) < 0.3 and 0.45 < max(density) < 0.65
    assert published_split("train").options == {"p_range": edge_probabilities(16)}
    complete = np.mean([run.graph.num_edges == 12 for run in runs if run.graph.num_nodes == 4])
    assert complete < 0.1, "p goes up to 1 in the range of 4 nodes"


def test_a_trajectory_of_a_split_depends_on_seed_part_and_place_alone(monkeypatch):
    few, more = list(sample_split("dijkstra", "ws_16", count=3)), list(sample_split("dijkstra", "ws_16", count=5))
    for first, second in zip(few, more, strict=False):
        assert np.array_equal(first.graph.edge_index, second.graph.edge_index) and equal(first.inputs, second.inputs)
    (other,) = sample_split("dijkstra", "ws_16", count=1, seed=1)
    assert not np.array_equal(other.graph.edge_index, few[0].graph.edge_index)
    assert not np.array_equal(few[0].graph.edge_index, few[1].graph.edge_index)
    first, second = (next(sample_split("dijkstra", part)) for part in ("er_16", "validation"))
    assert not np.array_equal(first.graph.edge_index, second.graph.edge_index)
    for name in ALGORITHMS:
        (run,) = sample_split(name, "ws_16", count=1, hints=True)
        assert np.array_equal(run.graph.edge_index, few[0].graph.edge_index) and run.hints
    drawn = []
    monkeypatch.setattr(
        trajectory, "draw_graph", lambda *args, **options: drawn.append(1) or draw_graph(*args, **options)
    )
    runs = sample_split("bfs", "train")
    next(runs), next(runs)
    assert len(drawn) == 2, "no more than asked for"


# Scores


def test_scores_are_means_over_graphs():
    rng = np.random.default_rng(0)
    joined = batch([sample("fast_mis", "er", size, rng, hints=False) for size in (4, 9, 16, 30)])
    truth, graph = joined.outputs["inmis"], joined.graph
    predicted = np.where(rng.random(len(truth)) < 0.2, 1 - truth, truth) * 0.4 + 0.3
    predicted[graph == 1] = truth[graph == 1]
    result = scores(joined.algorithm, {"inmis": predicted}, joined.outputs, graph)["inmis"]
    parts = [(predicted[graph == place] > 0.5, truth[graph == place]) for place in range(4)]
    assert result["node_accuracy"] == pytest.approx(np.mean([(guess == right).mean() for guess, right in parts]))
    assert result["node_f1"] == pytest.approx(np.mean([f1_score(right, guess) for guess, right in parts]))
    assert result["graph_accuracy"] == np.mean([(guess == right).all() for guess, right in parts]) < 1
    assert 0.5 < result["node_f1"] < 1 and 0.5 < result["node_accuracy"] < 1


@pytest.mark.parametrize("name", ALGORITHMS)
def test_the_truth_scores_one_and_one_wrong_node_costs_a_graph(name):
    rng = np.random.default_rng(0)
    joined = batch([sample(name, "er", size, rng, hints=False) for size in (4, 12)])
    (probe,) = joined.algorithm.stage("output")
    truth = joined.outputs[probe.name]
    right = scores(joined.algorithm, joined.outputs, joined.outputs, joined.graph)[probe.name]
    assert right.pop("squared_error", 0) == 0 and set(right.values()) == {1} and "graph_accuracy" in right
    wrong = truth.copy()
    wrong[0] = 1 - wrong[0] if probe.type == "mask" else wrong[0] + 1
    result = score_probe(probe, wrong, truth, joined.graph)
    assert result["graph_accuracy"] == 0.5
    if probe.location == "node":
        assert result["node_accuracy"] == 1 - 1 / 4 / 2
    else:
        assert result["squared_error"] == 0.5
        assert score_probe(probe, truth + 0.4, truth, joined.graph)["graph_accuracy"] == 1
    assert ("node_f1" in result) == (probe.type == "mask")


def test_f1_of_nothing_is_one_and_a_missing_prediction_is_refused():
    probe = algorithm("fast_mis").probe("inmis")
    nothing, graph = np.zeros(4), np.array([0, 0, 1, 1])
    assert score_probe(probe, nothing, nothing, graph)["node_f1"] == 1
    assert score_probe(probe, nothing, np.array([1, 0, 0, 0]), graph)["node_f1"] == 0.5
    for predictions, message in (({}, "missing"), ({"inmis": np.zeros(3)}, "shape")):
        with pytest.raises(InputError, match=message) as raised:
            scores(algorithm("fast_mis"), predictions, {"inmis": nothing}, graph)
        assert raised.value.hint
    with pytest.raises(InputError, match="graphs of 2 nodes"):
        score_probe(probe, nothing, nothing, graph[:2])


# What is refused

RNG = np.random.default_rng(0)
EDGES, ONE = SparseGraph(3, PATH[:, :4]), {"s": [1, 0, 0]}
BAD = {
    "unknown algorithm": (lambda: sample("bellman_ford", "er", 8, RNG), "no sparse algorithm is named"),
    "no name": (lambda: sample(dict, "er", 8, RNG), "by its name"),
    "unknown graphs": (lambda: sample("bfs", "grid", 8, RNG), "no graph generator"),
    "unknown split": (lambda: sample_split("bfs", "er_64"), "no split of SALSA-CLRS"),
    "unknown algorithm of a split": (lambda: sample_split("bsf", "er_16"), "no sparse algorithm"),
    "no count": (lambda: sample_split("bfs", "er_16", count=0), "number of trajectories"),
    "one node": (lambda: erdos_renyi(1, RNG), "1 nodes"),
    "no nodes": (lambda: sample("bfs", "er", 0, RNG), "number of nodes"),
    "half a node": (lambda: erdos_renyi(2.5, RNG), "number of nodes"),
    "too many nodes": (lambda: delaunay(40_000, RNG), "40,000 nodes"),
    "two points": (lambda: delaunay(2, RNG), "2 nodes"),
    "small ring": (lambda: watts_strogatz(8, RNG), "8 nodes"),
    "odd k": (lambda: watts_strogatz(8, RNG, k=3), "k cannot be 3"),
    "no k": (lambda: watts_strogatz(8, RNG, k=[]), "no numbers to choose"),
    "k of text": (lambda: watts_strogatz(8, RNG, k=["4"]), "k cannot be '4'"),
    "negative p": (lambda: erdos_renyi(8, RNG, p=-0.1), "p cannot be -0.1"),
    "large p": (lambda: watts_strogatz(9, RNG, k=4, p=1.5), "p cannot be 1.5"),
    "nan": (lambda: erdos_renyi(8, RNG, p=float("nan")), "p cannot be nan"),
    "text p": (lambda: erdos_renyi(8, RNG, p="0.5"), "p cannot be '0.5'"),
    "p range": (lambda: erdos_renyi(8, RNG, p_range=(0.5, 1.2)), "p cannot be 1.2"),
    "reversed range": (lambda: erdos_renyi(8, RNG, p_range=(0.5, 0.2)), "p_range"),
    "range of one": (lambda: watts_strogatz(9, RNG, p_range=0.5), "p_range cannot be 0.5"),
    "never connected": (lambda: erdos_renyi(200, RNG, p=0.001), "none of 1,000 graphs"),
    "p = 0": (lambda: erdos_renyi(5, RNG, p=0), "is connected"),
    "unknown option": (lambda: sample("bfs", "delaunay", 8, RNG, p=0.5), "no option p"),
    "list as rows": (lambda: SparseGraph(3, PATH.T), "shape"),
    "nodes as floats": (lambda: SparseGraph(3, PATH / 2), "float64"),
    "node too large": (lambda: SparseGraph(2, PATH), "not among 2"),
    "negative node": (lambda: SparseGraph(3, -PATH), "not among 3"),
    "edge twice": (lambda: SparseGraph(3, np.tile(PATH, 2)), "twice"),
    "no square": (lambda: from_matrix(np.ones((2, 3))), "shape"),
    "no source": (lambda: trace("bfs", EDGES, {}), "lacks s"),
    "two sources": (lambda: trace("bfs", EDGES, {"s": [1, 1, 0]}), "exactly one"),
    "index as source": (lambda: trace("bfs", EDGES, {"s": 0}), "shape"),
    "weights of bfs": (lambda: trace("bfs", EDGES, {"A": np.ones(4), **ONE}), "no input A"),
    "matrix of weights": (lambda: trace("dijkstra", EDGES, {"A": np.ones((3, 3)), **ONE}), "shape"),
    "negative weight": (lambda: trace("dijkstra", EDGES, {"A": [1, 1, -1, 1], **ONE}), "not negative"),
    "infinite weight": (lambda: trace("dijkstra", EDGES, {"A": [1, 1, np.inf, 1], **ONE}), "not finite"),
    "two weights": (lambda: trace("mst_prim", EDGES, {"A": [1, 2, 3, 3], **ONE}), "undirected"),
    "one direction": (lambda: trace("fast_mis", SparseGraph(3, PATH[:, :3]), {"randomness": [0, 1, 2]}), "undirected"),
    "empty batch": (lambda: batch([]), "no trajectories"),
    "two algorithms": (
        lambda: batch([sample("bfs", "er", 4, RNG), sample("dfs", "er", 4, RNG)]),
        "bfs and dfs in one batch",
    ),
    "some hints": (
        lambda: batch([sample("bfs", "er", 4, RNG), sample("bfs", "er", 4, RNG, hints=False)]),
        "with and without hints",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_refused_with_a_hint(case):
    call, message = BAD[case]
    with pytest.raises(InputError, match=message) as raised:
        call()
    assert raised.value.hint


def test_names_nearby_are_proposed():
    with pytest.raises(UnknownNameError, match="eccentricity"):
        sample("excentricity", "er", 8, RNG)
    with pytest.raises(UnknownNameError, match="er_1600"):
        sample_split("bfs", "er_160O")


def test_what_does_not_fit_in_memory_is_refused_before_it_is_made(monkeypatch):
    rng = np.random.default_rng(0)
    monkeypatch.setattr(graphs, "available_memory", lambda: 2**20)
    for kind in GENERATORS:
        draw_graph(kind, 80, rng)
        state = rng.bit_generator.state
        with pytest.raises(InputError, match="would take") as raised:
            draw_graph(kind, 30_000, rng, **({} if kind == "delaunay" else {"p": 0.1}))
        assert raised.value.hint and (kind == "ws" or rng.bit_generator.state == state)
    monkeypatch.undo()

    run = sample("eccentricity", "er", 16, np.random.default_rng(0))
    needed = sum(hint.nbytes for hint in run.hints.values())
    monkeypatch.setattr(trajectory, "available_memory", lambda: needed)
    assert equal(trace("eccentricity", run.graph, run.inputs).hints, run.hints)
    monkeypatch.setattr(trajectory, "available_memory", lambda: needed - 1)
    monkeypatch.setattr(
        trajectory, "_write", lambda arrays, chosen, step, values: pytest.fail("hints") if step else None
    )
    with pytest.raises(InputError, match=f"would take {needed:,} bytes"):
        trace("eccentricity", run.graph, run.inputs)
    trace("eccentricity", run.graph, run.inputs, hints=False)
    monkeypatch.undo()

    runs = [run, replace(run)]
    joined = batch(runs)
    arrays = [joined.edge_index, *joined.inputs.values(), *joined.hints.values(), *joined.outputs.values()]
    needed = sum(array.nbytes for array in arrays)
    monkeypatch.setattr(trajectory, "available_memory", lambda: needed)
    batch(runs)
    monkeypatch.setattr(trajectory, "available_memory", lambda: needed - 1)
    with pytest.raises(InputError, match=f"would take {needed:,} bytes"):
        batch(runs)
