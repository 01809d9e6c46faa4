"""Weights behind masks: exact sparsity, schedules, the contract of transforms, rounding beside pruning."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from graphlab.core.errors import IncompatibleError
from graphlab.model.pruned_weights import LearnedMask, mask_weights, pruned_weights
from graphlab.model.transform import begin_epoch, is_settled, optimiser_groups, regularisers, weights
from graphlab.model.transforms.prune import Config, Prune
from graphlab.pruning.masks import kept_numbers
from graphlab.pruning.schedule import cubic_sparsity
from graphlab.pruning.scores import lamp_scores
from graphlab.testing.examples import example
from graphlab.testing.transforms import TRANSFORM_CHECKS, cases, check_checkpoint, check_step, train, transformed

NAME, CASES = "prune", cases()
FEW = [case for case in CASES if case[0] in ("gat", "gcn", "gin", "nbfnet", "transe", "ppgn")]
METHODS = ("global", "lamp", "polarised")


class Layers(nn.Module):
    """Two linear layers, of 50 weights."""

    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(6, 5), nn.Linear(5, 4))

    def forward(self, rows):
        return self.layers(rows)


def layers(**settings):
    torch.manual_seed(0)
    network = Layers()
    Prune(Config(**settings)).apply(network, example("node-classification").spec)
    return network


def kept(learner):
    return sum(mask.kept for _, mask in pruned_weights(learner))


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=" on ".join)
def test_every_model_trains_with_a_share_of_its_weights(case):
    check_step(NAME, {"sparsity": 0.5}, *case)
    check_checkpoint(NAME, {"sparsity": 0.5, "method": "lamp"}, *case)


@pytest.mark.parametrize("case", FEW, ids=" on ".join)
@pytest.mark.parametrize("check", TRANSFORM_CHECKS, ids=lambda check: check.__name__.removeprefix("check_"))
def test_contract(check, case):
    check(NAME, {"sparsity": 0.5, "method": "polarised"}, *case)
    check(NAME, {"sparsity": 0.5, "scheme": "w8a8"}, *case)


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=" on ".join)
@pytest.mark.parametrize("check", TRANSFORM_CHECKS, ids=lambda check: check.__name__.removeprefix("check_"))
def test_contract_of_every_model(check, case):
    for method in METHODS:
        check(NAME, {"sparsity": 0.5, "method": method}, *case)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("case", FEW, ids=" on ".join)
def test_a_trained_network_has_exactly_its_sparsity(case, method):
    plan, task, learner = transformed(NAME, {"sparsity": 0.8, "method": method}, *case)
    train(plan, task, learner)
    begin_epoch(learner, 2, 2)
    numbers = sum({id(mask): mask.mask.numel() for _, mask in pruned_weights(learner)}.values())
    unique = {id(mask): mask for _, mask in pruned_weights(learner)}
    assert sum(mask.kept for mask in unique.values()) == kept_numbers(numbers, 0.8)
    for path, mask in pruned_weights(learner):
        module, _, name = path.rpartition(".")
        weight = getattr(learner.get_submodule(module), name)
        assert not weight[~mask.mask].any()


def test_the_gradual_schedule_is_that_of_the_formula_and_masks_only_lose():
    network, numbers, before = layers(sparsity=0.9, begin=0.2, end=0.6), 50, None
    for epoch in range(1, 11):
        begin_epoch(network, epoch, 10)
        progress = min(max(((epoch - 1) / 10 - 0.2) / 0.4, 0), 1)
        assert kept(network) == kept_numbers(numbers, cubic_sparsity(progress, 0.9))
        assert is_settled(network) == (epoch >= 7)
        masks = torch.cat([mask.mask.flatten() for _, mask in pruned_weights(network)])
        assert before is None or not (masks & ~before).any()
        before = masks
        with torch.no_grad():
            for parameter in network.parameters():
                parameter.normal_()


def test_once_prunes_at_its_beginning_and_a_last_epoch_ends_every_schedule():
    network = layers(sparsity=0.5, schedule="once", begin=0.5, end=1.0)
    assert [(begin_epoch(network, epoch, 4), kept(network))[1] for epoch in range(1, 5)] == [50, 50, 25, 25]
    for settings in ({"begin": 0.9, "end": 1.0}, {"method": "polarised", "end": 1.0}):
        network = layers(sparsity=0.5, **settings)
        begin_epoch(network, 3, 3)
        assert kept(network) == 25 and is_settled(network)
    network = layers(sparsity=0.5)
    begin_epoch(network, 0, 0)
    assert kept(network) == 25 and is_settled(network)


@pytest.mark.parametrize("method", ["global", "lamp"])
def test_the_smallest_scores_go_first(method):
    network = layers(sparsity=0.6, method=method, schedule="once", begin=0.0)
    score = {"global": torch.abs, "lamp": lamp_scores}[method]
    originals = [layer.parametrizations.weight.original.detach() for layer in network.layers]
    scores = torch.cat([score(each).double().flatten() for each in originals])
    begin_epoch(network, 1, 1)
    masks = torch.cat([mask.mask.flatten() for _, mask in pruned_weights(network)])
    assert scores[masks].min() > scores[~masks].max() and masks.sum() == 20


def test_pruned_weights_have_no_gradient_and_others_that_of_the_plain_weight():
    network = layers(sparsity=0.5, schedule="once", begin=0.0)
    begin_epoch(network, 1, 1)
    network(torch.randn(3, 6)).square().sum().backward()
    for layer in network.layers:
        mask, gradient = layer.parametrizations.weight[0].mask, layer.parametrizations.weight.original.grad
        assert not gradient[~mask].any() and gradient[mask].any()


def test_the_regulariser_polarises_masks():
    """Masks that start near one come to zeros and ones, in the shares of the sparsity."""
    network = layers(sparsity=0.8, method="polarised", end=1.0, penalty=1.0)
    masks = [mask for _, mask in pruned_weights(network)]
    random = torch.Generator().manual_seed(0)
    for mask in masks:
        mask.score.data = 0.5 + 0.1 * torch.randn(mask.score.shape, generator=random)
    optimiser = torch.optim.Adam([mask.score for mask in masks], lr=0.02)
    (term,) = regularisers(network)
    for epoch in range(1, 200):
        begin_epoch(network, epoch, 10_000)
        optimiser.zero_grad()
        term.regularisation().backward()
        optimiser.step()
    soft = torch.cat([mask.soft.flatten() for mask in masks])
    assert ((soft < 0.05) | (soft > 0.95)).float().mean() > 0.9 and abs((soft > 0.5).float().mean() - 0.2) < 0.15


def test_a_learned_mask_is_folded_into_the_weight_once():
    weight, mask = nn.Parameter(torch.randn(4, 3)), LearnedMask(torch.zeros(4, 3))
    mask.score.data.uniform_(-0.5, 1.5)
    before = mask(weight).detach()
    mask.fix(weight)
    assert torch.equal(mask(weight), before)
    mask.fix(weight)
    assert torch.equal(mask(weight), before) and mask.score.grad is None


def test_a_shared_weight_has_one_mask():
    first, second = nn.Linear(3, 3), nn.Linear(3, 3)
    second.weight = first.weight
    network = nn.Sequential(first, second)
    (masked,) = mask_weights(list(weights(network)))
    masked.mask.mask[0] = False
    assert not first.weight[0].any() and torch.equal(first.weight, second.weight)
    assert [path for path, _ in pruned_weights(network)] == ["0.weight", "1.weight"]


def test_masks_are_trained_without_decay():
    network = layers(method="polarised", lr_factor=2.0)
    groups = optimiser_groups(network, lambda: [{"params": list(network.parameters()), "weight_decay": 1.0}])
    scores = [id(mask.score) for _, mask in pruned_weights(network)]
    own = [group for group in groups if {id(each) for each in group["params"]} & set(scores)]
    assert [id(each) for group in own for each in group["params"]] == scores
    assert all(group["weight_decay"] == 0 and group["lr_factor"] == 2.0 for group in own)


def test_what_cannot_be_pruned_is_refused():
    with pytest.raises(IncompatibleError, match="no weight"):
        transformed(NAME, {}, "common-neighbours", "links")
    with pytest.raises(ValueError, match="before end"):
        Config(begin=0.5, end=0.5)
