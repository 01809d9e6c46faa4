"""Files of a user's own."""

from __future__ import annotations

from pathlib import Path


def triples(folder: Path, **parts: str) -> Path:
    """Files of triples, given as letters between blanks."""
    folder.mkdir(exist_ok=True)
    for part, text in parts.items():
        lines = ["\t".join(triple.split()) for triple in text.split(",")]
        (folder / f"{part}.txt").write_text("\n".join(lines) + "\n")
    return folder
