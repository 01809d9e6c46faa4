"""What docs/WEIGHTS.md says runs as it stands there, and its figures are those of the study."""

from __future__ import annotations

import json
import shlex

import pytest
import torch

import graphlab as gl
from tests.docs.blocks import ROOT, blocks
from tests.model.test_weight_formats import tensors

PAGE = "docs/WEIGHTS.md"
TEXT = (ROOT / PAGE).read_text(encoding="utf-8")
FACTS = "anna mother bob|bob father cara|anna mother dan|dan father eve|eve sister fay|anna grandmother cara"
STUDY = json.loads((ROOT / "experiments" / "results" / "studies" / "zero_shot_grail.json").read_text())


@pytest.fixture
def folder(tmp_path, truth, monkeypatch):
    """A working folder with the published weights and a folder of facts."""
    torch.save({"model": tensors(truth("../truth_zoo/ultra_3g"))}, tmp_path / "ultra_3g.pth")
    (tmp_path / "family").mkdir()
    (tmp_path / "family" / "train.txt").write_text(FACTS.replace(" ", "\t").replace("|", "\n") + "\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GRAPHLAB_STORE", str(tmp_path / "runs"))
    return tmp_path


@pytest.mark.real_data
def test_commands(cli, folder):
    (bash,) = (block for block in blocks(PAGE) if block.language == "bash")
    for line in bash.text.splitlines():
        done = cli(*shlex.split(line)[1:])
        assert done.code == 0 and done.out, f"{line}\n{done.out}\n{done.err}"
    assert len(gl.runs()) == 2


@pytest.mark.real_data
@pytest.mark.slow
def test_the_snippet(folder, capsys):
    (python,) = (block for block in blocks(PAGE) if block.language == "python")
    names: dict = {}
    exec(python.text, names)
    shown = capsys.readouterr().out
    assert "ultra (weights of others)" in shown and "model.edges=along" in shown
    assert names["tuned"][0].spec.training["start"] == names["runs"][0].id


def test_every_format_has_a_row():
    for name in gl.weight_formats()["name"]:
        assert f"| `{name}` |" in TEXT


@pytest.mark.parametrize("row", STUDY["rows"], ids=lambda row: row["dataset"])
def test_the_figures_are_those_of_the_study(row):
    assert abs(row["difference"]) <= 2e-4 and row["seconds_a_query"] <= 1
    values = [row["reference_mrr"], *(row[reading]["mrr"] for reading in ("published", "inverse marks", "along"))]
    line = " | ".join([f"| {row['dataset']}", *(f"{value:.4f}" for value in values), f"{row['seconds_a_query']:.2f}"])
    assert f"{line} |" in TEXT


def test_all_eight_graphs_are_there():
    assert len({row["dataset"] for row in STUDY["rows"]}) == 8 == len(STUDY["rows"])
