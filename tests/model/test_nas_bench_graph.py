"""The benchmark's networks against loops over nodes, against each other and against the tables' parameters."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch
from torch_geometric import nn as pyg

from graphlab.core.errors import ConfigError
from graphlab.data.load import load
from graphlab.data.unpickle import read_pickle
from graphlab.experiment.plan import make_plan
from graphlab.model.link_operators import make_operator
from graphlab.model.link_patterns import OPERATORS, PATTERNS, canonical, from_key, key
from graphlab.model.neighbourhood import Neighbourhood
from graphlab.model.registry import build_model, find_model
from graphlab.model.sparse_features import linear
from tests.model.directed import SPEC, directed, senders
from tests.model.hard_pairs import check_class

DIM = 8


def by_loops(name, operator, x, near):
    """An operator's rows, from its formula."""
    d = [len(of) for of in near]
    own = None if operator.own is None else x @ operator.own.T
    h = None if operator.heard is None else x @ operator.heard.T
    rows = []
    for i, of in enumerate(near):
        row = operator.bias.clone()
        if own is not None:
            row = row + own[i]
        match name:
            case "gcn":
                row = row + sum(h[j] / ((1 + d[i]) * (1 + d[j])) ** 0.5 for j in [*of, i])
            case "gin":
                row = row + h[i] + sum(h[j] for j in of)
            case "cheb":
                row = row - sum(h[j] / (d[i] * d[j]) ** 0.5 for j in of if d[j])
            case "sage" if of:
                row = row + sum(h[j] for j in of) / d[i]
            case "arma":
                row = (row + sum(h[j] / (d[i] * d[j]) ** 0.5 for j in of if d[j])).relu()
            case "graph":
                row = row + sum(h[j] for j in of)
        rows.append(row)
    return torch.stack(rows)


@pytest.mark.parametrize("name", ["gcn", "gin", "cheb", "sage", "arma", "graph", "fc"])
def test_an_operator_is_its_formula(name):
    graph = directed()
    torch.manual_seed(0)
    operator = make_operator(name, 5, DIM).double()
    near = Neighbourhood(graph["edge_index"], 9)
    expected = by_loops(name, operator, graph["x"], senders(graph))
    torch.testing.assert_close(operator(graph["x"], near), expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", ["gcn", "gin", "cheb", "sage", "arma", "graph", "gat"])
def test_an_operator_is_the_layer_of_pyg(name):
    """On an undirected graph, where degrees of senders and receivers are one."""
    graph = directed()
    edges = graph["edge_index"][:, graph["edge_index"][0] != graph["edge_index"][1]]
    edges = torch.cat([edges, edges.flip(0)], dim=1).unique(dim=1)
    torch.manual_seed(0)
    operator = make_operator(name, 5, DIM).double()
    layer = {
        "gcn": lambda: pyg.GCNConv(5, DIM),
        "gin": lambda: pyg.GINConv(torch.nn.Linear(5, DIM)),
        "cheb": lambda: pyg.ChebConv(5, DIM, K=2),
        "sage": lambda: pyg.SAGEConv(5, DIM),
        "arma": lambda: pyg.ARMAConv(5, DIM),
        "graph": lambda: pyg.GraphConv(5, DIM),
        "gat": lambda: pyg.GATConv(5, DIM // 4, heads=4),
    }[name]().double()
    given = {ours: value.detach() for ours, value in operator.named_parameters()}
    theirs = {
        "gcn": {"lin.weight": "heard", "bias": "bias"},
        "gin": {"nn.weight": "heard", "nn.bias": "bias"},
        "cheb": {"lins.0.weight": "own", "lins.1.weight": "heard", "bias": "bias"},
        "sage": {"lin_l.weight": "heard", "lin_r.weight": "own", "lin_l.bias": "bias"},
        "arma": {"init_weight": "heard", "root_weight": "own", "bias": "bias"},
        "graph": {"lin_rel.weight": "heard", "lin_root.weight": "own", "lin_rel.bias": "bias"},
        "gat": {
            "lin.weight": "weight",
            "att_dst": "attention.left",
            "att_src": "attention.right",
            "bias": "bias",
        },
    }[name]
    parameters = dict(layer.named_parameters())
    with torch.no_grad():
        for their, our in theirs.items():
            value = given[our].T if their in ("init_weight", "root_weight") else given[our]
            parameters[their].copy_(value.reshape(parameters[their].shape))
    found = operator(graph["x"], Neighbourhood(edges, 9))
    torch.testing.assert_close(found, layer(graph["x"], edges), rtol=1e-9, atol=1e-9)


def model_of(link, operators, **settings):
    torch.manual_seed(0)
    settings = {"link": link, "operators": operators, "hidden_dim": DIM, "dropout": 0.0} | settings
    return build_model("nas-bench-graph", SPEC, settings).double()


@pytest.mark.parametrize("num_pre", [0, 1])
@pytest.mark.parametrize("num_post", [0, 1])
@pytest.mark.parametrize("link", PATTERNS)
def test_the_network_is_its_definition(link, num_pre, num_post):
    """Nothing is a skip at first, then one that stays, then one in front."""
    graph = directed(1)
    for operators in (("gcn", "sage", "fc", "arma"), ("gin", "fc", "skip", "gcn"), ("skip", "graph", "cheb", "gcn")):
        model = model_of(link, operators, num_pre=num_pre, num_post=num_post)
        near = senders(graph)
        pattern, names = canonical(link, operators)
        h = [graph["x"]]
        if num_pre:
            h = [by_loops("fc", model.pre, graph["x"], near)]
        raw = [num_pre == 0]
        for parent, name, norm, operator in zip(pattern, names, model.norms, model.operators, strict=True):
            z = h[parent]
            if not raw[parent]:
                z = (z - z.mean(0)) / (z.var(0, unbiased=False) + norm.eps).sqrt() * norm.weight + norm.bias
                z = z.clamp(min=0)
            h.append(z if name == "skip" else by_loops(name, operator, z, near))
            raw.append(raw[parent] and name == "skip")
        read = torch.cat([h[node] for node in range(1, 5) if node not in pattern], dim=1).clamp(min=0)
        expected = read @ model.post.first.weight.T + model.post.first.bias
        if num_post:
            expected = expected @ model.post.second.weight.T + model.post.second.bias
        torch.testing.assert_close(model(graph), expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (((0, 1, 2, 3), ("skip", "gcn", "skip", "gat")), ((0, 1, 2, 0), ("gcn", "gat", "skip", "skip"))),
        (((0, 0, 1, 2), ("fc", "gin", "sage", "gat")), ((0, 1, 0, 3), ("gin", "gat", "fc", "sage"))),
        (((0, 1, 1, 2), ("gcn", "skip", "arma", "cheb")), ((0, 1, 1, 0), ("gcn", "cheb", "arma", "skip"))),
        (((0, 1, 1, 0), ("gcn", "skip", "arma", "skip")), ((0, 1, 2, 2), ("skip", "gcn", "arma", "skip"))),
    ],
)
def test_equal_architectures_have_equal_weights_and_are_one_function(one, other):
    first, second = model_of(*one), model_of(*other)
    for parameter in second.parameters():
        torch.nn.init.normal_(parameter)
    graph = directed()
    assert not torch.allclose(first(graph), second(graph))
    second.load_state_dict(first.state_dict())
    assert torch.equal(first(graph), second(graph))


def test_its_class_bounds_it():
    settings = {"hidden_dim": 8, "link": (0, 0, 1, 2), "operators": ("gin", "gat", "cheb", "sage"), "dropout": 0.0}
    check_class("nas-bench-graph", settings)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"operators": ("skip",) * 4}, "nothing but the input"),
        ({"link": (0, 3, 0, 0)}, "no link pattern"),
        ({"operators": ("gcn", "gcn", "gcn", "gnc")}, "operators"),
        ({"link": (0, 1, 2)}, "link"),
        ({"hidden_dim": 10}, "multiple of 4"),
    ],
)
def test_what_is_no_architecture_is_refused(settings, message):
    with pytest.raises(ConfigError) as raised:
        find_model("nas-bench-graph").config.parse(settings, where="nas-bench-graph")
    assert message in str(raised.value)


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("preset", "spec"),
    [(name, spec) for name, preset in find_model("nas-bench-graph").presets.items() for spec in preset.num_parameters],
)
def test_the_tables_count_the_same_parameters(preset, spec):
    """Every operator on features and on hidden states, and every 100th architecture, to the last parameter."""
    name = preset.partition("/")[2]
    table = read_pickle(Path(os.environ["GRAPHLAB_MIRROR"]) / "nas-bench-graph" / f"{name}.bench")
    recipe = find_model("nas-bench-graph").presets[preset].model
    chains = [key((0, 1, 2, 3), ("skip", *[operator] * 3)) for operator in OPERATORS[:-1]]
    with torch.device("meta"):
        for number in [*chains, *list(table)[::100]]:
            link, operators = from_key(number)
            model = build_model("nas-bench-graph", spec, {**recipe, "link": link, "operators": operators})
            assert model.counted_parameters() == round(1e6 * table[number]["para"]), number


@pytest.mark.real_data
@pytest.mark.parametrize("name", ["cora", "citeseer"])
def test_the_tables_networks_read_words_as_they_are(name):
    """As the published training code does, which scales no row."""
    data = load(f"planetoid/{name}")
    plan = make_plan("nas-bench-graph", data, {})
    features = plan.make_learner(plan.make_task(0), 0).model.features
    words = linear(features.eval()(data.graphs[0].x), torch.eye(data.graphs[0].num_features))
    assert words.unique().tolist() == [0.0, 1.0]
    torch.testing.assert_close(words / words.sum(1, keepdim=True).clamp(min=1), data.graphs[0].x)
