"""What the README says: its snippets run, its JSON has the shapes shown, its tables are those of the registry."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable
from statistics import mean, stdev
from typing import Any

import pytest

from graphlab.data.registry import DATASETS
from graphlab.model.registry import MODELS, find_model
from graphlab.task.registry import TASKS, find_task
from tests.docs.blocks import ROOT, blocks

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


FIRST, *REST = texts("bash")
OTHER_PROGRAMS = [text for text in REST if not all(line.startswith("graphlab ") for line in text.splitlines())]


@pytest.mark.parametrize("text", [FIRST, *OTHER_PROGRAMS], ids=lambda text: text.split()[0])
def test_commands_in_a_shell(shell, text):
    assert shell(text)


@pytest.mark.parametrize(
    "text", [text for text in REST if text not in OTHER_PROGRAMS], ids=lambda text: text.split()[1]
)
def test_more_commands(cli, tmp_path, monkeypatch, text):
    """Without a process for each, which takes longer to start than most of them take."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GRAPHLAB_STORE", str(tmp_path / "runs"))
    for line in text.splitlines():
        done = cli(*shlex.split(line)[1:])
        assert done.code == 0 and done.out, f"{line}\n{done.out}\n{done.err}"


def test_python(shell, tmp_path):
    (tmp_path / "snippet.py").write_text("".join(texts("python")))
    assert "Summary(n=3, failed=0" in shell("python snippet.py")


@pytest.mark.real_data
def test_on_public_data(shell, checkout):
    """The commands, then the Python that finds their runs done."""
    (commands,), (snippet,) = texts("bash", "real_data"), texts("python", "real_data")
    shell(commands)
    assert (checkout / "gcn_cora.html").exists()
    (checkout / "snippet.py").write_text(f"import graphlab as gl\n{snippet}assert comparison.ok\n")
    shell("python snippet.py")


COMMANDS = {
    "run": ("graphlab run gcn karate --seeds 2 --json", 0),
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


@pytest.mark.parametrize("mark", ["tables", "results", "kinship paths"])
def test_tables_are_those_of_the_registry_and_of_the_stored_results(mark):
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    shown = text.partition(f"<!-- {mark} -->\n")[2].partition(f"<!-- {mark} end -->")[0]
    expected = {"tables": tables, "results": results, "kinship paths": kinship_paths}[mark]()
    assert shown == expected, f"between the marks, the README should have:\n{expected}"


def results() -> str:
    """A line for each published number beside our runs, from `experiments/results`: of the metric that selects, or
    where that is not published, of those that are."""
    lines = []
    for path in sorted((ROOT / "experiments" / "results").glob("*.json")):
        stored = json.loads(path.read_text())
        metrics = {runs["dataset"]: runs["metric"] for runs in stored["runs"]}
        for board in stored["leaderboards"]:
            ours, selecting = [row for row in board["rows"] if row["ours"]], metrics[board["dataset"]]
            published = {row["metric"] for row in ours if row["published"]}
            shown = published if published and selecting not in published else {selecting}
            rows = [row for row in ours if row["metric"] in shown]
            lines += [(path.stem, board["dataset"], *result_cells(row)) for row in rows]
    return markdown(("experiment", "data set", "model", "metric", "ours", "published", "verdict"), lines)


def result_cells(row: dict[str, Any]) -> tuple[str, ...]:
    ours, published = row["ours"], row["published"]
    spread = f" ± {ours['std']:.3f}" if ours["std"] is not None else ""
    mine = f"{ours['mean']:.3f}{spread} ({ours['n']})"
    settings = ", ".join(f"{name.partition('.')[2]}={value or 'none'}" for name, value in row["settings"].items())
    model = f"{row['model']} ({settings})" if settings else row["model"]
    if published is None:
        return (model, row["metric"], mine, "", "")
    spread = f" ± {published['std']:.3f}" if published["std"] else ""
    verdict = row["verdict"] if row["verdict"] != "not comparable" else f"{row['verdict']}: {row['why']}"
    return (model, row["metric"], mine, f"{published['mean']:.3f}{spread}, {published['source']}", verdict)


def kinship_paths() -> str:
    """Mean and sample standard deviation over the trained runs of the study, and the untrained control."""
    stored = json.loads((ROOT / "experiments" / "results" / "studies" / "kinship_paths.json").read_text())["runs"]
    lines = []
    for dataset, scales in dict.fromkeys((run["dataset"], run["scales"]) for run in stored):
        runs = [run for run in stored if (run["dataset"], run["scales"]) == (dataset, scales)]
        (control,) = (run for run in runs if run["run"] == "untrained")
        trained = [run for run in runs if run["run"] != "untrained"]
        first = ", ".join(str(run["first_ten_true"]) for run in trained)
        shares = [run["true"] for run in trained]
        share = f"{mean(shares):.3f} ± {stdev(shares):.3f} ({len(shares)})"
        lines.append((dataset, str(scales), first, share, f"{control['true']:.3f}"))
    headings = ("data set", "scales", "true of the first ten, by seed", "true of all, mean ± std (seeds)", "untrained")
    return markdown(headings, lines)


def tables() -> str:
    cards = [DATASETS.module(family).CARD for family in DATASETS.families]
    data = [(card.family, ", ".join(card.variants), card.title, card.task) for card in cards]
    entries = [find_model(name) for name in MODELS.names()]
    models = [(entry.name, ", ".join(sorted(entry.cls.tasks)), short(entry.cls.citation)) for entry in entries]
    tasks = [(name, (find_task(name).__doc__ or "").strip().splitlines()[0]) for name in TASKS.names()]
    parts = [
        markdown(("data set", "variants", "what it is", "task"), data),
        markdown(("model", "tasks", "publication"), models),
        markdown(("task", "what it does"), tasks),
    ]
    return "\n".join(parts)


def short(citation: Any) -> str:
    return f"[{citation.authors}, {citation.venue} {citation.year}]({citation.url})"


def markdown(headings: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [headings, tuple("---" for _ in headings), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
