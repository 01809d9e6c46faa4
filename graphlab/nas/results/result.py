"""What a search came to: its evaluations, the best, the front, the curve, and what mattered."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from statistics import fmean
from typing import TYPE_CHECKING, Any

from graphlab.core.errors import GraphLabError, InputError
from graphlab.core.seeds import parse_seeds
from graphlab.experiment.plan import plan_on
from graphlab.experiment.run import run_plans
from graphlab.experiment.runs import Runs
from graphlab.nas.core.outcome import SHORTLISTED, Outcome
from graphlab.nas.optuna.history import Study, StudyHistory, importances
from graphlab.nas.plan import STRATEGY, SearchPlan
from graphlab.nas.results.selection import SelectionRule, front_of, select
from graphlab.nas.tables import Regret, TableObjective
from graphlab.records.store import Store

if TYPE_CHECKING:
    import pandas as pd

    from graphlab.core.plot import Plot

LEAST = 2
"""Finished evaluations that importances need."""


class NothingFoundError(GraphLabError):
    """A search of whose evaluations none can be chosen; what else is known of it stands beside the error in JSON."""

    def __init__(self, message: str, *, hint: str, facts: Mapping[str, Any]) -> None:
        super().__init__(message, hint=hint)
        self.facts = facts

    def to_json(self) -> dict[str, Any]:
        return {**super().to_json(), **self.facts}


@dataclass(frozen=True, repr=False)
class Search:
    """What `gl.search` gives.

    history   with Optuna's study, for its own tools; optuna-dashboard opens where it is kept
    outcomes  the evaluations, in the order in which they were done
    repeats   trials that named an architecture which had been evaluated, and cost nothing
    seconds   spent by this process; what it found done before is not in it
    """

    plan: SearchPlan
    history: StudyHistory
    outcomes: tuple[Outcome, ...]
    repeats: int
    seconds: float

    @property
    def study(self) -> Study:
        return self.history.study

    @property
    def finished(self) -> tuple[Outcome, ...]:
        return tuple(outcome for outcome in self.outcomes if outcome.score is not None)

    @property
    def best(self) -> Outcome:
        """The best by the first objective; the earliest of equals. Raises NothingFoundError where nothing finished, or
        all of it breaks a limit."""
        if self.infeasible and not self.finished:
            raise NothingFoundError(self._none_allowed, hint="allow more, or search longer", facts=self._facts)
        if not self.finished:
            error = next((f"; the first error: {outcome.error}" for outcome in self.outcomes if outcome.error), "")
            raise NothingFoundError(
                f"no architecture of {len(self.outcomes):,} finished{error}",
                hint="see .df for the others; lower training.lr",
                facts=self._facts,
            )
        return max(self.finished, key=lambda outcome: outcome.score or 0.0)

    @property
    def infeasible(self) -> tuple[Outcome, ...]:
        """Those that break a limit."""
        return tuple(outcome for outcome in self.outcomes if outcome.feasible is False)

    @property
    def _none_allowed(self) -> str:
        objective = self.plan.objective
        limits = " and ".join(map(str, objective.limits))
        nearest = min(
            self.infeasible, key=lambda outcome: sum(max(0, far) for far in objective.excess(outcome.metrics).values())
        )
        has = ", ".join(
            f"{name} {nearest.metrics[name]:,.6g}" for name in objective.excess({}) if name in nearest.metrics
        )
        return f"of {len(self.outcomes):,} architectures none keeps {limits}; the nearest has {has}"

    @property
    def maximizes(self) -> bool:
        """Whether more of the first objective is better."""
        return self.plan.objective.directions[self.plan.objective.names[0]] == "maximize"

    @cached_property
    def df(self) -> pd.DataFrame:
        """One row an evaluation: what was chosen, what it came to, and how long that took; where there are limits,
        whether it keeps them, `feasible`."""
        import pandas as pd

        rows = [
            {
                "number": outcome.number,
                "state": outcome.state,
                **({"feasible": outcome.feasible} if self.plan.objective.limits else {}),
                **{decision.name: outcome.values.get(decision.name) for decision in self.plan.space.decisions},
                **self.plan.space.about(outcome.values),
                **outcome.metrics,
                "seconds": outcome.seconds,
                "key": outcome.key,
                **({"error": outcome.error} if outcome.error else {}),
            }
            for outcome in self.outcomes
        ]
        return pd.DataFrame(rows)

    def pareto(self) -> pd.DataFrame:
        """Of the rows that keep every limit those that no other is better than in every objective, the best of the
        first objective first."""
        rows = [i for i, outcome in enumerate(self.outcomes) if outcome in self.front]
        first, found = self.plan.objective.names[0], self.df.iloc[rows]
        return found.sort_values(first, ascending=not self.maximizes, ignore_index=True) if rows else found

    @cached_property
    def front(self) -> tuple[Outcome, ...]:
        """Evaluations that no other dominates; of equal ones the first."""
        directions = self.plan.objective.directions
        signs = [1.0 if directions[name] == "maximize" else -1.0 for name in self.plan.objective.names]
        points = [tuple(s * x for s, x in zip(signs, outcome.objectives, strict=True)) for outcome in self.finished]
        return tuple(self.finished[i] for i in front_of(points))

    @property
    def curve(self) -> pd.DataFrame:
        """The best validation after each evaluation, and that of the evaluation itself."""
        import pandas as pd

        sign = 1.0 if self.maximizes else -1.0
        scores = pd.Series([outcome.score for outcome in self.outcomes], dtype=float)
        return pd.DataFrame(
            {"evaluation": range(1, len(scores) + 1), "found": sign * scores, "best": sign * scores.cummax().ffill()}
        )

    def importances(self) -> pd.DataFrame:
        """How much each decision matters for being among the best tenth. PED-ANOVA, Watanabe et al., IJCAI 2023.

        Of several objectives, for the first; of decisions that few evaluations made, a rough guess. Raises InputError
        where less than two evaluations finished.
        """
        import pandas as pd

        if len(self.finished) < LEAST:
            raise InputError(f"{len(self.finished)} evaluations say nothing of importance", hint="search longer")
        by_decision = importances(self.study, self.maximizes)
        return pd.DataFrame({"decision": list(by_decision), "importance": list(by_decision.values())})

    @property
    def regret(self) -> Regret | None:
        """Of a search over a table, from the best that keeps the limits, of what validation chooses, whatever was
        optimised: see Regret. None where architectures are trained, or nothing keeps the limits."""
        table = self.plan.table
        if table is None or not isinstance(self.plan.objective, TableObjective) or not self.finished:
            return None
        chosen = max(self.finished, key=lambda outcome: outcome.metrics["validation"])
        return table.regret(table.row(chosen.values), chosen.metrics["validation"], self.plan.objective.allowed)

    def select(self, rule: SelectionRule = "best") -> Outcome:
        """The answer by a rule of `selection`. Raises InputError for an unknown rule, or where nothing finished."""
        return select(self.finished, self.plan.space, rule)

    def retrain(self, seeds: int | str | Sequence[int] = 10, workers: int = 1) -> dict[str, Runs]:
        """The front, trained on the official split under the task's protocol, by key: what may be published.

        Runs are in the search's store. Raises InputError for a search over a table, where nothing was trained.
        """
        return retrain(self.plan, self.front, seeds, workers)

    def retrain_top(self, count: int = 5, seeds: int | str | Sequence[int] = 10, workers: int = 1) -> dict[str, Runs]:
        """The `count` best by the first objective, trained as `retrain` does it, the highest mean validation over the
        seeds first: the highest of many single scores is often a lucky one, a mean over seeds less often.

        Raises InputError for a count below 1, and as `retrain` does.
        """
        if count < 1:
            raise InputError(f"{count} architectures cannot be trained", hint="ask for 1 or more")
        best = sorted(self.finished, key=lambda outcome: -(outcome.score or 0.0))[:count]
        found = retrain(self.plan, best, seeds, workers)
        return dict(sorted(found.items(), key=lambda item: mean_validation(item[1]), reverse=True))

    def plot(self) -> Plot:
        """The best so far over the evaluations, or of two objectives the front."""
        from graphlab.nas.results.plots import plot_curve, plot_front

        return plot_front(self) if len(self.plan.objective.names) > 1 else plot_curve(self)

    def plot_importances(self) -> Plot:
        """`importances`, which see, as bars."""
        from graphlab.nas.results.plots import plot_importances

        return plot_importances(self)

    @property
    def text(self) -> str:
        best = self.best
        name = self.plan.objective.names[0]
        said = (
            f"{self.plan.spec.strategy} on {self.dataset}, space {self.plan.space.name}, seed {self.plan.spec.seed}: "
        )
        said += f"of {len(self.outcomes):,} architectures the best has {name} {best.objectives[0]:.4f}"
        if self.regret:
            said += f" (regret {self.regret.validation:.2f}, on test {self.regret.test:.2f} points)"
        broken = len(self.infeasible)
        failed = len(self.outcomes) - len(self.finished) - broken
        said += f"; {failed} failed or were pruned" if failed else ""
        said += f"; {broken} broke {' or '.join(map(str, self.plan.objective.limits))}" if broken else ""
        eligibility = f" It is {self.plan.eligibility}." if self.plan.eligibility else ""
        return f"{said}: {self.plan.space.spelt(best.values)}.{eligibility}"

    @property
    def dataset(self) -> str:
        return self.plan.table.name if self.plan.table else self.plan.data.name

    def to_json(self) -> dict[str, Any]:
        """As `graphlab search --json` prints it. Raises NothingFoundError as `best` does."""
        regret = self.regret
        return {
            **self._facts,
            "best": self._json_of(self.best),
            "front": [self._json_of(outcome) for outcome in self.front],
            **({"shortlist": self._json_of(self.select("shortlist"))} if self._has_shortlist else {}),
            **({"regret": {"validation": regret.validation, "test": regret.test}} if regret else {}),
        }

    @property
    def _facts(self) -> dict[str, Any]:
        return {
            "study": self.study.study_name,
            "strategy": self.plan.spec.strategy,
            "space": self.plan.space.name,
            "dataset": self.dataset,
            "searched_on": "table" if self.plan.table else self.plan.spec.on,
            **({"eligibility": self.plan.eligibility} if self.plan.eligibility else {}),
            "trials": len(self.outcomes),
            "finished": len(self.finished),
            "infeasible": len(self.infeasible),
            "repeats": self.repeats,
            "seconds": round(self.seconds, 3),
        }

    @property
    def _has_shortlist(self) -> bool:
        return any(SHORTLISTED in outcome.notes for outcome in self.finished)

    def _json_of(self, outcome: Outcome) -> dict[str, Any]:
        about = self.plan.space.about(outcome.values)
        return {
            "architecture": dict(outcome.values),
            **about,
            "key": outcome.key,
            **outcome.metrics,
            "runs": list(outcome.runs),
        }

    def __repr__(self) -> str:
        try:
            return self.text
        except NothingFoundError as error:
            return f"{self.plan.spec.strategy} on {self.dataset}: {error.message}"

    def _repr_html_(self) -> str:
        from html import escape

        from graphlab.experiment.views import table_html

        frame = self.pareto().drop(columns=["key", "state"]).head(20)
        cells = [[escape(_cell(value)) for value in line] for line in frame.itertuples(index=False)]
        return table_html(repr(self), list(frame.columns), cells)


def _cell(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def retrain(
    plan: SearchPlan, outcomes: Sequence[Outcome], seeds: int | str | Sequence[int], workers: int
) -> dict[str, Runs]:
    """Runs of each architecture over the seeds, by key, in the search's store.

    Raises InputError for a search over a table, where nothing was trained.
    """
    if plan.table is not None:
        raise InputError(f"{plan.table.name} is a table: there is nothing to train", hint="see .regret")
    own = {name: value for name, value in plan.spec.settings.items() if not name.startswith(STRATEGY)}
    plans = []
    for outcome in outcomes:
        model, settings = plan.space.settings(outcome.values)
        plans.append(replace(plan_on(plan.data, model, {**own, **settings}), eligibility=plan.eligibility))
    retrained = run_plans(plans, parse_seeds(seeds), Store(plan.spec.store), device=plan.spec.device, workers=workers)
    return {outcome.key: runs for outcome, runs in zip(outcomes, retrained, strict=True)}


def mean_validation(runs: Runs) -> float:
    """Over the seeds that finished, with the sign by which higher is better; minus infinity where none did."""
    values = [record.result.validation[runs.metric] for record in runs.records if record.result.validation]
    sign = 1.0 if runs.direction == "max" else -1.0
    return sign * fmean(values) if values else -math.inf
