"""Random walks, fingerprints and queries: unbiased, with errors as their number says, the same however they are cut."""

from __future__ import annotations

import sys
from itertools import pairwise

import numpy as np
import pytest

from graphlab.core.errors import DataError, InputError
from graphlab.ops.personalised_pagerank import (
    Fingerprints,
    PowerWalk,
    Transition,
    load_fingerprints,
    monte_carlo,
    monte_carlo_on_ray,
    save_fingerprints,
)
from graphlab.ops.personalised_pagerank.monte_carlo import WalkPlan, join_segments, scores_of, walk_segments
from graphlab.ops.personalised_pagerank.power_walk import reference as query_reference
from graphlab.ops.personalised_pagerank.random_walks import WalkTable
from graphlab.ops.personalised_pagerank.sparse_lu import reference
from tests.ops.pagerank_graphs import KINDS, on_threads, random_transition, two_cycle


def star() -> Transition:
    """A heavy node between light ones, with weights of three magnitudes."""
    leaf = np.arange(1, 30)
    return Transition.of(np.stack([np.zeros(29, int), leaf]), 30, 10.0 ** (leaf % 3), directed=False)


def error(rows: np.ndarray, exact: np.ndarray) -> float:
    return float(np.sqrt(np.square(rows - exact).sum(1).mean()))


def test_alias_tables_have_the_probabilities_of_edges():
    transition = random_transition((True, True), 40, 400)
    table = WalkTable.of(transition)
    for v in range(40):
        first, last = transition.start[v], transition.start[v + 1]
        share = table.threshold[first:last].copy()
        np.add.at(share, table.alias[first:last], 1 - table.threshold[first:last])
        if last > first:
            np.testing.assert_allclose(share / (last - first), transition.edge_probability[first:last], atol=1e-14)


@pytest.mark.parametrize("kind", KINDS)
def test_walks_are_unbiased(kind):
    """The mean over seeds lies within five standard errors of the exact score, everywhere."""
    transition = random_transition(kind)
    exact = reference(transition, range(25))
    rows = np.stack([monte_carlo(transition, 16, seed=seed).dense() for seed in range(200)])
    assert within_errors(rows, exact, 16)


def test_walks_of_a_single_segment_are_unbiased():
    """A walk that comes back to a node finds its only segment used, and goes on by single steps."""
    transition = two_cycle(4)
    rows = np.stack([monte_carlo(transition, 1, seed=seed).dense() for seed in range(3000)])
    assert within_errors(rows, reference(transition, range(4)), 1)


def test_walks_through_a_heavy_node_are_unbiased():
    transition = star()
    plan = WalkPlan.of(transition, 4, 0.15, 0)
    segments = np.diff(plan.segment_start)
    assert segments[0] == 4 * 15 and (segments[1:] == 4).all()
    rows = np.stack([monte_carlo(transition, 4, seed=seed).dense() for seed in range(500)])
    assert within_errors(rows, reference(transition, range(30)), 4)


def test_queries_are_unbiased_where_no_node_is_dangling():
    transition = two_cycle()
    exact = reference(transition, range(12))
    for steps in (1, 3):
        rows = np.stack(
            [
                PowerWalk(transition, Fingerprints.of(transition, 4, seed=seed)).query(range(12), steps=steps).dense()
                for seed in range(100)
            ]
        )
        assert within_errors(rows, exact, 4)


def within_errors(rows: np.ndarray, exact: np.ndarray, num_walks: int) -> bool:
    """Five standard errors, at least those of independent walks, and eight walks for scores that few walks reach."""
    deviation = rows.std(0, ddof=1) / np.sqrt(len(rows))
    independent = np.sqrt(exact / (num_walks * len(rows)))
    few = 8 * (exact > 0) / (num_walks * len(rows))
    return bool((np.abs(rows.mean(0) - exact) <= 5 * np.maximum(deviation, independent) + few).all())


@pytest.mark.parametrize("kind", KINDS)
def test_errors_fall_with_the_root_of_the_walks(kind):
    transition = random_transition(kind, 60, 150)
    exact = reference(transition, range(60))
    walked, queried = [], []
    for num_walks in (16, 256, 4096):
        walked.append(error(monte_carlo(transition, num_walks).dense(), exact))
        fingerprints = Fingerprints.of(transition, num_walks)
        queried.append(error(PowerWalk(transition, fingerprints).query(range(60)).dense(), exact))
    for errors in (walked, queried):
        for more, less in pairwise(errors):
            assert 2.7 <= more / less <= 6  # 16 times the walks, a quarter of the error
    assert all(few < many for few, many in zip(queried, walked, strict=True))


def test_more_steps_leave_less_error():
    transition = random_transition((False, False), 60, 200)
    exact = reference(transition, range(60))
    walk = PowerWalk(transition, Fingerprints.of(transition, 64))
    errors = [error(walk.query(range(60), steps=steps).dense(), exact) for steps in (1, 2, 4, 8)]
    assert errors == sorted(errors, reverse=True) and errors[3] < errors[0] / 3


@pytest.mark.parametrize("kind", KINDS)
def test_queries_are_the_sums_that_the_page_states(kind):
    transition = random_transition(kind)
    fingerprints = Fingerprints.of(transition, 9, seed=4)
    rows = PowerWalk(transition, fingerprints).query(range(25), steps=3).dense()
    expected = np.stack([query_reference(transition, fingerprints, source, 3) for source in range(25)])
    np.testing.assert_allclose(rows, expected, rtol=1e-6, atol=1e-9)


def test_batches_change_nothing(monkeypatch):
    transition = random_transition((True, True), 80, 300)
    walk = PowerWalk(transition, Fingerprints.of(transition, 8))
    calls = []
    whole = walk.query(range(80))
    monkeypatch.setattr("graphlab.ops.personalised_pagerank.power_walk.BATCH", 7)
    parts = walk.query(range(80), progress=lambda done, count: calls.append((done, count)))
    assert np.array_equal(whole.dense(), parts.dense()) and len(calls) == 12 and calls[-1] == (80, 80)


@pytest.mark.parametrize("kind", KINDS)
def test_numbers_do_not_depend_on_threads_or_partitions(kind):
    transition = random_transition(kind, 90, 400)
    walked = [
        on_threads(threads, lambda partitions=partitions: monte_carlo(transition, 5, seed=3, partitions=partitions))
        for threads, partitions in ((1, 1), (1, 64), (3, 7), (2, 1000))
    ]
    for other in walked[1:]:
        assert np.array_equal(walked[0].start, other.start) and np.array_equal(walked[0].node, other.node)
        assert np.array_equal(walked[0].score, other.score)
    alone, shared = (on_threads(threads, lambda: Fingerprints.of(transition, 5, seed=3)) for threads in (1, 3))
    assert np.array_equal(alone.node, shared.node) and np.array_equal(alone.count, shared.count)
    assert not np.array_equal(alone.node, Fingerprints.of(transition, 5, seed=4).node)


def test_segments_and_walks_in_any_order_are_the_same():
    transition = star()
    plan = WalkPlan.of(transition, 6, 0.2, 1)
    parts = plan.segment_parts(13)
    ends = np.empty(plan.num_segments, np.int32)
    for first, last in reversed(parts):
        ends[first:last] = walk_segments(plan, first, last)
    assert sum(first < plan.segment_start[1] for first, _ in parts) > 1, "the heavy node is in several parts"
    rows = [join_segments(plan, ends, node, node + 1) for node in range(30)]
    assert np.array_equal(scores_of(rows, plan).dense(), monte_carlo(transition, 6, restart=0.2, seed=1).dense())


def test_walks_that_are_long_beside_the_graph_are_unbiased():
    """They pass most segments, use those of later visits by chance, and end by single steps."""
    transition = two_cycle()
    rows = np.stack([monte_carlo(transition, 64, restart=0.01, seed=seed).dense() for seed in range(100)])
    assert within_errors(rows, reference(transition, range(12), 0.01), 64)


@pytest.mark.parametrize("kind", KINDS)
def test_fingerprints_are_kept_in_a_file(kind, tmp_path):
    transition = random_transition(kind)
    fingerprints = Fingerprints.of(transition, 7, restart=0.3)
    save_fingerprints(fingerprints, tmp_path / "kept.npz")
    loaded = load_fingerprints(tmp_path / "kept.npz")
    assert (loaded.num_walks, loaded.restart, loaded.graph) == (7, 0.3, transition.digest)
    rows = [PowerWalk(transition, each).query(range(25)).dense() for each in (fingerprints, loaded)]
    assert np.array_equal(*rows)
    with np.load(tmp_path / "kept.npz", allow_pickle=False) as arrays:
        assert np.array_equal(arrays["node"], fingerprints.node)


def test_a_file_that_differs_by_a_bit_is_refused(tmp_path):
    path = tmp_path / "kept.npz"
    save_fingerprints(Fingerprints.of(two_cycle(), 2), path)
    content = path.read_bytes()
    for place in range(0, len(content), 7):
        altered = bytearray(content)
        altered[place] ^= 1 << (place % 8)
        path.write_bytes(altered)
        with pytest.raises(DataError, match="sha256"):
            load_fingerprints(path)
    for kept in (content[:-1], content[:100], b"", content + b"0"):
        path.write_bytes(kept)
        with pytest.raises(DataError, match="sha256"):
            load_fingerprints(path)
    with pytest.raises(DataError, match="cannot read"):
        load_fingerprints(tmp_path / "absent.npz")


def test_a_file_of_another_version_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("graphlab.ops.personalised_pagerank.fingerprint_file.VERSION", 2)
    save_fingerprints(Fingerprints.of(two_cycle(), 2), tmp_path / "kept.npz")
    monkeypatch.undo()
    with pytest.raises(DataError, match="version 2"):
        load_fingerprints(tmp_path / "kept.npz")


def test_fingerprints_of_another_graph_are_refused():
    with pytest.raises(InputError, match="another graph"):
        PowerWalk(two_cycle(10), Fingerprints.of(two_cycle(12), 2))


def test_counts_that_need_more_bits():
    """A loop of one node: its walks visit nothing else."""
    fingerprints = Fingerprints.of(Transition.of(np.array([[0], [0]]), 1), 1, restart=1e-6)
    assert fingerprints.count.dtype in (np.uint16, np.uint32) and len(fingerprints.node) == 1
    many = Fingerprints.of(Transition.of(np.array([[0], [0]]), 1), 20_000)
    assert many.count.dtype == np.uint32 and many.count[0] > 100_000


def test_a_machine_without_ray_is_told_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(InputError, match="need Ray") as refused:
        monte_carlo_on_ray(two_cycle(), 4)
    assert "graphlab[ray]" in str(refused.value.hint)


@pytest.mark.slow
def test_a_cluster_of_two_workers_gives_the_same(monkeypatch):
    ray = pytest.importorskip("ray", reason='needs Ray: pip install "graphlab[ray]"')
    monkeypatch.setenv("PYTHONPATH", ":".join(filter(None, sys.path)))
    transition = random_transition((True, True), 400, 2000)
    here, calls = monte_carlo(transition, 12, seed=5), []
    ray.init(num_cpus=2, log_to_driver=False, include_dashboard=False, logging_level="error")
    try:
        there = monte_carlo_on_ray(
            transition, 12, seed=5, partitions=5, progress=lambda done, count: calls.append((done, count))
        )
        assert ray.is_initialized(), "a cluster that was joined before stays joined"
    finally:
        ray.shutdown()
    assert np.array_equal(here.start, there.start) and np.array_equal(here.node, there.node)
    assert np.array_equal(here.score, there.score)
    assert len(calls) == 5 and calls[-1] == (400, 400)
