"""Runs with pruned weights: sparse checkpoints, resumption, tickets that start from runs, bits, integers, commands."""

from __future__ import annotations

import io
import json

import pytest
import torch

import graphlab as gl
from graphlab.core.errors import ConfigError, InputError
from graphlab.core.seeds import SeedStream
from graphlab.experiment.plan import make_plan
from graphlab.model.pruned_weights import pruned_weights
from graphlab.pruning.accounting import sparse_bits
from graphlab.pruning.masks import kept_numbers
from graphlab.training import loop

SHORT = {"training.epochs": 10, "model.hidden_dim": 8}


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return tmp_path_factory.mktemp("runs")


def go(store, transform, **settings):
    own = {f"transform.{name}": value for name, value in settings.items() if "." not in name}
    rest = {name: value for name, value in settings.items() if "." in name}
    return gl.run("gcn", "karate", store=store, progress=False, transform=transform, **{**SHORT, **own, **rest})


def kept(run, store):
    masks = dict(pruned_weights(gl.restore(run, store).learner))
    return sum(mask.kept for mask in masks.values()), sum(mask.mask.numel() for mask in masks.values())


@pytest.mark.parametrize("method", ["global", "lamp", "polarised"])
def test_the_selected_weights_have_the_sparsity(store, method):
    """Whichever epoch validation selects; it is one after the schedule has ended."""
    runs = go(store, "prune", sparsity=0.7, method=method)
    left, numbers = kept(runs, store)
    assert left == kept_numbers(numbers, 0.7) and runs[0].result.best_epoch > 5
    scores = gl.restore(runs, store)
    assert scores.task.evaluate(scores.learner, "test")["accuracy"] == runs[0].result.test["accuracy"]


def test_patience_counts_from_the_end_of_the_schedule(store):
    runs = go(store, "prune", sparsity=0.9, begin=0.5, end=0.6, **{"training.patience": 1})
    assert 7 <= runs[0].result.best_epoch <= runs[0].result.epochs


def test_weights_of_a_dense_run_are_pruned_without_training(store):
    dense = gl.run("gcn", "karate", store=store, progress=False, **SHORT)
    runs = go(store, "prune", sparsity=0.5, **{"training.start": dense[0].id, "training.epochs": 0})
    left, numbers = kept(runs, store)
    original = gl.restore(dense, store).model.convs[0].lin.weight
    chain = gl.restore(runs, store).model.convs[0].lin.parametrizations.weight
    assert left == kept_numbers(numbers, 0.5) and torch.equal(chain.original, original)


@pytest.mark.parametrize(
    ("transform", "settings"),
    [
        ("prune", {"sparsity": 0.8}),
        ("prune", {"sparsity": 0.8, "method": "polarised", "scheme": "w8a8"}),
        ("ticket", {"rewind_epoch": 3}),
        ("graph-ticket", {"rewind_epoch": 1}),
    ],
)
def test_a_run_that_was_stopped_goes_on_to_the_same_bits(monkeypatch, transform, settings):
    own = {f"transform.{name}": value for name, value in settings.items()}
    plan = make_plan("gcn", "karate", {**SHORT, "transform": transform, **own})
    monkeypatch.setattr(loop, "CHECKPOINT_SECONDS", -1.0)
    whole, states = outcome(plan)
    stopped, other = outcome(plan, 2, 4, 7)
    assert (stopped.curve, stopped.test) == (whole.curve, whole.test)
    assert all(torch.equal(tensor, other["last"]["model"][key]) for key, tensor in states["last"]["model"].items())


def outcome(plan, *stops):
    saved = Memory()
    for stop in (*stops, None):
        task = plan.make_task(0)

        def on_epoch(epoch, epochs, row, stop=stop):
            if epoch == stop:
                raise KeyboardInterrupt

        try:
            done = loop.fit(plan.make_learner(task, 0), task, plan.training, SeedStream(0), saved, on_epoch)
        except KeyboardInterrupt:
            continue
    return done, saved.states


class Memory:
    """Checkpoints in memory, written and read without pickle."""

    def __init__(self):
        self.states = {}

    def save_checkpoint(self, name, state):
        file = io.BytesIO()
        torch.save(state, file)
        file.seek(0)
        self.states[name] = torch.load(file, weights_only=True)

    def restore_checkpoint(self, name, device, restore):
        if name in self.states:
            restore(self.states[name])
        return name in self.states


def test_rounds_of_a_ticket_are_runs(store):
    first = go(store, "ticket", rewind_epoch=1)[0]
    second = go(store, "ticket", rewind_epoch=1, sparsity=0.5, **{"training.start": first.id})[0]
    third = go(store, "ticket", rewind_epoch=1, sparsity=0.8, **{"training.start": second.id})[0]
    counts = [kept(record, store)[0] for record in (first, second, third)]
    numbers = kept(first, store)[1]
    assert counts == [kept_numbers(numbers, sparsity) for sparsity in (0.0, 0.5, 0.8)]
    early = [gl.restore(record, store).learner.ticket.rewinding.early_0 for record in (first, second, third)]
    assert torch.equal(early[0], early[1]) and torch.equal(early[0], early[2])
    with pytest.raises(InputError, match="first round"):
        go(store, "ticket", sparsity=0.5)


def test_bits_are_those_of_what_is_kept_and_its_mask(store):
    runs = go(store, "prune", sparsity=0.8, scheme="weight=int4-symmetric-channel")
    learner = gl.restore(runs, store).learner
    expected = sum(
        sparse_bits(mask.mask.numel(), mask.kept, 4) + 32 * len(mask.mask) for _, mask in pruned_weights(learner)
    )
    frame = gl.quantized_bits(runs, store=store)
    assert frame.loc["weight"].weight_bits == expected
    left, numbers = kept(runs, store)
    assert frame.loc["total"].sparsity == pytest.approx(1 - left / numbers) and frame.loc["input"].sparsity == 0
    vectors = sum(each.numel() for each in learner.parameters() if each.dim() == 1)
    assert learner.num_bits == expected + 32 * vectors
    dense = gl.quantized_bits("gcn", "karate", "weight=int4-symmetric-channel", store=store, **SHORT)
    assert frame.loc["input"].operations < dense.loc["input"].operations
    assert frame.loc["adjacency"].operations == dense.loc["adjacency"].operations and dense.loc["total"].sparsity == 0


def test_pruned_integers_run(store):
    """Weights that are pruned are zero integers, and the labels those of the simulated network."""
    runs = go(store, "prune", sparsity=0.6, scheme="w8a8")
    frozen = gl.frozen(runs, store=store)
    assert frozen.about["labels that differ"].startswith("0 of")
    masks = [mask.mask for _, mask in pruned_weights(gl.restore(runs, store).learner)]
    products = [each for each in frozen.network.operations if each.kind == "product"]
    assert len(products) == len(masks)
    for product, mask in zip(products, masks, strict=True):
        assert not product.weight[~mask.T].any() and product.weight[mask.T].any()


def test_commands(cli, store):
    short = ["--set", "epochs=4", "--set", "hidden_dim=8", "--store", str(store), "--json"]
    done = cli("run", "gcn", "karate", "--prune", "lamp:0.8", "--quantize", "w8a8", *short)
    assert done.code == 0, done.err
    run = json.loads(done.out)["runs"][0]["id"]
    settings = gl.runs(store).set_index("id").loc[run, "settings"]
    assert all(each in settings for each in ("method=lamp", "sparsity=0.8", "scheme=w8a8"))
    frame = cli("bits", run, "--store", str(store), "--json")
    assert '"sparsity"' in frame.out
    assert cli("run", "gcn", "karate", "--prune", "lamp", *short).code == 2
    twice = cli("run", "gcn", "karate", "--prune", "0.8", "--transform", "quantize", *short)
    assert twice.code == 2 and "--prune" in twice.err
    words = ["search", "random", "karate", "--space", "gcn", "--trials", "1", "--on", "validation"]
    result = cli(*words, "--prune-weights", "0.5", "--set", "training.epochs=3", "--store", str(store), "--json")
    assert result.code == 0, result.err


def test_settings_that_cannot_be_are_refused():
    for wrong in ({"sparsity": 1.0}, {"begin": 0.6, "end": 0.5}, {"method": "smallest"}):
        with pytest.raises(ConfigError):
            make_plan("gcn", "karate", {"transform": "prune", **{f"transform.{k}": v for k, v in wrong.items()}})
