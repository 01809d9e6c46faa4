"""LPGNAS: who learns when, what beta does, the order of networks, and searches that go on as if never stopped."""

from __future__ import annotations

import itertools
import os
import signal

import pytest
import torch

import graphlab as gl
from graphlab.core.errors import ConfigError, IncompatibleError
from graphlab.core.seeds import SeedStream
from graphlab.nas.objectives.inner import searched
from graphlab.nas.objectives.training import TrainingObjective
from graphlab.nas.oneshot.controllers import settled
from graphlab.nas.oneshot.supernets import path
from graphlab.nas.registry import find_space
from graphlab.nas.strategies.lpgnas import LPGNAS, Config, losses_of_groups
from graphlab.records.store import Store
from graphlab.testing.examples import example

SPACE = find_space("gnn-micro-quantized")


def objective(folder):
    data = searched(example("node-classification"), "train", 0)
    searching = TrainingObjective(data, SPACE, Store(folder), settings={"training.epochs": 2, "dropout": 0.2})
    searching.keep_in(folder / "search")
    return searching


def strategy(folder, **settings):
    own = {"epochs": 4, "shrink": 64, "period": 1, "warm_up": 0.25, "format_warm_up": 0.5, **settings}
    config = Config.parse(own, where="test")
    return LPGNAS(config, SPACE, objective(folder), SeedStream(0))


def logits_of(controller):
    return {name: each.detach().clone() for name, each in controller.logits.items()}


def watched(searching, monkeypatch):
    """Both controllers' logits and the path after each epoch of its training."""
    training, seen, started = searching.make_training(), [], []
    start, descend = searching.start, training.descend
    monkeypatch.setattr(searching, "start", lambda: started.append(start()) or started[-1])

    def record(loss, mixture):
        seen.append((logits_of(started[0].architecture), logits_of(started[0].formats), mixture))
        return descend(loss, mixture)

    monkeypatch.setattr(training, "descend", record)
    searching.learn(training, 0.1)
    return seen


def is_at_start(logits):
    return not any(each.any() for each in logits.values())


def test_controllers_rest_while_what_is_before_them_warms_up(tmp_path, monkeypatch):
    seen = watched(strategy(tmp_path), monkeypatch)
    assert [is_at_start(architecture) for architecture, _, _ in seen] == [True, False, False, False]
    assert [is_at_start(formats) for _, formats, _ in seen] == [True, True, False, False]
    whole = strategy(tmp_path / "other").start().whole
    rounds_nothing = [all(torch.equal(mixture[name], whole[name]) for name in whole) for _, _, mixture in seen]
    assert rounds_nothing == [True, True, False, False]


def test_controllers_step_once_a_period(tmp_path, monkeypatch):
    seen = watched(strategy(tmp_path, period=2, warm_up=0, format_warm_up=0, epochs=5), monkeypatch)
    for part in (0, 1):
        logits = [torch.cat(list(each[part].values())) for each in seen]
        moved = [not torch.equal(one, other) for one, other in itertools.pairwise(logits)]
        assert is_at_start(seen[0][part]) and moved == [True, False, True, False]


def test_weights_see_one_path_at_a_time(tmp_path, monkeypatch):
    for _, _, mixture in watched(strategy(tmp_path), monkeypatch):
        assert set(mixture) == {decision.name for decision in SPACE.decisions}
        assert all(weights.sum() == weights.max() == 1 and not weights.requires_grad for weights in mixture.values())


def test_losses_of_groups_have_the_gradient_of_the_loss_for_all_decisions(tmp_path):
    """Without dropout, which draws others for other widths, and in full precision, since scales are those of widths."""
    searching = strategy(tmp_path)
    training, controllers = searching.make_training(), searching.start()
    training.supernet.eval()
    training.learner.train = lambda mode=True: training.learner
    (_, on_held_out), *_ = training.losses(1)
    logits = list(controllers.architecture.logits.values())

    def gradient(grouped):
        architecture, formats = controllers.drawn(SeedStream(3), with_formats=False)
        if not grouped:
            return torch.autograd.grad(on_held_out({**architecture, **settled(formats)}), logits)
        groups = controllers.architecture.grouped(architecture, apart=training.supernet.width_kinds)
        assert len(groups) == 3
        losses = list(losses_of_groups(groups, {**architecture, **formats}, on_held_out))
        assert all(torch.allclose(loss, losses[0]) for loss in losses)
        return torch.autograd.grad(sum(losses), logits, materialize_grads=True)

    whole, parts = gradient(grouped=False), gradient(grouped=True)
    assert any(each.any() for each in whole)
    for weight, other in zip(whole, parts, strict=True):
        torch.testing.assert_close(other, weight, rtol=1e-4, atol=1e-6)


def test_a_step_of_the_controllers_leaves_the_weights_alone(tmp_path, monkeypatch):
    searching = strategy(tmp_path, warm_up=0, format_warm_up=0, epochs=1)
    training = searching.make_training()
    before = [weight.detach().clone() for weight in training.weights]
    monkeypatch.setattr(training, "descend", lambda loss, mixture: training._losses.append(0.0))
    monkeypatch.setattr(training.engine, "after_epoch", lambda *values: None)
    controllers = searching.learn(training, 0.1)
    assert not is_at_start(logits_of(controllers.architecture)) and not is_at_start(logits_of(controllers.formats))
    assert all(torch.equal(old, new) for old, new in zip(before, training.weights, strict=True))
    assert all(weight.grad is None or not weight.grad.any() for weight in training.weights)


def test_more_beta_gives_fewer_bits(tmp_path):
    sizes = []
    for beta in (0.0, 10.0):
        searching = strategy(tmp_path / str(beta), epochs=24, lr=0.2, format_lr=0.2)
        training = searching.make_training()
        controllers = searching.learn(training, beta)
        sizes.append(float(controllers.size(training.supernet, with_formats=True).detach()))
    assert sizes[1] < 0.3 * sizes[0]
    first = next(searching.candidates(searching.make_training())).choices
    assert all(first[name] != "float32" for name in ("weight_format_1", "linear_format_1", "attention_format_1"))


def test_the_size_is_one_before_the_search_in_full_precision(tmp_path):
    searching = strategy(tmp_path)
    training, controllers = searching.make_training(), searching.start()
    training.supernet.mixture = path(SPACE, SPACE.hand_set()["gcn"])
    training.supernet(training.task.dataset.graph)
    assert float(controllers.size(training.supernet, with_formats=False).detach()) == pytest.approx(1.0)
    assert float(controllers.size(training.supernet, with_formats=True).detach()) < 1.0


def test_networks_come_by_probability_the_arg_max_first(tmp_path):
    searching = strategy(tmp_path, betas="0.1")
    training = searching.make_training()
    proposals = list(itertools.islice(searching.candidates(training), 6))
    chances = searching.learn(training, 0.1).chances()
    likely = {d.name: d.options[int(chances[d.name].argmax())] for d in SPACE.decisions}
    assert SPACE.key(proposals[0].choices) == SPACE.key(likely)
    assert [each.notes["probability"] for each in proposals] == sorted(
        (each.notes["probability"] for each in proposals), reverse=True
    )


def test_of_several_betas_each_names_one_in_turn(tmp_path):
    searching = strategy(tmp_path, betas="0,0.5,2")
    proposals = list(itertools.islice(searching.candidates(searching.make_training()), 7))
    assert [each.notes["beta"] for each in proposals] == [0, 0.5, 2, 0, 0.5, 2, 0]
    assert len({SPACE.key(each.choices) for each in proposals}) == 7
    alone = strategy(tmp_path / "alone", betas="0.5")
    assert next(alone.candidates(alone.make_training())).choices == proposals[1].choices


def front(folder, trials, **settings):
    own = {
        "strategy.epochs": 4,
        "strategy.period": 1,
        "strategy.shrink": 64,
        "training.epochs": 2,
        "strategy.betas": "0.1,5",
        **settings,
    }
    data, goals = example("node-classification"), ("validation", "bits")
    return gl.search(
        "lpgnas", data, space=SPACE.name, objectives=goals, trials=trials, store=folder, progress=False, **own
    )


def test_a_search_gives_a_front_and_goes_on_the_same(tmp_path):
    whole = front(tmp_path / "whole", 4, start=False)
    front(tmp_path / "parts", 2, start=False)
    again = front(tmp_path / "parts", 4, start=False)
    assert [outcome.key for outcome in again.outcomes] == [outcome.key for outcome in whole.outcomes]
    assert [outcome.metrics["bits"] for outcome in again.outcomes] == [o.metrics["bits"] for o in whole.outcomes]
    assert all(outcome.state == "finished" for outcome in whole.outcomes)
    assert whole.front and set(whole.df.columns) >= {"validation", "bits", "weight_format_1"}


@pytest.mark.parametrize("name", ["darts", "spos"])
def test_other_one_shot_strategies_search_formats_too(name, tmp_path):
    few = {"strategy.population": 2, "strategy.generations": 0} if name == "spos" else {}
    brief = {"strategy.epochs": 2, "strategy.shrink": 64, "training.epochs": 2, **few}
    data = example("node-classification")
    found = gl.search(name, data, space=SPACE.name, trials=2, start=False, store=tmp_path, progress=False, **brief)
    assert [outcome.state for outcome in found.outcomes] == ["finished"] * 2


def test_a_supernet_that_was_stopped_goes_on_to_the_same(tmp_path):
    def names(folder, stop_after=None):
        searching, done = strategy(folder, betas="0.1,1"), []

        def on_work(what, epoch, count):
            done.append(epoch)
            if len(done) == stop_after:
                os.kill(os.getpid(), signal.SIGINT)

        searching.objective.on_work = on_work
        return [each.choices for each in itertools.islice(searching.candidates(searching.make_training()), 4)], done

    expected, done = names(tmp_path / "whole")
    assert done == [1, 2, 3, 4] * 2
    with pytest.raises(KeyboardInterrupt):
        names(tmp_path / "stopped", stop_after=3)
    rest, done = names(tmp_path / "stopped")
    assert rest == expected and done == [4, 1, 2, 3, 4]


def test_what_cannot_be_searched_so(tmp_path):
    data = example("node-classification")
    with pytest.raises(IncompatibleError, match="gnn-micro has no number formats"):
        gl.search("lpgnas", data, space="gnn-micro", trials=2, store=tmp_path)
    with pytest.raises(ConfigError, match="what the space gnn-micro-quantized chooses"):
        gl.search("random", data, space=SPACE.name, trials=2, store=tmp_path, **{"transform.scheme": "w4a4"})
    for settings, problem in (
        ({"betas": "0.1,x"}, "betas are numbers"),
        ({"betas": "0.1,0.1"}, "different"),
        ({"betas": "-1"}, "0 or more"),
        ({"warm_up": 0.6, "format_warm_up": 0.5}, "format_warm_up is below"),
    ):
        with pytest.raises(ConfigError, match=problem):
            Config.parse(settings, where="test")
    assert Config.parse({"betas": 0.5}, where="test").values == [0.5]
