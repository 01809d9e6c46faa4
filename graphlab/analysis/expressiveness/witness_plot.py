"""What tests determine, as a table to be seen at a glance, and a witness as its graphs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.lines import Line2D
from torch_geometric.data import Data

from graphlab.analysis.expressiveness.pictures import INK, LARGEST_DRAWN, LEGEND
from graphlab.analysis.expressiveness.properties import Facts
from graphlab.analysis.expressiveness.stable import StableColours
from graphlab.core.errors import InputError
from graphlab.core.plot import Plot
from graphlab.data.views import draw_links
from graphlab.experiment.figures import COLOURS
from graphlab.ops.colour_refinement import NodeRefinement

if TYPE_CHECKING:
    from graphlab.analysis.expressiveness.determine import Determinations, Item, Witness

CAPTION = 6.2
"""Inches that what is written below or above a picture takes."""

SEEN, UNSEEN = COLOURS[2], COLOURS[1]
"""No witness is green, a witness vermilion; cut vertices and cut edges are drawn in vermilion too."""


def plot_determinations(found: Determinations) -> Plot:
    """A row a test, a column a property. Green: no two items of this collection that the test finds alike differ. Red:
    some do; the number is that of the nodes of the larger graph of the smallest witness."""
    tests, properties = list(found.found), list(next(iter(found.found.values())))
    figure = Plot(max(2.6 + 0.72 * len(properties), CAPTION), 1.9 + 0.34 * len(tests))
    axes = figure.panel()
    axes.spines[:].set_visible(False)
    for y, test in enumerate(tests):
        for x, name in enumerate(properties):
            witness = found.found[test][name].witness
            colour = UNSEEN if witness else SEEN
            axes.scatter(x, y, s=190, marker="s" if witness else "o", color=colour, linewidths=0)
            if witness:
                axes.text(x, y, f"{witness.num_nodes}", ha="center", va="center", fontsize=8, color="white")
    axes.set_xticks(range(len(properties)), properties, rotation=40, ha="left", rotation_mode="anchor")
    axes.xaxis.tick_top()
    axes.set_yticks(range(len(tests)), tests)
    axes.tick_params(length=0)
    axes.set_xlim(-0.6, max(len(properties) - 0.4, 5))
    axes.set_ylim(len(tests) - 0.5, -0.5)
    axes.set_xlabel(
        f"{found.dataset}, {found.summary['num_graphs']:,} graphs.\n"
        "Square: not determined; the nodes of the larger graph of the smallest witness.\nDisc: no witness.",
        fontsize=8.5,
        loc="left",
    )
    return figure


def plot_witness(witness: Witness) -> Plot:
    """The one or two graphs of a witness, nodes filled by their stable colours, equal ones alike in both graphs. Cut
    vertices have a thick red rim, cut edges are thick and red; the two items that the test finds alike are named. Where
    the items are pairs (u, v) and the test colours pairs, node w has the colour of (u, w), and u itself is black.

    Raises InputError for graphs of more than 200 nodes.
    """
    items = (witness.first, witness.second)
    which = list(dict.fromkeys(item.graph for item in items))
    graphs = witness.graphs.take(np.array(which))
    if int(graphs.num_nodes.max()) > LARGEST_DRAWN:
        raise InputError(f"graphs of more than {LARGEST_DRAWN} nodes are not drawn", hint="look at its two items")
    colours = StableColours(witness.test, graphs)
    by_root = witness.of.of == "pair" and not isinstance(witness.test.refinement, NodeRefinement)
    shown = [[item] for item in items] if by_root else [[i for i in items if i.graph == graph] for graph in which]
    places = [which.index(here[0].graph) for here in shown]
    if by_root:
        numbers = [_from_root(colours, k, here[0].nodes[0]) for k, here in zip(places, shown, strict=True)]
    else:
        numbers = [colours.nodes[graphs.start[k] : graphs.start[k + 1]] for k in places]
    figure = Plot(max(0.4 + 4.2 * len(shown), CAPTION), 4.8)
    panels = figure.subplots(1, len(shown), squeeze=False)[0]
    for axes, k, here, found, shades in zip(panels, places, shown, numbers, _shades(numbers), strict=True):
        _draw(axes, Facts(graphs, k), shades, here)
        count = len(np.unique(found[found >= 0]))
        seen = f" as seen from node {here[0].nodes[0]}" if by_root else ""
        axes.set_title(
            f"graph {which[k]}{seen}: {count} {'colour' if count == 1 else 'colours'}", fontsize=9, loc="left"
        )
    values = " and ".join(f"{item.value:g}" for item in items)
    figure.suptitle(
        f"{witness.test.name} finds alike what differs in {witness.of.name}: {values}", fontsize=11, x=0.01, ha="left"
    )
    keys = _keys([Facts(graphs, k) for k in places], by_root)
    if keys:
        figure.legend(handles=keys, loc="outside lower left", ncols=len(keys), **LEGEND)
    return figure


def _keys(drawn: Sequence[Facts], by_root: bool) -> list[Line2D]:
    """What the legend explains of what is there."""
    rim = {"linestyle": "", "marker": "o", "markersize": 8}
    keys = []
    if any(graph.cut_vertices.any() for graph in drawn):
        keys.append(
            Line2D([], [], label="cut vertex", color="white", markeredgecolor=UNSEEN, markeredgewidth=2.2, **rim)
        )
    if any(graph.cut_edges.any() for graph in drawn):
        keys.append(Line2D([], [], label="cut edge", color=UNSEEN, linewidth=3.5))
    if by_root:
        keys.append(Line2D([], [], label="root u of the pair", color="black", **rim))
    return keys


def _from_root(colours: StableColours, k: int, root: int) -> np.ndarray:
    """A number for each (root, w) in graph k: int64 `[n]`, -1 for the root itself."""
    sizes = colours.graphs.num_nodes
    others = int(sizes[k]) - 1
    first = int((sizes[:k] * (sizes[:k] - 1)).sum()) + root * others
    return np.insert(colours.of("pair")[first : first + others], root, -1)


def _shades(numbers: Sequence[np.ndarray]) -> list[np.ndarray]:
    """RGBA `[n, 4]` for each number of each graph, black for -1."""
    kinds = np.unique(np.concatenate(numbers))
    kinds = kinds[kinds >= 0]
    table = np.vstack([colormaps["YlGnBu"](np.linspace(0.15, 0.9, len(kinds))), (0.0, 0.0, 0.0, 1.0)])
    return [table[np.where(found < 0, len(kinds), np.searchsorted(kinds, found))] for found in numbers]


def _draw(axes: Axes, graph: Facts, shades: np.ndarray, items: Sequence[Item]) -> None:
    edges = torch.from_numpy(graph.edges)
    data = Data(edge_index=torch.cat([edges, edges.flip(0)], dim=1), num_nodes=len(shades))
    places = np.array(draw_links(axes, data, directed=False))
    cuts = graph.edges[:, graph.cut_edges].T
    axes.add_collection(LineCollection(list(places[cuts]), colors=UNSEEN, linewidths=3.5, zorder=1.5))
    rims = [UNSEEN if cut else INK for cut in graph.cut_vertices]
    widths = [2.6 if cut else 0.7 for cut in graph.cut_vertices]
    axes.scatter(*places.T, s=150, c=shades, edgecolors=rims, linewidths=widths, zorder=2)
    for item in items:
        for v in item.nodes:
            axes.annotate(
                f"{v}",
                places[v],
                xytext=(9, 9),
                textcoords="offset points",
                fontsize=11,
                fontweight="bold",
                color=INK,
                zorder=3,
            )
    axes.set_aspect("equal")
    axes.margins(0.12)
