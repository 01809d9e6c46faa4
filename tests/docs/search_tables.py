"""The tables of docs/SEARCH.md, made of the stored studies: `python -m tests.docs.search_tables` writes them."""

from __future__ import annotations

import json
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


TABLES = {"signal": signal, "study": study, "differences": differences, "racing": racing, "spaces": spaces}


def main() -> None:
    text = PAGE.read_text(encoding="utf-8")
    for mark, make in TABLES.items():
        text = written(text, mark, make())
    PAGE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
