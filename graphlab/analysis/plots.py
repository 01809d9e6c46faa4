"""Figures of predictions and comparisons; the learning curves are in `graphlab.experiment.figures`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from torch import Tensor

from graphlab.comparison.compare import Row
from graphlab.core.plot import Plot
from graphlab.data.dataset import Dataset, Split
from graphlab.data.spec import UNLABELLED
from graphlab.data.views import draw_links
from graphlab.experiment.figures import COLOURS, GREY, LINE, label_of

LARGEST_DRAWN = 200
"""Nodes beyond which a picture of a graph says less than its degrees do."""

MARKERS = {"train": "D", "validation": "s", "test": "o"}
WRONG = "#D55E00"
CLASS_COLOURS = tuple(colour for colour in COLOURS if colour != WRONG)


def plot_predictions(dataset: Dataset, logits: Tensor, split: Split, title: str = "") -> Plot:
    """A small graph as a model sees it: the predicted class as colour, the node's part as marker, errors ringed.

    logits: `[num_nodes, classes]`.
    """
    graph = dataset.graph
    assert isinstance(graph.y, Tensor)
    predicted, truth = logits.argmax(1).tolist(), graph.y.tolist()
    figure = Plot(6.4, 4.8)
    axes = figure.panel()
    places = draw_links(axes, graph, dataset.spec.directed)
    for part, nodes in split.parts():
        for node in nodes.tolist():
            wrong = truth[node] not in (predicted[node], UNLABELLED)
            axes.scatter(
                *places[node],
                marker=MARKERS[part],
                s=190,
                color=_class_colour(predicted[node]),
                edgecolors=WRONG if wrong else "white",
                linewidths=3.0 if wrong else 0.8,
                zorder=2,
            )
            axes.annotate(str(node), places[node], ha="center", va="center", fontsize=6.5, color="white", zorder=3)
    names = dataset.labels.get("classes") or tuple(f"class {c}" for c in range(dataset.spec.num_outputs))
    handles = [_key("o", _class_colour(c), f"predicted {name}") for c, name in enumerate(names)]
    handles += [_key(marker, GREY, part) for part, marker in MARKERS.items()]
    handles.append(_key("o", "white", "wrong", edge=WRONG))
    figure.legend(handles=handles, loc="outside right upper", frameon=False, fontsize=9)
    _finish(axes, title or dataset.name)
    return figure


def plot_comparison(rows: Sequence[Row], metric: str) -> Plot:
    """Ours beside the published: a faint dot a seed, the mean with its 95 % interval, and published mean ± std."""
    mine = [row for row in rows if row.metric == metric]
    labels = list(dict.fromkeys(label_of(row.model, row.settings) for row in mine))[::-1]
    lines = max((label.count("\n") + 1 for label in labels), default=1)
    figure = Plot(7.0, 0.9 + max(0.42, LINE * lines + 0.08) * max(len(labels), 1))
    axes = figure.panel()
    for row in mine:
        y = labels.index(label_of(row.model, row.settings))
        if row.ours and row.ours.mean is not None:
            axes.scatter(row.values, [y] * len(row.values), s=20, color=COLOURS[0], alpha=0.4, linewidths=0)
            low, high = row.ours.ci95 or (row.ours.mean, row.ours.mean)
            reach = [[row.ours.mean - low], [high - row.ours.mean]]
            axes.errorbar(row.ours.mean, y + 0.2, xerr=reach, fmt="o", color=COLOURS[0], capsize=3)
        if row.published:
            spread = row.published.sample_std
            axes.errorbar(row.published.mean, y - 0.22, xerr=spread, fmt="D", color=COLOURS[4], mfc="white", capsize=3)
    handles = [_key("o", COLOURS[0], "ours: mean, 95 % interval, seeds")]
    if any(row.published for row in mine):
        handles.append(_key("D", "white", "published: mean ± std", edge=COLOURS[4]))
    axes.set_yticks(range(len(labels)), labels)
    axes.set_ylim(-0.6, len(labels) - 0.4)
    axes.grid(axis="x", color="#e4e4e4", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.set_xlabel(f"test {metric}")
    figure.legend(handles=handles, loc="outside upper center", ncols=2, frameon=False, fontsize=9)
    return figure


def _finish(axes: Axes, title: str) -> None:
    axes.set_axis_off()
    axes.set_aspect("equal")
    axes.set_title(title, fontsize=10, loc="left")


def _key(marker: str, face: str, label: str, edge: str | None = None) -> Line2D:
    options: dict[str, Any] = {"markeredgecolor": edge or face, "markeredgewidth": 2.0 if edge else 0.5}
    return Line2D([], [], linestyle="", marker=marker, markersize=8, markerfacecolor=face, label=label, **options)


def _class_colour(index: int) -> str:
    return CLASS_COLOURS[index % len(CLASS_COLOURS)]
