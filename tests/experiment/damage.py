"""Damaged data sets: the result is that of a slow calculation on what the data mean, or one GraphLabError.

Each example is a small data set that is right, some changes of its form that keep its meaning, and at most one that
does not. Without the last it runs and gives the number that numpy gives for the data as they were; with it, it
is refused.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch_geometric.data import Data

from graphlab.core.errors import GraphLabError
from graphlab.data.dataset import Dataset
from graphlab.experiment.plan import make_plan

Fields = dict[str, Any]
Change = Callable[[Fields, np.random.Generator], Any]

PARTS = ("train", "validation", "test")
CLASSES = 3


def score(model: str, make: Callable[[], Dataset], metric: str, **overrides) -> tuple[float, Any]:
    """The test metric of an untrained model, and the model."""
    plan = make_plan(model, make(), {"training.epochs": 0, **overrides})
    task = plan.make_task(0)
    learner = plan.make_learner(task, 0)
    return task.evaluate(learner, "test")[metric], learner


def run(make: Callable[[Fields], Dataset], fields: Fields, illegal: bool, model: str, metric: str, **overrides):
    """The metric and the model; None where the data were refused, as they must be if they are illegal and only then."""
    try:
        value, learner = score(model, lambda: make(fields), metric, **overrides)
    except GraphLabError as error:
        assert illegal, f"refused: {error}"
        assert error.hint and len(str(error)) < 1000
        return None
    assert not illegal, "a result of data that mean nothing"
    return value, learner


def damaged(fields: Fields, changes: list[Change], seed: int) -> None:
    random = np.random.default_rng(seed)
    for change in changes:
        change(fields, random)


def layers(learner: Any) -> list[tuple[np.ndarray, np.ndarray]]:
    linear = [m for m in learner.modules() if isinstance(m, torch.nn.Linear)]
    return [(m.weight.detach().double().numpy(), m.bias.detach().double().numpy()) for m in linear]


# Forms of parts of a split, for nodes and graphs.


def as_mask(fields: Fields, random: np.random.Generator) -> None:
    for part in PARTS:
        mask = np.zeros(fields["size"], dtype=bool)
        mask[fields[part]] = True
        fields[part] = [mask, torch.from_numpy(mask), mask.tolist()][random.integers(3)]


def as_other_ids(fields: Fields, random: np.random.Generator) -> None:
    for part in PARTS:
        ids = random.permutation(fields[part])
        forms = [ids, ids.tolist(), tuple(ids.tolist()), torch.from_numpy(ids).int(), ids.astype(np.uint16)]
        fields[part] = forms[random.integers(len(forms))]


def part_change(change: Callable[[np.ndarray, int, np.random.Generator], Any]) -> Change:
    def apply(fields: Fields, random: np.random.Generator) -> None:
        part = PARTS[random.integers(3)]
        fields[part] = change(np.asarray(fields[part]).copy(), fields["size"], random)

    return apply


SAME_PARTS = [as_mask, as_other_ids]
OTHER_PARTS = [
    part_change(lambda ids, size, random: np.append(ids, size + random.integers(3))),
    part_change(lambda ids, size, random: np.append(ids, -1)),
    part_change(lambda ids, size, random: np.append(ids, ids[0])),
    part_change(lambda ids, size, random: ids.astype(float)),
    part_change(lambda ids, size, random: np.zeros(size + 1, dtype=bool)),
    part_change(lambda ids, size, random: np.zeros((size, 2), dtype=bool)),
    part_change(lambda ids, size, random: np.zeros(size, dtype=np.uint8)),
    part_change(lambda ids, size, random: ids[:, None]),
    lambda fields, random: fields.update(test=fields["test"][:0]),
    part_change(lambda ids, size, random: ["a"]),
    part_change(lambda ids, size, random: None),
    lambda fields, random: fields.update(test=np.append(fields["test"], fields["train"][0])),
    lambda fields, random: fields.update(validation=np.append(fields["validation"], fields["test"][0])),
]


def no_edges_out(fields: Fields, random: np.random.Generator) -> None:
    fields["edge_index"] = fields["edge_index"].copy()
    fields["edge_index"][random.integers(2), 0] = [-1, fields["num_nodes"], 10**6][random.integers(3)]


SAME_EDGES = [
    lambda fields, random: fields.update(edge_index=fields["edge_index"].astype(np.int32)),
    lambda fields, random: fields.update(edge_index=torch.as_tensor(fields["edge_index"]).T.contiguous().T),
    lambda fields, random: fields.update(num_nodes=np.int64(fields["num_nodes"])),
    lambda fields, random: fields.update(extra=torch.ones(2)),
]
OTHER_EDGES = [
    no_edges_out,
    lambda fields, random: fields.update(edge_index=fields["edge_index"].astype(float)),
    lambda fields, random: fields.update(edge_index=fields["edge_index"][0]),
    lambda fields, random: fields.update(edge_index=np.ones((4, 2), dtype=np.int64)),
    lambda fields, random: fields.update(edge_index=None),
    lambda fields, random: fields.update(edge_index=torch.as_tensor(fields["edge_index"]).to_sparse()),
    lambda fields, random: fields.update(num_nodes=-1),
    lambda fields, random: fields.update(num_nodes="many"),
    lambda fields, random: fields.update(extra=object()),
]

SAME_X = [
    lambda fields, random: fields.update(x=np.asarray(fields["x"], dtype=np.float64)),
    lambda fields, random: fields.update(x=np.asarray(fields["x"], dtype=np.float16)),
    lambda fields, random: fields.update(x=np.asarray(fields["x"], dtype=np.int64)),
    lambda fields, random: fields.update(x=torch.as_tensor(fields["x"]).requires_grad_(False).T.contiguous().T),
]
"""Features are whole numbers, which all of these hold."""


def not_finite(fields: Fields, random: np.random.Generator) -> None:
    fields["x"] = fields["x"].copy()
    fields["x"][0, -1] = [np.nan, np.inf, -np.inf][random.integers(3)]


OTHER_X = [
    not_finite,
    lambda fields, random: fields.update(x=fields["x"][:, :1]),
    lambda fields, random: fields.update(x=fields["x"][:-1]),
    lambda fields, random: fields.update(x=None),
    lambda fields, random: fields.update(x=fields["x"].tolist()),
    lambda fields, random: fields.update(x=torch.as_tensor(fields["x"]).to_sparse()),
    lambda fields, random: fields.update(x=fields["x"].astype(np.complex64)),
    lambda fields, random: fields.update(x=fields["x"].astype(np.float64) * 1e300 + 1e300),
    lambda fields, random: fields.update(edge_attr=torch.ones(3, 2)),
]


def graph_of(fields: Fields) -> Data:
    keys = ("x", "edge_index", "y", "num_nodes", "extra", "edge_attr", "edge_type", "known_triples")
    return Data(**{key: fields[key] for key in keys if fields.get(key) is not None})


# Nodes.
