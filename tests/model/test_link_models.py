"""Models of links against networkx and against dense algebra."""

from __future__ import annotations

import networkx as nx
import pytest
import torch
from torch_geometric.data import Data

from graphlab.data.links import both_directions
from graphlab.data.spec import FACT, LINK, Continuous, DataSpec
from graphlab.model.base import LinkModel
from graphlab.model.registry import MODELS, build_model, find_model

GRAPH = nx.karate_club_graph()
N = GRAPH.number_of_nodes()
LINKS = torch.tensor(list(GRAPH.edges))
WORLD = Data(edge_index=both_directions(LINKS), num_nodes=N)
PAIRS = torch.combinations(torch.arange(N))
SPEC = DataSpec("node-pairs", (LINK,), num_entities=N)

LINK_MODELS = [name for name in MODELS.names() if issubclass(find_model(name).cls, LinkModel)]

INDICES = {
    "count": lambda pairs: ((u, v, len(list(nx.common_neighbors(GRAPH, u, v)))) for u, v in pairs),
    "adamic-adar": lambda pairs: nx.adamic_adar_index(GRAPH, pairs),
    "resource-allocation": lambda pairs: nx.resource_allocation_index(GRAPH, pairs),
}
HEURISTICS = ["common-neighbours", "katz", "personalised-pagerank", "shortest-path"]


@pytest.mark.parametrize("weight", INDICES)
def test_common_neighbours_are_those_of_networkx(weight):
    model = build_model("common-neighbours", SPEC, {"weight": weight})
    expected = [score for _, _, score in INDICES[weight](PAIRS.tolist())]
    expected = torch.tensor(expected, dtype=torch.float64)
    torch.testing.assert_close(model(WORLD, PAIRS), expected, rtol=0, atol=1e-12)
    torch.testing.assert_close(model(WORLD, PAIRS.flip(1)), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("features", [None, 5])
def test_gae_is_two_convolutions_and_an_inner_product(features):
    torch.manual_seed(0)
    spec = DataSpec("node-pairs", (LINK,), node=Continuous(features) if features else None, num_entities=N)
    model = build_model("gae", spec, {})
    x = torch.randn(N, features) if features else torch.eye(N)
    world = Data(edge_index=WORLD.edge_index, num_nodes=N, **({"x": x} if features else {}))
    looped = torch.eye(N).index_put(tuple(WORLD.edge_index), torch.tensor(1.0))
    root = looped.sum(1).rsqrt()
    smooth = root[:, None] * looped * root
    z = smooth @ (smooth @ x @ model.first).relu() @ model.second
    first, second = PAIRS.unbind(1)
    torch.testing.assert_close(model(world, PAIRS), (z @ z.T)[first, second], rtol=1e-4, atol=1e-5)


def test_nbfnet_is_that_of_a_knowledge_graph_of_links_and_loops():
    """Facts of relation 0 one way, so that its inverse is their other direction, and loops of relation 1."""
    torch.manual_seed(0)
    settings = {"dim": 8, "num_layers": 3, "dependent": False}
    facts = DataSpec("triples", (FACT,), num_relations=2, directed=True)
    other = build_model("nbfnet", facts, {**settings, "aggregate": "sum"}).double()
    model = build_model("nbfnet", SPEC, {**settings, "aggregate": "sum"}).double()
    loops = torch.arange(N)
    typed = Data(
        edge_index=torch.cat([LINKS.t(), loops.expand(2, -1)], 1),
        edge_type=torch.cat([torch.zeros(len(LINKS), dtype=torch.int64), torch.ones(N, dtype=torch.int64)]),
        num_nodes=N,
    )
    with torch.no_grad():
        other.query.weight[0] = model.query.weight[0]
        other.readout.load_state_dict(model.readout.state_dict())
        for layer, own in zip(other.layers, model.layers, strict=True):
            layer.update.load_state_dict(own.update.state_dict())
            layer.norm.load_state_dict(own.norm.state_dict())
            link, loop = own.relation.weight
            # The inverse of a loop is a loop again, so that each of the two carries half of its vector.
            layer.relation.weight.copy_(torch.stack([link, loop / 2, link, loop / 2]))
    first, second = PAIRS.unbind(1)
    zero = torch.zeros_like(first)
    scores = other.score(typed, first, zero, second[:, None]) + other.score(typed, second, zero, first[:, None])
    torch.testing.assert_close(model(WORLD, PAIRS), scores.squeeze(1) / 2)


@pytest.mark.parametrize("name", LINK_MODELS)
def test_a_masked_link_is_an_absent_link(name):
    torch.manual_seed(0)
    model, kept = build_model(name, SPEC, {}).eval(), torch.arange(len(LINKS)) % 3 != 0
    masked = Data(edge_index=WORLD.edge_index, edge_mask=kept.repeat(2), num_nodes=N)
    cut = Data(edge_index=both_directions(LINKS[kept]), num_nodes=N)
    torch.testing.assert_close(model(masked, PAIRS), model(cut, PAIRS))


@pytest.mark.parametrize("name", LINK_MODELS)
def test_no_pairs_have_no_scores(name):
    model = build_model(name, SPEC, {})
    encoding = model.encode(WORLD)
    assert model.score_pairs(encoding, PAIRS[:0]).shape == (0,)
    assert model.score_nodes(encoding, PAIRS[:0, 0]).shape == (0, N)
    assert model.score_nodes(encoding, PAIRS[:3, 0], PAIRS[:0].view(3, 0)).shape == (3, 0)


@pytest.mark.parametrize("weight", INDICES)
def test_common_neighbours_of_a_node_and_all_others_are_walks_of_two_steps(weight):
    model = build_model("common-neighbours", SPEC, {"weight": weight})
    adjacency = torch.from_numpy(nx.to_numpy_array(GRAPH, weight=None))
    degree = adjacency.sum(1)
    weights = {"count": torch.ones_like(degree), "adamic-adar": 1 / degree.clamp(min=2).log()}
    walks = adjacency * weights.get(weight, 1 / degree.clamp(min=2)) @ adjacency
    torch.testing.assert_close(model.score_nodes(model.encode(WORLD), torch.arange(N)), walks)


def test_nbfnet_ranks_more_sources_and_candidates_than_it_runs_at_once(monkeypatch):
    torch.manual_seed(0)
    monkeypatch.setattr("graphlab.model.zoo.nbfnet.RUNS", 5)
    model = build_model("nbfnet", SPEC, {"dim": 8, "num_layers": 2, "dependent": False}).double()
    sources = torch.arange(N)
    expected = model.score_pairs(WORLD, torch.cartesian_prod(sources, sources)).view(N, N)
    torch.testing.assert_close(model.score_nodes(WORLD, sources), expected)
    columns = torch.arange(4).expand(N, 4)
    torch.testing.assert_close(model.score_nodes(WORLD, sources, columns), expected[:, :4])
