"""Models of directed graphs against the authors' layers, and against dense algebra."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch_geometric.data import Data

from graphlab.core.errors import IncompatibleError, InputError
from graphlab.data.spec import Continuous, DataSpec, Target
from graphlab.model import propagation
from graphlab.model.propagation import FACTORS, Directions, PatternOperator, Propagation, attribute
from graphlab.model.registry import build_model, find_model
from tests.model.directed import directed

GRAPHS = ("mixed9", "disconnected11", "dsbm40")


def spec(num_classes: int) -> DataSpec:
    target = Target("y", "node", "class", num_classes)
    return DataSpec("nodes", (target,), node=Continuous(5), directed=True)


SPEC = spec(3)


def graph_of(pack) -> Data:
    """The graph of a pack, its features in float64."""
    x = torch.from_numpy(pack["x"].astype(np.float64))
    return Data(x=x, edge_index=torch.from_numpy(pack["edge_index"].astype(np.int64)), num_nodes=len(x))


def filled(model, pack, prefix: str, names: dict[str, str], transposed: str = "nothing"):
    """The model in float64 with the parameters of a pack, ours by theirs; all of both are used. Matrices whose name
    begins with `transposed` are stored the other way round."""
    theirs = {key.removeprefix(prefix): value for key, value in pack.items() if key.startswith(prefix)}
    theirs = {key: torch.from_numpy(value) for key, value in theirs.items() if not key.endswith("alpha")}
    model = model.double().eval()
    assert set(names.values()) == set(theirs) and set(names) == {name for name, _ in model.named_parameters()}
    with torch.no_grad():
        for ours, other in names.items():
            value = theirs[other]
            value = value.T if other.rpartition(".")[2] == "weight" and transposed in other else value
            model.get_parameter(ours).copy_(value.reshape(model.get_parameter(ours).shape))
    return model


def close(ours, theirs, tolerance=1e-10):
    torch.testing.assert_close(ours.detach(), torch.as_tensor(theirs, dtype=ours.dtype), rtol=0, atol=tolerance)


def names_of_layer(conv: str, ours: str, theirs: str) -> dict[str, str]:
    """In the authors' code the convolutions of sage and gat that read out-neighbours are called dst_to_src, and the
    linear map of gcn src_to_dst."""
    out, into = ("src_to_dst", "dst_to_src") if conv == "gcn" else ("dst_to_src", "src_to_dst")
    template = {"gcn": "lin_{}", "sage": "conv_{}.lin_l", "gat": "conv_{}"}[conv]
    parts = {"linear.weight": "weight", "linear.bias": "bias"}
    if conv == "gat":
        parts = {"linear.weight": "lin.weight", "source": "att_src", "target": "att_dst", "bias": "bias"}
    names = {
        f"{ours}{half}.{mine}": f"{theirs}{template.format(direction)}.{other}"
        for half, direction in (("out", out), ("into", into))
        for mine, other in parts.items()
    }
    if conv == "sage":
        names |= {f"{ours}own.{part}": f"{theirs}lin_self.{part}" for part in ("weight", "bias")}
    return names


@pytest.mark.real_data
@pytest.mark.parametrize("conv", ["gcn", "sage", "gat"])
@pytest.mark.parametrize("name", GRAPHS)
def test_dir_gnn_is_the_authors_own(truth, name, conv):
    pack = truth(f"dirgnn_original_{name}")
    graph = graph_of(pack)
    for alpha in (0.0, 0.5, 1.0):
        prefix = f"dir-{conv}_alpha{alpha}/"
        settings = {"conv": conv, "num_layers": 1, "alpha": alpha, "jumping_knowledge": "none"}
        names = names_of_layer(conv, "layers.0.", "")
        model = filled(build_model("dir-gnn", spec(4), settings), pack, prefix + "param/", names)
        close(model(graph), pack[prefix + "out"])
    for kind in ("cat", "max", "None"):
        prefix = f"model_dir-{conv}_jk{kind}/"
        settings = {"conv": conv, "num_layers": 2, "hidden_dim": 6, "alpha": 0.5, "normalize": kind == "cat"}
        settings["jumping_knowledge"] = kind.lower()
        names = {}
        for depth in (0, 1):
            names |= names_of_layer(conv, f"layers.{depth}.", f"convs.{depth}.")
        if kind != "None":
            names |= {f"read_out.{part}": f"lin.{part}" for part in ("weight", "bias")}
        model = filled(build_model("dir-gnn", SPEC, settings), pack, prefix + "param/", names)
        close(model(graph).log_softmax(1), pack[prefix + "log_prob"])


@pytest.mark.real_data
@pytest.mark.parametrize("name", GRAPHS)
def test_magnet_is_that_of_the_reference_package(truth, name):
    pack = truth(f"directed_{name}")
    graph = graph_of(pack)
    x, num_nodes = torch.from_numpy(pack["x"]), int(pack["num_nodes"])
    for q in ("0.0", "0.1", "0.25"):
        for order in (1, 2):
            prefix = f"MagNetConv_K{order}_q{q}/"
            settings = {"hidden_dim": 4, "num_layers": 1, "order": order, "q": float(q)}
            model = build_model("magnet", SPEC, settings).double().eval()
            conv = model.convs[0]
            with torch.no_grad():
                conv.weight.copy_(torch.from_numpy(pack[prefix + "param/weight"]))
                conv.bias.copy_(torch.from_numpy(pack[prefix + "param/bias"]))
            block = model._block(graph.edge_index, None, num_nodes, float(q), x.dtype)
            rows = conv(torch.cat([x, torch.from_numpy(pack["x_imag"])], dim=1), block)
            close(rows, np.concatenate([pack[prefix + "out_real"], pack[prefix + "out_imag"]], axis=1))
    names = {f"convs.{depth}.{part}": f"Chebs.{depth}.{part}" for depth in (0, 1) for part in ("weight", "bias")}
    names |= {f"read_out.{part}": f"Conv.{part}" for part in ("weight", "bias")}
    model = build_model("magnet", SPEC, {"hidden_dim": 6})
    model = filled(model, pack, "MagNet_model/param/", names)
    close(model(graph).log_softmax(1), pack["MagNet_model/log_prob"])


def test_at_charge_zero_magnet_is_a_network_of_the_undirected_graph():
    graph = directed()
    model = build_model("magnet", SPEC, {"q": 0.0, "order": 2}).double().eval()
    reversed_graph = Data(x=graph.x, edge_index=graph.edge_index.flip(0), num_nodes=graph.num_nodes)
    close(model(graph), model(reversed_graph).detach())
    charged = build_model("magnet", SPEC, {"q": 0.25}).double().eval()
    assert not torch.allclose(charged(graph), charged(reversed_graph))


@pytest.mark.real_data
@pytest.mark.parametrize("name", GRAPHS)
def test_digcn_is_that_of_the_reference_package(truth, name):
    pack = truth(f"directed_{name}")
    graph = graph_of(pack)
    names = {f"convs.{depth}.{part}": f"conv{depth + 1}.{part}" for depth in (0, 1) for part in ("weight", "bias")}
    model = filled(build_model("digcn", SPEC, {"hidden_dim": 6}), pack, "DiGCN_model/param/", names, "conv")
    close(model(graph).log_softmax(1), pack["DiGCN_model/log_prob"], 1e-5)
    names = {}
    for block in (1, 2, 3):
        for ours, theirs in (("own", "ln"), ("first", "conv1"), ("second", "conv2")):
            names |= {f"blocks.{block - 1}.{ours}.{part}": f"ib{block}.{theirs}.{part}" for part in ("weight", "bias")}
    model = filled(build_model("digcn-ib", SPEC, {"hidden_dim": 6}), pack, "DiGCN_IB_model/param/", names, "conv")
    close(model(graph).log_softmax(1), pack["DiGCN_IB_model/log_prob"], 1e-5)


@pytest.mark.real_data
@pytest.mark.parametrize("name", ["mixed9", "dsbm40"])
def test_adpa_is_the_published_formula(truth, name):
    pack = truth(f"adpa_{name}")
    graph = graph_of(pack)
    num_nodes, edges = int(pack["num_nodes"]), Directions(graph.edge_index, None, int(pack["num_nodes"]))
    eye = torch.eye(num_nodes, dtype=torch.float64)
    for pattern in ("a", "at", "aa", "aat", "ata", "atat"):
        for exponent in ("0.0", "0.42749", "0.5", "1.0"):
            operator = PatternOperator(edges, pattern, float(exponent))
            close(operator(eye), pack[f"operator_{pattern}_r{exponent}"], 1e-5)
    settings = {"hops": 2, "hidden_dim": 8, "exponent": float(pack["r"])}
    entry = find_model("adpa")
    prepared = entry.cls.preparation(entry.config.parse(settings, where="adpa")).prepare([graph])[0]
    patterns = ("a", "at", "aa", "aat", "ata", "atat")
    for pattern in patterns:
        for hop in (1, 2):
            close(prepared[attribute(pattern, hop)], pack[f"propagated_{pattern}"][hop], 1e-5)
    model = build_model("adpa", SPEC, settings).double().eval()
    with torch.no_grad():
        for place, pattern in enumerate(patterns):
            for part in ("weight", "bias"):
                value = torch.from_numpy(pack[f"param/pre_msg_op.{pattern}_learnable_weight.{part}"])
                getattr(model.attention[place], part).copy_(value)
        for place, pattern in enumerate(("o", *patterns)):
            for part in ("weight", "bias"):
                value = torch.from_numpy(pack[f"param/base_model.linear_{pattern}.0.{part}"])
                getattr(model.maps[place], part).copy_(value)
            model.shares[place] = float(pack[f"param/base_model.{pattern}_learnable_weight"].squeeze())
        for part in ("weight", "bias"):
            getattr(model.read_out, part).copy_(torch.from_numpy(pack[f"param/base_model.linear_output.{part}"]))
    every = {name: [graph.x, *(prepared[attribute(name, hop)] for hop in (1, 2))] for name in patterns}
    narrow = model.maps[1]
    attended = model.attended("a", every["a"])
    close(attended, narrow(torch.from_numpy(pack["hop_attended_intended_a"]).double()).detach(), 1e-5)
    assert (attended - narrow(torch.from_numpy(pack["hop_attended_as_code_a"]).double())).abs().max() > 0.01
    rows = [torch.from_numpy(pack[f"hop_attended_as_code_{name}"]).double() for name in ("o", *patterns)]
    mapped = [model.maps[place](each) for place, each in enumerate(rows)]
    close(model.of_patterns(mapped), pack["logits"], 1e-5)
    ours = [model.maps[0](graph.x), *(model.attended(name, every[name]) for name in patterns)]
    close(model(prepared), model.of_patterns(ours).detach())


def dense_factors(graph: Data, loops: bool) -> dict[str, torch.Tensor]:
    adjacency = torch.zeros(graph.num_nodes, graph.num_nodes, dtype=torch.float64)
    adjacency.index_put_(tuple(graph.edge_index), torch.ones(graph.num_edges, dtype=torch.float64), accumulate=True)
    extra = torch.eye(graph.num_nodes, dtype=torch.float64) if loops else 0
    return {"out": adjacency + extra, "in": adjacency.T + extra, "both": adjacency + adjacency.T + extra}


@given(st.integers(0, 50), st.sampled_from(sorted(FACTORS)), st.sampled_from((0.0, 0.3, 0.5, 1.0)))
@settings(deadline=None, max_examples=40)
def test_patterns_by_dense_algebra(seed, pattern, exponent):
    graph = directed(seed)
    factors = dense_factors(graph, loops=pattern in ("a", "at", "s"))
    product = torch.eye(graph.num_nodes, dtype=torch.float64)
    for factor in FACTORS[pattern]:
        product = product @ factors[factor]
    rows = product.sum(1, keepdim=True)
    columns = product.sum(0)[:, None] if pattern.startswith("bare") else rows
    left, right = (
        torch.where(sums > 0, sums**power, float(not power))
        for sums, power in ((rows, exponent - 1), (columns, -exponent))
    )
    operator = PatternOperator(Directions(graph.edge_index, None, graph.num_nodes), pattern, exponent)
    close(operator(graph.x), left * (product @ (right * graph.x)), 1e-12)


def test_nste_by_dense_algebra():
    graph = directed()
    settings = {"hidden_dim": 8, "num_layers": 2, "in_exponent": 0.2, "out_exponent": 0.7}
    model = build_model("nste", SPEC, settings).double().eval()
    adjacency = dense_factors(graph, loops=True)["out"]
    operator = adjacency.sum(1)[:, None] ** -0.7 * adjacency * adjacency.sum(0) ** -0.2
    source = target = graph.x
    for of_target, of_source in zip(model.encoder.to_source, model.encoder.to_target, strict=True):
        source, target = (
            (operator @ target @ of_target.weight.T).relu(),
            (operator.T @ source @ of_source.weight.T).relu(),
        )
    close(model(graph), model.read_out(torch.cat([source, target], dim=1)).detach())


@pytest.mark.parametrize("zero_order", [False, True])
def test_faber_filters_by_dense_algebra(zero_order):
    graph = directed()
    settings = {"order": 3, "exponent": 0.25, "alpha": 0.3, "zero_order": zero_order, "num_layers": 1}
    model = build_model("faber-filters", SPEC, settings | {"jumping_knowledge": "none"}).double().eval()
    adjacency = dense_factors(graph, loops=False)["out"]
    scale = [torch.where(degree > 0, degree**-0.25, 0) for degree in (adjacency.sum(1), adjacency.sum(0))]
    operator = scale[0][:, None] * adjacency * scale[1]
    expected = model.layers[0].bias
    for share, maps, matrix in ((0.3, model.layers[0].out, operator), (0.7, model.layers[0].into, operator.T)):
        power = torch.eye(graph.num_nodes, dtype=torch.float64) if zero_order else matrix
        for each in maps:
            expected = expected + share * power @ graph.x @ each.weight.T
            power = matrix @ power
    close(model(graph), expected.detach())


@pytest.mark.parametrize("name", ["dir-gnn", "magnet", "digcn", "digcn-ib", "nste", "faber-filters"])
def test_negative_weights_are_refused(name):
    graph = directed()
    graph.edge_weight = torch.linspace(-1, 1, graph.num_edges, dtype=torch.float64)
    model = build_model(name, SPEC, {}).double()
    with pytest.raises(IncompatibleError, match=f"{name} takes roots of sums of edge weights, and"):
        model(graph)


def test_features_are_not_passed_along_negative_weights():
    graph = directed()
    graph.edge_weight = -torch.ones(graph.num_edges, dtype=torch.float64)
    with pytest.raises(IncompatibleError, match="a propagation of features takes roots"):
        Propagation(("a",), 1, 0.5, (1.0,)).propagated(graph)


def test_coefficients_of_adpa():
    entry = find_model("adpa")
    prepared = entry.cls.preparation(entry.config.parse({"hops": 3}, where="adpa"))
    assert prepared.coefficients == pytest.approx([1.000001, 1 - math.log(2) + 1e-6, 1 - math.log(3) + 1e-6])


def test_features_that_do_not_fit_are_refused(monkeypatch):
    monkeypatch.setattr(propagation, "LARGEST", 9 * 5 * 8 * 3)
    graph = directed()
    assert len(Propagation(("a",), 3, 0.5, (1.0, 1.0, 1.0)).propagated(graph)) == 3
    with pytest.raises(InputError, match="passed on 2 times along 2 patterns"):
        Propagation(("a", "s"), 2, 0.5, (1.0, 1.0)).propagated(graph)
