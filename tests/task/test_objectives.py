"""Objectives against their definitions on a small random graph. Negative sampling: see test_kg_completion."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from graphlab.core.errors import ConfigError
from graphlab.task.base import Shard
from graphlab.task.kinds.kg_completion import Config, KGCompletion
from graphlab.task.objectives import OBJECTIVES
from tests.task.test_kg_completion import STREAM, N, R, Table, learner, task

OVER_ALL = ("k-vs-all", "k-vs-all-softmax", "one-vs-all")


def train_triples(kg: KGCompletion) -> set[tuple[int, int, int]]:
    """Facts in both directions."""
    facts = kg.split.train.tolist()
    return {(h, r, t) for h, r, t in facts} | {(t, r + R, h) for h, r, t in facts}


def answers(batch) -> list[tuple[int, int, int]]:
    """(head, relation, tail) of every pair that the batch holds true."""
    return torch.stack([batch.head[batch.row], batch.relation[batch.row], batch.tail], 1).tolist()


def epoch(kg: KGCompletion) -> list:
    batches = kg.batches(STREAM)
    return [batches[k] for k in range(len(batches))]


@pytest.mark.parametrize("objective", OVER_ALL)
def test_an_epoch_asks_for_every_fact_in_both_directions_once(objective):
    kg = task(objective=objective, batch_size=7)
    asked = [tuple(triple) for batch in epoch(kg) for triple in answers(batch)]
    assert sorted(asked) == sorted(train_triples(kg))


@pytest.mark.parametrize("objective", ["k-vs-all", "k-vs-all-softmax"])
def test_k_vs_all_asks_a_query_once_with_all_its_answers(objective):
    kg = task(objective=objective, batch_size=7)
    queries = [q for batch in epoch(kg) for q in zip(batch.head.tolist(), batch.relation.tolist(), strict=True)]
    assert sorted(queries) == sorted({(h, r) for h, r, _ in train_triples(kg)})


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_a_batch_depends_on_the_stream_and_the_step_alone(objective):
    one, two = (task(objective=objective, batch_size=7).batches(STREAM) for _ in range(2))
    last = len(one) - 1
    for step in range(last):
        one[step]
    assert torch.equal(one[last].head, two[last].head)
    other = task(objective=objective, batch_size=7).batches(STREAM.child("other"))
    assert not torch.equal(one[0].head, other[0].head)
    with pytest.raises(IndexError):
        one[len(one)]


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_shards_slice_one_global_batch_and_their_weighted_losses_average_to_its_loss(objective):
    model, whole = learner(), task(objective=objective, batch_size=9)
    shards = [task(Shard(rank, 2), objective=objective, batch_size=9) for rank in range(2)]
    for step, batch in enumerate(epoch(whole)):
        shares = [shard.batches(STREAM)[step] for shard in shards]
        for rank, share in enumerate(shares):
            assert torch.equal(share.head, batch.head[rank::2])
            assert torch.equal(share.graph.edge_mask, batch.graph.edge_mask)
        losses = [kg.loss(model, share) * kg.weight(share) for kg, share in zip(shards, shares, strict=True)]
        assert sum(losses).item() / 2 == pytest.approx(whole.loss(model, batch).item())


@pytest.mark.parametrize("objective", OVER_ALL)
def test_facts_that_are_asked_about_leave_the_graph(objective):
    kg = task(objective=objective, batch_size=5)
    batch = kg.batches(STREAM)[0]
    asked = {(h, r, t) if r < R else (t, r - R, h) for h, r, t in answers(batch)}
    graph = kg.dataset.graph
    facts = zip(graph.edge_index.T.tolist(), graph.edge_type.tolist(), strict=True)
    assert [(h, r, t) not in asked for (h, t), r in facts] == batch.graph.edge_mask.tolist()


def test_a_model_that_reads_no_graph_is_spared_the_mask():
    class Blind(Table):
        reads_graph = False

    kg, model = task(objective="k-vs-all"), learner()
    model.model = Blind()
    kg.loss(model, kg.batches(STREAM)[0])
    (graph,) = model.model.graphs
    assert "edge_mask" not in graph


def log_sigmoid(x: float) -> float:
    return -math.log1p(math.exp(-x))


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_k_vs_all_by_definition(smoothing):
    kg, model = task(objective="k-vs-all", label_smoothing=smoothing, batch_size=6), learner()
    batch = kg.batches(STREAM)[0]
    known, total = train_triples(kg), 0.0
    for h, r in zip(batch.head.tolist(), batch.relation.tolist(), strict=True):
        for e in range(N):
            x = model.model.table[r, h, e].item()
            y = (1 - smoothing) * ((h, r, e) in known) + smoothing / N
            total -= y * log_sigmoid(x) + (1 - y) * log_sigmoid(-x)
    assert kg.loss(model, batch).item() == pytest.approx(total / (len(batch.head) * N), rel=1e-5)


def cross_entropy(row: list[float], answers: set[int], smoothing: float) -> float:
    partition = math.log(sum(math.exp(x) for x in row))
    target = [(1 - smoothing) * (e in answers) / len(answers) + smoothing / N for e in range(N)]
    return -sum(y * (x - partition) for x, y in zip(row, target, strict=True))


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_k_vs_all_softmax_by_definition(smoothing):
    kg, model = task(objective="k-vs-all-softmax", label_smoothing=smoothing, batch_size=6), learner()
    batch = kg.batches(STREAM)[0]
    known, total = train_triples(kg), 0.0
    for h, r in zip(batch.head.tolist(), batch.relation.tolist(), strict=True):
        total += cross_entropy(model.model.table[r, h].tolist(), {e for e in range(N) if (h, r, e) in known}, smoothing)
    assert kg.loss(model, batch).item() == pytest.approx(total / len(batch.head), rel=1e-5)


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_one_vs_all_by_definition(smoothing):
    kg, model = task(objective="one-vs-all", label_smoothing=smoothing, batch_size=6), learner()
    batch = kg.batches(STREAM)[0]
    total = sum(cross_entropy(model.model.table[r, h].tolist(), {t}, smoothing) for h, r, t in answers(batch))
    assert kg.loss(model, batch).item() == pytest.approx(total / len(batch.head), rel=1e-5)


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_the_penalty_is_added_and_is_about_the_true_triples(objective):
    class Penalised(Table):
        def penalty(self, head: Tensor, relation: Tensor, tail: Tensor) -> Tensor:
            assert head.dim() == relation.dim() == tail.dim() == 1
            self.tails = tail
            return self.table.sum()

    kg, plain, model = task(objective=objective, batch_size=6), learner(), learner()
    model.model = Penalised()
    batch = kg.batches(STREAM)[0]
    difference = kg.loss(model, batch) - kg.loss(plain, batch)
    assert difference.item() == pytest.approx(plain.model.table.sum().item(), rel=1e-5)
    truth = batch.candidates[:, 0] if objective == "negative-sampling" else batch.tail
    assert torch.equal(model.model.tails, truth)


def test_settings_that_do_not_fit():
    with pytest.raises(ConfigError, match="label_smoothing is for objective k-vs-all"):
        Config.parse({"label_smoothing": 0.1}, where="task")
    with pytest.raises(ConfigError, match="objective"):
        Config.parse({"objective": "1-n"}, where="task")
