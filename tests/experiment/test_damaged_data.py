"""Damaged data sets: the result is that of a slow calculation on what the data mean, or one GraphLabError.

Each example is a small data set that is right, some changes of its form that keep its meaning, and at most one that
does not. Without the last it runs and gives the number that numpy gives for the data as they were; with it, it
is refused.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch_geometric.data import Data

from graphlab.core.errors import GraphLabError
from graphlab.data.dataset import Dataset, Split, Splits
from graphlab.data.spec import Continuous, DataSpec
from graphlab.experiment.plan import make_plan
from graphlab.testing.examples import _dataset

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
    return _dataset("node-classification", (graph_of(fields),), split, DataSpec("node", CLASSES, node=Continuous(3)))


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
    """Whether rounding decides which of a row's classes is the largest."""
    ordered = np.sort(logits, axis=1)
    gap = ordered[:, -1] - ordered[:, -2]
    return bool(((gap > 0) & (gap < 1e-5)).any())


# Graphs.


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
        spec = DataSpec("graph", 1, node=Continuous(2), target="value")
        return _dataset("graph-prediction", whole, Split(*(split[part] for part in PARTS)), spec)

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

RELATIONS, ENTITIES = 3, 9


def triple_fields(random: np.random.Generator) -> Fields:
    every = np.stack(np.meshgrid(*map(np.arange, (ENTITIES, RELATIONS, ENTITIES)), indexing="ij"), -1).reshape(-1, 3)
    rows = random.permutation(every)[:30]
    cover = np.stack([np.arange(ENTITIES), np.arange(ENTITIES) % RELATIONS, (np.arange(ENTITIES) + 1) % ENTITIES], 1)
    train = np.unique(np.concatenate([rows[:20], cover]), axis=0)
    held = np.array([row for row in rows[20:].tolist() if row not in train.tolist()]).reshape(-1, 3)
    held = held if len(held) >= 4 else every[:: ENTITIES * 4][:6]
    held = np.array([row for row in held.tolist() if row not in train.tolist()]).reshape(-1, 3)
    return {
        "num_nodes": ENTITIES,
        "num_entities": ENTITIES,
        "edge_index": train[:, [0, 2]].T.copy(),
        "edge_type": train[:, 1].copy(),
        "known_triples": np.concatenate([train, held]),
        "train": train,
        "validation": held[::2],
        "test": held[1::2],
        "graphs": 1,
    }


def triple_dataset(fields: Fields) -> Dataset:
    split = Split(*(fields[part] for part in PARTS))
    count = fields["num_entities"]
    spec = DataSpec("triple", 0, num_relations=RELATIONS, num_entities=count, directed=True)
    graphs = (graph_of(fields),) * fields["graphs"]
    data = _dataset("kg-completion", graphs, split, spec)
    labels = fields.get("labels", {})
    return Dataset(data.name, data.task, graphs, Splits("public", (split,)), spec, data.card, labels)


def shuffled_known(fields: Fields, random: np.random.Generator) -> None:
    known = random.permutation(fields["known_triples"])
    fields["known_triples"] = np.concatenate([known, known[:4]])


SAME_TRIPLES = [
    shuffled_known,
    lambda fields, random: fields.update(known_triples=fields["known_triples"].astype(np.int32)),
    lambda fields, random: fields.update(edge_type=fields["edge_type"].astype(np.uint8)),
    lambda fields, random: fields.update(edge_index=fields["edge_index"].astype(np.int32)),
    lambda fields, random: fields.update(**{part: fields[part].tolist() for part in PARTS}),
    lambda fields, random: fields.update(num_nodes=np.int32(ENTITIES)),
    lambda fields, random: fields.update(labels={"entities": tuple(map(str, range(ENTITIES)))}),
    lambda fields, random: fields.update(train=random.permutation(fields["train"])),
]


def repeated(fields: Fields, random: np.random.Generator) -> None:
    fields["test"] = np.concatenate([fields["test"], fields["test"][:1], fields["train"][:2]])


def out_of_range(fields: Fields, random: np.random.Generator) -> None:
    part = PARTS[random.integers(3)]
    fields[part] = fields[part].copy()
    column = random.integers(3)
    fields[part][0, column] = [-1, RELATIONS if column == 1 else ENTITIES, 10**7][random.integers(3)]


def turned(key: str) -> Change:
    return lambda fields, random: fields.update({key: fields[key][:, [0, 2, 1]]})


OTHER_TRIPLES = [
    out_of_range,
    turned("known_triples"),
    turned("test"),
    turned("train"),
    lambda fields, random: fields.update(edge_type=fields["edge_type"] + 1),
    lambda fields, random: fields.update(edge_index=fields["edge_index"] + 1),
    lambda fields, random: fields.update(known_triples=None),
    lambda fields, random: fields.update(edge_type=None),
    lambda fields, random: fields.update(known_triples=fields["train"]),
    lambda fields, random: fields.update(known_triples=fields["known_triples"].astype(float)),
    lambda fields, random: fields.update(test=fields["test"].astype(float)),
    lambda fields, random: fields.update(test=fields["test"][:, :2]),
    lambda fields, random: fields.update(test=fields["test"][:0]),
    lambda fields, random: fields.update(num_entities=ENTITIES + 1),
    lambda fields, random: fields.update(num_nodes=ENTITIES - 1),
    lambda fields, random: fields.update(graphs=3),
    lambda fields, random: fields.update(labels={"entities": ("a",)}),
    lambda fields, random: fields.update(edge_type=fields["edge_type"][:-1]),
]


@given(st.data())
@settings(max_examples=150)
def test_triples(data):
    random = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    fields = triple_fields(random)
    if data.draw(st.booleans()):
        repeated(fields, random)
    known = {tuple(row) for row in fields["known_triples"].tolist()}
    test = fields["test"].tolist()
    wrong = [data.draw(st.sampled_from(OTHER_TRIPLES))] if data.draw(st.booleans()) else []
    right = [] if wrong else data.draw(st.lists(st.sampled_from(SAME_TRIPLES), max_size=3, unique=True))
    right.sort(key=lambda change: SAME_TRIPLES.index(change) == 4)  # lists cannot be permuted by what comes after
    damaged(fields, wrong + right, int(random.integers(2**32)))
    overrides = {"model.dim": 4, "model.dropout": 0.0}
    outcome = run(triple_dataset, fields, bool(wrong), "distmult", "mrr", **overrides)
    if outcome is None:
        return
    value, learner = outcome
    entity = learner.model.entity.weight.detach().double().numpy()
    relation = learner.model.relation.weight.detach().double().numpy()
    reciprocal = []
    for h, r, t in test:
        for given_end, truth, column in ((h, t, 2), (t, h, 0)):
            scores = (entity[given_end] * relation[r]) @ entity.T
            others = [e for e in range(ENTITIES) if e != truth and _triple(h, r, t, column, e) not in known]
            reciprocal.append(1 / (1 + sum(scores[e] >= scores[truth] for e in others)))
    assert value == pytest.approx(np.mean(reciprocal))


def _triple(h: int, r: int, t: int, column: int, entity: int) -> tuple[int, int, int]:
    return (h, r, entity) if column == 2 else (entity, r, t)
