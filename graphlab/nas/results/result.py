"""What a search came to: its evaluations, the best, the front, the curve, and what mattered."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from optuna import Study

from graphlab.core.errors import GraphLabError, InputError
from graphlab.experiment.runs import Runs
from graphlab.nas.driver.ledger import SHORTLISTED, Outcome, is_infeasible
from graphlab.nas.driver.study import quiet_optuna
from graphlab.nas.objectives.objective import Regret
from graphlab.nas.plan import Plan
from graphlab.nas.results.front import front_of
from graphlab.nas.results.retraining import mean_validation, retrain
from graphlab.nas.results.selection import Rule, select
from graphlab.nas.table import TableObjective

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

    study     Optuna's, for its own tools; optuna-dashboard opens where it is kept
    outcomes  the evaluations, in the order in which they were done
    repeats   trials that named an architecture which had been evaluated, and cost nothing
    seconds   spent by this process; what it found done before is not in it
    """

    plan: Plan
    study: Study
    outcomes: tuple[Outcome, ...]
    repeats: int
    seconds: float

    @property
    def finished(self) -> tuple[Outcome, ...]:
        return tuple(one for one in self.outcomes if one.score is not None)

    @property
    def best(self) -> Outcome:
        """The best by the first objective; the earliest of equals. Raises NothingFoundError where nothing finished, or
        all of it breaks a limit."""
        if self.infeasible and not self.finished:
            raise NothingFoundError(self._none_allowed, hint="allow more, or search longer", facts=self._facts)
        if not self.finished:
            error = next((f"; the first error: {one.error}" for one in self.outcomes if one.error), "")
            raise NothingFoundError(
                f"no architecture of {len(self.outcomes):,} finished{error}",
                hint="see .df for the others; lower training.lr",
                facts=self._facts,
            )
        return max(self.finished, key=lambda one: one.score or 0.0)

    @property
    def infeasible(self) -> tuple[Outcome, ...]:
        """Those that break a limit."""
        return tuple(one for one in self.outcomes if one.feasible is False)

    @property
    def _none_allowed(self) -> str:
        objective = self.plan.objective
        limits = " and ".join(map(str, objective.limits))
        nearest = min(
            self.infeasible, key=lambda one: sum(max(0, far) for far in objective.excess(one.metrics).values())
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
                "number": one.number,
                "state": one.state,
                **({"feasible": one.feasible} if self.plan.objective.limits else {}),
                **{decision.name: one.values.get(decision.name) for decision in self.plan.space.decisions},
                **self.plan.space.about(one.values),
                **one.metrics,
                "seconds": one.seconds,
                "key": one.key,
                **({"error": one.error} if one.error else {}),
            }
            for one in self.outcomes
        ]
        return pd.DataFrame(rows)

    def pareto(self) -> pd.DataFrame:
        """Of the rows that keep every limit those that no other is better than in every objective, the best of the
        first objective first."""
        rows = [i for i, one in enumerate(self.outcomes) if one in self.front]
        first, found = self.plan.objective.names[0], self.df.iloc[rows]
        return found.sort_values(first, ascending=not self.maximizes, ignore_index=True) if rows else found

    @cached_property
    def front(self) -> tuple[Outcome, ...]:
        """Evaluations that no other dominates; of equal ones the first."""
        directions = self.plan.objective.directions
        signs = [1.0 if directions[name] == "maximize" else -1.0 for name in self.plan.objective.names]
        points = [tuple(s * x for s, x in zip(signs, one.objectives, strict=True)) for one in self.finished]
        return tuple(self.finished[i] for i in front_of(points))

    @property
    def curve(self) -> pd.DataFrame:
        """The best validation after each evaluation, and that of the evaluation itself."""
        import pandas as pd

        sign = 1.0 if self.maximizes else -1.0
        found = pd.Series([float("nan") if one.score is None else one.score for one in self.outcomes], dtype=float)
        return pd.DataFrame(
            {"evaluation": range(1, len(found) + 1), "found": sign * found, "best": sign * found.cummax().ffill()}
        )

    def importances(self) -> pd.DataFrame:
        """How much each decision matters for being among the best tenth. PED-ANOVA, Watanabe et al., IJCAI 2023.

        Of several objectives, for the first; of decisions that few evaluations made, a rough guess. Raises InputError
        where less than two evaluations finished.
        """
        import pandas as pd
        from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances

        if len(self.finished) < LEAST:
            raise InputError(f"{len(self.finished)} evaluations say nothing of importance", hint="search longer")
        sign = -1.0 if self.maximizes else 1.0
        with quiet_optuna(), warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="PedAnovaImportanceEvaluator computes")
            warnings.filterwarnings("ignore", message="Some regimes for parameter")
            found = get_param_importances(
                self.study,
                evaluator=PedAnovaImportanceEvaluator(),
                target=lambda trial: math.nan if is_infeasible(trial) else sign * trial.values[0],
            )
        return pd.DataFrame({"decision": list(found), "importance": list(found.values())})

    @property
    def regret(self) -> Regret | None:
        """Of a search over a table, from the best that keeps the limits, of what validation chooses, whatever was
        optimised: see Regret. None where architectures are trained, or nothing keeps the limits."""
        table = self.plan.table
        if table is None or not isinstance(self.plan.objective, TableObjective) or not self.finished:
            return None
        chosen = max(self.finished, key=lambda one: one.metrics["validation"])
        return table.regret(table.row(chosen.values), chosen.metrics["validation"], self.plan.objective.allowed)

    def select(self, rule: Rule = "best") -> Outcome:
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
        best = sorted(self.finished, key=lambda one: -(one.score or 0.0))[:count]
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
            f"{self.plan.asked.strategy} on {self.dataset}, space {self.plan.space.name}, seed {self.plan.asked.seed}: "
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
            "front": [self._json_of(one) for one in self.front],
            **({"shortlist": self._json_of(self.select("shortlist"))} if self._has_shortlist else {}),
            **({"regret": {"validation": regret.validation, "test": regret.test}} if regret else {}),
        }

    @property
    def _facts(self) -> dict[str, Any]:
        return {
            "study": self.study.study_name,
            "strategy": self.plan.asked.strategy,
            "space": self.plan.space.name,
            "dataset": self.dataset,
            "searched_on": "table" if self.plan.table else self.plan.asked.on,
            **({"eligibility": self.plan.eligibility} if self.plan.eligibility else {}),
            "trials": len(self.outcomes),
            "finished": len(self.finished),
            "infeasible": len(self.infeasible),
            "repeats": self.repeats,
            "seconds": round(self.seconds, 3),
        }

    @property
    def _has_shortlist(self) -> bool:
        return any(SHORTLISTED in one.notes for one in self.finished)

    def _json_of(self, one: Outcome) -> dict[str, Any]:
        about = self.plan.space.about(one.values)
        return {"architecture": dict(one.values), **about, "key": one.key, **one.metrics, "runs": list(one.runs)}

    def __repr__(self) -> str:
        try:
            return self.text
        except NothingFoundError as error:
            return f"{self.plan.asked.strategy} on {self.dataset}: {error.message}"

    def _repr_html_(self) -> str:
        from html import escape

        from graphlab.experiment.views import table_html

        frame = self.pareto().drop(columns=["key", "state"]).head(20)
        cells = [[escape(_cell(value)) for value in line] for line in frame.itertuples(index=False)]
        return table_html(repr(self), list(frame.columns), cells)


def _cell(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
