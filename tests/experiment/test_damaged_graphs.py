"""Data of graphs, damaged: the result of a slow calculation, or one error. See `damage`."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch_geometric.data import Data

from graphlab.data.dataset import Dataset, Split
from graphlab.data.spec import Continuous, DataSpec, Target
from graphlab.task.example import example_dataset
from tests.experiment.damage import (
    OTHER_EDGES,
    OTHER_PARTS,
    OTHER_X,
    PARTS,
    SAME_EDGES,
    SAME_PARTS,
    SAME_X,
    Fields,
    damaged,
    layers,
    run,
)


def graph_fields(random: np.random.Generator) -> list[Fields]:
    many = []
    for _ in range(7):
        size = int(random.integers(1, 5)) if many else 4
        adjacency = np.triu(random.random((size, size)) < (0.6 if many else 2.0), 1)
        x = random.integers(-4, 5, (size, 2)).astype(np.float32)
        edges = np.stack(np.nonzero(adjacency | adjacency.T))
        y = random.integers(-3, 4, (1, 1)).astype(np.float32)
        many.append({"num_nodes": size, "x": x, "edge_index": edges, "y": y})
    return many


SAME_VALUES = [
    lambda fields, random: fields.update(y=fields["y"].reshape(1)),
    lambda fields, random: fields.update(y=torch.tensor(float(fields["y"].item()))),
    lambda fields, random: fields.update(y=float(fields["y"].item())),
    lambda fields, random: fields.update(y=fields["y"].astype(np.int64)),
    lambda fields, random: fields.update(y=fields["y"].astype(np.float64)),
]
OTHER_VALUES = [
    lambda fields, random: fields.update(y=np.ones((1, 2), dtype=np.float32)),
    lambda fields, random: fields.update(y=np.ones((3, 1), dtype=np.float32)),
    lambda fields, random: fields.update(y=np.full((1, 1), np.nan, dtype=np.float32)),
    lambda fields, random: fields.update(y=float("inf")),
    lambda fields, random: fields.update(y=None),
    lambda fields, random: fields.update(y="high"),
    lambda fields, random: fields.update(pos=torch.ones(2)),
]


@given(st.data())
@settings(max_examples=150)
def test_graphs(data):
    random = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    graphs = graph_fields(random)
    meant = [(fields["x"], fields["y"].item()) for fields in graphs]
    order = random.permutation(len(graphs))
    split = {"size": len(graphs), "train": order[:3], "validation": order[3:5], "test": order[5:]}
    test = split["test"]
    illegal = data.draw(st.sampled_from([[], [OTHER_PARTS], [OTHER_EDGES], [OTHER_X], [OTHER_VALUES]]))
    wrong = [data.draw(st.sampled_from(changes)) for changes in illegal]
    place = int(random.choice([k for k, fields in enumerate(graphs) if fields["edge_index"].size]))
    if illegal == [OTHER_PARTS]:
        damaged(split, wrong, int(random.integers(2**32)))
    else:
        damaged(graphs[place], wrong, int(random.integers(2**32)))
    if not wrong:
        forms = [data.draw(st.sampled_from([c, []])) for c in (SAME_PARTS, SAME_EDGES, SAME_X, SAME_VALUES)]
        if forms[0]:
            damaged(split, [data.draw(st.sampled_from(forms[0]))], int(random.integers(2**32)))
        for changes in filter(None, forms[1:]):
            change = data.draw(st.sampled_from(changes))
            for fields in graphs:
                damaged(fields, [change], 0)

    def make(fields: list[Fields]) -> Dataset:
        whole = tuple(Data(**{k: v for k, v in each.items() if v is not None}) for each in fields)
        spec = DataSpec("graphs", (Target("y", "graph", "value", 1),), node=Continuous(2))
        return example_dataset("graph-prediction", whole, Split(*(split[part] for part in PARTS)), spec)

    outcome = run(make, graphs, bool(wrong), "mlp", "mae", **{"model.hidden_dim": 3, "task.batch_size": 4})
    if outcome is None:
        return
    value, learner = outcome
    (first, first_bias), (second, second_bias), (third, third_bias) = layers(learner)
    errors = []
    for k in test:
        x, target = meant[k]
        rows = np.maximum(x @ first.T + first_bias, 0) @ second.T + second_bias
        errors.append(abs(float((rows.mean(0) @ third.T + third_bias).item()) - target))
    assert value == pytest.approx(np.mean(errors), rel=1e-4)


# Triples.
