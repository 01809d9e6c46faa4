"""What the commands print, in the shapes that are promised."""

import json
import subprocess
import sys

import pytest

import graphlab
from graphlab import api
from graphlab.analysis.expressiveness import TESTS

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
    assert spec["settings"]["training"]["lr"] == 0.0005


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


@pytest.fixture(scope="module")
def kinship(tmp_path_factory):
    """A store with one small NBFNet that knows a little of families."""
    store = tmp_path_factory.mktemp("kinship")
    small = {"training.epochs": 1, "model.dim": 4, "model.num_layers": 2}
    runs = api.run("nbfnet", "kinship-rules/inductive", store=store, progress=False, **small)
    return runs.records[0].id, store


def test_predict(cli, kinship):
    run, store = kinship
    question = ("predict", run, "--head", "p1000", "--relation", "grandson", "-k", "3", "--store", store)
    done = cli(*question, "--json")
    assert done.code == 0
    assert list(done.json) == ["run", "head", "relation", "tail", "answers"]
    assert done.json["run"] == run
    assert [set(row) for row in done.json["answers"]] == [{"rank", "tail", "score", "probability", "known"}] * 3
    assert cli(*question).out.count("p1") == 3
    heads = cli("predict", run[:6], "--relation", "grandson", "--tail", "p1023", "--store", store, "--json").json
    assert heads["run"] == run and heads["answers"][0]["head"].startswith("p1")


def test_paths(cli, kinship, tmp_path):
    run, store = kinship
    triple = ("--head", "p1000", "--relation", "grandson", "--tail", "p1023")
    done = cli("paths", run, *triple, "-k", "2", "--store", store, "--plot", tmp_path / "paths.svg", "--json")
    assert done.code == 0
    assert [path["rank"] for path in done.json["paths"]] == [1, 2]
    assert set(done.json["paths"][0]["steps"][0]) == {"head", "relation", "tail", "inverse"}
    assert (tmp_path / "paths.svg").read_bytes().startswith(b"<?xml")
    assert "p1000" in cli("paths", run, *triple, "--store", store).out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("predict", "RUN", "--relation", "son"), "one of head and tail"),
        (("predict", "RUN", "--head", "p100", "--relation", "son"), "no entity is named 'p100'"),
        (("predict", "RUN", "--head", "p1000", "--relation", "grandsn"), "'grandson'"),
        (("predict", "RUN", "--head", "p1000"), "Missing option"),
        (("predict", "none", "--head", "p1000", "--relation", "son"), "no run is named 'none'"),
        (("paths", "RUN", "--head", "p1000", "--relation", "son", "--tail", "eve"), "no entity is named 'eve'"),
        (("analyze", "inverse-relation", "karate"), "'inverse-relations'"),
    ],
)
def test_wrong_questions_exit_with_two(cli, kinship, monkeypatch, words, message):
    run, store = kinship
    monkeypatch.setenv("GRAPHLAB_STORE", str(store))
    done = cli(*(run if word == "RUN" else word for word in words), "--json")
    assert done.code == 2
    assert message in done.err


def test_analyze(cli):
    done = cli("analyze", "inverse-relations", "kinship-rules/transductive", "--json")
    assert done.code == 0
    assert list(done.json) == ["probe", "dataset", "summary", "rows"]
    assert {"kind", "relation", "other", "overlap", "back"} <= set(done.json["rows"][0])
    assert "husband" in cli("analyze", "inverse-relations", "kinship-rules/transductive").out


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


def test_discriminate(cli, tmp_path):
    words = ("gin", "hard-pairs", "--store", tmp_path, "--set", "dropout=0.0", *QUICK)
    done = cli("discriminate", *words, "--pairs", "0:2", "--json")
    assert done.code == 0
    assert list(done.json) == ["model", "dataset", "test", "table", "pairs"]
    assert [row["pair"] for row in done.json["pairs"]] == [0, 1]
    shown = cli("discriminate", *words, "--pairs", "0:2").out
    assert "1-WL, which bounds it, 0" in " ".join(shown.split()) and "ceiling" in shown
    wrong = cli("discriminate", *words, "--pairs", "77:79")
    assert (wrong.code, "no pair 78" in wrong.err) == (2, True)


def test_an_interruption_is_told(cli, monkeypatch):
    def stop(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr("graphlab.nas.search.search", stop)
    monkeypatch.setattr("graphlab.api.search", stop, raising=False)
    words = ["search", "random", "karate", "--space", "gcn"]
    ended = cli(*words)
    assert (ended.code, ended.out) == (1, "")
    assert "interrupted" in ended.err and "go on from there" in ended.err
    assert cli(*words, "--json").json["error"]["kind"] == "interrupted"


def test_version_and_short_help(cli):
    assert cli("--version").out == f"graphlab {graphlab.__version__}\n"
    assert "Usage: graphlab run" in cli("run", "-h").out


def test_no_command_shows_what_there_is_and_no_error(cli):
    done = cli()
    assert done.code == 2
    assert "leaderboard" in done.out and not done.err


def test_describe(cli):
    done = cli("describe", "gcn")
    assert done.code == 0 and "hidden_dim" in done.out and "planetoid: training.epochs=200" in done.out
    assert cli("describe", "gcn", "--json").json["settings"][0]["setting"] == "hidden_dim"
    assert cli("describe", "gnn-micro", "--kind", "space", "--json").json["kind"] == "space"
    assert cli("describe", "gnc").code == 2


def test_an_empty_store_says_so(cli, tmp_path):
    done = cli("runs", "--store", tmp_path / "none")
    assert (done.code, done.out) == (0, "") and "no runs in" in done.err
    assert cli("runs", "--store", tmp_path / "none", "--json").json == []
    assert list(api.runs(tmp_path / "none").query("model == 'gcn'")["settings"]) == []


def test_runs_say_by_which_settings_they_differ(cli, tmp_path):
    for epochs in (2, 3):
        cli("run", "gcn", "karate", "--store", tmp_path, "--set", f"epochs={epochs}")
    cli("run", "mlp", "karate", "--store", tmp_path, *QUICK)
    frame = api.runs(tmp_path)
    assert set(zip(frame.model, frame.settings, strict=True)) == {
        ("gcn", "training.epochs=2"),
        ("gcn", "training.epochs=3"),
        ("mlp", ""),
    }
    assert "training.epochs=3" in cli("runs", "--store", tmp_path).out


def test_nothing_to_cite_is_said(cli, tmp_path):
    done = cli("export", "karate", "--format", "bibtex", "--store", tmp_path)
    assert done.code == 0 and "nothing is published on karate" in done.err


def test_a_misspelt_test_is_an_error_without_a_dataset_too(cli):
    done = cli("analyze", "expressiveness", "gcn", "--tests", "3WL")
    assert done.code == 2 and "no test is named '3WL'" in done.err
    assert len(cli("analyze", "expressiveness", "gcn").out.splitlines()) >= len(TESTS)
    rows = cli("analyze", "expressiveness", "gcn", "--tests", "SPD-WL").out
    assert "SPD-WL  stronger" in rows and "FWL(3)  " not in rows
