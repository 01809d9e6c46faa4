"""The study of built networks: every network trained over its seeds, beside its row of the table."""

from __future__ import annotations

import json
import statistics

import pytest
from scipy.stats import kendalltau

import graphlab as gl
from graphlab.core.seeds import SeedStream
from graphlab.nas.registry import find_table
from tests.docs.blocks import ROOT
from tests.experiments.loading import load_experiment


@pytest.mark.slow
@pytest.mark.real_data
def test_networks_are_trained_over_seeds_and_set_beside_their_rows(tmp_path, monkeypatch):
    out = tmp_path / "found.json"
    options = ["--num", "4", "--seeds", "2", "--epochs", "2", "--store", str(tmp_path / "runs"), "--out", str(out)]
    monkeypatch.setattr("sys.argv", ["nas_built_networks.py", *options])
    load_experiment("nas_built_networks").main()
    found, table = json.loads(out.read_text()), find_table("nas-bench-graph/cora")
    assert (found["architectures"], found["seeds"]) == (4, 2)
    assert len({line["key"] for line in found["networks"]}) == 4
    trained = gl.runs(tmp_path / "runs")
    assert len(trained) == 8
    for line in found["networks"]:
        assert line["failed"] == 0
        assert line["table test"] == table.test[table.rows[line["key"]]]
    line = found["networks"][0]
    model, settings = table.space.settings(table.architectures[table.rows[line["key"]]])
    again = gl.run(model, "planetoid/cora", seeds=2, store=tmp_path / "runs", **settings, **{"training.epochs": 2})
    assert line["test"] == statistics.fmean(record.result.test["accuracy"] for record in again.records)
    columns = zip(*((line["validation"], line["table validation"]) for line in found["networks"]), strict=True)
    assert found["tau, validation"][0] == pytest.approx(kendalltau(*columns)[0], nan_ok=True)
    assert set(found["regret of half"]) == {"best", "retrained", "tested"}


@pytest.mark.parametrize("part", ["validation", "test"])
def test_the_kept_tau_is_that_of_the_kept_means(part):
    kept = json.loads((ROOT / "experiments" / "results" / "studies" / "nas_built_networks.json").read_text())
    networks = [line for line in kept["networks"] if part in line]
    assert len(networks) == kept["architectures"] - sum(line["failed"] == kept["seeds"] for line in kept["networks"])
    found = kendalltau([line[part] for line in networks], [line[f"table {part}"] for line in networks])[0]
    assert kept[f"tau, {part}"][0] == pytest.approx(found)


def test_a_rule_that_knows_more_of_a_network_has_less_regret():
    """Validation is luck alone here, and tests repeat themselves but for a little."""
    random = SeedStream(0).numpy()
    lines = [
        {"validation": random.random(), "test": test, "table validation": random.random(), "table test": test + luck}
        for test, luck in zip(random.random(60), 0.01 * random.random(60), strict=True)
    ]
    found = load_experiment("nas_built_networks").regrets(lines)
    assert found["tested"] < 1.5
    assert min(found["best"], found["retrained"]) > 10
    for line in lines:
        line["validation"] = line["test"]
    again = load_experiment("nas_built_networks").regrets(lines)
    assert again["tested"] == found["tested"] and again["best"] == found["best"]
    assert again["tested"] < again["retrained"] < again["best"] / 2
