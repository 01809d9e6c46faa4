"""What supernets say of the networks of NAS-Bench-Graph.

    python experiments/nas_one_shot.py --seeds 3 --store runs/one-shot
    python experiments/nas_one_shot.py --strategies rarts sd-darts --tables cora

Each strategy trains a supernet on the data of a table and names architectures, which the table then answers: the regret
of the first that it names, as papers have it, and of the best by validation of the first ten; in percent points, on
validation and on test, the mean and sample standard deviation over seeds. Beside them chance: what one architecture and
the best of ten, drawn evenly, come to on average, exactly. `tau` is Kendall's between the accuracy of architectures
with the weights of the SPOS supernet and in the table, on validation. ParZC trains no supernet: it learns from the
first five of its names, which are chance.

Strategies are added to the result file one by one, and those that are not named stay as they are in it. A search that
was stopped goes on from its store.
"""

from __future__ import annotations

import argparse
import json
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import kendalltau

import graphlab as gl
from graphlab.core.errors import InputError
from graphlab.core.files import write_json
from graphlab.core.seeds import SeedStream, parse_seeds
from graphlab.nas.oneshot.supernets import path
from graphlab.nas.oneshot.training import SupernetTraining
from graphlab.nas.plan import SearchPlan, SearchSpec
from graphlab.nas.registry import find_table
from graphlab.nas.results.result import Search
from graphlab.nas.tables import PERCENT, Regret, Table

TABLES = ("cora", "citeseer")
"""Those whose features are at hand."""

STRATEGIES: dict[str, tuple[str, dict[str, Any]]] = {
    "darts, first order": ("darts", {}),
    "darts, second order": ("darts", {"strategy.order": "second"}),
    "pc-darts": ("pc-darts", {}),
    "darts-pt": ("darts-pt", {}),
    "darts-pt, fixed": ("darts-pt", {"strategy.mixture": "fixed"}),
    "spos": ("spos", {}),
    "tanglenas": ("tanglenas", {}),
    "rarts": ("rarts", {}),
    "sd-darts": ("sd-darts", {}),
    "few-shot": ("few-shot", {}),
    "few-shot, darts": ("few-shot", {"strategy.base": "darts"}),
    "pa-da": ("pa-da", {}),
    "shift-nas": ("shift-nas", {}),
    "parzc": ("parzc", {"strategy.startup": 5, "strategy.every": 1}),
}
NAMED = (1, 10)
PARTS = ("validation", "test")
RANKED = 100


def by_chance(table: Table, count: int) -> Regret:
    """The expected regret of the best by validation of `count` architectures, drawn evenly without repeats."""
    order = np.argsort(-table.validation, kind="stable")
    total = len(order)
    chances, missed = np.zeros(total), 1.0
    for place in range(total - count + 1):
        left = total - place
        chances[place] = missed * count / left
        missed *= 1 - count / left
    expected = {part: float(chances @ getattr(table, part)[order]) for part in ("validation", "test")}
    return Regret(*(PERCENT * (float(getattr(table, part).max()) - expected[part]) for part in expected))


def regrets(found: gl.Search, table: Table) -> dict[int, Regret]:
    """By how many of the names are tried."""
    chosen: dict[int, Regret] = {}
    for count in NAMED:
        best = max(found.outcomes[:count], key=lambda one: one.metrics["validation"])
        chosen[count] = table.regret(table.row(best.values), best.metrics["validation"])
    return chosen


def rank_correlation(table: Table, seed: int, settings: dict[str, Any], store: str) -> float:
    """Of accuracies with the weights of the supernet that a search has left, to the table's; 0 where all are equal."""
    plan = SearchPlan(
        SearchSpec("spos", table.name, None, NAMED[-1], seed, settings=settings, store=store, start=False)
    )
    plan.loop(None)
    config: Any = plan.strategy.config
    stream = plan.strategy.stream.child("supernet")
    training = SupernetTraining(table.space, plan.objective, stream, config.epochs, config.shrink, 1)
    training.run(lambda epoch: None, {})
    rows = SeedStream(0).child("ranked").numpy().choice(len(table), RANKED, replace=False)
    scores = [training.score(path(table.space, table.architectures[row])) for row in rows]
    return float(np.nan_to_num(kendalltau(scores, table.validation[rows])[0]))


def spread(values: list[float]) -> list[float]:
    return [statistics.fmean(values), statistics.stdev(values) if len(values) > 1 else 0.0]


def search(strategy: str, table: Table, seed: int, store: str, settings: Mapping[str, Any]) -> Search:
    """One search, whose first names are the strategy's own."""
    return gl.search(strategy, table.name, trials=NAMED[-1], seed=seed, start=False, store=store, **settings)


def line_of(label: str, table: Table, seeds: tuple[int, ...], store: str) -> dict[str, list[float]]:
    """Of one strategy: mean and sample standard deviation over seeds of each regret, and for SPOS of `tau`."""
    strategy, settings = STRATEGIES[label]
    by_seed = [regrets(search(strategy, table, seed, store, settings), table) for seed in seeds]
    line = {
        f"{part} regret, best of {count}": spread([getattr(each[count], part) for each in by_seed])
        for count in NAMED
        for part in PARTS
    }
    if strategy == "spos":
        line["tau"] = spread([rank_correlation(table, seed, settings, store) for seed in seeds])
    return line


def chance_of(table: Table) -> dict[str, list[float]]:
    expected = {count: by_chance(table, count) for count in NAMED}
    return {f"{part} regret, best of {count}": [getattr(expected[count], part)] for count in NAMED for part in PARTS}


def add(out: Path, name: str, seeds: tuple[int, ...], lines: Mapping[str, Any]) -> None:
    """Put lines of a table into a result file, where they replace those of the same strategies.

    Raises InputError for a file in which the table has other seeds.
    """
    studies = json.loads(out.read_text()) if out.is_file() else []
    known = {each["table"]: each for each in studies}
    if name in known and known[name]["seeds"] != list(seeds):
        raise InputError(
            f"{out} has the seeds {known[name]['seeds']} for {name}, not {list(seeds)}",
            hint="name these seeds, or another file with --out",
        )
    both = {**(known[name]["strategies"] if name in known else {}), **lines}
    merged = {label: both[label] for label in (*STRATEGIES, "chance") if label in both}
    entry = {"table": name, "seeds": list(seeds), "strategies": merged}
    write_json(out, [entry if each["table"] == name else each for each in studies] + [entry] * (name not in known))


def study(name: str, labels: Sequence[str], seeds: tuple[int, ...], store: str, out: Path) -> None:
    """Search a table with each strategy, and add it to the result file as soon as it is known."""
    table = find_table(f"nas-bench-graph/{name}")
    add(out, name, seeds, {"chance": chance_of(table)})
    for label in labels:
        line = line_of(label, table, seeds, store)
        add(out, name, seeds, {label: line})
        rounded = {key: [round(x, 2) for x in values] for key, values in line.items()}
        print(name, label, json.dumps(rounded), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--tables", nargs="+", choices=TABLES, default=list(TABLES))
    parser.add_argument("--strategies", nargs="+", choices=list(STRATEGIES), default=list(STRATEGIES))
    parser.add_argument("--seeds", default="3")
    parser.add_argument("--store", default="runs")
    results = Path(__file__).parent / "results" / "studies"
    parser.add_argument("--out", type=Path, default=results / "nas_one_shot.json")
    options = parser.parse_args()
    for name in options.tables:
        study(name, options.strategies, parse_seeds(options.seeds), options.store, options.out)


if __name__ == "__main__":
    main()
