"""What a search found, trained anew on the official split: its runs are those that may be published."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from statistics import fmean

from graphlab.core.errors import InputError
from graphlab.core.seeds import parse_seeds
from graphlab.experiment.plan import plan_on
from graphlab.experiment.run import run_plans
from graphlab.experiment.runs import Runs
from graphlab.nas.driver.ledger import Outcome
from graphlab.nas.plan import STRATEGY, Plan
from graphlab.records.store import Store


def retrain(plan: Plan, outcomes: Sequence[Outcome], seeds: int | str | Sequence[int], workers: int) -> dict[str, Runs]:
    """Runs of each architecture over the seeds, by key, in the search's store.

    Raises InputError for a search over a table, where nothing was trained.
    """
    if plan.table is not None:
        raise InputError(f"{plan.table.name} is a table: there is nothing to train", hint="see .regret")
    own = {name: value for name, value in plan.asked.settings.items() if not name.startswith(STRATEGY)}
    plans = []
    for one in outcomes:
        model, settings = plan.space.settings(one.values)
        retrained = plan_on(plan.data, model, {**own, **settings})
        plans.append(replace(retrained, eligibility=plan.eligibility))
    found = run_plans(plans, parse_seeds(seeds), Store(plan.asked.store), device=plan.asked.device, workers=workers)
    return {one.key: runs for one, runs in zip(outcomes, found, strict=True)}


def mean_validation(runs: Runs) -> float:
    """Over the seeds that finished, with the sign by which higher is better; minus infinity where none did."""
    values = [record.result.validation[runs.metric] for record in runs.records if record.result.validation]
    sign = 1.0 if runs.direction == "max" else -1.0
    return sign * fmean(values) if values else -math.inf
