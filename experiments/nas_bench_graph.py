"""Regret as searches over the tables of NAS-Bench-Graph go on: every strategy, from many seeds.

    python experiments/nas_bench_graph.py --workers 2 --plot regret.svg
    python experiments/nas_bench_graph.py --tables other.bench --strategies random bayesian --seeds 10

A search is a list of rows of its table. It is kept in the store under a name made of all that it follows from, the code
of the search among it, so that the study goes on where it stopped. Regrets are in percent points, means over the
tables: `best` after a number of evaluations is the table's best validation less the best found; `test` is the table's
best test less that of the architecture with the best validation, `smoothed` less that of the one that the rule of this
name selects.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from graphlab import nas
from graphlab.core import seeds
from graphlab.core.files import canonical_json, hash_file, hash_text, write_json, write_text
from graphlab.core.seeds import parse_seeds
from graphlab.model import link_patterns
from graphlab.nas.registry import TABLES, find_table
from graphlab.nas.results.simulation import Anytime, Trajectory, follow, regret_by_rule
from graphlab.nas.tables import Table
from graphlab.records.statistics import mean_interval

STRATEGIES = (
    "random",
    "tpe",
    "gp",
    "nsga2",
    "local-search",
    "evolution",
    "graphnas",
    "agnn",
    "predictor",
    "bayesian",
    "transfer",
)
"""Of two cores `gp` takes more than an hour, the others 25 minutes together. One-shot strategies, whose supernets are
trained on data, are in `nas_one_shot.py`."""

MARKS = (50, 100, 200)
LONGER = {"random": 600}
"""Evaluations of strategies that go on beyond the budget."""

load = cache(find_table)


def place(store: Path, strategy: str, table: Table, seed: int, budget: int) -> Path:
    """Where a search is kept, by the name of all that decides it."""
    origin = [strategy, table.digest, seed, budget, code()]
    return store / f"{strategy}-{table.name.replace('/', '-')}-{seed}-{hash_text(canonical_json(origin))[:12]}.json"


@cache
def code() -> str:
    """A digest of the package of searches, and of what outside it says which networks are equal and what is drawn."""
    files = [*sorted(Path(nas.__file__).parent.rglob("*.py")), Path(link_patterns.__file__), Path(seeds.__file__)]
    return hash_text(canonical_json([hash_file(file) for file in files]))


Found = list[tuple[Trajectory, dict[int, float]]]
"""Trajectories, each with the test regrets by the rule "smoothed" at the marks."""


def search(store: Path, strategy: str, name: str, seeds: Sequence[int], budget: int, marks: Sequence[int]) -> Found:
    """One strategy over one table; the trajectories that are kept are read."""
    table, found = load(name), []
    for seed in seeds:
        path = place(store, strategy, table, seed, budget)
        if path.exists():
            trajectory = Trajectory(strategy, table.name, seed, tuple(json.loads(path.read_text())))
        else:
            trajectory = follow(strategy, table, seed=seed, budget=budget)
            write_text(path, json.dumps(trajectory.rows))
        found.append((trajectory, regret_by_rule(table, trajectory.rows, marks, "smoothed")))
    return found


def search_all(options: argparse.Namespace, marks: Sequence[int]) -> Found:
    """A few seeds of a strategy over a table at a time, on as many processes as were asked for."""
    seeds = parse_seeds(options.seeds)
    portions = [seeds[start : start + 5] for start in range(0, len(seeds), 5)]
    jobs = [
        (options.store, strategy, name, portion, max(options.budget, LONGER.get(strategy, 0)), marks)
        for portion in portions
        for strategy in options.strategies
        for name in options.tables
    ]
    found: Found = []
    with ProcessPoolExecutor(options.workers, mp_context=get_context("spawn")) as pool:
        for number, some in enumerate(pool.map(search, *zip(*jobs, strict=True)), start=1):
            print(f"\r{number}/{len(jobs)}", end="", file=sys.stderr, flush=True)
            found += some
    print(file=sys.stderr)
    return found


def smoothed(found: Found, strategy: str, mark: int) -> list[float]:
    """Of each seed, the mean over the tables."""
    by_seed: dict[int, list[float]] = {}
    for trajectory, regrets in found:
        if trajectory.strategy == strategy:
            by_seed.setdefault(trajectory.seed, []).append(regrets[mark])
    return [float(np.mean(regrets)) for regrets in by_seed.values()]


def summary(values: Sequence[float]) -> dict[str, Any]:
    interval = mean_interval(values)
    return {
        "mean": round(float(np.mean(values)), 3),
        "ci95": interval and [round(end, 3) for end in interval],
    }


def study(anytime: Anytime, found: Found, marks: Sequence[int]) -> dict[str, Any]:
    """By strategy: each regret at each mark over the tables, and the means of `best` and of `test` by table."""
    results: dict[str, Any] = {}
    for strategy in anytime.strategies:
        best, test = anytime.over_tables(strategy), anytime.over_tables(strategy, "test")
        reached = [mark for mark in (*marks, *LONGER.values()) if mark <= best.shape[1]]
        results[strategy] = {
            "seeds": len(best),
            "best": {str(mark): summary(best[:, mark - 1].tolist()) for mark in reached},
            "test": {str(mark): summary(test[:, mark - 1].tolist()) for mark in reached},
            "smoothed": {str(mark): summary(smoothed(found, strategy, mark)) for mark in marks},
            "by_table": {name: by_table(anytime, strategy, name, reached) for name in anytime.tables},
        }
    return results


def by_table(anytime: Anytime, strategy: str, table: str, marks: Sequence[int]) -> dict[str, list[float]]:
    own = Anytime(
        [c for c in anytime.trajectories if (c.strategy, c.table) == (strategy, table)], anytime.tables.values()
    )
    return {
        what: [round(float(own.over_tables(strategy, what)[:, mark - 1].mean()), 3) for mark in marks]
        for what in ("validation", "test")
    }


def print_study(results: dict[str, Any], marks: Sequence[int]) -> None:
    heads = [f"{what} {mark}" for what in ("best", "test", "smoothed") for mark in marks]
    print(f"{'strategy':14}", *(f"{head:>13}" for head in heads))
    for strategy, own in results.items():
        cells = [own[what].get(str(mark), {}).get("mean") for what in ("best", "test", "smoothed") for mark in marks]
        print(f"{strategy:14}", *(f"{'-' if cell is None else format(cell, '.2f'):>13}" for cell in cells))


def main() -> None:
    parser = argparse.ArgumentParser(description="Regret as searches over the tables of NAS-Bench-Graph go on.")
    parser.add_argument("--tables", nargs="+", default=list(TABLES.names()), help="names, or files")
    parser.add_argument("--strategies", nargs="+", default=list(STRATEGIES))
    parser.add_argument("--budget", type=int, default=200)
    parser.add_argument("--seeds", default="30")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--store", type=Path, default=Path("runs/nas_bench_graph"))
    parser.add_argument("--plot", type=Path, default=None)
    parser.add_argument(
        "--out", type=Path, default=Path(__file__).parent / "results" / "studies" / "nas_bench_graph.json"
    )
    options = parser.parse_args()
    marks = [mark for mark in MARKS if mark <= options.budget]
    found = search_all(options, marks)
    anytime = Anytime((trajectory for trajectory, _ in found), [load(name) for name in options.tables])
    results = study(anytime, found, marks)
    print_study(results, [*marks, *LONGER.values()])
    if options.plot:
        anytime.plot(options.budget).save(options.plot)
    write_json(options.out, results)


if __name__ == "__main__":
    main()
