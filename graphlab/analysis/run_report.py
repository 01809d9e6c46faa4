"""The report of a run: one HTML file that needs nothing else, about all seeds of its configuration.

Curves, settings beside the recipe, and of the predictions on test what their type allows: confusion and calibration of
classes, the errors of values, scores of links, ranks by relation; groups by class and by degree; every seed.

References:
    Guo et al., On Calibration of Modern Neural Networks, ICML 2017, for the expected calibration error.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from graphlab.analysis.outcomes import (
    BINS,
    Reliability,
    confusion,
    groups_by_class,
    groups_by_degree,
    groups_by_relation,
    plot_confusion,
    plot_reliability,
    plot_values,
    reliability,
)
from graphlab.analysis.page import page
from graphlab.analysis.report import environments, failures, figure_html, settings_html, wide
from graphlab.comparison.configurations import configurations
from graphlab.core.errors import InputError, StoreError
from graphlab.core.files import write_text
from graphlab.data.dataset import Dataset
from graphlab.experiment.figures import plot_curves
from graphlab.experiment.restore import find_record, restore
from graphlab.experiment.runs import Runs
from graphlab.experiment.views import summary_text, table_html
from graphlab.records.record import RunRecord
from graphlab.records.store import Store
from graphlab.task.base import Labelled
from graphlab.task.kinds.kg_completion import KGCompletion


class Outcome(NamedTuple):
    """What a trained model says of the test part: predictions beside the truth, or rows of ranks; one of them."""

    record: RunRecord
    labelled: Labelled | None
    ranks: np.ndarray | None


def report(
    run: RunRecord | Runs | str, path: str | os.PathLike[str], store: str | os.PathLike[str] | None = None
) -> Path:
    """Write the report of a run and of the other seeds of its configuration, and give its path.

    Args:
        run: A record, `Runs`, a run's id or its beginning, or "latest".
        path: The HTML file.
        store: Where the runs are.

    Raises:
        UnknownNameError, InputError: There is no such run, or the file cannot be written.
        StoreError: No seed has finished, or the data are no longer what they were.
    """
    runs = _all_seeds(run, store)
    place = runs.store if store is None else store
    finished = [record for record in runs.records if record.result.status == "finished"]
    if not finished:
        raise StoreError(f"no run of {runs.title} on {runs.dataset} has finished", hint="see graphlab runs for why")
    outcomes, dataset = [], None
    for record in finished:
        trained = restore(record, place)
        dataset = trained.dataset
        with torch.no_grad():
            rows = trained.task.predict(trained.learner, "test")
        ranks = rows.numpy(force=True) if isinstance(trained.task, KGCompletion) else None
        outcomes.append(Outcome(record, trained.task.labelled(rows, "test"), ranks))
    assert dataset is not None
    title = f"{runs.title} on {runs.dataset}"
    file = Path(path)
    try:
        write_text(file, page(escape(title), "\n".join(_sections(runs, title, dataset, outcomes))))
    except OSError as error:
        raise InputError(f"cannot write {file}: {error.strerror or error}", hint="name another file") from error
    return file


def _all_seeds(run: RunRecord | Runs | str, store: str | os.PathLike[str] | None) -> Runs:
    """The runs of a configuration in the store."""
    if isinstance(run, Runs):
        return run
    record, place = find_record(run, store), Store(store)
    records = list(place.records(trials=record.spec.kind != "run"))
    groups = [group.records for group in configurations(records, records)]
    group = next((members for members in groups if any(each.id == record.id for each in members)), (record,))
    return Runs(tuple(sorted(group, key=lambda each: each.seed)), place.path)


def _sections(runs: Runs, title: str, dataset: Dataset, outcomes: Sequence[Outcome]) -> Iterator[str]:
    failed = [record for record in runs.records if record.result.status == "failed"]
    yield f"<h1>{escape(title)}</h1>"
    yield f'<p class="summary{" failed" if failed else ""}" role="status">{escape(summary_text(runs))}</p>'
    for notice in runs.notices:
        yield f'<p class="soft">Notice: {escape(notice)}</p>'
    yield "<h2>Seeds</h2>"
    yield wide(_seeds(runs))
    if failed:
        yield from failures(failed)
    yield "<h2>Learning curves</h2>"
    caption = "Thick: mean over seeds, until the first of them stops. Thin: each seed."
    yield figure_html(plot_curves({title: runs.records}), f"Validation {runs.metric} by epoch", caption)
    yield from _predictions(dataset, outcomes)
    yield "<h2>Settings</h2>"
    yield settings_html(runs)
    yield "<h2>What it ran on</h2>"
    for text, count in environments(runs.records):
        yield f'<p>{escape(text)} <span class="soft">({count} runs)</span></p>'


def _seeds(runs: Runs) -> str:
    metrics = list(dict.fromkeys(name for record in runs.records for name in record.result.test))
    lines = [
        [
            str(record.seed),
            record.result.status,
            "" if record.result.best_epoch is None else str(record.result.best_epoch),
            _number(record.result.validation.get(runs.metric)),
            *(_number(record.result.test.get(name)) for name in metrics),
            f"{record.seconds:.1f}",
            f"<code>{escape(record.id)}</code>",
        ]
        for record in runs.records
    ]
    headings = ["seed", "status", "best epoch", f"validation {runs.metric}", *(f"test {name}" for name in metrics)]
    return table_html(
        "Test is scored once, at the epoch that validation selected", [*headings, "seconds", "run"], lines
    )


def _predictions(dataset: Dataset, outcomes: Sequence[Outcome]) -> Iterator[str]:
    yield "<h2>Predictions on test</h2>"
    labelled = [outcome.labelled for outcome in outcomes if outcome.labelled is not None]
    ranks = [outcome.ranks for outcome in outcomes if outcome.ranks is not None]
    kind = dataset.spec.output.type
    if kind == "mask" and labelled and labelled[0].rows.dim() == 2:
        kind = "class"  # a task about masks may ask for several classes
    if ranks:
        yield from _ranks(dataset, outcomes)
    elif not labelled or not len(labelled[0].truth):
        yield "<p>The task has no truth of single items to set them beside.</p>"
    elif kind == "class":
        yield from _classes(dataset, labelled)
    elif kind == "value":
        caption = "Each dot is a value of the test part, of all seeds; on the line they are equal."
        yield figure_html(plot_values(labelled), "Predicted by true values", caption)
    else:
        yield from _scores(dataset, labelled)


def _classes(dataset: Dataset, labelled: Sequence[Labelled]) -> Iterator[str]:
    names = _class_names(dataset, labelled[0].rows.shape[1])
    counts = confusion(labelled, len(names))
    text = "Rows are true classes, columns predicted ones; counts of all seeds, coloured by their share of the row."
    yield figure_html(plot_confusion(counts, names), "Confusion of classes", text)
    lines = [
        [escape(row.name), f"{row.count:,}", _number(row.precision), _number(row.recall), _number(row.f1)]
        for row in groups_by_class(counts, names)
    ]
    headings = ["class", "items", "precision", "recall", "F1"]
    yield wide(table_html("By class, the seeds together", headings, lines))
    probabilities = [each.rows.float().softmax(1).max(1) for each in labelled]
    confidence = torch.cat([each.values for each in probabilities])
    hit = torch.cat([likeliest.indices == each.truth for likeliest, each in zip(probabilities, labelled, strict=True)])
    yield from _calibration(reliability(confidence, hit), "confidence", "accuracy")
    if dataset.spec.items == "nodes":
        lines = [
            [escape(row.name), f"{row.count:,}", _number(row.accuracy)] for row in groups_by_degree(dataset, labelled)
        ]
        yield wide(table_html("By degree, the seeds together", ["degree", "items", "accuracy"], lines))


def _scores(dataset: Dataset, labelled: Sequence[Labelled]) -> Iterator[str]:
    probability = torch.cat([each.rows.float().sigmoid() for each in labelled])
    positive = torch.cat([each.truth for each in labelled])
    yield from _calibration(reliability(probability, positive), "predicted probability", "share of what is so")
    if dataset.spec.items == "node-pairs":
        yield (
            "<p>How well each node's links are ranked, and what goes with it: "
            "<code>graphlab analyze topology RUN --report FILE</code>.</p>"
        )


def _calibration(values: Reliability, of: str, beside: str) -> Iterator[str]:
    text = (
        f"Of {BINS} bins of equal width; on the line a model is calibrated. Bars are the share of items in a bin. The "
        f"expected calibration error is {values.error:.3f} (Guo et al., ICML 2017)."
    )
    yield figure_html(plot_reliability(values, of, beside), f"{beside} by {of}", text)


def _ranks(dataset: Dataset, outcomes: Sequence[Outcome]) -> Iterator[str]:
    ranks = [(each.record.seed, each.ranks) for each in outcomes if each.ranks is not None]
    lines = [
        [escape(row.name), f"{row.count:,}", _number(row.mrr_tail), _number(row.mrr_head), _number(row.hits)]
        for row in groups_by_relation(dataset, ranks)
    ]
    headings = ["relation", "test triples", "MRR of tails", "MRR of heads", "hits@10 of both"]
    yield wide(table_html("By relation, the most frequent first, means over seeds", headings, lines))


def _class_names(dataset: Dataset, num_classes: int) -> list[str]:
    names = dataset.labels.get("classes")
    return [str(name) for name in names] if names else [f"class {c}" for c in range(num_classes)]


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"
