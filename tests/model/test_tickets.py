"""Lottery tickets on weights and on edges: what a round prunes, where it goes back to, and their contract."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from graphlab.core.errors import IncompatibleError, InputError
from graphlab.core.seeds import SeedStream
from graphlab.experiment.plan import Component
from graphlab.model.edge_mask import LEAST
from graphlab.model.pruned_weights import pruned_weights
from graphlab.model.transform import TRANSFORM, begin_epoch, is_settled, regularisers
from graphlab.pruning.masks import kept_numbers
from graphlab.testing.transforms import TRANSFORM_CHECKS, cases, train, transformed

CASES = cases()
FEW = [case for case in CASES if case[0] in ("gat", "gcn", "gin", "nbfnet", "ppgn")]
GCN = next(case for case in CASES if case[0] == "gcn")
NODES = ("gcn", "node-classification")


@pytest.mark.parametrize("case", FEW, ids=" on ".join)
@pytest.mark.parametrize("check", TRANSFORM_CHECKS, ids=lambda check: check.__name__.removeprefix("check_"))
def test_contract_of_tickets(check, case):
    check("ticket", {}, *case)


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=" on ".join)
@pytest.mark.parametrize("check", TRANSFORM_CHECKS, ids=lambda check: check.__name__.removeprefix("check_"))
def test_contract_of_tickets_of_every_model(check, case):
    check("ticket", {}, *case)


@pytest.mark.parametrize("model", ["gcn", "gin", "linkx", "sage-sep"])
@pytest.mark.parametrize("check", TRANSFORM_CHECKS, ids=lambda check: check.__name__.removeprefix("check_"))
def test_contract_of_graph_tickets(check, model):
    check("graph-ticket", {}, model, "node-classification")


def next_round(transform, before, seed=0, **settings):
    """A learner with the state of another, one round on."""
    plan, task, _ = transformed(transform, settings, *NODES)
    learner = plan.make_learner(task, seed)
    learner.load_state_dict(before.state_dict())
    return plan, task, learner


def parameters(learner):
    return {
        name.replace("parametrizations.", "").removesuffix(".original"): each.detach().clone()
        for name, each in learner.named_parameters()
        if not name.endswith("score")
    }


def first_round(transform="ticket", epochs=4, **settings):
    """Trained for some epochs; its parameters at the beginning of each."""
    plan, task, learner = transformed(transform, settings, *NODES)
    starts = []
    for epoch in range(1, epochs + 1):
        begin_epoch(learner, epoch, epochs)
        starts.append(parameters(learner))
        one_step(plan, task, learner, epoch)
    return learner, starts


def one_step(plan, task, learner, epoch):
    optimiser = torch.optim.SGD(learner.parameters(), lr=0.5)
    SeedStream(0).child("epoch", epoch).seed_torch()
    loss = task.loss(learner.train(), task.batches(SeedStream(0))[0])
    (loss + sum(term.regularisation() for term in regularisers(learner))).backward()
    optimiser.step()


@pytest.mark.parametrize("transform", ["ticket", "graph-ticket"])
@pytest.mark.parametrize("rewind_epoch", [0, 2])
def test_a_round_goes_back_to_the_early_epoch_of_the_first(transform, rewind_epoch):
    learner, starts = first_round(transform, rewind_epoch=rewind_epoch)
    for sparsity in (0.3, 0.6):
        plan, task, learner = next_round(transform, learner, rewind_epoch=rewind_epoch, sparsity=sparsity)
        begin_epoch(learner, 1, 4)
        now = parameters(learner)
        assert now.keys() == starts[0].keys()
        assert all(torch.equal(now[name], starts[rewind_epoch][name]) for name in now)
        numbers = sum(mask.mask.numel() for _, mask in pruned_weights(learner))
        assert sum(mask.kept for _, mask in pruned_weights(learner)) == kept_numbers(numbers, sparsity)
        one_step(plan, task, learner, 1)


def test_selection_waits_until_the_early_epoch_is_kept():
    _, _, learner = transformed("ticket", {"rewind_epoch": 2}, *NODES)
    assert [(begin_epoch(learner, epoch, 5), is_settled(learner))[1] for epoch in (1, 2, 3, 4)] == [0, 0, 1, 1]


def test_the_smallest_trained_weights_are_pruned_and_stay_so():
    learner, _ = first_round()
    trained = torch.cat([parameters(learner)[path].abs().flatten() for path, _ in pruned_weights(learner)])
    _, _, second = next_round("ticket", learner, sparsity=0.5)
    begin_epoch(second, 1, 4)
    mask = torch.cat([each.mask.flatten() for _, each in pruned_weights(second)])
    assert trained[mask].min() >= trained[~mask].max()
    _, _, third = next_round("ticket", second, sparsity=0.8)
    begin_epoch(third, 1, 4)
    later = torch.cat([each.mask.flatten() for _, each in pruned_weights(third)])
    assert not (later & ~mask).any()


def test_the_control_has_the_masks_of_the_ticket_and_weights_of_its_own():
    learner, _ = first_round()
    _, _, ticket = next_round("ticket", learner, sparsity=0.5)
    begin_epoch(ticket, 1, 4)
    plan, task, control = next_round("ticket", ticket, seed=7, sparsity=0.5, restart="random")
    begin_epoch(control, 1, 4)
    fresh, now = parameters(plan.make_learner(task, 7)), parameters(control)
    assert all(torch.equal(fresh[name], now[name]) for name in fresh)
    of_ticket, of_control = (dict(pruned_weights(each)) for each in (ticket, control))
    assert all(torch.equal(of_ticket[path].mask, of_control[path].mask) for path in of_ticket)
    assert any(not torch.equal(now[name], parameters(ticket)[name]) for name in now)


def test_rounds_that_cannot_be_are_refused():
    _, _, learner = transformed("ticket", {"sparsity": 0.5}, *NODES)
    with pytest.raises(InputError, match="first round"):
        begin_epoch(learner, 1, 4)
    _, _, learner = transformed("ticket", {"rewind_epoch": 4}, *NODES)
    with pytest.raises(InputError, match="no epoch 5"):
        begin_epoch(learner, 1, 4)
    learner, _ = first_round("graph-ticket")
    _, _, fixed = next_round("graph-ticket", learner, sparsity=0.2, masks="fixed")
    begin_epoch(fixed, 1, 4)
    _, _, later = next_round("graph-ticket", fixed, sparsity=0.4)
    with pytest.raises(InputError, match="fixed masks"):
        begin_epoch(later, 1, 4)
    with pytest.raises(IncompatibleError, match="several graphs"):
        transformed("graph-ticket", {}, "gin", "graph-classification")
    for model in ("gat", "mlp", "sage"):
        with pytest.raises(IncompatibleError, match="reads no weights of edges"):
            transformed("graph-ticket", {}, model, "node-classification")


def test_pruned_edges_are_as_if_they_were_not_there():
    """Logits, and gradients of weights, are those of the plain network on the graph without them."""
    learner, _ = first_round("graph-ticket")
    plan, task, pruned = next_round("graph-ticket", learner, edge_sparsity=0.4, masks="fixed")
    begin_epoch(pruned, 1, 4)
    graph = task.batches(SeedStream(0))[0]
    mask = pruned.ticket.edges.mask
    assert int(mask.sum()) == kept_numbers(graph.num_edges, 0.4) < graph.num_edges
    plain = replace(plan, components={}).make_learner(task, 0)
    plain.load_state_dict(parameters(pruned))
    without = graph.clone()
    without.edge_index = graph.edge_index[:, mask]
    for each, seen in ((pruned, graph), (plain, without)):
        each.eval()
        each.head(each.model(seen), seen).square().mean().backward()
    assert torch.equal(pruned.model(graph), plain.model(without))
    gradient = dict(plain.named_parameters())
    for name, each in pruned.named_parameters():
        if name.endswith("original"):
            own = name.replace("parametrizations.", "").removesuffix(".original")
            torch.testing.assert_close(each.grad, gradient[own].grad)
    assert graph.edge_index.size(1) == len(mask), "the batch itself is as it was"


def test_learned_edges_have_the_gradient_of_their_weights():
    """Against central differences in float64; the score of an edge is its weight."""
    _, task, learner = transformed("graph-ticket", {}, *NODES)
    learner.double().eval()
    graph = task.batches(SeedStream(0))[0].clone()
    graph.x = graph.x.double()
    begin_epoch(learner, 1, 4)
    edges = learner.ticket.edges

    def value():
        return learner.model(graph).double().square().mean()

    value().backward()
    for edge in range(0, len(edges.score), 97):
        with torch.no_grad():
            gradients = []
            for step in (1e-2, -1e-2):
                edges.score[edge] += step
                gradients.append(value())
                edges.score[edge] -= step
        difference = (gradients[0] - gradients[1]) / 2e-2
        torch.testing.assert_close(edges.score.grad[edge], difference, rtol=2e-2, atol=1e-6)
    with torch.no_grad():
        edges.score[0] = -3.0
    assert edges.visible(graph).edge_weight.min().item() == pytest.approx(LEAST)


def test_the_penalty_is_the_mean_magnitude_of_both_masks():
    _, _, learner = transformed("graph-ticket", {"penalty": 2.0, "edge_penalty": 3.0}, *NODES)
    begin_epoch(learner, 1, 4)
    (term,) = regularisers(learner)
    assert term.regularisation().item() == pytest.approx(5.0)
    with torch.no_grad():
        learner.ticket.edges.score.fill_(-0.5)
    assert term.regularisation().item() == pytest.approx(3.5)


def test_edges_of_the_smallest_numbers_go_first():
    learner, _ = first_round("graph-ticket")
    edges = learner.ticket.edges
    with torch.no_grad():
        edges.score.copy_(torch.linspace(-1, 1, len(edges.score)).flip(0))
    _, _, second = next_round("graph-ticket", learner, edge_sparsity=0.25)
    begin_epoch(second, 1, 4)
    kept = kept_numbers(len(edges.mask), 0.25)
    assert second.ticket.edges.mask[:kept].all() and not second.ticket.edges.mask[kept:].any()
    assert second.ticket.edges.score.eq(1).all()


@pytest.mark.parametrize("model", ["gcn", "gin", "linkx", "sage-sep"])
def test_learned_edges_have_a_gradient(model):
    plan, task, learner = transformed("graph-ticket", {"edge_penalty": 0.0}, model, NODES[1])
    begin_epoch(learner, 1, 4)
    one_step(plan, task, learner, 1)
    assert learner.ticket.edges.score.grad.ne(0).float().mean() > 0.5
    begin_epoch(learner, 2, 4)


@pytest.mark.parametrize("model", ["appnp", "gcnii", "sgc"])
def test_a_model_without_gradient_of_edges_is_refused_after_an_epoch(model):
    plan, task, learner = transformed("graph-ticket", {}, model, NODES[1])
    begin_epoch(learner, 1, 4)
    one_step(plan, task, learner, 1)
    with pytest.raises(IncompatibleError, match="no gradient of weights of edges"):
        begin_epoch(learner, 2, 4)


def test_components_are_registered():
    for name in ("ticket", "graph-ticket"):
        assert Component.parse(TRANSFORM, name, {}).name == name
    assert train(*transformed("ticket", {}, *GCN))
