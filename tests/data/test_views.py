"""Data sets as tables and pictures."""

from __future__ import annotations

import io
import subprocess
import sys
from dataclasses import replace

import pytest

from graphlab.data import views
from graphlab.data.load import load

NAMES = ["karate", "hard-pairs", "csl", "sbm/directed-h0.1", "substructures/has-triangle", "substructures/cycles4"]
REAL = ("cora", "kg/umls", "planetoid/cora@links-without-features", "mixture/small")


@pytest.mark.parametrize("name", [*NAMES, *(pytest.param(n, marks=pytest.mark.real_data) for n in REAL)])
def test_plot_and_table(name):
    dataset = load(name)
    buffer = io.BytesIO()
    dataset.plot().savefig(buffer, format="png")
    assert buffer.getvalue().startswith(b"\x89PNG")
    html = dataset._repr_html_()
    assert dataset.name in html and html.count("<tr>") == html.count("</tr>") > 5
    assert str(dataset.statistics()["num_test"]) in html.replace(",", "")


def test_what_a_leaderboard_forbids_is_told():
    dataset = load("karate")
    ruled = replace(dataset, card=replace(dataset.card, forbids_search="Board"))
    assert "against the rules of Board" in ruled._repr_html_() and "against" not in dataset._repr_html_()


@pytest.mark.parametrize("asked", ["node", "edge", "graph"])
def test_what_has_classes_is_said(monkeypatch, asked):
    monkeypatch.setattr(views, "DRAWABLE", 0)
    assert load(f"biconnectivity/cut-{asked}").plot().axes[1].get_xlabel() == f"{asked}s"


@pytest.mark.real_data
def test_what_is_counted_of_links_and_of_the_graphs_of_a_mixture():
    links = load("planetoid/cora@links-without-features")
    bars = links.plot().axes[1].patches
    assert [bar.get_width() for bar in bars] == [529, 263, 4486]
    mixture = load("mixture/small")
    for index, graph in enumerate(mixture.graphs):
        bars = mixture.plot(graph=index).axes[1].patches
        drawn = (
            sum(bar.get_width() for bar in bars)
            if bars
            else mixture.plot(graph=index).axes[1].lines[0].get_ydata().sum()
        )
        assert drawn == graph.num_edges


def test_picture_of_a_small_graph_shows_every_node_and_class():
    (axes,) = load("karate").plot().axes
    assert [text.get_text() for text in axes.texts if text.get_text()] == [str(node) for node in range(34)]
    assert len([text for text in axes.texts if not text.get_text()]) == 78
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["Mr. Hi", "Officer"]


@pytest.mark.slow
def test_plotting_needs_no_pyplot_and_loading_no_matplotlib():
    code = (
        "import sys; from graphlab.data.load import load; ds = load('karate')\n"
        "assert 'matplotlib.figure' not in sys.modules\n"
        "ds.plot(); assert 'matplotlib.pyplot' not in sys.modules, 'pyplot was loaded'"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
