"""Tables of docs/SEARCH.md about supernets, made of the stored studies: `python -m tests.docs.supernet_tables` writes
them."""

from __future__ import annotations

import json
from typing import Any

from tests.docs.blocks import ROOT
from tests.docs.tables import markdown, written

STUDIES = ROOT / "experiments" / "results" / "studies"
PAGE = ROOT / "docs" / "SEARCH.md"
AREAS = ("lpgnas", "lpgnas alone", "random", "by hand", "by hand and random")


def stored(name: str) -> Any:
    return json.loads((STUDIES / f"{name}.json").read_text(encoding="utf-8"))


def lpgnas() -> str:
    """Hypervolumes over searches."""
    rows = []
    for entry in stored("lpgnas"):
        areas = (entry["hypervolume"][name] for name in AREAS)
        spreads = (f"{area['mean']:.4f}" + (f" ± {area['std']:.4f}" if area["std"] else "") for area in areas)
        rows.append((entry["dataset"], str(len(entry["searches"])), *spreads))
    return markdown(("data set", "searches", *AREAS), rows)


def formats() -> str:
    """How often each format was chosen, over networks and layers."""
    rows = []
    for entry in stored("lpgnas"):
        for component, row in entry["formats"].items():
            chosen = ", ".join(f"{name} {count}" for name, count in row["counts"].items() if count)
            rows.append((entry["dataset"], component, chosen, f"{row['mean bits']:.1f}"))
    return markdown(("data set", "component", "chosen", "mean bits"), rows)


def rivals() -> str:
    """Regrets of one-shot strategies on both tables."""
    heads = ("validation regret, best of 1", "validation regret, best of 10")
    heads += ("test regret, best of 1", "test regret, best of 10")
    rows = []
    for entry in stored("nas_one_shot"):
        for name, line in entry["strategies"].items():
            rows.append((entry["table"], name, *(_regret(line[head]) for head in heads)))
    return markdown(
        ("table", "strategy", "validation, first name", "best of ten", "test, first name", "best of ten"), rows
    )


def _regret(value: list[float]) -> str:
    """A mean and a deviation; of chance, which is exact, the mean."""
    return f"{value[0]:.2f} ± {value[1]:.2f}" if len(value) > 1 else f"{value[0]:.2f}"


TABLES = {"lpgnas": lpgnas, "lpgnas formats": formats, "rivals": rivals}


def main() -> None:
    text = PAGE.read_text(encoding="utf-8")
    for mark, make in TABLES.items():
        text = written(text, mark, make())
    PAGE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
