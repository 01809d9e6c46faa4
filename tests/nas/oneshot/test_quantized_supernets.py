"""The supernet of formats: a path is its network with the same weights, and expected bits are those of the accounts."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from graphlab.core.errors import InputError
from graphlab.core.seeds import SeedStream
from graphlab.model.places import counts
from graphlab.model.registry import TRANSFORMS, find_model
from graphlab.model.transform import TRANSFORM
from graphlab.model.zoo.gnn_micro import HIDDEN_DIMS
from graphlab.nas.oneshot.supernets import path
from graphlab.nas.oneshot.supernets.gnn_micro_quantized import GNNMicroQuantizedSupernet
from graphlab.nas.registry import find_space
from graphlab.nas.spaces.gnn_micro_quantized import FLOAT, FORMATS
from graphlab.quantization.accounting import bits
from graphlab.quantization.assignment import Assignment
from tests.nas.oneshot.test_supernets import fill, graph, shaken, spec

SHRINK = 16
SPACE = find_space("gnn-micro-quantized")


def parts(values):
    """The settings of the model, and the scheme; empty for none."""
    _, chosen = SPACE.settings(values)
    scheme = chosen.pop(f"{TRANSFORM}.scheme", "")
    assert chosen.pop(TRANSFORM, None) == ("quantize" if scheme else None)
    return chosen, scheme


def with_slices(values, level, seed):
    """The supernet, and the network on slices of its weights, rounded by the transform."""
    entry, (chosen, scheme) = find_model("gnn-micro"), parts(values)
    chosen["hidden_dims"] = tuple(max(1, width // SHRINK) for width in chosen["hidden_dims"])
    config = entry.config.parse({**chosen, "dropout": 0.0}, where="test")
    supernet = shaken(GNNMicroQuantizedSupernet(config, spec(level), SHRINK, 1), seed)
    network = entry.build(spec(level), config).double()
    before = (30,)
    with torch.no_grad():
        for k, (wide, narrow) in enumerate(zip(supernet.layers, network.layers, strict=True)):
            before = copy_layer(wide, narrow, before, values[f"attention_{k + 1}"])
    if scheme:
        transform = TRANSFORMS.find("quantize")
        transform(transform.Config.parse({"scheme": scheme}, where="test")).apply(
            nn.ModuleDict({"model": network}), spec(level)
        )
    return supernet, network


def copy_layer(wide, narrow, before, attention):
    heads, dim = narrow.heads, narrow.weight.size(0) // narrow.heads
    out = (1 if narrow.averaged else heads, dim)
    inner = tuple(slice(size) for size in before)
    narrow.weight.copy_(wide.weight[:heads, :dim, *inner].flatten(2).flatten(0, 1))
    chosen = wide.attentions[SPACE.decisions[0].options.index(attention)]
    for name, parameter in narrow.attention.named_parameters():
        whole = getattr(chosen, name)
        parameter.copy_(whole[:heads, :dim] if whole.dim() == 2 else whole[:dim])
    for mlp, of, sizes in ((narrow.mlp, wide.aggregate, (1, dim)), (narrow.combine, wide.combine, out)):
        if isinstance(mlp, nn.Sequential):
            fill(mlp, of, *sizes)
    if narrow.own is not None:
        narrow.own.copy_(wide.own[: out[0], :dim, *inner].flatten(2).flatten(0, 1))
    narrow.bias.copy_(wide.bias[: out[0], :dim].flatten())
    return out


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from(["nodes", "graphs"]))
def test_a_path_is_its_network_with_its_formats(seed, level):
    values = SPACE.sample(SeedStream(seed).numpy())
    supernet, network = with_slices(values, level, seed)
    supernet.mixture = path(SPACE, values)
    rows, expected = supernet(graph(seed)), network(graph(seed))
    assert torch.allclose(rows[:, : expected.size(1)], expected, rtol=1e-9, atol=1e-10)
    assert not rows[:, expected.size(1) :].any()


def test_formats_change_what_a_path_gives():
    """Each decision about a format does, so that agreement above says something of all of them."""
    values = {
        **SPACE.hand_set()["gat"],
        "heads_1": 2,
        "aggregation_1": "mlp",
        "combine_2": "mlp",
        "activation_1": "tanh",
    }
    supernet, _ = with_slices(values, "nodes", 3)
    seen = []
    for decision in SPACE.decisions:
        for option in decision.options if decision.kind.endswith("_format") else ():
            supernet.mixture = path(SPACE, {**values, decision.name: option})
            if option != FLOAT:
                seen.append(supernet(graph(3)).detach())
    supernet.mixture = path(SPACE, values)
    whole = supernet(graph(3)).detach()
    assert all(not torch.equal(rows, whole) for rows in seen)
    assert len(seen) == 2 * sum(len(options) - 1 for options in FORMATS.values())


def accounted(values, level="nodes"):
    """The bits of the layers of an architecture's network on a graph."""
    entry, (chosen, scheme) = find_model("gnn-micro"), parts(values)
    network = entry.build(spec(level), entry.config.parse(chosen, where="test")).eval()
    data = graph(1)
    data.x = data.x.float()
    found = counts(nn.ModuleDict({"model": network}), lambda: network(data))
    total = bits(Assignment.parse(scheme) if scheme else Assignment(()), found)[-1]
    return total.weight_bits + total.buffer_bits


def supernet_on(level="nodes"):
    config = find_model("gnn-micro").config.parse({}, where="test")
    supernet = GNNMicroQuantizedSupernet(config, spec(level), 64, 1)
    supernet.mixture = path(SPACE, SPACE.hand_set()["gcn"])
    data = graph(1)
    data.x = data.x.float()
    supernet(data)
    return supernet


def narrow(random):
    """An architecture whose network is soon built."""
    values = SPACE.sample(random)
    return SPACE.canonical({**values, "hidden_dims_1": int(random.choice(HIDDEN_DIMS[:4])), "heads_2": 4})


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from(["nodes", "graphs"]))
def test_bits_of_one_network_are_those_of_the_accounts(seed, level):
    values = narrow(SeedStream(seed).numpy())
    assert float(supernet_on(level).expected_bits(path(SPACE, values))) == accounted(values, level)


OPEN = ("attention_1", "combine_1", "heads_1", "hidden_dims_1", "weight_format_2", "aggregate_format_1")


@pytest.mark.parametrize("level", ["nodes", "graphs"])
@pytest.mark.parametrize("seed", range(1))
def test_expected_bits_are_the_mean_over_every_network(level, seed):
    """Of decisions with two or three options each; the others are made."""
    random = np.random.default_rng(seed)
    values = narrow(random)
    chances, support = path(SPACE, values), {}
    for decision in SPACE.decisions:
        if decision.name in OPEN:
            few = 4 if decision.name == "hidden_dims_1" else len(decision.options)
            places = random.choice(few, 2, replace=False)
            weights = random.dirichlet(np.ones(2))
            chances[decision.name] = torch.zeros(len(decision.options)).double()
            chances[decision.name][places] = torch.from_numpy(weights)
            support[decision.name] = list(zip([decision.options[i] for i in places], weights, strict=True))
    expected = 0.0
    for chosen in itertools.product(*support.values()):
        named = {name: option for name, (option, _) in zip(support, chosen, strict=True)}
        chance = float(np.prod([weight for _, weight in chosen]))
        expected += chance * accounted({**values, **named}, level)
    assert float(supernet_on(level).expected_bits(chances)) == pytest.approx(expected, rel=1e-9)


def test_the_gradient_of_expected_bits_is_that_of_their_formula():
    supernet, random = supernet_on(), torch.Generator().manual_seed(0)
    logits = [torch.randn(len(d.options), generator=random).double().requires_grad_() for d in SPACE.decisions]

    def size(*logits):
        names = [decision.name for decision in SPACE.decisions]
        chances = dict(zip(names, (each.softmax(0) for each in logits), strict=True))
        return supernet.expected_bits(chances) / 1e6

    assert torch.autograd.gradcheck(size, logits, fast_mode=True)
    gradients = torch.autograd.grad(size(*logits), logits, materialize_grads=True)
    moved = {d.name for d, gradient in zip(SPACE.decisions, gradients, strict=True) if gradient.any()}
    assert moved == {d.name for d in SPACE.decisions if d.kind != "activation"}


def test_bits_need_a_batch():
    config = find_model("gnn-micro").config.parse({}, where="test")
    with pytest.raises(InputError, match="size of a batch"):
        GNNMicroQuantizedSupernet(config, spec("nodes"), 64, 1).expected_bits(path(SPACE, SPACE.hand_set()["gcn"]))
