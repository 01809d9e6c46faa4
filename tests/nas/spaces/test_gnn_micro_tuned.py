"""The micro space with its training: what it chooses, what it shares, and that its networks learn."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

import graphlab as gl
from graphlab.core.errors import ConfigError
from graphlab.data.load import load
from graphlab.model.registry import build_model, find_model
from graphlab.nas.objectives.sharing import roles
from graphlab.nas.objectives.training import TrainingObjective
from graphlab.nas.registry import find_space
from graphlab.nas.spaces.gnn_micro_tuned import FIXED, NORMS, OWN, TRAINING
from graphlab.records.store import Store
from graphlab.task.base import Learner
from graphlab.testing.examples import example
from graphlab.training.config import TrainingConfig
from tests.model.directed import SPEC, directed

TUNED, PLAIN = find_space("gnn-micro-tuned"), find_space("gnn-micro")
DRAWN = [TUNED.sample(np.random.default_rng(seed)) for seed in range(30)]


def own_settings(values):
    _, settings = TUNED.settings(values)
    return {name: value for name, value in settings.items() if not name.startswith("training.")}


def test_it_chooses_what_gnn_micro_does_and_training():
    names, plain = ({decision.name for decision in space.decisions} for space in (TUNED, PLAIN))
    assert plain - names == {"activation_2"} and names - plain == {*OWN, *TRAINING}


@pytest.mark.parametrize("values", DRAWN[:10], ids=TUNED.key)
def test_settings_are_those_that_models_and_training_take(values):
    model, settings = TUNED.settings(values)
    config = find_model(model).config.parse(own_settings(values), where=model)
    assert config.activation[-1] == "linear" and config.dropout == values["dropout"]
    assert (config.unit_rows, config.norm == "batch") == (values["norm"] != "none", values["norm"] == "batch")
    assert all(getattr(config, name) == value for name, value in FIXED.items())
    chosen = {name.removeprefix("training."): value for name, value in settings.items() if name.startswith("training.")}
    training = TrainingConfig.parse(chosen, where="training")
    assert (training.patience, training.lr) == (values["patience"], values["lr"])


def test_every_option_is_one_that_the_settings_take():
    values = TUNED.hand_set()["gat"]
    for around in TUNED.neighbours(values):
        config = find_model("gnn-micro").config.parse(own_settings(around), where="gnn-micro")
        assert config.dropout == around["dropout"]


def test_heads_of_one_are_spelt_once_here_too():
    values = TUNED.hand_set()["gcn"]
    assert TUNED.key({**values, "combine_1": "average"}) == TUNED.key(values)
    assert TUNED.key({**values, "lr": 0.02}) != TUNED.key(values)


def test_hand_set_networks_are_those_of_gnn_micro_with_a_recipe():
    plain = PLAIN.hand_set()
    for name, values in TUNED.hand_set().items():
        layers = {key: value for key, value in values.items() if key not in OWN | TRAINING}
        assert {**layers, "activation_2": "linear"} == plain[name]
        _, settings = PLAIN.settings(plain[name])
        torch.manual_seed(0)
        ours = build_model("gnn-micro", SPEC, own_settings(values)).double().eval()
        torch.manual_seed(0)
        theirs = build_model("gnn-micro", SPEC, settings).double().eval()
        torch.testing.assert_close(ours(directed()), theirs(directed()), rtol=0, atol=0)


@pytest.mark.parametrize("name", ["gcn", "gat"])
def test_recipes_are_those_of_the_models(name):
    """But for the cap of epochs and the patience of gcn, which its publication replaces by selection."""
    preset, values = find_model(name).presets["planetoid"], TUNED.hand_set()[name]
    default = find_model(name).config.model_fields["dropout"].default
    assert values["dropout"] == default
    assert all(values[setting] == preset.training[setting] for setting in ("lr", "weight_decay"))


def test_weights_pass_between_networks_that_agree_in_normalisation():
    values = TUNED.hand_set()["gat"]

    def shared(chosen):
        model = build_model("gnn-micro", SPEC, own_settings(chosen))
        return set(roles(Learner(model, torch.nn.Identity()), TUNED.sharing(chosen), 0))

    same = shared(values)
    assert len(same) == 8 and shared({**values, "lr": 0.02, "epochs": 200}) == same
    assert not shared({**values, "norm": "batch"}) & same
    changed = shared({**values, "attention_2": "gcn"})
    assert {role.split()[2] for role in same & changed} == {role.split()[2] for role in same if "layers.0" in role}


def test_an_architecture_is_spelt_by_layers():
    assert TUNED.spelt(TUNED.hand_set()["gat"]) == (
        "gat sum elu 8 x 8 concat, gat sum linear 1 concat; "
        "dropout 0.6, norm none, lr 0.005, weight_decay 0.0005, epochs 400, patience 100"
    )


def trained_loss(settings, epochs=40):
    """The cross-entropy of a small graph after training on all of it, from features of little length."""
    torch.manual_seed(0)
    model, graph, y = build_model("gnn-micro", SPEC, settings), directed(), torch.arange(9) % 3
    graph.x = 0.01 * graph.x.float()
    optimizer = torch.optim.Adam(model.parameter_groups(1e-3), lr=0.02)
    for _ in range(epochs):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(model(graph), y).backward()
        optimizer.step()
    return torch.nn.functional.cross_entropy(model.eval()(graph), y).item()


def test_networks_that_do_not_learn_in_gnn_micro_learn_here():
    """A hidden activation far from 0 and a ReLU of the outputs leave three classes at equal shares."""
    values = TUNED.hand_set()["gat"] | {"activation_1": "softplus", "combine_1": "mlp", "norm": "rows", "dropout": 0.2}
    ours = own_settings(values)
    published = {name: value for name, value in ours.items() if name not in {*FIXED, *NORMS["none"]}}
    assert trained_loss(published | {"activation": ("softplus", "relu")}) == pytest.approx(math.log(3), abs=1e-3)
    assert trained_loss(ours) < 0.9 * math.log(3)


def test_what_the_space_chooses_cannot_be_set(tmp_path):
    data = example("node-classification")
    with pytest.raises(ConfigError, match=r"training\.epochs is what the space gnn-micro-tuned chooses"):
        gl.search("random", data, space="gnn-micro-tuned", trials=1, store=tmp_path, **{"training.epochs": 5})


def test_a_network_is_trained_as_it_was_chosen(tmp_path):
    objective = TrainingObjective(load("karate"), TUNED, Store(tmp_path))
    for values in DRAWN:
        training = objective.plan(values).training
        assert {name: getattr(training, name) for name in TRAINING} == {name: values[name] for name in TRAINING}
