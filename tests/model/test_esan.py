"""DS-GNN and DSS-GNN against loops over subgraphs; sampling; what they cannot tell apart."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F

from graphlab.core.seeds import SeedStream
from graphlab.model.registry import find_model
from graphlab.model.subgraph.policies import EgoMarked, NodeMarked
from graphlab.model.subgraph.sampling import Chosen, draw_roots
from graphlab.model.zoo.esan import InvariantSet
from tests.model.hard_pairs import check_class, check_sees, prepared
from tests.model.subgraph.loops import PLAIN, SPEC, convolution, each, heard, mean, random_graph, to_networkx
from tests.model.subgraph.test_policy import parts_of

POLICIES = {
    "node-deleted": "node-deleted",
    "edge-deleted": "edge-deleted",
    "node-marked": "whole",
    "ego": "ego",
    "ego-marked": "ego",
    "null": "null",
}
GRAPHS = [random_graph(seed, size) for seed, size in ((0, 6), (1, 4), (4, 7))]
SMALL = {"hidden_dim": 8, "num_layers": 2, "hops": 2}


def by_loops(model, data, policy):
    """A graph's row. Every subgraph has all nodes; those that it lacks have no neighbours."""
    whole, parts = to_networkx(data), [with_isolated(part, data) for part in parts_of(POLICIES[policy], data)]
    h = {}
    for r, part in enumerate(parts):
        for v in part.graph:
            mark = torch.tensor([1.0, 0.0] if v == part.root else [0.0, 1.0]).double()
            h[r, v] = torch.cat([mark, data.x[v]]) if "marked" in policy else data.x[v]
    states = [h]
    for layer in model.layers:
        h = states[-1]
        inside = convolution(layer.inside, h, lambda key: heard("uL", parts, whole, *key))
        inside = each(layer.norm, inside)
        if hasattr(layer, "shared"):
            shared = {v: mean(row for (_, w), row in h.items() if w == v) for v in whole}
            shared = convolution(layer.shared, shared, lambda v: [(w, whole.edges[w, v]["kind"]) for w in whole[v]])
            shared = each(layer.shared_norm, shared)
            inside = {(r, v): row + shared[v] for (r, v), row in inside.items()}
        states.append({key: row.relu() for key, row in inside.items()})
    if hasattr(model, "encoder"):
        return encoded(model.encoder, [total_of(states, r, whole) for r in range(len(parts))])
    return mean(mean(row for (k, _), row in states[-1].items() if k == r) for r in range(len(parts)))


def with_isolated(part, data):
    graph = part.graph.copy()
    graph.add_nodes_from(range(data.num_nodes))
    return replace(part, graph=graph)


def total_of(states, r, whole):
    """The sum over nodes of all layers side by side."""
    return sum(torch.cat([h[r, v] for h in states]) for v in whole)


def encoded(encoder, z):
    if isinstance(encoder, InvariantSet):
        for linear in encoder.each:
            z = [F.elu(linear(row)) for row in z]
        z = mean(z)
        for linear in encoder.whole:
            z = F.elu(linear(z))
        return z
    for own, whole in zip(encoder.each, encoder.whole, strict=True):
        middle = whole(mean(z))
        z = [F.elu(own(row) + middle) for row in z]
    return mean(z)


@pytest.mark.parametrize("spec", [SPEC, PLAIN], ids=["edges", "plain"])
@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("variant", ["ds", "dss"])
def test_a_model_is_its_definition(variant, policy, spec):
    own = {"set_encoder": "equivariant", "channels": (5, 4)} if policy == "ego" else {"channels": (5, 4)}
    with torch.no_grad():
        model, batch = prepared(f"esan/{variant}", {**SMALL, **own, "policy": policy}, GRAPHS, spec)
        expected = torch.stack([by_loops(model, graph, policy) for graph in GRAPHS])
        torch.testing.assert_close(model(batch), expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("variant", ["ds", "dss"])
def test_the_class_of_a_model_bounds_it(variant, policy):
    settings = {"hidden_dim": 8, "num_layers": 3, "policy": policy}
    check_class(f"esan/{variant}", settings)


@pytest.mark.parametrize(("variant", "policy"), [("ds", "node-marked"), ("dss", "ego-marked"), ("ds", "node-deleted")])
def test_a_model_tells_apart_what_gin_cannot(variant, policy):
    check_sees(f"esan/{variant}", {"hidden_dim": 16, "num_layers": 3, "policy": policy}, "Djs")


@pytest.mark.parametrize("policy", [NodeMarked(), EgoMarked(hops=1, messages=("uL", "vL", "vv"))], ids=repr)
@pytest.mark.parametrize("name", ["uL", "vL", "vv"])
def test_chosen_subgraphs_are_those_of_the_whole(policy, name):
    SeedStream(0).seed_torch()
    data = policy(random_graph(3))
    whole = policy.tuples(data, data["edge_attr"].flatten())
    some = Chosen(whole, torch.rand(whole.num_roots) < 0.5)
    assert 0 < some.num_roots < whole.num_roots
    key = [(int(some.root_node[r]), int(v)) for r, v in zip(some.root, some.node, strict=True)]
    old = [(int(whole.root_node[r]), int(v)) for r, v in zip(whole.root, whole.node, strict=True)]
    assert key == [pair for pair in old if pair[0] in some.root_node.tolist()]
    target, source, kind = whole.messages(name).pairs()
    told = {(old[i], old[j]): k for i, j, k in zip(target, source, kind if len(kind) else target * 0, strict=True)}
    target, source, kind = some.messages(name).pairs()
    found = {(key[i], key[j]): k for i, j, k in zip(target, source, kind if len(kind) else target * 0, strict=True)}
    expected = {pair: k for pair, k in told.items() if set(pair) <= set(key)}
    if name == "vv":
        expected |= {(one, one): 0 for one in key if (one[1], one[1]) not in key}
    assert found == expected


@pytest.mark.parametrize(("fraction", "counts"), [(0.5, [3, 1, 4]), (0.01, [1, 1, 1]), (1.0, [5, 1, 8])])
def test_a_share_of_the_roots_of_each_graph(fraction, counts):
    root_graph = torch.repeat_interleave(torch.tensor([5, 1, 8]))
    drawn = [draw_roots(root_graph, fraction) for _ in range(40)]
    for chosen in drawn:
        assert torch.bincount(root_graph[chosen], minlength=3).tolist() == counts
    if fraction < 1:
        assert torch.stack(drawn).any(0).sum() > sum(counts), "the same roots are drawn again and again"


def test_training_sees_a_share_and_evaluation_all():
    graphs = GRAPHS
    outs = []
    for fraction in (1.0, 0.4):
        model, batch = prepared("esan/dss", {**SMALL, "fraction": fraction}, graphs, SPEC)
        outs.append(model(batch))
        model.train()
        torch.manual_seed(0)
        first, second = model(batch), model(batch)
        assert torch.equal(first, second) == (fraction == 1.0)
    torch.testing.assert_close(*outs)


def test_the_recipe_of_tu():
    assert find_model("esan/dss").preset_for("tu/mutag", "tu", "graph-prediction").model["hidden_dim"] == 32
