"""The report of a run, for each type of prediction."""

from __future__ import annotations

from dataclasses import replace

import networkx as nx
import pytest

import graphlab as gl
from graphlab.core.errors import InputError, StoreError, UnknownNameError


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return tmp_path_factory.mktemp("store")


def links():
    graph = nx.relaxed_caveman_graph(10, 5, 0.3, seed=0)
    return gl.dataset(graph, name="caves", task="link-prediction", split="random-70/10/20")


CASES = [
    ("gcn", lambda: "karate", ["Confusion of classes", "Mr. Hi", "By degree", "expected calibration error"]),
    ("gae", links, ["predicted probability", "graphlab analyze topology"]),
    ("transe", lambda: "kinship-rules/transductive", ["By relation", "MRR of heads"]),
    ("gin", lambda: "csl", ["By class"]),
    ("gin", lambda: "substructures/triangles", ["Predicted by true values"]),
]


@pytest.mark.parametrize(("model", "data", "texts"), CASES, ids=[str(n) for n in range(len(CASES))])
def test_each_type_of_prediction(model, data, texts, store, tmp_path):
    runs = gl.run(model, data(), seeds=2, epochs=1, store=store)
    page = gl.report(runs.records[1].id, tmp_path / "report.html", store).read_text()
    assert all(text in page for text in texts)
    for record in runs.records:  # the report of one run has all seeds of its configuration
        assert record.id in page and f"{record.test_value:.4f}" in page
    assert "<script" not in page and page.count("<img src=") == page.count("data:image/svg+xml")


def test_names_are_escaped(store, tmp_path):
    graph = nx.karate_club_graph()
    for node in graph:
        graph.nodes[node]["kind"] = "<b>a" if node % 2 else "$b"
    data = gl.dataset(graph, name="club", target="kind", features="identity", split="stratified-20/20/60")
    page = gl.report(gl.run("mlp", data, epochs=2, store=store), tmp_path / "report.html").read_text()
    assert "&lt;b&gt;a" in page and "<b>a" not in page


def test_the_command(store, tmp_path, cli):
    identity = gl.run("mlp", "karate", epochs=2, store=store).records[0].id
    printed = cli("report", identity[:10], "--out", tmp_path / "page.html", "--store", store, "--json").json
    assert printed == {"report": str(tmp_path / "page.html")}
    assert cli("report", "absent", "--store", store, "--json").code == 2
    refused = cli("report", identity, "--out", tmp_path, "--store", store, "--json")
    assert refused.code == 2 and "cannot write" in refused.json["error"]["message"]


def test_failed_seeds_are_shown_and_in_no_figure(store, tmp_path):
    runs = gl.run("mlp", "karate", epochs=3, seeds=2, store=store)
    failed = replace(runs.records[1].result, status="failed", test={}, error={"message": "the <loss> is nan"})
    mixed = replace(runs, records=(runs.records[0], replace(runs.records[1], result=failed)))
    page = gl.report(mixed, tmp_path / "report.html").read_text()
    assert "the &lt;loss&gt; is nan" in page and "Failed runs" in page
    alone = replace(runs, records=(replace(runs.records[1], result=failed),))
    with pytest.raises(StoreError, match="has finished"):
        gl.report(alone, tmp_path / "report.html")


def test_what_is_no_run(store, tmp_path):
    with pytest.raises(UnknownNameError):
        gl.report("absent", tmp_path / "report.html", store)
    with pytest.raises(InputError):
        gl.report("", tmp_path / "report.html", store)
