"""NBFNet: every choice is equivariant, inductive and deterministic; messages run the right way and reach every node."""

from __future__ import annotations

from itertools import product

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch_geometric.data import Data

from graphlab.core.errors import ConfigError
from graphlab.data.spec import FACT, DataSpec
from graphlab.model.bellman_ford import degree_scale
from graphlab.model.registry import build_model
from graphlab.ops.relational_spmm import RelationalGraph, reference
from graphlab.ops.relational_spmm.signature import Product

R = 3
SPEC = DataSpec("triples", (FACT,), num_relations=R, directed=True)
OFTEN = {
    ("transe", "sum", True),
    ("distmult", "mean", False),
    ("rotate", "max", True),
    ("distmult", "pna", True),
    ("transe", "pna", False),
}
"""Each value at least once. All other choices are slow tests, as each has loops that are compiled for it."""
CHOICES = [
    pytest.param(
        dict(zip(("message", "aggregate", "dependent"), values, strict=True)),
        id="-".join(map(str, values)),
        marks=[] if values in OFTEN else [pytest.mark.slow],
    )
    for values in product(("transe", "distmult", "rotate"), ("sum", "mean", "max", "pna"), (True, False))
]
QUERY = torch.tensor([0, 4]), torch.tensor([1, R + 2])


def graph(num_nodes: int = 9, num_edges: int = 30, seed: int = 0) -> Data:
    g = torch.Generator().manual_seed(seed)
    return Data(
        edge_index=torch.randint(0, num_nodes, (2, num_edges), generator=g),
        edge_type=torch.randint(0, R, (num_edges,), generator=g),
        num_nodes=num_nodes,
    )


def nbfnet(**settings):
    torch.manual_seed(0)
    return build_model("nbfnet", SPEC, {"dim": 8, "num_layers": 3, **settings})


def path(num_nodes: int) -> Data:
    nodes = torch.arange(num_nodes)
    return Data(
        edge_index=torch.stack([nodes[:-1], nodes[1:]]),
        edge_type=torch.zeros(num_nodes - 1, dtype=torch.int64),
        num_nodes=num_nodes,
    )


@pytest.mark.parametrize("choice", CHOICES)
def test_every_choice(choice):
    model, small = nbfnet(**choice), graph()
    head, relation = QUERY
    scores = model.score(small, head, relation)
    assert scores.shape == (2, 9)
    assert torch.equal(scores, model(small, head, relation))

    tail = torch.tensor([[8, 0, 3], [1, 1, 4]])
    torch.testing.assert_close(model.score(small, head, relation, tail), scores.gather(1, tail))

    new_id = torch.randperm(9, generator=torch.Generator().manual_seed(1))
    renamed = Data(edge_index=new_id[small.edge_index], edge_type=small.edge_type, num_nodes=9)
    torch.testing.assert_close(model.score(renamed, new_id[head], relation)[:, new_id], scores, rtol=1e-4, atol=1e-5)

    assert model.score(graph(40, 100), head, relation).shape == (2, 40)

    scores.square().sum().backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().sum() > 0, name


@pytest.mark.parametrize("aggregate", ["sum", "pna"])
def test_a_masked_edge_is_an_absent_edge_in_both_directions(aggregate):
    model, whole = nbfnet(aggregate=aggregate), graph()
    keep = torch.rand(30, generator=torch.Generator().manual_seed(2)) > 0.3
    cut = Data(edge_index=whole.edge_index[:, keep], edge_type=whole.edge_type[keep], num_nodes=9)
    whole.edge_mask = keep
    torch.testing.assert_close(model.score(whole, *QUERY), model.score(cut, *QUERY))


def slow_scores(model, world: Data, head: Tensor, relation: Tensor, edge_weights=None) -> Tensor:
    """All states of all nodes in every layer, every message written out."""
    query = model.query(relation)
    edges = RelationalGraph.with_inverses(world.edge_index, world.edge_type, world.num_nodes, R)
    mask = world.edge_mask.repeat(2) if "edge_mask" in world else None
    indicator = query.new_zeros(world.num_nodes, *query.shape).index_put((head, torch.arange(len(head))), query)
    scale = degree_scale(edges, mask, query.dtype).laid_out().unsqueeze(1)
    states = indicator
    for layer, weight in zip(model.layers, edge_weights or [None] * len(model.layers), strict=True):
        if isinstance(layer.relation, torch.nn.Embedding):
            relations = layer.relation.weight
        else:
            relations = layer.relation(query).view(len(head), 2 * R, -1).transpose(0, 1)
        product = Product(edges, relations, states, weight, mask, indicator, layer.message, layer.aggregate)
        aggregate = reference(product)
        if layer.aggregate == "pna":
            aggregate = torch.cat([aggregate, aggregate * scale, aggregate / scale.clamp(min=0.01)], dim=-1)
        hidden = torch.relu(layer.norm(layer.update(torch.cat([states, aggregate], dim=-1))))
        states = hidden + states
    states = states.transpose(0, 1)
    query = query.unsqueeze(1).expand(-1, states.size(1), -1)
    hidden = torch.relu(model.readout.first(torch.cat([states, query], dim=-1)))
    return model.readout.last(hidden).squeeze(-1)


@pytest.mark.parametrize("recompute", [False, True])
@pytest.mark.parametrize("choice", CHOICES)
def test_equals_the_slow_path_with_its_gradients(choice, recompute):
    """On a sparse graph, where few states are computed; two queries share a head, two a relation."""
    model = nbfnet(**choice, num_layers=4, recompute=recompute).double()
    world = graph(40, 60)
    world.edge_mask = torch.rand(60, generator=torch.Generator().manual_seed(2)) > 0.2
    head, relation = torch.tensor([0, 7, 0, 11]), torch.tensor([1, 1, 5, 2])
    tail = torch.tensor([[0, 3, 39], [7, 7, 12], [8, 1, 0], [30, 31, 32]])
    expected = slow_scores(model, world, head, relation)
    torch.testing.assert_close(model.score(world, head, relation), expected, rtol=0, atol=1e-10)
    scores = model.score(world, head, relation, tail)
    torch.testing.assert_close(scores, expected.gather(1, tail), rtol=0, atol=1e-10)

    weight = torch.linspace(-1, 1, 12, dtype=torch.float64).view(4, 3)
    parameters = list(model.parameters())
    slow = torch.autograd.grad((expected.gather(1, tail) * weight).sum(), parameters)
    fast = torch.autograd.grad((scores * weight).sum(), parameters)
    torch.testing.assert_close(fast, slow, rtol=0, atol=1e-10)


@given(seed=st.integers(0, 10_000), num_nodes=st.integers(2, 30), num_edges=st.integers(1, 60))
@settings(max_examples=40, deadline=None)
def test_any_graph_equals_the_slow_path(seed, num_nodes, num_edges):
    model, world = nbfnet().double(), graph(num_nodes, num_edges, seed)
    head = torch.randint(num_nodes, (3,), generator=torch.Generator().manual_seed(seed))
    relation = torch.tensor([0, 5, 0])
    torch.testing.assert_close(
        model.score(world, head, relation), slow_scores(model, world, head, relation), rtol=0, atol=1e-10
    )


def test_edge_weights_scale_the_messages_and_have_gradients():
    model, world = nbfnet().double(), graph()
    generator = torch.Generator().manual_seed(0)
    weights = [torch.rand(60, generator=generator, dtype=torch.float64).requires_grad_() for _ in range(3)]
    fast = model.score(world, *QUERY, edge_weights=weights)
    slow = slow_scores(model, world, *QUERY, weights)
    torch.testing.assert_close(fast, slow, rtol=0, atol=1e-10)
    gradients = [torch.autograd.grad(scores[0, 3], weights) for scores in (fast, slow)]
    torch.testing.assert_close(*gradients, rtol=0, atol=1e-10)


def test_one_state_is_answered_for_alone_or_among_many():
    """What a query's scores are does not depend on the queries beside it."""
    model, world = nbfnet(), graph(40, 60)
    head, relation = torch.tensor([0, 7, 3]), torch.tensor([1, 1, 5])
    together = model.score(world, head, relation)
    alone = torch.cat([model.score(world, head[b : b + 1], relation[b : b + 1]) for b in range(3)])
    torch.testing.assert_close(together, alone)


def reached(model, world: Data, head: int) -> list[int]:
    """Nodes whose state feels the head: those with a gradient to its indicator."""
    states = model.states(world, torch.tensor([head]), torch.tensor([0]))[0]
    gradients = (torch.autograd.grad(state.sum(), model.query.weight, retain_graph=True)[0] for state in states)
    return [node for node, gradient in enumerate(gradients) if gradient.abs().sum() > 0]


def test_messages_travel_one_step_a_layer_and_reach_the_last_node():
    model = nbfnet(dependent=False, aggregate="sum", num_layers=3, layer_norm=False)
    with torch.no_grad():
        for layer in model.layers:
            layer.update.weight.abs_()
            layer.update.bias.fill_(1.0)
            layer.relation.weight.abs_()
        model.query.weight.abs_()
    assert reached(model, path(4), head=0) == [0, 1, 2, 3]
    assert reached(model, path(6), head=0) == [0, 1, 2, 3]
    assert reached(model, path(6), head=5) == [2, 3, 4, 5]


def test_forward_edges_use_the_relation_and_backward_edges_its_inverse():
    """One layer on the edge 0 -> 1: the state of 1 depends on relation 0, and with the roles exchanged on 0 + R."""
    model = nbfnet(dependent=False, aggregate="sum", num_layers=1, residual=False)
    for head, used in ((0, 0), (1, R)):
        model.zero_grad()
        states = model.states(path(2), torch.tensor([head]), torch.tensor([2]), torch.tensor([[1 - head]]))
        states.square().sum().backward()
        gradient = model.layers[0].relation.weight.grad.abs().sum(1)
        assert gradient.nonzero().flatten().tolist() == [used]


def test_parameters_of_the_published_recipe():
    """FB15k-237: 6 layers of width 32, 2 x 237 relations, each layer's relation weights a map of the query."""
    d, relations, layers = 32, 2 * 237, 6
    query = relations * d
    layer = (d * relations * d + relations * d) + (13 * d * d + d) + 2 * d
    readout = (2 * d * 2 * d + 2 * d) + (2 * d + 1)
    expected = query + layers * layer + readout
    spec = DataSpec("triples", (FACT,), num_relations=237, num_entities=14541, directed=True)
    model = build_model("nbfnet", spec, {})
    assert sum(p.numel() for p in model.parameters()) == expected == 3_103_105


def test_isolated_entities_and_empty_graphs_have_finite_scores_and_gradients():
    model = nbfnet()
    empty = Data(
        edge_index=torch.zeros(2, 0, dtype=torch.int64), edge_type=torch.zeros(0, dtype=torch.int64), num_nodes=3
    )
    for world in (empty, path(9)):
        model.zero_grad()
        scores: Tensor = model.score(world, torch.tensor([0]), torch.tensor([0]))
        scores.sum().backward()
        assert scores.isfinite().all()
        assert all(p.grad is None or p.grad.isfinite().all() for p in model.parameters())


@pytest.mark.parametrize("dependent", [True, False])
def test_no_queries_and_no_candidates_have_no_scores(dependent):
    model, (head, relation) = nbfnet(dependent=dependent), QUERY
    for queries, candidates in ((0, None), (0, 5), (2, 0)):
        tail = None if candidates is None else head.new_zeros(queries, candidates)
        scores = model.score(graph(), head[:queries], relation[:queries], tail)
        assert scores.shape == (queries, 9 if candidates is None else candidates)
        scores.sum().backward()


def test_edges_are_read_anew_when_the_graph_has_changed(monkeypatch):
    read = []
    with_inverses = RelationalGraph.with_inverses
    monkeypatch.setattr(RelationalGraph, "with_inverses", lambda *given: read.append(1) or with_inverses(*given))
    model, world = nbfnet(), graph()
    model.score(world, *QUERY)
    model.score(world, *QUERY)
    assert len(read) == 1
    world.edge_type[0] = (world.edge_type[0] + 1) % R
    changed = model.score(world, *QUERY)
    assert len(read) == 2
    assert torch.equal(changed, nbfnet().score(world, *QUERY))


def test_rotations_need_an_even_width():
    with pytest.raises(ConfigError, match="even"):
        nbfnet(message="rotate", dim=9)
