"""What docs/LINK_MODELS.md says runs as it stands there, and the models that it names are those that there are."""

from __future__ import annotations

import re

import pytest

from graphlab.model.base import LinkModel
from graphlab.model.registry import MODELS, find_model
from tests.docs.blocks import ROOT, blocks

PAGE = "docs/LINK_MODELS.md"
TEXT = (ROOT / PAGE).read_text(encoding="utf-8")


@pytest.mark.slow
def test_the_page_runs(shell, cli, tmp_path):
    page = blocks(PAGE)
    assert [block.language for block in page] == ["python", "bash", "python", "python"]
    (bash,) = (block for block in page if block.language == "bash")
    (tmp_path / "snippet.py").write_text("\n".join(block.text for block in page if block.language == "python"))
    shown = shell(f"python {tmp_path / 'snippet.py'}")
    assert "(2, 100)" in shown and all(name in shown for name in ("common-neighbours", "gae", "ncn"))
    assert len(list((tmp_path / "runs").glob("*/result.json"))) == 5
    assert "torch.Size([100, 128])" in shown and "torch.Size([100, 32])" in shown
    assert "hidden_dim" in shell(bash.text)


def test_the_table_names_the_models_of_links():
    rows = [line.split("|")[1] for line in TEXT.splitlines() if line.startswith("| `")]
    named = {name for row in rows for name in re.findall(r"`([\w-]+)`", row)}
    models = {name for name in MODELS.names() if issubclass(find_model(name).cls, LinkModel)}
    assert named <= models
    assert {"link-encoder", "lightgcn", "node2vec", "fastrp", "vgae", "ncn", "ncnc", "buddy", "seal"} <= named


def test_the_page_says_whose_the_recipes_are():
    published = {"gae", "vgae", "lightgcn", "node2vec", "seal"}
    for name in published | {"link-encoder", "ncn", "ncnc", "buddy"}:
        assert find_model(name).presets["link-prediction"].is_published == (name in published)
