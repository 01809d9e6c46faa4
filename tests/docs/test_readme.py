"""What the README says: its snippets run, its JSON has the shapes shown, its tables are those of the registry."""

from __future__ import annotations

import ast
import json
import shlex
from typing import Any

import pytest

from tests.docs.blocks import ROOT, blocks
from tests.docs.tables import TABLES, written

BLOCKS = blocks("README.md")


def texts(language: str, mark: str = "") -> list[str]:
    return [block.text for block in BLOCKS if (block.language, block.mark) == (language, mark)]


@pytest.fixture
def checkout(tmp_path):
    """A working folder with the experiment of the page, over one seed to save time, and so with a looser claim."""
    text = (ROOT / "experiments" / "gcn_cora.yaml").read_text()
    assert "seeds: 10\n" in text and "at_least: 0.81" in text
    text = text.replace("seeds: 10\n", "seeds: 1\n").replace("at_least: 0.81", "at_least: 0.78")
    (tmp_path / "experiments").mkdir()
    (tmp_path / "experiments" / "gcn_cora.yaml").write_text(text)
    return tmp_path


def test_every_block_is_run_or_checked_or_says_why_not():
    kinds = {(block.language, block.mark) for block in BLOCKS}
    run = {("python", ""), ("bash", ""), ("python", "real_data"), ("bash", "real_data")}
    assert kinds == run | {("bash", "not-run"), *(("json", mark) for mark in COMMANDS)}
    not_run = "".join(texts("bash", "not-run"))
    assert all(line.startswith(("make ", "python -m pip install ")) for line in not_run.splitlines())


OUTSIDE = [text for text in texts("bash") if not all(line.startswith("graphlab ") for line in text.splitlines())]
ACROSS = "graphlab run gcn karate --seeds 3\ngraphlab runs\n"
"""Of the first block, where one process finds what another left."""


@pytest.mark.slow
def test_commands_of_the_first_block_work_across_processes(shell):
    lines = texts("bash")[0].splitlines()
    assert set(ACROSS.splitlines()) <= set(lines)
    assert "karate" in shell(ACROSS)


@pytest.mark.slow
@pytest.mark.parametrize("text", OUTSIDE, ids=lambda text: text.split()[0])
def test_other_programs(shell, text):
    assert shell(text)


@pytest.mark.parametrize(
    "text", [text for text in texts("bash") if text not in OUTSIDE], ids=lambda text: text.split()[1]
)
def test_commands(check_commands, text):
    check_commands(text)


@pytest.fixture
def check_commands(cli, tmp_path, monkeypatch):
    """Without a process for each, which takes longer to start than most of them take."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GRAPHLAB_STORE", str(tmp_path / "runs"))

    def check(text):
        for line in text.splitlines():
            done = cli(*shlex.split(line)[1:])
            assert done.code == 0 and done.out, f"{line}\n{done.out}\n{done.err}"

    return check


def test_python(shell, own_files):
    (own_files / "snippet.py").write_text("".join(texts("python")))
    shown = shell("python snippet.py")
    assert "Summary(n=3, failed=0" in shown
    assert shown.count("Summary(n=2, failed=0") == 6 and "own/club-" in shown


OWN_DATA = next(text for text in texts("python") if "gl.dataset(" in text)


def test_data_of_ones_own_are_the_second_section():
    page = (ROOT / "README.md").read_text(encoding="utf-8")
    headings = [line for line in page.splitlines() if line.startswith("## ")]
    assert headings[1] == "## Your own data" and OWN_DATA in page.split(headings[2])[0]


def test_each_way_to_a_data_set_is_three_lines_at_most():
    """A statement that makes one, and those that make what only it uses."""
    statements = [node for node in ast.parse(OWN_DATA).body if not isinstance(node, ast.Import | ast.ImportFrom)]
    shared = {"split", "gl"}
    ways = {}
    for node in (node for node in statements if "gl.dataset(" in ast.unparse(node)):
        used = {each.id for each in ast.walk(node.value) if isinstance(each, ast.Name)} - shared
        sources = [each for each in statements if isinstance(each, ast.Assign) and each.targets[0].id in used]
        ways[node.targets[0].id] = sum(each.end_lineno - each.lineno + 1 for each in (node, *sources))
    assert len(ways) == 7 and max(ways.values()) <= 3 - len(["gl.run(...)"])


@pytest.mark.slow
@pytest.mark.real_data
def test_on_public_data(shell, check_commands, checkout):
    """The commands, then the Python that finds their runs done."""
    (commands,), (snippet,) = texts("bash", "real_data"), texts("python", "real_data")
    check_commands(commands)
    assert (checkout / "gcn_cora.html").exists()
    (checkout / "snippet.py").write_text(f"import graphlab as gl\n{snippet}assert comparison.ok\n")
    shell("python snippet.py")


COMMANDS = {
    "run": ("graphlab run gcn karate --seeds 2 --json", 0),
    "search": (
        "graphlab search random karate --space gcn --on validation --trials 2 --set training.epochs=10 --json",
        0,
    ),
    "leaderboard": ("graphlab leaderboard planetoid/cora --json", 0),
    "error": ("graphlab run gcn karte --json", 2),
}


@pytest.mark.parametrize("name", COMMANDS)
def test_json_has_the_shape_shown(cli, tmp_path, monkeypatch, name):
    monkeypatch.setenv("GRAPHLAB_STORE", str(tmp_path / "runs"))
    command, code = COMMANDS[name]
    (shown,) = map(json.loads, texts("json", name))
    assert f"`{command}`" in (ROOT / "README.md").read_text()
    done = cli(*command.split()[1:])
    assert done.code == code
    assert shape(done.json) == shape(shown)


def shape(value: Any) -> Any:
    """Keys in order and kinds of values; of a list, its first item."""
    if isinstance(value, dict):
        return {key: shape(item) for key, item in value.items()}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    return "number" if isinstance(value, int | float) else type(value).__name__


@pytest.mark.parametrize("mark", TABLES)
def test_tables_are_those_of_the_registry_and_of_the_stored_results(mark):
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert written(text, mark, TABLES[mark]()) == text, "python -m tests.docs.tables writes them"
