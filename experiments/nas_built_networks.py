"""Whether networks of NAS-Bench-Graph that are built and trained here rank as the published table has them.

    python experiments/nas_built_networks.py --store runs/built --workers 2
    python experiments/nas_built_networks.py --num 12 --seeds 1 --epochs 40

Random architectures of the table are trained by the table's recipe, which is the preset of `nas-bench-graph` for the
data set, on the public split. Kendall's tau between the mean over seeds here and the table, on validation and on test,
with 95 % bootstrap intervals over architectures; and how far the means are apart. Failed runs are counted.

What trainings over seeds are worth where a network is chosen: of half of the networks, drawn anew each time, one is
named, and its test regret in the table is averaged. `best` has the table's highest validation; `retrained` is, of the
few with the highest, the one with the highest mean validation here; `tested` has the highest mean test here. The
table's validation is of the very trainings that its test is of, and shares their luck; trainings here do not.

60 architectures with 3 seeds are 180 trainings of 400 epochs, about a minute of a core each; a store makes them
resumable.
"""

from __future__ import annotations

import argparse
import statistics
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import kendalltau

import graphlab as gl
from graphlab.core.files import write_json
from graphlab.core.seeds import SeedStream
from graphlab.experiment.plan import Plan, make_plan
from graphlab.experiment.run import run_plans
from graphlab.nas.registry import find_table
from graphlab.nas.tables import PERCENT, Table
from graphlab.records.store import Store

RESAMPLES = 1000
FEW = 5
"""Networks that are trained anew before one is chosen."""


def tau(ours: np.ndarray, theirs: np.ndarray) -> list[float]:
    """Kendall's tau, and the ends of its interval; 0 where one side is constant."""
    random = SeedStream(0).child("bootstrap").numpy()
    draws = random.integers(len(ours), size=(RESAMPLES, len(ours)))
    taus = np.nan_to_num([kendalltau(ours, theirs)[0], *(kendalltau(ours[draw], theirs[draw])[0] for draw in draws)])
    return [float(taus[0]), *map(float, np.quantile(taus[1:], (0.025, 0.975)))]


def plan_of(table: Table, row: int, epochs: int | None) -> Plan:
    model, settings = table.space.settings(table.architectures[row])
    return make_plan(model, table.dataset, settings | ({"training.epochs": epochs} if epochs else {}))


def line_of(table: Table, row: int, runs: gl.Runs) -> dict[str, Any]:
    """What was published of an architecture, and the means over the seeds that did not fail."""
    finished = [record.result for record in runs.records if record.result.status == "finished"]
    means: dict[str, float] = {}
    if finished:
        for part in ("validation", "test"):
            means[part] = statistics.fmean(getattr(result, part)[runs.metric] for result in finished)
    return {
        "key": table.space.key(table.architectures[row]),
        "failed": len(runs.records) - len(finished),
        **means,
        "table validation": float(table.validation[row]),
        "table test": float(table.test[row]),
    }


def regrets(lines: list[dict[str, Any]]) -> dict[str, float]:
    """Of half of the networks one is chosen by each rule: the mean regret of its test in the table, in points."""
    names = ("validation", "test", "table validation", "table test")
    ours, ours_on_test, theirs, tests = (np.array([line[name] for line in lines]) for name in names)
    random = SeedStream(0).child("halves").numpy()
    found: dict[str, list[float]] = {"best": [], "retrained": [], "tested": []}
    for _ in range(RESAMPLES):
        half = random.permutation(len(lines))[: len(lines) // 2]
        few = half[np.argsort(-theirs[half], kind="stable")[:FEW]]
        chosen = {
            "best": few[0],
            "retrained": few[ours[few].argmax()],
            "tested": half[ours_on_test[half].argmax()],
        }
        for rule, one in chosen.items():
            found[rule].append(PERCENT * float(tests[half].max() - tests[one]))
    return {rule: statistics.fmean(values) for rule, values in found.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--table", choices=("cora", "citeseer"), default="cora")
    parser.add_argument("--num", type=int, default=60)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=None, help="instead of the recipe's")
    parser.add_argument("--store", default=None)
    parser.add_argument("--workers", type=int, default=1)
    results = Path(__file__).parent / "results" / "studies"
    parser.add_argument("--out", type=Path, default=results / "nas_built_networks.json")
    options = parser.parse_args()
    if options.num < 4:
        parser.error("--num is at least 4, since halves of the networks are compared")
    table = find_table(f"nas-bench-graph/{options.table}")
    rows = SeedStream(0).child("built").numpy().choice(len(table), options.num, replace=False).tolist()
    plans = [plan_of(table, row, options.epochs) for row in rows]
    runs = run_plans(plans, range(options.seeds), Store(options.store), workers=options.workers)
    lines = [line_of(table, row, trained) for row, trained in zip(rows, runs, strict=True)]
    found: dict[str, Any] = {"table": table.name, "architectures": len(lines), "seeds": options.seeds}
    for part in ("validation", "test"):
        trained = [line for line in lines if part in line]
        ours, theirs = (np.array([line[name] for line in trained]) for name in (part, f"table {part}"))
        found[f"tau, {part}"] = tau(ours, theirs)
        found[f"points above the table, {part}"] = PERCENT * float((ours - theirs).mean())
        print(part, found[f"tau, {part}"], found[f"points above the table, {part}"])
    if len(trained) > 1:
        found["regret of half"] = regrets(trained)
        print("regret of half", found["regret of half"])
    write_json(options.out, {**found, "networks": lines})


if __name__ == "__main__":
    main()
