"""What the loop of a search costs an evaluation, beside what is evaluated: at 250, 500 and 1,000 evaluations, by
strategy, with the study in memory and in a journal; and whether memory grows.

The objective is a look-up that costs nothing: a number read off the key of an architecture of `nas-bench-graph`. An
evaluation's cost is the median over the last hundred before a mark; what a strategy names again is part of it, `trials`
of them an evaluation. Each strategy has a process of its own, whose resident memory is read at the marks.

Expected: at most 30 ms a trial, of which TPE is the dearest, since it looks at all trials for each of five
decisions; memory flat but for the trials themselves. Found: see `results/search.json`.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

from measure import write_result

from graphlab.core.seeds import SeedStream
from graphlab.nas.core.budget import Budget
from graphlab.nas.core.loop import SearchLoop
from graphlab.nas.core.objective import Objective
from graphlab.nas.core.outcome import Evaluation, Outcome
from graphlab.nas.optuna.history import open_history
from graphlab.nas.registry import find_space, find_strategy

MARKS = (250, 500, 1000)
LAST = 100
STRATEGIES = ("random", "tpe", "agnn", "evolution")
JOURNALS = ("random", "tpe", "agnn")


class LookUp(Objective):
    """A number between 0 and 1 that is read off an architecture's key."""

    directions = {"validation": "maximize"}

    def __init__(self, space: Any) -> None:
        self.space = space

    @property
    def identity(self) -> dict[str, Any]:
        return {}

    def evaluate(self, values: Any, on_step: Any) -> Evaluation:
        return Evaluation({"validation": int(self.space.key(values), 16) / 2**64})


def resident_mib() -> float:
    status = Path("/proc/self/status").read_text()
    return round(int(status.partition("VmRSS:")[2].split()[0]) / 1024, 1)


def measure(name: str, folder: str | None) -> dict[str, Any]:
    """Milliseconds an evaluation and resident memory at each mark, in this process."""
    space = find_space("nas-bench-graph")
    objective = LookUp(space)
    strategy = find_strategy(name)
    searching = strategy(strategy.Config(), space, objective, SeedStream(0))
    loop = SearchLoop(searching, objective, open_history(folder, name, searching), Budget(MARKS[-1]))
    ended: list[float] = []
    memory: list[float] = []

    def on_outcome(outcome: Outcome, number: int) -> None:
        ended.append(time.perf_counter())
        if number in MARKS:
            memory.append(resident_mib())

    loop.run(on_outcome)
    repeats = loop.history.repeats
    gaps = [1000 * (b - a) for a, b in pairwise(ended)]
    return {
        "milliseconds": [round(statistics.median(gaps[mark - LAST - 1 : mark - 1]), 2) for mark in MARKS],
        "mean_milliseconds": round(statistics.fmean(gaps), 2),
        "resident_mib": memory,
        "trials": [1 + statistics.fmean(repeats[index] for index in range(mark - LAST, mark)) for mark in MARKS],
    }


def apart(name: str, where: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, __file__, name, where],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        cwd=Path(__file__).parent,
    )
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    write_result(
        "search",
        {
            "marks": MARKS,
            "in_memory": {name: apart(name, "memory") for name in STRATEGIES},
            "in_a_journal": {name: apart(name, "journal") for name in JOURNALS},
        },
    )


if __name__ == "__main__":
    if len(sys.argv) == 1:
        main()
    else:
        with tempfile.TemporaryDirectory() as folder:
            print(json.dumps(measure(sys.argv[1], folder if sys.argv[2] == "journal" else None)))
