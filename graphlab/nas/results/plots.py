"""Pictures of a search."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matplotlib.ticker import EngFormatter

from graphlab.core.plot import Plot

if TYPE_CHECKING:
    from graphlab.nas.results.result import Search

BLUE, GREY = "#1f5fa8", "#9aa3ad"

BAR_HEIGHT = 0.3
"""Inches, with the space between."""


def plot_curve(search: Search) -> Plot:
    """Every evaluation and the best so far."""
    figure = Plot()
    axes = figure.panel()
    curve, name = search.curve, search.plan.objective.names[0]
    across = "epochs" if search.race else "evaluation"
    labels = ("a whole training", "mean of the answer so far") if search.race else ("an evaluation", "the best so far")
    axes.scatter(curve[across], curve["found"], s=10, color=GREY, linewidths=0, label=labels[0])
    axes.step(curve[across], curve["best"], where="post", color=BLUE, label=labels[1])
    axes.set_xlabel("epochs of all trainings" if search.race else "evaluations")
    axes.set_ylabel(name)
    axes.set_title(f"{search.plan.spec.strategy} on {search.dataset}", loc="left", fontsize=10)
    axes.legend(frameon=False, fontsize=9, loc="lower right")
    shown = (0.05, 1.0) if search.maximizes else (0.0, 0.95)  # without the worst, which would hide the rest
    low, high = curve["found"].quantile(shown)
    if high > low:
        axes.set_ylim(low - 0.1 * (high - low), high + 0.08 * (high - low))
    return figure


def plot_front(search: Search) -> Plot:
    """The first two objectives of every evaluation, and the front."""
    figure = Plot()
    axes = figure.panel()
    across, up = search.plan.objective.names[1], search.plan.objective.names[0]
    axes.scatter(
        [outcome.objectives[1] for outcome in search.finished],
        [outcome.objectives[0] for outcome in search.finished],
        s=10,
        color=GREY,
        linewidths=0,
        label="an evaluation",
    )
    front = sorted((outcome.objectives[1], outcome.objectives[0]) for outcome in search.front)
    axes.plot(*zip(*front, strict=True), marker="o", markersize=4, color=BLUE, label="the front")
    axes.set_xlabel(across)
    axes.xaxis.set_major_formatter(EngFormatter(sep=""))
    axes.set_ylabel(up)
    axes.set_title(f"{search.plan.spec.strategy} on {search.dataset}", loc="left", fontsize=10)
    axes.legend(frameon=False, fontsize=9)
    return figure


def plot_trace(search: Search) -> Plot:
    """Entropies of the policies over the evaluations; which kinds were changed, and whether that gained; and where
    weights are shared, what was inherited."""
    from graphlab.experiment.figures import COLOURS

    trace = search.trace
    kinds = [name for name in trace.columns if name in search.plan.space.kinds]
    shares = "inherited" in trace
    figure = Plot(height=4.6 + 1.4 * shares)
    panels = figure.subplots(2 + shares, 1, sharex=True)
    for axes in panels:
        axes.spines[["top", "right"]].set_visible(False)
    top, middle, *rest = panels
    for number, kind in enumerate(kinds):
        style = "-" if number < len(COLOURS) else "--"
        top.plot(
            trace["evaluation"], trace[kind], style, color=COLOURS[number % len(COLOURS)], label=kind, linewidth=1.2
        )
        changed = trace[[kind in own for own in trace["changed"]]]
        better = changed[changed["gain"] > 0]
        middle.scatter(changed["evaluation"], [number] * len(changed), s=12, color=GREY, linewidths=0)
        middle.scatter(better["evaluation"], [number] * len(better), s=18, color=BLUE, linewidths=0)
    top.set_ylabel("entropy, as a share")
    top.set_title(f"controllers of {search.plan.spec.strategy} on {search.dataset}", loc="left", fontsize=10)
    top.legend(frameon=False, fontsize=8, ncol=2)
    middle.set_yticks(range(len(kinds)), kinds, fontsize=8)
    middle.set_ylabel("changed; blue: better")
    for axes in rest:
        axes.scatter(trace["evaluation"], trace["inherited"], s=10, color=BLUE, linewidths=0)
        axes.set_ylabel("inherited")
    (rest or [middle])[-1].set_xlabel("evaluations")
    return figure


def plot_importances(search: Search) -> Plot:
    """A bar for each decision, the most important on top."""
    found = search.importances()[::-1]
    figure = Plot(height=1.0 + BAR_HEIGHT * len(found))
    axes = figure.panel()
    axes.barh(found["decision"], found["importance"], color=BLUE, height=0.7)
    axes.set_xlabel(f"importance for the best tenth by {search.plan.objective.names[0]}")
    axes.set_title(f"{search.plan.spec.strategy} on {search.dataset}", loc="left", fontsize=10)
    return figure
