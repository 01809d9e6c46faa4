"""Predictions beside the truth, in numbers and pictures: confusion, calibration, groups.

References:
    Guo et al., On Calibration of Modern Neural Networks, ICML 2017.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from graphlab.core.plot import Plot
from graphlab.data.dataset import Dataset
from graphlab.experiment.figures import COLOURS, GREY
from graphlab.task.base import Labelled

BINS = 10
"""Of a probability, of equal width."""

MOST_NAMES = 30
"""Classes beyond which a matrix has no room for their names and counts."""

MOST_POINTS = 5000
MOST_RELATIONS = 50
GROUPS = 4
"""Groups by degree, of about equally many items."""


def confusion(labelled: Sequence[Labelled], num_classes: int) -> np.ndarray:
    """Counts of true classes (rows) and predicted ones (columns) over several runs, int64 `[classes, classes]`."""
    counts = np.zeros((num_classes, num_classes), np.int64)
    for rows, truth, _ in labelled:
        np.add.at(counts, (truth.numpy(force=True), rows.argmax(1).numpy(force=True)), 1)
    return counts


@dataclass(frozen=True)
class ClassGroup:
    """A class: how many items have it, and precision, recall and F1; None where there is nothing to divide by."""

    name: str
    count: int
    precision: float | None
    recall: float | None
    f1: float | None


def groups_by_class(counts: np.ndarray, names: Sequence[str]) -> list[ClassGroup]:
    """The figures of each class, from a matrix of `confusion`."""
    rows = []
    for place, name in enumerate(names):
        hits, true, predicted = (int(n) for n in (counts[place, place], counts[place].sum(), counts[:, place].sum()))
        f1 = 2 * hits / (true + predicted) if true + predicted else None
        rows.append(ClassGroup(name, true, hits / predicted if predicted else None, hits / true if true else None, f1))
    return rows


@dataclass(frozen=True, eq=False)
class Reliability:
    """Probabilities beside how often they came true.

    Attributes:
        mean: Mean probability of each bin, NaN where it is empty, `[BINS]`.
        rate: How often what was predicted is so, likewise.
        count: Items of each bin, `[BINS]`.
        error: The expected calibration error: the mean of |rate - mean| over items.
    """

    mean: np.ndarray
    rate: np.ndarray
    count: np.ndarray
    error: float


def reliability(probability: Tensor, so: Tensor) -> Reliability:
    """Probabilities in bins of equal width, those of a bound in the lower bin, as Guo et al. have it.

    Shapes:
        probability: `[n]` in [0, 1]
        so: bool `[n]`
    """
    values, true = probability.double().numpy(force=True), so.double().numpy(force=True)
    members = np.clip(np.ceil(values * BINS).astype(int) - 1, 0, BINS - 1)
    count = np.bincount(members, minlength=BINS)
    sums = [np.bincount(members, each, minlength=BINS) for each in (values, true)]
    mean, rate = (np.divide(each, count, out=np.full(BINS, np.nan), where=count > 0) for each in sums)
    error = float(np.abs(sums[0] - sums[1]).sum() / max(len(values), 1))
    return Reliability(mean, rate, count, error)


@dataclass(frozen=True)
class DegreeGroup:
    """Nodes of like degree: how many items, and the share of those that are classified rightly."""

    name: str
    count: int
    accuracy: float


def groups_by_degree(dataset: Dataset, labelled: Sequence[Labelled]) -> list[DegreeGroup]:
    """Groups of about equally many items by the in-degree of their nodes; equal degrees are in one group."""
    degree = torch.bincount(dataset.graph["edge_index"][1], minlength=int(dataset.graph.num_nodes or 0)).numpy()
    of_item = np.concatenate([degree[each.items.numpy(force=True)] for each in labelled])
    hit = np.concatenate([(each.rows.argmax(1) == each.truth).numpy(force=True) for each in labelled])
    bounds = np.unique(np.quantile(of_item, np.arange(1, GROUPS) / GROUPS, method="inverted_cdf"))
    members = np.searchsorted(bounds, of_item, side="left")
    groups = []
    for place in np.unique(members):
        own = of_item[members == place]
        low, high = int(own.min()), int(own.max())
        name = str(low) if low == high else f"{low} to {high}"
        groups.append(DegreeGroup(name, len(own), float(hit[members == place].mean())))
    return groups


@dataclass(frozen=True)
class RelationGroup:
    """A relation: its test triples, the mean reciprocal ranks of tails and heads, and hits@10 of both."""

    name: str
    count: int
    mrr_tail: float
    mrr_head: float
    hits: float


def groups_by_relation(dataset: Dataset, ranks: Sequence[tuple[int, np.ndarray]]) -> list[RelationGroup]:
    """The ranks of each relation, means over seeds; the most frequent relations first, up to MOST_RELATIONS.

    Args:
        dataset: For the names and the test triples of each seed's split.
        ranks: Of each seed, rows (rank of the tail, its competitors, rank of the head, its competitors).
    """
    relations = np.concatenate([dataset.splits.at(seed).test[:, 1].numpy() for seed, _ in ranks])
    rows = np.concatenate([each for _, each in ranks])
    names = dataset.labels.get("relations")
    counts = np.bincount(relations)
    groups = []
    for relation in np.argsort(-counts, kind="stable")[:MOST_RELATIONS]:
        if not counts[relation]:
            break
        own = rows[relations == relation]
        name = str(names[relation]) if names else f"relation {relation}"
        tail, head = own[:, 0], own[:, 2]
        hits = float(np.mean(np.concatenate([tail, head]) <= 10))
        count = int(counts[relation]) // len(ranks)
        groups.append(RelationGroup(name, count, float(np.mean(1 / tail)), float(np.mean(1 / head)), hits))
    return groups


def plot_confusion(counts: np.ndarray, names: Sequence[str]) -> Plot:
    """The matrix, coloured by the share of its row."""
    size = len(names)
    share = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    small = size <= MOST_NAMES
    figure = Plot(2.6 + 0.42 * min(size, MOST_NAMES), 1.6 + 0.36 * min(size, MOST_NAMES))
    axes = figure.panel()
    image = axes.imshow(share, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    if small:
        for row in range(size):
            for column in range(size):
                if counts[row, column]:
                    ink = "white" if share[row, column] > 0.6 else "black"
                    axes.text(column, row, f"{counts[row, column]:,}", ha="center", va="center", fontsize=7, color=ink)
        shown = [name if len(name) <= 22 else f"{name[:21]}…" for name in names]
        axes.set_xticks(range(size), shown, rotation=45, ha="right", fontsize=8)
        axes.set_yticks(range(size), shown, fontsize=8)
    axes.set_xlabel("predicted")
    axes.set_ylabel("true")
    figure.colorbar(image, ax=axes, shrink=0.8)
    return figure


def plot_reliability(values: Reliability, of: str, beside: str) -> Plot:
    """How often what was predicted is so, by the probability of it."""
    figure = Plot(5.0, 3.6)
    axes = figure.panel()
    edges = np.linspace(0, 1, BINS + 1)
    share = values.count / max(values.count.sum(), 1)
    axes.bar(edges[:-1], share, 1 / BINS, align="edge", color=GREY, alpha=0.25, label="share of items")
    axes.plot([0, 1], [0, 1], color=GREY, linewidth=1, linestyle="dashed")
    there = values.count > 0
    axes.plot(values.mean[there], values.rate[there], color=COLOURS[0], marker="o", markersize=4, label=beside)
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1.02)
    axes.set_xlabel(of)
    axes.legend(frameon=False, fontsize=9, loc="upper left")
    return figure


def plot_values(labelled: Sequence[Labelled]) -> Plot:
    """Predicted against true values."""
    predicted = torch.cat([each.rows.flatten() for each in labelled]).numpy(force=True)
    true = torch.cat([each.truth.flatten() for each in labelled]).numpy(force=True)
    shown = np.random.default_rng(0).permutation(len(true))[:MOST_POINTS]
    figure = Plot(4.6, 4.0)
    axes = figure.panel()
    bounds = [float(min(predicted.min(), true.min())), float(max(predicted.max(), true.max()))]
    axes.plot(bounds, bounds, color=GREY, linewidth=1, linestyle="dashed")
    axes.scatter(true[shown], predicted[shown], s=6, color=COLOURS[0], alpha=0.4, linewidths=0)
    axes.set_xlabel("true")
    axes.set_ylabel(f"predicted, mean absolute error {np.abs(predicted - true).mean():.4g}")
    return figure
