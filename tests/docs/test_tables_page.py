"""What docs/TABLES.md says runs as it stands there."""

from __future__ import annotations

import shlex

import pytest

from graphlab.comparison.numbers import published, published_datasets
from tests.docs.blocks import ROOT, blocks
from tests.docs.tables import PAGE_TABLES, written

PAGE = "docs/TABLES.md"
BLOCKS = blocks(PAGE)


def texts(language: str) -> list[str]:
    return [block.text for block in BLOCKS if block.language == language]


def test_every_block_is_run():
    assert {(block.language, block.mark) for block in BLOCKS} == {("python", ""), ("bash", "")}


@pytest.mark.slow
def test_python(shell, tmp_path):
    (tmp_path / "snippet.py").write_text("".join(texts("python")))
    shown = shell("python snippet.py")
    assert "p-values corrected by Holm's method" in shown and r"\begin{tabular}{lcc}" in shown


def test_commands(cli, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GRAPHLAB_STORE", str(tmp_path / "runs"))
    for line in "".join(texts("bash")).splitlines():
        done = cli(*shlex.split(line)[1:])
        assert done.code == 0 and done.out, f"{line}\n{done.out}\n{done.err}"


@pytest.mark.parametrize("mark", sorted(PAGE_TABLES))
def test_tables_are_those_of_the_published_numbers(mark):
    text = (ROOT / PAGE).read_text(encoding="utf-8")
    assert written(text, mark, PAGE_TABLES[mark]()) == text, "python -m tests.docs.tables writes them"


def test_the_page_counts_what_is_recalled():
    numbers = [number for dataset in published_datasets() for number in published(dataset)]
    recalled = sum(number.certainty == "recalled" for number in numbers)
    assert f"{recalled} of {len(numbers)} published numbers" in (ROOT / PAGE).read_text(encoding="utf-8")


def test_links_lead_somewhere():
    text = (ROOT / PAGE).read_text(encoding="utf-8")
    for line in (line for line in text.splitlines() if line.startswith("- [")):
        anchor = line.partition("(#")[2].partition(")")[0]
        assert any(heading.startswith("#") and anchor == _anchor(heading) for heading in text.splitlines()), line


def _anchor(heading: str) -> str:
    return heading.lstrip("# ").lower().replace(",", "").replace(" ", "-")
