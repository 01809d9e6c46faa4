"""Data of one's own on the command line: trained on, searched on, kept, listed and described; and what is refused."""

from __future__ import annotations

import pytest

import graphlab as gl

QUICK = ("--set", "training.epochs=2")
SPLIT = "split=random-60/20/20"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A working folder with an edge list, classes and triples; the store of runs is in it too."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GRAPHLAB_STORE", str(tmp_path / "runs"))
    ring = [(f"p{k:02}", f"p{(k + step) % 20:02}") for k in range(20) for step in (1, 3)]
    (tmp_path / "friends.txt").write_text("".join(f"{u} {v}\n" for u, v in ring))
    (tmp_path / "labels.tsv").write_text("".join(f"p{k:02}\t{'ab'[k % 2]}\n" for k in range(20)))
    (tmp_path / "family").mkdir()
    for part, lines in TRIPLES.items():
        (tmp_path / "family" / f"{part}.txt").write_text("".join(line.replace(" ", "\t") + "\n" for line in lines))
    return tmp_path


TRIPLES = {
    "train": ["ann mother bob", "bob son ann", "bob father eve", "eve daughter bob", "ann mother tom"],
    "inference": ["max father ida", "ida daughter max", "ida mother leo"],
    "valid": ["tom son ann"],
    "test": ["leo son ida"],
}


def data(path, *options):
    """The words of a command that say which data, each option after its `--data-option`."""
    return ("--data", path, *(word for option in options for word in ("--data-option", option)))


FRIENDS = data("friends.txt", "directed=false", "labels=labels.tsv", "features=identity", SPLIT)


def test_a_run_on_a_file_is_the_run_of_python(cli, folder):
    shown = cli("run", "gcn", *FRIENDS, "--seeds", "2", "--json", *QUICK).json
    assert shown["dataset"].startswith("own/friends-") and shown["dataset"].endswith("@random-60/20/20")
    ours = gl.dataset("friends.txt", directed=False, labels="labels.tsv", features="identity", split="random-60/20/20")
    runs = gl.run("gcn", ours, seeds=2, progress=False, **{"training.epochs": 2})
    assert [run["id"] for run in shown["runs"]] == [record.id for record in runs]
    by_name = cli("run", "gcn", "own/friends", "--seeds", "2", "--json", *QUICK).json
    assert by_name == shown
    assert "accuracy" in cli("leaderboard", "own/friends").out
    assert cli("export", "own/friends", "--json").json["dataset"] == shown["dataset"]


def test_a_search_on_a_file(cli, folder):
    words = ("search", "random", *FRIENDS, "--space", "gcn", "--trials", "2", "--on", "validation", "--json", *QUICK)
    shown = cli(*words).json
    assert (shown["finished"], shown["dataset"].partition("-")[0]) == (2, "own/friends")


def test_triples_are_asked_in_the_graph_that_is_said(cli, folder):
    names = set()
    for where in ("train", "inference"):
        if where == "inference":
            (folder / "family" / "valid.txt").write_text("ida\tmother\tmax\n")
        shown = cli("keep", "family", "--data-option", f"validation={where}", "--json").json
        assert shown["task"] == "kg-completion" and shown["counts"]["num_graphs"] == 2
        names.add(shown["name"])
        assert gl.load(shown["name"]).validation_graph == (where == "inference")
    assert len(names) == 2
    done = cli("run", "inverse-rule", *data("family", "validation=inference"), "--json")
    assert done.code == 0 and done.json["dataset"] in names


def test_keep_checks_and_every_command_takes_the_name(cli, folder):
    options = ("directed=true", "labels=labels.tsv", "features=degree", "split=stratified-60/20/20", "name=2024")
    words = ("keep", "friends.txt", *data("", *options)[2:])
    shown = cli(*words, "--json").json
    assert list(shown) == ["name", "task", "counts", "notices"]
    assert shown["name"].startswith("own/2024-") and shown["name"].endswith("@stratified-60/20/20")
    assert (shown["counts"]["num_nodes"], shown["counts"]["num_edges"]) == (20, 40)
    ended = cli(*words)
    assert ended.code == 0 and shown["name"] in ended.out

    listed = {row["name"]: row for row in cli("datasets", "--json").json}
    assert listed[shown["name"]]["num_edges"] == 40 and listed[shown["name"]]["licence"] == "not stated"
    assert shown["name"] in cli("datasets", "--store", folder / "runs").out
    assert shown["name"] not in cli("datasets", "--store", folder / "elsewhere").out
    described = cli("describe", "own/2024", "--json").json
    assert (described["kind"], described["name"]) == ("dataset", shown["name"])
    assert described["facts"]["counts"].startswith("graphs 1, nodes 20, edges 40")
    assert cli("run", "gcn", "own/2024", "--json", *QUICK).json["dataset"] == shown["name"]
    assert cli("leaderboard", "own/2024", "--json", "--store", folder / "runs").json["dataset"] == shown["name"]


def test_notices_are_printed_and_kept(cli, folder):
    (folder / "friends.txt").write_text((folder / "friends.txt").read_text() + "p01 p00\n")
    notice = "1 of 41 edges are listed again and count once"
    words = data("", "directed=no", "labels=labels.tsv", "features=constant", SPLIT)[2:]
    assert notice in cli("keep", "friends.txt", *words, "--json").json["notices"]
    assert notice in " ".join(cli("describe", "own/friends").out.split())
    assert f"notice: {notice}" in cli("run", "gcn", *data("friends.txt"), *words, *QUICK).err


WRONG = {
    "both": (("run", "gcn", "karate", "--data", "friends.txt"), 2, "are two", "leave one of them out"),
    "options without data": (("run", "gcn", "karate", "--data-option", SPLIT), 2, "without --data", "--data PATH"),
    "no such path": (("run", "gcn", "--data", "nowhere"), 1, "nowhere is not there", "edge-list file"),
    "direction": (("run", "gcn", *data("friends.txt", SPLIT)), 2, "direction", "directed=False; in a command"),
    "split": (
        ("run", "gcn", *data("friends.txt", "directed=false", "labels=labels.tsv")),
        2,
        "friends has no split",
        "random-60/20/20",
    ),
    "classes": (("run", "gcn", *data("friends.txt", "directed=false", SPLIT)), 2, "have no classes", "labels="),
    "features": (
        ("run", "gcn", *data("friends.txt", "directed=false", "labels=labels.tsv", SPLIT)),
        2,
        "has none",
        "pre_transform=constant, degree or identity",
    ),
    "unknown option": (("keep", *data("friends.txt", "drected=false")[1:]), 2, "no option 'drected'", "'directed'"),
    "no value": (("keep", *data("friends.txt", "directed")[1:]), 2, "cannot read setting 'directed'", "key=value"),
    "a frame": (("keep", *data("friends.txt", "nodes=n.csv")[1:]), 2, "cannot be said in a line", "gl.dataset"),
    "direction of the wrong kind": (
        ("keep", *data("friends.txt", "directed=maybe")[1:]),
        2,
        "'maybe'",
        "True or False",
    ),
    "validation unsaid": (("keep", "family"), 2, "in which validation is asked", "inference"),
    "no triples": (("keep", "empty"), 1, "empty has no train.txt", "train.txt, valid.txt and test.txt"),
    "search with both": (("search", "random", "karate", "--data", "friends.txt"), 2, "are two", None),
    "unknown name": (("describe", "own/nobody"), 2, "no data set or model of your own", None),
    "leaderboard of nothing": (("leaderboard", "own/nobody"), 2, "no data set of your own", None),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_one_error_and_nothing_is_kept(cli, folder, case):
    words, code, message, hint = WRONG[case]
    (folder / "empty").mkdir()
    done = cli(*words, "--json")
    assert done.code == code
    error = done.json["error"]
    assert message in error["message"] and (hint or "") in str(error["hint"])
    assert "Traceback" not in done.err and not (folder / "runs").exists()
