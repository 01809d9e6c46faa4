"""Colours, lines and the learning curves."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from graphlab.comparison.rows import said
from graphlab.core.plot import Plot
from graphlab.records.record import RunRecord

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""Okabe and Ito 2008, told apart by people with any of the common colour blindnesses."""

DASHES = ("solid", "dashed", "dashdot", "dotted")
GREY = "#6e6e6e"

LONGEST_LINE = 36
"""Letters of a line of settings."""

LINE = 0.17
"""Inches from one line of a label or a legend to the next."""


def style_of(index: int) -> dict[str, Any]:
    """Colour and dashes of the n-th model; the dashes change once the colours are used up."""
    return {"color": COLOURS[index % len(COLOURS)], "linestyle": DASHES[index // len(COLOURS) % len(DASHES)]}


def label_of(model: str, settings: Mapping[str, Any]) -> str:
    """A model and, below it, what sets its configuration apart."""
    return "\n".join([model, *textwrap.wrap(said(settings), LONGEST_LINE)])


def learning_curves(records: Iterable[RunRecord], metric: str | None = None) -> Plot:
    """Validation metric by epoch: each model's mean over seeds, and its seeds faintly; see `plot_curves`."""
    groups: dict[str, list[RunRecord]] = {}
    for record in records:
        groups.setdefault(record.spec.title, []).append(record)
    return plot_curves(groups, metric)


def plot_curves(groups: Mapping[str, Sequence[RunRecord]], metric: str | None = None) -> Plot:
    """Validation metric by epoch: the mean over the runs of each group, under its label, and the runs faintly.

    The mean ends where the first run stops. What does not train, or is evaluated once, is a dotted level. `metric` is
    the selecting one unless given.
    """
    ended = {label: [r for r in group if r.result.status != "unfinished"] for label, group in groups.items()}
    ended = {label: group for label, group in ended.items() if group}
    figure = Plot(height=max(3.6, 0.4 + LINE * sum(label.count("\n") + 1 for label in ended)))
    axes = figure.panel()
    name = metric or next((group[0].result.metric for group in ended.values()), "metric")
    for index, (model, group) in enumerate(ended.items()):
        style = style_of(index)
        curves = [list(_points(record, name)) for record in group]
        trained = [curve for curve in curves if len(curve) > 1]
        for curve in trained:
            axes.plot(*zip(*curve, strict=True), **style, alpha=0.25, linewidth=0.8)
        if trained:
            axes.plot(*zip(*_mean(trained), strict=True), **style, linewidth=2, label=model)
        elif levels := [r.result.validation[name] for r in group if name in r.result.validation]:
            trained_once = any(record.curve for record in group)
            label = f"{model} (evaluated once)" if trained_once else f"{model} (not trained)"
            axes.axhline(sum(levels) / len(levels), color=style["color"], linestyle=":", label=label)
    axes.set_xlabel("epoch")
    axes.set_ylabel(f"validation {name}")
    if axes.get_legend_handles_labels()[0]:
        figure.legend(loc="outside right upper", frameon=False, fontsize=9)
    return figure


def _points(record: RunRecord, metric: str) -> Iterator[tuple[float, float]]:
    """Epochs and values, without that which ended a diverged run."""
    key = f"validation_{metric}"
    return ((row["epoch"], row[key]) for row in record.curve if math.isfinite(row.get(key, math.nan)))


def _mean(curves: list[list[tuple[float, float]]]) -> list[tuple[float, float]]:
    """The mean curve over the epochs that every seed was evaluated at."""
    by_epoch = [dict(curve) for curve in curves]
    shared = sorted(set.intersection(*(set(curve) for curve in by_epoch)))
    return [(epoch, sum(curve[epoch] for curve in by_epoch) / len(by_epoch)) for epoch in shared]
