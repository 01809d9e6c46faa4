"""What the study of BREC keeps: its control, its claims against the classes, and the published totals."""

from __future__ import annotations

import json

import pytest

from graphlab.data.adapters.brec import SCHEMA
from tests.docs.blocks import ROOT
from tests.experiments.loading import load_experiment

STUDIES = ROOT / "experiments" / "results" / "studies"
STUDY = {entry["model"]: entry for entry in json.loads((STUDIES / "brec.json").read_text())}
EXACT = json.loads((STUDIES / "expressiveness.json").read_text())["ceilings"]["brec"]
SIZES = {name: end - first for name, (first, end) in SCHEMA.items()} | {"total": 400}


@pytest.fixture(scope="module")
def study():
    return load_experiment("brec")


def test_the_published_totals(study):
    totals = {name: sum(counts) for name, counts in study.PUBLISHED.items()}
    assert (totals["3-WL"], totals["PPGN"], totals["I2-GNN"], totals["Graphormer"]) == (270, 233, 281, 79)
    assert sorted(name for group in study.GROUPS.values() for name in group) == sorted(SCHEMA)


def test_the_control_is_told_nothing_by_the_calibrated_rule():
    total = STUDY["gin"]["table"][-1]
    assert (total["pairs"], total["failed"], total["ceiling"]) == (400, 0, 0)
    assert total["calibrated"] == 0
    assert total["official"] == total["official_beyond"] == len(STUDY["gin"]["beyond"]["official"])


@pytest.mark.parametrize("model", STUDY)
def test_no_model_is_credited_with_more_than_its_class(model):
    entry = STUDY[model]
    assert not entry["beyond"]["calibrated"]
    for line in entry["table"]:
        if line["pairs"] == SIZES[line["category"]]:
            assert line["ceiling"] == EXACT[entry["test"]][line["category"]]
        assert line["calibrated"] <= line["ceiling"]
