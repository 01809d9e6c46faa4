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


def portion(pairs: str, category: str, told: int, missed: list[int]) -> dict:
    line = {"seed": 0, "category": category, "pairs": 2, "failed": 0, "official": told, "official_unreliable": 0}
    line |= {"calibrated": told, "counts": True}
    return {
        "model": "ppgn-normalised",
        "pairs": pairs,
        "settings": {"num_layers": 8},
        "table": [line, line | {"category": "total"}],
        "beyond": {"official": [], "calibrated": []},
        "missed": missed,
    }


def test_portions_of_one_model_add_up(study):
    first, second, third = (
        portion("360,361", "4Vertex", 0, [360]),
        portion("1,2", "Basic", 2, []),
        portion("3", "Basic", 1, [3]),
    )
    whole = study.joined(study.joined(first, second), third)
    assert (whole["pairs"], whole["missed"]) == ("360,361,1,2,3", [3, 360])
    assert [(line["category"], line["pairs"], line["official"], line["counts"]) for line in whole["table"]] == [
        ("Basic", 4, 3, True),
        ("4Vertex", 2, 0, True),
        ("total", 6, 3, True),
    ]
    assert json.loads(json.dumps(whole)) == whole


def test_the_last_portion_makes_the_study_whole(study):
    assert study.joined(portion("0:399", "Basic", 1, []), portion("399", "DistanceRegular", 0, []))["pairs"] == "all"


def test_what_is_trained_again_or_otherwise_replaces_the_study(study):
    old, new = portion("0:60", "Basic", 2, []), portion("59", "Basic", 1, [59])
    assert study.joined(old, new) == new
    other = portion("61", "Regular", 1, []) | {"settings": {"num_layers": 4}}
    assert study.joined(old, other) == other
