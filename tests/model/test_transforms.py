"""Transforms of learners: rounded weights and activations, observers, and what optimisers get of both."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrize

from graphlab.core.errors import IncompatibleError
from graphlab.core.seeds import SeedStream
from graphlab.model.observation import MinMaxObserver, install_observers, observe, points_of
from graphlab.model.registry import TRANSFORMS
from graphlab.model.transform import optimiser_groups, parametrise, weights
from graphlab.model.transforms.quantize import Config, Quantize
from graphlab.testing.examples import example
from graphlab.testing.small_models import small_plan
from graphlab.testing.transforms import TRANSFORM_CHECKS, cases, check_checkpoint, check_step, train, transformed

NAME, CASES = "quantize", cases()
WEIGHTS, OF_FOUR_BITS = {"scheme": "weight=int8-symmetric-channel"}, {"scheme": "weight=int4-symmetric-channel"}
OBSERVED = [
    case for case in CASES if case[0] in ("gat", "gcn", "gin", "nbfnet", "ultra", "ppgn", "ppgn-normalised", "gae")
]


def test_the_transform_is_registered_and_nearly_all_models_have_parameters():
    assert NAME in TRANSFORMS.names() and len(CASES) >= 40 and len(OBSERVED) == 8


@pytest.mark.parametrize("case", CASES, ids=" on ".join)
def test_every_model_trains_with_eight_bits(case):
    check_step(NAME, {"scheme": "w8a8"}, *case)
    check_checkpoint(NAME, WEIGHTS, *case)


@pytest.mark.parametrize("case", OBSERVED, ids=" on ".join)
@pytest.mark.parametrize("check", TRANSFORM_CHECKS, ids=lambda check: check.__name__.removeprefix("check_"))
def test_contract_with_activations(check, case):
    check(NAME, {"scheme": "w8a8,message=int8,aggregate=int8"}, *case)


RARE_MARKS = {"policy-learn"}
"""Models that mark a node of many. A learned step begins at the mean of all values, from which a mark is so far that it
is cut off, and no gradient passes at first."""


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=" on ".join)
@pytest.mark.parametrize("check", TRANSFORM_CHECKS, ids=lambda check: check.__name__.removeprefix("check_"))
def test_contract_of_every_model(check, case):
    for settings in ({"scheme": "w8a8"}, OF_FOUR_BITS, {"scheme": "w4a4", "steps": "learned"}):
        if not (check is check_step and case[0] in RARE_MARKS and settings.get("steps") == "learned"):
            check(NAME, settings, *case)


@pytest.mark.parametrize("case", CASES, ids=" on ".join)
def test_weights_are_on_their_grid_in_the_forward_pass(case):
    """Each channel holds whole multiples, at most 7 of them, of a 7th of its largest parameter."""
    plan, task, learner = transformed(NAME, OF_FOUR_BITS, *case)
    seen = 0
    for module in learner.modules():
        if not parametrize.is_parametrized(module):
            continue
        for name, chain in module.get_submodule("parametrizations").named_children():
            channel = getattr(module, "output_dims", {}).get(name, 0)
            weight = getattr(module, name).detach().movedim(channel, 0).flatten(1).double()
            original = chain.original.detach().movedim(channel, 0).flatten(1).double()
            step = (original.abs().amax(1, keepdim=True) / 7).clamp(min=1e-30)
            torch.testing.assert_close(weight / step, (original / step).round(), rtol=0, atol=1e-4)
            seen += 1
    assert seen == len(list(weights(replace(plan, components={}).make_learner(task, 0))))


POINTED = (
    "astarnet",
    "fwl/fwl2",
    "gat",
    "gin",
    "gnn-micro",
    "graph-transformer",
    "nas-bench-graph",
    "nbfnet",
    "ppgn",
    "ppgn-normalised",
    "subgraph/sswl-plus",
    "ultra",
)
"""Models of modules that name points of their own."""

POINTS = {
    "gcn": {"lin.input", "lin.output", "message", "aggregate"},
    "gat": {"lin.input", "lin.output", "message", "aggregate", "attention"},
}


@pytest.mark.parametrize("model", POINTS)
def test_min_max_observers_record_the_range_of_every_point(model):
    """Of each point of a convolution, against the values that the convolution computes by its formula."""
    plan = small_plan(model, example("node-classification"))
    task = plan.make_task(0)
    learner = plan.make_learner(task, 0)
    observers = install_observers(learner, lambda point: MinMaxObserver())
    of_layers = {f"model.convs.{k}.{point}" for k in range(2) for point in POINTS[model]}
    assert observers.keys() == of_layers | {{"gcn": "model.adjacency", "gat": "model.convs.0.states"}[model]}
    train(plan, task, learner)
    assert all(observers[point].high > observers[point].low for point in of_layers)
    plain = plan.make_learner(task, 0).train()
    x, edge_index = task.batches(SeedStream(0))[0].x, task.batches(SeedStream(0))[0].edge_index
    mapped = plain.model.convs[0].lin(x).detach()
    assert_range(observers["model.convs.0.lin.output"], mapped)
    if model == "gat":
        _, (_, coefficients) = plain.model.convs[0](x, edge_index, return_attention_weights=True)
        assert_range(observers["model.convs.0.attention"], coefficients)
    else:
        loops = torch.arange(len(x))
        source, target = torch.cat([edge_index, loops.expand(2, -1)], dim=1)
        degree = target.bincount().float()
        messages = (degree[source] * degree[target]).rsqrt()[:, None] * mapped[source]
        assert_range(observers["model.convs.0.message"], messages)
        assert_range(
            observers["model.convs.0.aggregate"], torch.zeros_like(mapped).index_add(0, target, messages), atol=1e-5
        )


@pytest.mark.parametrize("case", [case for case in CASES if case[0] in POINTED], ids=" on ".join)
def test_every_point_that_a_model_names_has_values(case):
    plan, task, _ = transformed(NAME, {}, *case)
    learner = replace(plan, components={}).make_learner(task, 0)
    named = {
        f"{path}.{point}"
        for path, module in learner.named_modules()
        for point in getattr(module, "observation_points", ())
    }
    observers = install_observers(learner, lambda point: MinMaxObserver())
    train(plan, task, learner)
    silent = [point for point in named if observers[point].low == observers[point].high]
    assert named and not silent


def assert_range(observer, values, atol=1e-6):
    low, high = min(values.min().item(), 0.0), max(values.max().item(), 0.0)
    assert (observer.low.item(), observer.high.item()) == pytest.approx((low, high), abs=atol)


def test_a_network_without_observers_has_no_hooks_and_gets_its_own_tensors_back():
    plan = small_plan("nbfnet", example("links"))
    learner = plan.make_learner(plan.make_task(0), 0)
    assert not any(module._forward_hooks for module in learner.modules())
    value = torch.randn(3)
    points = [(module, point) for module in learner.modules() for point in getattr(module, "observation_points", ())]
    assert points and all(observe(module, point, value) is value for module, point in points)


def test_observers_of_one_network_are_not_those_of_another():
    first, second = nn.Linear(2, 2), nn.Linear(2, 2)
    observer = install_observers(first, lambda point: MinMaxObserver())["output"]
    second(torch.ones(1, 2))
    assert observer.low == observer.high == 0
    first(torch.ones(1, 2))
    assert observer.low != observer.high
    assert points_of(second) == ("input", "output") and "observers" not in second._modules


def test_groups_of_an_optimiser_hold_what_is_trained():
    """A model that names its weight, one that lists parameters, and a parameter that the transform adds."""

    class Scaled(nn.Module):
        def __init__(self):
            super().__init__()
            self.factor = nn.Parameter(torch.ones(()))

        def forward(self, weight):
            return self.factor * weight

    layer = nn.Linear(2, 3)
    weight, bias = layer.weight, layer.bias
    scaled = Scaled()
    parametrise(layer, "weight", scaled)
    groups = optimiser_groups(
        layer, lambda: [{"params": [layer.weight], "weight_decay": 1.0}, {"params": [layer.bias]}]
    )
    assert [[id(each) for each in group["params"]] for group in groups] == [
        [id(weight)],
        [id(bias)],
        [id(scaled.factor)],
    ]
    assert groups[0]["weight_decay"] == 1.0 and groups[-1]["weight_decay"] == 0.0
    torch.optim.Adam(groups)
    listed = optimiser_groups(layer, lambda: [{"params": list(layer.parameters())}])
    assert {id(each) for each in listed[0]["params"]} == {id(weight), id(bias), id(scaled.factor)} and len(listed) == 1


def test_a_model_without_weights_is_refused():
    with pytest.raises(IncompatibleError, match="no weight"):
        transformed(NAME, {}, "common-neighbours", "links")
    with pytest.raises(IncompatibleError, match="no weight"):
        Quantize(Config()).apply(nn.LayerNorm(3), example("links").spec)
