"""What docs/TABLES.md says runs as it stands there."""

from __future__ import annotations

import shlex

import pytest

from tests.docs.blocks import ROOT, blocks

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


def test_links_lead_somewhere():
    text = (ROOT / PAGE).read_text(encoding="utf-8")
    for line in (line for line in text.splitlines() if line.startswith("- [")):
        anchor = line.partition("(#")[2].partition(")")[0]
        assert any(heading.startswith("#") and anchor == _anchor(heading) for heading in text.splitlines()), line


def _anchor(heading: str) -> str:
    return heading.lstrip("# ").lower().replace(",", "").replace(" ", "-")
