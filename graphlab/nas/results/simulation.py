"""Searches over tables in memory, and their regret as they go on: over strategies, tables and seeds.

A simulation is the search itself, `graphlab.nas.core.loop`, with a history in memory: it names the architectures that a
stored search would evaluate, in the same order.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from matplotlib.ticker import LogLocator, NullFormatter

from graphlab.core.plot import Plot
from graphlab.nas.core.budget import Budget
from graphlab.nas.core.loop import SearchLoop
from graphlab.nas.core.outcome import Outcome
from graphlab.nas.core.race import RaceConfig
from graphlab.nas.registry import make_strategy
from graphlab.nas.results.selection import choose
from graphlab.nas.tables import PERCENT, Table, TableObjective
from graphlab.records.statistics import mean_interval

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

SIMULATED_SEEDS = 10
"""Seeds that an architecture of a table can be looked up with, in a race."""

NO_INTERVAL = (math.nan, math.nan)
"""Of one seed, which has no spread."""

WHAT = {"validation": "best validation", "test": "test, chosen by validation"}


def simulate(
    strategy: str,
    table: Table,
    *,
    seed: int = 0,
    budget: int = 200,
    settings: Mapping[str, Any] | None = None,
    objective: TableObjective | None = None,
    race: RaceConfig | None = None,
) -> list[Outcome]:
    """The evaluations of a search with one worker, in order; fewer than `budget` if the strategy runs dry.

    Args:
        strategy: Its name.
        table: What is searched.
        seed: Of the search.
        budget: Evaluations.
        settings: The strategy's own.
        objective: What looks architectures up; None looks up what the table says.
        race: How architectures race; None evaluates each once.

    Raises:
        UnknownNameError: There is no such strategy.
        ConfigError: The strategy does not take these settings.
    """
    objective = objective or TableObjective(table)
    searching = make_strategy(strategy, settings or {}, table.space, objective, seed=seed)
    history = searching.memory(objective.optimised)
    loop = SearchLoop(searching, objective, history, Budget(budget), race=race, num_seeds=SIMULATED_SEEDS)
    loop.run()
    return loop.outcomes


@dataclass(frozen=True)
class Trajectory:
    """The rows of a table in the order in which a strategy evaluated them."""

    strategy: str
    table: str
    seed: int
    rows: tuple[int, ...]


def follow(
    strategy: str, table: Table, *, seed: int = 0, budget: int = 200, settings: Mapping[str, Any] | None = None
) -> Trajectory:
    outcomes = simulate(strategy, table, seed=seed, budget=budget, settings=settings)
    return Trajectory(strategy, table.name, seed, tuple(table.row(outcome.values) for outcome in outcomes))


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
    """Trajectories over tables, as curves of regret.

    tables  by name; every trajectory's is among them
    """

    def __init__(self, trajectories: Iterable[Trajectory], tables: Iterable[Table]) -> None:
        self.trajectories = tuple(trajectories)
        self.tables = {table.name: table for table in tables}
        self._curves = {
            trajectory: regret_curve(self.tables[trajectory.table], trajectory.rows) for trajectory in self.trajectories
        }

    @property
    def strategies(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(trajectory.strategy for trajectory in self.trajectories))

    @property
    def df(self) -> pd.DataFrame:
        """One evaluation a row: strategy, table, seed, evaluation (from 1), validation and test regret."""
        import pandas as pd

        return pd.concat(
            [
                pd.DataFrame(
                    {
                        "strategy": trajectory.strategy,
                        "table": trajectory.table,
                        "seed": trajectory.seed,
                        "evaluation": np.arange(1, len(trajectory.rows) + 1),
                        "validation": validation,
                        "test": test,
                    }
                )
                for trajectory, (validation, test) in self._curves.items()
            ],
            ignore_index=True,
        )

    def over_tables(self, strategy: str, what: str = "validation") -> np.ndarray:
        """`[seeds, evaluations]`: each seed's curve, a mean over the tables; as long as the longest trajectory. A
        search that had nothing left to name stays where it was."""
        found = [(trajectory, self._curves[trajectory][what == "test"]) for trajectory in self.trajectories]
        own = [(trajectory, curve) for trajectory, curve in found if trajectory.strategy == strategy]
        length = max(len(curve) for _, curve in own)
        seeds: dict[int, list[np.ndarray]] = {}
        for trajectory, curve in own:
            seeds.setdefault(trajectory.seed, []).append(np.pad(curve, (0, length - len(curve)), mode="edge"))
        whole = max(len(curves) for curves in seeds.values())
        return np.array([np.mean(curves, 0) for curves in seeds.values() if len(curves) == whole])

    def at(self, marks: Sequence[int], what: str = "validation") -> pd.DataFrame:
        """Mean over tables and seeds at these numbers of evaluations, with 95 % intervals over seeds by Student's t,
        NaN for one seed; a mark that a strategy's trajectories do not reach is left out."""
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
