"""Weights of others on the command line: imported, evaluated, and asked about triples of one's own."""

from __future__ import annotations

import pytest
import torch
from safetensors.torch import save_file

import graphlab as gl
from tests.model.test_weight_formats import ultra_names

FACTS = "anna mother bob|bob father cara|anna mother dan|dan father eve|eve sister fay|anna grandmother cara"
ALONG = ("--set", "edges=along", "--set", "head_queries=inverse")


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """Weights of a small ultra under their published names."""
    folder = tmp_path_factory.mktemp("weights")
    runs = gl.run("ultra", "kinship-rules/inductive", store=folder, epochs=1, dim=8, num_layers=3, aggregate="sum")
    torch.save({"model": ultra_names(gl.restore(runs).model)}, folder / "ultra.pth")
    return folder / "ultra.pth"


@pytest.fixture
def facts(tmp_path):
    """A folder of facts alone."""
    folder = tmp_path / "family"
    folder.mkdir()
    (folder / "train.txt").write_text(FACTS.replace(" ", "\t").replace("|", "\n") + "\n")
    return folder


def test_answers_with_paths_on_triples_of_ones_own(cli, weights, facts, tmp_path):
    about = ("--weights", weights, "--format", "ultra", "--data", facts, "--store", tmp_path / "runs", *ALONG)
    query = ("--head", "anna", "--relation", "grandmother")
    done = cli("predict", *about, *query, "-k", 3, "--paths", 2, "--json")
    assert done.code == 0, done.err
    answers = done.json["answers"]
    assert [answer["rank"] for answer in answers] == [1, 2, 3]
    paths = [path for answer in answers for path in answer["paths"]]
    assert paths and all(path.startswith("anna ") for path in paths)
    again = cli("predict", done.json["run"], *query, "-k", 3, "--store", tmp_path / "runs", "--json").json["answers"]
    assert [answer["score"] for answer in again] == [answer["score"] for answer in answers]
    paths = cli("paths", *about, *query, "--tail", "eve", "--json").json
    assert paths["run"] == done.json["run"]
    by_tail = cli("predict", *about, "--tail", "eve", "--relation", "grandmother", "--paths", 1, "--json").json[
        "answers"
    ]
    assert all(answer["paths"][0].endswith(" eve") for answer in by_tail if answer["paths"] and answer["head"] != "eve")


def test_what_is_evaluated_later_and_at_once(cli, weights, tmp_path):
    store = ("--store", tmp_path)
    about = ("kinship-rules/inductive", "--weights", weights, "--format", "ultra", *ALONG)
    done = cli("evaluate", *about, *store, "--json")
    assert done.code == 0 and done.json["runs"][0]["test"]["mrr"] > 0, done.err
    imported = cli("import-weights", "ultra", weights, "kinship-rules/inductive", *ALONG, *store, "--json").json
    assert imported["runs"] == done.json["runs"] and imported["weights"] == "ultra"
    assert "weights of others" in cli("evaluate", done.json["runs"][0]["id"], *store).out


def test_rows_by_names_in_a_file(cli, tmp_path):
    runs = gl.run("distmult", "kinship-rules/transductive", store=tmp_path, epochs=8, dim=32)
    trained = gl.restore(runs)
    labels = trained.dataset.labels
    path, names = tmp_path / "w.safetensors", tmp_path / "names.txt"
    tables = {
        name: getattr(trained.model, name).weight.detach().flip(0).contiguous() for name in ("entity", "relation")
    }
    save_file({f"{name}_representations.0._embeddings.weight": table for name, table in tables.items()}, path)
    orders = {}
    for kind in ("entities", "relations"):
        orders[kind] = tmp_path / f"{kind}.txt"
        orders[kind].write_text("\n".join(reversed(labels[kind])) + "\n")
    options = [word for kind, file in orders.items() for word in (f"--{kind}", file)]
    command = (
        "import-weights",
        "pykeen",
        path,
        "kinship-rules/transductive",
        "--model",
        "distmult",
        "--store",
        tmp_path,
    )
    done = cli(*command, *options, "--json")
    assert done.code == 0, done.err
    assert done.json["runs"][0]["test"]["mrr"] == pytest.approx(runs[0].result.test["mrr"])
    assert cli(*command).code == 2
    assert cli(*command, "--entities", names).code == 2


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("predict", "--head", "a", "--relation", "b"), "no run is named"),
        (("predict", "latest", "--head", "a", "--relation", "b", "--format", "ultra"), "--format without --weights"),
        (("evaluate", "--weights", "w.pth"), "has no --format"),
        (("evaluate", "--weights", "w.pth", "--format", "ultra"), "no data set is named"),
        (("import-weights", "ultra", "w.pth", "karate"), "there are no weights at w.pth"),
        (("import-weights", "sgd", "w.pth", "karate"), "no weight-format is named 'sgd'"),
    ],
)
def test_commands_that_name_too_little(cli, words, message):
    done = cli(*words)
    assert done.code == 2 and message in done.err and "hint" in done.err


def test_facts_alone_are_neither_trained_on_nor_evaluated(cli, weights, facts, tmp_path):
    about = ("--weights", weights, "--format", "ultra", "--data", facts, "--store", tmp_path / "runs", *ALONG)
    done = cli("evaluate", *about)
    assert done.code == 2 and "nothing can be evaluated" in done.err
    done = cli("run", "ultra", "--data", facts, "--store", tmp_path / "runs")
    assert done.code == 2 and "is empty" in done.err
    (facts / "tset.txt").write_text("a\tb\tc\n")
    done = cli("evaluate", *about)
    assert done.code == 1 and "has no valid.txt" in done.err


def test_formats_are_listed_and_described(cli):
    names = {row["name"] for row in cli("weight-formats", "--json").json}
    assert (
        names
        == {"floydnet", "nbfnet-pyg", "own", "pyg", "pykeen", "supernet", "ultra"}
        == set(gl.weight_formats()["name"])
    )
    assert "PyKEEN" in cli("describe", "pykeen").out and "PyKEEN" in str(gl.describe("pykeen"))
