"""The block model with a dial of direction against the probabilities that it was drawn from."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from graphlab.core.seeds import SeedStream
from graphlab.data.adapters.directed_sbm import VARIANTS
from graphlab.data.generators import directed_sbm as model
from graphlab.data.load import load

SIGMAS = 4.5
DIALS = (0.0, 0.25, 0.5, 0.75, 1.0)


def labels(seed: int, num_classes: int = 2) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, num_classes, model.NUM_NODES)


def rng() -> np.random.Generator:
    return SeedStream(0).numpy()


def test_all_pairs_are_joined_alike():
    probability = model.pair_probabilities(None)
    assert (probability == probability[0, 0]).all()
    assert probability[0, 0] * (model.NUM_NODES - 1) == pytest.approx(model.MEAN_DEGREE)


@given(st.integers(0, 2**32 - 1))
def test_which_pairs_are_joined_does_not_depend_on_the_classes(seed):
    """So the graph without directions has one distribution for all classes of nodes."""
    assert np.array_equal(
        model.joined_pairs(labels(seed), None, rng()), model.joined_pairs(model.classes(), None, rng())
    )


@pytest.mark.parametrize("dial", DIALS)
def test_directing_keeps_the_pairs(dial):
    pairs = model.joined_pairs(model.classes(), None, rng())
    edges = model.directed(pairs, model.classes(), dial, np.random.default_rng(1).random(len(pairs)))
    assert np.array_equal(np.sort(edges, axis=1), pairs)


@given(st.sampled_from(DIALS), st.integers(2, 4), st.integers(0, 2**32 - 1))
def test_reversing_the_graph_exchanges_the_classes(dial, num_classes, seed):
    """With the draws r and 1 - r, which are equally likely; uniform draws never hit a threshold."""
    y = labels(seed, num_classes)
    pairs = model.joined_pairs(np.zeros(model.NUM_NODES, dtype=np.int64), None, rng())
    draws = np.random.default_rng(seed).uniform(1e-9, 1 - 1e-9, len(pairs))
    edges = model.directed(pairs, y, dial, draws)
    exchanged = model.directed(pairs, num_classes - 1 - y, dial, 1 - draws)
    assert np.array_equal(edges[:, ::-1], exchanged)


def test_the_ends_of_the_dial():
    y = model.classes()
    pairs = model.joined_pairs(y, None, rng())
    draws = np.random.default_rng(1).random(len(pairs))
    other = labels(5)
    assert np.array_equal(model.directed(pairs, y, 0.0, draws), model.directed(pairs, other, 0.0, draws))
    source, target = model.directed(pairs, y, 1.0, draws).T
    assert not np.any((y[source] == 1) & (y[target] == 0))


@pytest.mark.parametrize("variant", VARIANTS)
def test_block_densities(variant):
    graph = load(f"directed-sbm/{variant}").graph
    (source, target), y = graph.edge_index.numpy(), graph.y.numpy()
    dial, _, homophily = variant.removesuffix("-weak").removeprefix("direction-").partition("-h")
    counts = np.zeros((2, 2))
    np.add.at(counts, (y[source], y[target]), 1)
    forward = np.array([[0.5, (1 + float(dial)) / 2], [(1 - float(dial)) / 2, 0.5]])
    probability = model.pair_probabilities(float(homophily) if homophily else None) * forward
    pairs = np.array([[200 * 199, 200 * 200], [200 * 200, 200 * 199]])
    deviation = np.sqrt(pairs * probability * (1 - probability))
    assert np.all(np.abs(counts - pairs * probability) <= SIGMAS * deviation)
    codes = set(zip(source.tolist(), target.tolist(), strict=True))
    assert len(codes) == len(source) and not any((v, u) in codes for u, v in codes)


@pytest.mark.parametrize("homophily", [0.2, 0.8])
def test_homophily_is_the_share_of_neighbours_of_the_own_class(homophily):
    neighbours = model.pair_probabilities(homophily) * [[199, 200], [200, 199]]
    np.testing.assert_allclose(neighbours.sum(1), model.MEAN_DEGREE)
    np.testing.assert_allclose(np.diag(neighbours) / model.MEAN_DEGREE, homophily)


@pytest.mark.parametrize("dial", DIALS)
def test_the_rule_of_degrees_against_many_draws(dial):
    y, right, number = model.classes(), [], 100
    for k in range(number):
        edges = model.sample(dial, None, np.random.default_rng(k))
        out, into = (np.bincount(ends, minlength=len(y)) for ends in edges.T)
        lower = np.where(out == into, 0.5, out > into)
        right.append(np.where(y == 0, lower, 1 - lower).mean())
    expected = model.degree_rule_accuracy(dial)
    assert np.mean(right) == pytest.approx(expected, abs=SIGMAS * np.std(right) / np.sqrt(number))
    assert f"{100 * expected:.1f}" in load("directed-sbm/direction-0").card.notes


def test_features_carry_the_stated_signal():
    y = model.classes()
    assert norm.cdf(model.WEAK) == pytest.approx(0.6, abs=1e-4)
    for variant, signal in (("direction-1", 0.0), ("direction-1-weak", model.WEAK)):
        x = load(f"directed-sbm/{variant}").graph.x.numpy()
        for c in (0, 1):
            mean = np.zeros(model.NUM_FEATURES)
            mean[0] = signal * (2 * c - 1)
            assert np.abs(x[y == c].mean(axis=0) - mean).max() <= SIGMAS / np.sqrt(model.CLASS_SIZE)


def test_variants_share_their_split():
    first, second = load("directed-sbm/direction-0"), load("directed-sbm/direction-1-weak")
    assert all(a.equal(b) for (_, a), (_, b) in zip(first.split().parts(), second.split().parts(), strict=True))
    for _, items in first.split().parts():
        assert len(set(first.graph.y[items].bincount().tolist())) == 1
