"""Studies of data sets and of trained models, their tables, pictures and page."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pandas as pd
import pytest
from scipy import stats

import graphlab as gl
from graphlab.analysis.topology import pagerank
from graphlab.analysis.topology.concentration import topological_concentration
from graphlab.analysis.topology.correlation import correlation
from graphlab.analysis.topology.measures import MEASURES, PAGERANK
from graphlab.analysis.topology.parts import LinkParts
from graphlab.analysis.topology.performance import node_performance
from graphlab.analysis.topology.pictures import plot_correlations, plot_distributions, plot_scatter
from graphlab.analysis.topology.study import study_runs
from graphlab.core.errors import IncompatibleError, InputError, UnknownNameError


@pytest.fixture(scope="module")
def links():
    graph = nx.relaxed_caveman_graph(16, 5, 0.3, seed=0)
    return gl.dataset(graph, name="clusters", task="link-prediction", split="random-70/10/20")


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return tmp_path_factory.mktemp("store")


@pytest.fixture(scope="module")
def runs(links, store):
    return gl.run("common-neighbours", links, seeds=1, store=store)


@pytest.fixture(scope="module")
def study(runs):
    return gl.analyze("topology", runs)


@pytest.fixture(scope="module")
def seeds(links, store):
    """Of a model whose weights differ by seed; the split is the same."""
    return gl.analyze("topology", gl.run("gae", links, seeds=3, epochs=3, store=store))


def test_a_data_set(links, cli):
    found = gl.analyze("topology", links, hops=2, seeds=(0, 1))
    parts = [LinkParts.of(links, seed) for seed in (0, 1)]
    expected = [topological_concentration(each, "test", 2).mean for each in parts]
    assert found.summary["tc_test"] == pytest.approx(np.mean(expected))
    assert found.df["links"].tolist() == ["train", "validation", "test"]
    assert "80 nodes, 2 splits" in found.text and found.model == ""
    assert len(found.nodes()) == 160 and found.plot().axes
    with pytest.raises(InputError, match="without a model"):
        found.correlations()


def test_a_model_ranks_as_its_definition_says(study, links):
    """Common neighbours are the entries of the squared adjacency."""
    parts = LinkParts.of(links, 0)
    adjacency = np.zeros((80, 80))
    adjacency[np.repeat(np.arange(80), parts.train.degree), parts.train.neighbour] = 1
    expected = node_performance(parts, lambda nodes: (adjacency @ adjacency)[nodes])
    got = study.seeds[0].performance
    assert np.array_equal(got.nodes, expected.nodes) and np.array_equal(got.mrr, expected.mrr)
    each = study.correlations()["tc_test", "mrr"]
    values = topological_concentration(parts, "test").values[got.nodes]
    assert each == correlation(values, got.mrr)
    assert set(study.mean_correlations()) == set(MEASURES)
    assert study.correlations("spearman")["tc_test", "mrr"].kind == "spearman"


def test_intervals_over_seeds(seeds):
    assert [each.seed for each in seeds.seeds] == [0, 1, 2]
    values = [
        correlation(each.concentration["test"].values[each.performance.nodes], each.performance.mrr).value
        for each in seeds.seeds
    ]
    got = seeds.correlations()["tc_test", "mrr"]
    interval = stats.ttest_1samp(np.arctanh(values), 0).confidence_interval(0.95)
    assert got.value == pytest.approx(np.tanh(np.mean(np.arctanh(values))))
    assert (got.low, got.high) == pytest.approx((np.tanh(interval.low), np.tanh(interval.high)))


def test_common_neighbours_find_what_is_concentrated(study):
    """A test link without a common neighbour has no concentration and no score."""
    assert study.mean_correlations()["tc_test"].value > 0.4
    lowest = study.lowest("hits@10").set_index("measure")
    assert lowest.loc["tc_test", "lowest"] < lowest.loc["tc_test", "all"] / 2
    assert lowest.loc["tc_test", "auroc"] > 0.7
    with pytest.raises(InputError, match="no metric"):
        study.lowest("hits@11")


def test_tables_of_nodes(study):
    frame = study.nodes()
    assert len(frame) == 80 and set(MEASURES) < set(frame.columns) and "ndcg@10" in frame.columns
    has_test = frame["degree_test"] > 0
    assert (frame["mrr"].notna() == has_test).all()
    assert study.df["measure"].tolist() == list(MEASURES) and "the mean over metrics" in repr(study)


def test_pagerank_is_measured_where_it_is_asked_for_or_takes_seconds(runs, links, monkeypatch):
    without = gl.analyze("topology", runs, pagerank=False)
    assert without.df["measure"].tolist() == [name for name in MEASURES if name not in PAGERANK]
    assert not set(PAGERANK) & {*without.nodes().columns, *without.summary, *without.mean_correlations()}
    monkeypatch.setattr(pagerank, "AFFORDABLE", 0)
    left_out = gl.analyze("topology", links)
    assert left_out.seeds[0].pagerank is None and "PageRank is left out" in left_out.text
    measured = gl.analyze("topology", links, pagerank=True)
    frame = measured.nodes()
    assert measured.summary["ppr_near"] == pytest.approx(frame["ppr_near"].mean())
    assert measured.summary["ppr_test"] == pytest.approx(frame.loc[frame["degree_test"] > 0, "ppr_test"].mean())
    assert "PageRank is left out" not in measured.text
    with pytest.raises(InputError, match="pagerank cannot be 'yes'"):
        gl.analyze("topology", links, pagerank="yes")


def test_other_cuts(runs):
    """What is shown is of the last cut where ten is none of them."""
    of_five = study_runs(runs, cuts=(1, 5))
    assert of_five.cut == 5 and "hits@5 of the lowest" in of_five.df.columns
    pd.testing.assert_frame_equal(of_five.lowest(), of_five.lowest("hits@5"))
    assert plot_scatter(of_five).render("png").startswith(b"\x89PNG")
    with pytest.raises(InputError, match="no cuts"):
        study_runs(runs, cuts=())


def test_pictures(study):
    for plot in (plot_distributions(study), plot_scatter(study, "degree_train", "mrr"), plot_correlations(study)):
        assert plot.render("png").startswith(b"\x89PNG")
    with pytest.raises(InputError, match="the study has no 'x'"):
        plot_scatter(study, "x")


def test_a_page_that_needs_nothing_else(study, tmp_path):
    text = study.report(tmp_path / "topology.html").read_text()
    assert all(what in text for what in MEASURES.values())
    assert "common-neighbours on own/clusters" in text and text.count("data:image/svg+xml") == 4
    assert "http" not in text.replace("http://www.w3.org", "") and "<script" not in text
    with pytest.raises(InputError, match="cannot write"):
        study.report(tmp_path)


def test_the_command(runs, store, tmp_path, cli):
    identity = runs.records[0].id
    page = tmp_path / "page.html"
    printed = cli("analyze", "topology", identity, "--hops", "2", "--store", store, "--report", page, "--json").json
    assert printed["probe"] == "topology" and page.exists()
    assert printed["summary"]["num_seeds"] == 1 and "ppr_near" in printed["summary"]
    printed = cli("analyze", "topology", identity, "--no-pagerank", "--store", store, "--json").json
    assert "ppr_near" not in printed["summary"]
    assert (
        "by random projection" in cli("analyze", "topology", identity, "--store", store, "--method", "projection").out
    )
    refused = cli("analyze", "topology", "absent", "--store", store, "--json")
    assert refused.code == 2 and refused.json["error"]["kind"] == "unknown-name"
    refused = cli("analyze", "biconnectivity", "hard-pairs", "--report", page, "--json")
    assert refused.code == 2 and "writes no report" in refused.json["error"]["message"]


def test_what_is_not_about_links(store):
    with pytest.raises(IncompatibleError, match="has no links to predict"):
        gl.analyze("topology", "karate")
    with pytest.raises(IncompatibleError, match="does not predict links"):
        gl.analyze("topology", gl.run("mlp", "karate", epochs=1, store=store))
    with pytest.raises(UnknownNameError):
        gl.analyze("topology", "abcdef", store=store)
    with pytest.raises(InputError, match="no method"):
        gl.analyze(
            "topology", gl.dataset(nx.path_graph(30), task="link-prediction", split="random-70/10/20"), method="x"
        )
