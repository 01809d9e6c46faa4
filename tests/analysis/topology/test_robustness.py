"""Graphs with little in them: each number is a value or is left out, and none is NaN."""

from __future__ import annotations

import json

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import graphlab as gl
from graphlab.analysis.topology import study
from graphlab.analysis.topology.concentration import topological_concentration
from graphlab.analysis.topology.correlation import correlation
from graphlab.analysis.topology.parts import LinkParts
from graphlab.analysis.topology.performance import node_performance
from graphlab.analysis.topology.study import LinkStudy, Method
from graphlab.ops.adjacency import Adjacency
from tests.analysis.topology.cases import random_parts

NONE = np.zeros((0, 2), int)
FEW = {
    "one node": LinkParts.of_links(1, NONE, NONE, NONE),
    "no links": LinkParts.of_links(5, NONE, NONE, NONE),
    "no training links": LinkParts.of_links(5, NONE, np.array([[2, 3]]), np.array([[0, 1], [1, 4]])),
    "no test links": LinkParts.of_links(5, np.array([[0, 1], [1, 2]]), NONE, NONE),
    "one test link": LinkParts.of_links(5, np.array([[0, 1], [1, 2], [0, 2]]), NONE, np.array([[0, 3]])),
    "all pairs": LinkParts.of_links(4, np.array([[0, 1], [1, 2], [0, 2], [1, 3]]), NONE, np.array([[0, 3], [2, 3]])),
    "components": LinkParts.of_links(9, np.array([[0, 1], [1, 2], [3, 4]]), NONE, np.array([[0, 2], [3, 5], [7, 8]])),
}


def studied(parts: LinkParts, hops: int = 1, method: Method = "exact", values: int = 3, count: int = 2) -> LinkStudy:
    """Of some seeds with the same links, ranked by scores of few different values."""
    studies = []
    for seed in range(count):
        scores = np.random.default_rng(seed).integers(0, values, (parts.num_nodes, parts.num_nodes)).astype(float)
        performance = node_performance(parts, lambda nodes, scores=scores: scores[nodes])
        studies.append(study._study(parts, seed, hops, method, True, performance))
    return study._finding(tuple(studies), "few", "scores", hops, method)


def require_numbers(result: LinkStudy) -> None:
    json.dumps(result.to_json(), allow_nan=False)
    for each in result.seeds:
        assert all(np.isfinite(values).all() for values in each.measures().values())
        assert all(np.isfinite(values).all() for values in each.performance.metrics().values())
    for kind in ("pearson", "spearman"):
        for table in (result.correlations(kind), result.mean_correlations(kind)):
            for entry in table.values():
                assert all(value is None or -1 <= value <= 1 for value in (entry.value, entry.low, entry.high))
    for row in result._lowest():
        assert all(value is None or 0 <= value <= 1 for name, value in row.items() if name != "measure")
    assert "nan" not in result.text and "nan" not in repr(result.summary)


@pytest.mark.parametrize("method", ["exact", "projection"])
@pytest.mark.parametrize("name", FEW)
def test_little_graphs(name, method, tmp_path):
    for hops in (1, 8):
        result = studied(FEW[name], hops, method)
        require_numbers(result)
    text = result.report(tmp_path / "page.html").read_text()
    assert ">nan<" not in text and "few" in text
    assert result.plot().render("png").startswith(b"\x89PNG")


@settings(max_examples=40, deadline=None)
@given(
    st.integers(1, 9),
    st.floats(0, 1),
    st.integers(0, 10**6),
    st.floats(0, 1),
    st.integers(1, 8),
    st.integers(1, 3),
    st.sampled_from(["exact", "projection"]),
)
def test_any_graph(size, probability, seed, held_out, hops, values, method):
    require_numbers(studied(random_parts(size, probability, seed, held_out), hops, method, values))


def test_a_node_without_test_links_is_in_no_mean():
    result = studied(FEW["one test link"])
    performance = result.seeds[0].performance
    assert performance.nodes.tolist() == [0, 3]
    assert all(len(values) == 2 for values in performance.metrics().values())
    row = next(row for row in result._lowest() if row["measure"] == "tc_test")
    assert row["all"] == np.mean([each.performance.metrics()["hits@10"].mean() for each in result.seeds])
    empty = studied(FEW["no test links"])
    assert all(row["lowest"] is row["all"] is row["auroc"] is None for row in empty._lowest())
    assert empty.summary.keys() & {"tc_test", "ppr_test", "shift"} == set()


def test_hops_beyond_the_diameter_are_as_many_as_the_diameter():
    """But for the concentration, whose walks go on."""
    parts = random_parts(20, 0.2, 3)
    longest = max(max(nx.eccentricity(part).values()) for part in _components(parts.train))
    near, far = (studied(parts, hops, "projection", count=1).seeds[0].measures() for hops in (longest, 10 * longest))
    for name in ("ego_density", "ppr_near"):
        assert np.array_equal(near[name], far[name])


def _components(graph: Adjacency) -> list[nx.Graph]:
    whole = nx.empty_graph(graph.num_nodes)
    whole.add_edges_from(graph.links.tolist())
    return [whole.subgraph(part) for part in nx.connected_components(whole)]


def test_very_many_hops_take_no_time():
    parts = FEW["components"]
    result = study.ego_density(parts.train, 10**9)
    assert result.tolist() == pytest.approx([2 / 3] * 3 + [1, 1] + [0] * 4)


def test_cuts_beyond_the_number_of_nodes():
    parts = FEW["one test link"]
    got = node_performance(parts, lambda nodes: np.zeros((len(nodes), 5)), cuts=(100, 10**6))
    assert (got.at["hits"] == 1).all() and (got.at["recall"] == 1).all()
    assert got.at["precision"][0].tolist() == [1 / 100, 1e-6]


def test_values_that_differ_by_rounding_alone_are_constant():
    """As those of nodes of a regular graph, whose terms are summed in another order at each node."""
    ring = nx.circulant_graph(30, [1, 2, 5])
    parts = LinkParts.of_links(30, np.array(ring.edges), NONE, np.array([[i, (i + 3) % 30] for i in range(30)]))
    values = topological_concentration(parts, "test", 3).values
    rounded = values * (1 + np.linspace(0, 4e-16, 30))
    assert np.ptp(rounded) > 0
    for constant in (values, rounded):
        assert correlation(constant, np.arange(30)).value is None


@pytest.mark.parametrize("scale", [1e-200, 1.0, 1e200])
def test_coefficients_do_not_depend_on_the_scale(scale):
    random = np.random.default_rng(0)
    first, second = random.normal(size=(2, 40))
    expected = correlation(first, second).value
    assert correlation(scale * first, second).value == pytest.approx(expected, rel=1e-12)
    assert correlation(first, 1 / scale * second).value == pytest.approx(expected, rel=1e-12)


def test_data_sets_with_isolated_nodes(tmp_path):
    graph = nx.disjoint_union(nx.relaxed_caveman_graph(8, 5, 0.2, seed=0), nx.empty_graph(6))
    links = gl.dataset(graph, name="alone", task="link-prediction", split="random-70/10/20")
    for result in (
        gl.analyze("topology", links, hops=3),
        gl.analyze("topology", gl.run("common-neighbours", links, store=tmp_path), hops=3),
    ):
        json.dumps(result.to_json(), allow_nan=False)
        alone = result.nodes().iloc[40:]
        assert (alone["degree_train"] == 0).all() and (alone["ego_density"] == 0).all()
        assert (alone["ppr_near"] == 1).all() and (alone["tc_test"] == 0).all()
