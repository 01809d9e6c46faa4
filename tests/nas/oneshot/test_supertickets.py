"""Tickets straight from a supernet: what leaves when, and that the ticket is the supernet's own network, masked."""

from __future__ import annotations

import os
import signal
from itertools import pairwise

import pytest
import torch
from torch import nn

from graphlab.core.errors import IncompatibleError
from graphlab.core.seeds import SeedStream
from graphlab.model.pruned_weights import pruned_weights
from graphlab.nas.objectives.inner import searched
from graphlab.nas.objectives.training import TrainingObjective
from graphlab.nas.oneshot import supertickets
from graphlab.nas.oneshot.supernets import path
from graphlab.nas.oneshot.supertickets import draw_super_ticket, mixture_of, remove_options
from graphlab.nas.oneshot.training import SupernetTraining
from graphlab.nas.registry import find_space
from graphlab.pruning.masks import kept_numbers
from graphlab.records.store import Store
from graphlab.testing.examples import example

SPACE = find_space("nas-bench-graph")
EPOCHS = 10


def training_of(folder, space=SPACE, epochs=EPOCHS):
    data = searched(example("node-classification"), "train", 0)
    objective = TrainingObjective(data, space, Store(folder), settings={"training.epochs": 4, "dropout": 0.2})
    objective.keep_in(folder / "search")
    return SupernetTraining(space, objective, SeedStream(3), epochs, 8, 1)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    training = training_of(tmp_path_factory.mktemp("supernet"))
    return training, draw_super_ticket(training, 0.7)


def test_the_ticket_has_its_sparsity_and_a_network_of_the_space(drawn):
    _, ticket = drawn
    numbers = sum(mask.numel() for mask in ticket.masks.values())
    assert sum(int(mask.sum()) for mask in ticket.masks.values()) <= kept_numbers(numbers, 0.7)
    assert 0.7 - 0.5 / numbers <= ticket.sparsity < 1
    assert SPACE.is_valid(ticket.architecture) and SPACE.canonical(ticket.choices) == ticket.architecture


def test_the_ticket_is_the_network_of_the_supernet_with_its_masks(drawn):
    """The validation metric again; and other weights than those of the masks change no row."""
    training, ticket = drawn
    assert training.sign * training.score(path(SPACE, ticket.choices)) == ticket.validation
    graph, learner = training.task.dataset.graph, training.learner.eval()
    with torch.no_grad():
        rows = learner.model(graph)
        for name, mask in pruned_weights(learner):
            module, _, weight = name.rpartition(".")
            chain = learner.get_submodule(module).parametrizations[weight]
            is_read = name in ticket.masks
            assert not is_read or torch.equal(mask.mask, ticket.masks[name])
            chain.original[~mask.mask if is_read else ...] = 123.0
        assert torch.equal(learner.model(graph), rows)


def test_options_leave_one_after_another_until_one_is_left():
    random = torch.Generator().manual_seed(0)
    logits = nn.ParameterDict({"a": torch.randn(9, generator=random), "b": torch.randn(2, generator=random)})
    first = {name: each.detach().clone() for name, each in logits.items()}
    for progress, left in ((0.0, (9, 2)), (0.34, (6, 2)), (0.5, (5, 1)), (1.0, (1, 1)), (0.2, (1, 1))):
        remove_options(logits, progress)
        mixture = mixture_of(logits)
        assert tuple(int((each > 0).sum()) for each in mixture.values()) == left
        for name, weights in mixture.items():
            assert weights.sum().item() == pytest.approx(1)
            present = weights > 0
            assert first[name][present].min() >= first[name][~present].max() if (~present).any() else True


def test_a_draw_that_was_stopped_goes_on_to_the_same_ticket(drawn, tmp_path):
    stopped = training_of(tmp_path)
    stopped.objective.on_work = lambda what, epoch, count: os.kill(os.getpid(), signal.SIGINT) if epoch == 4 else None
    with pytest.raises(KeyboardInterrupt):
        draw_super_ticket(stopped, 0.7)
    again = draw_super_ticket(training_of(tmp_path), 0.7)
    assert again.choices == drawn[1].choices and again.validation == drawn[1].validation
    assert all(torch.equal(again.masks[name], mask) for name, mask in drawn[1].masks.items())


def test_weights_that_leave_do_not_come_back(monkeypatch, tmp_path):
    seen = []
    prune = supertickets._prune

    def noted(masked, *rest):
        prune(masked, *rest)
        seen.append(torch.cat([each.mask.mask.flatten() for each in masked]))

    monkeypatch.setattr(supertickets, "_prune", noted)
    draw_super_ticket(training_of(tmp_path), 0.5)
    assert len(seen) == EPOCHS and seen[0].all() and not seen[-1].all()
    assert not any((later & ~earlier).any() for earlier, later in pairwise(seen))


def test_a_supernet_that_reads_weights_in_parts_is_refused(tmp_path):
    with pytest.raises(IncompatibleError, match="in parts"):
        draw_super_ticket(training_of(tmp_path, find_space("gnn-micro"), 2), 0.5)
