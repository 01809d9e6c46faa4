"""The loop: it goes on from any step to the same end, selects on validation alone, and says when it diverges."""

import io
import signal
from contextlib import nullcontext

import pytest
import torch
from torch import nn

from graphlab.core.seeds import SeedStream
from graphlab.experiment.plan import make_plan
from graphlab.task.base import Shard
from graphlab.testing.examples import example
from graphlab.training import loop
from graphlab.training.config import TrainingConfig
from graphlab.training.interrupt import StopRequest
from graphlab.training.loop import evaluate, fit
from graphlab.training.optim import Engine
from graphlab.training.state import Best

STREAM = SeedStream(0).child("sampling")


class Memory:
    """Checkpoints kept as the bytes that would be written."""

    def __init__(self):
        self.saved = {}
        self.history = []

    def save_checkpoint(self, name, state):
        file = io.BytesIO()
        torch.save(state, file)
        self.saved[name] = file.getvalue()
        self.history.append((name, file.getvalue()))

    def restore_checkpoint(self, name, device, restore):
        return name in self.saved and (restore(self.state(name)), True)[1]

    def state(self, name):
        return torch.load(io.BytesIO(self.saved[name]), weights_only=True)


def start(model="gin", name="graph-classification", **overrides):
    plan = make_plan(model, example(name), overrides)
    task = plan.make_task(0)
    return plan.make_learner(task, 0), task, plan.training


def same(a, b):
    """Equal to the last bit, over nested dicts and lists."""
    if isinstance(a, torch.Tensor):
        return torch.equal(a, b)
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[k], b[k]) for k in a if k != "seconds")
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b, strict=True))
    return a == b


@pytest.mark.parametrize(
    ("model", "name", "extra"),
    [
        ("gin", "graph-classification", {"scheduler": "step", "step_epochs": 2}),
        ("gin", "graph-regression", {"scheduler": "plateau", "step_epochs": 1, "optimizer": "sgd"}),
        ("gin", "graph-regression", {"scheduler": "loss-plateau", "step_epochs": 1, "evaluate_every": 3}),
        ("gcn", "node-classification", {"scheduler": "cosine", "patience": 3, "lr": 0.2}),
        ("sage", "node-classification", {"task.batch_size": 4, "task.fan_outs": (3, 2)}),
        ("node2vec", "links", {"model.walk_length": 4, "model.context_size": 2, "scheduler": "linear"}),
        ("distmult", "kg-transductive", {"optimizer": "adamw", "clip_norm": 0.1, "betas": (0.5, 0.9)}),
    ],
)
def test_a_run_goes_on_from_any_step_to_the_same_end(model, name, extra, monkeypatch):
    batch = {} if name == "node-classification" else {"task.batch_size": 5}
    settings = {
        "training.epochs": 4 if name == "node-classification" else 3,
        **batch,
        **{k if "." in k else f"training.{k}": v for k, v in extra.items()},
    }
    monkeypatch.setattr(loop, "CHECKPOINT_SECONDS", -1.0)  # a checkpoint after each step
    whole = Memory()
    expected = fit(*start(model, name, **settings), STREAM, whole)
    steps = [state for key, state in whole.history if key == "last"]
    assert len(steps) > 4
    told: list[int] = []
    for state in steps:
        again = Memory()
        told.clear()
        again.saved["last"] = state
        found = fit(*start(model, name, **settings), STREAM, again, lambda epoch, epochs, row: told.append(epoch))
        assert told == list(range(1, expected.epochs + 1))
        assert same(found.curve, expected.curve)
        assert (found.best_epoch, found.epochs) == (expected.best_epoch, expected.epochs)
        assert (found.validation, found.test) == (expected.validation, expected.test)
        assert same(again.state("best"), whole.state("best"))
        assert same(again.state("last"), whole.state("last"))


@pytest.mark.parametrize("name", ["adam", "adamw", "sgd"])
def test_moments_decay_as_configured(name):
    config = TrainingConfig(optimizer=name, betas=(0.5, 0.75))
    engine = Engine(start("gin", "graph-regression")[0], config, "min", torch.device("cpu"))
    assert engine.optimizer.defaults.get("betas", (0.5, 0.75)) == (0.5, 0.75)
    assert ("betas" in engine.optimizer.defaults) == (name != "sgd")


def test_a_linear_schedule_ends_at_zero():
    engine = Engine(
        start("gin", "graph-regression")[0],
        TrainingConfig(scheduler="linear", epochs=4, lr=0.2),
        "min",
        torch.device("cpu"),
    )
    rates = []
    for _ in range(4):
        rates.append(engine.optimizer.param_groups[0]["lr"])
        engine.after_epoch(1.0, None)
    assert rates == pytest.approx([0.2, 0.15, 0.1, 0.05])
    assert engine.optimizer.param_groups[0]["lr"] == pytest.approx(0, abs=1e-12)


def test_a_model_that_draws_to_predict_goes_on_to_the_same_end(monkeypatch):
    """Random node features are drawn in evaluation too; a run that goes on right after an epoch's last step has not
    seeded anything in that epoch."""

    def noisy():
        learner, task, config = start(**{"training.epochs": 3, "task.batch_size": 5})
        predict = task.predict

        def noisily(learner, part):
            rows = predict(learner, part)
            return rows + torch.rand_like(rows)

        monkeypatch.setattr(task, "predict", noisily)
        return learner, task, config

    monkeypatch.setattr(loop, "CHECKPOINT_SECONDS", -1.0)
    whole = Memory()
    expected = fit(*noisy(), STREAM, whole)
    assert len({row["validation_loss"] for row in expected.curve}) == 3
    for state in [state for key, state in whole.history if key == "last"]:
        again = Memory()
        again.saved["last"] = state
        found = fit(*noisy(), STREAM, again)
        assert same(found.curve, expected.curve)
        assert (found.validation, found.test) == (expected.validation, expected.test)


@pytest.mark.parametrize(
    ("numbers", "interrupts"),
    [
        ((signal.SIGINT, signal.SIGTERM), False),
        ((signal.SIGTERM, signal.SIGTERM), False),
        ((signal.SIGINT, signal.SIGINT), True),
        ((signal.SIGTERM, signal.SIGINT), True),
    ],
)
def test_only_a_second_ctrl_c_interrupts_the_step_in_hand(numbers, interrupts):
    """Ctrl-C in a terminal reaches a helper, which finishes its step, and the process that then terminates it."""
    with StopRequest() as stop:
        signal.raise_signal(numbers[0])
        with pytest.raises(KeyboardInterrupt) if interrupts else nullcontext():
            signal.raise_signal(numbers[1])
        assert stop.requested


def test_ctrl_c_stops_after_the_step_in_hand_and_leaves_a_checkpoint(monkeypatch):
    learner, task, config = start(**{"training.epochs": 4, "task.batch_size": 5})
    expected = fit(*start(**{"training.epochs": 4, "task.batch_size": 5}), STREAM, Memory())
    checkpoints, steps = Memory(), []
    compute = task.loss

    def interrupted(learner, batch):
        steps.append(batch)
        if len(steps) == 4:
            signal.raise_signal(signal.SIGINT)
        return compute(learner, batch)

    monkeypatch.setattr(task, "loss", interrupted)
    with pytest.raises(KeyboardInterrupt):
        fit(learner, task, config, STREAM, checkpoints)
    assert len(steps) == 4
    position = checkpoints.state("last")["progress"]
    assert (position["epoch"], position["step"]) == (2, 1)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    found = fit(*start(**{"training.epochs": 4, "task.batch_size": 5}), STREAM, checkpoints)
    assert found.test == expected.test
    assert same(found.curve, expected.curve)


def test_a_diverging_run_ends_with_its_error_and_the_curve_so_far(monkeypatch):
    learner, task, config = start("gcn", "node-classification", **{"training.epochs": 9})
    calls = []
    compute = task.loss

    def explode(learner, batch):
        calls.append(batch)
        return compute(learner, batch) * (float("nan") if len(calls) == 4 else 1.0)

    monkeypatch.setattr(task, "loss", explode)
    outcome = fit(learner, task, config, STREAM, Memory())
    assert outcome.error is not None
    assert outcome.error.kind == "divergence"
    assert "epoch 4" in outcome.error.message
    assert [row["epoch"] for row in outcome.curve] == [1, 2, 3, 4]
    assert outcome.test == {}


def test_a_stop_that_is_asked_for_in_the_last_evaluation_is_not_lost(monkeypatch):
    learner, task, config = start("gcn", "node-classification", **{"training.epochs": 3})
    checkpoints, evaluations = Memory(), []
    predict = task.predict

    def interrupted(learner, part):
        evaluations.append(part)
        if len(evaluations) == 3:
            signal.raise_signal(signal.SIGINT)
        return predict(learner, part)

    monkeypatch.setattr(task, "predict", interrupted)
    with pytest.raises(KeyboardInterrupt):
        fit(learner, task, config, STREAM, checkpoints)
    assert evaluations == ["validation"] * 3
    found = fit(*start("gcn", "node-classification", **{"training.epochs": 3}), STREAM, checkpoints)
    assert same(found.curve, fit(*start("gcn", "node-classification", epochs=3), STREAM, Memory()).curve)


@pytest.mark.parametrize(("model", "part"), [("gcn", "test"), ("label-propagation", "validation")])
def test_scores_that_are_no_numbers_fail_the_run(monkeypatch, model, part):
    learner, task, config = start(model, "node-classification", **{"training.epochs": 2})
    score = task.score
    monkeypatch.setattr(
        task, "score", lambda rows, of: score(rows, of) | ({"loss": float("nan")} if of == part else {})
    )
    outcome = fit(learner, task, config, STREAM, Memory())
    assert outcome.error is not None
    assert f"the {part} loss is nan" in outcome.error.message
    assert outcome.test == {}


def test_test_is_scored_once_and_only_at_the_end(monkeypatch):
    learner, task, config = start("gcn", "node-classification", **{"training.epochs": 6})
    asked = []
    score = task.score
    monkeypatch.setattr(task, "score", lambda rows, part: asked.append(part) or score(rows, part))
    fit(learner, task, config, STREAM, Memory())
    assert asked == ["validation"] * 6 + ["test"]


def test_what_is_in_test_changes_nothing_but_the_test_score():
    first = fit(*start("gcn", "node-classification"), STREAM, Memory())
    learner, task, config = start("gcn", "node-classification")
    task._labels["test"] = (task._labels["test"] + 1) % 3
    second = fit(learner, task, config, STREAM, Memory())
    assert same(first.curve, second.curve)
    assert first.best_epoch == second.best_epoch
    assert first.test != second.test


@pytest.mark.parametrize(
    ("direction", "offers", "selected"),
    [
        ("max", [(0.5, 1.0), (0.7, 1.0), (0.7, 0.9), (0.7, 0.95), (0.6, 0.1)], 3),
        ("max", [(0.5, 1.0), (0.5, 1.0)], 1),
        ("min", [(0.5, 1.0), (0.2, 3.0), (0.3, 0.1)], 2),
    ],
)
def test_selection(direction, offers, selected):
    best, learner = Best("score", direction), nn.Linear(1, 1)
    for epoch, (value, loss) in enumerate(offers, start=1):
        best.offer(epoch, {"score": value, "loss": loss}, learner)
    assert best.epoch == selected


def test_patience_is_for_evaluations_that_improve_neither_metric_nor_loss():
    best, learner = Best("score", "max"), nn.Linear(1, 1)
    stale = []
    for epoch, (value, loss) in enumerate([(0.5, 1.0), (0.4, 0.9), (0.4, 0.95), (0.3, 0.9), (0.6, 2.0), (0.6, 1.9)]):
        best.offer(epoch, {"score": value, "loss": loss}, learner)
        stale.append(best.stale)
    assert stale == [0, 0, 1, 2, 0, 0]
    assert best.epoch == 5


def test_selected_weights_are_those_of_the_selected_epoch():
    learner, task, config = start("gcn", "node-classification", **{"training.lr": 0.5, "training.epochs": 30})
    checkpoints = Memory()
    outcome = fit(learner, task, config, STREAM, checkpoints)
    assert outcome.best_epoch is not None and outcome.best_epoch < 30
    other, task, _ = start("gcn", "node-classification")
    other.load_state_dict(checkpoints.state("best")["model"])
    assert evaluate(other, task, "validation", STREAM) == outcome.validation
    assert evaluate(other, task, "test", STREAM) == outcome.test


def test_patience_counts_evaluations():
    outcome = fit(
        *start("gcn", "node-classification", lr=0.5, epochs=500, patience=4, evaluate_every=2),
        STREAM,
        Memory(),
    )
    seen = [row for row in outcome.curve if "validation_loss" in row]
    best_accuracy = max(row["validation_accuracy"] for row in seen)
    lowest_loss = min(row["validation_loss"] for row in seen)
    last = max(
        next(row["epoch"] for row in seen if row["validation_loss"] == lowest_loss),
        min(row["epoch"] for row in seen if row["validation_accuracy"] == best_accuracy),
        outcome.best_epoch,
    )
    assert outcome.epochs == last + 8 < 500


def test_the_last_epoch_is_always_evaluated():
    outcome = fit(*start("gcn", "node-classification", epochs=7, evaluate_every=3), STREAM, Memory())
    assert [row["epoch"] for row in outcome.curve if "validation_accuracy" in row] == [3, 6, 7]


@pytest.mark.parametrize(("model", "epochs"), [("label-propagation", 200), ("mlp", 0)])
def test_nothing_to_train_is_evaluated_as_it_is(model, epochs):
    outcome = fit(*start(model, "node-classification", epochs=epochs), STREAM, Memory())
    assert (outcome.best_epoch, outcome.epochs) == (0, 0)
    assert 0 <= outcome.test["accuracy"] <= 1


def test_clipping_bounds_the_step():
    def moved(clip):
        learner, task, _ = start("gcn", "node-classification")
        before = [p.detach().clone() for p in learner.parameters()]
        config = TrainingConfig(epochs=1, optimizer="sgd", lr=1.0, clip_norm=clip)
        fit(learner, task, config, STREAM, Memory())
        return sum(((a - b) ** 2).sum() for a, b in zip(before, learner.parameters(), strict=True)).sqrt().item()

    assert moved(1e-3) == pytest.approx(1e-3, rel=1e-3)
    assert moved(None) > 1e-2


def test_bf16_trains_close_to_fp32():
    full = fit(*start("gcn", "node-classification", epochs=60), STREAM, Memory())
    half = fit(*start("gcn", "node-classification", epochs=60, precision="bf16"), STREAM, Memory())
    assert half.curve[-1]["loss"] == pytest.approx(full.curve[-1]["loss"], abs=0.1)
    assert half.curve[-1]["loss"] != full.curve[-1]["loss"]


def test_dropout_differs_between_steps_and_not_between_runs():
    first = fit(*start("gcn", "node-classification", epochs=3, lr=1e-12), STREAM, Memory())
    second = fit(*start("gcn", "node-classification", epochs=3, lr=1e-12), STREAM, Memory())
    losses = [row["loss"] for row in first.curve]
    assert len(set(losses)) == 3
    assert losses == [row["loss"] for row in second.curve]


def test_a_shard_takes_every_world_th_item():
    assert Shard(1, 3).of(torch.arange(8)).tolist() == [1, 4, 7]
