"""A search over a table, all of it in memory: the order in which a strategy would evaluate the architectures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graphlab.core.seeds import SeedStream
from graphlab.nas.driver.explorer import MOST_ASKED, Explorer
from graphlab.nas.driver.ledger import Outcome
from graphlab.nas.driver.study import open_study
from graphlab.nas.objectives.limit import Direction
from graphlab.nas.objectives.objective import Objective
from graphlab.nas.registry import STRATEGIES, find_strategy
from graphlab.nas.space import Space
from graphlab.nas.strategy import Controller, Strategy, asking_stream
from graphlab.nas.table import Table, TableObjective


def prepare(name: str, space: Space, objective: Objective, seed: int, settings: Mapping[str, Any]) -> Strategy:
    """The strategy of this name. Raises UnknownNameError, ConfigError for settings that it does not take."""
    name = STRATEGIES.resolve(name).name
    found = find_strategy(name)
    config = found.Config.parse(settings, where=f"strategy {name}")
    return found(config, space, objective, SeedStream(seed).child("search", name))


def rehearse(
    name: str, table: Table, *, seed: int = 0, budget: int = 200, settings: Mapping[str, Any] | None = None
) -> list[Outcome]:
    """The evaluations of a search with one worker, in order; fewer than `budget` if the strategy runs dry.

    Our own strategies are asked and told directly, without a study; they name what they would in one.
    """
    objective = TableObjective(table)
    strategy = prepare(name, table.space, objective, seed, settings or {})
    if isinstance(strategy, Controller):
        return ask_and_tell(strategy, objective, budget)
    return through_study(strategy, objective, budget)


def through_study(strategy: Strategy, objective: TableObjective, budget: int) -> list[Outcome]:
    """As the driver does it, with a study in memory."""
    directions: list[Direction] = [objective.directions[name] for name in objective.names]
    study, crew = open_study(None, "rehearsal", strategy.sampler(), directions)
    explorer = Explorer(study, crew, strategy.space, objective, budget)
    explorer.explore()
    return explorer.ledger.outcomes


def ask_and_tell(controller: Controller, objective: TableObjective, budget: int) -> list[Outcome]:
    """As the driver does it: for what was evaluated before, or is no network, another is asked for."""
    number = 0
    for slot in range(budget):
        for attempt in range(MOST_ASKED):
            proposal = controller.ask(asking_stream(controller.stream, slot, attempt).numpy())
            outcome = _evaluate(controller, objective, number, slot, dict(proposal.values), dict(proposal.notes))
            number += 1
            if outcome:
                controller.tell(outcome)
                break
        else:
            break
    return controller.outcomes


def _evaluate(
    controller: Controller,
    objective: TableObjective,
    number: int,
    slot: int,
    raw: dict[str, Any],
    notes: dict[str, Any],
) -> Outcome | None:
    space = controller.space
    if not space.is_valid(raw):
        return None
    values = space.canonical(raw)
    key = space.key(values)
    if key in controller.seen:
        return None
    metrics = objective.evaluate(values, lambda step, value: None).metrics
    objectives = tuple(metrics[name] for name in objective.names)
    sign = 1.0 if objective.directions[objective.names[0]] == "maximize" else -1.0
    return Outcome(
        number=number,
        slot=slot,
        values=values,
        params=raw,
        key=key,
        state="finished",
        objectives=objectives,
        score=sign * objectives[0],
        metrics=metrics,
        runs=(),
        notes=notes,
        seconds=0.0,
        error=None,
    )
