"""What docs/DATA.md and docs/OWN_DATA.md say runs as it stands there."""

from __future__ import annotations

import shlex

import pytest

from tests.docs.blocks import ROOT, blocks

OWN_DATA, DATA = "docs/OWN_DATA.md", "docs/DATA.md"


def texts(page: str, language: str, mark: str = "") -> list[str]:
    return [block.text for block in blocks(page) if (block.language, block.mark) == (language, mark)]


def test_every_block_is_run():
    assert {(block.language, block.mark) for block in blocks(OWN_DATA)} == {("python", ""), ("bash", "")}
    assert {(block.language, block.mark) for block in blocks(DATA)} == {("python", "real_data")}


@pytest.mark.slow
def test_python_of_own_data(shell, own_files):
    (own_files / "snippet.py").write_text("".join(texts(OWN_DATA, "python")))
    shown = shell("python snippet.py")
    assert "own/club-" in shown and "@stratified-20/20/60" in shown and "licence" in shown
    assert "own/TwoLayers-" in shown and "hidden" in shown
    assert (own_files / "club.svg").exists()


def test_commands_of_own_data(cli, own_files, monkeypatch):
    monkeypatch.chdir(own_files)
    monkeypatch.setenv("GRAPHLAB_STORE", str(own_files / "runs"))
    shown = ""
    for line in "".join(texts(OWN_DATA, "bash")).splitlines():
        done = cli(*shlex.split(line)[1:])
        assert done.code == 0 and done.out, f"{line}\n{done.out}\n{done.err}"
        shown += done.out
    assert "own/friends-" in shown and "own/family-" in shown and "ida" in shown


@pytest.mark.slow
@pytest.mark.real_data
def test_python_of_data(shell, tmp_path):
    (tmp_path / "snippet.py").write_text("".join(texts(DATA, "python", "real_data")))
    assert "26 of 661 test triples" in shell("python snippet.py")


def test_links_lead_somewhere():
    text = (ROOT / OWN_DATA).read_text(encoding="utf-8")
    anchors = {
        f"#{line.lstrip('# ').lower().replace(' ', '-')}" for line in text.splitlines() if line.startswith("## ")
    }
    linked = {part.partition(")")[0] for part in text.split("](")[1:] if part.startswith("#")}
    assert linked and linked == anchors
