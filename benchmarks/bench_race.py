"""What a race adds to each evaluation of a search: the driver's cost of a rung, as the search grows.

Random search and AGNN of `gnn-micro`, in a journal, with an objective that costs next to nothing, once with a race and
once without, in turn. An evaluation's cost is the mean over the last hundred before the marks, by the processor's
clock; the figure of a rung is that of the race. Three sizes show the growth.

Expected: a rung at most 5 ms at every size.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from statistics import median
from typing import Any

from measure import write_result

from graphlab.core.seeds import SeedStream
from graphlab.nas.core.budget import Budget
from graphlab.nas.core.fidelity import Fidelity
from graphlab.nas.core.loop import SearchLoop
from graphlab.nas.core.objective import Direction, Objective, OnStep
from graphlab.nas.core.outcome import EPOCHS, LOWEST_RUNG, Evaluation, Outcome
from graphlab.nas.core.race import RaceConfig
from graphlab.nas.core.space import Architecture, Space
from graphlab.nas.optuna.history import open_history
from graphlab.nas.registry import find_space, find_strategy

MARKS = (250, 500, 1000)
LAST = 100
ROUNDS = 3
STRATEGIES = ("random", "agnn")


class Cheap(Objective):
    """A score that is drawn by the key of the architecture, with noise between seeds."""

    directions: Mapping[str, Direction] = {"validation": "maximize"}

    def __init__(self, space: Space) -> None:
        self.space = space

    @property
    def identity(self) -> Mapping[str, Any]:
        return {}

    def evaluate(self, values: Architecture, on_step: OnStep) -> Evaluation:
        return Evaluation({"validation": int(self.space.key(values)[:8], 16) / 2**32})

    def evaluate_at(self, values: Architecture, fidelity: Fidelity, on_step: OnStep) -> Evaluation:
        score = (
            self.evaluate(values, on_step).metrics["validation"] + (hash((fidelity.seed, fidelity.share)) % 97) / 970
        )
        return Evaluation({"validation": score, LOWEST_RUNG: score, EPOCHS: fidelity.share - fidelity.before})


def milliseconds(strategy: str, race: RaceConfig | None, seed: int) -> list[float]:
    """The cost of an evaluation at each mark."""
    space = find_space("gnn-micro")
    objective, kind = Cheap(space), find_strategy(strategy)
    searching = kind(kind.Config(), space, objective, SeedStream(seed))
    clock: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        history = open_history(Path(folder), "study", searching)
        loop = SearchLoop(searching, objective, history, Budget(MARKS[-1]), race=race, num_seeds=10)

        def note(outcome: Outcome, number: int) -> None:
            clock.append(time.process_time())

        loop.run(note)
    return [1e3 * (clock[mark - 1] - clock[mark - 1 - LAST]) / LAST for mark in MARKS]


def main() -> None:
    rows = []
    for strategy in STRATEGIES:
        milliseconds(strategy, RaceConfig(), 99)
        raced, plain = [], []
        for seed in range(ROUNDS):
            raced.append(milliseconds(strategy, RaceConfig(), seed))
            plain.append(milliseconds(strategy, None, seed))
        for place, mark in enumerate(MARKS):
            race, without = (median(costs[place] for costs in side) for side in (raced, plain))
            rows.append({"strategy": strategy, "evaluations": mark, "race_ms": race, "plain_ms": without})
            print(
                f"{strategy:8} {mark:5} evaluations: a rung {race:.2f} ms, a whole evaluation {without:.2f} ms",
                flush=True,
            )
    write_result("race", {"rows": rows})


if __name__ == "__main__":
    main()
