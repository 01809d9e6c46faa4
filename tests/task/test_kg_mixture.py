"""Mixtures: every graph asked as if alone, each step about one of them, metrics averaged over graphs."""

from __future__ import annotations

from collections import Counter

import pytest
import torch
from torch import Tensor, nn
from torch_geometric.data import Data

from graphlab.core.errors import IncompatibleError
from graphlab.core.seeds import SeedStream
from graphlab.data.dataset import Dataset, Split, Splits
from graphlab.data.spec import FACT, DataSpec
from graphlab.experiment.plan import make_plan
from graphlab.model.base import TripleModel
from graphlab.task.base import Learner, Shard
from graphlab.task.kinds.kg_completion import KGCompletion
from graphlab.task.kinds.kg_mixture import Config, KGMixture
from graphlab.testing.examples import example

STREAM = SeedStream(0).child("epoch", 0)


class Table(TripleModel):
    """Scores looked up by (relation, head, tail), few values, so that ties abound."""

    def __init__(self) -> None:
        super().__init__()
        random = torch.Generator().manual_seed(1)
        self.table = nn.Parameter(torch.randint(0, 5, (6, 24, 24), generator=random).float())

    def score(self, graph: Data, head: Tensor, relation: Tensor, tail: Tensor | None = None) -> Tensor:
        assert relation.max() < 2 * graph["num_relations"]
        rows = self.table[relation, head]
        return rows if tail is None else rows.gather(1, tail)


def task(shard: Shard | None = None, **settings) -> KGMixture:
    data = example("kg-mixture")
    return KGMixture(Config(**settings), data, data.split(), shard=shard)


def learner() -> Learner:
    return Learner(Table(), nn.Identity())


def alone(k: int) -> KGCompletion:
    """Graph k as a data set of its own."""
    data = example("kg-mixture")
    split = Split(*(rows[rows[:, 0] == k][:, 1:] for _, rows in data.split().parts()))
    spec = DataSpec("triples", (FACT,), num_relations=data.graphs[k]["num_relations"], directed=True)
    member = Dataset("member", "kg-completion", (data.graphs[k],), Splits("public", (split,)), spec, data.card)
    return KGCompletion(Config(), member, split)


def test_a_graph_without_triples_of_a_part_is_not_asked():
    data = example("kg-mixture")
    whole = data.split()
    split = Split(whole.train, whole.validation, whole.test[whole.test[:, 0] == 0])
    part = KGMixture(Config(), data, split)
    assert part.evaluate(learner(), "test") == pytest.approx(
        {
            **alone(0).evaluate(learner(), "test"),
            f"mrr:{data.labels['graphs'][0]}": alone(0).evaluate(learner(), "test")["mrr"],
        }
    )


@pytest.mark.parametrize("part", ["validation", "test"])
def test_metrics_are_means_of_those_of_each_graph_alone(part):
    model = learner()
    found = task().evaluate(model, part)
    members = [alone(k).evaluate(model, part) for k in range(2)]
    for metric in members[0]:
        assert found[metric] == pytest.approx((members[0][metric] + members[1][metric]) / 2)
    assert found["mrr:all"] == members[0]["mrr"] and found["mrr:fewer"] == members[1]["mrr"]
    assert members[0]["mrr"] != members[1]["mrr"]


def test_an_epoch_asks_every_triple_of_every_graph_once_and_one_graph_a_step():
    mixture = task(batch_size=5)
    epoch = mixture.batches(STREAM)
    seen: Counter[tuple[int, int, int, int]] = Counter()
    graphs = []
    for step in range(len(epoch)):
        batch = epoch[step].queries
        size = batch.graph["num_relations"]
        graphs.append(size)
        for h, r, t in torch.stack([batch.head, batch.relation, batch.candidates[:, 0]], 1).tolist():
            seen[(3 - size, h, r, t) if r < size else (3 - size, t, r - size, h)] += 1
    assert set(seen) == set(map(tuple, mixture.split.train.tolist())) and set(seen.values()) == {1}
    assert graphs != sorted(graphs) and graphs != sorted(graphs, reverse=True)
    with pytest.raises(IndexError):
        epoch[len(epoch)]


def test_shards_make_the_whole():
    whole, model = task(batch_size=7), learner()
    shares = [task(Shard(rank, 3), batch_size=7) for rank in range(3)]
    for part in ("validation", "test"):
        rows = whole.predict(model, part)
        together = torch.empty_like(rows)
        for rank, share in enumerate(shares):
            together[rank::3] = share.predict(model, part)
        assert torch.equal(together, rows)
        assert shares[1].score(together, part) == whole.score(rows, part)
    batches = [share.batches(STREAM)[1] for share in shares]
    loss = sum(s.loss(model, b) * s.weight(b) for s, b in zip(shares, batches, strict=True)) / 3
    torch.testing.assert_close(loss, whole.loss(model, whole.batches(STREAM)[1]))


def test_validation_may_ask_some_triples_of_each_graph():
    some, every = task(num_validation=3), task()
    assert len(some.predict(learner(), "validation")) == 6
    assert len(some.predict(learner(), "test")) == len(every.predict(learner(), "test"))
    asked = some._parts["validation"]
    assert asked[:, 0].bincount().tolist() == [3, 3]
    assert set(map(tuple, asked.tolist())) <= set(map(tuple, every.split.validation.tolist()))
    assert torch.equal(asked, task(num_validation=3)._parts["validation"])


def test_models_tied_to_relations_are_refused():
    with pytest.raises(IncompatibleError, match="not kg-mixture"):
        make_plan("nbfnet", example("kg-mixture"))
