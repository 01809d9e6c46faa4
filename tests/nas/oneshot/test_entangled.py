"""Entangled supernets: the sum of padded slices in one product, paths that are networks, and one error elsewhere."""

from __future__ import annotations

import pytest
import torch
from torch_geometric.data import Data

import graphlab as gl
from graphlab.core.errors import IncompatibleError
from graphlab.core.seeds import SeedStream
from graphlab.model.link_operators import HEADS as BENCH_HEADS
from graphlab.model.link_operators import make_operator
from graphlab.model.link_patterns import OPERATORS
from graphlab.model.neighbourhood import Neighbourhood
from graphlab.model.registry import find_model
from graphlab.model.zoo.gnn_micro import ACTIVATIONS, HEADS
from graphlab.nas.oneshot.entangled import nas_bench_graph as bench
from graphlab.nas.oneshot.entangled.gnn_micro import EntangledMicroSupernet
from graphlab.nas.oneshot.entangled.nas_bench_graph import EntangledBenchSupernet, EntangledOperators
from graphlab.nas.oneshot.supernets import gnn_micro, path
from graphlab.nas.registry import find_space
from graphlab.nas.spaces.gnn_micro import CHOICES
from graphlab.testing.examples import example
from tests.nas.oneshot import test_supernets as plain
from tests.nas.oneshot.test_supernets import SHRINK, graph, shaken, spec

MICRO, BENCH = find_space("gnn-micro"), find_space("nas-bench-graph")


def micro(seed=1):
    config = find_model("gnn-micro").config.parse({"dropout": 0.0}, where="test")
    return shaken(EntangledMicroSupernet(config, spec("graph"), SHRINK, 1), seed)


def layer_mixture(seed, **chosen):
    """Of the first layer: random weights of widths and heads, and the rest as chosen."""
    random = torch.Generator().manual_seed(seed)
    free = {kind: torch.rand(len(CHOICES[kind]), generator=random).double() for kind in ("heads", "hidden_dims")}
    fixed = {
        kind: torch.nn.functional.one_hot(torch.tensor(CHOICES[kind].index(option)), len(CHOICES[kind])).double()
        for kind, option in chosen.items()
    }
    return {kind: weights / weights.sum() for kind, weights in free.items()} | fixed


@pytest.mark.parametrize("activation", ["linear", "sigmoid"])
@pytest.mark.parametrize("combine", ["concat", "add"])
def test_a_layer_applies_the_sum_of_padded_slices_in_one_product(activation, combine, monkeypatch):
    """Against a product for every pair of a width and a number of heads."""
    of = layer_mixture(3, attention="gcn", aggregation="sum", activation=activation, combine=combine)
    layer, data = micro().layers[0], graph(2)
    near, x = Neighbourhood(data.edge_index, 12), data.x
    weights = near.weights("symmetric with self", torch.float64)
    total, mask = torch.zeros(12, *layer.out_shape).double(), torch.zeros(layer.out_shape).double()
    for heads, p in zip(HEADS, of["heads"], strict=True):
        for dim, q in zip(layer.dims, of["hidden_dims"], strict=True):
            rows = near.sum(weights, torch.einsum("nf,hdf->nhd", x, layer.weight[:heads, :dim]))
            if combine == "add":
                rows = rows + torch.einsum("nf,hdf->nhd", x, layer.own[:heads, :dim])
            total[:, :heads, :dim] += p * q * (rows + layer.bias[:heads, :dim])
            mask[:heads, :dim] += p * q
    products = []
    once = gnn_micro.linear
    monkeypatch.setattr(gnn_micro, "linear", lambda *given: products.append(1) or once(*given))
    rows = layer(x, near, of)
    assert torch.allclose(rows, ACTIVATIONS[activation](total) * mask, rtol=1e-9, atol=1e-10)
    assert len(products) == (2 if combine == "add" else 1)


def test_the_maps_of_mlp_are_slices_too():
    """Their second map and its bias, of which a mixture is the weighted sum."""
    of = layer_mixture(5, attention="gcn", aggregation="mlp", activation="linear", combine="concat")
    of["heads"] = torch.eye(len(HEADS)).double()[0]
    layer, data = micro().layers[0], graph(2)
    near = Neighbourhood(data.edge_index, 12)
    m = gnn_micro._mask(layer.dims, of["hidden_dims"])
    h = near.sum(near.weights("symmetric with self", torch.float64), (data.x @ layer.weight[0].T)[:, None])[:, 0] * m
    mlp = layer.aggregate
    inner = ((h * m) @ mlp.first[0, :, 0].T + mlp.first_bias).relu()
    padded = sum(
        q
        * torch.nn.functional.pad(
            mlp.second[0, :dim] @ inner.T + mlp.second_bias[0, :dim, None], (0, 0, 0, len(m) - dim)
        )
        for dim, q in zip(layer.dims, of["hidden_dims"], strict=True)
    )
    assert torch.allclose(layer(data.x, near, of)[:, 0], (padded.T + m * layer.bias[0]) * m, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("level", ["nodes", "graphs"])
def test_a_path_of_gnn_micro_is_its_network(seed, level, monkeypatch):
    monkeypatch.setattr(plain, "GNNMicroSupernet", EntangledMicroSupernet)
    values = MICRO.sample(SeedStream(seed).numpy())
    supernet, network = plain.narrow_micro(values, level, seed)
    assert isinstance(supernet, EntangledMicroSupernet)
    supernet.mixture = path(MICRO, values)
    rows, expected = supernet(graph(seed)), network(graph(seed))
    assert torch.allclose(rows[:, : expected.size(1)], expected, rtol=1e-9, atol=1e-10)


def fill(operator, name, entangled):
    """A network's operator with the shared weights."""
    with torch.no_grad():
        if name == "gat":
            operator.weight.copy_(entangled.message)
            operator.attention.load_state_dict(entangled.attention.state_dict())
        elif name != "skip":
            for part, shared in ((operator.heard, entangled.message), (operator.own, entangled.own)):
                if part is not None:
                    part.copy_(shared)
        if name != "skip":
            operator.bias.copy_(entangled.bias)
    return operator


@pytest.mark.parametrize("active", [tuple(range(len(OPERATORS))), (0, 1, 8), (4,), (2, 7)])
def test_operators_come_to_their_sum_in_two_products(active, monkeypatch):
    dim = 4 * BENCH_HEADS
    entangled = shaken(EntangledOperators(dim), 0)
    operators = [fill(make_operator(name, dim, dim).double(), name, entangled) for name in OPERATORS]
    data = graph(4)
    near, z = Neighbourhood(data.edge_index, 12), torch.randn(12, dim).double()
    weights = torch.zeros(len(OPERATORS)).double()
    weights[list(active)] = torch.rand(len(active)).double()
    expected = sum(weights[k] * operators[k](z, near) for k in active)
    products = []
    once = bench.linear
    monkeypatch.setattr(bench, "linear", lambda *given: products.append(1) or once(*given))
    assert torch.allclose(entangled(z, weights, near), expected, rtol=1e-9, atol=1e-10)
    assert len(products) <= 2


@pytest.mark.parametrize("seed", range(8))
def test_a_path_of_nas_bench_graph_is_its_network(seed):
    values = BENCH.sample(SeedStream(seed).numpy())
    entry = find_model("nas-bench-graph")
    _, chosen = BENCH.settings(values)
    shared = {**chosen, "dropout": 0.0, "num_pre": 1, "num_post": 0}
    supernet = shaken(
        EntangledBenchSupernet(entry.config.parse({**shared, "hidden_dim": 64}, where=""), spec("nodes"), 4, 1), seed
    )
    network = entry.build(spec("nodes"), entry.config.parse({**shared, "hidden_dim": 16}, where="")).double()
    with torch.no_grad():
        network.pre.load_state_dict(supernet.pre.state_dict())
        for operator, name, entangled in zip(network.operators, network.names, supernet.operators, strict=True):
            fill(operator, name, entangled)
        network.post.first.weight.copy_(torch.cat([supernet.post[leaf - 1].weight for leaf in network.leaves], dim=1))
        network.post.first.bias.copy_(supernet.bias)
    supernet.mixture = path(BENCH, values)
    assert torch.allclose(supernet(graph(seed)), network(graph(seed)), rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize(("cls", "space"), [(EntangledMicroSupernet, MICRO), (EntangledBenchSupernet, BENCH)])
def test_mixtures_have_gradients_of_float64(cls, space):
    config = find_model(space.name).config.parse({"dropout": 0.0}, where="test")
    supernet, data = shaken(cls(config, spec("nodes"), 16, 1), 1), graph(3)
    random = torch.Generator().manual_seed(2)
    logits = [torch.randn(len(d.options), generator=random).double().requires_grad_() for d in space.decisions]

    def rows(*logits):
        names = [decision.name for decision in space.decisions]
        supernet.mixture = dict(zip(names, (each.softmax(0) for each in logits), strict=True))
        return supernet(data)

    assert torch.autograd.gradcheck(rows, logits, eps=1e-6, atol=1e-5, rtol=1e-4, fast_mode=True)


def test_permuted_nodes_give_permuted_rows():
    config = find_model("nas-bench-graph").config.parse({"dropout": 0.0}, where="test")
    supernet = shaken(EntangledBenchSupernet(config, spec("nodes"), 4, 1), 1)
    supernet.mixture = {d.name: torch.rand(len(d.options)).double().softmax(0) for d in BENCH.decisions}
    data, order = graph(5), torch.randperm(12)
    moved = Data(x=data.x[order], edge_index=order.argsort()[data.edge_index], num_nodes=12)
    assert torch.allclose(supernet(moved), supernet(data)[order], rtol=1e-9, atol=1e-10)


def test_other_spaces_are_refused_before_anything_is_trained(tmp_path):
    settings = {"space": "gnn-micro-quantized", "store": tmp_path / "refused", "trials": 2}
    with pytest.raises(IncompatibleError, match="gnn-micro-quantized has no supernet with entangled weights"):
        gl.search("tanglenas", example("node-classification"), **settings)
    assert not (tmp_path / "refused").exists()
