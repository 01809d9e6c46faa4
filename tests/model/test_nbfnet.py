"""NBFNet: every choice is equivariant, inductive and deterministic; messages run the right way and reach every node."""

from __future__ import annotations

from itertools import product

import pytest
import torch
from torch import Tensor
from torch_geometric.data import Data

from graphlab.core.errors import ConfigError
from graphlab.data.spec import DataSpec
from graphlab.model.registry import build_model
from graphlab.model.zoo.nbfnet import BellmanFordLayer, Config

R = 3
SPEC = DataSpec(level="triple", num_outputs=0, num_relations=R, directed=True)
CHOICES = [
    {"message": message, "aggregate": aggregate, "dependent": dependent}
    for message, aggregate, dependent in product(
        ("transe", "distmult", "rotate"), ("sum", "mean", "max", "pna"), (True, False)
    )
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


@pytest.mark.parametrize("choice", CHOICES, ids=lambda c: "-".join(map(str, c.values())))
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


def reached(model, world: Data, head: int) -> list[int]:
    """Nodes whose state feels the head: those with a gradient to its indicator."""
    query = model.query(torch.tensor([0])).detach().requires_grad_()
    states = model.propagate(world, torch.tensor([head]), query)
    return [
        node
        for node in range(states.size(0))
        if torch.autograd.grad(states[node].sum(), query, retain_graph=True, allow_unused=True)[0].abs().sum() > 0
    ]


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
        query = model.query(torch.tensor([2]))
        model.propagate(path(2), torch.tensor([head]), query)[1 - head].square().sum().backward()
        gradient = model.layers[0].relation.weight.grad.abs().sum(1)
        assert gradient.nonzero().flatten().tolist() == [used]


def test_grouped_pna_update_is_the_map_of_all_scaled_moments():
    layer = BellmanFordLayer(Config(dim=4), num_relations=2)
    states, moments = torch.randn(5, 2, 4), torch.randn(5, 2, 16)
    scale = torch.rand(5, 1, 1) * 2
    scaled = [moments, moments * scale, moments / scale.clamp(min=0.01)]
    expected = layer.update(torch.cat([states, *scaled], dim=-1))
    torch.testing.assert_close(layer._update(states, moments, scale), expected, rtol=1e-4, atol=1e-4)


def test_parameters_of_the_published_recipe():
    """FB15k-237: 6 layers of width 32, 2 x 237 relations, each layer's relation weights a map of the query."""
    d, relations, layers = 32, 2 * 237, 6
    query = relations * d
    layer = (d * relations * d + relations * d) + (13 * d * d + d) + 2 * d
    readout = (2 * d * 2 * d + 2 * d) + (2 * d + 1)
    expected = query + layers * layer + readout
    spec = DataSpec(level="triple", num_outputs=0, num_relations=237, num_entities=14541, directed=True)
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


def test_rotations_need_an_even_width():
    with pytest.raises(ConfigError, match="even"):
        nbfnet(message="rotate", dim=9)
