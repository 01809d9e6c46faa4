"""What a trial of a search costs beside plain Optuna: random search and TPE, two spaces, the study in a journal.

Both sides keep their study in the journal of `graphlab.nas.optuna.storage`, have the same decisions, the same settings
of the sampler, and an objective that costs next to nothing: a checksum of the architecture. Optuna's side is written as
a user writes it, `study.optimize` with a `suggest_categorical` for each decision, and its lines on the screen are off.

The two studies of a round grow in turn, 25 trials on one side, then 25 on the other, so that whatever else the
machine does falls on both. A trial's cost is the mean over the last hundred trials before a study has 250, 500 and
1,000 of them, by the wall and by the processor. The ratio is the median over seven rounds of that of a round. Each pair
of a space and a strategy has a process of its own.

Our loop ends a trial that repeats an architecture without evaluating it. Such trials count here as trials;
`evaluations` is the share of those that were none, and `milliseconds_an_evaluation` the processor's cost of one, over
the last hundred trials again. Memory is that of a search of 1,000 trials alone, at the marks.

Expected: random at most 1.1 times, TPE at most 1.3 times Optuna.
"""

from __future__ import annotations

import gc
import json
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import median
from threading import Semaphore, Thread
from typing import Any

import optuna
from measure import write_result
from optuna.samplers import BaseSampler, RandomSampler, TPESampler

from graphlab.core.config import Choices
from graphlab.core.seeds import SeedStream
from graphlab.nas.core.budget import Budget
from graphlab.nas.core.history import Trial
from graphlab.nas.core.loop import SearchLoop
from graphlab.nas.core.objective import Objective
from graphlab.nas.core.outcome import Evaluation, TrialResult
from graphlab.nas.optuna.history import StudyHistory, open_history
from graphlab.nas.optuna.storage import open_storage
from graphlab.nas.registry import find_space, find_strategy

MARKS = (250, 500, 1000)
LAST = 100
BLOCK = 25
ROUNDS = 7
SPACES = ("nas-bench-graph", "gnn-micro")
STRATEGIES = ("random", "tpe")
CLOCKS: dict[str, Callable[[], float]] = {"wall": time.perf_counter, "processor": time.thread_time}


class Timer:
    """Counts the trials of one side, times blocks of them, and gives the turn to the other side between two blocks.

    Attributes:
        seconds: By clock, one number a block.
    """

    def __init__(self) -> None:
        self.seconds: dict[str, list[float]] = {clock: [] for clock in CLOCKS}
        self.turn = Semaphore(0)
        self.other: Timer = self
        self._num_trials = 0
        self._started: dict[str, float] = {}

    @property
    def is_done(self) -> bool:
        return self._num_trials == MARKS[-1]

    def start(self) -> None:
        self.turn.acquire()
        self._started = {clock: read() for clock, read in CLOCKS.items()}

    def count_trial(self) -> None:
        self._num_trials += 1
        if self._num_trials % BLOCK:
            return
        for clock, read in CLOCKS.items():
            self.seconds[clock].append(read() - self._started[clock])
        self.other.turn.release()
        if not self.is_done:
            self.start()

    def milliseconds(self, clock: str) -> list[float]:
        """A trial's, at each mark."""
        return [1000 * sum(self.seconds[clock][(mark - LAST) // BLOCK : mark // BLOCK]) / LAST for mark in MARKS]


def score(architecture: Mapping[str, Any]) -> float:
    """A number from 0 to 1."""
    return zlib.crc32(repr(architecture).encode()) / 2**32


class Checksum(Objective):
    """The score as a search has it."""

    directions = {"validation": "maximize"}

    @property
    def identity(self) -> dict[str, Any]:
        return {}

    def evaluate(self, values: Any, on_step: Any) -> Evaluation:
        return Evaluation({"validation": score(values)})


class EnoughTrialsError(Exception):
    """Ends a search after a number of trials; its own count is of evaluations."""


class CountingLoop(SearchLoop[StudyHistory]):
    """A search that calls a function at the end of each trial."""

    on_trial: Callable[[], None]

    def _tell(self, trial: Trial, result: TrialResult) -> None:
        super()._tell(trial, result)
        self.on_trial()


def search_with_graphlab(
    space_name: str, strategy_name: str, folder: str, seed: int, on_trial: Callable[[], None]
) -> list[int]:
    """Numbers of evaluations among the last trials before each mark."""
    space, objective = find_space(space_name), Checksum()
    kind = find_strategy(strategy_name)
    strategy = kind(kind.Config(), space, objective, SeedStream(seed))
    loop = CountingLoop(strategy, objective, open_history(folder, "study", strategy), Budget(MARKS[-1]))
    num_trials = 0

    def count() -> None:
        nonlocal num_trials
        num_trials += 1
        on_trial()
        if num_trials == MARKS[-1]:
            raise EnoughTrialsError

    loop.on_trial = count
    try:
        loop.run()
    except EnoughTrialsError:
        loop.history.refresh()
    numbers = [outcome.number for outcome in loop.history.outcomes]
    return [sum(mark - LAST <= number < mark for number in numbers) for mark in MARKS]


def sampler_of(strategy_name: str, seed: int) -> BaseSampler:
    """The sampler that our strategy of this name is, with its settings."""
    if strategy_name == "random":
        return RandomSampler(seed=seed)
    config = find_strategy("tpe").Config().model_dump()
    multivariate = config["multivariate"]
    return TPESampler(seed=seed, n_startup_trials=config["startup"], multivariate=multivariate, group=multivariate)


def search_with_optuna(
    space_name: str, strategy_name: str, folder: str, seed: int, on_trial: Callable[[], None]
) -> None:
    choices = {}
    for decision in find_space(space_name).decisions:
        assert isinstance(decision.range, Choices) and not decision.when
        choices[decision.name] = decision.range.options
    num_trials = 0

    def objective(trial: optuna.Trial) -> float:
        nonlocal num_trials
        if num_trials:
            on_trial()  # the one before has ended
        num_trials += 1
        return score({name: trial.suggest_categorical(name, options) for name, options in choices.items()})

    storage = open_storage(folder, "study")
    study = optuna.create_study(storage=storage, sampler=sampler_of(strategy_name, seed), direction="maximize")
    study.optimize(objective, n_trials=MARKS[-1])
    on_trial()


def one_round(space: str, strategy: str, seed: int) -> tuple[Timer, Timer, list[int]]:
    """Timers of our side and of Optuna's, and the numbers of evaluations of ours."""
    ours, optunas = Timer(), Timer()
    ours.other, optunas.other = optunas, ours
    num_evaluations: list[int] = []

    def run_ours() -> None:
        with tempfile.TemporaryDirectory() as folder:
            ours.start()
            num_evaluations.extend(search_with_graphlab(space, strategy, folder, seed, ours.count_trial))

    def run_optunas() -> None:
        with tempfile.TemporaryDirectory() as folder:
            optunas.start()
            search_with_optuna(space, strategy, folder, seed, optunas.count_trial)

    threads = [Thread(target=run_ours), Thread(target=run_optunas)]
    for thread in threads:
        thread.start()
    ours.turn.release()
    for thread in threads:
        thread.join()
    assert ours.is_done and optunas.is_done
    return ours, optunas, num_evaluations


def resident_mib() -> float:
    status = Path("/proc/self/status").read_text()
    return round(int(status.partition("VmRSS:")[2].split()[0]) / 1024, 1)


def measure_memory(space: str, strategy: str) -> list[float]:
    """Resident memory of a search of ours at the marks."""
    memory: list[float] = []
    num_trials = 0

    def on_trial() -> None:
        nonlocal num_trials
        num_trials += 1
        if num_trials in MARKS:
            memory.append(resident_mib())

    with tempfile.TemporaryDirectory() as folder:
        search_with_graphlab(space, strategy, folder, 0, on_trial)
    return memory


def measure(space: str, strategy: str) -> dict[str, Any]:
    """Memory, milliseconds a trial by side and mark, and ratios, in this process."""
    memory = measure_memory(space, strategy)
    gc.collect()
    gc.freeze()  # modules are not looked through again and again, on either side
    rounds = [one_round(space, strategy, seed) for seed in range(ROUNDS)]
    shares = [[count / LAST for count in num_evaluations] for _, _, num_evaluations in rounds]
    result: dict[str, Any] = {"evaluations": _rounded_medians(shares), "resident_mib": memory}
    for clock in CLOCKS:
        ours = [timer.milliseconds(clock) for timer, _, _ in rounds]
        optunas = [timer.milliseconds(clock) for _, timer, _ in rounds]
        result[clock] = {
            "milliseconds": {"graphlab": _rounded_medians(ours), "optuna": _rounded_medians(optunas)},
            "ratios": _rounded_medians(_divided(ours, optunas)),
        }
        if clock == "processor":
            result["milliseconds_an_evaluation"] = _rounded_medians(_divided(ours, shares))
    return result


def _divided(over: Sequence[Sequence[float]], under: Sequence[Sequence[float]]) -> list[list[float]]:
    return [[a / b for a, b in zip(*rows, strict=True)] for rows in zip(over, under, strict=True)]


def _rounded_medians(rounds: Sequence[Sequence[float]]) -> list[float]:
    """Over rounds, by mark."""
    return [round(median(column), 2) for column in zip(*rounds, strict=True)]


def measured_apart(space: str, strategy: str) -> dict[str, Any]:
    command = [sys.executable, "-W", "ignore", __file__, space, strategy]
    return json.loads(subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines()[-1])


def main() -> None:
    result = {space: {strategy: measured_apart(space, strategy) for strategy in STRATEGIES} for space in SPACES}
    write_result("search_overhead", {"marks": MARKS, "rounds": ROUNDS, **result})


if __name__ == "__main__":
    if len(sys.argv) == 1:
        main()
    else:
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        print(json.dumps(measure(*sys.argv[1:])))
