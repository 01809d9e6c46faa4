"""From an experiment file to trained runs beside the published numbers, its claims checked."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from graphlab.comparison.compare import Row, compare
from graphlab.comparison.numbers import published
from graphlab.comparison.paired import Group, contrasts
from graphlab.comparison.rows import difference_text, leaderboard_rows, rows_frame, rows_json
from graphlab.core.errors import ConfigError, IncompatibleError, InputError
from graphlab.core.seeds import parse_seeds
from graphlab.data.dataset import Dataset
from graphlab.data.load import load
from graphlab.experiment.definition import Entry, Expectation, Experiment, read_experiment, starting_point
from graphlab.experiment.pairwise import contrast_text
from graphlab.experiment.plan import Plan, find_any_model, plan_on, refuse_two_values
from graphlab.experiment.results import runs_json
from graphlab.experiment.run import run_plans
from graphlab.experiment.runs import Runs
from graphlab.experiment.views import claims_html, leaderboard_html
from graphlab.records.record import RunRecord
from graphlab.records.statistics import summarise_values
from graphlab.records.store import Store

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Refusal:
    """A combination that was refused before anything ran, and what was said."""

    model: str
    dataset: str
    message: str
    hint: str | None = None


@dataclass(frozen=True)
class Claim:
    """Something that the experiment claims, and whether it held; `detail` says what was found."""

    model: str
    dataset: str
    text: str
    held: bool
    detail: str


@dataclass(frozen=True)
class Comparison:
    """What an experiment came to.

    leaderboards  rows for each data set, by its full name
    store         where the runs are
    text          the experiment file, as it was read
    """

    experiment: Experiment
    path: Path
    store: Path
    runs: tuple[Runs, ...]
    refusals: tuple[Refusal, ...]
    claims: tuple[Claim, ...]
    leaderboards: Mapping[str, Sequence[Row]] = field(default_factory=dict)
    text: str = ""

    @property
    def ok(self) -> bool:
        """Whether every claim held and no run failed."""
        return all(claim.held for claim in self.claims) and not self.failed

    @property
    def failed(self) -> tuple[RunRecord, ...]:
        return tuple(record for record in self.records if record.result.status == "failed")

    @property
    def records(self) -> tuple[RunRecord, ...]:
        return tuple(record for runs in self.runs for record in runs.records)

    @cached_property
    def df(self) -> pd.DataFrame:
        """The leaderboards of all data sets, one row a published number and configuration."""
        import pandas as pd

        frames = {name: rows_frame(rows) for name, rows in self.leaderboards.items()}
        if not frames:
            return rows_frame([])
        return pd.concat(frames, names=["dataset"]).reset_index(level="dataset").reset_index(drop=True)

    def to_json(self) -> dict[str, Any]:
        return {
            "title": self.experiment.title,
            "ok": self.ok,
            "runs": [runs_json(runs) for runs in self.runs],
            "refusals": [vars(refusal) for refusal in self.refusals],
            "claims": [vars(claim) for claim in self.claims],
            "leaderboards": [rows_json(name, rows) for name, rows in self.leaderboards.items()],
        }

    def report(self, path: str | os.PathLike[str]) -> Path:
        """Write one self-contained HTML page; see `graphlab.analysis.report`."""
        from graphlab.analysis.report import write_report

        return write_report(self, path)

    def summary(self) -> str:
        """One sentence: runs, failures, refusals and claims."""
        parts = [_count(len(self.records), "run")]
        parts += [f"{len(self.failed)} failed"] if self.failed else []
        parts += [f"{_count(len(self.refusals), 'combination')} refused before anything ran"] if self.refusals else []
        held = sum(claim.held for claim in self.claims)
        parts += [f"{held} of {_count(len(self.claims), 'claim')} held"] if self.claims else []
        return f"{', '.join(parts)}."

    def __repr__(self) -> str:
        return f"Comparison({self.experiment.title!r}: {self.summary()})"

    def _repr_html_(self) -> str:
        tables = "".join(leaderboard_html(name, rows) for name, rows in self.leaderboards.items())
        claims = claims_html(self.claims) if self.claims else ""
        return f"<h3>{escape(self.experiment.title)}</h3><p>{escape(self.summary())}</p>{tables}{claims}"


def reproduce(
    path: str | os.PathLike[str],
    *,
    store: str | os.PathLike[str] | None = None,
    device: str = "auto",
    workers: int = 1,
    progress: bool | None = None,
) -> Comparison:
    """Do the runs of an experiment file and set them beside the published numbers.

    Every name and every setting is checked before anything runs; what the store has is not run again. Raises
    InputError for a file that asks for what cannot be, DataError and StoreError for broken files.
    """
    experiment, text = read_experiment(path), Path(path).read_text(encoding="utf-8")
    seeds = parse_seeds(experiment.seeds)
    where = Store(store)
    plans, refusals = check(experiment, where.path)
    done = run_plans(list(plans.values()), seeds, where, device=device, workers=workers, progress=progress)
    runs = dict(zip(plans, done, strict=True))
    records = [record for done in runs.values() for record in done.records]
    claims = [_must_refuse(entry, refusals.get(i)) for i, entry in enumerate(experiment.runs) if entry.refuses]
    for index, done in runs.items():
        entry = experiment.runs[index]
        for expectation in entry.expect:
            others = [runs[i] for i in _named_above(expectation, entry, experiment) if i in runs]
            claims.append(_judge(expectation, done, others, records))
    return Comparison(
        experiment,
        Path(path),
        where.path,
        tuple(runs.values()),
        tuple(refusals.values()),
        tuple(claims),
        {name: leaderboard_rows(name, records) for name in dict.fromkeys(r.spec.dataset for r in records)},
        text,
    )


def check(
    experiment: Experiment, store: str | os.PathLike[str] | None = None
) -> tuple[dict[int, Plan], dict[int, Refusal]]:
    """Plans of the runs and refusals of what does not fit, by their place in the file; nothing is run. `store` keeps
    the data and models of one's own.

    What should be refused and is not has neither. Raises what is wrong with a run that should be possible.
    """
    datasets: dict[str, Dataset] = {}
    plans: dict[int, Plan] = {}
    refusals: dict[int, Refusal] = {}
    places: dict[str, int] = {}
    for index, entry in enumerate(experiment.runs):
        if entry.dataset not in datasets:
            datasets[entry.dataset] = load(entry.dataset, store=store)
        dataset = datasets[entry.dataset]
        try:
            plan = plan_on(dataset, find_any_model(entry.model, store), entry.settings)
        except InputError as error:
            if not (entry.refuses and isinstance(error, IncompatibleError)):
                error.message = f"{entry.model} on {entry.dataset}: {error.message}"
                raise
            refusals[index] = Refusal(entry.model, dataset.name, error.message, error.hint)
            continue
        if not entry.refuses:
            refuse_two_values(entry.settings, plan.configs)
            _require_metrics(entry, plan)
            plans[index] = replace(plan, start=_start(entry, experiment.runs[:index], plans))
            _require_new(entry, index + 1, plans[index].spec(0).id, places)
    return plans, refusals


def _require_new(entry: Entry, place: int, identity: str, places: dict[str, int]) -> None:
    """The entry, at this place of the file, is no run of an earlier one in another spelling."""
    first = places.setdefault(identity, place)
    if first != place:
        raise ConfigError(
            f"{entry.model} on {entry.dataset} is the same run as entry {first} of the experiment",
            hint="each run is one entry; name it once",
        )


def _require_metrics(entry: Entry, plan: Plan) -> None:
    """A claim must be about something that the task measures."""
    known = plan.metrics if entry.expect else ()
    for metric in (expectation.metric for expectation in entry.expect):
        if metric not in known:
            raise ConfigError(
                f"what is expected of {entry.model} on {entry.dataset} is about {metric!r}, "
                f"which {plan.task.name} does not measure",
                hint=f"it measures {', '.join(known)}",
            )


def _start(entry: Entry, earlier: Sequence[Entry], plans: Mapping[int, Plan]) -> Plan | None:
    place = starting_point(entry, earlier)
    return None if place is None else plans[place]


def _must_refuse(entry: Entry, refusal: Refusal | None) -> Claim:
    text = "is refused before anything runs"
    if refusal is None:
        return Claim(entry.model, entry.dataset, text, False, "the two fit together")
    return Claim(refusal.model, refusal.dataset, text, True, refusal.message)


def _named_above(expectation: Expectation, entry: Entry, experiment: Experiment) -> list[int]:
    """The places of the runs that a claim compares with."""
    names = expectation.above or ()
    return [i for i, other in enumerate(experiment.runs) if other.dataset == entry.dataset and other.model in names]


def _judge(expectation: Expectation, runs: Runs, others: Sequence[Runs], known: Sequence[RunRecord]) -> Claim:
    """Whether a claim holds of the mean over the finished seeds; `others` are the runs that it compares with, `known`
    those that any may have started from."""
    metric = expectation.metric
    mean = _mean(metric, runs)
    if mean is None:
        held, detail = False, "no seed finished"
    elif expectation.within:
        held, detail = _agrees(metric, runs, known)
    elif expectation.above:
        held, detail = _exceeds(metric, mean, runs, others)
    else:
        low = expectation.at_least is None or mean >= expectation.at_least
        high = expectation.at_most is None or mean <= expectation.at_most
        held, detail = low and high, f"mean {mean:.4f} over {_count(len(_values(metric, runs)), 'seed')}"
    return Claim(runs.title, runs.dataset, str(expectation), held, detail)


def _values(metric: str, runs: Runs) -> list[float]:
    """The metric on test of every finished seed that reports it."""
    return [r.result.test[metric] for r in runs.records if metric in r.result.test]


def _mean(metric: str, runs: Runs) -> float | None:
    return summarise_values(_values(metric, runs)).mean


def _exceeds(metric: str, mean: float, runs: Runs, others: Sequence[Runs]) -> tuple[bool, str]:
    """Whether the paired test, corrected for the number of others, says that the mean is above each of theirs."""
    groups = [Group(each.model, each.records) for each in (runs, *others)]
    tested = contrasts(groups, metric, [(0, place) for place in range(1, len(groups))])
    held = bool(tested) and all(contrast.conclusion == "above" for contrast in tested)
    return held, "; ".join([f"mean {mean:.4f}", *map(contrast_text, tested)])


def _agrees(metric: str, runs: Runs, known: Sequence[RunRecord]) -> tuple[bool, str]:
    mine = [number for number in published(runs.dataset) if (number.model, number.metric) == (runs.model, metric)]
    rows = [row for row in compare(mine, runs.records, known) if row.published]
    judged = [row for row in rows if not row.verdict.startswith("not")]
    if not judged:
        return False, rows[0].why if rows else "nothing is published for this model and metric"
    return all(row.verdict == "agrees" for row in judged), "; ".join(
        f"{difference_text(row)}: {row.why}" for row in judged
    )


def _count(n: int, what: str) -> str:
    return f"{n} {what}{'' if n == 1 else 's'}"
