"""The table of docs/PRUNING.md, made of the stored study: `python -m tests.docs.pruning_tables` writes it."""

from __future__ import annotations

import json

from tests.docs.blocks import ROOT
from tests.docs.tables import markdown, written

STUDY = ROOT / "experiments" / "results" / "studies" / "pruning.json"
PAGE = ROOT / "docs" / "PRUNING.md"


def accuracy() -> str:
    """Test accuracy by method and sparsity, and tickets less their control."""
    rows, levels = [], []
    for entry in json.loads(STUDY.read_text(encoding="utf-8")):
        dense, kept = entry["dense"], entry["dataset"]
        levels = [line["sparsity"] for line in entry["ticket minus redrawn"]]
        rows.append((kept, "dense", *[spread(dense)] * len(levels)))
        rows += [(kept, name, *map(spread, lines)) for name, lines in entry["methods"].items()]
        rows.append((kept, "ticket less redrawn", *(spread(line, "+") for line in entry["ticket minus redrawn"])))
    return markdown(("data set", "method", *(f"{100 * level:.0f} %" for level in levels)), rows)


def spread(line: dict, sign: str = "") -> str:
    return f"{100 * line['mean']:{sign}.1f} ± {100 * line['std']:.1f}"


def main() -> None:
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8"), "pruning", accuracy()), encoding="utf-8")


if __name__ == "__main__":
    main()
