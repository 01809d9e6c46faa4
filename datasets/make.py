"""Write the data sets of our own making again: `python datasets/make.py`, with GraphLab installed.

The files come out byte for byte as they are committed; a digest that changed is printed with its card's value.
"""

from __future__ import annotations

import importlib
from pathlib import Path

from graphlab.core.files import hash_file
from graphlab.data.card import Source
from graphlab.data.registry import DATASETS

ROOT = Path(__file__).resolve().parent


def sources() -> list[Source]:
    """The files of every registered data set that GraphLab makes itself, each once."""
    found = {
        source.path: source
        for family in DATASETS.families
        for declared in DATASETS.module(family).CARD.sources.values()
        for source in declared
        if source.made_by.startswith("graphlab.")
    }
    return [found[path] for path in sorted(found)]


def make(source: Source, root: Path) -> Path:
    path = root / source.path
    path.parent.mkdir(parents=True, exist_ok=True)
    importlib.import_module(source.made_by).make(path)
    return path


def main() -> None:
    for source in sources():
        digest = hash_file(make(source, ROOT))
        verdict = "as declared" if digest == source.sha256 else f"NOT as declared ({source.sha256})"
        print(f"{digest}  {source.path}  {verdict}")


if __name__ == "__main__":
    main()
