"""PA&DA: what is drawn by size has the even expectation, exactly and in simulation, and a smaller variance."""

from __future__ import annotations

from itertools import product
from math import prod

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from graphlab.nas.oneshot.importance import PathNorms, item_weights, probabilities, with_items_drawn
from graphlab.nas.oneshot.supernets import path
from graphlab.nas.registry import find_space
from graphlab.nas.strategies.pa_da import gradient_norm
from graphlab.testing.searches import Letters
from tests.nas.oneshot.test_oneshot import BENCH, strategy, training_of


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(0, 1e3), min_size=1, max_size=9), st.floats(0, 1))
def test_probabilities_go_from_even_to_proportional(sizes, share):
    shares = probabilities(torch.tensor(sizes), share)
    assert float(shares.sum()) == pytest.approx(1)
    wanted = np.array(sizes, dtype=np.float32).astype(float)
    proportional = wanted / wanted.sum() if wanted.sum() else np.full(len(sizes), 1 / len(sizes))
    assert shares.numpy() == pytest.approx(share * proportional + (1 - share) / len(sizes))


def random_norms(space, seed):
    norms, random = PathNorms(space), np.random.default_rng(seed)
    for _ in range(20):
        norms.add(space.sample(random), float(random.gamma(1.0)))
    return norms


@pytest.mark.parametrize("share", [0.0, 0.4, 0.9])
def test_the_expectation_over_paths_is_that_of_even_paths(share):
    """Every path of a small space, each with a gradient of its own."""
    space = Letters(places=3)
    chances = random_norms(space, 1).chances(share)
    options = [range(len(decision.options)) for decision in space.decisions]
    random = np.random.default_rng(2)
    weighted, even = np.zeros(4), []
    for places in product(*options):
        gradient = random.standard_normal(4)
        each = [float(chances[d.name][k]) for d, k in zip(space.decisions, places, strict=True)]
        weight = prod(1 / (len(d.options) * p) for d, p in zip(space.decisions, each, strict=True))
        weighted += prod(each) * weight * gradient
        even.append(gradient)
    assert weighted == pytest.approx(np.mean(even, axis=0))


def test_paths_come_with_these_probabilities_and_weights():
    space, share, total = Letters(places=2), 0.7, 4000
    norms, random = random_norms(space, 3), np.random.default_rng(0)
    chances, counts = norms.chances(share), {d.name: np.zeros(len(d.options)) for d in space.decisions}
    weights = []
    for _ in range(total):
        values, weight = norms.draw(share, random)
        each = [float(chances[d.name][d.nearest(values[d.name])]) for d in space.decisions]
        assert weight == pytest.approx(1 / (25 * prod(each)))
        weights.append(weight)
        for d in space.decisions:
            counts[d.name][d.nearest(values[d.name])] += 1
    for name, expected in chances.items():
        p = expected.numpy()
        assert np.abs(counts[name] / total - p).max() < 5 * np.sqrt((p * (1 - p)).max() / total)
    assert np.mean(weights) == pytest.approx(1, abs=5 * np.std(weights) / np.sqrt(total))


def linear_losses(seed, num=12):
    """Cross-entropies of a linear map in float64, their mean, its rows, and the gradient of each item's loss."""
    random = torch.Generator().manual_seed(seed)
    weight = torch.randn(3, 4, generator=random).double().requires_grad_()
    x, labels = 2 * torch.randn(num, 4, generator=random).double(), torch.randint(3, (num,), generator=random)
    items = torch.arange(num) % 3 > 0  # the others are nodes without a training label

    def losses():
        rows = x @ weight.T
        return rows, torch.nn.functional.cross_entropy(rows[items], labels[items])

    each = [
        torch.autograd.grad(torch.nn.functional.cross_entropy(x[i : i + 1] @ weight.T, labels[i : i + 1]), weight)[0]
        for i in items.nonzero().flatten().tolist()
    ]
    return weight, losses, torch.stack(each)


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_the_estimator_over_items_is_unbiased_in_simulation(share):
    weight, losses, each = linear_losses(0)
    random, total = np.random.default_rng(4), 3000
    drawn = []
    for _ in range(total):
        rows, loss = losses()
        estimate = with_items_drawn(loss, rows, share, random)
        assert float(estimate.detach()) == pytest.approx(float(loss.detach()))
        drawn.append(torch.autograd.grad(estimate, weight)[0])
    drawn = torch.stack(drawn)
    error = (drawn.mean(0) - each.mean(0)).abs() / (drawn.std(0) / total**0.5)
    assert float(error.max()) < 4.5


def test_draws_by_size_have_a_smaller_variance_than_even_ones():
    """The rows' gradients differ much in size, and the inputs do not."""
    sizes = torch.tensor([0.01, 0.01, 0.02, 3.0, 0.01, 0.02, 2.0, 0.01]).double()
    random, total = np.random.default_rng(0), 2000

    def variance(share):
        sums = [float((item_weights(sizes, share, random) * sizes).sum()) for _ in range(total)]
        assert np.mean(sums) == pytest.approx(float(sizes.sum()), abs=5 * np.std(sums) / total**0.5 + 1e-9)
        return np.var(sums)

    assert variance(1.0) < 1e-6 < 0.3 * variance(0.5) < variance(0.0)


def test_sizes_are_the_distances_of_probabilities_from_labels(tmp_path):
    """On a task: of training nodes alone, |softmax - onehot| over their number."""
    training = training_of(tmp_path)
    ((on_train, _),) = training.losses(1)
    loss, rows = training.with_predictions(on_train, path(BENCH, BENCH.sample(np.random.default_rng(0))))
    (back,) = torch.autograd.grad(loss, [rows])
    nodes, labels = training.task.split.train, training.task.dataset.graph["y"]
    onehot = torch.nn.functional.one_hot(labels[nodes], rows.size(1))
    expected = (rows[nodes].softmax(1) - onehot).norm(dim=1) / len(nodes)
    assert torch.allclose(back.norm(dim=1)[nodes], expected.detach(), rtol=1e-4, atol=1e-8)
    assert int((back.norm(dim=1) > 0).sum()) == len(nodes)


def test_norms_are_those_of_the_paths_without_their_weights(tmp_path):
    searching, training = strategy("pa-da", tmp_path, items=False), training_of(tmp_path)
    ((on_train, _),) = training.losses(1)
    norms, noted = PathNorms(BENCH), []
    norms.draw = lambda share, random: (values, 10.0)
    norms.add = lambda values, norm: noted.append(norm)
    values = BENCH.sample(np.random.default_rng(1))
    training.lr = 0.0
    searching._step(training, norms, on_train, 1, 0)
    training.descend(on_train, path(BENCH, values), lambda: noted.append(gradient_norm(training)))
    assert noted[0] == pytest.approx(noted[1], rel=1e-5)


def test_an_option_without_a_norm_is_taken_for_a_mean_one():
    space = find_space("gnn-micro")
    norms = PathNorms(space)
    assert all(float(p.std(unbiased=False)) < 1e-12 for p in norms.chances(1.0).values())
    values = space.sample(np.random.default_rng(0))
    norms.add(values, 2.0)
    norms.add(values, 4.0)
    assert all(float(p.std(unbiased=False)) < 1e-12 for p in norms.chances(1.0).values())
    assert float(norms.means["heads_1"].nanmean()) == pytest.approx(2.2)
