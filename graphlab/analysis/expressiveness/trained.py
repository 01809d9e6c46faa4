"""Which pairs of graphs a trained model tells apart, beside those that its class can. Wang and Zhang, ICML 2024."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from graphlab.analysis.expressiveness.classes import class_of_model
from graphlab.analysis.expressiveness.compare import partition
from graphlab.analysis.expressiveness.graphs import as_arrays
from graphlab.analysis.expressiveness.pairs import TOTAL, parse_pairs
from graphlab.core.errors import ConfigError, IncompatibleError, require_count
from graphlab.core.seeds import parse_seeds
from graphlab.data.dataset import Dataset
from graphlab.data.item import find_items
from graphlab.experiment.plan import find_data, plan_on
from graphlab.experiment.run import run_plans
from graphlab.records.record import RunRecord
from graphlab.records.store import Store
from graphlab.task.kinds.pair_discrimination import PairDiscrimination

if TYPE_CHECKING:
    import pandas as pd

    from graphlab.core.plot import Plot

RULES = ("official", "calibrated")


@dataclass(frozen=True)
class PairOutcome:
    """One pair under one seed.

    told, reliable  by rule, whether the pair is told apart and whether copies of one graph are not; see
                    `PairDiscrimination`. None where training failed
    degenerate      the outputs do not depend on the numbering, up to rounding: the official rule then means little
    statistic       Hotelling's T2 of the calibrated rule
    separable       whether the test that bounds the model tells the pair apart; None where no test is known
    """

    pair: int
    category: str
    seed: int
    status: str
    official: bool | None
    calibrated: bool | None
    official_reliable: bool | None
    calibrated_reliable: bool | None
    degenerate: bool | None
    statistic: float | None
    separable: bool | None
    epochs: int
    seconds: float
    run: str


@dataclass(frozen=True, repr=False)
class Discrimination:
    """What `gl.discriminate` gives.

    test  the test of the Weisfeiler-Lehman kind that bounds the model, None where none is known
    rows  one a pair and seed, failed runs included
    """

    model: str
    dataset: str
    test: str | None
    rows: tuple[PairOutcome, ...]

    @cached_property
    def df(self) -> pd.DataFrame:
        """One row a pair and seed; see PairOutcome."""
        import pandas as pd

        return pd.DataFrame([vars(row) for row in self.rows])

    def table(self) -> pd.DataFrame:
        """By seed and category, and in total: pairs, failed runs, and for each rule the pairs told apart, reliability
        failures, and how many of those told apart the model's class cannot tell (`beyond`: false positives).

        ceiling  pairs that the class can tell; no model of it can do better
        counts   whether the published protocol lets the official score count: no reliability failure, no failed run
        """
        import pandas as pd

        lines = []
        for seed in dict.fromkeys(row.seed for row in self.rows):
            mine = [row for row in self.rows if row.seed == seed]
            categories = list(dict.fromkeys(row.category for row in mine))
            groups = [(name, [row for row in mine if row.category == name]) for name in categories]
            if categories != [TOTAL]:
                groups.append((TOTAL, mine))
            lines += [{"seed": seed, "category": name, **self._counts(group)} for name, group in groups]
        return pd.DataFrame(lines)

    def _counts(self, rows: Sequence[PairOutcome]) -> dict[str, Any]:
        counts: dict[str, Any] = {"pairs": len(rows), "failed": sum(row.status != "finished" for row in rows)}
        for rule in RULES:
            told = [row for row in rows if getattr(row, rule)]
            counts[rule] = len(told)
            counts[f"{rule}_unreliable"] = sum(getattr(row, f"{rule}_reliable") is False for row in rows)
            if self.test is not None:
                counts[f"{rule}_beyond"] = sum(row.separable is False for row in told)
        if self.test is not None:
            counts["ceiling"] = sum(bool(row.separable) for row in rows)
        counts["degenerate"] = sum(bool(row.degenerate) for row in rows)
        counts["counts"] = counts["failed"] + counts["official_unreliable"] == 0
        return counts

    def brief(self) -> pd.DataFrame:
        """The table for the eye: without columns of trouble that nobody had, and without the seed where it is one."""
        table: Any = self.table()
        trouble = ["failed", "degenerate", *(f"{rule}_{kind}" for rule in RULES for kind in ("unreliable", "beyond"))]
        hidden = ["counts", *(name for name in trouble if name in table and not table[name].any())]
        if table["seed"].nunique() == 1:
            hidden.append("seed")
        return table.drop(columns=hidden).rename(columns=lambda name: name.replace("_", " "))

    @property
    def num_failed(self) -> int:
        return sum(row.status != "finished" for row in self.rows)

    @property
    def text(self) -> str:
        """A sentence a seed."""
        return "\n".join(map(self._sentence, self._totals()))

    def _totals(self) -> list[dict[str, Any]]:
        table: Any = self.table()
        return _records(table[table["category"] == TOTAL])

    def _sentence(self, total: dict[str, Any]) -> str:
        said = f"{self.model} on {self.dataset}, seed {total['seed']}: of {total['pairs']:,} pairs it tells apart "
        said += f"{total['official']:,} by the official rule"
        if not total["counts"]:
            said += " (which does not count: there are reliability failures or failed runs)"
        said += f" and {total['calibrated']:,} by the calibrated one"
        if self.test is not None:
            said += f"; {self.test}, which bounds it, {total['ceiling']:,}"
            wrong = " and ".join(f"{total[f'{rule}_beyond']:,} {rule}" for rule in RULES if total[f"{rule}_beyond"])
            said += f" (so that {wrong} verdicts are rounding)" if wrong else ""
        if total["failed"]:
            said += f"; {total['failed']:,} runs failed"
        return said + "."

    def to_json(self) -> dict[str, Any]:
        return {
            "model": self.model,
            "dataset": self.dataset,
            "test": self.test,
            "table": _records(self.table()),
            "pairs": [dict(vars(row)) for row in self.rows],
        }

    def plot(self) -> Plot:
        """The pairs told apart by category, the mean over seeds, below what there are and what the class can tell."""
        from graphlab.analysis.expressiveness.bars import plot_discrimination

        return plot_discrimination(self)

    def __repr__(self) -> str:
        return f"{self.text}\n\n{self.brief().to_string(index=False)}"

    def _repr_html_(self) -> str:
        from graphlab.experiment.views import table_html

        table: Any = self.brief()
        lines = table.astype(object).itertuples(index=False)
        return table_html(self.text, list(table.columns), ([str(cell) for cell in line] for line in lines))


def _records(table: Any) -> list[dict[str, Any]]:
    return table.astype(object).to_dict(orient="records")


def discriminate(
    model: str,
    dataset: str | Dataset = "brec",
    *,
    pairs: str | Iterable[int] = "all",
    seeds: int | str | Sequence[int] = 1,
    store: str | os.PathLike[str] | None = None,
    device: str = "auto",
    workers: int = 1,
    progress: bool | None = None,
    **overrides: Any,
) -> Discrimination:
    """Train a model afresh on each pair of graphs, and say which pairs it tells apart. Wang and Zhang, ICML 2024.

    dataset    one of level "pair": brec, sr25, hard-pairs, graph8c, ...
    pairs      "all"; numbers, ranges and categories by commas, as "0:60,73,CFI"; or a list of numbers
    overrides  settings that differ from the protocol, as `hidden_dim=16` or `**{"training.epochs": 40}`
    others     as in `gl.run`

    A pair and seed is a run: those that the store has are not repeated, and workers share the rest. Raises InputError
    for pairs that are not there, IncompatibleError for a data set without pairs or a model that takes no graphs.
    """
    data, ends, categories = find_pairs(dataset, store)
    require_count("workers", workers, "one worker is this process alone")
    if {"pair", "task.pair"} & overrides.keys():
        raise ConfigError("task.pair is not a setting here: every pair has runs of its own", hint="say pairs=[3]")
    which = parse_pairs(pairs, categories)
    plan = plan_on(data, model, overrides)
    plans = [replace(plan, task_config=plan.task_config.model_copy(update={"pair": pair})) for pair in which]
    found = run_plans(plans, parse_seeds(seeds), Store(store), device=device, workers=workers, progress=progress)
    test = class_of_model(plan.model.cls, plan.model_config)
    separable = separable_pairs(data, ends[list(which)], test) if test else [None] * len(which)
    rows = [
        _outcome(record, pair, categories[pair], can)
        for pair, can, runs in zip(which, separable, found, strict=True)
        for record in runs.records
    ]
    return Discrimination(plan.model.name, data.name, test, tuple(rows))


def find_pairs(
    dataset: str | Dataset, store: str | os.PathLike[str] | None = None
) -> tuple[Dataset, np.ndarray, Sequence[str]]:
    """A data set of pairs of graphs, its pairs `[n, 2]`, and the category of each, TOTAL where it has none.

    Raises IncompatibleError for a data set of anything else.
    """
    data = find_data(dataset, store)
    if data.spec.items != "graph-pairs":
        raise IncompatibleError(
            f"{data.name} has no pairs of graphs to be told apart: its items are {find_items(data.spec.items).plural}",
            hint=f"choose a data set of {PairDiscrimination.name}; graphlab datasets lists them",
        )
    ends = PairDiscrimination.pairs(data.split().test).numpy()
    return data, ends, data.labels.get("categories") or (TOTAL,) * len(ends)


def separable_pairs(dataset: Dataset, pairs: np.ndarray, test: str) -> list[bool]:
    """Whether a test tells apart the graphs of each pair `[n, 2]`."""
    graphs, places = np.unique(pairs, return_inverse=True)
    arrays = as_arrays([dataset.graphs[g] for g in graphs.tolist()])
    return partition(test, arrays).separates(places.reshape(-1, 2)).tolist()


def _outcome(record: RunRecord, pair: int, category: str, separable: bool | None) -> PairOutcome:
    test = record.result.test
    flags = [*RULES, *(f"{rule}_reliable" for rule in RULES), "degenerate"]
    return PairOutcome(
        pair=pair,
        category=category,
        seed=record.seed,
        status=record.result.status,
        **{name: bool(test[name]) if name in test else None for name in flags},  # pyright: ignore[reportArgumentType]
        statistic=test.get("statistic"),
        separable=separable,
        epochs=record.result.epochs,
        seconds=record.seconds,
        run=record.id,
    )
