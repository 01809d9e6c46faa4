"""What every registered search strategy keeps to, on small spaces whose best is known.

Each check takes a strategy's name and a folder and raises AssertionError. `strategies()` lists those that choose
architectures one at a time, so that one parametrised test covers whatever is registered:

    @pytest.mark.parametrize("check", STRATEGY_CHECKS)
    @pytest.mark.parametrize("strategy", strategies())
    def test_contract(check, strategy, tmp_path): check(strategy, tmp_path)
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from graphlab.core.errors import ConfigError, IncompatibleError
from graphlab.core.seeds import SeedStream
from graphlab.nas.core.loop import SearchLoop
from graphlab.nas.core.objective import OnStep
from graphlab.nas.core.outcome import Evaluation, TrialStatus
from graphlab.nas.core.space import Architecture, Space
from graphlab.nas.optuna.history import StudyHistory, status_of
from graphlab.nas.optuna.samplers import INDEX
from graphlab.nas.registry import STRATEGIES, find_strategy
from graphlab.testing.searches import Letters, Score, Toy, run_search

SMALL = {"startup": 3, "population": 4}
"""Settings of strategies that have them, so that each comes to its own way of choosing."""

COUNT = 14


def strategies() -> list[str]:
    """The registered strategies that need no more than a space and a score: those that learn on a supernet, from tables
    or by proxies have tests of their own."""
    return [name for name in STRATEGIES.names() if _fits(name)]


def _fits(strategy: str) -> bool:
    found = find_strategy(strategy)
    space = Letters()
    try:
        found(found.Config.parse({}, where=strategy), space, Score(space), SeedStream(0))
    except IncompatibleError:
        return False
    return True


def _search(
    strategy: str, space: Space, objective: Score, count: int = COUNT, **others: Any
) -> SearchLoop[StudyHistory]:
    fields = find_strategy(strategy).Config.model_fields
    own: dict[str, Any] = {name: value for name, value in SMALL.items() if name in fields}
    return run_search(strategy, space, objective, count, **others, **own)


def _named(loop: SearchLoop[StudyHistory]) -> list[str]:
    return [outcome.key for outcome in loop.history.outcomes]


def check_registration(strategy: str, folder: Path) -> None:
    """It says what it does and where that is from, its defaults are settings, and others are refused."""
    found = find_strategy(strategy)
    assert (found.__doc__ or "").strip(), f"{strategy} has no docstring"
    assert found.citation.authors and found.citation.year, f"{strategy} cites nothing"
    assert found.Config.parse({}, where=strategy)
    try:
        found.Config.parse({"no_such_setting": 1}, where=strategy)
    except ConfigError:
        return
    raise AssertionError(f"{strategy} takes a setting that it does not have")


def check_as_many_as_asked(strategy: str, folder: Path) -> None:
    """As many different architectures as were asked for are evaluated, each once, with an index of its own."""
    space = Letters()
    objective = Score(space)
    loop = _search(strategy, space, objective)
    assert objective.calls == _named(loop)
    assert len(set(objective.calls)) == COUNT
    indices = [
        trial.user_attrs[INDEX] for trial in loop.history.study.trials if status_of(trial) is TrialStatus.EVALUATED
    ]
    assert sorted(indices) == list(range(COUNT))


def check_conditions(strategy: str, folder: Path) -> None:
    """Decisions that are not always made, two spellings of one architecture, and values that are no network."""
    space = Toy()
    loop = _search(strategy, space, Score(space))
    assert len(set(_named(loop))) == COUNT
    for outcome in loop.history.outcomes:
        assert space.canonical(outcome.values) == outcome.values and space.is_valid(outcome.values)


def check_seed(strategy: str, folder: Path) -> None:
    """A seed gives the same trials, and another seed others."""
    space = Letters()
    first, again, other = (_named(_search(strategy, space, Score(space), seed=seed)) for seed in (3, 3, 4))
    assert first == again
    assert first != other


def check_continuation(strategy: str, folder: Path) -> None:
    """A search that was stopped, and one that is asked for more, end with the trials of one never stopped."""
    space = Letters()
    whole = _named(_search(strategy, space, Score(space), where=folder / "whole"))
    for stop_at in (1, COUNT - 4):
        where = folder / f"stopped at {stop_at}"
        with suppress(KeyboardInterrupt):
            _search(strategy, space, Score(space, stop_at=stop_at), where=where)
        rest = Score(space)
        assert _named(_search(strategy, space, rest, where=where)) == whole
        assert len(rest.calls) == COUNT - stop_at
    _search(strategy, space, Score(space), COUNT - 5, where=folder / "less")
    assert _named(_search(strategy, space, Score(space), where=folder / "less")) == whole


def check_used_up(strategy: str, folder: Path) -> None:
    """A space that holds less than was asked for is evaluated to its end."""
    space = Letters(places=1)
    loop = _search(strategy, space, Score(space))
    assert len(set(_named(loop))) == len(_named(loop)) == 5
    assert loop.exhausted


class _Undefined(Score):
    def evaluate(self, values: Architecture, on_step: OnStep) -> Evaluation:
        return Evaluation({**super().evaluate(values, on_step).metrics, "validation": math.nan})


def check_failures(strategy: str, folder: Path) -> None:
    """A search of which nothing has a score goes on to its end, and what failed is on record."""
    space = Letters()
    loop = _search(strategy, space, _Undefined(space))
    assert [outcome.state for outcome in loop.history.outcomes] == ["failed"] * COUNT


def check_objectives(strategy: str, folder: Path) -> None:
    """Two objectives are searched, or refused before anything is evaluated."""
    space = Letters()
    objective = Score(space, names=("validation", "parameters"))
    try:
        loop = _search(strategy, space, objective)
    except IncompatibleError:
        assert not objective.calls
        return
    assert all(len(outcome.objectives) == 2 for outcome in loop.history.outcomes if outcome.state == "finished")


Check = Callable[[str, Path], None]

STRATEGY_CHECKS: Sequence[Check] = (
    check_registration,
    check_as_many_as_asked,
    check_conditions,
    check_seed,
    check_continuation,
    check_used_up,
    check_failures,
    check_objectives,
)
