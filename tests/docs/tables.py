"""Tables of the README and of docs/TABLES.md, made of the registry, of the stored results and of the published numbers:
`python -m tests.docs.tables` writes them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from statistics import mean, stdev
from typing import Any

from graphlab.comparison.numbers import published, published_datasets
from graphlab.comparison.rows import rows_json
from graphlab.data.registry import DATASETS
from graphlab.experiment.results import read_results, stored_leaderboards
from graphlab.model.registry import MODELS, find_model
from graphlab.task.registry import TASKS, find_task
from tests.docs.blocks import ROOT

RESULTS = ROOT / "experiments" / "results"


def results() -> str:
    """A line for each published number beside our runs, from `experiments/results`: of the metric that selects, or
    where that is not published, of those that are."""
    lines = []
    for path in sorted(RESULTS.glob("*.json")):
        stored = read_results(path)
        metrics = {runs.dataset: runs.metric for runs in stored}
        for board in (rows_json(name, rows) for name, rows in stored_leaderboards(stored).items()):
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
    verdict += f", {row['deciding_n']} seeds would decide" if row.get("deciding_n") else ""
    return (model, row["metric"], mine, f"{published['mean']:.3f}{spread}, {published['source']}", verdict)


def kinship_paths() -> str:
    """Mean and sample standard deviation over the trained runs of the study, and the untrained control."""
    stored = json.loads((RESULTS / "studies" / "kinship_paths.json").read_text())["runs"]
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
    return f"[{citation.surnames}, {citation.venue} {citation.year}]({citation.url})"


def markdown(headings: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [headings, tuple("---" for _ in headings), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def brec() -> str:
    """Pairs told apart by each trained model, in total and by the categories that its class can tell."""
    lines = []
    for entry in json.loads((RESULTS / "studies" / "brec.json").read_text()):
        *categories, total = entry["table"]
        parts = ", ".join(f"{c['category']} {c['calibrated']} of {c['ceiling']}" for c in categories if c["ceiling"])
        counts = (total[key] for key in ("pairs", "official", "official_beyond", "calibrated", "ceiling"))
        lines.append((entry["model"], entry["test"], *map(str, counts), parts))
    headings = ("model", "class", "pairs", "official rule", "of these beyond the class", "calibrated rule", "ceiling")
    return markdown((*headings, "calibrated, by category"), lines)


def recalled() -> str:
    """Published numbers that nobody has read yet: a line a data set and source, with models and metrics."""
    lines = []
    for dataset in published_datasets():
        numbers = published(dataset)
        left = [number for number in numbers if number.certainty == "recalled"]
        for source in dict.fromkeys(number.reference.partition(", ")[0] for number in left):
            mine = [number for number in left if number.reference.startswith(f"{source}, ")]
            names, metrics = ({getattr(number, key): None for number in mine} for key in ("name", "metric"))
            where = "; ".join(dict.fromkeys(number.where for number in mine))
            count = f"{len(mine)} of {len(numbers)}"
            lines.append((dataset, source, where, ", ".join(names), ", ".join(metrics), count))
    return markdown(("data set", "publication", "where", "models", "metrics", "recalled"), lines)


PAGE_TABLES = {"recalled": recalled}
"""The same of docs/TABLES.md."""

TABLES = {"tables": tables, "results": results, "kinship paths": kinship_paths, "brec": brec}
"""What makes the table between `<!-- mark -->` and `<!-- mark end -->`, by mark."""


def written(text: str, mark: str, table: str) -> str:
    """The page with the table of this mark as it is to be."""
    start, end = f"<!-- {mark} -->\n", f"<!-- {mark} end -->"
    before, _, rest = text.partition(start)
    _, found, after = rest.partition(end)
    assert found, f"the page has no {start.strip()} ... {end}"
    return f"{before}{start}{table}{end}{after}"


if __name__ == "__main__":
    for path, tables_of_page in {"README.md": TABLES, "docs/TABLES.md": PAGE_TABLES}.items():
        page = ROOT / path
        text = page.read_text(encoding="utf-8")
        for mark in tables_of_page:
            text = written(text, mark, tables_of_page[mark]())
        page.write_text(text, encoding="utf-8")
