"""Leaderboards as text: every format parses, and hostile names stay text."""

from __future__ import annotations

import csv
import html
import io
import json

import pytest
from rich.console import Console

from graphlab.comparison import bibtex, export_leaderboard, leaderboard_rows, leaderboard_table
from graphlab.comparison.rows import spread_notes
from graphlab.core.errors import UnknownNameError
from graphlab.experiment.views import leaderboard_html
from tests.comparison.records_made import records

DATASET = "planetoid/cora"


def test_csv_has_every_row_with_full_precision():
    lines = list(csv.DictReader(io.StringIO(export_leaderboard(DATASET, records(0.8123456, 0.82), "csv"))))
    assert len(lines) == 4
    gcn = next(line for line in lines if line["model"] == "gcn")
    assert float(gcn["ours"]) == pytest.approx(0.8161728)
    assert gcn["source"] == "Kipf and Welling 2017, Table 2"


def test_json_is_the_leaderboard():
    assert json.loads(export_leaderboard(DATASET, [], "json"))["dataset"] == DATASET


def test_latex_is_balanced_and_cites():
    text = export_leaderboard(DATASET, records(0.81, 0.82, model="a_b&c%"), "latex")
    assert r"a\_b\&c\%" in text
    assert r"\toprule" in text
    assert r"\cite{kipf2017}" in text
    rows = text.split(r"\midrule")[1].split(r"\bottomrule")[0].strip().splitlines()
    assert all(row.replace(r"\&", "").count("&") == 7 for row in rows)


def test_markdown_cells_cannot_break_the_table():
    text = export_leaderboard(DATASET, records(0.81, 0.82, model="a|b"), "markdown")
    assert r"a\|b" in text


def test_bibtex_has_each_source_once():
    text = bibtex(leaderboard_rows(DATASET, []))
    assert text.count("@inproceedings{kipf2017,") == 1
    assert "author = {Kipf, Thomas N. and Welling, Max}" in text
    assert "author = {Veličković, Petar and Cucurull, Guillem and Casanova, Arantxa and Romero, Adriana" in text
    assert "booktitle = {International Conference on Learning Representations}" in text


def test_line_breaks_enter_no_caption_and_no_row():
    runs = records(0.8, 0.9, model="a\nb", dataset="own\n\ndata")
    text = export_leaderboard("own\n\ndata", runs, "latex")
    assert r"\caption{own data: mean" in text and "\na b & accuracy" in text


def test_an_unknown_format_lists_the_known():
    with pytest.raises(UnknownNameError, match="markdown"):
        export_leaderboard(DATASET, [], "markdow")


def test_the_terminal_table_shows_markup_as_text():
    console = Console(width=160, record=True, file=io.StringIO())
    console.print(leaderboard_table(DATASET, records(0.81, 0.82, model="[red]x[/red]")))
    text = console.export_text()
    assert "[red]x[/red]" in text
    assert "0.815 ± 0.007 (2)" in text


def test_values_have_as_many_decimals_as_are_published():
    """The errors that are published of ZINC differ in the fourth."""
    runs = records(
        0.07512,
        0.07534,
        model="subgraph/pswl-sv",
        dataset="zinc/12k",
        metric="mae",
        split="fixed",
        task="graph-prediction",
    )
    console = Console(width=200, record=True, file=io.StringIO())
    console.print(leaderboard_table("zinc/12k", runs))
    shown = (
        console.export_text(),
        export_leaderboard("zinc/12k", runs),
        leaderboard_html("", leaderboard_rows("zinc/12k", runs)),
    )
    for text in (each.replace("\N{NO-BREAK SPACE}", " ") for each in shown):
        assert "0.0752 ± 0.0030" in text and "0.0752 ± 0.0002 (2)" in text and "+0.0000" in text


def test_notes_say_what_published_deviations_are_of_and_which_numbers_are_recalled():
    zinc, kinship = leaderboard_rows("zinc/12k", []), leaderboard_rows("kg/kinship", [])
    cora = leaderboard_rows(DATASET, [])
    assert spread_notes(zinc) == [
        "published ± of the population (n), compared as sample deviations (n - 1): Zhang et al. 2023, the authors' logs"
    ]
    assert spread_notes(cora)[0].startswith("published ± not stated to be of n or n - 1")
    assert any(note.startswith("recalled") and "Lin et al. 2018, Table 3" in note for note in spread_notes(kinship))
    assert spread_notes(leaderboard_rows("kg/nations", records(0.5, dataset="kg/nations"))) == []


@pytest.mark.parametrize("form", ["markdown", "latex", "html", "terminal"])
def test_every_rendered_table_has_the_notes(form):
    rows = leaderboard_rows("zinc/12k", [])
    console = Console(width=200, record=True, file=io.StringIO())
    console.print(leaderboard_table("zinc/12k", []))
    texts = {
        "terminal": console.export_text(),
        "html": html.unescape(leaderboard_html("zinc/12k", rows)),
        **{each: export_leaderboard("zinc/12k", [], each) for each in ("markdown", "latex")},
    }
    assert "of the population (n), compared as sample deviations (n - 1)" in texts[form]


def test_data_say_what_deviations_are_of():
    (line, *_) = csv.DictReader(io.StringIO(export_leaderboard("zinc/12k", [], "csv")))
    assert (line["published_std_of"], line["published_n"], line["certainty"]) == ("population", "10", "read")
    (row, *_) = json.loads(export_leaderboard("zinc/12k", [], "json"))["rows"]
    assert row["published"]["std_of"] == "population" and row["published"]["certainty"] == "read"


def test_html_escapes_hostile_names():
    rows = leaderboard_rows("<i>d</i>", records(0.8, 0.9, model="<script>alert(1)</script>", dataset="<i>d</i>"))
    text = leaderboard_html("<i>d</i>", rows)
    assert "<script" not in text
    assert "<i>" not in text


def test_title_and_notes_of_a_narrow_table_are_not_broken():
    console = Console(width=100, record=True, file=io.StringIO())
    console.print(leaderboard_table("karate", records(0.9, model="m", dataset="karate")))
    lines = console.export_text().splitlines()
    assert lines[0] == "karate, accuracy on test"
    assert lines[-1] == "mean ± sample standard deviation (runs)"
