"""Neural common neighbour, with and without completion, against loops over sets in float64."""

from __future__ import annotations

import pytest
import torch

from graphlab.core.errors import IncompatibleError
from graphlab.data.links import both_directions
from graphlab.data.spec import LINK, Categorical, DataSpec
from graphlab.model.pair_neighbours import NeighbourLists
from graphlab.model.registry import build_model
from tests.model.links import LINKS, PAIRS, N, adjacency, graph_of, spec_of

MODELS = ("ncn", "ncnc")


def neighbour_sets(graph):
    return [set(row.nonzero().flatten().tolist()) for row in adjacency(graph)]


def slow_ncn(model, z, sets, u, v):
    total = z[sorted(sets[u] & sets[v])].sum(0)
    return model.mlp(torch.cat([z[u] * z[v], total]))[0]


def slow_ncnc(model, z, sets, u, v):
    total = z[sorted(sets[u] & sets[v])].sum(0)
    for w in sorted(sets[u] - sets[v] - {v}):
        total = total + slow_ncn(model, z, sets, v, w).sigmoid() * z[w]
    for w in sorted(sets[v] - sets[u] - {u}):
        total = total + slow_ncn(model, z, sets, u, w).sigmoid() * z[w]
    return model.mlp(torch.cat([z[u] * z[v], total]))[0]


SLOW = {"ncn": slow_ncn, "ncnc": slow_ncnc}


@pytest.mark.parametrize("features", [None, 5])
@pytest.mark.parametrize("encoder", ["gcn", "sage", "gin"])
@pytest.mark.parametrize("name", MODELS)
def test_scores_and_gradients_are_those_of_the_formula(name, encoder, features):
    torch.manual_seed(0)
    model = build_model(name, spec_of(features), {"encoder": encoder, "hidden_dim": 8}).double().eval()
    graph = graph_of(features)
    pairs = PAIRS[::5]
    z, sets = model.encoder(graph), neighbour_sets(graph)
    expected = torch.stack([SLOW[name](model, z, sets, u, v) for u, v in pairs.tolist()])
    scores = model(graph, pairs)
    torch.testing.assert_close(scores, expected, rtol=1e-10, atol=1e-12)
    torch.testing.assert_close(model(graph, pairs.flip(1)), expected, rtol=1e-10, atol=1e-12)
    parameters, weight = list(model.parameters()), torch.randn(len(pairs), dtype=torch.float64)
    slow, fast = (torch.autograd.grad((rows * weight).sum(), parameters) for rows in (expected, scores))
    torch.testing.assert_close(fast, slow, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("name", MODELS)
def test_pairs_are_scored_alike_in_any_batch(name, monkeypatch):
    torch.manual_seed(0)
    model, graph = build_model(name, spec_of(5), {"hidden_dim": 8}).double().eval(), graph_of(5)
    encoding = model.encode(graph)
    whole = model.score_pairs(encoding, PAIRS)
    parts = torch.cat([model.score_pairs(encoding, few) for few in PAIRS.split(7)])
    torch.testing.assert_close(parts, whole, rtol=1e-10, atol=1e-12)
    for module in ("pairs_in_blocks", "zoo.ncnc"):
        monkeypatch.setattr(f"graphlab.model.{module}.MAX_NUMBERS", 100)
    torch.testing.assert_close(model.score_pairs(encoding, PAIRS), whole, rtol=1e-10, atol=1e-12)
    scores = model.score_nodes(encoding, torch.arange(N))
    torch.testing.assert_close(scores[PAIRS[:, 0], PAIRS[:, 1]], whole, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("name", MODELS)
def test_a_link_that_training_hides_changes_no_score_of_its_pair(name):
    """Whether the two are linked is told by neither the neighbourhoods nor the encoder."""
    torch.manual_seed(0)
    model = build_model(name, spec_of(5), {"hidden_dim": 8}).double().eval()
    graph, place = graph_of(5), 11
    hidden = torch.ones(len(LINKS), dtype=torch.bool)
    hidden[place] = False
    graph.edge_mask = hidden.repeat(2)
    without = graph_of(5, LINKS[hidden])
    torch.testing.assert_close(model(graph, LINKS[place : place + 1]), model(without, LINKS[place : place + 1]))


def test_completion_adds_nothing_where_all_neighbours_are_common():
    torch.manual_seed(0)
    ncn = build_model("ncn", spec_of(5), {"hidden_dim": 8}).double().eval()
    ncnc = build_model("ncnc", spec_of(5), {"hidden_dim": 8}).double().eval()
    ncnc.load_state_dict(ncn.state_dict())
    square = torch.tensor([[0, 2], [0, 3], [1, 2], [1, 3], [4, 5]])
    graph = graph_of(5, square)
    same, other = torch.tensor([[0, 1], [2, 3]]), torch.tensor([[0, 4]])
    torch.testing.assert_close(ncnc(graph, same), ncn(graph, same))
    assert not torch.isclose(ncnc(graph, other), ncn(graph, other))


def test_neighbour_lists_are_those_of_sets():
    graph = graph_of(None)
    lists, sets = NeighbourLists.of_edges(graph.edge_index, N), neighbour_sets(graph)
    place, node = lists.common(PAIRS)
    expected = [(p, w) for p, (u, v) in enumerate(PAIRS.tolist()) for w in sorted(sets[u] & sets[v])]
    assert list(zip(place.tolist(), node.tolist(), strict=True)) == expected
    place, node = lists.exclusive(PAIRS[:, 0], PAIRS[:, 1])
    expected = [(p, w) for p, (u, v) in enumerate(PAIRS.tolist()) for w in sorted(sets[u] - sets[v] - {v})]
    assert list(zip(place.tolist(), node.tolist(), strict=True)) == expected
    empty = NeighbourLists.of_edges(both_directions(LINKS[:0]), N)
    assert not empty.are_linked(*PAIRS.T).any() and not len(empty.common(PAIRS)[0])


@pytest.mark.parametrize("name", MODELS)
def test_what_they_cannot_read_is_refused(name):
    with pytest.raises(IncompatibleError, match=f"{name} needs continuous node features"):
        build_model(name, DataSpec("node-pairs", (LINK,), node=Categorical((3,)), num_entities=N), {})
    with pytest.raises(IncompatibleError, match=f"{name} learns one vector"):
        build_model(name, DataSpec("node-pairs", (LINK,)), {})
