"""What the commands print, in the shapes that are promised."""

import json
import subprocess
import sys

import pytest

QUICK = ("--set", "training.epochs=3")
EXPLODES = ("--set", "optimizer=sgd", "--set", "lr=1000", "--set", "weight_decay=1000.0")


def numbers_only(value):
    """No formatted strings where numbers belong: everything under metrics is a float or an int."""
    return all(isinstance(v, int | float) and not isinstance(v, bool) for v in value.values())


def test_run_json(cli, tmp_path):
    done = cli("run", "gcn", "karate", "--seeds", "2", "--store", tmp_path, "--json", *QUICK)
    assert done.code == 0
    shown = done.json
    assert list(shown) == ["model", "dataset", "metric", "direction", "runs", "summary"]
    assert (shown["model"], shown["dataset"], shown["metric"], shown["direction"]) == (
        "gcn",
        "karate",
        "accuracy",
        "max",
    )
    assert [run["seed"] for run in shown["runs"]] == [0, 1]
    for run in shown["runs"]:
        keys = {"id", "seed", "status", "best_epoch", "validation", "test", "seconds", "num_parameters"}
        assert set(run) == keys
        assert run["status"] == "finished"
        assert numbers_only(run["validation"]) and numbers_only(run["test"])
        assert 0 <= run["test"]["accuracy"] <= 1
    assert set(shown["summary"]) == {"n", "failed", "mean", "std", "ci95"}
    assert (shown["summary"]["n"], shown["summary"]["failed"]) == (2, 0)
    low, high = shown["summary"]["ci95"]
    assert low <= shown["summary"]["mean"] <= high


def test_a_second_call_gives_the_same_without_running(cli, tmp_path):
    command = ("run", "gcn", "karate", "--seeds", "0:2", "--store", tmp_path, "--json", *QUICK)
    assert cli(*command).json == cli(*command).json


def test_seed_zero_alone(cli, tmp_path):
    done = cli("run", "gcn", "karate", "--seeds", "0,", "--store", tmp_path, "--json", *QUICK)
    assert [run["seed"] for run in done.json["runs"]] == [0]
    assert done.json["summary"] | {"mean": None} == {"n": 1, "failed": 0, "mean": None, "std": None, "ci95": None}


def test_run_for_people_names_every_seed(cli, tmp_path):
    done = cli("run", "mlp", "karate", "--seeds", "1,4", "--store", tmp_path, *QUICK)
    assert done.code == 0
    assert "mlp on karate" in done.out
    assert "finished" in done.out


def test_failed_seeds_are_shown_and_exit_with_one(cli, tmp_path):
    command = ("run", "gcn", "karate", "--seeds", "2", "--store", tmp_path, *EXPLODES)
    done = cli(*command, "--json")
    assert done.code == 1
    assert {run["status"] for run in done.json["runs"]} == {"failed"}
    assert done.json["runs"][0]["error"]["kind"] == "divergence"
    assert done.json["summary"]["failed"] == 2
    assert done.json["summary"]["mean"] is None
    assert "seed 0 failed" in done.err
    assert "failed" in cli(*command).out


def test_settings_by_bare_name_and_by_full_name_are_the_same_run(cli, tmp_path):
    bare = cli("run", "gcn", "karate", "--store", tmp_path, "--json", "--set", "hidden_dim=4", *QUICK)
    full = cli("run", "gcn", "karate", "--store", tmp_path, "--json", "--set", "model.hidden_dim=4", *QUICK)
    assert bare.json == full.json


@pytest.mark.parametrize("text", ["5e-4", "0.0005", "5.0e-4"])
def test_numbers_are_read_as_people_write_them(cli, tmp_path, text):
    done = cli("run", "gcn", "karate", "--store", tmp_path, "--json", "--set", f"lr={text}", *QUICK)
    assert done.code == 0
    spec = json.loads((tmp_path / done.json["runs"][0]["id"] / "spec.json").read_text())
    assert spec["training"]["lr"] == 0.0005


def test_leaderboard_json(cli, tmp_path):
    cli("run", "gcn", "karate", "--seeds", "2", "--store", tmp_path, *QUICK)
    done = cli("leaderboard", "karate", "--store", tmp_path, "--json")
    assert done.code == 0
    assert done.json["dataset"] == "karate"
    (row,) = done.json["rows"]
    assert {"model", "metric", "published", "ours", "difference", "p_value", "verdict"} <= set(row)
    assert row["ours"]["n"] == 2


def test_leaderboard_has_published_numbers_without_any_run(cli, tmp_path):
    rows = cli("leaderboard", "cora", "--store", tmp_path, "--json").json["rows"]
    gcn = next(row for row in rows if row["model"] == "gcn")
    assert gcn["published"]["mean"] == 0.815
    assert gcn["ours"] is None
    assert gcn["verdict"] == "not comparable"


@pytest.mark.parametrize(
    ("command", "column"), [("datasets", "name"), ("models", "citation"), ("tasks", "settings"), ("runs", "id")]
)
def test_tables(cli, tmp_path, command, column):
    if command == "runs":
        cli("run", "gcn", "karate", "--store", tmp_path, *QUICK)
    store = ("--store", tmp_path) if command == "runs" else ()
    rows = cli(command, *store, "--json").json
    assert rows and column in rows[0]
    assert cli(command, *store).code == 0


@pytest.mark.parametrize("form", ["csv", "markdown", "latex", "json", "bibtex"])
def test_export(cli, tmp_path, form):
    done = cli("export", "planetoid/cora", "--format", form, "--store", tmp_path)
    assert done.code == 0
    assert "Kipf" in done.out or "kipf" in done.out


def test_doctor(cli, tmp_path):
    cli("run", "gcn", "karate", "--store", tmp_path, *QUICK)
    done = cli("doctor", "--store", tmp_path, "--json")
    assert done.code == 0
    assert done.json["store"]["runs"] == {"finished": 1}
    assert done.json["data"]["reach"]["karate"] == "here"
    assert done.json["environment"]["packages"]["torch"]
    assert done.json["devices"][0]["name"] == "cpu"
    assert cli("doctor", "--store", tmp_path).code == 0


def test_reproduce(cli, tmp_path):
    experiment = tmp_path / "small.yaml"
    experiment.write_text(
        "title: Small\nseeds: 2\nruns:\n"
        "  - model: gcn\n"
        "    dataset: karate\n"
        "    settings: {training.epochs: 60}\n"
        "    expect: [{metric: accuracy, at_least: 0.5}]\n"
        "  - {model: distmult, dataset: kinship-rules/inductive, refuses: true}\n"
    )
    report = tmp_path / "report.html"
    done = cli("reproduce", experiment, "--store", tmp_path / "runs", "--report", report, "--json")
    assert done.code == 0
    assert done.json["ok"] is True
    assert report.read_text().startswith("<!DOCTYPE html>")
    failing = experiment.with_name("failing.yaml")
    failing.write_text(experiment.read_text().replace("at_least: 0.5", "at_least: 1.01"))
    assert cli("reproduce", failing, "--store", tmp_path / "runs").code == 1


def test_import_is_light():
    code = """
import sys, graphlab
graphlab.__version__, dir(graphlab)
print(sorted({"torch", "numpy", "pandas", "pydantic", "matplotlib"} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_help_loads_no_torch():
    code = """
import sys
from graphlab.cli import main
sys.argv = ["graphlab", "--help"]
try:
    main()
except SystemExit:
    print("torch" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip().endswith("False")


def test_of_the_processes_of_torchrun_the_first_alone_prints(cli, monkeypatch):
    monkeypatch.setenv("RANK", "1")
    done = cli("models", "--json")
    assert (done.code, done.out) == (0, "")
