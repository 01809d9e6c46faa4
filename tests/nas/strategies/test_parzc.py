"""ParZC: its loss against Kendall's tau, its statistics against the proxies, and a ranking that is learned."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import kendalltau

import graphlab as gl
from graphlab.core.errors import ConfigError, IncompatibleError
from graphlab.core.seeds import SeedStream
from graphlab.nas.registry import find_proxy, find_strategy
from graphlab.nas.surrogates.zero_cost_mixer import Tokens, ZeroCostMixer, diff_kendall, fit_mixer
from graphlab.testing.examples import example
from tests.nas.oneshot.test_oneshot import BENCH, objective


@settings(max_examples=50, deadline=None)
@given(st.integers(2, 30), st.integers(0, 10**6))
def test_a_sharp_loss_is_minus_kendalls_tau(n, seed):
    """Of numbers no two of which are equal."""
    random = np.random.default_rng(seed)
    predicted, wanted = (random.permutation(n) + 0.1 * random.random() for _ in range(2))
    loss = diff_kendall(torch.tensor(predicted), torch.tensor(wanted), 1e6)
    assert float(loss) == pytest.approx(-kendalltau(predicted, wanted)[0])


def test_the_loss_is_the_sum_over_pairs():
    random = np.random.default_rng(0)
    p, y = random.standard_normal((2, 7))
    pairs = [(i, j) for i in range(7) for j in range(i + 1, 7)]
    expected = -sum(math.tanh((p[i] - p[j]) / 4) * math.tanh((y[i] - y[j]) / 4) for i, j in pairs) / 21
    assert float(diff_kendall(torch.tensor(p), torch.tensor(y), 0.5)) == pytest.approx(expected)
    assert torch.autograd.gradcheck(
        lambda each: diff_kendall(each, torch.tensor(y), 0.5), torch.tensor(p, requires_grad=True)
    )


@pytest.mark.parametrize("name", ["grad-norm", "parameters", "snip", "synflow"])
def test_terms_of_tensors_add_up_to_the_proxy(name, tmp_path):
    plan = objective(tmp_path).plan(BENCH.sample(np.random.default_rng(0)))
    task, proxy = plan.make_task(0, "cpu"), find_proxy(name)
    learner = plan.make_learner(task, 0)
    terms = proxy.by_tensor(learner, task)
    assert len(terms) == sum(p.requires_grad for p in learner.parameters()) and max(terms) > 0
    assert sum(terms) == pytest.approx(proxy(learner, task), rel=1e-5)


def test_tokens_are_standardised_logarithms_and_filled_up():
    random = torch.Generator().manual_seed(0)
    networks = [torch.rand(n, 2, generator=random).double() * 100 for n in (3, 5, 4)]
    tokens = Tokens(networks)
    rows = tokens(networks)
    assert rows.shape == (3, 5, 3) and rows[:, :, 2].sum(1).tolist() == [3, 5, 4]
    there = rows[rows[:, :, 2] > 0]
    assert there[:, :2].mean(0).tolist() == pytest.approx([0, 0], abs=1e-5)
    assert there[:, :2].std(0).tolist() == pytest.approx([1, 1], abs=1e-5)
    odd = torch.tensor([[math.nan, math.inf]] * 9)
    assert tokens([odd]).isfinite().all() and tokens([odd]).shape == (1, 5, 3)


def test_a_mixer_learns_an_order_and_tells_it_of_others():
    """Networks are better the larger the second tensor's first statistic, whatever the others are."""
    random = torch.Generator().manual_seed(1)
    networks = [10 ** torch.randn(6, 2, generator=random).double() for _ in range(120)]
    scores = torch.tensor([math.log10(each[1, 0]) for each in networks])
    tokens = Tokens(networks)(networks)
    mixer = ZeroCostMixer(6, 3, 16, SeedStream(0))
    fit_mixer(mixer, tokens[:80], scores[:80], 200, 0.01, 0.5)
    with torch.no_grad():
        assert kendalltau(mixer(tokens[80:]), scores[80:])[0] > 0.6
        assert abs(kendalltau(ZeroCostMixer(6, 3, 16, SeedStream(0))(tokens[80:]), scores[80:])[0]) < 0.5


def parzc(tmp_path, **settings):
    kind = find_strategy("parzc")
    config = kind.Config.parse({"startup": 8, "every": 4, "pool": 40, "epochs": 80, **settings}, where="parzc")
    return kind(config, BENCH, objective(tmp_path), SeedStream(0))


SMALL = {
    "strategy.startup": 2,
    "strategy.every": 1,
    "strategy.pool": 8,
    "strategy.epochs": 5,
    "training.epochs": 2,
    "start": False,
}


@pytest.mark.parametrize("space", ["nas-bench-graph", "gnn-micro"])
def test_a_search_from_end_to_end_that_goes_on_the_same(space, tmp_path):
    def keys(trials, where):
        searched = gl.search(
            "parzc", example("node-classification"), space=space, trials=trials, store=tmp_path / where, **SMALL
        )
        return [each.key for each in searched.outcomes], [each.notes["ranked"] for each in searched.outcomes]

    whole = keys(5, "whole")
    keys(3, "stopped")
    assert keys(5, "stopped") == whole
    assert len(set(whole[0])) == 5 and whole[1] == [0, 0, 2, 3, 4]


def test_networks_from_outside_the_pool_are_learned_from_and_a_used_up_pool_is_followed_by_draws(tmp_path):
    """A search begins with those that people take."""
    searched = gl.search(
        "parzc",
        example("node-classification"),
        space="nas-bench-graph",
        trials=11,
        store=tmp_path,
        **{**SMALL, "strategy.pool": 3, "start": True},
    )
    assert len({each.key for each in searched.outcomes}) == 11
    assert [each.notes.get("ranked") for each in searched.outcomes[6:]] == [6, 7, 8, None, None]


def test_what_cannot_be_ranked_so(tmp_path):
    with pytest.raises(ConfigError, match="naswot has no value for a single parameter tensor"):
        parzc(tmp_path, proxies=("naswot",))
    with pytest.raises(IncompatibleError, match="synflow does not read graph-prediction"):
        gl.search(
            "parzc",
            example("graph-classification"),
            space="gnn-micro",
            trials=2,
            store=tmp_path,
            **{"strategy.proxies": ["synflow"]},
        )
