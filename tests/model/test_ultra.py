"""ULTRA: the same answers under other names of entities and relations, the same weights on any graph."""

from __future__ import annotations

import pytest
import torch
from torch_geometric.data import Data

from graphlab.data.spec import FACT, DataSpec
from graphlab.model.registry import build_model
from graphlab.model.zoo import ultra as module
from graphlab.ops.relational_spmm import RelationalGraph

R, N = 4, 9
SPEC = DataSpec("triples", (FACT,), num_relations=R, directed=True)
HEAD, RELATION = torch.tensor([0, 4, 4]), torch.tensor([1, R + 2, 1])


def graph(num_nodes: int = N, num_relations: int = R, num_edges: int = 30, seed: int = 0) -> Data:
    g = torch.Generator().manual_seed(seed)
    return Data(
        edge_index=torch.randint(0, num_nodes, (2, num_edges), generator=g),
        edge_type=torch.randint(0, num_relations, (num_edges,), generator=g),
        num_nodes=num_nodes,
    )


def ultra(spec: DataSpec = SPEC, **settings):
    torch.manual_seed(0)
    return build_model("ultra", spec, {"dim": 8, "num_layers": 3, **settings}).double().eval()


@pytest.mark.parametrize("aggregate", ["sum", "pna"])
def test_other_names_of_relations_and_entities_change_nothing(aggregate):
    model, world = ultra(aggregate=aggregate), graph()
    scores = model.score(world, HEAD, RELATION)
    assert scores.shape == (3, N) and torch.equal(scores, model(world, HEAD, RELATION))
    entity = torch.randperm(N, generator=torch.Generator().manual_seed(1))
    name = torch.randperm(R, generator=torch.Generator().manual_seed(2))
    both = torch.cat([name, name + R])
    renamed = Data(edge_index=entity[world.edge_index], edge_type=name[world.edge_type], num_nodes=N)
    torch.testing.assert_close(model.score(renamed, entity[HEAD], both[RELATION])[:, entity], scores)


def test_swapping_a_relation_for_its_inverse_everywhere_changes_nothing():
    """A fact (h, r, t) says the same as (t, r^-1, h); which of the two is called the inverse is a convention."""
    model, world = ultra(), graph()
    turned = world.edge_type == 1
    flipped = torch.where(turned, world.edge_index.flip(0), world.edge_index)
    other = Data(edge_index=flipped, edge_type=world.edge_type, num_nodes=N)
    asked = torch.where(RELATION % R == 1, (RELATION + R) % (2 * R), RELATION)
    torch.testing.assert_close(model.score(other, HEAD, asked), model.score(world, HEAD, RELATION))


def test_a_batch_is_its_queries_one_by_one():
    model, world = ultra(), graph()
    scores = model.score(world, HEAD, RELATION)
    for k in range(3):
        torch.testing.assert_close(model.score(world, HEAD[k : k + 1], RELATION[k : k + 1]), scores[k : k + 1])
    tail = torch.tensor([[8, 0], [1, 1], [3, 5]])
    torch.testing.assert_close(model.score(world, HEAD, RELATION, tail), scores.gather(1, tail))


@pytest.mark.parametrize("settings", [{}, {"aggregate": "pna"}, {"message": "transe"}, {"num_layers": 1}], ids=str)
@pytest.mark.parametrize("part", [1, 900, 2**14])
@pytest.mark.parametrize("present, asked", [(R, 2 * R), (2, 2), (2, 2 * R)])
def test_parts_of_a_batch_without_gradients_have_its_scores(settings, part, present, asked, monkeypatch):
    """In float32, whose parts and blocks are taken where no gradient is wanted; with relations that have no facts, some
    of which are asked."""
    monkeypatch.setattr(module, "PART", part)
    model, world = ultra(dim=32, **settings).float(), graph(300, present, num_edges=900)
    g = torch.Generator().manual_seed(3)
    head, relation = torch.randint(300, (9,), generator=g), torch.randint(asked, (9,), generator=g)
    tail = torch.randint(300, (9, 5), generator=g)
    expected, chosen = model.score(world, head, relation), model.score(world, head, relation, tail)
    with torch.no_grad():
        torch.testing.assert_close(model.score(world, head, relation), expected)
        torch.testing.assert_close(model.score(world, head, relation, tail), chosen)
        assert model.score(world, head[:0], relation[:0]).shape == (0, 300)


@pytest.mark.parametrize("message", ["distmult", "transe"])
def test_scores_are_those_of_all_states_written_out(message):
    model, world = ultra(message=message, aggregate="pna"), graph()
    world.edge_mask = torch.arange(30) % 4 != 0
    features = model.relation_features(model._relation_graph(world), RELATION)
    query = features[RELATION, torch.arange(3)]
    edges = RelationalGraph.with_inverses(world.edge_index, world.edge_type, N, R)
    weights = [projection(features) for projection in model.projections]
    states = model._walk(edges, world.edge_mask.repeat(2), HEAD, query, model.entity_steps, weights)
    expected = model.readout(torch.cat([states, query.expand_as(states)], -1)).squeeze(-1).t()
    torch.testing.assert_close(model.score(world, HEAD, RELATION), expected)


def test_the_same_weights_answer_on_a_graph_of_other_relations():
    wide = DataSpec("triples", (FACT,), num_relations=30, directed=True)
    model, other = ultra(), ultra(wide)
    other.load_state_dict(model.state_dict())
    world = graph(40, 30, 200)
    scores = other.score(world, torch.tensor([0]), torch.tensor([45]))
    world.num_relations = 30
    torch.testing.assert_close(model.score(world, torch.tensor([0]), torch.tensor([45])), scores)


def test_a_masked_fact_sends_nothing_and_relations_still_meet_at_it():
    model, whole = ultra(), graph()
    whole.edge_mask = torch.arange(30) % 3 != 0
    relations = model._relation_graph(whole)
    cut = Data(edge_index=whole.edge_index[:, whole.edge_mask], edge_type=whole.edge_type[whole.edge_mask], num_nodes=N)
    model._remembered.append((cut.edge_index, 0, relations))
    torch.testing.assert_close(model.score(whole, HEAD, RELATION), model.score(cut, HEAD, RELATION))


def test_relation_graphs_are_made_once_and_few_are_kept(monkeypatch):
    made = []
    make = module.relation_graph
    monkeypatch.setattr(module, "relation_graph", lambda *arguments: made.append(1) or make(*arguments))
    model, world = ultra(), graph()
    for _ in range(3):
        model.score(world, HEAD, RELATION)
    assert len(made) == 1
    world.edge_index[:, 0] = 1 - world.edge_index[:, 0].clamp(max=1)
    model.score(world, HEAD, RELATION)
    assert len(made) == 2
    for seed in range(20):
        model.score(graph(seed=seed), HEAD, RELATION)
    assert len(model._remembered) == module.REMEMBERED


def test_parameters_of_the_published_model():
    """Relations: 6 x (4 kinds, a map of [h, m], a norm); entities: 6 x (perceptron, map, norm); readout."""
    d = 64
    step = (2 * d * d + d) + 2 * d
    relations, entities = 6 * (4 * d + step), 6 * (2 * (d * d + d) + step)
    readout = (2 * d * 2 * d + 2 * d) + (2 * d + 1)
    found = sum(p.numel() for p in build_model("ultra", SPEC, {}).parameters())
    assert found == relations + entities + readout == 168_705
