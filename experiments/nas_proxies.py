"""How well guesses from untrained weights rank the networks of NAS-Bench-Graph.

    python experiments/nas_proxies.py

Random architectures of a table are built as the table's recipe has them, with the weights of seed 0, and each proxy is
asked. Kendall's tau to the table's validation and test accuracy, with 95 % bootstrap intervals over architectures; the
same of `published`, the parameters that the table itself counts. A proxy is worth its cost where the interval of its
tau less that of `parameters`, both on the same resamples, is above 0. Last, what a screen would give: the mean test
accuracy of the best of eight by the proxy, less that of all, in percent points. `grad-sign`, a pass a node, is asked
about the first `--few` alone. Seconds are of the processor, one thread.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.stats import kendalltau

import graphlab as gl
from graphlab.core.errors import DataError, UnknownNameError
from graphlab.core.files import write_text
from graphlab.core.seeds import SeedStream
from graphlab.data.dataset import Dataset
from graphlab.experiment.plan import make_plan
from graphlab.nas.registry import PROXIES, find_proxy, find_table
from graphlab.nas.tables import Table

TABLES = ("cora", "citeseer", "pubmed", "cs", "photo", "arxiv")
SLOW = frozenset({"grad-sign"})
CONTROL = "parameters"
RESAMPLES = 1000
SCREENED, SCREENS = 8, 20_000


def measure(
    table: Table, data: Dataset, rows: np.ndarray, names: Sequence[str]
) -> tuple[dict[str, list[float]], dict[str, float]]:
    """The values of proxies for architectures of the table, and the mean seconds of each for one."""
    values: dict[str, list[float]] = {name: [] for name in names}
    seconds = dict.fromkeys(names, 0.0)
    for row in rows:
        model, settings = table.space.settings(table.architectures[row])
        plan = make_plan(model, data, settings)
        task = plan.make_task(0)
        for name in names:
            learner = plan.make_learner(task, 0)
            started = time.process_time()
            values[name].append(find_proxy(name)(learner, task))
            seconds[name] += (time.process_time() - started) / len(rows)
    return values, seconds


def summary(
    proxy: np.ndarray, control: np.ndarray, accuracy: np.ndarray, random: np.random.Generator
) -> dict[str, Any]:
    """Tau with its interval, and the interval of its difference to that of the control."""
    picks = random.integers(len(proxy), size=(RESAMPLES, len(proxy)))
    taus = np.array([[tau(one[pick], accuracy[pick]) for one in (proxy, control)] for pick in picks])
    return {
        "tau": tau(proxy, accuracy),
        "interval": np.quantile(taus[:, 0], (0.025, 0.975)).tolist(),
        "beyond_control": np.quantile(taus[:, 0] - taus[:, 1], (0.025, 0.975)).tolist(),
    }


def tau(left: np.ndarray, right: np.ndarray) -> float:
    """Kendall's tau-b; 0 where one side is constant."""
    found = float(kendalltau(left, right)[0])
    return 0.0 if np.isnan(found) else found


def screen(proxy: np.ndarray, accuracy: np.ndarray, random: np.random.Generator) -> float:
    """Percent points that the best of SCREENED by the proxy is above the mean."""
    draws = random.integers(len(proxy), size=(SCREENS, SCREENED))
    chosen = np.take_along_axis(draws, proxy[draws].argmax(axis=1)[:, None], axis=1)
    return 100 * float(accuracy[chosen].mean() - accuracy.mean())


def study(name: str, num: int, few: int) -> dict[str, Any]:
    table = find_table(f"nas-bench-graph/{name}")
    try:
        data = gl.load(table.dataset)
    except UnknownNameError:
        return {"table": name, "absent": f"there is no data set {table.dataset} yet"}
    except DataError:
        return {"table": name, "absent": f"the files of {table.dataset} were not at hand"}
    rows = SeedStream(0).child("proxies", name).numpy().choice(len(table), num, replace=False)
    quick = [proxy for proxy in PROXIES.names() if proxy not in SLOW]
    values, seconds = measure(table, data, rows, quick)
    slow_values, slow_seconds = measure(table, data, rows[:few], sorted(SLOW))
    return summarised(table, rows, values | slow_values, seconds | slow_seconds)


def summarised(
    table: Table, rows: np.ndarray, values: dict[str, list[float]], seconds: dict[str, float]
) -> dict[str, Any]:
    """A line for each proxy and for what the table counts."""
    stream = SeedStream(0).child("resamples")
    every = values | {"published": table.parameters[rows].tolist()}
    control = np.array(values[CONTROL])
    lines = []
    for proxy, found in every.items():
        asked, random = rows[: len(found)], stream.child(len(found))
        line: dict[str, Any] = {"proxy": proxy, "num": len(found), "seconds": seconds.get(proxy, 0.0)}
        for part, accuracy in (("validation", table.validation), ("test", table.test)):
            line[part] = summary(np.array(found), control[: len(found)], accuracy[asked], random.numpy())
        line["screen"] = screen(np.array(found), table.test[asked], random.child("screens").numpy())
        lines.append(line)
    return {"table": table.name.rpartition("/")[2], "rows": rows.tolist(), "proxies": lines, "values": every}


def show(found: dict[str, Any]) -> str:
    if "absent" in found:
        return f"{found['table']}: absent, {found['absent']}"
    head = f"{found['table']:12}{'n':>5}{'tau validation':>24}{'tau test':>24}{'beyond control':>18}"
    lines = [f"{head}{'best of 8':>11}{'seconds':>9}"]
    for one in found["proxies"]:
        taus = "".join(
            f"{one[part]['tau']:10.2f} [{one[part]['interval'][0]:5.2f},{one[part]['interval'][1]:5.2f}]"
            for part in ("validation", "test")
        )
        low, high = one["test"]["beyond_control"]
        beyond = f"[{low:5.2f},{high:5.2f}]"
        lines.append(f"{one['proxy']:12}{one['num']:5}{taus}{beyond:>18}{one['screen']:+11.2f}{one['seconds']:9.3f}")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tables", nargs="+", default=TABLES)
    parser.add_argument("--num", type=int, default=100)
    parser.add_argument("--few", type=int, default=20)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "studies" / "nas_proxies.json")
    options = parser.parse_args()
    torch.set_num_threads(1)
    for name in options.tables:
        found = study(name, options.num, min(options.few, options.num))
        print(show(found), flush=True)
        keep(options.out, found)


def keep(path: Path, found: dict[str, Any]) -> None:
    """Store the study of a table in the place of an earlier one; what was measured stays where nothing could be now."""
    studies = json.loads(path.read_text()) if path.exists() else []
    by_table = {one["table"]: one for one in studies}
    if "absent" not in found or "absent" in by_table.get(found["table"], found):
        by_table[found["table"]] = found
    write_text(path, json.dumps(sorted(by_table.values(), key=lambda one: TABLES.index(one["table"]))) + "\n")


if __name__ == "__main__":
    main()
