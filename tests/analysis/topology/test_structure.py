"""What surrounds a node, beside networkx and the authors' values; correlations beside scipy."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
from scipy import stats

from graphlab.analysis.topology.correlation import binned, correlation, correlations
from graphlab.analysis.topology.structure import clustering, core_number, ego_density
from graphlab.core.errors import InputError
from graphlab.ops.adjacency import Adjacency
from tests.analysis.topology.cases import PACKS, parts_of


@pytest.mark.parametrize("seed", range(10))
def test_values_are_those_of_networkx(seed):
    graph = nx.gnp_random_graph(50, 0.02 + 0.02 * seed, seed=seed)
    ours = Adjacency.of(np.array(graph.edges).reshape(-1, 2), 50)
    for got, expected in ((clustering(ours), nx.clustering(graph)), (core_number(ours), nx.core_number(graph))):
        np.testing.assert_allclose(got, [expected[node] for node in range(50)], rtol=1e-12)
    for hops in (1, 2, 3):
        expected = [nx.density(nx.ego_graph(graph, node, hops)) for node in range(50)]
        np.testing.assert_allclose(ego_density(ours, hops), expected, rtol=1e-12)


@pytest.mark.real_data
@pytest.mark.parametrize("name", PACKS)
def test_densities_are_the_authors_own(truth, name):
    pack = truth(f"tc_{name}")
    for hops in (1, 2, 3):
        np.testing.assert_allclose(ego_density(parts_of(pack).train, hops), pack[f"ego_density_K{hops}"], atol=1e-12)


@pytest.mark.real_data
@pytest.mark.parametrize("name", PACKS)
def test_correlations_are_the_authors_own(truth, name):
    """Test concentration, and the density of one hop, against every metric of their ranking."""
    pack = truth(f"tc_{name}")
    nodes = pack["eval_node_test"]
    metrics = [pack[f"{key}_test_masked"] for key in ("precision", "F1", "ndcg", "recall", "hit_ratio")]
    columns = np.concatenate([*metrics, pack["mrr_test_masked"][:, None]], axis=1)
    expected = pack["correlation_rows_testtc_valtc_traintc_traindeg_testdeg_density"]
    for row, key in ((0, "tc_K1_test"), (5, "ego_density_K1")):
        for column, theirs in zip(columns.T, expected[row], strict=True):
            got = correlation(pack[key][nodes], column).value
            assert np.isnan(theirs) if got is None else got == pytest.approx(theirs, abs=1e-10)


@pytest.mark.parametrize("kind", ["pearson", "spearman"])
def test_coefficients_and_intervals(kind):
    random = np.random.default_rng(0)
    first = random.normal(size=80)
    second = np.round(first + random.normal(size=80), 1)
    got = correlation(first, second, kind)
    expected = stats.pearsonr(first, second) if kind == "pearson" else stats.spearmanr(first, second)
    assert got.value == pytest.approx(expected.statistic)
    if kind == "pearson":
        interval = expected.confidence_interval(0.95)
        assert (got.low, got.high) == pytest.approx((interval.low, interval.high))
    assert got.low < got.value < got.high


@pytest.mark.parametrize("kind", ["pearson", "spearman"])
def test_intervals_cover(kind):
    """Of 400 samples of 30 with a coefficient of .5: about 95 % of intervals have it."""
    random = np.random.default_rng(1)
    truth = 0.5 if kind == "pearson" else 6 / np.pi * np.arcsin(0.25)
    covered = 0
    for _ in range(400):
        pair = random.multivariate_normal([0, 0], [[1, 0.5], [0.5, 1]], 30)
        got = correlation(pair[:, 0], pair[:, 1], kind)
        covered += got.low <= truth <= got.high
    assert 365 <= covered <= 395


def test_what_is_not_defined_is_none():
    for first, second in (([1, 2, 3], [1, 2, 3]), ([1, 1, 1, 1, 1], [1, 2, 3, 4, 5])):
        got = correlation(np.array(first), np.array(second))
        assert got.value is got.low is got.high is None and got.num_nodes == len(first)
    assert correlation(np.arange(9), np.arange(9)).value == 1
    table = correlations({"tc": np.arange(9.0)}, {"mrr": np.arange(9.0), "hits@1": np.zeros(9)})
    assert table["tc", "mrr"].value == 1 and table["tc", "hits@1"].value is None


def test_bins_hold_equally_many_nodes():
    values = np.repeat(np.arange(20), 5)
    curve = binned(values, values * 2.0, 4)
    assert curve.count.tolist() == [25] * 4 and curve.low.tolist() == [0, 5, 10, 15]
    assert curve.mean.tolist() == [4, 14, 24, 34]
    assert curve.error == pytest.approx(np.std(np.repeat(np.arange(5) * 2, 5), ddof=1) / 5)
    single = binned(np.ones(7), np.arange(7.0), 3)
    assert single.count.tolist() == [7]
    tied = binned(np.array([0.0] * 90 + [1.0] * 10), np.zeros(100), 10)
    assert tied.count.tolist() == [90, 10]


def test_bad_input_is_refused():
    for arguments in (
        (np.zeros(3), np.zeros(4)),
        (np.array([np.nan] * 4), np.zeros(4)),
        (np.zeros(4), np.zeros(4), "kendall"),
        (np.zeros(4), np.zeros(4), "pearson", 1.0),
    ):
        with pytest.raises(InputError):
            correlation(*arguments)
    for arguments in ((np.zeros(0), np.zeros(0)), (np.zeros(2), np.zeros(3)), (np.zeros(2), np.zeros(2), 0)):
        with pytest.raises(InputError):
            binned(*arguments)
