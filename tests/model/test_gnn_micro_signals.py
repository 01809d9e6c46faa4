"""Settings of gnn-micro that keep signals at their size; their defaults are the published network."""

from __future__ import annotations

import math
from typing import get_args

import pytest
import torch

from graphlab.data.spec import Continuous, DataSpec, Target
from graphlab.model.registry import build_model
from graphlab.model.zoo.gnn_micro import CENTRED, Activation
from tests.model.directed import SPEC, directed

ONE = {
    "attention": ("gat",),
    "aggregation": ("sum",),
    "activation": ("linear",),
    "heads": (2,),
    "hidden_dims": (4,),
    "combine": ("concat",),
}


def test_outputs_are_the_published_ones_unless_a_setting_says_otherwise():
    """Each setting that keeps signals at their size changes the network, and its default does not."""
    graph = directed()
    choices = {"aggregation": "mlp", "activation": "softplus"}

    def rows(**settings):
        torch.manual_seed(0)
        layers = {name: (value, value) for name, value in (choices | {"heads": 2, "hidden_dims": 4}).items()}
        layers |= {"attention": ("gat", "gcn"), "combine": ("concat", "concat")}
        model = build_model("gnn-micro", SPEC, layers | {"dropout": 0.0} | settings).double()
        return model(graph)

    plain = rows()
    defaults = {"unit_rows": False, "centred": False, "he_init": False, "norm": "none", "decayed": "all"}
    torch.testing.assert_close(rows(**defaults), plain, rtol=0, atol=0)
    for name, value in {"unit_rows": True, "centred": True, "he_init": True, "norm": "batch"}.items():
        assert (rows(**{name: value}) - plain).abs().max() > 1e-3, name


@pytest.mark.parametrize("name", list(get_args(Activation)))
def test_centred_activations_are_the_identity_near_zero(name):
    x = torch.tensor([1e-6, 1e-4], dtype=torch.float64)
    torch.testing.assert_close(CENTRED[name](x), x, rtol=1e-3, atol=0)
    assert CENTRED[name](torch.zeros(1)).item() == pytest.approx(0, abs=1e-6)


def test_centred_activations_are_the_others_shifted_and_scaled():
    x = torch.linspace(-5, 5, 21, dtype=torch.float64)
    torch.testing.assert_close(CENTRED["sigmoid"](x), 4 * (1 / (1 + (-x).exp()) - 0.5))
    torch.testing.assert_close(CENTRED["softplus"](x), 2 * ((1 + x.exp()).log() - math.log(2)))


@pytest.mark.parametrize("share", [0.1, 1.0], ids=["sparse", "dense"])
def test_rows_have_unit_length(share):
    """Those of zeros stay; mostly zero or not, what the network makes of rows is what it makes of them at any scale."""
    graph = directed()
    graph.x = graph.x * (torch.rand(graph.x.shape, generator=torch.Generator().manual_seed(0)) < share)
    graph.x[3] = 0
    torch.manual_seed(0)
    model = build_model("gnn-micro", SPEC, ONE | {"dropout": 0.0, "unit_rows": True}).double()
    expected = model(graph)
    lengths = torch.tensor([math.sqrt(sum(value * value for value in row)) for row in graph.x.tolist()])
    plain = build_model("gnn-micro", SPEC, ONE | {"dropout": 0.0}).double()
    plain.load_state_dict(model.state_dict())
    scaled, larger = graph.clone(), graph.clone()
    scaled.x = graph.x / lengths.double().clamp_min(1e-30)[:, None]
    larger.x = graph.x * torch.arange(1.0, 10.0, dtype=torch.float64)[:, None]
    torch.testing.assert_close(plain(scaled), expected, rtol=1e-6, atol=1e-9)
    torch.testing.assert_close(model(larger), expected)


def test_maps_of_he_keep_the_variance():
    torch.manual_seed(0)
    spec = DataSpec("nodes", (Target("y", "node", "class", 3),), node=Continuous(64))
    layer = build_model("gnn-micro", spec, {"combine": ("mlp", "mlp"), "hidden_dims": (32, 32), "he_init": True})
    x = torch.randn(4000, 256)
    assert layer.layers[0].combine(x).var().item() == pytest.approx(1, abs=0.25)
    assert not layer.layers[0].combine[0].bias.any() and not layer.layers[0].combine[2].bias.any()


def test_hidden_layers_are_normalised_over_nodes():
    graph = directed()
    settings = {"norm": "batch", "dropout": 0.0, "activation": ("linear", "linear")}
    model = build_model("gnn-micro", SPEC, settings).double()
    hidden = []
    model.layers[0].register_forward_hook(lambda layer, inputs, out: hidden.append(out))
    model(graph)
    torch.testing.assert_close(hidden[0].mean(0), torch.zeros(64, dtype=torch.float64), rtol=0, atol=1e-9)
    centred = hidden[0].var(0, unbiased=False)
    assert (centred > 0.5).all() and (centred < 1.000001).all()
    assert isinstance(model.layers[1].norm, torch.nn.Identity)


def test_weights_of_the_first_layer_alone_decay():
    model = build_model("gnn-micro", SPEC, {"decayed": "first"})
    first, rest = model.parameter_groups(0.1)
    assert (first["weight_decay"], rest["weight_decay"]) == (0.1, 0.0)
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    assert {names[id(parameter)][:9] for parameter in first["params"]} == {"layers.0."}
    assert len(first["params"]) + len(rest["params"]) == len(names)
    (group,) = build_model("gnn-micro", SPEC, {}).parameter_groups(0.1)
    assert group["weight_decay"] == 0.1


def test_every_parameter_learns_with_all_settings():
    settings = {"combine": ("mlp", "add"), "unit_rows": True, "centred": True, "he_init": True, "norm": "batch"}
    model = build_model("gnn-micro", SPEC, settings).double()
    (model(directed()) * torch.arange(3)).square().sum().backward()
    assert all(parameter.grad.abs().sum() > 0 for parameter in model.parameters())
