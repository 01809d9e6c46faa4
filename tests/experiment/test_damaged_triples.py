"""Triples, damaged: the result of a slow calculation, or one error. See `damage`."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphlab.data.dataset import Dataset, Split, Splits
from graphlab.data.spec import FACT, DataSpec
from graphlab.task.example import example_dataset
from tests.experiment.damage import (
    PARTS,
    Change,
    Fields,
    damaged,
    graph_of,
    run,
)

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
    spec = DataSpec("triples", (FACT,), num_relations=RELATIONS, num_entities=count, directed=True)
    graphs = (graph_of(fields),) * fields["graphs"]
    data = example_dataset("kg-completion", graphs, split, spec)
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
