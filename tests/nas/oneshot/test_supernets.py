"""Supernets against the networks that they hold: with one option a decision, the same rows and gradients."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch_geometric.data import Data

from graphlab.core.errors import ConfigError
from graphlab.core.seeds import SeedStream
from graphlab.data.spec import Continuous, DataSpec, Target
from graphlab.model.registry import find_model
from graphlab.nas.oneshot.supernets import mixed, path
from graphlab.nas.oneshot.supernets.gnn_micro import GNNMicroSupernet
from graphlab.nas.oneshot.supernets.nas_bench_graph import NASBenchGraphSupernet
from graphlab.nas.registry import find_space

SHRINK = 4


def graph(seed: int) -> Data:
    """Twelve nodes, of which one hears nobody, and features that are mostly zero."""
    random = torch.Generator().manual_seed(seed)
    edges = torch.randint(11, (2, 40), generator=random)
    x = torch.randn(12, 30, generator=random).double() * (torch.rand(12, 30, generator=random) < 0.2)
    return Data(x=x, edge_index=edges, num_nodes=12, batch=torch.zeros(12, dtype=torch.long))


def spec(items: str) -> DataSpec:
    return DataSpec(items, (Target("y", "node" if items == "nodes" else "graph", "class", 5),), Continuous(30))


def shaken(module: nn.Module, seed: int) -> nn.Module:
    """In float64, with other weights: biases begin as zeros."""
    torch.manual_seed(seed)
    module = module.double()
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
    return module


def narrow_micro(values, level, seed):
    """The supernet, and one network of its space on slices of its weights."""
    entry, space = find_model("gnn-micro"), find_space("gnn-micro")
    _, chosen = space.settings(values)
    chosen["hidden_dims"] = tuple(max(1, width // SHRINK) for width in chosen["hidden_dims"])
    config = entry.config.parse({**chosen, "dropout": 0.0}, where="test")
    supernet = shaken(GNNMicroSupernet(config, spec(level), SHRINK, 1), seed)
    network = entry.build(spec(level), config).double()
    before = (30,)
    with torch.no_grad():
        for k, (wide, narrow) in enumerate(zip(supernet.layers, network.layers, strict=True)):
            heads, dim = narrow.heads, narrow.weight.size(0) // narrow.heads
            out = (1 if narrow.averaged else heads, dim)
            inner = tuple(slice(size) for size in before)
            narrow.weight.copy_(wide.weight[:heads, :dim, *inner].flatten(2).flatten(0, 1))
            attention = wide.attentions[space.decisions[0].options.index(values[f"attention_{k + 1}"])]
            for name, parameter in narrow.attention.named_parameters():
                whole = getattr(attention, name)
                parameter.copy_(whole[:heads, :dim] if whole.dim() == 2 else whole[:dim])
            for mlp, of, sizes in ((narrow.mlp, wide.aggregate, (1, dim)), (narrow.combine, wide.combine, out)):
                if isinstance(mlp, nn.Sequential):
                    fill(mlp, of, *sizes)
            if narrow.own is not None:
                narrow.own.copy_(wide.own[: out[0], :dim, *inner].flatten(2).flatten(0, 1))
            narrow.bias.copy_(wide.bias[: out[0], :dim].flatten())
            before = out
    return supernet, network


def fill(mlp, wide, heads, dim):
    mlp[0].weight.copy_(wide.first[0, :, :heads, :dim].flatten(1))
    mlp[0].bias.copy_(wide.first_bias)
    mlp[2].weight.copy_(wide.second[:heads, :dim].flatten(0, 1))
    mlp[2].bias.copy_(wide.second_bias[:heads, :dim].flatten())


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from(["nodes", "graphs"]))
def test_a_path_of_gnn_micro_is_its_network(seed, level):
    values = find_space("gnn-micro").sample(SeedStream(seed).numpy())
    supernet, network = narrow_micro(values, level, seed)
    supernet.mixture = path(find_space("gnn-micro"), values)
    found, expected = supernet(graph(seed)), network(graph(seed))
    assert torch.allclose(found[:, : expected.size(1)], expected, rtol=1e-9, atol=1e-10)
    assert not found[:, expected.size(1) :].any()


def narrow_bench(values, level, seed):
    entry, space = find_model("nas-bench-graph"), find_space("nas-bench-graph")
    _, chosen = space.settings(values)
    given_ = {**chosen, "dropout": 0.0, "num_pre": 1, "num_post": 0}
    supernet = shaken(
        NASBenchGraphSupernet(entry.config.parse({**given_, "hidden_dim": 64}, where=""), spec(level), 4, 1), seed
    )
    network = entry.build(spec(level), entry.config.parse({**given_, "hidden_dim": 16}, where="")).double()
    with torch.no_grad():
        network.pre.load_state_dict(supernet.pre.state_dict())
        names = space.decisions[1].options
        for i, (operator, name) in enumerate(zip(network.operators, network.names, strict=True)):
            operator.load_state_dict(supernet.operators[i][names.index(name)].state_dict())
        network.post.first.weight.copy_(torch.cat([supernet.post[leaf - 1].weight for leaf in network.leaves], dim=1))
        network.post.first.bias.copy_(supernet.bias)
    return supernet, network


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from(["nodes", "graphs"]))
def test_a_path_of_nas_bench_graph_is_its_network(seed, level):
    values = find_space("nas-bench-graph").sample(SeedStream(seed).numpy())
    supernet, network = narrow_bench(values, level, seed)
    supernet.mixture = path(find_space("nas-bench-graph"), values)
    assert torch.allclose(supernet(graph(seed)), network(graph(seed)), rtol=1e-9, atol=1e-10)


ROUNDING = 1e-9
"""Below it a gradient is none: that of a bias that a norm takes away again."""


@pytest.mark.parametrize("build", [narrow_micro, narrow_bench])
def test_only_what_a_path_chooses_is_touched(build):
    """Gradients reach as many numbers of the supernet as the network has, without the weights of norms."""
    space = find_space("gnn-micro" if build is narrow_micro else "nas-bench-graph")
    values = space.sample(SeedStream(4).numpy())
    supernet, network = build(values, "nodes", 0)
    supernet.mixture = path(space, values)
    supernet(graph(0)).square().sum().backward()
    network(graph(0)).square().sum().backward()
    supernet_reached, network_reached = (
        sum(
            int((p.grad.abs() > ROUNDING).sum())
            for name, p in net.named_parameters()
            if p.grad is not None and "norm" not in name
        )
        for net in (supernet, network)
    )
    assert supernet_reached == network_reached > 100


OF_LAYER = {"attention": "gcn", "aggregation": "sum", "activation": "linear", "heads": 2, "combine": "concat"}
LINEAR = {"hidden_dims_1": 8} | {f"{kind}_{k}": option for k in (1, 2) for kind, option in OF_LAYER.items()}


@pytest.mark.parametrize(
    ("name", "options", "others"),
    [
        ("hidden_dims_1", (4, 256), {}),
        ("hidden_dims_1", (8, 32), {"aggregation_1": "mean", "combine_1": "add"}),
        ("heads_1", (1, 16), {}),
        ("heads_2", (1, 16), {}),
        ("heads_1", (2, 8), {"combine_1": "average"}),
        ("activation_1", ("linear", "softplus"), {}),
        ("combine_1", ("concat", "add"), {}),
        ("combine_1", ("concat", "average"), {}),
        ("combine_1", ("average", "add"), {"heads_1": 6}),
        ("combine_2", ("average", "add"), {}),
    ],
)
def test_a_mixture_of_linear_networks_is_their_mean(name, options, others):
    """Of two paths that differ in one decision, after which all is linear."""
    space, config = find_space("gnn-micro"), find_model("gnn-micro").config.parse({"dropout": 0.0}, where="test")
    supernet, data = shaken(GNNMicroSupernet(config, spec("nodes"), SHRINK, 1), 1), graph(7)
    paths = [{k: v.double() for k, v in path(space, LINEAR | others | {name: one}).items()} for one in options]

    def rows(mixture):
        supernet.mixture = mixture
        return supernet(data)

    one, other = map(rows, paths)
    assert not torch.allclose(one, other, rtol=0.01)
    between = rows({k: 0.25 * paths[0][k] + 0.75 * paths[1][k] for k in paths[0]})
    assert torch.allclose(between, 0.25 * one + 0.75 * other, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("activation", ["softplus", "sigmoid"])
def test_heads_that_an_average_leaves_empty_give_nothing_however_near_it_is(activation):
    space, config = find_space("gnn-micro"), find_model("gnn-micro").config.parse({"dropout": 0.0}, where="test")
    supernet, data = shaken(GNNMicroSupernet(config, spec("graph"), SHRINK, 1), 1), graph(7)
    average = path(space, LINEAR | {"activation_1": activation, "combine_1": "average", "heads_1": 8})
    average = {k: v.double() for k, v in average.items()}
    supernet.mixture = average
    alone = supernet(data)
    near = average["combine_1"] + 1e-7
    supernet.mixture = average | {"combine_1": near / near.sum()}
    assert torch.allclose(supernet(data), alone, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("partial", [1, 2, 4])
def test_four_convolutions_hear_four_hops_however_few_channels_they_take(partial):
    space, config = find_space("nas-bench-graph"), find_model("nas-bench-graph").config.parse({}, where="test")
    supernet = shaken(NASBenchGraphSupernet(config, spec("nodes"), 4, partial), 1).eval()
    supernet.norm = nn.Identity()  # moments of the batch make every node hear every other
    chain = {"link": "0123", **{f"operator_{i}": "gcn" for i in range(1, 5)}}
    supernet.mixture = {k: v.double() for k, v in path(space, chain).items()}
    line = torch.arange(7)
    edges = torch.stack([torch.cat([line, line + 1]), torch.cat([line + 1, line])])
    x = graph(2).x[:8].clone().requires_grad_()
    (heard,) = torch.autograd.grad(supernet(Data(x=x, edge_index=edges, num_nodes=8))[0].sum(), x)
    assert heard.abs().sum(dim=1).nonzero().flatten().tolist() == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(("cls", "name"), [(GNNMicroSupernet, "gnn-micro"), (NASBenchGraphSupernet, "nas-bench-graph")])
@pytest.mark.parametrize("partial", [1, 2])
def test_mixtures_have_gradients_of_float64(cls, name, partial):
    space = find_space(name)
    config = find_model(name).config.parse({"dropout": 0.0}, where="test")
    supernet = shaken(cls(config, spec("nodes"), 16, partial), 1)
    random = torch.Generator().manual_seed(2)
    logits = [torch.randn(len(d.options), generator=random).double().requires_grad_() for d in space.decisions]
    data = graph(3)

    def rows(*logits):
        names = [decision.name for decision in space.decisions]
        supernet.mixture = dict(zip(names, (each.softmax(0) for each in logits), strict=True))
        return supernet(data)

    assert torch.autograd.gradcheck(rows, logits, eps=1e-6, atol=1e-5, rtol=1e-4, fast_mode=True)


@pytest.mark.parametrize(("cls", "name"), [(GNNMicroSupernet, "gnn-micro"), (NASBenchGraphSupernet, "nas-bench-graph")])
@pytest.mark.parametrize("partial", [1, 4])
def test_permuted_nodes_give_permuted_rows(cls, name, partial):
    space = find_space(name)
    supernet = shaken(cls(find_model(name).config.parse({"dropout": 0.0}, where="test"), spec("nodes"), 4, partial), 1)
    supernet.mixture = {d.name: torch.rand(len(d.options)).double().softmax(0) for d in space.decisions}
    data, order = graph(5), torch.randperm(12)
    moved = Data(x=data.x[order], edge_index=order.argsort()[data.edge_index], num_nodes=12)
    assert torch.allclose(supernet(moved), supernet(data)[order], rtol=1e-9, atol=1e-10)


def test_of_what_is_mixed_only_that_with_a_weight_is_asked():
    asked = []

    def option(i):
        return lambda: asked.append(i) or torch.full((2,), float(i))

    options = [option(i) for i in range(4)]
    assert mixed(torch.tensor([0.0, 0.0, 1.0, 0.0]), options).tolist() == [2, 2] and asked == [2]
    assert mixed(torch.tensor([0.0, 0.5, 0.0, 2.0]), options).tolist() == [6.5, 6.5] and asked == [2, 1, 3]
    weights = torch.tensor([0.0, 1.0, 0.0, 0.0], requires_grad=True)
    (gradient,) = torch.autograd.grad(mixed(weights, options).sum(), weights)
    assert gradient.tolist() == [0, 2, 4, 6]


def test_widths_that_cannot_be_divided():
    config = find_model("nas-bench-graph").config.parse({"hidden_dim": 64}, where="test")
    for shrink, partial in ((3, 1), (64, 1), (4, 8)):
        with pytest.raises(ConfigError, match="cannot be divided"):
            NASBenchGraphSupernet(config, spec("nodes"), shrink, partial)


@pytest.mark.parametrize("settings", [{"centred": True}, {"unit_rows": True}])
def test_a_path_of_gnn_micro_follows_the_settings_of_its_network(settings, monkeypatch):
    space = find_space("gnn-micro")
    values = space.canonical(space.sample(SeedStream(1).numpy()) | {"activation_1": "softplus", "heads_1": 2})
    plain = space.settings
    monkeypatch.setattr(space, "settings", lambda values: (plain(values)[0], plain(values)[1] | settings))
    monkeypatch.setattr(f"{__name__}.find_space", lambda name: space)
    supernet, network = narrow_micro(values, "nodes", 1)
    supernet.mixture = path(space, values)
    rows, expected = supernet(graph(1)), network(graph(1))
    assert torch.allclose(rows[:, : expected.size(1)], expected, rtol=1e-9, atol=1e-10)
    monkeypatch.setattr(space, "settings", plain)
    without, _ = narrow_micro(values, "nodes", 1)
    without.mixture = supernet.mixture
    assert not torch.allclose(rows, without(graph(1)), rtol=1e-3)


@pytest.mark.parametrize(("decayed", "expected"), [("all", [0.1]), ("first", [0.1, 0.0])])
def test_the_layers_of_gnn_micro_decay_that_decay_in_its_networks(decayed, expected):
    config = find_model("gnn-micro").config.parse({"decayed": decayed}, where="test")
    groups = GNNMicroSupernet(config, spec("nodes"), 64, 1).parameter_groups(0.1)
    assert [group.get("weight_decay", 0.1) for group in groups] == expected
