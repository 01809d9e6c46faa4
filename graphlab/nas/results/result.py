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
from graphlab.nas.objectives.training import REPORT, VALIDATION
from graphlab.nas.optuna.history import Study, StudyHistory, importances
from graphlab.nas.plan import SearchPlan
from graphlab.nas.results.racing import RaceResult
from graphlab.nas.results.selection import SelectionRule, front_of, select
from graphlab.nas.results.trace import trace_of
from graphlab.nas.tables import Regret, TableObjective
from graphlab.records.store import Store, read_record

if TYPE_CHECKING:
    import pandas as pd

    from graphlab.core.plot import Plot
    from graphlab.nas.results.report import SearchReport

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
        """Evaluations that came to a score; of a race each architecture that was trained whole, with the means over its
        seeds."""
        if self.race:
            return tuple(self.race.trained.values())
        return tuple(outcome for outcome in self.outcomes if outcome.score is not None)

    @cached_property
    def race(self) -> RaceResult | None:
        """What a race came to; None where evaluations are whole."""
        if self.plan.race is None:
            return None
        return RaceResult(self.plan.space, self.plan.race, self.outcomes, 1.0 if self.maximizes else -1.0)

    @property
    def best(self) -> Outcome:
        """The best by the first objective, the earliest of equals; of a race the architecture of which most is to be
        expected, see `RaceResult`. Raises NothingFoundError where nothing finished, or all of it breaks a limit."""
        if self.infeasible and not self.finished:
            raise NothingFoundError(self._none_allowed, hint="allow more, or search longer", facts=self._facts)
        if not self.finished:
            error = next((f"; the first error: {outcome.error}" for outcome in self.outcomes if outcome.error), "")
            raise NothingFoundError(
                f"no architecture of {len(self.outcomes):,} finished{error}",
                hint="see .df for the others; lower training.lr",
                facts=self._facts,
            )
        if self.race and self.race.answer:
            return self.race.answer
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
                **({"start": outcome.start} if self.plan.starts else {}),
                **({"share": outcome.fidelity.share, "seed": outcome.fidelity.seed} if outcome.fidelity else {}),
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
        keys = {outcome.key for outcome in self.front}
        rows = [i for i, outcome in enumerate(self.outcomes) if outcome.key in keys and outcome.is_new]
        first, found = self.plan.objective.names[0], self.df.iloc[rows]
        return found.sort_values(first, ascending=not self.maximizes, ignore_index=True) if rows else found

    @cached_property
    def front(self) -> tuple[Outcome, ...]:
        """Evaluations that no other dominates, of equal ones the first; of a race the answer alone."""
        if self.race:
            return (self.best,) if self.finished else ()
        directions = self.plan.objective.directions
        signs = [1.0 if directions[name] == "maximize" else -1.0 for name in self.plan.objective.names]
        points = [tuple(s * x for s, x in zip(signs, outcome.objectives, strict=True)) for outcome in self.finished]
        return tuple(self.finished[i] for i in front_of(points))

    @property
    def curve(self) -> pd.DataFrame:
        """The best validation after each evaluation, and that of the evaluation itself; of a race, after each whole
        training, the mean of the architecture that is the answer so far, with the epochs that the search had taken."""
        import pandas as pd

        if self.race:
            return pd.DataFrame(self.race.trajectory())
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

    def report(self, random: bool = False, progress: bool | None = None) -> SearchReport:
        """What the answer is worth on a part of the data that nothing was selected on, beside hand-set networks.

        Args:
            random: Whether a random search follows that may take as many epochs as this one took, for comparison.
            progress: Whether its bar is shown; None shows it on a terminal.

        Raises:
            NothingFoundError: As `best` does.
            InputError: A search over a table or for several objectives, or for another one than validation.
        """
        from graphlab.nas.results.report import report_of
        from graphlab.nas.search import random_like

        if self.plan.table or self.plan.spec.objectives != ("validation",):
            raise InputError("a report is of trainings that were searched for validation alone", hint="see .df")
        return report_of(self, random_like(self, progress) if random else None)

    def seed_values(self, outcome: Outcome) -> dict[str, list[float]]:
        """What each seed of an architecture came to, by metric: `validation`, and `report` where there is such a part;
        as means where trainings were no runs of the store."""
        if self.race:
            whole = self.race.whole(outcome.key)
            names = [name for name in (VALIDATION, REPORT) if all(name in seed.metrics for seed in whole)]
            return {VALIDATION: [], REPORT: []} | {name: [seed.metrics[name] for seed in whole] for name in names}
        metric, has_report = self.plan.selection, REPORT in outcome.metrics
        results = [read_record(Store(self.plan.spec.store).path / run).result for run in outcome.runs]
        if not results:
            return {VALIDATION: [outcome.metrics[VALIDATION]], REPORT: [outcome.metrics[REPORT]] if has_report else []}
        return {
            VALIDATION: [result.validation[metric] for result in results],
            REPORT: [result.test[metric] for result in results] if has_report else [],
        }

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

    def cut_out(self, outcome: Outcome | None = None) -> Runs:
        """An architecture with its slices of the search's supernet, as a run without a training, evaluated on the
        official split; see `graphlab.nas.results.cut_out`.

        Args:
            outcome: The evaluation whose architecture is meant; by default the best.

        Raises:
            InputError: The search has no supernet that networks can be cut out of.
        """
        from graphlab.nas.results.cut_out import cut_out

        return cut_out(self.plan, (outcome or self.best).values)

    @cached_property
    def trace(self) -> pd.DataFrame:
        """What the controllers of AGNN did: one row a proposal of theirs, in order.

        Columns: evaluation; `changed`, the kinds of decisions that it changed; `gain`, its score less that of the
        architecture that it changed, as the strategy learned of both; `inherited`, the share of its weights that came
        from others, where weights are shared; and for each kind the entropy of its policy, as a share of what it can
        be. Empty for other strategies.
        """
        import pandas as pd

        return pd.DataFrame(trace_of(self.plan.space, self.outcomes))

    def plot_trace(self) -> Plot:
        """`trace`, which see, as curves. Raises InputError where there is none."""
        from graphlab.nas.results.plots import plot_trace

        if self.trace.empty:
            raise InputError(f"{self.plan.spec.strategy} has no controllers to watch", hint="search with agnn")
        return plot_trace(self)

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
        said += self._found(best, name)
        if self.regret:
            said += f" (regret {self.regret.validation:.2f}, on test {self.regret.test:.2f} points)"
        broken = len(self.infeasible)
        failed = sum(outcome.state in ("failed", "pruned") for outcome in self.outcomes)
        said += f"; {failed} failed or were pruned" if failed else ""
        said += f"; {broken} broke {' or '.join(map(str, self.plan.objective.limits))}" if broken else ""
        eligibility = f" It is {self.plan.eligibility}." if self.plan.eligibility else ""
        return f"{said}: {self.plan.space.spelt(best.values)}.{eligibility}"

    def _found(self, best: Outcome, name: str) -> str:
        """What the answer came to, and among how many."""
        start = f", the hand-set {best.start}," if best.start else ""
        if self.race is None:
            return f"of {len(self.outcomes):,} architectures the best{start} has {name} {best.objectives[0]:.4f}"
        new = sum(outcome.is_new for outcome in self.outcomes)
        epochs = sum(outcome.epochs for outcome in self.outcomes)
        return (
            f"of {new:,} architectures, {len(self.finished):,} of them trained whole, in {epochs:,.0f} epochs the "
            f"answer{start} has {name} {best.objectives[0]:.4f}, the mean over {best.metrics['seeds']:.0f} seeds"
        )

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
            "epochs": sum(outcome.epochs for outcome in self.outcomes),
            **({"starts": list(self.plan.starts)} if self.plan.starts else {}),
            **({"racing": self.plan.race.to_json()} if self.plan.race else {}),
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
            **({"start": outcome.start} if outcome.start else {}),
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
    plans = []
    for outcome in outcomes:
        model, settings = plan.space.settings(outcome.values)
        chosen = plan_on(plan.data, model, {**plan.own_settings, **settings})
        plans.append(replace(chosen, eligibility=plan.eligibility))
    retrained = run_plans(plans, parse_seeds(seeds), Store(plan.spec.store), device=plan.spec.device, workers=workers)
    return {outcome.key: runs for outcome, runs in zip(outcomes, retrained, strict=True)}


def mean_validation(runs: Runs) -> float:
    """Over the seeds that finished, with the sign by which higher is better; minus infinity where none did."""
    values = [record.result.validation[runs.metric] for record in runs.records if record.result.validation]
    sign = 1.0 if runs.direction == "max" else -1.0
    return sign * fmean(values) if values else -math.inf
