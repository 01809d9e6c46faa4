"""Why a search that is better on validation can be behind chance on test: strategies on each table left out.

    python experiments/nas_left_out.py
    python experiments/nas_left_out.py --tables a.bench b.bench c.bench --strategies random evolution --seeds 5

`transfer` and `shortlist` learn from the other tables alone. All regrets are of test: the table's best test less that
of the answer, in percent points. Trajectories are kept in the store, so that the study goes on where it stopped.

`strategies`: the regret at the budget by strategy and table, its standard error over the seeds, the difference to
random search in standard errors of the difference, and how many architectures the answers of all seeds are.
`rules`: of each strategy the regret by selection rule, and that of the rule which is best on the other tables.
`shortlist`: a shortlist of the last quarter less its base, at half the budget and at the budget.
`why`: of a whole table, see `anatomy`.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from rich.progress import track
from scipy.stats import kendalltau

from graphlab import nas
from graphlab.core.files import canonical_json, hash_file, hash_text, write_json, write_text
from graphlab.core.seeds import SeedStream, parse_seeds
from graphlab.nas.registry import TABLES, find_table
from graphlab.nas.results.selection import choose
from graphlab.nas.results.simulation import follow
from graphlab.nas.surrogates.points import points_of
from graphlab.nas.tables import PERCENT, Table

STRATEGIES = ("random", "evolution", "local-search", "agnn", "transfer")
BASES = ("random", "evolution")
RULES = ("best", "smoothed", "centre")

NEAR_BEST = 5
"""Architectures of highest validation whose most central one the rule `centre` names."""

DRAWS = (50, 200, 600, 2000, 6000)
TOP, NEAR = 0.01, 0.1
"""Shares of a table with the highest validations: for ranks, and for the gap between test and validation."""

FOLDS, RIDGE = 5, 1.0

Rows = tuple[int, ...]


def place(store: Path, strategy: str, table: Table, seed: int, budget: int, settings: Mapping[str, Any]) -> Path:
    """Where a trajectory is kept, by the name of all that decides it."""
    origin = [strategy, table.digest, seed, budget, dict(settings), code()]
    return store / f"{strategy}-{table.name.replace('/', '-')}-{seed}-{hash_text(canonical_json(origin))[:12]}.json"


@cache
def code() -> str:
    """A digest of the package of searches."""
    return hash_text(canonical_json([hash_file(file) for file in sorted(Path(nas.__file__).parent.rglob("*.py"))]))


def trajectory(
    store: Path, strategy: str, table: Table, seed: int, budget: int, settings: Mapping[str, Any] | None = None
) -> Rows:
    """The rows of a table in the order of a search, from the store where it has them."""
    settings = settings or {}
    path = place(store, strategy, table, seed, budget, settings)
    if not path.exists():
        write_text(path, json.dumps(follow(strategy, table, seed=seed, budget=budget, settings=settings).rows))
    return tuple(json.loads(path.read_text(encoding="utf-8")))


def regret(table: Table, row: int) -> float:
    return PERCENT * float(table.test.max() - table.test[row])


def highest(table: Table, rows: Sequence[int]) -> int:
    """The row of the highest validation, the earliest of equals."""
    return rows[int(np.argmax(table.validation[list(rows)]))]


def centre(table: Table, rows: Sequence[int], near: int = NEAR_BEST) -> int:
    """Of the rows with the highest validations, that with the least sum of distances in structure to the others."""
    first = sorted(rows, key=lambda row: -table.validation[row])[:near]
    points = points_of(table.space)([table.architectures[row] for row in first])
    distances = np.linalg.norm(points[:, None] - points, axis=-1)
    return first[int(distances.sum(1).argmin())]


def answers(table: Table, rows: Sequence[int]) -> dict[str, int]:
    """The row that each rule names."""
    architectures, scores = [table.architectures[row] for row in rows], table.validation[list(rows)].tolist()
    smoothed = rows[choose(table.space, architectures, scores, "smoothed")]
    return {"best": highest(table, rows), "smoothed": smoothed, "centre": centre(table, rows)}


def standard_error(values: np.ndarray) -> float:
    return float(values.std(ddof=1)) / math.sqrt(len(values)) if len(values) > 1 else math.nan


def behind(own: np.ndarray, chance: np.ndarray) -> float:
    """The mean of the first less that of the second, in standard errors of the difference; seeds are independent."""
    error = math.hypot(standard_error(own), standard_error(chance))
    difference = float(own.mean() - chance.mean())
    return difference / error if error else math.copysign(math.inf, difference) if difference else 0.0


def cell(own: np.ndarray, chance: np.ndarray, rows: Sequence[int]) -> dict[str, Any]:
    return {
        "mean": round(float(own.mean()), 3),
        "error": round(standard_error(own), 3),
        "behind": round(behind(own, chance), 2),
        "seeds": len(own),
        "answers": len(set(rows)),
    }


def best_elsewhere(regrets: Mapping[str, Mapping[str, np.ndarray]], left_out: str) -> str:
    """The rule with the least mean regret on all tables but one."""
    means = {
        rule: np.mean([own.mean() for table, own in by_table.items() if table != left_out])
        for rule, by_table in regrets.items()
    }
    return min(means, key=lambda rule: float(means[rule]))


def rules(named: Mapping[str, Sequence[Mapping[str, int]]], tables: Mapping[str, Table]) -> dict[str, Any]:
    """Of one strategy: the mean regret of each rule by table, and of the rule that the other tables choose."""
    regrets = {
        rule: {
            name: np.array([regret(tables[name], answer[rule]) for answer in by_seed])
            for name, by_seed in named.items()
        }
        for rule in RULES
    }
    chosen = {name: best_elsewhere(regrets, name) for name in named}
    means = {rule: {name: float(own.mean()) for name, own in by_table.items()} for rule, by_table in regrets.items()}
    means["chosen elsewhere"] = {name: means[rule][name] for name, rule in chosen.items()}
    rounded = {rule: {name: round(mean, 3) for name, mean in by.items()} for rule, by in means.items()}
    return {"chosen": chosen, "regret": rounded}


def expected_best(regrets: np.ndarray, draws: int) -> float:
    """The expected regret of the first of `draws` rows drawn without replacement.

    The i-th of N rows in order is first with probability C(N - 1 - i, draws - 1) / C(N, draws).

    Args:
        regrets: Those of all rows, in falling order of validation, `[N]`.
        draws: At most N.
    """
    left, total = 1.0, 0.0
    for i in range(len(regrets) - draws + 1):
        drawn = draws / (len(regrets) - i)
        total += left * drawn * regrets[i]
        left *= 1 - drawn
    return float(total)


def explained(points: np.ndarray, gap: np.ndarray) -> float:
    """The share of the variance of a gap that ridge regression on structure explains, on folds that it has not seen.

    Args:
        points: Structure, `[n, d]`.
        gap: Of mean 0, `[n]`.
    """
    points = points - points.mean(0)
    fold, guess = SeedStream(0).child("folds").numpy().integers(FOLDS, size=len(gap)), np.zeros(len(gap))
    for k in range(FOLDS):
        seen = points[fold != k]
        weights = np.linalg.solve(seen.T @ seen + RIDGE * np.eye(seen.shape[1]), seen.T @ gap[fold != k])
        guess[fold == k] = points[fold == k] @ weights
    return 1 - float(((gap - guess) ** 2).sum() / (gap**2).sum())


def anatomy(table: Table) -> dict[str, Any]:
    """What the validation of a table is worth near its top.

    Returns:
        `drawn`: the expected test regret of the highest validation of so many random rows; `first`: that of the
        highest of all; `top` and `spread`: mean and standard deviation among the first 1 %; `tau`: Kendall's tau of
        validation and test there; `structure`: the share of the gap between test and its linear regression on
        validation which structure explains, among the first 10 %.
    """
    order = np.argsort(-table.validation, kind="stable")
    regrets = PERCENT * (table.test.max() - table.test[order])
    top, near = order[: max(3, round(TOP * len(order)))], order[: max(FOLDS, round(NEAR * len(order)))]
    validation, test = table.validation[near], table.test[near]
    gap = test - np.polyval(np.polyfit(validation, test, 1), validation)
    points = points_of(table.space)([table.architectures[row] for row in near])
    return {
        "drawn": {str(draws): round(expected_best(regrets, draws), 3) for draws in DRAWS if draws <= len(regrets)},
        "first": round(float(regrets[0]), 3),
        "top": round(float(regrets[: len(top)].mean()), 3),
        "spread": round(float(regrets[: len(top)].std()), 3),
        "tau": round(float(np.asarray(kendalltau(table.validation[top], table.test[top]))[0]), 3),
        "structure": round(explained(points.astype(np.float64), gap), 3),
    }


def settings_of(strategy: str, name: str, names: Sequence[str]) -> dict[str, Any]:
    """`transfer` sees the other tables alone."""
    return {"sources": [other for other in names if other != name]} if strategy == "transfer" else {}


def strategies(
    store: Path, tables: Mapping[str, Table], wanted: Sequence[str], seeds: Sequence[int], budget: int
) -> tuple[dict[str, Any], dict[str, Any]]:
    """By strategy and table, the regret beside that of random search; and by strategy, the regrets of the rules."""
    regrets: dict[str, np.ndarray] = {}
    cells: dict[str, Any] = {}
    by_rule: dict[str, Any] = {}
    for strategy in dict.fromkeys(("random", *wanted)):
        named = {}
        for name, table in track(tables.items(), strategy):
            own = settings_of(strategy, name, list(tables))
            answers_by_seed = [answers(table, trajectory(store, strategy, table, seed, budget, own)) for seed in seeds]
            rows = [answer["best"] for answer in answers_by_seed]
            values = np.array([regret(table, row) for row in rows])
            chance = regrets.setdefault(name, values)
            cells.setdefault(strategy, {})[name] = cell(values, chance, rows)
            named[name] = answers_by_seed
        by_rule[strategy] = rules(named, tables)
    return cells, by_rule


def shortlists(store: Path, tables: Mapping[str, Table], seeds: Sequence[int], budget: int) -> dict[str, Any]:
    """By base and table: the answer of a shortlist of the last quarter beside that of the base alone."""
    cells: dict[str, Any] = {}
    for base in BASES:
        for name, table in track(tables.items(), f"{base}, then a shortlist"):
            after = budget - budget // 4
            settings = {"base": base, "after": after, "sources": [other for other in tables if other != name]}
            listed = [
                highest(table, trajectory(store, "shortlist", table, seed, budget, settings)[after:]) for seed in seeds
            ]
            plain = [highest(table, trajectory(store, base, table, seed, budget)) for seed in seeds]
            own, alone = (np.array([regret(table, row) for row in rows]) for rows in (listed, plain))
            cells.setdefault(base, {})[name] = cell(own, alone, listed) | {"alone": round(float(alone.mean()), 3)}
    return cells


def print_cells(title: str, by_table: Mapping[str, Mapping[str, Any]]) -> None:
    print(f"{title:24}", *(f"{own['mean']:.2f} ({own['behind']:+.1f})" for own in by_table.values()), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--tables", nargs="+", default=list(TABLES.names()), help="names, or files: three or more")
    parser.add_argument("--strategies", nargs="+", default=list(STRATEGIES))
    parser.add_argument("--budget", type=int, default=200)
    parser.add_argument("--seeds", default="10")
    parser.add_argument("--store", type=Path, default=Path("runs/nas_left_out"))
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "studies" / "nas_left_out.json")
    options = parser.parse_args()
    if len(set(options.tables)) < 3:
        parser.error("--tables needs three or more, since each is searched with what the others teach")
    tables, seeds = {name: find_table(name) for name in options.tables}, parse_seeds(options.seeds)
    results: dict[str, Any] = {"budget": options.budget, "why": {name: anatomy(own) for name, own in tables.items()}}
    studied = strategies(options.store, tables, options.strategies, seeds, options.budget)
    results["strategies"], results["rules"] = studied
    marks = (options.budget // 2, options.budget)
    results["shortlist"] = {str(mark): shortlists(options.store, tables, seeds, mark) for mark in marks}
    for strategy, cells in results["strategies"].items():
        print_cells(strategy, cells)
    for mark, by_base in results["shortlist"].items():
        for base, cells in by_base.items():
            print_cells(f"{base}, shortlist at {mark}", cells)
    write_json(options.out, results)


if __name__ == "__main__":
    main()
