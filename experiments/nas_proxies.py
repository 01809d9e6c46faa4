"""How well guesses from untrained weights rank the networks of NAS-Bench-Graph.

    python experiments/nas_proxies.py --tables cora citeseer --num 100 --few 40

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
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.stats import kendalltau

import graphlab as gl
from graphlab.core.errors import DataError, UnknownNameError
from graphlab.core.seeds import SeedStream
from graphlab.data.dataset import Dataset
from graphlab.experiment.plan import make_plan
from graphlab.nas.registry import PROXIES, find_proxy, find_table
from graphlab.nas.table import Table

TABLES = ("cora", "citeseer", "pubmed", "cs", "photo", "arxiv")
SLOW = frozenset({"grad-sign"})
CONTROL = "parameters"
RESAMPLES = 1000
SCREENED, SCREENS = 8, 20_000


def measure(table: Table, data: Dataset, rows: np.ndarray, few: int) -> tuple[dict[str, list[float]], dict[str, float]]:
    """The values of each proxy for architectures of the table, and its mean seconds for one."""
    values: dict[str, list[float]] = {name: [] for name in PROXIES.names()}
    seconds = dict.fromkeys(values, 0.0)
    for number, row in enumerate(rows):
        model, settings = table.space.settings(table.architectures[row])
        plan = make_plan(model, data, settings)
        task = plan.make_task(0)
        for name, found in values.items():
            if name in SLOW and number >= few:
                continue
            learner = plan.make_learner(task, 0)
            started = time.process_time()
            found.append(find_proxy(name)(learner, task))
            seconds[name] += time.process_time() - started
    return values, {name: total / len(values[name]) for name, total in seconds.items()}


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
    except (UnknownNameError, DataError) as error:
        return {"table": name, "absent": error.message}
    stream = SeedStream(0).child("proxies", name)
    rows = stream.numpy().choice(len(table), num, replace=False)
    values, seconds = measure(table, data, rows, few)
    values["published"], seconds["published"] = table.parameters[rows].tolist(), 0.0
    control = np.array(values[CONTROL])
    lines = []
    for proxy, found in values.items():
        asked = rows[: len(found)]
        line: dict[str, Any] = {"proxy": proxy, "num": len(found), "seconds": seconds[proxy]}
        for part, accuracy in (("validation", table.validation), ("test", table.test)):
            random = stream.child("resamples", len(found)).numpy()
            line[part] = summary(np.array(found), control[: len(found)], accuracy[asked], random)
        line["screen"] = screen(np.array(found), table.test[asked], stream.child("screens").numpy())
        lines.append(line)
    return {"table": name, "rows": rows.tolist(), "proxies": lines, "values": values}


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
    parser.add_argument("--few", type=int, default=40)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "studies" / "nas_proxies.json")
    options = parser.parse_args()
    torch.set_num_threads(1)
    studies = []
    for name in options.tables:
        studies.append(study(name, options.num, min(options.few, options.num)))
        print(show(studies[-1]), flush=True)
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text(json.dumps(studies, indent=1) + "\n")


if __name__ == "__main__":
    main()
