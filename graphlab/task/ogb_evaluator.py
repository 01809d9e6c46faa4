"""The evaluators of the Open Graph Benchmark, as its package ogb has them. Hu et al., NeurIPS 2020.

Where the package `outdated` is installed, importing ogb starts a thread that asks a server for ogb's newest version. It
is imported here as if `outdated` was not, so that no evaluation asks anything.
"""

from __future__ import annotations

import importlib
import math
import os
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import torch
from torch import Tensor

from graphlab.core.errors import InputError

LINKS: Mapping[str, str] = {
    "ogbl-collab": "hits@50",
    "ogbl-ppa": "hits@100",
    "ogbl-ddi": "hits@20",
    "ogbl-citation2": "mrr",
}
"""The official metric of data sets of links."""

NODES = frozenset({"ogbn-arxiv", "ogbn-products"})
"""Data sets of nodes whose official metric is accuracy."""

HITS = (10, 20, 50, 100)
"""The numbers of hits that are told beside the official one."""

RANKED = ("mrr", "hits@1", "hits@3", "hits@10")
"""What the evaluator gives where each link has negatives of its own."""

_IMPORTING = threading.Lock()


def require_evaluator(name: str, known: Mapping[str, str] | frozenset[str], what: str) -> None:
    """Raises InputError for a name that is not among the known."""
    if name not in known:
        raise InputError(
            f"the evaluator {name!r:.60} is none of {what}", hint=f"evaluator is one of {', '.join(sorted(known))}"
        )


def link_metrics(name: str) -> tuple[str, ...]:
    """The metrics of a data set of links, the official one first."""
    if LINKS[name] == "mrr":
        return RANKED
    return (LINKS[name], *(hits for hits in (f"hits@{k}" for k in HITS) if hits != LINKS[name]))


def evaluate_links(name: str, positive: Tensor, negative: Tensor) -> dict[str, float]:
    """The metrics of links by ogb's Evaluator; NaN for all where a score is, which it would take for the best rank.

    Args:
        name: The data set, as "ogbl-collab".
        positive: Scores of links `[links]`.
        negative: Scores of the negatives `[pairs]` that they share or, of "ogbl-citation2", `[links, count]` of each.
    """
    if positive.isnan().any() or negative.isnan().any():
        return dict.fromkeys(link_metrics(name), math.nan)
    evaluator = _module("linkproppred").Evaluator(name)
    scores = {"y_pred_pos": positive, "y_pred_neg": negative}
    if LINKS[name] == "mrr":
        lists = evaluator.eval(scores)
        return {metric: lists[f"{metric}_list"].mean().item() for metric in RANKED}
    values = {}
    for metric in link_metrics(name):
        evaluator.K = int(metric.removeprefix("hits@"))
        values |= evaluator.eval(scores)
    return values


def evaluate_nodes(name: str, logits: Tensor, classes: Tensor) -> float:
    """The accuracy of the largest logits by ogb's Evaluator; NaN where there is none, or a logit is.

    Args:
        name: The data set, as "ogbn-arxiv".
        logits: `[nodes, classes]`.
        classes: int64 `[nodes]`.
    """
    if not len(classes) or logits.isnan().any():
        return math.nan
    evaluator = _module("nodeproppred").Evaluator(name)
    return float(evaluator.eval({"y_true": classes.view(-1, 1), "y_pred": node_submission(logits)})["acc"])


def node_submission(logits: Tensor) -> Tensor:
    """The classes of the largest logits as the evaluator takes them, int64 `[nodes, 1]`; of equal ones the first."""
    return torch.from_numpy(logits.double().numpy(force=True).argmax(axis=1, keepdims=True))


def _module(name: str) -> ModuleType:
    with _IMPORTING:
        if "ogb" not in sys.modules:
            with _without_outdated():
                importlib.import_module("ogb")
        return importlib.import_module(f"ogb.{name}")


@contextmanager
def _without_outdated() -> Iterator[None]:
    """For what is imported meanwhile the package `outdated` is not there. ogb's variable for it is put back."""
    modules: dict[str, Any] = sys.modules
    before = {name: modules[name] for name in ("outdated",) if name in modules}
    variable = os.environ.get("OUTDATED_IGNORE")
    modules["outdated"] = None  # what Python takes for a module that is not there
    try:
        yield
    finally:
        del modules["outdated"]
        modules.update(before)
        if variable is None:
            os.environ.pop("OUTDATED_IGNORE", None)
