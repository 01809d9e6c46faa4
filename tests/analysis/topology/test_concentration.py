"""Topological concentration: the authors' own values, networkx, multisets by hand, and its approximation."""

from __future__ import annotations

from collections import Counter

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphlab.analysis.topology.concentration import approximate_concentration, topological_concentration
from graphlab.analysis.topology.parts import LinkParts
from graphlab.analysis.topology.shift import distribution_shift
from graphlab.core.errors import InputError, UnknownNameError
from graphlab.ops import shared_walks
from tests.analysis.topology.cases import PACKS, PARTS, parts_of, random_parts


@pytest.mark.real_data
@pytest.mark.parametrize("name", PACKS)
@pytest.mark.parametrize("hops", [1, 2, 3])
def test_values_are_the_authors_own(truth, name, hops):
    pack = truth(f"tc_{name}")
    for part, theirs in PARTS.items():
        got = topological_concentration(parts_of(pack), part, hops)
        np.testing.assert_allclose(got.values, pack[f"tc_K{hops}_{theirs}"], rtol=0, atol=1e-12)
        for similarity, key in (("cosine", "cos"), ("dot", "dot")):
            near = approximate_concentration(
                parts_of(pack), part, hops, similarity=similarity, projection=pack["atc_R"]
            )
            np.testing.assert_allclose(near.values, pack[f"atc_{key}_K{hops}_{theirs}"], rtol=0, atol=1e-6)


@pytest.mark.parametrize("seed", range(20))
def test_one_hop_of_training_is_local_clustering(seed):
    graph = nx.gnp_random_graph(40, 0.05 + 0.01 * seed, seed=seed)
    none = np.zeros((0, 2), int)
    parts = LinkParts.of_links(40, np.array(graph.edges), none, none)
    expected = nx.clustering(graph)
    got = topological_concentration(parts, "train").values
    np.testing.assert_allclose(got, [expected[node] for node in range(40)], rtol=0, atol=1e-12)


def by_multisets(parts, part, hops):
    """The formula over walks that are enumerated one by one."""
    links, is_train = parts.links(part), part == "train"

    def neighbours(graph, node):
        return graph.neighbour[graph.start[node] : graph.start[node + 1]].tolist()

    def ends(node):
        walks, found = [[node]], []
        for _ in range(hops):
            walks = [[*walk, following] for walk in walks for following in neighbours(parts.train, walk[-1])]
            found.append(Counter(walk[-1] for walk in walks))
        return found

    discount = parts.num_nodes / max(2 * parts.train.num_links, 1)
    out = np.zeros(parts.num_nodes)
    for node in range(parts.num_nodes):
        joined = neighbours(links, node)
        if not joined or len(neighbours(parts.train, node)) <= is_train:
            continue
        own = ends(node)
        steps = [(p, q, discount ** (p + q)) for p in range(hops) for q in range(hops)]
        size = sum(worth * (own[p].total() - (is_train and p == q == 0)) for p, q, worth in steps)
        shared = 0.0
        for other in joined:
            theirs = ends(other)
            shared += sum(
                worth * sum(count for end, count in own[p].items() if end in theirs[q]) for p, q, worth in steps
            )
        out[node] = shared / len(joined) / size
    return out


@pytest.mark.parametrize("hops", [2, 3])
@pytest.mark.parametrize("seed", range(3))
def test_more_hops_are_multisets_of_walks(hops, seed):
    parts = random_parts(25, 0.15, seed)
    for part in PARTS:
        got = topological_concentration(parts, part, hops).values
        np.testing.assert_allclose(got, by_multisets(parts, part, hops), rtol=1e-12, atol=0)


@given(st.integers(1, 12), st.floats(0, 1), st.integers(0, 10**6), st.integers(1, 3))
def test_any_graph_has_values_in_range(size, probability, seed, hops):
    parts = random_parts(size, probability, seed)
    for part in PARTS:
        got = topological_concentration(parts, part, hops)
        assert ((got.values >= 0) & (got.values <= 1 + 1e-9)).all()
        assert (got.counted == (parts.links(part).degree > 0)).all()
        np.testing.assert_allclose(got.values, by_multisets(parts, part, hops), rtol=1e-9)
        assert np.isfinite(approximate_concentration(parts, part, hops, dim=4).values).all()


def test_blocks_change_nothing(monkeypatch):
    parts = random_parts(60, 0.08, 1)
    whole = topological_concentration(parts, "test", 3).values
    monkeypatch.setattr(shared_walks, "ALONE", 0)
    monkeypatch.setattr(shared_walks, "REACHED", 100)
    seen = []
    values = topological_concentration(parts, "test", 3, on_progress=seen.append).values
    np.testing.assert_allclose(values, whole, rtol=1e-14)
    assert len(seen) > 10 and seen == sorted(seen) and seen[-1] == 1


def test_the_approximation_tends_to_its_limit_with_the_square_root_of_the_width():
    """The limit is the cosine of rows of the mean of powers of A~, by dense algebra."""
    parts = random_parts(120, 0.06, 0)
    adjacency = np.eye(120)
    adjacency[np.repeat(np.arange(120), parts.train.degree), parts.train.neighbour] = 1
    step = adjacency / adjacency.sum(1, keepdims=True)
    rows = (step + step @ step) / 2
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    links = parts.test.links
    cosines = (rows[links[:, 0]] * rows[links[:, 1]]).sum(1)
    limit = np.bincount(links.ravel(), np.repeat(cosines, 2), 120) / np.maximum(parts.test.degree, 1)
    widths = np.array([16, 64, 256, 1024])
    errors = []
    for width in widths:
        values = [approximate_concentration(parts, "test", 2, dim=int(width), seed=seed).values for seed in range(8)]
        errors.append(np.sqrt(np.mean((np.array(values) - limit)[:, parts.test.degree > 0] ** 2)))
    slope = np.polyfit(np.log(widths), np.log(errors), 1)[0]
    assert -0.6 < slope < -0.4
    drawn = approximate_concentration(parts, "test", 2, dim=64, draws=16)
    assert drawn.error is not None
    z = (drawn.values - limit)[drawn.counted] / drawn.error[drawn.counted]
    assert 0.7 < np.sqrt(np.mean(z**2)) < 1.5  # errors are as large as they say, 1.07 for Student's t with 15


def test_renamed_nodes_have_renamed_values():
    parts = random_parts(30, 0.2, 5)
    order = np.random.default_rng(0).permutation(30)
    renamed = LinkParts.of_links(30, *(order[parts.links(part).links] for part in PARTS))
    for hops in (1, 3):
        before, after = (topological_concentration(each, "test", hops).values for each in (parts, renamed))
        np.testing.assert_allclose(after[order], before, rtol=1e-12)


def test_the_shift_between_parts():
    parts = random_parts(60, 0.15, 3)
    train, test = (topological_concentration(parts, part) for part in ("train", "test"))
    shift = distribution_shift(train, test)
    from scipy.stats import wasserstein_distance

    assert set(shift.compared) == set(np.flatnonzero(train.counted & test.counted))
    expected = wasserstein_distance(train.values[shift.compared], test.values[shift.compared])
    assert shift.distance == pytest.approx(expected)
    assert shift.mean == pytest.approx(np.mean(test.values[shift.compared] - train.values[shift.compared]))
    with pytest.raises(InputError, match="of 1 hops on 60 nodes and of 2 hops"):
        distribution_shift(train, topological_concentration(parts, "test", 2))


def test_a_graph_without_links_has_no_mean():
    none = np.zeros((0, 2), int)
    parts = LinkParts.of_links(3, none, none, none)
    for got in (topological_concentration(parts, "test", 2), approximate_concentration(parts, "test", 2)):
        assert got.mean is None and not got.values.any() and not got.counted.any()
    shift = distribution_shift(got, got)
    assert shift.mean is None and shift.distance is None


def test_bad_input_is_refused():
    parts = random_parts(5, 0.5, 0)
    with pytest.raises(UnknownNameError):
        topological_concentration(parts, "tests")
    for hops in (0, 9, 1.5):
        with pytest.raises(InputError, match="the number of hops"):
            topological_concentration(parts, "test", hops)
    with pytest.raises(InputError, match="similarity"):
        approximate_concentration(parts, similarity="cos")
    with pytest.raises(InputError, match="a projection has shape"):
        approximate_concentration(parts, projection=np.zeros((4, 2)))
    with pytest.raises(InputError, match=r"random rows of 5 nodes.*GiB"):
        approximate_concentration(parts, dim=10**12)
