"""The paths behind one prediction, as a table and as a picture."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

    from graphlab.core.plot import Plot

Step = tuple[str, str, str, bool]
"""A fact (head, relation, tail), and whether the path walks it from tail to head."""

INVERSE = "\u207b\u00b9"
"""Marks a relation that is walked against its direction."""


@dataclass(frozen=True)
class Explanation:
    """The paths that the score of a triple rests on, the most important first.

    query  the triple (head, relation, tail)
    paths  importance and steps of each; the steps lead from the triple's head to its tail
    """

    query: tuple[str, str, str]
    paths: tuple[tuple[float, tuple[Step, ...]], ...]

    @property
    def df(self) -> pd.DataFrame:
        """A row a path: rank, importance, length, its relations (its body as a rule), and the walk itself."""
        import pandas as pd

        rows = [
            (rank, importance, len(steps), " · ".join(body(steps)), walk_text(steps))
            for rank, (importance, steps) in enumerate(self.paths, start=1)
        ]
        return pd.DataFrame(rows, columns=["rank", "importance", "length", "relations", "path"])

    def to_json(self) -> dict[str, Any]:
        head, relation, tail = self.query
        keys = ("head", "relation", "tail", "inverse")
        return {
            "head": head,
            "relation": relation,
            "tail": tail,
            "paths": [
                {"rank": rank, "importance": importance, "steps": [dict(zip(keys, s, strict=True)) for s in steps]}
                for rank, (importance, steps) in enumerate(self.paths, start=1)
            ],
        }

    def plot(self) -> Plot:
        """The paths as one drawn subgraph, from the head on the left to the tail on the right."""
        from graphlab.analysis.path_plot import plot_paths

        return plot_paths(self)

    def __len__(self) -> int:
        return len(self.paths)

    def __iter__(self) -> Iterator[tuple[float, tuple[Step, ...]]]:
        return iter(self.paths)

    def __repr__(self) -> str:
        head, relation, tail = self.query
        lines = [f"{importance:8.3f}  {walk_text(steps)}" for importance, steps in self.paths]
        return "\n".join([f"paths behind ({head}, {relation}, {tail})", *(lines or ["  none: no path leads there"])])

    def _repr_html_(self) -> str:
        from graphlab.experiment.views import table_html

        head, relation, tail = self.query
        lines = [
            (str(rank), f"{importance:.3f}", escape(" · ".join(body(steps))), escape(walk_text(steps)))
            for rank, (importance, steps) in enumerate(self.paths, start=1)
        ]
        caption = f"Paths behind ({head}, {relation}, {tail})"
        return table_html(caption, ["rank", "importance", "relations", "path"], lines)


def body(steps: tuple[Step, ...]) -> tuple[str, ...]:
    """The relations of a path in the order of the walk, those walked backwards marked as inverse."""
    return tuple(relation + INVERSE * inverse for _, relation, _, inverse in steps)


def walk_text(steps: tuple[Step, ...]) -> str:
    """`anna -mother-> eve <-father- tom`: every arrow points as its fact does."""
    start = steps[0][2] if steps[0][3] else steps[0][0]
    return start + "".join(
        f" <-{relation}- {head}" if inverse else f" -{relation}-> {tail}" for head, relation, tail, inverse in steps
    )
