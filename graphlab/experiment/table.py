"""`gl.table`: the table of a paper, models by data sets."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from graphlab.comparison.export import markdown_text, mean_std
from graphlab.comparison.paired import ALPHA, Group, contrasts
from graphlab.core.citation import Citation
from graphlab.core.errors import ConfigError, InputError, require_count
from graphlab.core.latex import bibliography, latex_text
from graphlab.core.seeds import parse_seeds
from graphlab.data.dataset import Dataset
from graphlab.experiment.plan import Plan, find_data, plan_on
from graphlab.experiment.run import run_plans
from graphlab.records.record import RunRecord
from graphlab.records.statistics import Summary, summarise
from graphlab.records.store import Store

if TYPE_CHECKING:
    import pandas as pd

Models = str | Iterable[str] | Mapping[str, Mapping[str, Any]]

BOLD_RULE = (
    f"the best, and what the paired t-test over seeds, corrected by Holm's method, does not find worse at {ALPHA:g}"
)


@dataclass(frozen=True)
class Column:
    """A data set, with the metric on test that its task selects by. direction: max where higher is better, else min."""

    dataset: str
    metric: str
    direction: str
    citation: Citation = field(compare=False)


@dataclass(frozen=True)
class Cell:
    """The runs of a model on a data set.

    is_best  its mean is the best of the column
    is_bold  it is the best, or is not found to be worse
    """

    records: tuple[RunRecord, ...]
    summary: Summary
    is_best: bool = False
    is_bold: bool = False


@dataclass(frozen=True)
class ResultTable:
    """What `gl.table` gives. A row is a model, a column a data set; `cells` are by their names.

    percent  show fractions of which higher is better times 100; `df` and JSON have fractions all the same
    """

    models: tuple[str, ...]
    columns: tuple[Column, ...]
    cells: Mapping[tuple[str, str], Cell]
    citations: tuple[Citation, ...]
    percent: bool = False

    @property
    def failed(self) -> tuple[RunRecord, ...]:
        return tuple(r for cell in self.cells.values() for r in cell.records if r.result.status == "failed")

    @cached_property
    def df(self) -> pd.DataFrame:
        """Numbers: by model, and by data set the mean, sample standard deviation, n, failed seeds, and whether bold."""
        import pandas as pd

        values = {
            (column.dataset, name): [_statistic(self.cells[model, column.dataset], name) for model in self.models]
            for column in self.columns
            for name in ("mean", "std", "n", "failed", "bold")
        }
        return pd.DataFrame(values, index=pd.Index(self.models, name="model"))

    @property
    def caption(self) -> str:
        """What the table shows, in a line."""
        metrics = {column.metric for column in self.columns}
        what = f"{next(iter(metrics))} on test" if len(metrics) == 1 else "test"
        unit = " in percent" if self.percent and any(column.direction == "max" for column in self.columns) else ""
        runs = {cell.summary.n for cell in self.cells.values()}
        over = f" over {runs.pop()} seeds" if len(runs) == 1 and runs != {1} else " (seeds)"
        return f"{what}{unit}: mean ± sample standard deviation{over}. Bold: {BOLD_RULE}."

    def text(self, model: str, dataset: str) -> str:
        """A cell as it is shown: `0.815 ± 0.007`, with the number of seeds where it differs between cells or some
        failed; empty where there is no run."""
        cell = self.cells[model, dataset]
        column = next(column for column in self.columns if column.dataset == dataset)
        scale, decimals = (100, 1) if self.percent and column.direction == "max" else (1, 3)
        mean, std = (value and scale * value for value in (cell.summary.mean, cell.summary.std))
        counts = [str(cell.summary.n)] if len({other.summary.n for other in self.cells.values()}) > 1 else []
        counts += [f"{cell.summary.failed} failed"] if cell.summary.failed else []
        shown = mean_std(mean, std, decimals=decimals)
        return " ".join(part for part in (shown, f"({', '.join(counts)})" if counts and cell.records else "") if part)

    @property
    def headings(self) -> list[str]:
        """The data sets, with the metric where it is not one for all."""
        several = len({column.metric for column in self.columns}) > 1
        return [f"{column.dataset}, {column.metric}" if several else column.dataset for column in self.columns]

    def to_latex(self, caption: str | None = None, label: str | None = None) -> str:
        """A table of booktabs, by pandas' Styler. Names and captions are escaped and stay on one line."""
        import pandas as pd

        text = [[latex_text(self.text(model, c.dataset)) for c in self.columns] for model in self.models]
        headings = [latex_text(heading) for heading in self.headings]
        frame = pd.DataFrame(text, index=[latex_text(model) for model in self.models], columns=headings)
        bold = [[self.cells[model, c.dataset].is_bold for c in self.columns] for model in self.models]
        styles = pd.DataFrame(bold, index=frame.index, columns=frame.columns)
        styler = frame.style.apply(
            lambda _: styles.map(lambda is_bold: "textbf:--rwrap;" if is_bold else ""), axis=None
        )
        return styler.to_latex(
            hrules=True,
            column_format="l" + "c" * len(self.columns),
            position_float="centering",
            caption=latex_text(self.caption if caption is None else caption),
            label=label and " ".join(label.split()),
        )

    def to_markdown(self) -> str:
        """A table of Markdown, with its caption above."""
        lines = [["model", *self.headings], ["---"] * (1 + len(self.columns))]
        for model in self.models:
            cells = [(markdown_text(self.text(model, c.dataset)), self.cells[model, c.dataset]) for c in self.columns]
            lines.append([markdown_text(model), *(f"**{text}**" if cell.is_bold else text for text, cell in cells)])
        lines[0] = [markdown_text(heading) for heading in lines[0]]
        body = "\n".join(f"| {' | '.join(line)} |" for line in lines)
        return f"{markdown_text(self.caption)}\n\n{body}\n"

    def bibtex(self) -> str:
        """BibTeX entries of the models and data sets, each once, by key."""
        return bibliography(self.citations)

    def to_json(self) -> dict[str, Any]:
        """As `graphlab table --json` prints it."""
        return {
            "models": list(self.models),
            "datasets": [
                {"dataset": column.dataset, "metric": column.metric, "direction": column.direction}
                for column in self.columns
            ],
            "cells": [
                {"model": model, "dataset": dataset, "bold": cell.is_bold, **cell.summary.to_json()}
                for (model, dataset), cell in self.cells.items()
            ],
        }

    def __repr__(self) -> str:
        rows = [["", *self.headings]]
        for model in self.models:
            shown = [(self.text(model, c.dataset), self.cells[model, c.dataset].is_bold) for c in self.columns]
            rows.append([model, *(f"{text} *" if is_bold else text for text, is_bold in shown)])
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
        return "\n".join([*lines, "", self.caption.replace("Bold:", "*:")])

    def _repr_html_(self) -> str:
        from graphlab.experiment.views import result_table_html

        return result_table_html(self)


def table(
    models: Models,
    datasets: str | Dataset | Iterable[str | Dataset],
    *,
    seeds: int | str | Iterable[int] = 1,
    store: str | os.PathLike[str] | None = None,
    device: str = "auto",
    workers: int = 1,
    progress: bool | None = None,
    train: bool = True,
    percent: bool = False,
    **settings: Any,
) -> ResultTable:
    """Run models on data sets, each with the same seeds, and lay the results out as the table of a paper.

    Args:
        models: Names; or settings of each by its name, as `{"gcn": {"hidden_dim": 32}, "mlp": {}}`.
        datasets: Names, or loaded data sets.
        seeds: A count from 0, a range "3:8" or a list.
        store: Folder of runs; default `$GRAPHLAB_STORE`, else `./runs`. Runs that are there are not repeated.
        device: As in `gl.run`, as are `workers` and `progress`.
        workers: Processes that share the runs.
        progress: Show progress; default: where there is a terminal or a notebook.
        train: False reads what the store has and trains nothing.
        percent: Show accuracies and other fractions of which higher is better times 100.
        **settings: For every run, as in `gl.run`; those of a model by its name come first.

    Bold is the best of a column, and what the paired t-test over the seeds, corrected by Holm's method for the other
    models of the column, does not find worse. With one seed nothing is tested and the best alone is bold.

    Raises InputError for a combination that does not fit, before anything runs.
    """
    require_count("workers", workers, "one worker is this process alone")
    chosen = parse_seeds(seeds)
    own = _settings_by_model(models)
    named = _several("datasets", datasets, str | Dataset, '["karate", "planetoid/cora"]')
    loaded = [find_data(data, store) for data in named]
    if not own or not loaded:
        raise InputError("a table needs a model and a data set", hint='gl.table(["gcn", "mlp"], ["karate"], seeds=3)')
    plans = {(model, data.name): _plan(model, data, {**settings, **own[model]}) for model in own for data in loaded}
    names = {model: plans[model, loaded[0].name].title for model in own}
    for what, shown in (("model", list(names.values())), ("data set", [data.name for data in loaded])):
        if twice := [name for name in shown if shown.count(name) > 1]:
            raise ConfigError(f"the table has {what} {twice[0]} twice", hint="name it once")
    where = Store(store)
    if train:
        trained = run_plans(list(plans.values()), chosen, where, device=device, workers=workers, progress=progress)
        records = {place: runs.records for place, runs in zip(plans, trained, strict=True)}
    else:
        records = {place: _stored(plan, chosen, where) for place, plan in plans.items()}
    columns = tuple(_column(plans[next(iter(own)), data.name], data) for data in loaded)
    cells = {(names[model], dataset): runs for (model, dataset), runs in records.items()}
    citations = [plan.model.cls.citation for plan in plans.values() if hasattr(plan.model.cls, "citation")]
    return make_table(tuple(names.values()), columns, cells, citations, percent)


def make_table(
    models: Sequence[str],
    columns: Sequence[Column],
    records: Mapping[tuple[str, str], Sequence[RunRecord]],
    citations: Iterable[Citation] = (),
    percent: bool = False,
) -> ResultTable:
    """The table of runs by model and data set."""
    cells: dict[tuple[str, str], Cell] = {}
    for column in columns:
        groups = {model: tuple(records[model, column.dataset]) for model in models}
        for model, cell in _marked(groups, column).items():
            cells[model, column.dataset] = cell
    cited = dict.fromkeys([*citations, *(column.citation for column in columns)])
    return ResultTable(tuple(models), tuple(columns), cells, tuple(cited), percent)


def _marked(groups: Mapping[str, tuple[RunRecord, ...]], column: Column) -> dict[str, Cell]:
    """The cells of a column, with the best and what is not found worse."""
    summaries = {model: summarise(records) for model, records in groups.items()}
    means = {model: summary.mean for model, summary in summaries.items() if summary.mean is not None}
    if not means:
        return {model: Cell(groups[model], summaries[model]) for model in groups}
    best_mean = (min if column.direction == "min" else max)(means.values())
    best = next(model for model, mean in means.items() if mean == best_mean)
    others = [model for model in means if model != best]
    tested = contrasts(
        [Group(model, groups[model]) for model in (best, *others)],
        column.metric,
        [(0, place) for place in range(1, 1 + len(others))],
    )
    ties = {pair.second for pair in tested if pair.conclusion == "undecided"}
    ties |= {model for model, mean in means.items() if mean == best_mean}
    return {
        model: Cell(records, summaries[model], means.get(model) == best_mean, model in ties)
        for model, records in groups.items()
    }


def _several(what: str, values: Any, single: Any, example: str) -> list[Any]:
    """What a caller names, one or several."""
    if isinstance(values, single):
        return [values]
    if not isinstance(values, Iterable):
        raise InputError(f"{what} cannot be {values!r:.60}", hint=f"name them: {example}")
    return list(values)


def _settings_by_model(models: Models) -> dict[str, Mapping[str, Any]]:
    if isinstance(models, Mapping):
        for name, settings in models.items():
            if not isinstance(settings, Mapping):
                raise InputError(
                    f"the settings of {name} cannot be {settings!r:.60}", hint='write {"gcn": {"hidden_dim": 32}}'
                )
        return dict(models)
    named = _several("models", models, str | type, '["gcn", "mlp"]')
    if twice := [name for name in named if named.count(name) > 1]:
        raise ConfigError(f"the table has model {twice[0]} twice", hint="name it once")
    return {name: {} for name in named}


def _plan(model: str, data: Dataset, settings: Mapping[str, Any]) -> Plan:
    try:
        return plan_on(data, model, settings)
    except InputError as error:
        error.message = f"{model} on {data.name}: {error.message}"
        raise


def _stored(plan: Plan, seeds: Sequence[int], store: Store) -> tuple[RunRecord, ...]:
    stored = (store.folder(plan.spec(seed)).read_finished() for seed in seeds)
    return tuple(record for record in stored if record is not None)


def _column(plan: Plan, data: Dataset) -> Column:
    return Column(data.name, *plan.selection, data.card.citation)


def _statistic(cell: Cell, name: str) -> Any:
    return cell.is_bold if name == "bold" else getattr(cell.summary, name)
