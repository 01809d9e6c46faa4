"""Regret as a search goes on: over strategies, tables and seeds."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from matplotlib.ticker import LogLocator, NullFormatter

from graphlab.core.plot import Plot
from graphlab.nas.results.rehearsal import rehearse
from graphlab.nas.results.selection import choose
from graphlab.nas.table import PERCENT, Table
from graphlab.records.statistics import mean_interval

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

NO_INTERVAL = (math.nan, math.nan)
"""Of one seed, which has no spread."""

WHAT = {"validation": "best validation", "test": "test, chosen by validation"}


@dataclass(frozen=True)
class Course:
    """The rows of a table in the order in which a strategy evaluated them."""

    strategy: str
    table: str
    seed: int
    rows: tuple[int, ...]


def follow(
    strategy: str, table: Table, *, seed: int = 0, budget: int = 200, settings: Mapping[str, Any] | None = None
) -> Course:
    outcomes = rehearse(strategy, table, seed=seed, budget=budget, settings=settings)
    return Course(strategy, table.name, seed, tuple(table.row(outcome.values) for outcome in outcomes))


def regret_curve(table: Table, rows: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    """After each evaluation, in percent points: how far the best validation is from the table's best, and how far the
    test of the architecture with the best validation is from the best test. The earliest of equals is chosen."""
    order = np.asarray(rows)
    scores = table.validation[order]
    best = np.maximum.accumulate(scores)
    is_better = np.r_[True, scores[1:] > best[:-1]]
    chosen = order[np.maximum.accumulate(np.where(is_better, np.arange(len(order)), 0))]
    return PERCENT * (table.validation.max() - best), PERCENT * (table.test.max() - table.test[chosen])


def regret_by_rule(
    table: Table, rows: Sequence[int], marks: Sequence[int], rule: Literal["best", "smoothed"]
) -> dict[int, float]:
    """The test regret of what a selection rule chooses among the first evaluations, by their number."""
    found = {}
    for mark in marks:
        first = list(rows[:mark])
        place = choose(table.space, [table.architectures[row] for row in first], table.validation[first].tolist(), rule)
        found[mark] = PERCENT * float(table.test.max() - table.test[first[place]])
    return found


class Anytime:
    """Courses over tables, as curves of regret.

    tables  by name; every course's is among them
    """

    def __init__(self, courses: Iterable[Course], tables: Iterable[Table]) -> None:
        self.courses = tuple(courses)
        self.tables = {table.name: table for table in tables}
        self._curves = {course: regret_curve(self.tables[course.table], course.rows) for course in self.courses}

    @property
    def strategies(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(course.strategy for course in self.courses))

    @property
    def df(self) -> pd.DataFrame:
        """One evaluation a row: strategy, table, seed, evaluation (from 1), validation and test regret."""
        import pandas as pd

        return pd.concat(
            [
                pd.DataFrame(
                    {
                        "strategy": course.strategy,
                        "table": course.table,
                        "seed": course.seed,
                        "evaluation": np.arange(1, len(course.rows) + 1),
                        "validation": validation,
                        "test": test,
                    }
                )
                for course, (validation, test) in self._curves.items()
            ],
            ignore_index=True,
        )

    def over_tables(self, strategy: str, what: str = "validation") -> np.ndarray:
        """`[seeds, evaluations]`: each seed's curve, a mean over the tables; as long as the longest course. A search
        that had nothing left to name stays where it was."""
        found = [(course, self._curves[course][what == "test"]) for course in self.courses]
        own = [(course, curve) for course, curve in found if course.strategy == strategy]
        length = max(len(curve) for _, curve in own)
        seeds: dict[int, list[np.ndarray]] = {}
        for course, curve in own:
            seeds.setdefault(course.seed, []).append(np.pad(curve, (0, length - len(curve)), mode="edge"))
        whole = max(len(curves) for curves in seeds.values())
        return np.array([np.mean(curves, 0) for curves in seeds.values() if len(curves) == whole])

    def at(self, marks: Sequence[int], what: str = "validation") -> pd.DataFrame:
        """Mean over tables and seeds at these numbers of evaluations, with 95 % intervals over seeds by Student's t,
        NaN for one seed; a mark that a strategy's courses do not reach is left out."""
        import pandas as pd

        rows = []
        for strategy in self.strategies:
            curves = self.over_tables(strategy, what)
            for mark in (mark for mark in marks if mark <= curves.shape[1]):
                values = curves[:, mark - 1]
                low, high = mean_interval(values.tolist()) or NO_INTERVAL
                mean = float(values.mean())
                rows.append({"strategy": strategy, "evaluations": mark, "mean": mean, "low": low, "high": high})
        return pd.DataFrame(rows)

    def plot(self, budget: int = 200) -> Plot:
        """Mean curves over tables and seeds, with the intervals as bands: validation left, test right."""
        figure = Plot(9.6, 3.8)
        left, right = figure.subplots(1, 2)
        for axes, what in ((left, "validation"), (right, "test")):
            self._draw(axes, what, budget)
        right.legend(frameon=False, fontsize=8)
        return figure

    def _draw(self, axes: Axes, what: str, budget: int) -> None:
        from graphlab.experiment.figures import COLOURS

        axes.spines[["top", "right"]].set_visible(False)
        axes.tick_params(labelsize=9)
        for number, strategy in enumerate(self.strategies):
            curves = self.over_tables(strategy, what)[:, :budget]
            steps = np.arange(1, curves.shape[1] + 1)
            style = "-" if number < len(COLOURS) else "--"
            colour = COLOURS[number % len(COLOURS)]
            axes.plot(steps, curves.mean(0), style, color=colour, label=strategy, linewidth=1.4)
            shown = steps[min(9, len(steps) - 1) :: max(1, budget // 40)]
            bands = np.array([mean_interval(curves[:, step - 1].tolist()) or NO_INTERVAL for step in shown]).T
            axes.fill_between(shown, *bands, color=colour, alpha=0.15, linewidth=0)
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_major_formatter("{x:g}")
        axes.yaxis.set_minor_formatter(NullFormatter())
        axes.set_xlabel("evaluations", fontsize=9)
        axes.set_ylabel(f"regret, {WHAT[what]} (points)", fontsize=9)
