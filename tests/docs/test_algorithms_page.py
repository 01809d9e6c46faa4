"""What docs/ALGORITHMS.md shows runs as it stands there."""

from __future__ import annotations

import ast

from tests.docs.blocks import blocks

PAGE = "docs/ALGORITHMS.md"


def test_the_page_runs(capsys):
    tracing, sparse, learning, learning_sparse = blocks(PAGE)
    exec(compile(tracing.text, PAGE, "exec"), {})
    printed = capsys.readouterr().out
    for text in ("(32, 16, 16) (32, 16)", "[0 0 1]", "\n32 64\n", "Split(count=2048, size=64, seed=3)"):
        assert text in printed
    assert "Probe(name='pi'" in printed
    exec(compile(sparse.text, PAGE, "exec"), {})
    printed = capsys.readouterr().out
    for text in ("(1600,) (1601, 1600)\n", "[0 1 0] (2, 4)\n", "2 7 True\n", "{'node_accuracy': "):
        assert text in printed
    exec(compile(learning.text, PAGE, "exec"), {})
    assert 0 <= float(capsys.readouterr().out) <= 1
    exec(compile(learning_sparse.text, PAGE, "exec"), {})
    assert 0 <= ast.literal_eval(capsys.readouterr().out)["pi"]["node_accuracy"] <= 1
