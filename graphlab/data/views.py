"""How a data set looks: a table for notebooks, and pictures."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch_geometric.data import Data
from torch_geometric.utils import degree, to_networkx

from graphlab.data.dataset import Dataset
from graphlab.data.item import Bars, Histogram, find_items
from graphlab.data.outputs import name_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from graphlab.core.plot import Plot

DRAWABLE = 200
"""Nodes up to which a graph is drawn link by link."""

MAX_BARS = 20
"""Classes or relations up to which each has a bar of its own."""


def dataset_html(dataset: Dataset) -> str:
    """Name, counts, licence, citation and notes as an HTML table, aligned to the left where notebooks would not."""
    card = dataset.card
    rows = {
        **{key.removeprefix("num_"): f"{n:,}" for key, n in dataset.statistics().items() if n},
        "task": dataset.task,
        "split": dataset.splits.name,
        "metric": dataset.metric,
        "homophily": ", ".join(f"{name} {value:.3f}" for name, value in dataset.homophily.items()),
        "licence": card.licence,
        "citation": str(card.citation),
        "search on validation": card.forbids_search and f"against the rules of {card.forbids_search}",
        "notes": card.notes,
        "notices": "\n".join(dataset.notices),
    }
    left = 'style="text-align: left"'
    body = "".join(
        f'<tr><th scope="row" {left}>{escape(key)}</th><td {left}>{escape(value).replace(chr(10), "<br>")}</td></tr>'
        for key, value in rows.items()
        if value
    )
    return f"<table><caption {left}>{escape(dataset.name)}: {escape(card.title)}</caption>{body}</table>"


def plot_dataset(dataset: Dataset, *, graph: int = 0) -> Plot:
    """The graph where it is small, coloured by class; else its degrees and how often each class or relation occurs, or
    how many links are in each part.

    `graph` chooses one of the data set's graphs.
    """
    from graphlab.core.plot import Plot

    data = dataset.graphs[graph]
    if int(data.num_nodes or 0) <= DRAWABLE and "edge_type" not in data:
        figure = Plot(6, 5)
        _draw(figure.subplots(), dataset, data)
    else:
        figure = Plot(9, 3.6)
        left, right = figure.subplots(1, 2)
        _degrees(left, data, "out-degree" if dataset.spec.directed else "degree")
        _counts(right, find_items(dataset.spec.items).picture(dataset, data))
    figure.suptitle(dataset.name if len(dataset.graphs) == 1 else f"{dataset.name}, graph {graph}")
    return figure


def draw_links(axes: Axes, data: Data, directed: bool) -> list[tuple[float, float]]:
    """Lay a small graph out and draw its links, arrows if directed; the places of its nodes."""
    import networkx as nx

    network = to_networkx(data, to_undirected=not directed)
    layout = nx.kamada_kawai_layout if nx.is_connected(network.to_undirected()) else nx.circular_layout
    places = [(float(x), float(y)) for _, (x, y) in sorted(layout(network).items())]
    line = {"arrowstyle": "->" if directed else "-", "color": "0.75", "shrinkA": 6, "shrinkB": 6}
    for source, target in network.edges:
        link = axes.annotate("", places[target], places[source], arrowprops=line, zorder=1)
        link.set_in_layout(False)
    axes.set_axis_off()
    return places


def _draw(axes: Axes, dataset: Dataset, data: Data) -> None:
    from matplotlib import colormaps

    places = draw_links(axes, data, dataset.spec.directed)
    classes = _node_classes(dataset, data)
    for c in np.unique(classes):
        xs, ys = np.array(places)[classes == c].T
        name = name_of(dataset, "classes", int(c))
        axes.scatter(xs, ys, s=160, color=colormaps["tab10"](int(c) % 10), label=name, zorder=2)
    for node, (x, y) in enumerate(places):
        name = name_of(dataset, "nodes", node)
        axes.text(x, y, name, size=6, color="white" if len(name) < 4 else "black", ha="center", va="center", zorder=3)
    if classes.any():
        axes.legend(frameon=False)


def _node_classes(dataset: Dataset, data: Data) -> np.ndarray:
    """The class of each node, `UNLABELLED` where it is not known; 0 everywhere where nodes have none."""
    output = dataset.spec.output
    if output.location == "node" and output.type == "class":
        return data[output.name].numpy()
    return np.zeros(int(data.num_nodes or 0), dtype=np.int64)


def _degrees(axes: Axes, data: Data, label: str) -> None:
    """How many nodes have each number of (out-)links, on logarithmic scales."""
    assert data.edge_index is not None
    degrees = degree(data.edge_index[0], data.num_nodes).long()
    values, nodes = torch.unique(degrees, return_counts=True)
    axes.scatter(values.numpy(), nodes.numpy(), s=9)
    axes.set_xscale("symlog", linthresh=1)
    axes.set_yscale("log")
    axes.set_xlabel(label)
    axes.set_ylabel("nodes")


def _counts(axes: Axes, picture: Bars | Histogram) -> None:
    if isinstance(picture, Histogram):
        axes.hist(picture.values.numpy(), bins=30)
        axes.set_xlabel(picture.what)
        axes.set_ylabel(picture.label)
        return
    names, counts = list(picture.counts), np.array([*picture.counts.values()])
    order = np.arange(len(counts)) if picture.in_order else np.argsort(-counts)
    if len(counts) <= MAX_BARS:
        axes.barh([names[c] for c in order[::-1]], counts[order[::-1]])
        axes.set_xlabel(picture.label)
    else:
        axes.plot(np.arange(1, len(counts) + 1), counts[order])
        axes.set_yscale("log")
        axes.set_xlabel(f"{picture.what}, most frequent first")
        axes.set_ylabel(picture.label)
