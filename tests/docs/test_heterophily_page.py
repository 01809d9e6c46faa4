"""What docs/HETEROPHILY.md says runs as it stands there, and its models and recipes are those that there are."""

from __future__ import annotations

import re

import pytest

from graphlab.model.registry import MODELS, find_model
from tests.docs.blocks import ROOT, blocks

PAGE = "docs/HETEROPHILY.md"
TEXT = (ROOT / PAGE).read_text(encoding="utf-8")
ROWS = dict(re.findall(r"^\| `([\w-]+)` \|.*\| ([^|]*) \|$", TEXT, re.MULTILINE))


@pytest.mark.slow
def test_the_page_runs(shell, cli, tmp_path):
    python, bash = blocks(PAGE)
    assert (python.language, bash.language) == ("python", "bash")
    (tmp_path / "snippet.py").write_text(python.text)
    shown = shell(f"python {tmp_path / 'snippet.py'}")
    assert all(name in shown for name in ("gcn", "gprgnn", "linkx"))
    assert len(list((tmp_path / "runs").glob("*/result.json"))) == 6
    assert "hidden_dim" in shell(bash.text)


def test_the_table_names_settings_that_there_are():
    assert set(ROWS) <= set(MODELS.names()) and len(ROWS) == 10
    for name, hops in ROWS.items():
        fields = find_model(name).config.model_fields
        assert all(setting in fields for setting in re.findall(r"`(\w+)`", hops)), (name, hops)


def test_the_page_says_which_weights_and_samples_are_read():
    blind = {name for name in ROWS if "edge_weight" not in find_model(name).cls.edge_fields}
    assert blind == {"h2gcn", "gat-sep"} and "but for `h2gcn` and `gat-sep`" in TEXT
    sampled = {name for name in ROWS if not find_model(name).cls.needs_whole_graph}
    assert sampled == {"sage-sep", "gat-sep"} and "`sage-sep` and `gat-sep` train on" in TEXT


def test_the_page_says_whose_the_recipes_are():
    published = {name for name in ROWS if any(each.is_published for each in find_model(name).presets.values())}
    assert published == {"appnp", "gcnii", "sgc", "sage-sep", "gat-sep"}
    citation_networks = {name for name in published if any(k.startswith("planetoid") for k in find_model(name).presets)}
    assert citation_networks == {"appnp", "gcnii", "sgc"}
