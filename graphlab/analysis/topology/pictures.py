"""Pictures of a study of links: distributions, ranking against concentration, and correlations as a heat map."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from graphlab.analysis.topology.concentration import Concentration
from graphlab.analysis.topology.correlation import binned
from graphlab.analysis.topology.measures import MEASURES
from graphlab.core.errors import InputError
from graphlab.core.plot import Plot
from graphlab.experiment.figures import COLOURS, GREY

if TYPE_CHECKING:
    from graphlab.analysis.topology.study import LinkStudy

BINS = 20
PART_COLOURS = {"train": COLOURS[0], "validation": COLOURS[1], "test": COLOURS[2]}
MOST_POINTS = 4000
"""Points of a cloud beyond which a sample of them is drawn."""


def plot_distributions(study: LinkStudy) -> Plot:
    """Of each part, the share of its nodes by their concentration."""
    figure = Plot(7.0, 3.4)
    axes = figure.panel()
    values = {
        part: np.concatenate([_counted(of_seed.concentration[part]) for of_seed in study.seeds])
        for part in PART_COLOURS
    }
    top = max([1e-9, *(float(each.max()) for each in values.values() if len(each))])
    edges = np.linspace(0, top, BINS + 1)
    for part, each in values.items():
        if len(each):
            share = np.histogram(each, edges)[0] / len(each)
            axes.stairs(share, edges, color=PART_COLOURS[part], linewidth=1.8, label=f"{part}, mean {each.mean():.3f}")
    axes.set_xlabel(f"topological concentration, K = {study.hops}")
    axes.set_ylabel("share of nodes")
    axes.set_title(study.dataset, fontsize=10, loc="left")
    axes.set_ylim(bottom=0)
    if any(len(each) for each in values.values()):
        axes.legend(frameon=False, fontsize=9)
    return figure


def plot_scatter(study: LinkStudy, measure: str = "tc_test", metric: str | None = None) -> Plot:
    """A metric of each node, by default NDCG, against a measure, with means over bins of equally many nodes.

    Nodes of all seeds are in one cloud.

    Raises:
        InputError: No model was asked, or there is no such measure or metric.
    """
    columns, metric = study.nodes().dropna(), metric or f"ndcg@{study.cut}"
    for name in (measure, metric):
        if name not in columns:
            known = ", ".join(map(str, columns.columns[2:]))
            raise InputError(f"the study has no {name!r:.40}", hint=f"it has {known}")
    x, y = columns[measure].to_numpy(), columns[metric].to_numpy()
    figure = Plot(6.4, 3.8)
    axes = figure.panel()
    shown = np.random.default_rng(0).permutation(len(x))[:MOST_POINTS]
    axes.scatter(x[shown], y[shown], s=8, color=GREY, alpha=0.35, linewidths=0, label="a node")
    if len(x):
        curve = binned(x, y)
        centre = [x[(x >= low) & (x <= high)].mean() for low, high in zip(curve.low, curve.high, strict=True)]
        axes.errorbar(
            centre, curve.mean, 1.96 * curve.error, color=COLOURS[2], marker="o", markersize=5, linewidth=1.8,
            capsize=2, label="mean of about a tenth of the nodes, 95 % interval",
        )  # fmt: skip
    axes.set_xlabel(MEASURES.get(measure, measure) + (f", K = {study.hops}" if measure.startswith("tc") else ""))
    axes.set_ylabel(metric)
    axes.set_title(f"{study.model} on {study.dataset}", fontsize=10, loc="left")
    axes.legend(frameon=False, fontsize=9, loc="upper center", bbox_to_anchor=(0.5, -0.16), ncols=2)
    return figure


def plot_correlations(study: LinkStudy) -> Plot:
    """Measures by metrics, the correlation as colour and number; a small o where its interval has zero."""
    table = study.correlations()
    names = list(dict.fromkeys(name for name, _ in table))
    metrics = list(dict.fromkeys(metric for _, metric in table))
    shown = [metric for metric in metrics if not metric.endswith(("@1", "@20", "@50"))] or metrics
    values = np.array([[table[name, metric].value for metric in shown] for name in names], dtype=float)
    figure = Plot(1.9 + 0.52 * len(shown), 1.3 + 0.42 * len(names))
    axes = figure.panel()
    image = axes.imshow(values, cmap="RdBu", vmin=-1, vmax=1, aspect="auto")
    for row, name in enumerate(names):
        for column, metric in enumerate(shown):
            each = table[name, metric]
            if each.value is None:
                continue
            crosses = each.low is not None and each.high is not None and each.low <= 0 <= each.high
            text = f"{each.value:.2f}".replace("0.", ".") + (" o" if crosses else "")
            ink = "white" if abs(each.value) > 0.6 else "black"
            axes.text(column, row, text, ha="center", va="center", fontsize=7.5, color=ink)
    axes.set_xticks(range(len(shown)), shown, rotation=45, ha="right", fontsize=8)
    axes.set_yticks(range(len(names)), [MEASURES[name] for name in names], fontsize=8)
    axes.set_title(f"{study.model} on {study.dataset}", fontsize=10, loc="left")
    figure.colorbar(image, ax=axes, shrink=0.8)
    return figure


def _counted(concentration: Concentration) -> np.ndarray:
    return concentration.values[concentration.counted]
