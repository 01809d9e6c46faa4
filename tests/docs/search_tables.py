"""The tables of docs/SEARCH.md, made of the stored studies: `python -m tests.docs.search_tables` writes them."""

from __future__ import annotations

import json
from statistics import fmean
from typing import Any

from tests.docs.blocks import ROOT
from tests.docs.tables import markdown, written

STUDIES = ROOT / "experiments" / "results" / "studies"
PAGE = ROOT / "docs" / "SEARCH.md"


def stored(name: str) -> Any:
    return json.loads((STUDIES / f"{name}.json").read_text(encoding="utf-8"))


def signal() -> str:
    """Coverage on shuffled labels."""
    rows = [
        (
            f'`on="{part}"`',
            f"{100 * found['validation']:.1f}",
            f"{100 * found['report']:.1f}",
            f"{100 * found['test']:.1f}",
            f"{found['covered']} of {found['searches']}",
            f"{found['covered_by_validation']} of {found['searches']}",
        )
        for part, found in stored("search_without_signal").items()
    ]
    heads = ("search", "validation", "report", "test", "covered by the report", "by its validation, taken at its word")
    return markdown(heads, rows)


def study() -> str:
    """Every network of every data set: test over seeds, and what a search took."""
    rows = []
    for entry in stored("search_study"):
        for row in entry["rows"]:
            test, answer = row["test"], row.get("answer", {})
            cost = row.get("cost", {})
            rows.append(
                (
                    entry["dataset"],
                    row["network"],
                    f"{100 * test['mean']:.1f} ± {100 * test['std']:.1f} ({test['n']})",
                    f"{100 * answer['validation']:.1f}, {100 * answer['report']:.1f}" if answer else "",
                    (f"the hand-set {answer['start']}" if answer["start"] else "a new one") if answer else "",
                    f"{cost['epochs']:,.0f}, {cost['architectures']}" if cost else "",
                )
            )
    heads = ("data set", "network", "test", "validation, report", "the answer is", "epochs, architectures")
    return markdown(heads, rows)


def differences() -> str:
    """Each search's answer less the others, paired over seeds."""
    rows = []
    for entry in stored("search_study"):
        for line in entry["compared"]:
            low, high = line["ci95"]
            difference = f"{100 * line['mean']:+.1f} [{100 * low:+.1f}, {100 * high:+.1f}]"
            rows.append((entry["dataset"], line["network"], line["less"], difference))
    return markdown(("data set", "search", "less", "points of test, 95 %"), rows)


def racing() -> str:
    """Regrets on noisy look-ups."""
    rows = []
    for strategy, rules in stored("nas_racing")["strategies"].items():
        for rule, parts in rules.items():
            cells = (
                f"{part['mean']:.2f} [{part['ci95'][0]:.2f}, {part['ci95'][1]:.2f}]"
                for part in (parts["validation"], parts["test"])
            )
            rows.append((strategy, rule, *cells))
    return markdown(("strategy", "what is named", "regret on validation", "on test"), rows)


def spaces() -> str:
    """Which random networks learn."""
    rows = [
        (
            f"`{name}`" if name.startswith("gnn") else name if place == 0 else f"and {name}",
            f"{found['not learned']} of {found['networks']}",
            *(f"{100 * found[part]:.1f}" for part in ("median", "best")),
        )
        for place, (name, found) in enumerate(stored("search_spaces")["networks"].items())
    ]
    return markdown(("random networks", "not learned", "median validation", "best"), rows)


def left_out() -> str:
    """Test regret of each strategy on each table left out, and how far behind random search it is."""
    by_strategy = stored("nas_left_out")["strategies"]
    rows = [(strategy, *map(_regret_cell, cells.values())) for strategy, cells in by_strategy.items()]
    return markdown(("strategy", *map(_short, by_strategy["random"])), rows)


def anatomy() -> str:
    """What validation is worth near the top of each table."""
    rows = [
        (
            _short(table),
            *(f"{own['drawn'][draws]:.2f}" for draws in ("50", "200", "600", "6000")),
            f"{own['first']:.2f}",
            f"{own['top']:.2f} ± {own['spread']:.2f}",
            f"{own['tau']:.2f}",
            f"{100 * own['structure']:.0f} %",
        )
        for table, own in stored("nas_left_out")["why"].items()
    ]
    heads = ("best of 50", "200", "600", "6,000", "of all", "first 1 %", "tau there", "gap explained by structure")
    return markdown(("table", *heads), rows)


def selection() -> str:
    """Mean regret over the tables of every selection rule, and of the one that the other tables choose."""
    by_strategy = stored("nas_left_out")["rules"]
    rules = list(by_strategy["random"]["regret"])
    rows = [
        (strategy, *(f"{fmean(own['regret'][rule].values()):.2f}" for rule in rules))
        for strategy, own in by_strategy.items()
    ]
    return markdown(("strategy", *rules), rows)


def shortlists() -> str:
    """A shortlist on each table left out, beside its base alone."""
    rows = [
        (f"{base}, then a shortlist", mark, *map(_regret_cell, cells.values()))
        for mark, by_base in stored("nas_left_out")["shortlist"].items()
        for base, cells in by_base.items()
    ]
    tables = stored("nas_left_out")["why"]
    return markdown(("search", "evaluations", *map(_short, tables)), rows)


def _regret_cell(own: dict[str, Any]) -> str:
    behind = f" ({own['behind']:+.1f})" if own["behind"] else ""
    return f"{own['mean']:.2f}{behind}, {own['answers']} of {own['seeds']}"


def _short(table: str) -> str:
    return table.rpartition("/")[2]


TABLES = {
    "signal": signal,
    "study": study,
    "differences": differences,
    "racing": racing,
    "anatomy": anatomy,
    "left-out": left_out,
    "selection": selection,
    "shortlists": shortlists,
    "spaces": spaces,
}


def main() -> None:
    text = PAGE.read_text(encoding="utf-8")
    for mark, make in TABLES.items():
        text = written(text, mark, make())
    PAGE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
