"""Models in double precision: `model.double()`, as an answer that is held against another program needs it."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch_geometric.data import Data

from graphlab.core.seeds import SeedStream
from graphlab.data.item import find_items
from graphlab.experiment.plan import Plan
from graphlab.model.base import LinkScorer, Model, TripleModel
from graphlab.task.base import Task
from graphlab.testing.small_models import batch_of, built, plan_on_example

FEATURES = ("x", "edge_attr", "edge_weight")
"""What a user gives in double precision."""

TOLERANCE = 1e-3
"""Of the largest output: what single precision may lose."""


def check_double(model: str, name: str) -> None:
    """In double precision a model gives numbers in double precision, and those of single precision but for rounding.

    A model without parameters has nothing to convert."""
    task, learner = built(model, name)
    if next(learner.parameters(), None) is not None:
        check_plan_in_double(plan_on_example(model, name), task, learner.eval().model)


def check_plan_in_double(plan: Plan, task: Task[Any], built_model: Model) -> None:
    """The same of a plan's model, whatever its settings."""
    model = plan.title
    with torch.no_grad():
        single = _outputs(built_model, plan, task, torch.float32)
        double = _outputs(built_model.double(), plan, task, torch.float64)
    kept = [key for key, each in built_model.state_dict().items() if each.dtype == torch.float32]
    assert not kept, f"{model} keeps {kept} in single precision"
    assert double.dtype == torch.float64, f"{model} in double precision gives {double.dtype}"
    scale = max(1.0, float(single.abs().max()))
    assert float((double - single).abs().max()) <= TOLERANCE * scale, f"{model} is another network in double precision"


def _outputs(model: Model, plan: Plan, task: Task[Any], dtype: torch.dtype) -> Tensor:
    """What a model computes of the plan's example, whose real numbers are of this precision."""
    dataset = plan.dataset
    items = find_items(dataset.spec.items)
    if isinstance(model, LinkScorer) and items.are_edges:
        graph = _in(dtype, dataset.graph)
        return model.score_nodes(model.encode(graph), torch.arange(3))
    if isinstance(model, TripleModel):
        num_relations = dataset.graph.get("num_relations", dataset.spec.num_relations)
        return model.score(_in(dtype, dataset.graph), torch.arange(3), torch.arange(3) % num_relations)
    return model(_in(dtype, batch_of(plan, dataset.graphs[:4]) if items.are_graphs else _first_graph(task)))


def _first_graph(task: Task[Any]) -> Data:
    """The graph of a first batch: the batch itself, or what models of nodes see where pairs of nodes are predicted."""
    batch = task.batches(SeedStream(0))[0]
    return batch if isinstance(batch, Data) else batch.graph


def _in(dtype: torch.dtype, graph: Data) -> Data:
    """The graph with features of this precision; what a preparation has added stays as it is."""

    def cast(tensor: Tensor) -> Tensor:
        return tensor.to(dtype) if tensor.is_floating_point() else tensor

    return graph.clone().apply(cast, *(field for field in FEATURES if graph.get(field) is not None))
