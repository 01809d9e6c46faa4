"""What docs/TOPOLOGY.md shows runs as it stands there."""

from __future__ import annotations

import shlex

from tests.docs.blocks import blocks

PAGE = "docs/TOPOLOGY.md"


def test_the_page_runs(cli, tmp_path, monkeypatch, capsys):
    python, bash = blocks(PAGE)
    monkeypatch.setenv("GRAPHLAB_STORE", str(tmp_path / "runs"))
    monkeypatch.chdir(tmp_path)
    exec(compile(python.text, PAGE, "exec"), {})
    printed = capsys.readouterr().out
    for text in (
        "240 nodes, 1 split",
        "K = 2",
        "common-neighbours on own/caves",
        "Correlation(kind='spearman'",
        "auroc",
    ):
        assert text in printed
    written = tmp_path / "topology.html"
    assert "caves" in written.read_text()
    written.unlink()
    assert cli(*shlex.split(bash.text)[1:]).code == 0
    assert written.exists()
