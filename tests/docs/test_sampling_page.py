"""What docs/SAMPLING.md says runs as it stands there, and its lists of models are those that there are."""

from __future__ import annotations

import shlex

import pytest

from graphlab.model.layered import LayeredModel
from graphlab.model.registry import MODELS, find_model
from tests.docs.blocks import ROOT, blocks

PAGE = "docs/SAMPLING.md"


@pytest.mark.slow
def test_the_page_runs(shell, cli, tmp_path, monkeypatch):
    python, bash = blocks(PAGE)
    assert (python.language, bash.language) == ("python", "bash")
    monkeypatch.setenv("GRAPHLAB_STORE", str(tmp_path / "runs"))
    (tmp_path / "snippet.py").write_text(python.text)
    shown = shell(f"python {tmp_path / 'snippet.py'}")
    assert "torch.Size([34, 2])" in shown
    done = cli(*shlex.split(bash.text)[1:], "--json")
    assert done.code == 0, done.err
    assert len(list((tmp_path / "runs").glob("*/result.json"))) == 1, "both ways say the same run"


def test_the_page_names_the_models_that_are_evaluated_layer_by_layer():
    text = (ROOT / PAGE).read_text(encoding="utf-8")
    layered = [name for name in MODELS.names() if issubclass(find_model(name).cls, LayeredModel)]
    assert layered == ["gat-sep", "gcn", "sage", "sage-sep"]
    assert "`gat-sep`, `gcn`, `sage` and `sage-sep` are evaluated layer by\nlayer" in text
