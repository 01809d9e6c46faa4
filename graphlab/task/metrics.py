"""Metrics by name, for each type of target; the arithmetic is scikit-learn's, which is imported at first use.

A metric that is not defined (a single class under AUROC, no positive under average precision, a score that is not a
number) is NaN, which ends a run with an error that names it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping

import numpy as np
import torch
from torch import Tensor

from graphlab.core.shapes import require_shape
from graphlab.data.spec import TargetType

Metric = Callable[[np.ndarray, np.ndarray], float]
"""From outputs and targets of the same rows, both float64 or int64, to a number."""


def measure(names: Iterable[str], of: TargetType, outputs: Tensor, targets: Tensor) -> dict[str, float]:
    """Metrics of outputs against targets.

    Args:
        names: As `METRICS` has them for the type.
        of: The type of the target.
        outputs: Scores, logits or values, higher is likelier.
        targets: What is true.

    Shapes:
        mask: outputs and targets `[n]`, targets of 0 and 1
        class: outputs `[n, classes]`, targets `[n]`
        multi-label: outputs and targets `[n, labels]`, targets of 0 and 1
        value: outputs and targets `[n, values]`

    Raises:
        IncompatibleError: The shapes do not fit.
    """
    shape = tuple(targets.shape) if of != "class" else (len(targets), *outputs.shape[1:2])
    require_shape("outputs", outputs, shape, "[items, ...], as that of the targets")
    rows, truth = _array(outputs), _array(targets)
    if np.isnan(rows).any():
        return dict.fromkeys(names, math.nan)
    return {name: float(METRICS[of][name](rows, truth)) for name in names}


def _array(values: Tensor) -> np.ndarray:
    plain = values.detach().cpu()
    return plain.double().numpy() if plain.is_floating_point() else plain.to(torch.int64).numpy()


def _auroc(scores: np.ndarray, positive: np.ndarray) -> float:
    from sklearn.metrics import roc_auc_score

    return roc_auc_score(positive, scores) if len(np.unique(positive)) == 2 else math.nan


def _average_precision(scores: np.ndarray, positive: np.ndarray) -> float:
    from sklearn.metrics import average_precision_score

    return average_precision_score(positive, scores) if positive.any() else math.nan


def _accuracy_of_masks(scores: np.ndarray, positive: np.ndarray) -> float:
    return float(np.mean((scores > 0) == positive.astype(bool))) if len(scores) else math.nan


def _accuracy(rows: np.ndarray, classes: np.ndarray) -> float:
    return float(np.mean(rows.argmax(1) == classes)) if len(rows) else math.nan


def _balanced_accuracy(rows: np.ndarray, classes: np.ndarray) -> float:
    """The mean over the classes that there are of the share of each that is found."""
    from sklearn.metrics import recall_score

    if not len(rows):
        return math.nan
    return float(recall_score(classes, rows.argmax(1), labels=np.unique(classes), average="macro"))


def _macro_f1(rows: np.ndarray, classes: np.ndarray) -> float:
    from sklearn.metrics import f1_score

    if not len(rows):
        return math.nan
    return float(f1_score(classes, rows.argmax(1), labels=np.unique(classes), average="macro"))


def _micro_f1(scores: np.ndarray, labels: np.ndarray) -> float:
    from sklearn.metrics import f1_score

    if not labels.any() and not (scores > 0).any():
        return math.nan
    return float(f1_score(labels.ravel(), scores.ravel() > 0))


def _macro(metric: Metric) -> Metric:
    """The mean over the labels of which there are both kinds, as OGB's evaluator; NaN where there is none."""

    def mean(scores: np.ndarray, labels: np.ndarray) -> float:
        defined = [k for k in range(labels.shape[1]) if len(np.unique(labels[:, k])) == 2]
        values = [metric(scores[:, k], labels[:, k]) for k in defined]
        return float(np.mean(values)) if values else math.nan

    return mean


def _mae(rows: np.ndarray, values: np.ndarray) -> float:
    from sklearn.metrics import mean_absolute_error

    return float(mean_absolute_error(values, rows)) if len(rows) else math.nan


def _rmse(rows: np.ndarray, values: np.ndarray) -> float:
    from sklearn.metrics import root_mean_squared_error

    return float(root_mean_squared_error(values, rows)) if len(rows) else math.nan


def _r2(rows: np.ndarray, values: np.ndarray) -> float:
    from sklearn.metrics import r2_score

    return float(r2_score(values, rows)) if len(rows) > 1 else math.nan


METRICS: Mapping[TargetType, Mapping[str, Metric]] = {
    "mask": {"auroc": _auroc, "ap": _average_precision, "accuracy": _accuracy_of_masks},
    "class": {"accuracy": _accuracy, "balanced_accuracy": _balanced_accuracy, "macro_f1": _macro_f1},
    "multi-label": {"auroc": _macro(_auroc), "ap": _macro(_average_precision), "micro_f1": _micro_f1},
    "value": {"mae": _mae, "rmse": _rmse, "r2": _r2},
}
"""By type of target and name. `auroc`, `ap`: area under the ROC curve and average precision, ties sharing a threshold;
of labels, means over labels. Classes are the largest logit, labels and what is so those above 0."""
