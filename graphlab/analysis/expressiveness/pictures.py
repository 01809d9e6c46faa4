"""How the colours of two graphs look side by side."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.legend_handler import HandlerBase
from matplotlib.patches import Patch, Rectangle
from torch_geometric.data import Data

from graphlab.analysis.expressiveness.tests import WLTest
from graphlab.core.errors import InputError
from graphlab.core.plot import Plot
from graphlab.data.views import draw_links
from graphlab.ops.colour_refinement import GraphArrays, NodeRefinement, TripleRefinement

LARGEST_DRAWN = 200
"""Nodes up to which a graph is drawn."""

SHARED, OWN = "GnBu", "YlOrRd"
"""Colours that both graphs have are blue and green, those of one alone yellow and red."""

INK = "#2b2b2b"
LEGEND: dict[str, Any] = {"frameon": False, "fontsize": 8.5}


def plot_colours(test: WLTest, graphs: GraphArrays, num_rounds: int) -> Plot:
    """Two graphs with the colours of a test after so many rounds.

    Colours of nodes are shown on the graph, colours of pairs (u, v) as a matrix with a row for each root u, roots and
    nodes in the order of their colours. Equal colours look the same in both graphs; those that only one of them has
    are yellow to red, all others green to blue. Raises InputError for FWL(3), whose triples no plane holds, for
    graphs of no or more than 200 nodes, and for what is no number of rounds.
    """
    if not isinstance(num_rounds, int | np.integer) or num_rounds < 0:
        raise InputError(f"colours after {num_rounds!r} rounds are none", hint="give 0, 1, 2, ...")
    if int(graphs.num_nodes.min()) == 0:
        raise InputError("a graph without nodes is not drawn", hint="choose another pair")
    if isinstance(test.refinement, TripleRefinement):
        raise InputError(f"the colours of {test.name} are those of triples", hint="draw those of FWL(2)")
    if int(graphs.num_nodes.max()) > LARGEST_DRAWN:
        raise InputError(f"graphs of more than {LARGEST_DRAWN} nodes are not drawn", hint="choose a smaller pair")
    colours = test.refinement.colours(graphs, num_rounds)
    shades, shared = _shades(colours)
    figure = Plot(8.6, 4.6)
    for axes, g in zip(figure.subplots(1, 2), (0, 1), strict=True):
        draw = _draw_nodes if isinstance(test.refinement, NodeRefinement) else _draw_pairs
        draw(axes, graphs, g, shades[g])
        own = len(np.unique(colours[g])) - shared
        what = _plural("node" if colours[g].ndim == 1 else "pair", colours[g].size)
        text = f"{colours[g].size:,} {what}, {shared + own:,} {_plural('colour', shared + own)}"
        axes.set_title(f"{text}, {own:,} of its own" if own else text, fontsize=9, loc="left", color=INK)
    rounds = f"{num_rounds} {_plural('round', num_rounds)}"
    verdict = _verdict(colours)
    figure.suptitle(f"{test.name} after {rounds}: {verdict}", fontsize=11, x=0.01, ha="left", color=INK)
    kinds = ((SHARED, "colours of both graphs"), (OWN, "colours of one alone"))
    seen = (shared > 0, any(len(np.unique(colour)) > shared for colour in colours))
    keys = [_Ramp(palette, label) for (palette, label), shown in zip(kinds, seen, strict=True) if shown]
    figure.legend(handles=keys, handler_map={_Ramp: _RampKey()}, loc="outside lower left", ncols=2, **LEGEND)
    return figure


class _Ramp(Patch):
    """What stands in the legend for all colours of a palette."""

    def __init__(self, palette: str, label: str) -> None:
        super().__init__(label=label)
        self.shades = _ramp(palette, 4)


class _RampKey(HandlerBase):
    def create_artists(self, legend: Any, orig_handle: Any, *place: Any) -> list[Rectangle]:  # pyright: ignore[reportIncompatibleMethodOverride]
        left, down, width, height, _, trans = place
        part = width / len(orig_handle.shades)
        return [
            Rectangle((k * part - left, -down), part, height, facecolor=shade, transform=trans)
            for k, shade in enumerate(orig_handle.shades)
        ]


def _ramp(palette: str, count: int) -> np.ndarray:
    """So many shades of a palette, the palest first: RGBA `[count, 4]`."""
    return colormaps[palette](np.linspace(0.18, 0.95, max(count, 2)))[:count]


def _verdict(colours: list[np.ndarray]) -> str:
    first, second = (np.sort(colour.ravel()) for colour in colours)
    return "the same colours in both" if np.array_equal(first, second) else "the colours differ"


def _shades(colours: list[np.ndarray]) -> tuple[list[np.ndarray], int]:
    """RGBA for each entry, and how many colours both graphs have. The more frequent a colour, the paler."""
    names, counts = np.unique(np.concatenate([colour.ravel() for colour in colours]), return_counts=True)
    common = np.isin(names, colours[0]) & np.isin(names, colours[1])
    table = np.empty((len(names), 4))
    for mask, palette in ((common, SHARED), (~common, OWN)):
        some = np.flatnonzero(mask)
        order = some[np.lexsort((names[some], -counts[some]))]
        table[order] = _ramp(palette, len(order))
    return [table[np.searchsorted(names, colour)] for colour in colours], int(common.sum())


def _draw_nodes(axes: Axes, graphs: GraphArrays, g: int, shades: np.ndarray) -> None:
    one = graphs.take(np.array([g]))
    target = np.repeat(np.arange(len(shades)), np.diff(one.row))
    edge_index = torch.from_numpy(np.stack([one.source.astype(np.int64), target]))
    places = np.array(draw_links(axes, Data(edge_index=edge_index, num_nodes=len(shades)), directed=False))
    axes.scatter(*places.T, s=max(20.0, 160.0 - len(shades)), c=shades, edgecolors=INK, linewidths=0.6, zorder=2)
    axes.set_aspect("equal")
    axes.margins(0.08)


def _draw_pairs(axes: Axes, graphs: GraphArrays, g: int, shades: np.ndarray) -> None:
    """Roots whose rows are the same multiset of colours stand together."""
    keys: list[Any] = [sorted(map(tuple, row.tolist())) for row in shades]
    diagonal = [tuple(shades[u, u].tolist()) for u in range(len(shades))]
    order = sorted(range(len(shades)), key=lambda u: (diagonal[u], keys[u]))
    axes.imshow(shades[np.ix_(order, order)], interpolation="nearest")
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_xlabel("node v", fontsize=9)
    axes.set_ylabel("root u", fontsize=9)


def _plural(word: str, count: int) -> str:
    return word if count == 1 else word + "s"
