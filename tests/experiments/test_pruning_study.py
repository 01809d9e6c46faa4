"""The study of pruning runs, small, and says what it did."""

from __future__ import annotations

import json

import pytest

import graphlab as gl
from graphlab.records.store import Store
from tests.experiments.loading import load_experiment


@pytest.fixture(scope="module")
def study():
    return load_experiment("pruning")


def run(study, monkeypatch, folder):
    words = "--datasets karate --levels 0.3,0.6 --seeds 2 --share 0.5 --epochs 6 --rewind-epoch 2"
    own = ["--store", str(folder / "runs"), "--out", str(folder / "study.json"), "--picture", str(folder / "p.svg")]
    monkeypatch.setattr("sys.argv", ["pruning.py", *words.split(), *own])
    study.main()
    return json.loads((folder / "study.json").read_text())


def test_every_method_has_a_row_a_level(study, monkeypatch, tmp_path):
    (entry,) = run(study, monkeypatch, tmp_path)
    assert entry["methods"].keys() == set(study.METHODS) and entry["rounds"][0] == 0.3 and entry["rounds"][-1] == 0.6
    frame = gl.runs(tmp_path / "runs")
    assert set(frame["status"]) == {"finished"}
    records = {record.id: record for record in Store(tmp_path / "runs").records()}
    rounds = len(entry["rounds"])
    assert len(records) == 2 * (1 + 3 * 2 + (1 + rounds) + 2 + rounds + 2)
    for name, rows in entry["methods"].items():
        assert [row["sparsity"] for row in rows] == [0.3, 0.6] and all(len(row["by seed"]) == 2 for row in rows)
        assert rows[1]["weight bits"] < rows[0]["weight bits"] < entry["dense"]["weight bits"], name
    controls = [each.spec for each in records.values() if each.spec.seed >= study.REDRAWN]
    assert len(controls) == 4 and all(
        records[spec.training["start"]].spec.seed == spec.seed - study.REDRAWN for spec in controls
    )
    ticket, redrawn = (entry["methods"][name][1]["by seed"] for name in ("ticket", "redrawn"))
    gap = sum(ticket[seed] - redrawn[seed] for seed in ticket) / 2
    assert entry["ticket minus redrawn"][1]["mean"] == pytest.approx(gap)
    assert (tmp_path / "p.svg").stat().st_size > 1000
    assert run(study, monkeypatch, tmp_path) == [entry], "a finished study says the same again"
    assert len(gl.runs(tmp_path / "runs")) == len(records)
