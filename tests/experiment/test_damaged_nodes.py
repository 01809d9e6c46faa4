"""Data of nodes, damaged: the result of a slow calculation, or one error. See `damage`."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from graphlab.data.dataset import Dataset, Split
from graphlab.data.spec import Continuous, DataSpec, Target
from graphlab.task.example import example_dataset
from tests.experiment.damage import (
    CLASSES,
    OTHER_EDGES,
    OTHER_PARTS,
    OTHER_X,
    PARTS,
    SAME_EDGES,
    SAME_PARTS,
    SAME_X,
    Change,
    Fields,
    damaged,
    graph_of,
    layers,
    run,
)


def node_fields(random: np.random.Generator) -> Fields:
    size = int(random.integers(8, 14))
    adjacency = np.triu(random.random((size, size)) < 0.4, 1)
    order = random.permutation(size)
    y = random.permutation(np.arange(size) % CLASSES)
    return {
        "size": size,
        "num_nodes": size,
        "x": random.integers(-4, 5, (size, 3)).astype(np.float32),
        "edge_index": np.stack(np.nonzero(adjacency | adjacency.T)),
        "y": y,
        "train": order[:3],
        "validation": order[3:5],
        "test": order[5:],
    }


def node_dataset(fields: Fields) -> Dataset:
    split = Split(*(fields[part] for part in PARTS))
    return example_dataset(
        "node-classification",
        (graph_of(fields),),
        split,
        DataSpec("nodes", (Target("y", "node", "class", CLASSES),), node=Continuous(3)),
    )


def hide_labels(fields: Fields, random: np.random.Generator) -> None:
    """One item of each part that has several is not labelled; what is asked of numpy is changed with it."""
    y = np.asarray(fields["y"]).copy()
    for part in ("train", "test"):
        y[fields["ids"][part][0]] = -1
    fields["y"] = fields["meant"] = y


SAME_Y = [
    lambda fields, random: fields.update(y=np.asarray(fields["y"]).astype(np.int16)),
    lambda fields, random: fields.update(y=np.asarray(fields["y"]).reshape(-1, 1)),
    lambda fields, random: fields.update(y=torch.as_tensor(fields["y"])),
]


def other_label(value: int) -> Change:
    def apply(fields: Fields, random: np.random.Generator) -> None:
        fields["y"] = fields["y"].copy()
        fields["y"][random.integers(len(fields["y"]))] = value

    return apply


OTHER_Y = [
    *map(other_label, (-100, -2, CLASSES, 10**9)),
    lambda fields, random: fields.update(y=fields["y"] + 1),
    lambda fields, random: fields.update(y=fields["y"].astype(np.float32)),
    lambda fields, random: fields.update(y=fields["y"][:-1]),
    lambda fields, random: fields.update(y=np.eye(CLASSES)[fields["y"]]),
    lambda fields, random: fields.update(y=np.full(len(fields["y"]), -1)),
    lambda fields, random: fields.update(y=None),
    lambda fields, random: fields.update(y=fields["y"].tolist()),
]


def propagated(fields: Fields, iterations: int) -> np.ndarray:
    """Label propagation node by node."""
    size, y = fields["size"], fields["meant"]
    known = np.zeros((size, CLASSES))
    for node in fields["ids"]["train"]:
        if y[node] >= 0:
            known[node, y[node]] = 1
    labels, neighbours = known.copy(), [[] for _ in range(size)]
    for source, target in fields["edges"].T:
        neighbours[target].append(source)
    for _ in range(iterations):
        neighbour_means = [labels[near].mean(0) if near else np.zeros(CLASSES) for near in neighbours]
        labels = np.where(known.sum(1, keepdims=True) > 0, known, neighbour_means)
    return np.log(np.maximum(labels, 1e-6))


def accuracy(logits: np.ndarray, truth: np.ndarray) -> float:
    """The share of labelled rows whose largest column is right; ties are told apart by who breaks them so."""
    left = truth >= 0
    return float(np.mean(logits[left].astype(np.float32).argmax(1) == truth[left]))


@given(st.data())
@settings(max_examples=200)
def test_nodes(data):
    random = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    fields = node_fields(random)
    fields |= {"meant": fields["y"], "edges": fields["edge_index"], "features": fields["x"]}
    fields["ids"] = {part: fields[part] for part in PARTS}
    illegal = data.draw(st.sampled_from([[], [OTHER_PARTS], [OTHER_EDGES], [OTHER_X], [OTHER_Y]]))
    wrong = [data.draw(st.sampled_from(changes)) for changes in illegal]
    forms = [] if wrong else [data.draw(st.sampled_from([c, []])) for c in (SAME_PARTS, SAME_EDGES, SAME_X, SAME_Y)]
    right = [data.draw(st.sampled_from(changes)) for changes in forms if changes]
    if not wrong and data.draw(st.booleans()):
        hide_labels(fields, random)
    damaged(fields, wrong + right, int(random.integers(2**32)))
    model = data.draw(st.sampled_from(["label-propagation", "mlp"]))
    settings_of = {"label-propagation": {"model.num_iterations": 4}, "mlp": {"model.hidden_dim": 4}}[model]
    outcome = run(node_dataset, fields, bool(wrong), model, "accuracy", **settings_of)
    if outcome is None:
        return
    value, learner = outcome
    if model == "label-propagation":
        logits = propagated(fields, 4)
    else:
        (first, first_bias), (second, second_bias) = layers(learner)
        logits = np.maximum(fields["features"] @ first.T + first_bias, 0) @ second.T + second_bias
    test = fields["ids"]["test"]
    if model == "mlp" or not _tied(logits[test]):
        assert value == pytest.approx(accuracy(logits[test], fields["meant"][test]))


def _tied(logits: np.ndarray) -> bool:
    """Whether rounding decides which of a row's classes is the largest. Not where no class reached the node: then all
    values are the least."""
    ordered = np.sort(logits, axis=1)
    is_close = ordered[:, -1] - ordered[:, -2] < 1e-5
    return bool((is_close & (ordered[:, -1] > np.log(1e-6) + 1e-5)).any())


# Graphs.
