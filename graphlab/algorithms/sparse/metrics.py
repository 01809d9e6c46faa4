"""The scores of SALSA-CLRS: node accuracy, node F1 and graph accuracy.

Each is the mean over graphs of a score of one graph, so that small graphs count as much as large ones.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from graphlab.algorithms.algorithm import Algorithm, Probe, ProbeType
from graphlab.algorithms.metrics import THRESHOLD
from graphlab.core.errors import InputError

Scores = dict[str, float]


def scores(
    algorithm: Algorithm,
    predictions: Mapping[str, np.ndarray],
    outputs: Mapping[str, np.ndarray],
    graph: np.ndarray,
) -> dict[str, Scores]:
    """The scores of each output of an algorithm.

    Args:
        algorithm: Whose outputs they are.
        predictions: What a model says, by name of the output.
        outputs: What is true, as in a `SparseBatch`.
        graph: The graph of each node, such as `SparseBatch.graph`.

    Returns:
        By name of the output:
            pointer: `node_accuracy`, and `graph_accuracy`, the part of graphs in which all nodes are right
            mask: `node_f1` as well; F1 of a graph is 1 if nothing is true and nothing predicted
            value of a graph: `graph_accuracy`, the part of graphs whose rounded value is right, and `squared_error`

    Shapes, for N nodes and B graphs in all:
        pointer: nodes `[N]` against `[N]`, numbered as the outputs are
        mask: probabilities `[N]` against `[N]`; above 0.5 is predicted
        value: `[B]` against `[B]`
        graph: `[N]`

    Raises:
        InputError: A prediction is missing, or has another shape.
    """
    return {
        probe.name: score_probe(probe, predictions.get(probe.name), outputs[probe.name], graph)
        for probe in algorithm.stage("output")
    }


def score_probe(probe: Probe, predicted: np.ndarray | None, truth: np.ndarray, graph: np.ndarray) -> Scores:
    """The scores of one probe, see `scores`."""
    if predicted is None:
        raise InputError(f"the prediction of {probe.name} is missing", hint="predict every output of the algorithm")
    predicted, truth = np.asarray(predicted), np.asarray(truth)
    if predicted.shape != truth.shape:
        raise InputError(
            f"the prediction of {probe.name} has shape {predicted.shape}", hint=f"it should be {truth.shape}"
        )
    if probe.location == "node" and len(graph) != len(truth):
        raise InputError(f"the graphs of {len(graph)} nodes for {len(truth)} nodes", hint="pass the graph of each node")
    return METRICS[probe.type](predicted, truth, graph)


def _accuracy(correct: np.ndarray, graph: np.ndarray) -> Scores:
    of_graph = np.bincount(graph, correct) / np.bincount(graph)
    return {"node_accuracy": float(of_graph.mean()), "graph_accuracy": float(np.mean(of_graph == 1))}


def _pointers(predicted: np.ndarray, truth: np.ndarray, graph: np.ndarray) -> Scores:
    return _accuracy(predicted == truth, graph)


def _masks(predicted: np.ndarray, truth: np.ndarray, graph: np.ndarray) -> Scores:
    chosen, positive = predicted > THRESHOLD, truth > THRESHOLD
    hits = np.bincount(graph, chosen & positive)
    counted = np.bincount(graph, chosen) + np.bincount(graph, positive)
    f1 = np.divide(2 * hits, counted, out=np.ones(len(counted)), where=counted > 0)
    return {**_accuracy(chosen == positive, graph), "node_f1": float(f1.mean())}


def _values(predicted: np.ndarray, truth: np.ndarray, graph: np.ndarray) -> Scores:
    return {
        "graph_accuracy": float(np.mean(np.round(predicted) == truth)),
        "squared_error": float(np.mean((predicted - truth) ** 2)),
    }


METRICS: dict[ProbeType, Callable[[np.ndarray, np.ndarray, np.ndarray], Scores]] = {
    "pointer": _pointers,
    "mask": _masks,
    "value": _values,
}
"""The scores of each type of output."""
