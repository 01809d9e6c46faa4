"""What docs/LCM.md says runs as it stands there, and its figures are those of the study."""

from __future__ import annotations

import json
from statistics import fmean

import pytest
import torch

from tests.docs.blocks import ROOT, blocks

STUDIES = ROOT / "experiments" / "results" / "studies"


def test_the_page_runs():
    (python,) = blocks("docs/LCM.md")
    names: dict = {}
    exec(python.text, names)
    out = names["aggregation"](names["values"], names["index"], 4)
    assert torch.equal(out, names["out"]) and out.shape == (4, 16)
    assert names["aggregation"].monoid.cell.weight_ih.grad.any()


@pytest.mark.parametrize("arm", ["lcm", "pna", "max", "sum"])
def test_the_page_says_what_the_study_has(arm):
    runs = [row for row in json.loads((STUDIES / "second_minimum.json").read_text())["runs"] if row["arm"] == arm]
    shares = [[row["accuracy"][size] for row in runs] for size in ("16", "32", "64")]
    shares.append([row["stability"]["32"] for row in runs])
    text = (ROOT / "docs" / "LCM.md").read_text(encoding="utf-8")
    assert " | ".join([f"| {arm}", *(f"{100 * fmean(share):.1f}" for share in shares)]) + " |" in text
    seconds = [row["seconds"] for row in runs]
    assert f"{min(seconds):.0f} to {max(seconds):.0f}" in text


def test_the_page_says_what_the_control_has():
    rows = json.loads((STUDIES / "second_minimum_distinct.json").read_text())["runs"]
    at_32 = {row["arm"]: f"{100 * row['accuracy']['32']:.1f}" for row in rows}
    text = (ROOT / "docs" / "LCM.md").read_text(encoding="utf-8")
    assert at_32["lcm"] == at_32["pna"]
    assert f"LCM and PNA have {at_32['pna']} at 32 elements, maximum {at_32['max']} and sum {at_32['sum']}" in " ".join(
        text.split()
    )
