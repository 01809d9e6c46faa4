"""KG completion: batches, loss and filtered ranking against slow definitions on a small random graph."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn
from torch_geometric.data import Data

from graphlab.core.errors import ConfigError, IncompatibleError
from graphlab.core.seeds import SeedStream
from graphlab.data.dataset import Dataset, Split, Splits
from graphlab.data.spec import FACT, DataSpec, Target
from graphlab.data.triples import world
from graphlab.model.base import Model, TripleModel
from graphlab.task.base import Learner, Shard
from graphlab.task.kinds.kg_completion import Config, KGCompletion, Queries
from graphlab.task.ranking import TIES
from graphlab.task.registry import find_task

N, R = 12, 3
STREAM = SeedStream(0).child("epoch", 0)


class Table(TripleModel):
    """Scores looked up in a table [2R, N, N] of few values, so that ties abound; keeps the graphs it was given."""

    def __init__(self) -> None:
        super().__init__()
        g = torch.Generator().manual_seed(1)
        self.table = nn.Parameter(torch.randint(0, 4, (2 * R, N, N), generator=g).float())
        self.graphs: list[Data] = []

    def score(self, graph: Data, head: Tensor, relation: Tensor, tail: Tensor | None = None) -> Tensor:
        self.graphs.append(graph)
        rows = self.table[relation, head]
        return rows if tail is None else rows.gather(1, tail)


def dataset() -> Dataset:
    g = torch.Generator().manual_seed(2)
    columns = [torch.randint(0, n, (90,), generator=g) for n in (N, R, N)]
    triples = torch.unique(torch.stack(columns, 1), dim=0)
    triples = triples[torch.randperm(len(triples), generator=g)]
    train, validation, test = triples[:50], triples[50:60], triples[60:]
    return Dataset(
        name="scratch",
        task="kg-completion",
        graphs=(world(N, facts=train, known=triples),),
        splits=Splits("fixed", fixed=(Split(train, validation, test),)),
        spec=DataSpec("triples", (FACT,), num_relations=R, num_entities=N, directed=True),
        card=None,  # pyright: ignore[reportArgumentType]
    )


def task(shard: Shard | None = None, **settings) -> KGCompletion:
    data = dataset()
    return KGCompletion(Config(**settings), data, data.split(), shard=shard)


def learner() -> Learner:
    return Learner(Table(), nn.Identity())


def queries(batch: Queries) -> list[tuple[int, int, int]]:
    return torch.stack([batch.head, batch.relation, batch.candidates[:, 0]], 1).tolist()


def forwards(asked: list[tuple[int, int, int]]) -> list[tuple[int, int, int]]:
    return [(h, r, t) if r < R else (t, r - R, h) for h, r, t in asked]


def candidates(batch: Queries) -> list[tuple[int, int, int]]:
    rows = zip(batch.head.tolist(), batch.relation.tolist(), batch.candidates.tolist(), strict=True)
    return [(h, r, e) for h, r, row in rows for e in row]


def slow_rank(table: Tensor, known: set, head: int, relation: int, tail: int, tie: str) -> tuple[float, int]:
    others = [e for e in range(N) if e != tail and (head, relation, e) not in known]
    truth = table[relation, head, tail]
    above = sum(bool(table[relation, head, e] > truth) for e in others)
    tied = sum(bool(table[relation, head, e] == truth) for e in others)
    return 1 + above + {"pessimistic": tied, "optimistic": 0, "mean": tied / 2}[tie], len(others)


@pytest.mark.parametrize("filter_", ["all", "facts"])
@pytest.mark.parametrize("tie", TIES)
@pytest.mark.parametrize("part", ["validation", "test"])
def test_ranks_equal_a_loop_over_entities(part, tie, filter_):
    kg, model = task(tie=tie, filter=filter_, evaluation_batch_size=7), learner()
    split = kg.split
    triples = split.train if filter_ == "facts" else torch.cat([t for _, t in split.parts()])
    known = {(h, r, t) for h, r, t in triples.tolist()} | {(t, r + R, h) for h, r, t in triples.tolist()}
    rows = kg.predict(model, part)
    for row, (h, r, t) in zip(rows.tolist(), getattr(split, part).tolist(), strict=True):
        table = model.model.table.detach()
        assert tuple(row[:2]) == slow_rank(table, known, h, r, t, tie)
        assert tuple(row[2:]) == slow_rank(table, known, t, r + R, h, tie)
    assert kg.evaluate(model, part)["mrr"] == pytest.approx((1 / rows[:, [0, 2]]).mean().item())


def test_a_query_of_several_triples_is_scored_once(monkeypatch):
    kg, model = task(evaluation_batch_size=4), learner()
    scored: list[tuple[int, int]] = []
    score = Table.score

    def counted(self, graph, head, relation, tail=None):
        assert len(head) <= 4
        scored.extend(zip(head.tolist(), relation.tolist(), strict=True))
        return score(self, graph, head, relation, tail)

    monkeypatch.setattr(Table, "score", counted)
    kg.predict(model, "test")
    triples = kg.split.test.tolist()
    assert sorted(scored) == sorted({(h, r) for h, r, _ in triples} | {(t, r + R) for _, r, t in triples})
    assert len(scored) < 2 * len(triples)


def test_no_triples_have_no_ranks():
    data = dataset()
    split = data.split()
    kg = KGCompletion(Config(), data, Split(split.train, split.validation, split.test[:0]))
    assert kg.predict(learner(), "test").shape == (0, 4)


def test_rows_of_shards_make_the_rows_of_the_whole():
    whole = task().predict(learner(), "test")
    shares = [task(Shard(rank, 3)).predict(learner(), "test") for rank in range(3)]
    together = torch.empty_like(whole)
    for rank, share in enumerate(shares):
        together[rank::3] = share
    assert torch.equal(together, whole)


def test_a_batch_depends_on_the_stream_and_the_step_alone():
    one, two = task().batches(STREAM), task().batches(STREAM)
    last = len(one) - 1
    for step in range(len(one)):
        one[step]
    assert torch.equal(one[last].candidates, two[last].candidates)
    assert not torch.equal(one[0].candidates, task().batches(STREAM.child("other"))[0].candidates)
    with pytest.raises(IndexError):
        one[len(one)]


def test_an_epoch_asks_every_triple_once():
    kg = task(batch_size=16)
    asked = []
    for batch in (kg.batches(STREAM)[k] for k in range(4)):
        asked += forwards(queries(batch))
        assert (batch.relation < R).sum() == (len(batch.head) + 1) // 2
    assert sorted(asked) == sorted(map(tuple, kg.split.train.tolist()))


def test_shards_slice_one_global_batch_and_their_weighted_losses_average_to_its_loss():
    model, whole = learner(), task(batch_size=9)
    shards = [task(Shard(rank, 2), batch_size=9) for rank in range(2)]
    for step in range(len(whole.batches(STREAM))):
        batch = whole.batches(STREAM)[step]
        shares = [shard.batches(STREAM)[step] for shard in shards]
        for rank, share in enumerate(shares):
            assert torch.equal(share.candidates, batch.candidates[rank::2])
            assert torch.equal(share.graph.edge_mask, batch.graph.edge_mask)
        losses = [kg.loss(model, share) * kg.weight(share) for kg, share in zip(shards, shares, strict=True)]
        assert sum(losses).item() / 2 == pytest.approx(whole.loss(model, batch).item())


def test_a_shard_without_queries_has_a_loss_of_zero_with_a_gradient():
    kg, model = task(Shard(2, 3), batch_size=48), learner()
    batch = kg.batches(STREAM)[1]
    loss = kg.loss(model, batch)
    loss.backward()
    assert (len(batch.head), loss.item(), kg.weight(batch)) == (0, 0.0, 0.0)


@pytest.mark.parametrize("strict", [True, False])
def test_strict_negatives_are_never_known_to_training(strict):
    kg = task(strict_negatives=strict, batch_size=50)
    known = {tuple(t) for t in kg.split.train.tolist()}
    known |= {(t, r + R, h) for h, r, t in kg.split.train.tolist()}
    batch = kg.batches(STREAM)[0]
    negatives = batch.candidates[:, 1:].tolist()
    drawn = [(h, r, e) for (h, r, _), row in zip(queries(batch), negatives, strict=True) for e in row]
    assert (not known.intersection(drawn)) == strict


@pytest.mark.parametrize("one_hop", [True, False])
def test_query_edges_leave_the_graph_in_training_only(one_hop):
    kg, model = task(remove_one_hop=one_hop, batch_size=3, num_negatives=3, strict_negatives=False), learner()
    batch = kg.batches(STREAM)[0]
    asked = set(forwards(candidates(batch)))
    graph = kg.dataset.graph
    assert 0 < batch.graph.edge_mask.sum() < graph.num_edges
    for kept, (u, v), r in zip(
        batch.graph.edge_mask, graph.edge_index.T.tolist(), graph.edge_type.tolist(), strict=True
    ):
        hidden = any({u, v} == {h, t} for h, _, t in asked) if one_hop else (u, r, v) in asked
        assert kept == (not hidden)
    kg.evaluate(model, "test")
    assert all("edge_mask" not in g for g in model.model.graphs)


@pytest.mark.parametrize("temperature", [0.0, 0.5])
def test_loss_by_definition(temperature):
    kg, model = task(adversarial_temperature=temperature, num_negatives=4), learner()
    batch = kg.batches(STREAM)[0]
    logits = model.model.score(batch.graph, batch.head, batch.relation, batch.candidates).detach().double()
    total = 0.0
    for row in logits:
        weight = (row[1:] / temperature).softmax(0) if temperature else torch.full((4,), 0.25)
        total += (-row[0].sigmoid().log() - (weight * (-row[1:]).sigmoid().log()).sum()).item() / 2
    assert kg.loss(model, batch).item() == pytest.approx(total / len(logits), rel=1e-5)


def test_protocol_names_what_a_number_depends_on():
    protocol = KGCompletion.protocol(Config(tie="mean", filter="facts"), dataset())
    assert protocol["tie"] == "mean"
    assert protocol["filter"] == "facts"
    assert protocol["directions"] == "heads and tails"
    assert find_task("kg-completion") is KGCompletion


def test_what_does_not_fit():
    data = dataset()
    with pytest.raises(IncompatibleError, match="kg-completion is about triples and scratch about nodes"):
        KGCompletion(Config(), replace(data, spec=DataSpec("nodes", (Target("y", "node", "class", 2),))), data.split())
    with pytest.raises(IncompatibleError, match="does not score triples"):
        task().evaluate(Learner(Model(), nn.Identity()), "test")
    with pytest.raises(ConfigError, match="tie"):
        Config.parse({"tie": "random"}, where="task")
