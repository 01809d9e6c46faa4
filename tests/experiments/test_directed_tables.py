"""The tables of directed networks: what is stored, and what the page says of it."""

from __future__ import annotations

import argparse
import json

import pytest

import graphlab as gl
from graphlab.records.store import Store
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
    assert study.hit_rate(stored) in " ".join(text.split())


def test_cells_have_ten_splits_and_settings_of_the_search(study, stored):
    for each in stored["cells"]:
        space = {**study.MODELS[each["model"]], **study.TRAINING}
        fixed = study.fixed_of(each["dataset"])
        chosen = {name: value for name, value in each["settings"].items() if name not in fixed}
        assert {name: each["settings"][name] for name in fixed} == fixed
        assert set(chosen) == set(space) and all(value in space[name] for name, value in chosen.items())
        assert len(each["test"]) == len(each["validation"]) == 10
        assert each["trials"] == (5 if each["model"] == "adpa" else 10)


def cell(model: str, *validation: float, dataset: str = "texas") -> dict[str, object]:
    return {"dataset": dataset, "model": model, "validation": list(validation), "test": [0.5, 0.5]}


def kept(dataset: str = "texas") -> dict[str, object]:
    return {"dataset": dataset, "score": 0.3, "keeps_direction": True}


def test_the_advice_is_right_where_validation_agrees(study):
    for dir_gnn, right in ((0.8, "yes"), (0.6, "no")):
        validation = {"dir-gnn": dir_gnn, "magnet": 0.5, "mlp": 0.7, "gcn": 0.6}
        cells = [cell(model, each, each) for model, each in validation.items()]
        (*_, line) = study.advised({"cells": cells, "advice": [kept()]})
        assert line == f"| texas | 0.30 | with | `dir-gnn` {100 * dir_gnn:.1f} | `mlp` 70.0 | {right} |"


def test_a_directed_network_on_edges_both_ways_is_without_direction(study):
    cells = [cell("dir-gnn", 0.8, 0.8), cell("mlp", 0.7, 0.7), cell("dir-gnn-undirected", 0.9, 0.9)]
    (*_, line) = study.advised({"cells": cells, "advice": [kept()]})
    assert line == "| texas | 0.30 | with | `dir-gnn` 80.0 | `dir-gnn-undirected` 90.0 | no |"


def test_hits_are_counted_beside_advice_that_is_always_the_same_and_where_the_difference_is_clear(study):
    cells = [cell("dir-gnn", 0.80, 0.82), cell("mlp", 0.70, 0.71)]
    cells += [cell("magnet", 0.5, 0.9, dataset="film"), cell("gcn", 0.9, 0.6, dataset="film")]
    cells += [cell("mlp", 0.9, 0.9, dataset="cora")]
    assert study.hit_rate({"cells": cells, "advice": [kept(), kept("film"), kept("cora")]}) == (
        "The advice is right on 1 of 2 data sets (always with: 1, always without: 1). Where both differ by more than "
        "two standard errors over the splits, it is right on 1 of 1 data sets (always with: 1, always without: 0)."
    )


def test_what_is_there_for_the_advice_has_no_table(study):
    cells = [cell("mlp", 0.7), cell("mlp", 0.7, dataset="film"), cell("gcn", 0.7, dataset="film")]
    assert study.table({"cells": cells}) == ["| model | texas |", "| --- | --- |", "| `mlp` | 50.0 ± 0.0 |"]
    assert study.models_of("texas") == tuple(study.MODELS)
    assert study.models_of("film") == ("mlp", "gcn", "dir-gnn", "magnet", "dir-gnn-undirected", "magnet-undirected")


def test_models_without_direction_see_each_edge_both_ways(study):
    shown = {model: study.data_of("direction-1", model) for model in study.MODELS}
    both_ways = {model: data for model, data in shown.items() if not isinstance(data, str)}
    assert set(both_ways) == {"gcn", "dir-gnn-undirected", "magnet-undirected"}
    assert not any(data.spec.directed for data in both_ways.values())


def test_experiment_files_are_those_of_the_stored_cells(study, stored):
    files = {path.name: path.read_text(encoding="utf-8") for path in (ROOT / "experiments").glob("directed_*.yaml")}
    assert files == study.experiments(stored), "python experiments/directed_tables.py --write-experiments"


def test_an_experiment_file_does_the_runs_of_the_study(study, tmp_path):
    """On a block model, and where models are shown a column a node: what the study trained is not trained again."""
    options = argparse.Namespace(trials=1, seeds=2, store=tmp_path / "runs")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(study.LENGTH, "training.epochs", 2)
        patch.setattr(study, "FEATURELESS", ("direction-1",))
        cells = [study.cell("direction-1", model, options) for model in ("mlp", "magnet", "magnet-undirected")]
        (text,) = study.experiments({"cells": cells}).values()
    (tmp_path / "study.yaml").write_text(text)
    before = {record.id for record in Store(tmp_path / "runs").records()}
    comparison = gl.reproduce(tmp_path / "study.yaml", store=tmp_path / "runs", progress=False)
    assert {record.id for record in Store(tmp_path / "runs").records()} == before
    for runs, row in zip(comparison.runs, cells[:2], strict=True):
        assert runs.model == row["model"]
        assert [record.result.test["accuracy"] for record in runs.records] == row["test"]
