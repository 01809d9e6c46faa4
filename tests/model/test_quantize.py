"""Settings of the transform quantize beyond its scheme: nodes protected by their degree, learned steps, refusals."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

import graphlab as gl
from graphlab.core.errors import ConfigError, IncompatibleError, InputError
from graphlab.core.seeds import SeedStream
from graphlab.experiment.plan import make_plan
from graphlab.testing.transforms import check_checkpoint, check_step, transformed

CASES = [("gcn", "node-classification"), ("gin", "graph-classification"), ("gat", "node-classification")]


def loss_without_dropout(settings, *case):
    plan, task, learner = transformed("quantize", settings or {"scheme": "w8a8"}, *case)
    learner = learner if settings else replace(plan, components={}).make_learner(task, 0)
    for module in learner.modules():
        for name in ("dropout", "p"):
            if isinstance(getattr(module, name, None), float):
                setattr(module, name, 0.0)
    return task.loss(learner.train(), task.batches(SeedStream(0))[0]).item()


@pytest.mark.parametrize("case", CASES, ids=" on ".join)
def test_with_all_nodes_protected_rows_are_not_rounded_in_training(case):
    scheme = {"scheme": "model.*.input=int2,model.*.output=int2"}
    all_nodes = {"protect_low": 0.9999999, "protect_high": 0.9999999}
    plain = loss_without_dropout({}, *case)
    assert loss_without_dropout({**scheme, **all_nodes}, *case) == pytest.approx(plain, rel=1e-5)
    assert abs(loss_without_dropout(scheme, *case) - plain) > 1e-3


@pytest.mark.parametrize("settings", [{"protect_low": 0.1, "protect_high": 0.9}, {"steps": "learned"}], ids=str)
@pytest.mark.parametrize("case", CASES, ids=" on ".join)
def test_it_trains_and_goes_on_from_a_checkpoint(case, settings):
    check_step("quantize", {"scheme": "w4a8", **settings}, *case)
    check_checkpoint("quantize", {"scheme": "w4a8", **settings}, *case)


@pytest.mark.parametrize("case", CASES, ids=" on ".join)
def test_mixtures_of_bit_widths_train_and_go_on_from_a_checkpoint(case):
    check_step("mixed-bits", {}, *case)
    check_checkpoint("mixed-bits", {}, *case)


def test_a_penalty_on_size_takes_the_fewest_bits_and_none_the_most(tmp_path):
    """The scheme that is chosen names every place of the network, and can be trained with."""
    schemes = {}
    for penalty in (0.0, 1000.0):
        settings = {"transform": "mixed-bits", "transform.penalty": penalty, "epochs": 40, "lr": 0.05}
        runs = gl.run("gcn", "karate", store=tmp_path, progress=False, **settings)
        schemes[penalty] = gl.chosen_scheme(runs, tmp_path)
    assert schemes[1000.0].count("=int2") == 7 and schemes[0.0].count("=int8") > 3
    assert "model.convs.0.lin.weight=int2-symmetric-channel" in schemes[1000.0]
    assert "model.adjacency=int2" in schemes[1000.0] and "model.convs.1.lin.input=int2" in schemes[1000.0]
    again = {"transform": "quantize", "transform.scheme": schemes[1000.0], "epochs": 2}
    assert gl.run("gcn", "karate", store=tmp_path, progress=False, **again)[0].result.status == "finished"
    with pytest.raises(InputError, match="mixtures"):
        gl.chosen_scheme(gl.run("gcn", "karate", store=tmp_path, progress=False, epochs=2), tmp_path)


def test_evaluation_protects_nothing_and_draws_nothing():
    _, task, learner = transformed("quantize", {"scheme": "w4a4", "protect_high": 0.9}, *CASES[0])
    batch = task.batches(SeedStream(0))[0]
    task.loss(learner.train(), batch)
    learner.eval()
    state = torch.get_rng_state()
    first, second = (task.loss(learner, batch).item() for _ in range(2))
    assert first == second and torch.equal(state, torch.get_rng_state())


def test_what_does_not_go_together_is_refused():
    reversed_order, learned = {"protect_low": 0.5, "protect_high": 0.1}, {"protect_high": 0.1, "steps": "learned"}
    for settings, word in ((reversed_order, "above"), (learned, "learned")):
        with pytest.raises(ConfigError, match=word):
            make_plan("gcn", "karate", {"transform": "quantize", **{f"transform.{k}": v for k, v in settings.items()}})
    with pytest.raises(IncompatibleError, match="no rows of nodes"):
        transformed("quantize", {"protect_high": 0.1}, "transe", "kg-transductive")
