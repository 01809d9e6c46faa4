"""Pairs told apart, drawn by category."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from graphlab.core.plot import Plot
from graphlab.experiment.figures import COLOURS

if TYPE_CHECKING:
    from graphlab.analysis.expressiveness.trained import Discrimination

PALE = "#e8e8e8"
THICK, THIN = 0.8, 0.36


def plot_discrimination(found: Discrimination) -> Plot:
    """For each category a pale bar of all pairs, over it the pairs told apart by either rule, the mean over seeds, and
    a line at what the model's class can tell."""
    table: Any = found.table().drop(columns=["seed", "counts"]).groupby("category", sort=False).mean()
    if len(table) > 1:
        table = table.drop(index="total")
    figure = Plot(7.0, 1.3 + 0.5 * len(table))
    axes = figure.panel()
    places = list(range(len(table)))
    axes.barh(places, table["pairs"], THICK, color=PALE, label="pairs")
    for rule, colour, side in (("official", COLOURS[0], -1), ("calibrated", COLOURS[2], 1)):
        at = [place + side * THIN / 2 for place in places]
        axes.barh(at, table[rule], THIN, color=colour, label=f"{rule} rule")
    if found.test is not None:
        low, high = ([place + side * THICK / 2 for place in places] for side in (-1, 1))
        axes.vlines(table["ceiling"], low, high, color="black", linewidth=2, label=f"{found.test} can")
    axes.set_yticks(places, [str(name) for name in table.index])
    axes.invert_yaxis()
    axes.set_xlabel("pairs told apart")
    axes.set_title(f"{found.model} on {found.dataset}", fontsize=10, loc="left")
    figure.legend(loc="outside right upper", frameon=False, fontsize=9)
    return figure
