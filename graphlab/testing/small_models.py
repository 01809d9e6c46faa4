"""Small models on the examples of tasks: what the checks of models are made on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache, partial
from typing import Any

import torch
from torch import Tensor
from torch_geometric.data import Batch, Data

from graphlab.core.errors import IncompatibleError
from graphlab.data.dataset import Dataset
from graphlab.data.item import find_items
from graphlab.experiment.plan import Plan, make_plan
from graphlab.model.registry import MODELS, find_model
from graphlab.task.base import Learner, Task
from graphlab.task.registry import find_task
from graphlab.testing.examples import EXAMPLES, example

NEUTRAL = {"dropout": 0.0, "node_ratio": 1.0, "counts": "exact"}
"""Dropout is random, a share of the nodes is taken in the order of their ids where they are tied, and sketches hash the
ids."""

SMALL = {"hidden_dim": 16, "num_layers": 2}
"""Of models of nodes and graphs, where subgraphs make many rows of each."""

FEW_WALKS = {"walk_length": 3, "walks_per_node": 1, "context_size": 1}
"""Many long walks visit all nodes of an example alike: little is left that a loss could tell apart."""

FEW = {"batch_size": 4, "num_relabelings": 6, "output_dim": 4}
"""Of a task's settings, where it has a number by default."""

assert_close = partial(torch.testing.assert_close, rtol=1e-4, atol=1e-5)


@cache
def _cases(models: tuple[str, ...]) -> list[tuple[str, str]]:
    return [(model, name) for model in models for name in EXAMPLES if _fits(model, _example(name))]


def cases(*models: str) -> list[tuple[str, str]]:
    """These models, by default all that are registered, with each example they can be built for."""
    return list(_cases(models or tuple(MODELS.names())))


def distinct_cases(*models: str) -> dict[str, list[str]]:
    """By model the examples it can be built for, without those that differ in their targets alone: models do not see
    targets."""
    distinct: dict[str, dict[object, str]] = {}
    for model, name in cases(*models):
        dataset = _example(name)
        seen = dataset.task, replace(dataset.spec, targets=())
        distinct.setdefault(model, {}).setdefault(seen, name)
    return {model: list(names.values()) for model, names in distinct.items()}


def _fits(model: str, dataset: Dataset) -> bool:
    if not find_task(dataset.task).abilities() & find_model(model).cls.tasks:
        return False
    try:
        small_plan(model, dataset)
    except IncompatibleError:
        return False
    return True


def small_plan(model: str, dataset: Dataset) -> Plan:
    """A small model without what is random or depends on the numbering, on batches that are a small part of the
    example."""
    fields = find_model(model).config.model_fields
    chosen = NEUTRAL | FEW_WALKS | (SMALL if is_plain(dataset) else {})
    overrides = {f"model.{key}": value for key, value in chosen.items() if key in fields}
    settings = find_task(dataset.task).Config.model_fields
    overrides |= {f"task.{key}": value for key, value in FEW.items() if key in settings and settings[key].default}
    return make_plan(model, dataset, overrides)


def is_plain(dataset: Dataset) -> bool:
    """Whether models see nodes and edges of plain graphs, with weights where there are any."""
    return "edge_weight" in find_items(dataset.spec.items).reads


def built(model: str, name: str, seed: int = 0) -> tuple[Task, Learner]:
    """The task of an example, the same object at each call, and a new untrained learner of a seed."""
    task = _task(model, name)
    return task, plan_on_example(model, name).make_learner(task, seed)


@cache
def plan_on_example(model: str, name: str) -> Plan:
    """The small plan of a model on an example. It is made once, and so not to be changed."""
    return small_plan(model, _example(name))


@cache
def _task(model: str, name: str) -> Task:
    return plan_on_example(model, name).make_task(0)


@cache
def _example(name: str) -> Dataset:
    return example(name)


def batch_of(plan: Plan, graphs: Sequence[Data]) -> Any:
    """These graphs, ready for the model; those that are made ready already are so anew."""
    preparation = plan.model.cls.preparation(plan.model_config)
    return Batch.from_data_list(list(graphs if preparation is None else preparation.prepare(graphs)))


def renumbered(batch: Data, order: Tensor) -> Data:
    """The graph whose node i is the old node order[i], its edges listed backwards."""
    place = torch.empty_like(order)
    place[order] = torch.arange(len(order))
    renamed = batch.clone()
    for key, value in batch.to_dict().items():
        if batch.is_node_attr(key):
            renamed[key] = value[order]
        elif batch.is_edge_attr(key) and key != "edge_index":
            renamed[key] = value.flip(0)
    renamed.edge_index = place[batch.edge_index].flip(1)
    return renamed
