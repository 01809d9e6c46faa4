"""What racing is worth where every value is noisy: look-ups of NAS-Bench-Graph, drawn around the tables' values.

    python experiments/nas_racing.py
    python experiments/nas_racing.py --tables other.bench --seeds 5

A look-up gives the validation of one seed: the table's value and normal noise, whose spread is that between single
seeds on Cora. Searches without a race name the highest of so many single values; a race of 200 look-ups gives a fifth
of them to further seeds of four leaders, and names the highest estimate. Regrets are in percent points, means over the
tables: the table's best validation less that of the named architecture, both without noise, and the same of test.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.progress import track

from graphlab.core.files import write_json
from graphlab.core.seeds import SeedStream, parse_seeds
from graphlab.nas.core.outcome import Outcome
from graphlab.nas.core.race import RaceConfig
from graphlab.nas.registry import TABLES, find_table
from graphlab.nas.results.racing import RaceResult
from graphlab.nas.results.simulation import simulate
from graphlab.nas.tables import SEED_SPREAD, NoisyTableObjective, Table
from graphlab.records.statistics import mean_interval

STRATEGIES = ("random", "evolution")
RACE = RaceConfig(rungs=1, share=0.2, leaders=4)


def named(strategy: str, table: Table, seed: int, budget: int, longer: int) -> dict[str, Outcome]:
    """What each way of choosing names."""

    def objective() -> NoisyTableObjective:
        return NoisyTableObjective(table, SEED_SPREAD, SeedStream(seed).child("noise", table.name))

    single = simulate(strategy, table, seed=seed, budget=longer, objective=objective())
    raced = simulate(strategy, table, seed=seed, budget=budget, objective=objective(), race=RACE)
    answer = RaceResult(table.space, RACE, raced, 1.0).answer
    assert answer
    return {
        f"highest of {budget}": max(single[:budget], key=_score),
        f"highest of {longer}": max(single, key=_score),
        f"race of {budget}": answer,
    }


def regrets(table: Table, outcome: Outcome) -> tuple[float, float]:
    """Of what was named, on validation and on test."""
    row = table.row(outcome.values)
    found = table.regret(row, float(table.validation[row]))
    return found.validation, found.test


def study(tables: Sequence[Table], strategy: str, seeds: Sequence[int], budget: int, longer: int) -> dict[str, Any]:
    """By way of choosing: mean regrets over tables and seeds, with intervals over seeds, and by table."""
    found: dict[str, np.ndarray] = {}
    for place, seed in enumerate(track(seeds, strategy)):
        for which, table in enumerate(tables):
            for rule, outcome in named(strategy, table, seed, budget, longer).items():
                own = found.setdefault(rule, np.zeros((2, len(seeds), len(tables))))
                own[:, place, which] = regrets(table, outcome)
    return {rule: _summary(values, [table.name for table in tables]) for rule, values in found.items()}


def _summary(values: np.ndarray, names: Sequence[str]) -> dict[str, Any]:
    summary: dict[str, Any] = {}
    for part, regret in zip(("validation", "test"), values, strict=True):
        interval = mean_interval(regret.mean(1).tolist())
        summary[part] = {
            "mean": round(float(regret.mean()), 3),
            "ci95": interval and [round(end, 3) for end in interval],
            "by_table": {name: round(float(mean), 3) for name, mean in zip(names, regret.mean(0), strict=True)},
        }
    return summary


def print_study(strategy: str, results: Mapping[str, Any]) -> None:
    for rule, parts in results.items():
        cells = (f"{part} {parts[part]['mean']:.2f} {parts[part]['ci95']}" for part in parts)
        print(f"{strategy:10} {rule:15}", *cells, flush=True)


def _score(outcome: Outcome) -> float:
    return -np.inf if outcome.score is None else outcome.score


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--tables", nargs="+", default=list(TABLES.names()), help="names, or files")
    parser.add_argument("--strategies", nargs="+", default=list(STRATEGIES))
    parser.add_argument("--budget", type=int, default=200)
    parser.add_argument("--longer", type=int, default=600)
    parser.add_argument("--seeds", default="30")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "studies" / "nas_racing.json")
    options = parser.parse_args()
    tables = [find_table(name) for name in options.tables]
    results: dict[str, Any] = {"spread": SEED_SPREAD, "race": RACE.to_json(), "strategies": {}}
    for strategy in options.strategies:
        found = study(tables, strategy, parse_seeds(options.seeds), options.budget, options.longer)
        results["strategies"][strategy] = found
        print_study(strategy, found)
    write_json(options.out, results)


if __name__ == "__main__":
    main()
