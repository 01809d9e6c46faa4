"""The variational auto-encoder against dense algebra in float64, and its noise."""

from __future__ import annotations

import math

import pytest
import torch
from torch.distributions import Normal, kl_divergence

from graphlab.core.errors import IncompatibleError
from graphlab.core.seeds import SeedStream
from graphlab.data.spec import LINK, DataSpec
from graphlab.experiment.plan import make_plan
from graphlab.model.registry import build_model
from graphlab.testing.examples import example
from graphlab.training.loop import fit
from tests.golden.outputs import NoCheckpoints
from tests.model.links import PAIRS, N, adjacency, graph_of, spec_of


def dense(model, graph):
    looped = adjacency(graph) + torch.eye(N, dtype=torch.float64)
    root = looped.sum(1).rsqrt()
    smooth = root[:, None] * looped * root
    x = graph.x.double() if model.has_features else torch.eye(N, dtype=torch.float64)
    hidden = smooth @ (smooth @ x @ model.first).relu()
    return hidden @ model.mean, hidden @ model.log_std


@pytest.mark.parametrize("features", [None, 5, 40])
def test_scores_of_evaluation_are_products_of_means(features):
    torch.manual_seed(0)
    model, graph = build_model("vgae", spec_of(features), {}).double().eval(), graph_of(features)
    mean, log_std = dense(model, graph)
    encoding = model.encode(graph)
    torch.testing.assert_close(encoding.log_std, log_std, rtol=1e-10, atol=1e-12)
    first, second = PAIRS.unbind(1)
    torch.testing.assert_close(model(graph, PAIRS), (mean @ mean.T)[first, second], rtol=1e-10, atol=1e-12)


def test_the_penalty_is_the_divergence_of_torch_over_the_number_of_nodes():
    torch.manual_seed(0)
    model, graph = build_model("vgae", spec_of(5), {}).double(), graph_of(5)
    mean, log_std = dense(model, graph)
    prior = Normal(torch.zeros_like(mean), torch.ones_like(mean))
    expected = kl_divergence(Normal(mean, log_std.exp()), prior).sum() / N**2
    torch.testing.assert_close(model.encoding_penalty(model.encode(graph)), expected)


def test_samples_have_the_mean_and_the_deviation_of_the_encoding():
    torch.manual_seed(0)
    model, graph = build_model("vgae", spec_of(5), {}).double().train(), graph_of(5)
    draws = 400
    encodings = [model.encode(graph) for _ in range(draws)]
    noise = torch.stack([(e.sample - e.mean) / e.log_std.exp() for e in encodings])
    assert noise.mean(0).abs().max() < 5 / math.sqrt(draws)
    assert (noise.std(0) - 1).abs().max() < 5 / math.sqrt(2 * draws)


def test_noise_is_of_seed_epoch_and_step_and_the_loss_has_the_penalty():
    plan = make_plan("vgae", example("links"), {"training.epochs": 3})
    task = plan.make_task(0)
    curves = [
        fit(plan.make_learner(task, 0), task, plan.training, SeedStream(seed).child("sampling"), NoCheckpoints()).curve
        for seed in (0, 0, 1)
    ]
    assert curves[0] == curves[1] != curves[2]


def test_the_deviation_learns_by_the_penalty_alone():
    torch.manual_seed(0)
    model, graph = build_model("vgae", spec_of(5), {}).train(), graph_of(5)
    model.encoding_penalty(model.encode(graph)).backward()
    assert model.log_std.grad.abs().sum() > 0 and model.mean.grad.abs().sum() > 0


def test_new_nodes_without_features_are_refused():
    with pytest.raises(IncompatibleError, match="vgae learns one vector"):
        build_model("vgae", DataSpec("node-pairs", (LINK,)), {})
