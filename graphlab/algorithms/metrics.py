"""The scores of CLRS-30: one for each output of an algorithm, and their mean.

Masked entries (`MASKED` in the truth) are left out. The scores of a batch pool all its entries.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from graphlab.algorithms.algorithm import MASKED, Algorithm, Probe, ProbeType
from graphlab.core.errors import InputError

THRESHOLD = 0.5


def score(algorithm: Algorithm, predictions: Mapping[str, np.ndarray], outputs: Mapping[str, np.ndarray]) -> float:
    """The benchmark's score of an algorithm: the mean of the scores of its outputs."""
    return float(np.mean(list(scores(algorithm, predictions, outputs).values())))


def scores(
    algorithm: Algorithm, predictions: Mapping[str, np.ndarray], outputs: Mapping[str, np.ndarray]
) -> dict[str, float]:
    """The score of each output of an algorithm.

    Args:
        algorithm: Whose outputs they are.
        predictions: What a model says, by name of the output.
        outputs: What is true.

    Shapes, with `...` the batch and the location (`n` nodes, or `n, n` pairs):
        mask: probabilities `...` against `...`; F1 at the threshold 0.5
        mask-one: scores `..., n` against `..., n`; how often the largest is right
        class: scores `..., classes` against classes `...`; how often the largest is right
        pointer, permutation: nodes `...` against `...`; how often they are equal
        value: `...` against `...`; the mean squared error, for completeness, as no algorithm has such an output

    Raises:
        InputError: A prediction is missing, or has another shape.
    """
    return {
        probe.name: score_probe(probe, predictions.get(probe.name), outputs[probe.name])
        for probe in algorithm.stage("output")
    }


def hint_scores(
    algorithm: Algorithm,
    predictions: Sequence[Mapping[str, np.ndarray]],
    hints: Mapping[str, np.ndarray],
    lengths: np.ndarray,
) -> dict[str, np.ndarray]:
    """The scores of hints step by step, as the benchmark's `evaluate_hints` gives them along time.

    The mean over steps, weighted by how many instances have each, is `np.average(scores, weights=counts)` with
    `counts = [(lengths > step + 1).sum() for step in range(len(predictions))]`.

    Args:
        algorithm: Whose hints they are.
        predictions: Of each step, those of the hints of the next one; hints that are not in them are not scored.
        hints: What is true, as a `Batch` has it.
        lengths: Of each trajectory; after its end an instance does not count.

    Shapes:
        predictions: of each step as `scores` takes them
        hints: `[steps + 1, ...]`
        returns: `[steps]` for each hint that is predicted

    Raises:
        InputError: There are no predictions, more of them than true steps, or one has another shape.
    """
    lengths = np.asarray(lengths)
    steps = len(predictions)
    if not 0 < steps < int(lengths.max()):
        raise InputError(
            f"hints of {steps} steps are predicted, of trajectories of up to {int(lengths.max())}",
            hint="predict the hints of each step but the first",
        )
    scored: dict[str, np.ndarray] = {}
    for probe in algorithm.stage("hint"):
        if probe.name not in predictions[0]:
            continue
        truth = hints[probe.name]
        if len(truth) <= steps:
            raise InputError(
                f"{probe.name} is known for {len(truth)} steps and predicted for {steps}",
                hint="keep all hints of the trajectories: sample them with hints=True",
            )
        scored[probe.name] = np.zeros(steps)
        for step, predicted in enumerate(predictions):
            values, alive = np.asarray(predicted.get(probe.name)), lengths > step + 1
            if values.shape[:1] != lengths.shape:
                raise InputError(
                    f"the prediction of {probe.name} for step {step + 1} has shape {values.shape}",
                    hint=f"predict each step for all {len(lengths)} instances",
                )
            scored[probe.name][step] = score_probe(probe, values[alive], truth[step + 1][alive])
    return scored


def score_probe(probe: Probe, predicted: np.ndarray | None, truth: np.ndarray) -> float:
    """The score of one probe, see `scores`."""
    if predicted is None:
        raise InputError(f"the prediction of {probe.name} is missing", hint="predict every output of the algorithm")
    predicted, truth = np.asarray(predicted), np.asarray(truth)
    shape = (*truth.shape, probe.size) if probe.type == "class" else truth.shape
    if predicted.shape != shape:
        raise InputError(f"the prediction of {probe.name} has shape {predicted.shape}", hint=f"it should be {shape}")
    return float(METRICS[probe.type](predicted, truth))


def _f1(predicted: np.ndarray, truth: np.ndarray) -> float:
    """F1 as the reference has it: precision or recall without anything to divide by is 1, and a probability of
    exactly the threshold counts neither way."""
    kept = truth != MASKED
    above, below, positive = predicted > THRESHOLD, predicted < THRESHOLD, truth > THRESHOLD
    hits, false, missed = (np.sum(kept & case) for case in (above & positive, above & ~positive, below & positive))
    precision = hits / (hits + false) if hits + false else 1.0
    recall = hits / (hits + missed) if hits + missed else 1.0
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def _mask_one(predicted: np.ndarray, truth: np.ndarray) -> float:
    return float(np.mean(predicted.argmax(-1) == truth.argmax(-1)))


def _classes(predicted: np.ndarray, truth: np.ndarray) -> float:
    kept = truth != MASKED
    return float(np.mean(predicted.argmax(-1)[kept] == truth[kept]))


def _equal(predicted: np.ndarray, truth: np.ndarray) -> float:
    return float(np.mean(predicted == truth))


def _squared_error(predicted: np.ndarray, truth: np.ndarray) -> float:
    return float(np.mean((predicted - truth) ** 2))


METRICS: dict[ProbeType, Callable[[np.ndarray, np.ndarray], float]] = {
    "mask": _f1,
    "mask-one": _mask_one,
    "class": _classes,
    "pointer": _equal,
    "permutation": _equal,
    "value": _squared_error,
}
"""The metric of each type of probe."""


def cyclic(pointers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pointers to predecessors as a true permutation, the form that a model with a Sinkhorn layer predicts.

    Args:
        pointers: Of type permutation: each node to its predecessor, the first to itself.

    Returns:
        The permutation, in which the first node points at the last, and a mask of the first node.

    Shapes:
        all: `[..., n]`

    Raises:
        InputError: The pointers are not those of an order.
    """
    pointers = np.asarray(pointers)
    num_nodes = pointers.shape[-1]
    first = pointers == np.arange(num_nodes)
    pointed = (pointers[..., None] == np.arange(num_nodes)) & ~first[..., None]
    last = ~pointed.any(-2)
    if (first.sum(-1) != 1).any() or (last.sum(-1) != 1).any():
        raise InputError(
            "the pointers are not those of an order", hint="each node but the first has its own predecessor"
        )
    return np.where(first, last.argmax(-1)[..., None], pointers), first.astype(np.int8)


def uncyclic(permutation: np.ndarray, first: np.ndarray) -> np.ndarray:
    """The pointers that `cyclic` was made from: the node where the mask is largest points at itself."""
    num_nodes = np.shape(permutation)[-1]
    nodes = np.arange(num_nodes)
    return np.where(nodes == np.argmax(first, -1)[..., None], nodes, permutation)
