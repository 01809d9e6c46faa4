"""Evolution by moves that preserve the function: what a child starts from, and what a search comes to."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import graphlab as gl
from graphlab.core.errors import IncompatibleError
from graphlab.nas.core.outcome import Evaluation
from graphlab.nas.elastic.moves import Move, moved, moves_from, roots
from graphlab.nas.objectives.growing import GrowingObjective
from graphlab.nas.objectives.inner import searched
from graphlab.nas.registry import find_space
from graphlab.records.store import Store
from graphlab.testing.examples import example, examples_of

SAGE = find_space("elastic-sage")
GRAPHS = next(data for data in examples_of("graph-prediction").values() if data.spec.output.type == "class")
DATA = {"nodes": example("node-classification"), "graphs": GRAPHS}


def objective(folder, space=SAGE, data=DATA["nodes"], **settings):
    inner = searched(data, "validation", 0)
    growing = GrowingObjective(inner, space, Store(folder), warm_up=2, settings={"training.epochs": 4, **settings})
    growing.keep_in(folder / "search")
    return growing


def learner_of(growing, values):
    plan = growing.plan(values)
    task = plan.make_task(0)
    return plan.make_learner(task, 0).eval(), task


def leave(growing, values, score):
    """The weights of an evaluation with this score."""
    learner, task = learner_of(growing, values)
    torch.manual_seed(round(100 * score))
    with torch.no_grad():
        for parameter in learner.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    growing.weights.put(SAGE.key(values), Evaluation({"validation": score}), score, growing.roles(learner, values, 0))
    return task.predict(learner, "validation")


@pytest.mark.parametrize("items", sorted(DATA))
def test_a_child_computes_what_its_parent_did(items, tmp_path):
    growing = objective(tmp_path, data=DATA[items])
    for place, move in enumerate(moves_from(SAGE, SAGE.smallest())):
        growing.keep_in(tmp_path / str(place))
        rows = leave(growing, SAGE.smallest(), 0.5)
        child = moved(SAGE, SAGE.smallest(), move)
        learner, task = learner_of(growing, child)
        assert not torch.allclose(task.predict(learner, "validation"), rows, atol=1e-3)
        assert growing.inherit(learner, child, 0) == learner.num_parameters
        assert torch.allclose(task.predict(learner, "validation"), rows, atol=1e-5)


def test_the_best_parent_passes_its_weights_on(tmp_path):
    growing = objective(tmp_path)
    child = SAGE.of_hidden([(1, 16), (1, 16)])
    parents = {
        "by width": SAGE.of_hidden([(1, 8), (1, 16)]),
        "by depth": SAGE.of_hidden([(1, 16)]),
        "by the other width": SAGE.of_hidden([(1, 16), (1, 8)]),
    }
    rows = {name: leave(growing, values, 0.2 * k) for k, (name, values) in enumerate(parents.items(), start=1)}
    leave(growing, SAGE.largest(), 0.9)
    leave(growing, SAGE.of_hidden([(1, 128), (1, 8)]), 0.8)
    assert [parent for parent, _ in growing.parents(child)] == list(parents.values())[::-1]
    learner, task = learner_of(growing, child)
    assert growing.inherit(learner, child, 0)
    assert torch.allclose(task.predict(learner, "validation"), rows["by the other width"], atol=1e-5)


def test_what_has_no_parent_inherits_nothing(tmp_path):
    growing = objective(tmp_path)
    leave(growing, SAGE.largest(), 0.9)
    learner, _ = learner_of(growing, SAGE.smallest())
    before = [parameter.clone() for parameter in learner.parameters()]
    assert growing.inherit(learner, SAGE.smallest(), 0) == 0
    assert all(torch.equal(a, b) for a, b in zip(before, learner.parameters(), strict=True))


def test_weights_of_another_seed_do_not_grow(tmp_path):
    growing = objective(tmp_path)
    leave(growing, SAGE.smallest(), 0.5)
    child = moved(SAGE, SAGE.smallest(), Move("width", 0, 16))
    learner, _ = learner_of(growing, child)
    assert growing.inherit(learner, child, 1) == 0


def test_a_child_is_trained_for_few_epochs_and_a_first_network_whole(tmp_path):
    growing = objective(tmp_path)
    first = growing.evaluate(SAGE.smallest(), lambda step, value: None)
    child = moved(SAGE, SAGE.smallest(), Move("depth", 0))
    second = growing.evaluate(child, lambda step, value: None)
    assert (first.metrics["inherited"], first.metrics["epochs"]) == (0.0, 4.0)
    assert (second.metrics["inherited"], second.metrics["epochs"]) == (1.0, 2.0)
    assert growing.evaluate(child, lambda step, value: None).metrics == second.metrics, "read from what it left"


def search(folder, space="elastic-sage", trials=6, **settings):
    own = {"trials": trials, "start": False, "store": folder, "device": "cpu", "progress": False, "sharing": 2}
    return gl.search("eas", DATA["nodes"], space=space, **{**own, "training.epochs": 4, **settings})


@pytest.mark.parametrize("space", ["elastic-gat", "elastic-gcn", "elastic-sage"])
def test_a_search_grows_from_the_narrowest_networks(space, tmp_path):
    result = search(tmp_path, space, **{"strategy.population": 4, "strategy.tournament": 2})
    outcomes, chosen = result.outcomes, result.plan.space
    first = roots(chosen)
    assert [outcome.values for outcome in outcomes[: len(first)]] == first
    by_key = {outcome.key: outcome for outcome in outcomes}
    for outcome in outcomes[len(first) :]:
        parent = by_key[outcome.notes["parent"]]
        assert outcome.values in [moved(chosen, parent.values, move) for move in moves_from(chosen, parent.values)]
        assert outcome.metrics["inherited"] == 1.0 and outcome.metrics["epochs"] == 2
    assert len(by_key) == 6


def test_a_search_for_more_goes_on_as_one_search(tmp_path):
    whole = search(tmp_path / "whole")
    search(tmp_path / "stopped", trials=3)
    goes_on = search(tmp_path / "stopped")
    assert [(each.key, each.score) for each in goes_on.outcomes] == [(each.key, each.score) for each in whole.outcomes]


def test_a_search_that_has_grown_out_goes_on_by_chance(tmp_path):
    """Where no network alive has a new child."""
    result = search(tmp_path, "elastic-gcn", trials=4)
    strategy = result.plan.strategy
    for outcome in result.outcomes:
        strategy.tell(outcome)
    for outcome in result.outcomes:
        strategy.seen |= {strategy.space.key(values) for values in strategy.children(outcome)}
    proposal = strategy.ask(np.random.default_rng(0))
    assert "parent" not in proposal.notes


def test_what_eas_does_not_search(tmp_path):
    with pytest.raises(IncompatibleError, match="set sharing"):
        search(tmp_path, sharing=None)
    with pytest.raises(IncompatibleError, match="no moves that preserve"):
        search(tmp_path, "gnn-micro")
    with pytest.raises(IncompatibleError, match="do not grow"):
        search(tmp_path, transform="quantize")
