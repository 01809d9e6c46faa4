"""Tracing, batches, splits and samplers, and what they refuse."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import get_args

import numpy as np
import pytest

from graphlab.algorithms import trajectory
from graphlab.algorithms.algorithm import DTYPES
from graphlab.algorithms.archive import read_archive
from graphlab.algorithms.instances import community_graph, undirected_graph, weighted_graph
from graphlab.algorithms.registry import ALGORITHMS, CLRS_30, FAMILIES, algorithm
from graphlab.algorithms.trajectory import batch, check, published_split, run_batch, sample, sample_split, trace
from graphlab.core.errors import DataError, InputError, UnknownNameError
from graphlab.data.spec import Target, TargetType

PATH = np.array([[0, 1, 0], [1, 0, 1], [0, 1, 0]])


@pytest.mark.parametrize("name", ALGORITHMS)
def test_what_is_sampled_fits_the_probes_and_is_traced_to_the_same(name):
    drawn = sample(name, 8, 8, np.random.default_rng(0))
    assert check(drawn) is drawn
    again = run_batch(drawn)
    for arrays, others in ((drawn.hints, again.hints), (drawn.outputs, again.outputs)):
        assert list(arrays) == list(others)
        for key in arrays:
            np.testing.assert_array_equal(arrays[key], others[key])
    for key, values in drawn.hints.items():
        assert len(values) == drawn.lengths.max() and values.dtype == DTYPES[drawn.algorithm.probe(key).type]
        after = np.arange(len(values))[:, None] >= drawn.lengths
        assert (values[after] == 0).all(), "hints are zero after the end"


@pytest.mark.parametrize("name", ALGORITHMS)
def test_lengths_are_counted_without_hints(name):
    with_hints = sample(name, 4, 8, np.random.default_rng(1))
    without = sample(name, 4, 8, np.random.default_rng(1), hints=False)
    assert without.hints == {} and without.lengths.tolist() == with_hints.lengths.tolist()


def test_probes_are_targets_of_data_sets():
    targets = [Target(**asdict(probe)) for member in ALGORITHMS.values() for probe in member.probes]
    assert {target.type for target in targets} <= set(get_args(TargetType))
    assert Target(**asdict(algorithm("bfs").probe("pi"))) == Target("pi", "node", "pointer")
    assert [probe.size for probe in algorithm("lcs_length").stage("output")] == [4]


def test_every_algorithm_is_of_one_family():
    names = [member.name for family in FAMILIES.values() for member in family]
    assert len(names) == len(set(names)) == 32 and set(CLRS_30) < set(names)


def test_published_splits():
    many = {"quickselect", "minimum", "binary_search", "naive_string_matcher", "kmp_matcher", "segments_intersect"}
    for name in CLRS_30:
        factor = 64 if name in many else 32 if name == "find_maximum_subarray_kadane" else 1
        splits = [asdict(published_split(name, part)) for part in ("train", "validation", "test")]
        assert splits == [
            {"count": 1000, "size": 16, "seed": 1},
            {"count": 32 * factor, "size": 16, "seed": 2},
            {"count": 32 * factor, "size": 64, "seed": 3},
        ]
    with pytest.raises(InputError, match="no split 'valid'"):
        published_split("bfs", "valid")  # pyright: ignore[reportArgumentType]: that is the point


def test_splits_are_drawn_with_their_seed():
    drawn = sample_split("bfs", "validation")
    assert len(drawn) == 32 and drawn.num_nodes == 16 and drawn.hints
    again = sample("bfs", 32, 16, np.random.RandomState(2), hints=False)
    assert np.array_equal(drawn.inputs["A"], again.inputs["A"])
    assert sample_split("minimum", "test", hints=False).inputs["key"].shape == (2048, 64)


def test_trace_completes_positions_and_adjacency():
    trajectory = trace("bfs", {"A": PATH, "s": [1, 0, 0]})
    assert trajectory.inputs["pos"].tolist() == [0, 1 / 3, 2 / 3]
    assert trajectory.inputs["adj"].tolist() == [[1, 1, 0], [1, 1, 1], [0, 1, 1]]
    assert trajectory.outputs["pi"].tolist() == [0, 0, 1]
    assert trajectory.length == 3 and trajectory.hints["reach_h"].tolist() == [[1, 0, 0], [1, 1, 0], [1, 1, 1]]


def test_random_positions_are_sorted_and_those_of_strings_start_anew():
    drawn = sample("lcs_length", 3, 10, np.random.default_rng(0), positions="random")
    for half in (drawn.inputs["pos"][:, :5], drawn.inputs["pos"][:, 5:]):
        assert (np.diff(half) > 0).all()
    assert not np.array_equal(*drawn.inputs["pos"][:2])
    assert (np.diff(sample("bfs", 3, 10, np.random.default_rng(0), positions="random").inputs["pos"]) > 0).all()


def test_the_same_generator_draws_the_same():
    first, second = (sample("dijkstra", 4, 9, np.random.default_rng(5)) for _ in range(2))
    assert all(np.array_equal(first.inputs[key], second.inputs[key]) for key in first.inputs)


def test_random_graphs_have_the_edges_they_should():
    rng = np.random.default_rng(0)
    graph = undirected_graph(400, rng, 0.5)
    assert np.array_equal(graph, graph.T) and abs(graph.mean() - 0.25) < 0.01 and abs(np.diag(graph).mean() - 0.5) < 0.1
    weights = weighted_graph(400, rng, 1.0)
    assert np.array_equal(weights, weights.T) and np.sqrt(1e-3) <= weights.min() and weights.max() <= np.sqrt(1 + 1e-3)
    assert abs((weights**2).mean() - 0.25 - 1e-3) < 0.01
    communities = community_graph(40, rng, communities=4, p=1.0, eps=0.0)
    assert communities.sum() == 4 * 100


def test_a_needle_can_be_set():
    drawn = sample("kmp_matcher", 3, 12, np.random.default_rng(0), needle=4)
    assert (drawn.inputs["string"].sum(1) == 4).all()


def test_a_needle_that_is_not_there_matches_at_its_own_head():
    for name in ("naive_string_matcher", "kmp_matcher"):
        trajectory = trace(name, {"string": [0, 0, 0, 1, 1], "key": [0, 1, 0, 2, 2]})
        assert trajectory.outputs["match"].argmax() == 3


@pytest.mark.parametrize("name", ["graham_scan", "jarvis_march"])
@pytest.mark.parametrize("seed", range(20))
def test_hulls_of_points_of_a_grid_have_the_corners(name, seed):
    points = np.random.default_rng(seed).permutation([(x, y) for x in range(4) for y in range(4)])
    hull = trace(name, {"x": points[:, 0], "y": points[:, 1]}).outputs["in_hull"] == 1
    assert {(0, 0), (3, 0), (0, 3), (3, 3)} <= {tuple(point) for point in points[hull].tolist()}
    assert ((points[hull] % 3 == 0).any(1)).all(), "none from within"


def test_bellman_ford_takes_negative_weights_but_no_negative_cycle():
    weights = np.array([[0, 4, 2.0], [0, 0, 0], [0, -2, 0]])
    assert trace("bellman_ford", {"A": weights, "s": [1, 0, 0]}).outputs["pi"].tolist() == [0, 2, 0]
    weights[1, 2] = 1
    with pytest.raises(InputError, match="negative weight"):
        trace("bellman_ford", {"A": weights, "s": [1, 0, 0]})


ONES = {"s": [1, 0, 0]}
BAD = {
    "no square": ("bfs", {"A": np.ones((3, 4)), **ONES}, "shape"),
    "no matrix": ("bfs", {"A": np.ones(3), **ONES}, "shape"),
    "nan": ("dijkstra", {"A": np.full((3, 3), np.nan), **ONES}, "not finite"),
    "infinite": ("dijkstra", {"A": np.where(PATH, 1.0, np.inf), **ONES}, "not finite"),
    "negative": ("dijkstra", {"A": -PATH, **ONES}, "not negative"),
    "no source": ("bfs", {"A": PATH}, "lacks s"),
    "two sources": ("bfs", {"A": PATH, "s": [1, 1, 0]}, "exactly one"),
    "half a source": ("bfs", {"A": PATH, "s": [0.5, 0.5, 0]}, "range"),
    "short source": ("bfs", {"A": PATH, "s": [1, 0]}, "shape"),
    "index as source": ("bfs", {"A": PATH, "s": 1}, "single value"),
    "unknown input": ("bfs", {"A": PATH, "weights": PATH, **ONES}, "no input weights"),
    "nothing": ("heapsort", {"key": []}, "without nodes"),
    "text": ("minimum", {"key": ["a", "b"]}, "not numbers"),
    "other adjacency": ("bfs", {"A": PATH, "adj": np.ones((3, 3)), **ONES}, "adj"),
    "directed": ("bridges", {"A": np.triu(PATH)}, "undirected"),
    "directed, prim": ("mst_prim", {"A": np.triu(PATH), **ONES}, "undirected"),
    "cycle": ("topological_sort", {"A": PATH}, "without cycles"),
    "loop": ("dag_shortest_paths", {"A": np.eye(3), **ONES}, "without cycles"),
    "letters": ("kmp_matcher", {"string": [0, 0, 1], "key": [0, 4, 0]}, "range"),
    "one string": ("lcs_length", {"string": [0, 0, 0], "key": [0, 1, 0]}, "divide"),
    "mixed strings": ("naive_string_matcher", {"string": [0, 1, 0], "key": [0, 1, 0]}, "divide"),
    "unsorted": ("binary_search", {"key": [1, 0], "target": 0.5}, "sorted"),
    "three points": ("segments_intersect", {"x": [0, 1, 2], "y": [0, 1, 2]}, "4 points"),
    "same points": ("graham_scan", {"x": [0, 0, 1], "y": [0, 0, 1]}, "same point"),
    "a line": ("jarvis_march", {"x": [0, 1, 2, 3], "y": [0, 1, 2, 3]}, "one line"),
    "both ways": ("bipartite_matching", {"A": PATH, "t": [0, 0, 1], **ONES}, "one direction"),
    "sink": ("bipartite_matching", {"A": np.triu(PATH), "t": [1, 0, 0], **ONES}, "sink"),
    "backwards": ("activity_selector", {"s": [1, 0], "f": [0, 1]}, "ends before"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_inputs_are_refused_with_a_hint(case):
    name, inputs, message = BAD[case]
    with pytest.raises(InputError, match=message) as raised:
        trace(name, inputs)
    assert raised.value.hint


def test_names_nearby_are_proposed():
    with pytest.raises(UnknownNameError, match="dijkstra"):
        sample("dijkstras", 1, 4, np.random.default_rng(0))
    with pytest.raises(InputError, match="by its name"):
        trace(dict, {})  # pyright: ignore[reportArgumentType]: that is the point


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        (("bfs", 0, 4), {}, "number of instances"),
        (("bfs", 1, 1), {}, "size 1"),
        (("bfs", 1, 4.0), {}, "size"),
        (("bfs", 1, 4), {"p": 1.5}, "p cannot be"),
        (("minimum", 1, 4), {"p": 0.5}, "cannot be sampled with p"),
        (("bfs", 1, 4), {"positions": "none"}, "positions"),
        (("strongly_connected_components", 1, 3), {}, "communities"),
        (("kmp_matcher", 1, 8), {"needle": 5}, "does not fit"),
        (("bipartite_matching", 1, 8), {"second": 8}, "second side"),
    ],
)
def test_bad_requests_are_refused_with_a_hint(arguments, options, message):
    with pytest.raises(InputError, match=message) as raised:
        sample(*arguments, np.random.default_rng(0), **options)
    assert raised.value.hint


@pytest.mark.parametrize("hints", [True, False])
def test_what_does_not_fit_in_memory_is_refused_before_it_is_made(monkeypatch, hints):
    kept = sample("floyd_warshall", 3, 9, np.random.default_rng(0), hints=hints)
    arrays = [*kept.inputs.values(), *kept.outputs.values(), *kept.hints.values()]
    needed = sum(array.nbytes for array in arrays)
    monkeypatch.setattr(trajectory, "available_memory", lambda: needed)
    sample("floyd_warshall", 3, 9, np.random.default_rng(0), hints=hints)
    monkeypatch.setattr(trajectory, "available_memory", lambda: needed - 1)
    rng = np.random.default_rng(0)
    with pytest.raises(InputError, match=f"would take {needed:,} bytes"):
        sample("floyd_warshall", 3, 9, rng, hints=hints)
    assert rng.random() == np.random.default_rng(0).random()


def test_more_nodes_than_a_pointer_names_are_refused():
    with pytest.raises(InputError, match="40,000 nodes"):
        trace("minimum", {"key": np.arange(40_000)}, hints=False)


def test_batches_are_of_one_kind():
    small, large = (trace("minimum", {"key": np.arange(size)}) for size in (3, 4))
    bare = trace("minimum", {"key": [1, 2, 3]}, hints=False)
    for trajectories in ([], [small, large], [small, bare], [small, trace("heapsort", {"key": [1, 2, 3]})]):
        with pytest.raises(InputError):
            batch(trajectories)


def test_hints_that_do_not_fit_the_probes_are_refused():
    drawn = sample("bfs", 4, 6, np.random.default_rng(0))
    pointers = drawn.hints["pi_h"]
    for hints, message in [
        ({"pi_h": pointers}, "reach_h"),
        ({**drawn.hints, "d": pointers}, "differ in d"),
        ({**drawn.hints, "pi_h": pointers + 6}, "range"),
        ({**drawn.hints, "pi_h": pointers[:, :, :5]}, "shape"),
        ({**drawn.hints, "pi_h": np.concatenate([pointers, pointers])}, "steps"),
        ({**drawn.hints, "reach_h": np.where(drawn.hints["reach_h"], np.nan, 0.0)}, "not finite"),
    ]:
        with pytest.raises(InputError, match=message) as raised:
            check(replace(drawn, hints=hints))
        assert raised.value.hint
    with pytest.raises(InputError, match="exactly one"):
        check(replace(drawn, inputs={**drawn.inputs, "s": np.zeros((4, 6))}))


def test_archives_are_read_and_others_refused(tmp_path):
    drawn = sample("bfs", 3, 6, np.random.default_rng(0))
    arrays = {
        f"n6/{stage}/{key}": values
        for stage, probes in (("input", drawn.inputs), ("hint", drawn.hints), ("output", drawn.outputs))
        for key, values in probes.items()
    } | {"n6/lengths": drawn.lengths}
    np.savez(tmp_path / "bfs.npz", **arrays)
    read = read_archive(tmp_path / "bfs.npz", "bfs")[6]
    assert all(np.array_equal(read.hints[key], drawn.hints[key]) for key in drawn.hints)
    with pytest.raises(DataError, match="lacks n6/input/key"):
        read_archive(tmp_path / "bfs.npz", "heapsort")
    np.savez(tmp_path / "empty.npz", x=np.ones(2))
    (tmp_path / "text.npz").write_text("no archive")
    np.savez(tmp_path / "range.npz", **{**arrays, "n6/hint/pi_h": drawn.hints["pi_h"] + 6})
    for file, error in (("empty", DataError), ("text", DataError), ("absent", DataError), ("range", InputError)):
        with pytest.raises(error) as raised:
            read_archive(tmp_path / f"{file}.npz", "bfs")
        assert raised.value.hint
