"""Whatever is asked wrongly gets one clear error, the exit code that belongs to it, and harms nothing."""

import json
import pickle
import re
import shutil
import warnings
from pathlib import Path

import pytest
import torch

RUN = ("run", "gcn", "karate")
QUICK = ("--set", "training.epochs=2")
EXPLODES = ("--set", "optimizer=sgd", "--set", "lr=1000", "--set", "weight_decay=1000.0")

BAD_REQUESTS = {
    "unknown model": (("run", "gcnn", "karate"), "no model is named 'gcnn'", "did you mean 'gcn'"),
    "unknown model, far off": (
        ("run", "zzzzzz", "karate"),
        "no model is named 'zzzzzz'",
        "known: adpa, ",
    ),
    "model that is a path": (("run", "../gcn", "karate"), "no model is named", None),
    "unknown data set": (("run", "gcn", "karatte"), "no dataset is named 'karatte'", "'karate'"),
    "unknown variant": (("run", "gcn", "planetoid/coora"), "planetoid/coora", "'planetoid/cora'"),
    "unknown bare variant": (("run", "gcn", "citeser"), "citeser", "'citeseer'"),
    "family without its variant": (("run", "gcn", "planetoid"), "has several variants", "planetoid/cora"),
    "unknown split": (("run", "gcn", "planetoid/cora@publik"), "no split 'publik'", "public"),
    "empty data set name": (("run", "gcn", ""), "no dataset is named ''", None),
    "model for another task": (("run", "gcn", "kinship-rules/transductive"), "gcn does", "graphlab models"),
    "kg model on nodes": (("run", "nbfnet", "karate"), "not node-classification", None),
    "embedding model on new entities": (("run", "distmult", "kinship-rules/inductive"), "has not trained on", "nbfnet"),
    "label propagation on graphs": (
        ("run", "label-propagation", "substructures/triangles"),
        "not graph-prediction",
        None,
    ),
    "unknown setting": ((*RUN, "--set", "model.hiden_dim=3"), "no setting 'hiden_dim'", "'hidden_dim'"),
    "unknown bare setting": ((*RUN, "--set", "hiden_dim=3"), "no setting is called 'hiden_dim'", "model.hidden_dim"),
    "unknown part": ((*RUN, "--set", "modle.hidden_dim=3"), "no settings are called 'modle'", "model, task, training"),
    "setting without a value": ((*RUN, "--set", "hidden_dim"), "cannot read setting 'hidden_dim'", "key=value"),
    "setting without a name": ((*RUN, "--set", "=3"), "cannot read setting", None),
    "setting that is no yaml": ((*RUN, "--set", "hidden_dim={"), "cannot read the value", None),
    "text for a number": ((*RUN, "--set", "hidden_dim=big"), "hidden_dim cannot be 'big'", "integer"),
    "fraction for a count": ((*RUN, "--set", "hidden_dim=1.5"), "hidden_dim cannot be 1.5", "integer"),
    "zero width": ((*RUN, "--set", "hidden_dim=0"), "hidden_dim cannot be 0", "greater than or equal to 1"),
    "negative depth": ((*RUN, "--set", "num_layers=-2"), "num_layers cannot be -2", None),
    "dropout of one": ((*RUN, "--set", "dropout=1.0"), "dropout cannot be 1.0", "less than 1"),
    "infinite learning rate": ((*RUN, "--set", "lr=.inf"), "lr cannot be inf", "less than or equal to 1000"),
    "enormous learning rate": ((*RUN, "--set", "lr=1e30"), "lr cannot be 1e+30", "less than or equal to 1000"),
    "zero learning rate": ((*RUN, "--set", "lr=0"), "lr cannot be 0", "greater than 0"),
    "unknown optimiser": ((*RUN, "--set", "optimizer=adamm"), "optimizer cannot be 'adamm'", "'adam'"),
    "boolean for a number": ((*RUN, "--set", "epochs=true"), "epochs cannot be True", "integer"),
    "null as Python has it": ((*RUN, "--set", "hidden_dim=None"), "hidden_dim cannot be None", "integer"),
    "null": ((*RUN, "--set", "hidden_dim=null"), "hidden_dim cannot be None", "integer"),
    "rotation of odd width": (
        ("run", "nbfnet", "kinship-rules/inductive", "--set", "message=rotate", "--set", "dim=7"),
        "even dim",
        None,
    ),
    "zero seeds": ((*RUN, "--seeds", "0"), "name no seed", "at least one"),
    "empty range of seeds": ((*RUN, "--seeds", "5:5"), "name no seed", None),
    "negative seed": ((*RUN, "--seeds=-3,1"), "seed -3 is negative", None),
    "seeds that are no numbers": ((*RUN, "--seeds", "many"), "cannot read seeds 'many'", "3:8"),
    "a seed twice": ((*RUN, "--seeds", "1,1"), "twice", None),
    "unknown device": ((*RUN, "--device", "abacus"), "device 'abacus' cannot be used", "graphlab doctor"),
    "half precision without a gpu": ((*RUN, "--device", "cpu", "--set", "precision=fp16"), "fp16 needs a GPU", "bf16"),
    "unknown command": (("runn", "gcn", "karate"), "No such command 'runn'", None),
    "unknown option": ((*RUN, "--sedes", "3"), "No such option", None),
    "missing argument": (("run",), "Missing", None),
    "no data set": (("run", "gcn"), "no data set is named", "--data PATH"),
    "search for no data set": (("search", "random"), "no data set is named", "--data PATH"),
    "leaderboard of nothing": (("leaderboard", "planetoid/corra"), "planetoid/corra", "'planetoid/cora'"),
    "no such experiment": (("reproduce", "no/such.yaml"), "no/such.yaml", None),
}


@pytest.mark.parametrize("case", BAD_REQUESTS, ids=lambda name: name.replace(" ", "-"))
def test_bad_requests_exit_with_two(cli, tmp_path, case):
    words, message, hint = BAD_REQUESTS[case]
    takes_store = words[0] in ("run", "leaderboard", "export", "reproduce")
    done = cli(*words, *(("--store", tmp_path / "store") if takes_store else ()), "--json")
    error = done.json["error"]["message"] + "\n" + str(done.json["error"]["hint"])
    assert set(done.json["error"]) == {"kind", "message", "hint"}
    assert message in error and (hint or "") in error
    assert message in done.err
    assert done.code == 2
    assert not (tmp_path / "store").exists()


BAD_EXPERIMENTS = {
    "not yaml": "title: [",
    "a list": "- 1",
    "empty": "",
    "unknown key": "title: x\nrunz: []",
    "no runs": "title: x\nruns: []",
    "zero seeds": "title: x\nseeds: 0\nruns: [{model: gcn, dataset: karate}]",
    "unknown model": "title: x\nruns: [{model: gcnn, dataset: karate}]",
    "unknown setting": "title: x\nruns: [{model: gcn, dataset: karate, settings: {model.hiden_dim: 3}}]",
    "does not fit": "title: x\nruns: [{model: gcn, dataset: kinship-rules/inductive}]",
    "misspelt key": "title: x\nruns: [{modle: gcn, dataset: karate}]",
    "misspelt claim": "title: x\nruns: [{model: gcn, dataset: karate, expect: [{metric: accuracy, atleast: 1}]}]",
    "python object": "!!python/object/apply:os.system ['echo broken']",
}


@pytest.mark.parametrize("case", BAD_EXPERIMENTS, ids=lambda name: name.replace(" ", "-"))
def test_bad_experiments_exit_with_two_before_anything_runs(cli, tmp_path, case):
    file = tmp_path / "experiment.yaml"
    file.write_text(BAD_EXPERIMENTS[case])
    done = cli("reproduce", file, "--store", tmp_path / "store", "--json")
    assert done.code == 2
    assert done.json["error"]["message"]
    assert not (tmp_path / "store").exists()


@pytest.mark.parametrize(
    ("case", "message", "hint"),
    [
        ("misspelt key", "has no setting 'runs.0.modle'", "did you mean 'model'?"),
        ("misspelt claim", "has no setting 'runs.0.expect.0.atleast'", "did you mean 'at_least'?"),
        ("unknown setting", "gcn on karate: model gcn has no setting 'hiden_dim'", "did you mean 'hidden_dim'?"),
    ],
)
def test_a_mistake_in_an_experiment_is_found_where_it_is(cli, tmp_path, case, message, hint):
    file = tmp_path / "experiment.yaml"
    file.write_text(BAD_EXPERIMENTS[case])
    error = cli("reproduce", file, "--store", tmp_path / "store", "--json").json["error"]
    assert message in error["message"]
    assert error["hint"] == hint


class Hostile:
    """A pickle that makes a file when it is read."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return (open, (self.path, "w"))


@pytest.fixture
def store(cli, tmp_path):
    """A store with two finished runs and one that was stopped before its end."""
    cli(*RUN, "--seeds", "2", "--store", tmp_path / "store", *QUICK)
    stopped = cli(*RUN, "--seeds", "2,", "--store", tmp_path / "store", "--json", *QUICK).json["runs"][0]["id"]
    (tmp_path / "store" / stopped / "result.json").unlink()
    return tmp_path / "store", tmp_path / "store" / stopped


def contents(folder: Path):
    return {p.relative_to(folder): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


DAMAGES = {
    "checkpoint cut short": ("last.pt", lambda b: b[: len(b) // 2]),
    "checkpoint emptied": ("last.pt", lambda b: b""),
    "checkpoint of noise": ("last.pt", lambda b: bytes(range(256)) * 4),
    "checkpoint of other tensors": ("last.pt", None),
    "spec cut short": ("spec.json", lambda b: b[:40]),
    "spec edited": ("spec.json", lambda b: b.replace(b'"seed": 2', b'"seed": 3')),
    "spec with other keys": ("spec.json", lambda b: b'{"model": "gcn"}'),
}


@pytest.mark.parametrize("case", DAMAGES, ids=lambda name: name.replace(" ", "-"))
def test_damaged_store_is_named_and_left_alone(cli, store, case):
    path, run = store
    file, damage = DAMAGES[case]
    if damage:
        (run / file).write_bytes(damage((run / file).read_bytes()))
    else:
        torch.save({"model": {"other": torch.zeros(3)}}, run / file)
    before = contents(path)
    if file == "spec.json":
        done = cli("runs", "--store", path, "--json")
        assert done.code == 0 and run.name not in done.out
        assert f"warning: run {run.name} is left out" in done.err and str(run / file) in done.err
        assert contents(path) == before
        return
    done = cli(*RUN, "--seeds", "3", "--store", path, "--json", *QUICK)
    assert done.code == 1
    assert done.json["error"]["kind"] == "store"
    assert str(run / file) in done.json["error"]["message"]
    assert "delete" in done.json["error"]["hint"]
    assert contents(path) == before


def test_hostile_checkpoint_is_not_executed(cli, store, tmp_path):
    path, run = store
    mark = tmp_path / "executed"
    (run / "last.pt").write_bytes(pickle.dumps(Hostile(mark)))
    with warnings.catch_warnings(action="error"):
        done = cli(*RUN, "--seeds", "3", "--store", path, "--json", *QUICK)
    assert done.code == 1
    assert done.json["error"]["kind"] == "store"
    torch.save({"model": Hostile(mark)}, run / "last.pt")
    assert cli(*RUN, "--seeds", "3", "--store", path, "--json", *QUICK).code == 1
    assert not mark.exists()


@pytest.mark.parametrize("file", ["result.json", "metrics.json", "environment.json"])
def test_a_finished_run_that_lost_a_file_or_half_of_it(cli, store, file):
    path, _ = store
    run = next(p.parent for p in path.glob("*/result.json"))
    (run / file).write_text((run / file).read_text()[:10])
    done = cli("runs", "--store", path, "--json")
    assert done.code == 0 and run.name not in done.out
    assert str(run / file) in done.err


@pytest.mark.parametrize("file", ["result.json", "metrics.json", "environment.json"])
def test_a_finished_run_whose_numbers_were_edited(cli, store, file):
    path, _ = store
    run = next(p.parent for p in path.glob("*/result.json"))
    text = (run / file).read_text()
    (run / file).write_text(re.sub(r"\d\.\d+", "0.123456", text, count=1))
    assert (run / file).read_text() != text
    done = cli("runs", "--store", path, "--json")
    assert done.code == 0 and run.name not in done.out
    assert f"in {run} is not what the run wrote" in done.err


def test_store_that_is_a_file(cli, tmp_path):
    (tmp_path / "file").write_text("x")
    done = cli(*RUN, "--store", tmp_path / "file", "--json", *QUICK)
    assert done.code == 2
    assert "is a file" in done.json["error"]["message"]


def test_store_that_cannot_be_written(cli):
    done = cli(*RUN, "--store", "/proc/graphlab-runs", "--json", *QUICK)
    assert done.code == 1
    assert "cannot write to the store" in done.json["error"]["message"]


def test_unknown_export_format(cli, tmp_path):
    done = cli("export", "cora", "--format", "word", "--store", tmp_path)
    assert done.code == 2
    assert "no export format is named 'word'" in done.err


@pytest.mark.parametrize(
    "words", [("export", "cora"), ("table", "gcn", "karate", "--read")], ids=lambda words: words[0]
)
def test_two_formats(cli, tmp_path, words):
    done = cli(*words, "--format", "csv", "--json", "--store", tmp_path)
    assert done.code == 2
    assert "--format csv and --json are two formats" in done.json["error"]["message"]


@pytest.mark.parametrize(
    "words",
    [
        (*RUN, "--set", "model.hidden_dim=4", "--set", "model.hidden_dim=8"),
        ("search", "random", "karate", "--set", "training.epochs=1", "--set", "training.epochs=2"),
        ("analyze", "expressiveness", "gin", "--set", "num_layers=1", "--set", "model.num_layers=2"),
        ("keep", "x", "--data-option", "directed=true", "--data-option", "directed=false"),
    ],
    ids=lambda words: words[0],
)
def test_a_setting_that_is_said_twice(cli, tmp_path, words):
    done = cli(*words, "--store", tmp_path, "--json")
    assert done.code == 2
    assert "is said twice" in done.json["error"]["message"]


def test_a_loss_that_is_not_finite_is_recorded(cli, tmp_path):
    done = cli(*RUN, "--store", tmp_path, "--json", *EXPLODES)
    assert done.code == 1
    (run,) = done.json["runs"]
    assert run["status"] == "failed"
    assert "in epoch" in run["error"]["message"]
    assert json.loads((tmp_path / run["id"] / "metrics.json").read_text())


@pytest.mark.real_data
@pytest.mark.parametrize("damage", ["truncated", "altered", "hostile"])
def test_raw_files_that_are_not_what_was_published(cli, tmp_path, monkeypatch, damage):
    import os

    mirror = tmp_path / "mirror"
    shutil.copytree(Path(os.environ["GRAPHLAB_MIRROR"]) / "planetoid", mirror / "planetoid")
    file, mark = mirror / "planetoid" / "ind.cora.x", tmp_path / "executed"
    content = file.read_bytes()
    file.chmod(0o644)
    file.write_bytes(
        {"truncated": content[:100], "altered": content[:-1] + b"x", "hostile": pickle.dumps(Hostile(mark))}[damage]
    )
    monkeypatch.setenv("GRAPHLAB_MIRROR", str(mirror))
    monkeypatch.setenv("GRAPHLAB_DATA", str(tmp_path / "data"))
    done = cli("run", "gcn", "planetoid/cora", "--store", tmp_path / "store", "--json")
    assert done.code == 1
    assert done.json["error"]["kind"] == "data"
    assert "ind.cora.x" in done.json["error"]["message"]
    assert not mark.exists()
    assert not (tmp_path / "store").exists()


def test_data_that_is_nowhere(cli, tmp_path, monkeypatch):
    monkeypatch.delenv("GRAPHLAB_MIRROR", raising=False)
    monkeypatch.setenv("GRAPHLAB_DATA", str(tmp_path / "data"))
    monkeypatch.setattr("graphlab.data.download.PAUSES", (0,), raising=False)
    monkeypatch.setattr("urllib.request.urlopen", unreachable)
    done = cli("run", "gcn", "planetoid/cora", "--store", tmp_path / "store", "--json")
    assert done.code == 1
    assert done.json["error"]["kind"] == "data"
    assert "GRAPHLAB_MIRROR" in done.json["error"]["hint"]


def unreachable(*args, **kwargs):
    from urllib.error import URLError

    raise URLError("no network")


def test_the_doctor_counts_runs_that_cannot_be_read(cli, store):
    path, _ = store
    run = next(p.parent for p in path.glob("*/result.json"))
    (run / "result.json").write_text("{")
    done = cli("doctor", "--store", path, "--json")
    assert done.code == 1 and done.json["store"]["error"].startswith("of the runs 1 cannot be read; the first: run")
