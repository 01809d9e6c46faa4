"""What a rule that selects by more than the highest validation gains on the tables of NAS-Bench-Graph.

    python experiments/nas_selection.py

Test regret is a table's best test less that of the architecture which a rule names, in percent points.

Of 200 random architectures: `best`, the highest validation; `smoothed`, as the platform has it; `borrowed`, the test
that the other tables let expect, from the validation here and the validations and tests there, with coefficients that
they agree on among themselves. Two are no rules but bounds, since they see the judged table's own test: `informed`,
ridge regression on structure, all validations and the other tables' tests, fitted to the tests of four fifths of the
table and asked about the last fifth; and `known`, the best test of the 200.

Of 200 evaluations of a search: `best`, and `shortlist`, which spends the last tenth, quarter or half of the 200 on what
the search so far and the other tables' tests let expect most of, and compares these alone. Nothing is chosen among the
three.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from rich.progress import track
from scipy.stats import norm, rankdata

from graphlab.core.files import write_json
from graphlab.core.seeds import SeedStream, parse_seeds
from graphlab.nas.registry import TABLES, find_table
from graphlab.nas.results.selection import SelectionRule, choose, select
from graphlab.nas.results.simulation import simulate
from graphlab.nas.surrogates.points import points_of
from graphlab.nas.tables import PERCENT, Table
from graphlab.records.statistics import mean_interval

FOLDS = 5
RIDGE = 100.0
BASES = ("random", "evolution")
REST = (0.1, 0.25, 0.5)
"""Shares of a search that are left for its shortlist."""

Chooser = Callable[[np.ndarray], int]
"""From rows of a table to the row of the chosen one."""


class Tables:
    """Tables of one space in one order of architectures, as normal scores of ranks.

    validation, test  [tables, N]
    """

    def __init__(self, tables: Sequence[Table]) -> None:
        first = tables[0]
        self.architectures = first.architectures
        rows = [[table.rows[key] for key in first.rows] for table in tables]
        self.tests = np.stack([table.test[own] for table, own in zip(tables, rows, strict=True)])
        self.validations = np.stack([table.validation[own] for table, own in zip(tables, rows, strict=True)])
        self.validation = np.stack([normal_scores(values) for values in self.validations])
        self.test = np.stack([normal_scores(values) for values in self.tests])
        points = points_of(first.space)(first.architectures)
        self.points = points - points.mean(0)
        self.space = first.space

    def regret(self, which: int, row: int) -> float:
        return PERCENT * float(self.tests[which].max() - self.tests[which, row])

    def borrowed(self, which: int) -> np.ndarray:
        """Expected normal scores of the tests of one table, `[N]`; its own tests have no part in them."""
        others = [one for one in range(len(self.test)) if one != which]
        features = [self._seen_from(one, [other for other in others if other != one]) for one in others]
        coefficients = np.linalg.lstsq(np.concatenate(features), self.test[others].ravel(), rcond=None)[0]
        return self._seen_from(which, others) @ coefficients

    def informed(self, which: int, random: np.random.Generator) -> np.ndarray:
        """Normal scores of the tests of one table, each guessed from those of four fifths of the rest, `[N]`."""
        num = self.test.shape[1]
        columns = [self.points, self.validation.T, np.delete(self.test, which, 0).T, np.ones((num, 1))]
        features, fold = np.hstack(columns), random.integers(FOLDS, size=num)
        guessed = np.empty(num)
        for one in range(FOLDS):
            known = features[fold != one]
            gram = known.T @ known + RIDGE * np.eye(known.shape[1])
            coefficients = np.linalg.solve(gram, known.T @ self.test[which, fold != one])
            guessed[fold == one] = features[fold == one] @ coefficients
        return guessed

    def _seen_from(self, which: int, others: Sequence[int]) -> np.ndarray:
        return np.stack([self.validation[which], self.validation[others].mean(0), self.test[others].mean(0)], 1)


def normal_scores(values: np.ndarray) -> np.ndarray:
    return norm.ppf((rankdata(values) - 0.5) / len(values))


def choosers(tables: Tables, which: int) -> dict[str, Chooser]:
    """Every rule and bound for one table."""
    informed = tables.informed(which, SeedStream(0).child("folds", which).numpy())
    return {
        "best": partial(highest, tables.validations[which]),
        "smoothed": partial(smoothed, tables, which),
        "borrowed": partial(highest, tables.borrowed(which)),
        "informed": partial(highest, informed),
        "known": partial(highest, tables.tests[which]),
    }


def highest(scores: np.ndarray, rows: np.ndarray) -> int:
    return int(rows[np.argmax(scores[rows])])


def smoothed(tables: Tables, which: int, rows: np.ndarray) -> int:
    architectures = [tables.architectures[row] for row in rows]
    scores = tables.validations[which, rows].tolist()
    return int(rows[choose(tables.space, architectures, scores, "smoothed")])


def study(tables: Tables, names: Sequence[str], seeds: Sequence[int], budget: int) -> dict[str, Any]:
    """By rule: the mean over tables and seeds, with a 95 % interval over seeds, and the means by table."""
    regrets: dict[str, np.ndarray] = {}
    for which, name in enumerate(names):
        for rule, choice in choosers(tables, which).items():
            found = regrets.setdefault(rule, np.zeros((len(names), len(seeds))))
            for place, seed in enumerate(seeds):
                random = SeedStream(seed).child("candidates", name).numpy()
                rows = random.choice(len(tables.architectures), budget, replace=False)
                found[which, place] = tables.regret(which, choice(rows))
    return {
        "budget": budget,
        "seeds": len(seeds),
        "rules": {rule: summary(found, names) for rule, found in regrets.items()},
    }


def searched(table: Table, seed: int, budget: int, rule: SelectionRule, strategy: str, **settings: Any) -> float:
    """The test regret of what a rule names of a search."""
    chosen = select(simulate(strategy, table, seed=seed, budget=budget, settings=settings), table.space, rule)
    return table.regret(table.row(chosen.values), 0.0).test


def shortlists(tables: Mapping[str, Table], base: str, seeds: Sequence[int], budget: int) -> dict[str, Any]:
    """Regrets of searches with a shortlist at their end and without, with 95 % intervals over seeds; tables by the
    names or files that they are read from."""
    found: dict[str, np.ndarray] = {}
    for which, (name, table) in enumerate(track(tables.items(), f"{base}, then a shortlist")):
        sources = [other for other in tables if other != name]
        for place, seed in enumerate(seeds):
            regrets = {"best": searched(table, seed, budget, "best", base)}
            for rest in REST:
                settings = {"base": base, "after": budget - round(rest * budget), "sources": sources}
                regrets[f"shortlist of {rest:.0%}"] = searched(
                    table, seed, budget, "shortlist", "shortlist", **settings
                )
            for rule, regret in regrets.items():
                found.setdefault(rule, np.zeros((len(tables), len(seeds))))[which, place] = regret
    return {rule: summary(regrets, list(tables)) for rule, regrets in found.items()}


def summary(found: np.ndarray, names: Sequence[str]) -> dict[str, Any]:
    interval = mean_interval(found.mean(0).tolist())
    return {
        "test": round(float(found.mean()), 3),
        "ci95": interval and [round(end, 3) for end in interval],
        "by_table": {name: round(float(mean), 3) for name, mean in zip(names, found.mean(1), strict=True)},
    }


def print_rules(where: str, rules: dict[str, Any]) -> None:
    for rule, found in rules.items():
        interval = "[{:.2f}, {:.2f}]".format(*found["ci95"]) if found["ci95"] else ""
        print(f"{where + rule:27} {found['test']:5.2f} {interval}", *found["by_table"].values(), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--tables", nargs="+", default=list(TABLES.names()), help="names, or files: three or more")
    parser.add_argument("--budget", type=int, default=200)
    parser.add_argument("--seeds", default="30")
    parser.add_argument(
        "--out", type=Path, default=Path(__file__).parent / "results" / "studies" / "nas_selection.json"
    )
    options = parser.parse_args()
    if len(set(options.tables)) < 3:
        parser.error("--tables needs three or more, since what the others teach is tried on each")
    tables, seeds = {name: find_table(name) for name in options.tables}, parse_seeds(options.seeds)
    results = study(Tables(list(tables.values())), options.tables, seeds, options.budget)
    print_rules("", results["rules"])
    results["searches"] = {}
    for base in BASES:
        found = results["searches"][base] = shortlists(tables, base, seeds, options.budget)
        print_rules(f"{base}, ", found)
    write_json(options.out, results)


if __name__ == "__main__":
    main()
