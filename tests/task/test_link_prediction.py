"""Link prediction: what models are shown, asked and scored by."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn
from torch_geometric.data import Data

from graphlab.core.errors import ConfigError, IncompatibleError
from graphlab.core.seeds import SeedStream
from graphlab.data.links import unordered
from graphlab.model.base import LinkModel, Model
from graphlab.task.base import Learner, Shard
from graphlab.task.kinds.link_prediction import Config, LinkPrediction
from graphlab.task.registry import find_task
from graphlab.testing.examples import example

STREAM = SeedStream(0).child("epoch", 0)


class Sums(LinkModel):
    """Scores a pair by a number a node; keeps the graphs that it encodes."""

    def __init__(self) -> None:
        super().__init__()
        self.value = nn.Parameter(torch.randn(24, generator=torch.Generator().manual_seed(0)))
        self.graphs: list[Data] = []

    def encode(self, graph: Data) -> Tensor:
        self.graphs.append(graph)
        return self.value

    def score_nodes(self, encoding: Tensor, sources: Tensor, candidates: Tensor | None = None) -> Tensor:
        return encoding[sources].unsqueeze(1) + (encoding if candidates is None else encoding[candidates])


def task(shard: Shard | None = None, **settings) -> LinkPrediction:
    data = example("links")
    return LinkPrediction(Config(**settings), data, data.split(), shard=shard)


def learner() -> Learner:
    return Learner(Sums(), nn.Identity())


def pairs_of(rows: Tensor) -> set[tuple[int, int]]:
    return {(u, v) for u, v in rows[..., :2].reshape(-1, 2).tolist()}


def test_models_see_the_training_links_alone():
    links, model = task(), learner()
    for part in ("validation", "test"):
        links.evaluate(model, part)
    for graph in model.model.graphs:
        assert pairs_of(unordered(graph.edge_index)) == pairs_of(links.split.train)
        assert graph.is_undirected() and "edge_mask" not in graph and graph.x is not None


def test_evaluation_encodes_the_graph_once_however_few_pairs_are_scored_together():
    links, model = task(evaluation_batch_size=3), learner()
    rows = links.predict(model, "test")
    assert len(links.split.test) > 6 and len(model.model.graphs) == 1
    assert torch.equal(rows, model.model.value[links.split.test[:, :2]].sum(1))


def test_an_epoch_asks_every_link_once_beside_pairs_that_training_does_not_join():
    links = task(batch_size=7, num_negatives=3)
    epoch = links.batches(STREAM)
    batches = [epoch[step] for step in range(len(epoch))]
    train = links.split.train
    assert sum(len(b.pairs) for b in batches) == len(train)
    assert pairs_of(torch.cat([b.pairs[:, 0] for b in batches])) == pairs_of(train)
    negatives = torch.cat([b.pairs[:, 1:] for b in batches])
    assert negatives.shape == (len(train), 3, 2)
    assert not pairs_of(negatives) & pairs_of(train)
    with pytest.raises(IndexError):
        epoch[len(epoch)]


def test_queried_links_are_hidden_in_both_directions():
    batch = task(batch_size=7).batches(STREAM)[1]
    hidden = batch.graph.edge_index[:, ~batch.graph.edge_mask]
    assert hidden.shape[1] == 14 and pairs_of(unordered(hidden)) == pairs_of(batch.pairs[:, 0])
    assert "edge_mask" not in task(remove_one_hop=False).batches(STREAM)[0].graph


def test_a_batch_depends_on_the_stream_and_the_step_alone():
    one, two = task(batch_size=5).batches(STREAM), task(batch_size=5).batches(STREAM)
    one[0]
    assert torch.equal(one[2].pairs, two[2].pairs)
    assert not torch.equal(one[2].pairs, task(batch_size=5).batches(STREAM.child("other"))[2].pairs)


def test_no_batch_size_is_the_whole_graph():
    epoch = task(batch_size=None).batches(STREAM)
    assert len(epoch) == 1 and len(epoch[0].pairs) == len(task().split.train)


def test_loss_is_the_mean_of_both_kinds():
    links, model = task(num_negatives=2), learner()
    batch = links.batches(STREAM)[0]
    logit = model.model.value[batch.pairs].sum(-1)
    rows = -torch.nn.functional.logsigmoid(logit[:, 0]) - torch.nn.functional.logsigmoid(-logit[:, 1:]).mean(1)
    torch.testing.assert_close(links.loss(model, batch), rows.mean() / 2)


def test_shards_make_the_whole():
    whole, model = task(), learner()
    shares = [task(Shard(rank, 3)) for rank in range(3)]
    rows = whole.predict(model, "test")
    together = torch.empty_like(rows)
    for rank, share in enumerate(shares):
        together[rank::3] = share.predict(model, "test")
    assert torch.equal(together, rows)
    batches = [share.batches(STREAM)[0] for share in shares]
    loss = sum(s.loss(model, b) * s.weight(b) for s, b in zip(shares, batches, strict=True)) / 3
    torch.testing.assert_close(loss, whole.loss(model, whole.batches(STREAM)[0]))
    assert all(torch.equal(b.graph.edge_mask, batches[0].graph.edge_mask) for b in batches)


def test_an_empty_share_has_no_loss():
    share = task(Shard(3, 4), batch_size=3)
    batch, model = share.batches(STREAM)[0], learner()
    assert len(batch.pairs) == 0 and share.weight(batch) == 0
    share.loss(model, batch).backward()
    assert not model.model.value.grad.any()


def test_perfect_and_reversed_scores():
    links = task()
    label = links.split.test[:, 2].float()
    assert links.score(label, "test") == {"auroc": 1.0, "ap": 1.0}
    assert links.score(-label, "test")["auroc"] == 0.0
    assert links.score(torch.zeros_like(label), "test") == {"auroc": 0.5, "ap": 0.5}
    assert math.isnan(links.score(label * torch.nan, "test")["auroc"])


def test_what_does_not_fit_is_refused():
    data = example("node-classification")
    with pytest.raises(IncompatibleError, match="about node pairs"):
        find_task("link-prediction")(Config(), data, data.split())

    class Other(Model):
        pass

    with pytest.raises(IncompatibleError, match="Other does not score links"):
        task().predict(Learner(Other(), nn.Identity()), "test")
    with pytest.raises(ConfigError, match="num_negatives"):
        Config.parse({"num_negatives": 0}, where="task")
