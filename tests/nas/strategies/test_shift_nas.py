"""ShiftNAS: additive costs, bins of equally many, probabilities that follow gains, a generator that meets a cost."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
import torch

from graphlab.core.seeds import SeedStream
from graphlab.nas.oneshot.costs import fit_costs, num_parameters, parameter_costs
from graphlab.nas.oneshot.supernets import path
from graphlab.nas.registry import find_proxy, find_space
from graphlab.nas.strategies.shift_nas import CostBins, Generator
from graphlab.testing.searches import Letters
from tests.nas.oneshot.test_oneshot import BENCH, objective, strategy, training_of

SPACE = Letters(places=3)


def letters_cost():
    """The sum of the letters' places, exactly."""
    every = [dict(zip((d.name for d in SPACE.decisions), word, strict=True)) for word in words()]
    costs = [sum(d.nearest(values[d.name]) for d in SPACE.decisions) for values in every]
    return every, np.array(costs, dtype=float), fit_costs(SPACE, every, costs)


def words():
    return product(*(decision.options for decision in SPACE.decisions))


def test_a_sum_over_options_is_fitted_exactly_and_is_an_expectation():
    every, costs, cost = letters_cost()
    standard = (costs - costs.mean()) / costs.std()
    assert [cost.of(SPACE, values) for values in every] == pytest.approx(standard, abs=1e-5)
    assert cost.residual < 1e-6
    random = np.random.default_rng(0)
    chances = {d.name: random.dirichlet(np.ones(len(d.options))) for d in SPACE.decisions}
    expected = sum(
        math.prod(float(chances[d.name][d.nearest(values[d.name])]) for d in SPACE.decisions) * each
        for values, each in zip(every, standard, strict=True)
    )
    assert float(cost({k: torch.tensor(p) for k, p in chances.items()})) == pytest.approx(expected, abs=1e-5)


def test_the_costs_of_the_bench_follow_its_networks(tmp_path):
    networks, random = objective(tmp_path), np.random.default_rng(5)
    cost = parameter_costs(BENCH, networks, np.random.default_rng(0))
    drawn = [BENCH.sample(random) for _ in range(40)]
    counts = [networks.guess(find_proxy("parameters"), values) for values in drawn]
    assert [num_parameters(networks.plan(values)) for values in drawn] == counts
    assert np.corrcoef([cost.of(BENCH, values) for values in drawn], np.log(counts))[0, 1] > 0.7


def test_bins_hold_equally_many_and_gains_shift_them():
    _, _, cost = letters_cost()
    bins, random = CostBins(SPACE, cost, 3, np.random.default_rng(0)), np.random.default_rng(1)
    drawn = [SPACE.sample(random) for _ in range(1500)]
    counts = np.bincount([bins.place(values) for values in drawn], minlength=3)
    assert counts.min() > 0.15 * len(drawn) and bins.targets == sorted(bins.targets)
    assert bins.chances(0.2) == pytest.approx([1 / 3] * 3)
    for values in drawn:
        bins.add(values, {0: 3.0, 1: 1.0, 2: -5.0}[bins.place(values)])
    assert bins.chances(0.2) == pytest.approx([0.8 * 0.75 + 0.2 / 3, 0.8 * 0.25 + 0.2 / 3, 0.2 / 3], rel=1e-3)
    before = bins.gains.clone()
    bins.add(drawn[0], math.inf)
    assert bins.gains.isfinite().all() and not torch.equal(bins.gains, before)


def test_a_generator_comes_to_give_networks_of_its_target():
    """With a loss that is the same for all networks, the cost alone is learned."""
    _, _, cost = letters_cost()
    searching, generator = shift(), Generator(SPACE, SeedStream(0))
    bins = CostBins(SPACE, cost, 3, np.random.default_rng(0))
    optimizer = torch.optim.Adam(generator.parameters(), lr=0.03)

    def error():
        drawn = [
            (target, cost(generator.drawn(target, SeedStream(9).child(k), 1.0)))
            for target in bins.targets
            for k in range(60)
        ]
        return np.mean([(float(each.detach()) - target) ** 2 for target, each in drawn])

    before = error()
    for k in range(300):
        searching._improve(generator, optimizer, cost, bins, lambda mixture: torch.zeros(()), SeedStream(1).child(k))
    assert error() < 0.3 * before


def shift():
    """The strategy's step alone, without a supernet."""
    from graphlab.nas.strategies.shift_nas import Config, ShiftNAS

    searching = ShiftNAS.__new__(ShiftNAS)
    searching.config, searching.space = Config(), SPACE
    return searching


def test_a_gain_is_what_a_step_takes_off_the_held_out_loss(tmp_path):
    searching, training = strategy("shift-nas", tmp_path), training_of(tmp_path, **{"training.lr": 0.05})
    ((on_train, on_held_out),) = training.losses(1)
    values = BENCH.sample(np.random.default_rng(2))
    before = float(on_held_out(path(BENCH, values)).detach())
    gain = searching._gain(training, values, on_train, on_held_out)
    assert gain == pytest.approx(before - float(on_held_out(path(BENCH, values)).detach())) and gain != 0


def test_candidates_are_ranked_by_the_supernet_and_come_of_every_bin(tmp_path):
    searching, training = strategy("shift-nas", tmp_path, bins=2, draws=6, warm_up=0.5), training_of(tmp_path)
    proposals = list(searching.candidates(training))
    scores = [each.notes["supernet"] for each in proposals]
    assert scores == sorted(scores, reverse=True)
    assert {each.notes["bin"] for each in proposals} == {0, 1}
    assert scores[0] == training.score(path(BENCH, proposals[0].choices))


def test_the_generator_names_valid_networks_of_the_micro_space():
    space = find_space("gnn-micro")
    drawn = Generator(space, SeedStream(0)).drawn(0.5, SeedStream(1), 1.0)
    assert {name: len(each) for name, each in drawn.items()} == {d.name: len(d.options) for d in space.decisions}
    assert all(sorted(each.detach().tolist())[-1] == 1.0 for each in drawn.values())
