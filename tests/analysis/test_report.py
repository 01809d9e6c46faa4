"""The report: whole, well formed, self-contained and safe against what names may hold."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from graphlab.analysis.report import write_report
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
    text = "title: T\nseeds: 2\nruns: [{model: gcn, dataset: karate, settings: {training.epochs: 3}}]"
    (folder / "e.yaml").write_text(text)
    return reproduce(folder / "e.yaml", store=folder / "runs", device="cpu", progress=False)


@pytest.fixture
def hostile(tmp_path) -> Comparison:
    runs = Runs(tuple(records(0.8, 0.81, None, model=HOSTILE, dataset=HOSTILE)))
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
