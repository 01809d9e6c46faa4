"""Controllers: draws have the softmax's frequencies, and the gradient of a draw is that of the relaxed choice."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare

from graphlab.core.config import Choices
from graphlab.core.seeds import SeedStream
from graphlab.nas.core.space import Decision
from graphlab.nas.oneshot.controllers import Controller, gumbel, settled, straight_through

DECISIONS = (Decision("letter", Choices(tuple("abcd")), "letter"), Decision("digit", Choices((1, 2, 3)), "digit"))


def controller(seed=0, lr=0.1, temperature=1.0):
    learner = Controller(DECISIONS, lr, temperature)
    random = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for logits in learner.logits.values():
            logits.copy_(torch.randn(len(logits), generator=random))
    return learner


@pytest.mark.parametrize("temperature", [0.2, 5.0])
def test_draws_have_the_frequencies_of_the_softmax(temperature):
    learner = controller(1, temperature=temperature)
    counts = {name: torch.zeros(len(logits)) for name, logits in learner.logits.items()}
    total = 1500
    for k in range(total):
        for name, weights in learner.drawn(SeedStream(0).child(k)).items():
            counts[name] += weights.detach()
    for name, chances in learner.chances().items():
        expected = chances.detach().double().numpy()
        assert chisquare(counts[name].numpy(), total * expected / expected.sum()).pvalue > 1e-3


def test_noise_is_of_the_gumbel_distribution():
    noise = gumbel(SeedStream(3), 20_000).double().numpy()
    assert noise.mean() == pytest.approx(np.euler_gamma, abs=0.03)
    assert noise.var() == pytest.approx(np.pi**2 / 6, abs=0.06)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10**6), st.floats(0.3, 3.0))
def test_a_draw_is_one_option_with_the_gradient_of_the_relaxed_choice(seed, temperature):
    """Of a loss that is linear in the weights, against finite differences of the relaxed choice."""
    random = torch.Generator().manual_seed(seed)
    logits, noise, slope = (torch.randn(5, generator=random).double() for _ in range(3))
    logits.requires_grad_()
    drawn = straight_through(logits, noise, temperature)
    assert torch.equal(drawn.detach().sort().values, torch.tensor([0, 0, 0, 0, 1.0]).double())
    assert int(drawn.argmax()) == int((logits + noise).argmax())
    (gradient,) = torch.autograd.grad(drawn @ slope, logits)

    def relaxed(values):
        return float(((values + noise) / temperature).softmax(0) @ slope)

    step = 1e-5
    for i, move in enumerate(step * torch.eye(5).double()):
        difference = (relaxed(logits.detach() + move) - relaxed(logits.detach() - move)) / (2 * step)
        assert float(gradient[i]) == pytest.approx(difference, rel=1e-5, abs=1e-8)


def test_a_step_goes_down_the_loss_and_moves_nothing_else():
    learner, weight = controller(lr=0.05), torch.ones(4, requires_grad=True)
    for k in range(150):
        drawn = learner.drawn(SeedStream(0).child(k))
        learner.descend([(drawn["letter"] * weight) @ torch.tensor([1.0, 0.0, 1.0, 1.0])])
    assert float(learner.chances()["letter"][1].detach()) > 0.9
    assert weight.grad is None


def test_a_step_goes_down_the_sum_of_its_losses():
    together, apart = controller(), controller()
    slopes = {name: torch.arange(len(logits)).float() for name, logits in together.logits.items()}

    def losses(learner):
        drawn = learner.drawn(SeedStream(1))
        return (drawn[name] @ slope for name, slope in slopes.items())

    together.descend([sum(losses(together))])
    apart.descend(losses(apart))
    assert all(torch.equal(logits, apart.logits[name]) for name, logits in together.logits.items())
    assert not torch.equal(together.logits["digit"], controller().logits["digit"])


def test_groups_hold_each_decision_once():
    learner = controller()
    groups = learner.grouped(learner.drawn(SeedStream(1)), apart={"digit"})
    assert sorted(map(sorted, groups)) == [["digit"], ["letter"]]
    assert [set(group) for group in learner.grouped(learner.drawn(SeedStream(1)), apart=())] == [{"letter", "digit"}]


def test_equal_options_are_equally_likely_and_draws_repeat():
    learner = Controller(DECISIONS, 0.1, 1.0)
    assert learner.chances()["digit"].tolist() == pytest.approx([1 / 3] * 3)
    first, again = (settled(learner.drawn(SeedStream(5))) for _ in range(2))
    assert all(torch.equal(first[name], again[name]) and not first[name].requires_grad for name in first)
