"""The tables of directed networks: what is stored, and what the page says of it."""

from __future__ import annotations

import json

import pytest

from tests.docs.blocks import ROOT
from tests.experiments.loading import load_experiment

STORED = ROOT / "experiments" / "results" / "studies" / "directed.json"


@pytest.fixture(scope="module")
def study():
    return load_experiment("directed_tables")


@pytest.fixture(scope="module")
def stored():
    return json.loads(STORED.read_text())


def test_the_page_has_the_stored_tables(study, stored):
    text = (ROOT / "docs" / "DIRECTED.md").read_text(encoding="utf-8")
    for lines in (study.table(stored), study.verdicts(stored), study.advised(stored)):
        assert "\n".join(lines) in text


def test_cells_have_ten_splits_and_settings_of_the_search(study, stored):
    for each in stored["cells"]:
        space = {**study.MODELS[each["model"]], **study.TRAINING}
        chosen = {name: value for name, value in each["settings"].items() if name not in study.LENGTH}
        assert set(chosen) == set(space) and all(value in space[name] for name, value in chosen.items())
        assert len(each["test"]) == len(each["validation"]) == 10
        assert each["trials"] == (5 if each["model"] == "adpa" else 10)


def test_the_advice_is_right_where_validation_agrees(study):
    def cell(model: str, validation: float) -> dict[str, object]:
        return {"dataset": "texas", "model": model, "validation": [validation] * 2, "test": [0.5, 0.5]}

    advice = [{"dataset": "texas", "score": 0.3, "keeps_direction": True}]
    for dir_gnn, right in ((0.8, "yes"), (0.6, "no")):
        cells = [cell("dir-gnn", dir_gnn), cell("magnet", 0.5), cell("mlp", 0.7), cell("gcn", 0.6)]
        (*_, line) = study.advised({"cells": cells, "advice": advice})
        assert line == f"| texas | 0.30 | with | `dir-gnn` {100 * dir_gnn:.1f} | `mlp` 70.0 | {right} |"
