"""The report of an experiment: one HTML file that needs nothing else."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from html import escape
from pathlib import Path

from graphlab.analysis.page import page
from graphlab.analysis.plots import LARGEST_DRAWN, plot_comparison, plot_predictions
from graphlab.comparison.compare import Row
from graphlab.comparison.configurations import Configuration, configurations
from graphlab.comparison.paired import Group, contrasts
from graphlab.comparison.recipe import settings_of
from graphlab.core.errors import InputError
from graphlab.core.files import write_text
from graphlab.core.plot import Plot
from graphlab.data.load import load
from graphlab.experiment.figures import label_of, plot_curves
from graphlab.experiment.reproduce import Comparison
from graphlab.experiment.restore import predictions
from graphlab.experiment.runs import Runs
from graphlab.experiment.views import claims_html, contrasts_html, leaderboard_html, table_html
from graphlab.records.record import RunRecord

VERDICTS = (
    "A difference is ours less the published one, with its 95 % interval and the margin of agreement: two published "
    "standard deviations, else 2 % of the published value. agrees: the interval lies within the margin; above, below: "
    "it does not, and excludes zero; undecided: neither."
)
PAIRS = (
    "Paired t-tests over seeds where data, split and seeds are shared, else Welch's t-test. p-values are corrected for "
    "all pairs by Holm's method and decide at 0.05; intervals are of each pair on its own."
)
SETTINGS = (
    "Every setting, beside the recipe of the model for the data set. departs: this experiment changed it; ours: the "
    "publication does not state the recipe's value."
)


def write_report(comparison: Comparison, path: str | os.PathLike[str]) -> Path:
    """Write what an experiment came to as one self-contained page, and give its path.

    Raises InputError if the file cannot be written.
    """
    file = Path(path)
    text = page(escape(comparison.experiment.title), "\n".join(_sections(comparison)))
    try:
        write_text(file, text)
    except OSError as error:
        raise InputError(f"cannot write {file}: {error.strerror or error}", hint="name another file") from error
    return file


def _sections(comparison: Comparison) -> Iterator[str]:
    experiment = comparison.experiment
    yield f"<h1>{escape(experiment.title)}</h1>"
    if experiment.description:
        yield f"<p>{escape(experiment.description.strip())}</p>"
    yield f'<p class="summary{"" if comparison.ok else " failed"}" role="status">{escape(comparison.summary())}</p>'
    if comparison.claims:
        yield from _claims(comparison)
    yield "<h2>Results</h2>"
    yield '<p class="soft">Values are fractions on test, scored once, at the epoch that validation selected.</p>'
    for name, rows in comparison.leaderboards.items():
        yield from _dataset(comparison, name, rows)
    if comparison.refusals:
        yield from _refusals(comparison)
    if comparison.failed:
        yield from failures(comparison.failed)
    yield from _notices(comparison.records)
    if comparison.runs:
        yield from _settings(comparison)
    yield from _reproduction(comparison)


def _claims(comparison: Comparison) -> Iterator[str]:
    yield "<h2>Claims</h2>"
    yield wide(claims_html(comparison.claims))


def _dataset(comparison: Comparison, name: str, rows: Sequence[Row]) -> Iterator[str]:
    records = [record for record in comparison.records if record.spec.dataset == name]
    known, metric = comparison.records, records[0].result.metric
    yield f"<h3>{escape(name)}</h3>"
    yield wide(leaderboard_html(name, rows))
    if any(row.interval for row in rows):
        yield f'<p class="soft">{escape(VERDICTS)}</p>'
    yield from _contrasts(configurations(records, known), metric)
    yield figure_html(
        plot_comparison(rows, metric),
        f"Test {metric} on {name} by model",
        "Each faint dot is a seed; bars are 95 % intervals of the mean by Student's t.",
    )
    yield figure_html(
        plot_curves({label_of(c.spec.model, c.settings): c.records for c in configurations(records, known)}, metric),
        f"Validation {metric} by epoch on {name}, a line a configuration",
        "Thick: mean over seeds, until the first of them stops. Thin: each seed.",
    )
    if shown := _most_accurate(records):
        yield from _picture(shown, comparison.store)


def _contrasts(groups: Sequence[Configuration], metric: str) -> Iterator[str]:
    """Every pair of configurations on a data set."""
    if len(groups) < 2:
        return
    labels = [label_of(group.spec.model, group.settings).replace("\n", " ") for group in groups]
    tested = contrasts([Group(label, group.records) for label, group in zip(labels, groups, strict=True)], metric)
    yield wide(contrasts_html(tested, f"Our configurations against each other: {metric} on test"))
    yield f'<p class="soft">{escape(PAIRS)}</p>'


def _settings(comparison: Comparison) -> Iterator[str]:
    """All settings of each configuration, what departs from its recipe marked."""
    yield "<h2>Settings</h2>"
    yield f'<p class="soft">{escape(SETTINGS)}</p>'
    for runs in comparison.runs:
        yield settings_html(runs)


def settings_html(runs: Runs) -> str:
    """All settings of a configuration, folded under those that depart from its recipe."""
    rows = settings_of(runs.records[0].spec)
    changed = [row for row in rows if "departs" in row.mark]
    lines = [
        (
            f"<code>{escape(row.name)}</code>",
            escape(str(row.value)),
            escape(str(row.recipe)),
            f'<span class="{"departs" if "departs" in row.mark else "soft"}">{row.mark}</span>',
        )
        for row in rows
    ]
    title = f"{runs.title} on {runs.dataset}"
    settings = ", ".join(f"{row.name}={row.value}" for row in changed) or "as the recipe has it"
    table = wide(table_html(f"Settings of {title}", ["setting", "value", "recipe", ""], lines))
    return f"<details><summary>{escape(title)}: {escape(settings)}</summary>{table}</details>"


def _notices(records: Iterable[RunRecord]) -> Iterator[str]:
    """What was legal but suspicious, with the runs that it is about."""
    about: dict[tuple[str, str, str], list[str]] = {}
    for record in records:
        for notice in record.notices:
            about.setdefault((record.spec.title, record.spec.dataset, notice), []).append(str(record.seed))
    if not about:
        return
    lines = [
        (escape(model), escape(name), ", ".join(seeds), long_text(note)) for (model, name, note), seeds in about.items()
    ]
    yield "<h2>Notices</h2>"
    yield wide(table_html("What is legal but suspicious", ["model", "data set", "seeds", "notice"], lines))


def _picture(record: RunRecord, store: Path) -> Iterator[str]:
    """The graph with a run's predictions, if it is a labelled graph small enough to draw."""
    dataset = load(record.spec.dataset, store=store)
    if dataset.task != "node-classification" or int(dataset.graph.num_nodes or 0) > LARGEST_DRAWN:
        return
    figure = plot_predictions(dataset, predictions(record, store), dataset.split(record.seed))
    title = f"{record.spec.title} on {record.spec.dataset}, seed {record.seed}"
    yield figure_html(figure, f"The graph with the classes that {title} predicts", f"Predictions of {title}.")


def _refusals(comparison: Comparison) -> Iterator[str]:
    yield "<h2>Refused combinations</h2>"
    yield "<p>These do not fit together, which was said before anything ran.</p>"
    for refusal in comparison.refusals:
        yield f"<h3>{escape(refusal.model)} on {escape(refusal.dataset)}</h3>"
        hint = f'<p class="soft">{escape(refusal.hint)}</p>' if refusal.hint else ""
        yield f"<blockquote><p>{escape(refusal.message)}</p>{hint}</blockquote>"


def failures(records: Iterable[RunRecord]) -> Iterator[str]:
    lines = [
        (
            escape(r.spec.title),
            escape(r.spec.dataset),
            str(r.seed),
            long_text((r.result.error or {}).get("message", "")),
        )
        for r in records
    ]
    yield "<h2>Failed runs</h2>"
    yield wide(table_html("Runs that failed; they are in no mean", ["model", "data set", "seed", "error"], lines))


def _reproduction(comparison: Comparison) -> Iterator[str]:
    yield "<h2>How to reproduce</h2>"
    yield f"<pre><code>graphlab reproduce {escape(comparison.path.as_posix())}</code></pre>"
    if comparison.text:
        yield "<details><summary>The experiment file</summary>"
        yield f"<pre><code>{escape(comparison.text)}</code></pre></details>"
    for text, count in environments(comparison.records):
        yield f'<p>{escape(text)} <span class="soft">({count} runs)</span></p>'
    lines = [
        (
            escape(runs.title),
            escape(runs.dataset),
            " ".join(f"<code>{escape(record.id)}</code>" for record in runs.records),
            f"{sum(record.seconds for record in runs.records):.1f}",
        )
        for runs in comparison.runs
    ]
    headings = ["model", "data set", "run ids, by seed", "seconds"]
    yield wide(table_html("Every run and its folder in the store", headings, lines))


def environments(records: Iterable[RunRecord]) -> list[tuple[str, int]]:
    """What the runs ran on, in a line each, with how many ran on it."""
    counts: dict[str, int] = {}
    for record in records:
        found = record.environment
        packages = ", ".join(f"{name} {version}" for name, version in found.get("packages", {}).items())
        commit = (found.get("git") or {}).get("commit")
        parts = [
            f"Python {found.get('python', 'unknown')}",
            packages,
            f"commit {commit[:12]}{' with changes' if found['git'].get('dirty') else ''}" if commit else "",
            f"{found.get('processor', 'unknown processor')}, {found.get('threads', '?')} threads",
            f"on {found['accelerator']}" if str(found.get("device", "cpu")).startswith("cuda") else "",
        ]
        text = "; ".join(part for part in parts if part)
        counts[text] = counts.get(text, 0) + 1
    return sorted(counts.items(), key=lambda item: -item[1])


def _most_accurate(records: Sequence[RunRecord]) -> RunRecord | None:
    """The finished run that validation likes best; the first of equals."""
    finished = [r for r in records if r.result.status == "finished" and r.result.metric in r.result.validation]
    sign = -1 if finished and finished[0].result.direction == "min" else 1
    return max(finished, key=lambda r: sign * r.result.validation[r.result.metric], default=None)


def figure_html(figure: Plot, alternative: str, caption: str) -> str:
    image = f'<img src="{figure.data_uri()}" alt="{escape(alternative)}">'
    return f"<figure>{image}<figcaption>{escape(caption)}</figcaption></figure>"


def long_text(text: str) -> str:
    return f'<span class="long">{escape(text)}</span>'


def wide(table: str) -> str:
    return f'<div class="wide" tabindex="0">{table}</div>'
