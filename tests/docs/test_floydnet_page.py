"""What docs/FLOYDNET.md shows runs as it stands there."""

from __future__ import annotations

from tests.docs.blocks import blocks

PAGE = "docs/FLOYDNET.md"


def test_the_page_runs(capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("GRAPHLAB_STORE", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    for block in blocks(PAGE):
        exec(compile(block.text, PAGE, "exec"), {})
    out = capsys.readouterr().out
    for expected in ("torch.Size([2, 4, 9, 9, 16])", "['layers.0.qkv.weight']", "of 4 pairs it tells apart 3; FWL(2)"):
        assert expected in out, expected
