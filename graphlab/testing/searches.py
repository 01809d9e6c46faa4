"""Small spaces, an objective over them that costs nothing, and a search of them: what strategies are tried on."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from graphlab.core.config import Choices, FloatRange, IntRange
from graphlab.core.errors import DivergenceError
from graphlab.core.seeds import SeedStream
from graphlab.nas.core.budget import Budget
from graphlab.nas.core.fidelity import Fidelity
from graphlab.nas.core.loop import SearchLoop
from graphlab.nas.core.objective import Direction, Objective, OnStep
from graphlab.nas.core.outcome import EPOCHS, LOWEST_RUNG, Evaluation
from graphlab.nas.core.race import RaceConfig
from graphlab.nas.core.space import Architecture, Decision, Space
from graphlab.nas.optuna.history import StudyHistory, open_history
from graphlab.nas.registry import find_strategy


class Toy(Space):
    """`b` is made where `a` is not "x"; the values "y" and "z" of `a` mean the same; depth 4 is no network."""

    name = "toy"
    decisions = (
        Decision("a", Choices(("x", "y", "z")), "letter"),
        Decision("b", Choices((1, 2, 3, 4, 5)), "digit", {"a": ("y", "z")}),
        Decision("depth", IntRange(1, 4), "depth"),
        Decision("rate", FloatRange(0.001, 1.0, log=True), "rate"),
    )

    def canonical(self, values: Mapping[str, Any]) -> Architecture:
        choices = self.checked(values)
        return {**choices, "a": "y"} if choices["a"] == "z" else choices

    def is_valid(self, values: Mapping[str, Any]) -> bool:
        return values["depth"] != 4

    def settings(self, values: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        return "toy", dict(values)


class Letters(Space):
    """Choices of five letters: four of them give 625 architectures, all different."""

    name = "letters"

    def __init__(self, places: int = 4) -> None:
        self.decisions = tuple(Decision(f"letter_{i}", Choices(tuple("abcde")), "letter") for i in range(places))

    def settings(self, values: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        return "letters", dict(values)


class Score(Objective):
    """Letters from `a` on are worth more; "eeee" diverges.

    calls    keys in the order in which they were evaluated
    stop_at  calls after which the search is interrupted
    steps    intermediate reports of an evaluation
    noise    spread of scores over seeds, in a race
    """

    noise = 0.0

    directions: Mapping[str, Direction] = {"validation": "maximize", "parameters": "minimize"}

    def __init__(
        self, space: Space, names: Sequence[str] = ("validation",), stop_at: int | None = None, steps: int = 0
    ) -> None:
        self.space, self.names, self.stop_at, self.steps = space, tuple(names), stop_at, steps
        self.calls: list[str] = []
        self.check_names()

    @property
    def identity(self) -> Mapping[str, Any]:
        return {"objectives": list(self.names)}

    def evaluate(self, values: Architecture, on_step: OnStep) -> Evaluation:
        if len(self.calls) == self.stop_at:
            raise KeyboardInterrupt
        self.calls.append(self.space.key(values))
        word = "".join(str(value) for value in values.values())
        if word == "eeee":
            raise DivergenceError("the loss is nan")
        score = sum("edcba".index(letter) * 5**-i for i, letter in enumerate(word) if letter in "abcde")
        for step in range(self.steps):
            on_step(step, score)
        return Evaluation({"validation": score, "parameters": float(word.count("a"))})

    @property
    def whole_cost(self) -> float:
        return 9.0

    def evaluate_at(self, values: Architecture, fidelity: Fidelity, on_step: OnStep) -> Evaluation:
        """Of nine epochs; seeds differ by noise that is normal, and each epoch that is missing takes a hundredth."""
        metrics = dict(self.evaluate(values, on_step).metrics)
        noise = SeedStream(fidelity.seed).child(self.space.key(values)).numpy().normal(0, self.noise)
        score = metrics["validation"] + noise
        epochs = fidelity.epochs(9) - fidelity.epochs(9, fidelity.before)
        metrics |= {"validation": score - (9 - fidelity.epochs(9)) / 100, EPOCHS: float(epochs)}
        if fidelity.is_new:
            metrics[LOWEST_RUNG] = score - (9 - fidelity.epochs(9, fidelity.lowest)) / 100
        return Evaluation(metrics)


def run_search(
    strategy: str,
    space: Space,
    objective: Objective,
    count: int,
    where: str | os.PathLike[str] | None = None,
    seed: int = 0,
    prune_after: int | None = None,
    race: RaceConfig | None = None,
    starts: Mapping[str, Architecture] | None = None,
    num_seeds: int = 1,
    budget: Budget | None = None,
    **settings: Any,
) -> SearchLoop[StudyHistory]:
    """Search for `count` evaluations or a budget, in memory or in a store; the loop when that has ended."""
    kind = find_strategy(strategy)
    searching = kind(kind.Config.parse(settings, where=strategy), space, objective, SeedStream(seed))
    history = open_history(where, "study", searching, prune_after=prune_after)
    budget = budget or Budget(count)
    loop = SearchLoop(searching, objective, history, budget, race=race, starts=starts, num_seeds=num_seeds)
    loop.run()
    return loop
