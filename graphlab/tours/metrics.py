"""How good predicted tours are, beside labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

import numpy as np

from graphlab.core.errors import InputError
from graphlab.tours.exact import Solution
from graphlab.tours.instances import TourInstance
from graphlab.tours.tour import adjacency_tour, require_tour, tour_adjacency, tour_length

OPTIMAL_TOLERANCE = 1e-6
"""A tour counts as optimal if it is longer than the label by no more than this share."""


@dataclass(frozen=True)
class TourScores:
    """Means over instances.

    Args:
        valid: percent of predictions that are a tour.
        optimal: percent of predictions that are a tour as short as the label's.
        gap: mean percent by which valid tours are longer than the label's; None if no prediction is valid. It is
            negative where labels that are not optimal are beaten.
        edge_f1: mean F1 of the predicted edges with the label's edges as truth. Where several tours are optimal,
            another one than the label counts as wrong.
        seconds: mean time for an instance, or None where none was measured.
        proved: percent of labels that are proved optimal.
    """

    valid: float
    optimal: float
    gap: float | None
    edge_f1: float
    seconds: float | None
    proved: float


def score_tours(
    predictions: Sequence[np.ndarray],
    instances: Sequence[TourInstance],
    labels: Sequence[Solution],
    *,
    seconds: float | None = None,
    tolerance: float = OPTIMAL_TOLERANCE,
) -> TourScores:
    """Scores predictions: tours `[n]`, or symmetric bool adjacency matrices `[n, n]`, which need not be tours.

    Args:
        seconds: time for all predictions together.

    Raises:
        InputError: for no prediction, other numbers of instances or labels, and arrays that are neither.
    """
    if not len(predictions) == len(instances) == len(labels) > 0:
        raise InputError(
            f"{len(predictions)} predictions, {len(instances)} instances and {len(labels)} labels",
            hint="one of each for every instance, and at least one instance",
        )
    gaps, f1 = [], []
    for prediction, instance, label in zip(predictions, instances, labels, strict=True):
        adjacency = _adjacency(prediction, instance.num_nodes)
        f1.append(edge_f1(adjacency, tour_adjacency(label.tour)))
        tour = adjacency_tour(adjacency)
        if tour is not None:
            gaps.append(gap(tour_length(tour, instance.costs), label.length))
    return TourScores(
        valid=100 * len(gaps) / len(predictions),
        optimal=100 * sum(value <= 100 * tolerance for value in gaps) / len(predictions),
        gap=fmean(gaps) if gaps else None,
        edge_f1=fmean(f1),
        seconds=None if seconds is None else seconds / len(predictions),
        proved=100 * fmean(label.proved for label in labels),
    )


def gap(length: float, optimum: float) -> float:
    """Percent by which a length exceeds the optimum; of an optimum of zero it is 0 or infinite."""
    if optimum == 0:
        return 0.0 if length == 0 else float("inf")
    return 100 * (length - optimum) / optimum


def edge_f1(predicted: np.ndarray, truth: np.ndarray) -> float:
    """F1 of the edges of two symmetric bool matrices `[n, n]`: 2 shared / (predicted + true)."""
    edges = np.triu_indices(len(truth), 1)
    shared = (predicted & truth)[edges].sum()
    return float(2 * shared / (predicted[edges].sum() + truth[edges].sum()))


def _adjacency(prediction: np.ndarray, num_nodes: int) -> np.ndarray:
    prediction = np.asarray(prediction)
    if prediction.ndim == 1:
        return tour_adjacency(require_tour(prediction, num_nodes))
    if prediction.shape != (num_nodes, num_nodes) or prediction.dtype != bool or (prediction != prediction.T).any():
        raise InputError(
            f"a prediction cannot be of shape {prediction.shape} and dtype {prediction.dtype}, or is not symmetric",
            hint=f"a tour, [{num_nodes}], or a symmetric bool matrix, [{num_nodes}, {num_nodes}]",
        )
    return prediction
