"""The study of networks that are cut out runs, small, and says what its runs came to."""

from __future__ import annotations

import json

import pytest

import graphlab as gl
from tests.experiments.loading import load_experiment


@pytest.fixture(scope="module")
def study():
    return load_experiment("cut_out")


def run(study, monkeypatch, folder):
    words = "--datasets karate --searches 1 --epochs 4 --training-epochs 3 --tuning-epochs 2"
    own = ["--store", str(folder / "runs"), "--out", str(folder / "study.json")]
    monkeypatch.setattr("sys.argv", ["cut_out.py", *words.split(), *own])
    study.main()
    return json.loads((folder / "study.json").read_text())


@pytest.mark.slow
def test_networks_stand_beside_themselves_trained_anew(study, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(study, "WAYS", {name: study.WAYS[name] for name in list(study.WAYS)[:3:2]})
    (entry,) = run(study, monkeypatch, tmp_path)
    assert entry["ways"].keys() == study.WAYS.keys()
    printed = capsys.readouterr().out
    for rows in entry["ways"].values():
        assert [row["network"] for row in rows] == ["smallest", "gcn", "middle", "largest", study.BEST]
        sizes = {row["network"]: row["parameters"]["mean"] for row in rows}
        assert sizes["smallest"] < sizes["gcn"] < sizes["middle"] < sizes["largest"]
        assert max(row["parameters"]["mean"] for row in rows if row["network"] == study.BEST) <= sizes["gcn"]
    anew = [[row["trained anew"] for row in rows[:4]] for rows in entry["ways"].values()]
    assert anew[0] == anew[1], "training anew has nothing to do with the supernet"
    space = study.find_space("elastic-gcn")
    model, settings = space.settings(space.smallest())
    runs = gl.run(model, "karate", seeds=1, store=tmp_path / "runs", device="cpu", epochs=3, **settings)
    assert anew[0][0]["values"] == [record.test_value for record in runs]
    cut = [run for run in gl.leaderboard("karate", store=tmp_path / "runs")["model"] if "cut out" in run]
    assert cut and f"{100 * anew[0][0]['mean']:.1f} ± {100 * anew[0][0]['std']:.1f}" in printed
    assert run(study, monkeypatch, tmp_path) == [entry], "a finished study says the same again"
