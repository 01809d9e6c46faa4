"""SD-DARTS: the divergence, the voters, and what of the supernet a vote leaves alone."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.special import softmax
from scipy.stats import entropy

import graphlab as gl
from graphlab.core.errors import IncompatibleError
from graphlab.core.seeds import SeedStream
from graphlab.nas.oneshot.supernets import path
from graphlab.nas.strategies.sd_darts import Voters, divergence
from graphlab.testing.examples import example
from tests.nas.oneshot.test_oneshot import BENCH, strategy, training_of


def test_the_divergence_is_that_of_kullback_and_leibler():
    rows, teacher = np.random.default_rng(0).standard_normal((2, 6, 4))
    vote = softmax(teacher, axis=1)
    expected = np.mean([entropy(p, q) for p, q in zip(vote, softmax(rows, axis=1), strict=True)])
    assert float(divergence(torch.tensor(vote), torch.tensor(rows))) == pytest.approx(expected)
    assert float(divergence(torch.tensor(vote), torch.tensor(teacher))) == pytest.approx(0, abs=1e-12)


def test_voters_are_the_latest_snapshots_and_their_vote_is_a_mean(tmp_path):
    training = training_of(tmp_path)
    ((on_train, _),) = training.losses(1)
    mixtures = [path(BENCH, BENCH.sample(SeedStream(k).numpy())) for k in range(3)]
    voters, expected = Voters(2), []
    for mixture in mixtures:
        training.descend(on_train, mixture)
        voters.add(training.weights, mixture)
        training.mix(mixture)
        with torch.no_grad():
            expected.append(training.task.predictions(training.learner.eval()).softmax(1))
    before = [weight.clone() for weight in training.weights]
    assert torch.allclose(voters.vote(training, on_train), (expected[1] + expected[2]) / 2, atol=1e-6)
    assert all(torch.equal(weight, other) for weight, other in zip(training.weights, before, strict=True))
    again = Voters(2)
    again.load_state_dict(voters.state_dict())
    assert torch.equal(again.vote(training, on_train), voters.vote(training, on_train))


def test_losses_have_dropout_again_after_a_vote(tmp_path):
    training = training_of(tmp_path)
    ((on_train, _),) = training.losses(1)
    mixture = path(BENCH, BENCH.sample(SeedStream(0).numpy()))
    dropped = float(on_train(mixture).detach())
    with training.at(list(training.weights)):
        assert float(on_train(mixture).detach()) != dropped
    assert float(on_train(mixture).detach()) == dropped


def test_weights_are_drawn_to_the_vote(tmp_path):
    """With the vote alone to speak of, the divergence from it falls."""
    searching, training = strategy("sd-darts", tmp_path, weight=1e4), training_of(tmp_path)
    mixture = path(BENCH, BENCH.sample(SeedStream(1).numpy()))
    ((on_train, _),) = training.losses(1)
    searching._voters = Voters(1)
    assert searching.weights_loss(training, on_train) is on_train
    searching._voters.add([weight + 0.1 * torch.randn_like(weight) for weight in training.weights], mixture)
    training.lr = 1e-4
    losses = [training.descend(searching.weights_loss(training, on_train), mixture) for _ in range(30)]
    assert losses[-1] < 0.9 * losses[0]


def test_values_are_not_distilled(tmp_path):
    with pytest.raises(IncompatibleError, match="distils probabilities of classes"):
        gl.search("sd-darts", example("graph-regression"), space="gnn-micro", trials=2, store=tmp_path)
