"""How often the outputs of graphs occur: what pictures of a data set show."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch_geometric.data import Data

from graphlab.data.dataset import Dataset
from graphlab.data.item import Bars, Histogram
from graphlab.data.spec import UNLABELLED


def picture_of_outputs(dataset: Dataset, graphs: Sequence[Data]) -> Bars | Histogram:
    """Bars of classes or labels, a histogram of values; of other types, of their rows."""
    output = dataset.spec.output
    rows = torch.cat([torch.as_tensor(graph[output.name]) for graph in graphs])
    label = f"{output.location}s"
    if output.type == "class":
        return Bars(label, class_counts(dataset, rows.flatten()), "classes")
    if output.type == "multi-label":
        counts = (rows == 1).sum(0).tolist()
        return Bars(label, {name_of(dataset, "classes", c): n for c, n in enumerate(counts)}, "labels")
    return Histogram(label, rows.flatten().float(), "target" if output.type == "value" else output.type)


def class_counts(dataset: Dataset, classes: torch.Tensor) -> dict[str, int]:
    """How often each class occurs, by name; unlabelled ones are left out."""
    counts = torch.bincount(classes[classes != UNLABELLED])
    return {name_of(dataset, "classes", c): n for c, n in enumerate(counts.tolist())}


def name_of(dataset: Dataset, kind: str, index: int) -> str:
    """What a class, relation or node is called: its label, else its number."""
    if index == UNLABELLED:
        return "unlabelled"
    names = dataset.labels.get(kind, ())
    return names[index] if index < len(names) else str(index)
