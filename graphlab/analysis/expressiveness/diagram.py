"""The drawn hierarchy."""

from __future__ import annotations

import math

from matplotlib.axes import Axes
from matplotlib.patches import FancyArrowPatch

from graphlab.analysis.expressiveness.hierarchy import Evidence, Shown
from graphlab.core.plot import Plot
from graphlab.experiment.figures import COLOURS, GREY

PLACES = {
    "1-WL": (2.0, 0),
    "SPD-WL": (0.0, 1),
    "RD-WL": (2.0, 1),
    "SWL(VS)": (4.0, 1),
    "PSWL(VS)": (2.0, 2),
    "SWL(SV)": (4.0, 2),
    "PSWL(SV)": (4.0, 3),
    "GSWL": (4.0, 4),
    "LFWL(2)": (2.0, 4.5),
    "SSWL": (4.0, 5),
    "SLFWL(2)": (4.0, 6),
    "FWL(2)": (4.0, 7),
    "FWL(3)": (4.0, 8),
}
"""Where each test stands: the stronger, the higher."""

ROW, COLUMN = 0.95, 1.75
"""Inches between two tests above and beside each other."""

HALF_LETTER, HALF_BOX, MARGIN = 3.7, 13.0, 7.0
"""Points that half a letter is wide, half a box high, and what the box adds at its sides."""

PROVED, MISSING, REFUTED = COLOURS[0], GREY, COLOURS[1]


def plot_hierarchy(evidence: Evidence) -> Plot:
    """Stronger tests above weaker ones. A solid arrow has a pair of graphs beside it, the smallest seen that only the
    stronger test tells apart; a dotted one has none among the pairs seen; a red one has a pair against it."""
    names = {name for found in evidence.shown for name in (found.edge.weaker, found.edge.stronger)}
    heights = [PLACES[name][1] for name in names]
    figure = Plot(2.0 + 4 * COLUMN, 1.2 + ROW * (max(heights) - min(heights)))
    axes = figure.panel()
    for found in evidence.shown:
        _draw_edge(axes, found)
    for name in names:
        axes.text(
            *_place(name),
            name,
            ha="center",
            va="center",
            fontsize=10,
            color="white",
            fontweight="bold",
            zorder=4,
            bbox={"boxstyle": "round,pad=0.4", "facecolor": "#2f3b4a", "edgecolor": "none"},
        )
    axes.set_axis_off()
    axes.set_xlim(-0.8, 4 * COLUMN + 1.5)
    axes.set_ylim(ROW * min(heights) - 0.4, ROW * max(heights) + 0.4)
    axes.set_aspect("equal")
    axes.set_title(
        f"The smallest of {evidence.num_pairs:,} pairs of graphs that only the upper test of an arrow tells apart",
        fontsize=10,
        loc="left",
    )
    return figure


def _place(name: str) -> tuple[float, float]:
    column, row = PLACES[name]
    return COLUMN * column, ROW * row


def _draw_edge(axes: Axes, found: Shown) -> None:
    start, end = _place(found.edge.weaker), _place(found.edge.stronger)
    colour = REFUTED if found.against else PROVED if found.witness else MISSING
    arrow = FancyArrowPatch(
        start,
        end,
        arrowstyle="-|>",
        mutation_scale=13,
        linewidth=1.6,
        linestyle="-" if found.witness else ":",
        color=colour,
        shrinkA=_inside(found.edge.weaker, start, end),
        shrinkB=_inside(found.edge.stronger, start, end),
        zorder=1,
    )
    axes.add_patch(arrow)
    x, y = (start[0] + end[0]) / 2, (start[1] + end[1]) / 2
    axes.text(
        x,
        y,
        _label(found),
        ha="center",
        va="center",
        fontsize=7.5,
        color=colour,
        zorder=3,
        bbox={"boxstyle": "round,pad=0.15", "facecolor": "white", "edgecolor": "none"},
    )


def _inside(name: str, start: tuple[float, float], end: tuple[float, float]) -> float:
    """Points of an arrow that lie within the box of the test at one of its ends."""
    angle = math.atan2(end[1] - start[1], end[0] - start[0])
    across, along = abs(math.sin(angle)), abs(math.cos(angle))
    return min((HALF_LETTER * len(name) + MARGIN) / along if along > 1e-9 else math.inf, HALF_BOX / across)


def _label(found: Shown) -> str:
    if found.against:
        return f"against it: {found.against[0].name}"
    if not found.witness:
        return "not seen"
    return f"{found.witness.name}\n{found.num_nodes} nodes, 1 of {found.num_witnesses:,}"
