"""The report: whole, well formed, self-contained and safe against what names may hold."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from graphlab.analysis.report import _dataset, write_report
from graphlab.comparison.rows import leaderboard_rows
from graphlab.core.errors import InputError
from graphlab.experiment.definition import Experiment
from graphlab.experiment.reproduce import Claim, Comparison, Refusal, reproduce
from graphlab.experiment.runs import Runs
from tests.comparison.records_made import records

VOID = {"meta", "img", "br"}
HOSTILE = "<script>alert('x')</script>\"&"


class Page(HTMLParser):
    """Checks that tags nest, and keeps the elements with their attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture(scope="module")
def comparison(tmp_path_factory) -> Comparison:
    folder = tmp_path_factory.mktemp("report")
    text = """# <i>kept</i>
title: T
seeds: 3
runs:
  - {model: gcn, dataset: karate, settings: {training.epochs: 3}}
  - {model: mlp, dataset: karate, settings: {training.epochs: 3}}
"""
    (folder / "e.yaml").write_text(text)
    return reproduce(folder / "e.yaml", store=folder / "runs", device="cpu", progress=False)


@pytest.fixture
def hostile(tmp_path) -> Comparison:
    stored = records(0.8, 0.81, None, model=HOSTILE, dataset=HOSTILE)
    runs = Runs(tuple(replace(record, notices=(f"{HOSTILE} notice",)) for record in stored))
    entry = {"model": HOSTILE, "dataset": HOSTILE}
    experiment = Experiment.parse({"title": HOSTILE, "description": HOSTILE, "runs": [entry]}, where="test")
    return Comparison(
        experiment,
        tmp_path / HOSTILE.replace("/", ""),
        tmp_path,
        (runs,),
        (Refusal(HOSTILE, HOSTILE, HOSTILE, HOSTILE),),
        (Claim(HOSTILE, HOSTILE, HOSTILE, False, HOSTILE),),
        {HOSTILE: leaderboard_rows(HOSTILE, runs.records)},
        HOSTILE,
    )


def read(comparison: Comparison, path) -> tuple[str, Page]:
    text = write_report(comparison, path / "report.html").read_text(encoding="utf-8")
    return text, Page(text)


def test_it_is_well_formed_and_accessible(comparison, tmp_path):
    text, page = read(comparison, tmp_path)
    assert text.startswith("<!DOCTYPE html>")
    assert page.all("html") == [{"lang": "en"}]
    assert len(page.all("h1")) == len(page.all("title")) == 1
    assert len(page.all("caption")) == len(page.all("table")) > 0
    assert all(cell.get("scope") in ("col", "row") for cell in page.all("th"))
    assert all(image["alt"] for image in page.all("img"))


def test_it_loads_nothing(comparison, tmp_path):
    text, page = read(comparison, tmp_path)
    assert not {"script", "link", "iframe", "object", "base"} & {tag for tag, _ in page.elements}
    assert all(str(image["src"]).startswith("data:image/svg+xml;base64,") for image in page.all("img"))
    assert not re.search(r"@import|url\(", text)
    assert all("src" not in attributes or tag == "img" for tag, attributes in page.elements)


def test_it_shows_curves_comparison_karate_and_run_ids(comparison, tmp_path):
    text, page = read(comparison, tmp_path)
    assert [str(image["alt"]).split()[0] for image in page.all("img")] == ["Test", "Validation", "The"]
    assert all(record.id in text for record in comparison.records)
    assert "graphlab reproduce" in text
    assert "prefers-color-scheme: dark" in text
    assert "@media print" in text


def test_the_same_comparison_gives_the_same_bytes(comparison, tmp_path):
    assert read(comparison, tmp_path)[0] == read(comparison, tmp_path)[0]


def test_hostile_names_stay_text(hostile, tmp_path, monkeypatch):
    monkeypatch.setattr("graphlab.analysis.report._picture", lambda record, store: ())
    text, page = read(hostile, tmp_path)
    assert page.all("script") == []
    assert "<script" not in text
    assert "&lt;script&gt;" in text
    assert "the loss is &lt;nan&gt;" in text


def test_claims_that_do_not_hold_are_said(hostile, tmp_path, monkeypatch):
    monkeypatch.setattr("graphlab.analysis.report._picture", lambda record, store: ())
    text, _ = read(hostile, tmp_path)
    assert "did not hold" in text
    assert 'class="summary failed"' in text


def test_an_experiment_of_refusals_alone_has_a_report(hostile, tmp_path):
    bare = replace(hostile, runs=(), leaderboards={})
    assert bare.report(tmp_path / "bare.html").exists()
    assert bare.df.empty


def test_a_file_that_cannot_be_written_is_named(comparison, tmp_path):
    (tmp_path / "taken").write_text("")
    with pytest.raises(InputError, match="cannot write"):
        write_report(comparison, tmp_path / "taken" / "report.html")


def test_it_shows_every_setting_and_marks_what_departs(comparison, tmp_path):
    text, _ = read(comparison, tmp_path)
    for runs in comparison.runs:
        spec = runs.records[0].spec
        for part, values in (("model", spec.model_config), ("task", spec.task_config), ("training", spec.training)):
            for name, value in values.items():
                assert re.search(rf"<code>{part}\.{name}</code></th><td>{re.escape(str(value))}</td>", text)
    assert text.count('<td>3</td><td>200</td><td><span class="departs">departs</span>') == len(comparison.runs)
    assert "gcn on karate: training.epochs=3</summary>" in text


def test_it_embeds_the_experiment_file(comparison, tmp_path):
    text, _ = read(comparison, tmp_path)
    assert "<pre><code># &lt;i&gt;kept&lt;/i&gt;\ntitle: T\nseeds: 3\n" in text


def test_it_compares_our_configurations_with_each_other(comparison, tmp_path):
    text, _ = read(comparison, tmp_path)
    assert "Our configurations against each other: accuracy on test" in text
    assert "paired t-test" in text or "sign test" in text


def test_notices_and_failures_are_shown_with_their_seeds(hostile, tmp_path, monkeypatch):
    monkeypatch.setattr("graphlab.analysis.report._picture", lambda record, store: ())
    text, _ = read(hostile, tmp_path)
    assert "<h2>Notices</h2>" in text and "<td>0, 1, 2</td>" in text
    assert "&quot;&amp; notice" in text
    assert "<h2>Failed runs</h2>" in text


@pytest.mark.real_data
def test_intervals_and_margins_stand_beside_verdicts(tmp_path):
    runs = Runs(tuple(records(0.812, 0.815, 0.818, 0.814)))
    experiment = Experiment.parse({"title": "T", "runs": [{"model": "gcn", "dataset": "planetoid/cora"}]}, where="test")
    rows = {"planetoid/cora": leaderboard_rows("planetoid/cora", runs.records)}
    text = "\n".join(
        _dataset(Comparison(experiment, tmp_path, tmp_path, (runs,), (), (), rows), *next(iter(rows.items())))
    )
    assert '<span class="agrees">agrees</span>' in text
    assert "-0.000<br>[-0.004,\N{NO-BREAK SPACE}+0.004],<br>" in text.replace("\N{NO-BREAK SPACE}<br>", "<br>")
    assert "±\N{NO-BREAK SPACE}0.016" in text and "the published mean counts as exact" in text


def test_it_can_be_read_on_a_telephone(comparison, tmp_path):
    """No width is fixed, and what is wide scrolls in a box of its own; it was looked at at 390 and 1280 pixels."""
    text, page = read(comparison, tmp_path)
    assert {"name": "viewport", "content": "width=device-width, initial-scale=1"} in page.all("meta")
    assert not re.search(r"[^-]width: \d+px|min-width: \d+px", text)
    assert text.count('<div class="wide" tabindex="0"><table>') == len(page.all("table"))
    assert not any("width" in attributes for _, attributes in page.elements)
