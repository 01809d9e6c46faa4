"""Networks that people take are points of each space, and those that bear a model's name are that model."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch_geometric.data import Batch, Data

from graphlab.data.spec import Continuous, DataSpec, Target
from graphlab.model.registry import build_model, find_model
from graphlab.nas.registry import find_space
from graphlab.testing.searches import Toy
from graphlab.testing.spaces import check_hand_set
from tests.model.directed import SPEC, directed
from tests.model.subgraph.loops import random_graph

MICRO = find_space("gnn-micro")
ALGEBRA = find_space("subgraph-algebra")
BARE = DataSpec("graphs", (Target("y", "graph", "value", 1),))


def built(space, name, spec=SPEC):
    """The network of a hand-set point, in float64 and without dropout."""
    model, settings = space.settings(space.hand_set()[name])
    torch.manual_seed(0)
    own = {key.removeprefix("model."): value for key, value in settings.items() if not key.startswith("training.")}
    return build_model(model, spec, own).double().eval()


@pytest.mark.parametrize("name", ["gnn-micro", "nas-bench-graph", "subgraph-algebra"])
def test_a_space_names_points(name):
    """Also on data on which more of its architectures are one network."""
    space = find_space(name).on(BARE)
    assert space.hand_set()
    check_hand_set(space)


def test_settings_of_a_model_name_none():
    assert not find_space("gcn").hand_set()


class Doubled(Toy):
    """Names one network twice, of which it has one spelling."""

    def hand_set(self):
        values = self.sample(np.random.default_rng(0))
        return {"one": values, "other": dict(values)}


class Misspelt(Toy):
    """Names a network by values of no decision."""

    def hand_set(self):
        return {"one": {**self.sample(np.random.default_rng(0)), "none": 1}}


@pytest.mark.parametrize("space", [Doubled(), Misspelt()], ids=["doubled", "misspelt"])
def test_broken_points_are_refused(space):
    with pytest.raises(AssertionError):
        check_hand_set(space)


def test_gat_of_gnn_micro_is_gat():
    ours, model = built(MICRO, "gat"), build_model("gat", SPEC, {}).double().eval()
    with torch.no_grad():
        for layer, conv in zip(ours.layers, model.convs, strict=True):
            conv.lin.weight.copy_(layer.weight)
            conv.att_dst.copy_(layer.attention.left)
            conv.att_src.copy_(layer.attention.right)
            conv.bias.copy_(layer.bias.normal_())
        torch.testing.assert_close(ours(directed()), model(directed()))


def test_gcn_of_gnn_micro_is_gcn():
    ours, model = built(MICRO, "gcn"), build_model("gcn", SPEC, {}).double().eval()
    with torch.no_grad():
        for layer, conv in zip(ours.layers, model.convs, strict=True):
            conv.lin.weight.copy_(layer.weight)
            conv.bias.copy_(layer.bias.normal_())
        torch.testing.assert_close(ours(directed()), model(directed()), rtol=1e-6, atol=1e-6)  # its block is in float32


def test_sgc_like_is_a_linear_map_of_features_passed_on_twice():
    ours, graph = built(MICRO, "sgc-like"), directed()
    first, second = ours.layers
    with torch.no_grad():
        eye = torch.eye(graph.num_nodes, dtype=torch.float64)
        near = eye.clone()
        near[graph.edge_index[1], graph.edge_index[0]] = 1
        scale = near.sum(1).rsqrt().diag()
        walk = scale @ near @ scale
        expected = walk @ walk @ graph.x @ (second.weight @ first.weight).T
        torch.testing.assert_close(ours(graph), expected)


def test_sage_like_reads_its_own_row_beside_the_mean():
    ours, graph = built(MICRO, "sage-like"), directed()
    near = torch.eye(graph.num_nodes, dtype=torch.float64)
    near[graph.edge_index[1], graph.edge_index[0]] = 1
    mean = near / near.sum(1, keepdim=True)
    with torch.no_grad():
        first, second = ours.layers
        hidden = (mean @ graph.x @ first.weight.T + graph.x @ first.own.T).relu()
        expected = mean @ hidden @ second.weight.T + hidden @ second.own.T
        torch.testing.assert_close(ours(graph), expected)


def test_chains_of_nas_bench_graph_have_their_operators_alone():
    for name, values in find_space("nas-bench-graph").hand_set().items():
        operator, _, depth = name.rpartition("-")
        assert [value for value in values.values() if value != "skip"] == ["0123", *[operator] * int(depth)]


@pytest.mark.parametrize("name", sorted(ALGEBRA.hand_set()))
def test_points_of_the_algebra_are_the_models_of_the_hierarchy(name):
    """With the weights of one in the other; a layer of the space has its aggregations in the order of the algebra."""
    spec = DataSpec("graphs", (Target("y", "graph", "value", 1),), node=Continuous(2))
    ours, entry = built(ALGEBRA, name, spec), find_model(f"subgraph/{name}")
    model = build_model(entry.name, spec, {}).double().eval()
    terms = entry.cls.aggregations
    order = [terms.index(term) for term in ALGEBRA.settings(ALGEBRA.hand_set()[name])[1]["model.aggregations"][0]]
    for part in ("start", "readout"):
        getattr(model, part).load_state_dict(getattr(ours, part).state_dict())
    for layer, given in zip(model.layers, ours.layers, strict=True):
        layer.norm.load_state_dict(given.norm.state_dict())
        for place, branch in zip(order, given.branches, strict=True):
            layer.branches[place].load_state_dict(branch.state_dict())
    graph = random_graph(0, 6, 0.5)
    plain = [Data(edge_index=graph.edge_index, num_nodes=6, x=graph.x.double())]
    batch = Batch.from_data_list(model.policy.prepare(plain))
    with torch.no_grad():
        torch.testing.assert_close(ours(batch), model(batch))
