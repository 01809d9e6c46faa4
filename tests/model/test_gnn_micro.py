"""Layers of the GraphNAS space against loops over nodes and heads, and what networks of it share."""

from __future__ import annotations

import math
from typing import get_args

import pytest
import torch
import torch.nn.functional as F

from graphlab.core.errors import ConfigError
from graphlab.data.spec import Continuous, DataSpec, Target
from graphlab.model.attention import ATTENTIONS
from graphlab.model.registry import build_model, find_model
from graphlab.model.zoo.gnn_micro import ACTIVATIONS, Activation, Aggregation, Attention, Combine
from tests.model.directed import SPEC, directed, senders
from tests.model.hard_pairs import check_class

ONE = {
    "attention": ("gat",),
    "aggregation": ("sum",),
    "activation": ("linear",),
    "heads": (2,),
    "hidden_dims": (4,),
    "combine": ("concat",),
    "dropout": 0.0,
}


def model_of(**choices):
    torch.manual_seed(0)
    settings = ONE | {name: (value,) for name, value in choices.items()}
    return build_model("gnn-micro", SPEC, settings).double()


def lrelu(value):
    return value if value > 0 else 0.2 * value


def logit(name, attention, k, i, j):
    """e_ij of one head from what the nodes are in it."""
    left, right = attention.left[k], attention.right[k]
    match name:
        case "gat":
            return lrelu(left @ i + right @ j)
        case "gat-sym":
            return lrelu(left @ i + right @ j) + lrelu(left @ j + right @ i)
        case "cos":
            return (left * i) @ (right * j)
        case "linear":
            return torch.tanh(left @ j + right @ j)
        case "generalized-linear":
            return attention.out @ torch.tanh(left * i + right * j)


def coefficients(name, attention, k, h, i, near):
    """a_ij of one head for node i and each it hears, itself last."""
    heard = [*near[i], i]
    if name == "const":
        return [1.0] * len(heard)
    if name == "gcn":
        return [1 / math.sqrt(len(heard) * (len(near[j]) + 1)) for j in heard]
    raised = [math.exp(logit(name, attention, k, h[i], h[j])) for j in heard]
    return [value / sum(raised) for value in raised]


def perceptron(maps, row):
    return maps[2].weight @ (maps[0].weight @ row + maps[0].bias).clamp(min=0) + maps[2].bias


def by_loops(layer, names, x, near, averaged):
    """A layer's rows from the formulas, without its activation."""
    heads, dim = names["heads"], layer.weight.size(0) // names["heads"]
    rows = []
    for i, of in enumerate(near):
        parts = []
        for k in range(heads):
            h = x @ layer.weight[k * dim : (k + 1) * dim].T
            counts = coefficients(names["attention"], layer.attention, k, h, i, near)
            messages = [count * h[j] for count, j in zip(counts, [*of, i], strict=True)]
            match names["aggregation"]:
                case "max":
                    part = torch.stack([max(column, key=float) for column in zip(*messages, strict=True)])
                case "mean":
                    part = sum(messages) / len(messages)
                case "mlp":
                    part = perceptron(layer.mlp, sum(messages))
                case _:
                    part = sum(messages)
            parts.append(part)
        row = sum(parts) / heads if averaged else torch.cat(parts)
        if names["combine"] == "mlp":
            row = perceptron(layer.combine, row)
        if names["combine"] == "add":
            row = row + layer.own @ x[i]
        rows.append(row + layer.bias)
    return torch.stack(rows)


@pytest.mark.parametrize("attention", get_args(Attention))
@pytest.mark.parametrize("aggregation", get_args(Aggregation))
def test_attention_and_aggregation_are_their_formulas(attention, aggregation):
    graph = directed()
    model = model_of(attention=attention, aggregation=aggregation)
    names = {"attention": attention, "aggregation": aggregation, "combine": "concat", "heads": 2}
    with torch.no_grad():
        expected = by_loops(model.layers[0], names, graph["x"], senders(graph), averaged=True)
        torch.testing.assert_close(model(graph), expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("combine", get_args(Combine))
def test_layers_follow_one_another_and_heads_combine(combine):
    """Hidden layers have heads side by side, or averaged if they are asked to; the last averages its own."""
    graph = directed(1)
    settings = {
        "attention": ("gat", "gcn"),
        "aggregation": ("sum", "mean"),
        "activation": ("elu", "tanh"),
        "heads": (2, 3),
        "hidden_dims": (4, 7),
        "combine": (combine, combine),
        "dropout": 0.0,
    }
    torch.manual_seed(0)
    model = build_model("gnn-micro", SPEC, settings).double()
    x, near = graph["x"], senders(graph)
    with torch.no_grad():
        for k, (layer, act) in enumerate(zip(model.layers, (F.elu, torch.tanh), strict=True)):
            names = {name: settings[name][k] for name in ("attention", "aggregation", "heads", "combine")}
            x = act(by_loops(layer, names, x, near, averaged=k == 1 or combine == "average"))
        torch.testing.assert_close(model(graph), x, rtol=1e-9, atol=1e-9)
    assert x.shape == (9, SPEC.num_outputs)


def test_activations_are_what_they_are_called():
    x = torch.tensor([-7.0, -0.5, 0.0, 0.5, 7.0], dtype=torch.float64)
    expected = {
        "sigmoid": 1 / (1 + (-x).exp()),
        "tanh": ((2 * x).exp() - 1) / ((2 * x).exp() + 1),
        "relu": x.clamp(min=0),
        "linear": x,
        "softplus": (1 + x.exp()).log(),
        "leaky-relu": torch.where(x > 0, x, 0.01 * x),
        "relu6": x.clamp(0, 6),
        "elu": torch.where(x > 0, x, x.exp() - 1),
    }
    assert set(ACTIVATIONS) == set(expected) == set(get_args(Activation))
    assert set(ATTENTIONS) == set(get_args(Attention))
    for name, values in expected.items():
        torch.testing.assert_close(ACTIVATIONS[name](x), values, rtol=1e-6, atol=1e-9)


def test_every_parameter_of_every_choice_learns():
    graph = directed()
    for attention in get_args(Attention):
        for aggregation, combine in zip(get_args(Aggregation), get_args(Combine), strict=True):
            model = model_of(attention=attention, aggregation=aggregation, combine=combine)
            model(graph).square().sum().backward()
            still = [name for name, p in model.named_parameters() if not p.grad.abs().sum() > 0]
            assert not still, f"{attention}, {aggregation}, {combine}: {still}"


def test_a_name_says_the_layer_and_the_part():
    names = dict(model_of(attention="generalized-linear", aggregation="mlp", combine="add").named_parameters())
    assert set(names) == {
        "layers.0.weight",
        "layers.0.own",
        "layers.0.bias",
        "layers.0.attention.left",
        "layers.0.attention.right",
        "layers.0.attention.out",
        "layers.0.mlp.0.weight",
        "layers.0.mlp.0.bias",
        "layers.0.mlp.2.weight",
        "layers.0.mlp.2.bias",
    }


def test_networks_that_agree_share_by_name():
    """What differs in the aggregation alone has all weights of the other under the same names."""
    one, other = model_of(aggregation="sum"), model_of(aggregation="max")
    torch.nn.init.normal_(other.layers[0].weight)
    other.load_state_dict(one.state_dict())
    same = model_of(aggregation="max")
    torch.testing.assert_close(other(directed()), same(directed()), rtol=0, atol=0)


def test_the_default_is_gat():
    """The published one, with the weights of this: two vectors a head, of which PyG's are the same."""
    spec = DataSpec("nodes", (Target("y", "node", "class", 7),), node=Continuous(1433))
    ours, gat = build_model("gnn-micro", spec, {"dropout": 0.0}), build_model("gat", spec, {"dropout": 0.0})
    torch.manual_seed(0)
    graph = directed()
    graph.x = torch.randn(9, 1433)
    with torch.no_grad():
        for layer, conv in zip(ours.layers, gat.convs, strict=True):
            conv.lin.weight.copy_(layer.weight)
            conv.att_dst.copy_(layer.attention.left)
            conv.att_src.copy_(layer.attention.right)
        torch.testing.assert_close(ours(graph), gat(graph), rtol=1e-5, atol=1e-6)


def test_its_class_bounds_it():
    settings = {name: value * 2 for name, value in ONE.items() if isinstance(value, tuple)}
    check_class("gnn-micro", settings | {"attention": ("cos", "gcn"), "aggregation": ("mlp", "max"), "dropout": 0.0})


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"heads": (8, 8, 1)}, "each layer needs one of each choice, and there are attention 2"),
        ({"attention": ("gat", "gta")}, "attention"),
        ({"heads": (0, 1)}, "heads"),
        ({name: () for name in ONE if name != "dropout"}, "attention"),
        ({name: value * 5 for name, value in ONE.items() if name != "dropout"}, "attention"),
    ],
)
def test_what_is_no_network_is_refused(settings, message):
    with pytest.raises(ConfigError) as raised:
        find_model("gnn-micro").config.parse(settings, where="gnn-micro")
    assert message in str(raised.value)
    assert raised.value.hint


def test_lists_are_tuples_as_settings_come_from_files():
    config = find_model("gnn-micro").config
    given = config.parse({"heads": [4, 2]}, where="gnn-micro")
    assert given.heads == (4, 2)
    assert config.parse(given.to_json(), where="gnn-micro") == given
