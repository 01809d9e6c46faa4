"""Bayesian personalised ranking of links, and what a model adds to the loss of a step."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import product

import pytest
import torch
from torch import nn

from graphlab.core.errors import ConfigError
from graphlab.core.seeds import SeedStream
from graphlab.data.links import NonNeighbours
from graphlab.experiment.plan import make_plan
from graphlab.model.base import LinkModel
from graphlab.task.base import Learner
from graphlab.task.kinds.link_prediction import Config, LinkPrediction
from graphlab.testing.examples import example

STREAM = SeedStream(0).child("epoch", 0)


class Vectors(LinkModel):
    """Products of vectors, a node each, and the mean of their squares as a penalty."""

    def __init__(self, weight: float = 0.0) -> None:
        super().__init__()
        self.weight = weight
        self.vectors = nn.Parameter(torch.randn(24, 3, generator=torch.Generator().manual_seed(0)))

    def encode(self, graph):
        return self.vectors

    def score_nodes(self, encoding, sources, candidates=None):
        rows = encoding if candidates is None else encoding[candidates]
        return (encoding[sources].unsqueeze(1) * rows).sum(-1)

    def encoding_penalty(self, encoding):
        return self.weight * encoding.square().mean() if self.weight else 0.0


def task(**settings) -> LinkPrediction:
    data = example("links")
    return LinkPrediction(Config(**settings), data, data.split())


def learner(weight: float = 0.0) -> Learner:
    return Learner(Vectors(weight), nn.Identity())


def test_the_loss_is_the_mean_over_pairs_of_a_link_and_a_negative():
    links, trained = task(loss="bpr", num_negatives=3, batch_size=7), learner()
    batch = links.batches(STREAM)[0]
    vectors = trained.model.vectors.detach().double()
    rows = []
    for (u, v), *negatives in batch.pairs.tolist():
        for a, b in negatives:
            difference = float(vectors[u] @ vectors[v] - vectors[a] @ vectors[b])
            rows.append(math.log1p(math.exp(-difference)))
    assert len(rows) == 21
    assert math.isclose(links.loss(trained, batch).item(), sum(rows) / 21, rel_tol=1e-5)


def test_negatives_share_an_end_with_their_link_and_are_no_training_links():
    links = task(loss="bpr", num_negatives=4, batch_size=None)
    train = {(u, v) for u, v in links.split.train[:, :2].tolist()}
    pairs, sources = links.batches(STREAM)[0].pairs, []
    for link, *negatives in pairs.tolist():
        shared = {u for u, _ in negatives}
        assert len(shared) == 1 and shared <= set(link)
        sources.append(link.index(shared.pop()))
        for u, w in negatives:
            assert u != w and (min(u, w), max(u, w)) not in train
    assert set(sources) == {0, 1}, "both ends are sources"


def test_a_batch_depends_on_the_stream_and_the_step_alone():
    first, second = (task(loss="bpr", batch_size=5).batches(STREAM) for _ in range(2))
    first[0]
    assert torch.equal(first[2].pairs, second[2].pairs)


def test_a_node_that_is_linked_with_all_leaves_its_place_to_the_other_end():
    data = example("links")
    hub = torch.tensor([[0, v, 1] for v in range(1, 24)])
    split = replace(data.split(), train=hub)
    links = LinkPrediction(Config(loss="bpr", batch_size=None, num_negatives=2), data, split)
    negatives = links.batches(STREAM)[0].pairs[:, 1:]
    assert (negatives > 0).all() and (negatives[..., 0] != negatives[..., 1]).all()


def test_non_neighbours_are_all_other_nodes_in_ascending_order():
    links = torch.tensor([[0, 1], [3, 1], [2, 4], [1, 4], [1, 2]])
    others = NonNeighbours(links, 5)
    near = {(u, v) for u, v in product(range(5), repeat=2) if [u, v] in links.tolist() or [v, u] in links.tolist()}
    for node in range(5):
        expected = [w for w in range(5) if w != node and (node, w) not in near]
        assert int(others.count[node]) == len(expected)
        index = torch.arange(len(expected))
        assert others.at(torch.full_like(index, node), index).tolist() == expected


@pytest.mark.parametrize("loss", ["bce", "bpr"])
def test_what_the_model_adds_comes_to_the_loss(loss):
    links = task(loss=loss)
    batch = links.batches(STREAM)[0]
    plain, added = learner(), learner(0.7)
    expected = links.loss(plain, batch) + 0.7 * plain.model.vectors.square().mean()
    torch.testing.assert_close(links.loss(added, batch), expected)


def test_the_loss_is_a_setting_that_the_identity_of_a_run_knows():
    plain, ranked = (make_plan("gae", example("links"), settings) for settings in ({}, {"task.loss": "bpr"}))
    assert plain.spec(0).id != ranked.spec(0).id
    assert plain.spec(0).id == make_plan("gae", example("links"), {"task.loss": "bce"}).spec(0).id
    with pytest.raises(ConfigError, match="loss"):
        make_plan("gae", example("links"), {"task.loss": "hinge"})
