"""Block models against the ground truth that they were drawn from."""

from __future__ import annotations

import numpy as np
import pytest

from graphlab.data.generators import sbm
from graphlab.data.load import load
from graphlab.data.registry import DATASETS

VARIANTS = DATASETS.variants("sbm")
SIGMAS = 4.5
"""Allowed deviations; over all the numbers tested here, chance exceeds it once in a few thousand draws."""


def parse(variant):
    kind, homophily = variant.split("-h")
    return kind == "directed", float(homophily)


def links(variant):
    """Each link once."""
    edge_index = load(f"sbm/{variant}").graph.edge_index.numpy()
    return edge_index if parse(variant)[0] else edge_index[:, edge_index[0] < edge_index[1]]


@pytest.mark.parametrize("variant", VARIANTS)
def test_block_densities(variant):
    directed, homophily = parse(variant)
    y = sbm.classes()
    source, target = links(variant)
    found = np.zeros((4, 4))
    np.add.at(found, (y[source], y[target]), 1)
    pairs = np.full((4, 4), 100.0 * 100)
    np.fill_diagonal(pairs, 100 * 99)
    if not directed:
        found = np.triu(found)
        pairs = np.triu(pairs) / np.where(np.eye(4) == 1, 2, 1)
    probability = sbm.block_matrix(homophily, directed)
    deviation = np.sqrt(pairs * probability * (1 - probability))
    assert np.all(np.abs(found - pairs * probability) <= SIGMAS * deviation)


@pytest.mark.parametrize("variant", VARIANTS)
def test_homophily_and_mean_degree(variant):
    directed, homophily = parse(variant)
    y = sbm.classes()
    source, target = links(variant)
    share = np.mean(y[source] == y[target])
    assert abs(share - homophily) <= SIGMAS * np.sqrt(homophily * (1 - homophily) / len(source))
    expected = sbm.MEAN_DEGREE * sbm.NUM_NODES / (1 if directed else 2)
    assert abs(len(source) - expected) <= SIGMAS * np.sqrt(expected)
    if directed:
        away = y[source] != y[target]
        assert np.all((y[target] - y[source])[away] % 4 == 1)


@pytest.mark.parametrize("directed", [False, True])
@pytest.mark.parametrize("homophily", [0.1, 0.5, 0.9])
def test_block_matrix_gives_the_dial_and_the_degree(homophily, directed):
    matrix = sbm.block_matrix(homophily, directed)
    others = np.full((4, 4), sbm.CLASS_SIZE) - np.eye(4)
    links_by_class = matrix * others
    np.testing.assert_allclose(links_by_class.sum(axis=1), sbm.MEAN_DEGREE)
    np.testing.assert_allclose(np.diag(links_by_class) / sbm.MEAN_DEGREE, homophily)
    assert directed or np.allclose(matrix, matrix.T)


def test_bayes_accuracy_at_both_ends():
    assert sbm.bayes_accuracy(0.0) == pytest.approx(0.25)
    assert sbm.bayes_accuracy(20.0) == pytest.approx(1.0)
    assert sbm.bayes_accuracy(sbm.SIGNAL) == pytest.approx(0.6, abs=5e-4)


def test_bayes_accuracy_against_many_draws():
    rng = np.random.default_rng(0)
    right = np.mean([sbm.features(rng)[:, :4].argmax(axis=1) == sbm.classes() for _ in range(250)])
    assert right == pytest.approx(sbm.bayes_accuracy(sbm.SIGNAL), abs=SIGMAS * np.sqrt(0.24 / (250 * 400)))


def test_features_have_the_stated_signal():
    graph = load("sbm/undirected-h0.5").graph
    x, y = graph.x.numpy(), graph.y.numpy()
    for c in range(4):
        expected = sbm.SIGNAL * np.eye(4, 16)[c]
        assert np.abs(x[y == c].mean(axis=0) - expected).max() <= SIGMAS / np.sqrt(sbm.CLASS_SIZE)
    right = np.mean(x[:, :4].argmax(axis=1) == y)
    assert abs(right - 0.6) <= SIGMAS * np.sqrt(0.24 / 400)


def test_variants_share_nodes_and_split():
    first, second = load("sbm/undirected-h0.1"), load("sbm/directed-h0.9")
    assert first.graph.x.equal(second.graph.x) and first.graph.y.equal(second.graph.y)
    assert first.split().test.equal(second.split().test)
    for _, items in first.split().parts():
        assert len(set(first.graph.y[items].bincount().tolist())) == 1
