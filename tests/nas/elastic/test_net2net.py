"""Networks that grow compute what they did, and moves lead where they say."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch_geometric.data import Data

from graphlab.core.seeds import SeedStream
from graphlab.data.spec import Continuous, DataSpec, Target
from graphlab.model.neighbourhood import Neighbourhood
from graphlab.nas.elastic.moves import Move, can_deepen, moved, moves_from, moves_to, roots
from graphlab.nas.elastic.net2net import copies, grow
from graphlab.nas.elastic.slices import build, skeleton
from graphlab.nas.elastic.space import ElasticSpace, Operator
from graphlab.nas.registry import find_space

NAMES = ("elastic-gat", "elastic-gcn", "elastic-sage")
SEEDS = st.integers(0, 10**6)


class Attentive(ElasticSpace):
    """Learned attention and several heads, to which a map of a node's own row is added."""

    name = "attentive"
    operator = Operator(attention="gat", aggregation="mean", activation="relu", combine="add")
    widths = (2, 3, 5)
    head_counts = (1, 2, 3)


SPACES = {**{name: find_space(name) for name in NAMES}, "attentive": Attentive()}


def graph(seed: int) -> Data:
    """Twelve nodes, of which one has no neighbour."""
    random = torch.Generator().manual_seed(seed)
    edges = torch.randint(11, (2, 40), generator=random)
    x = torch.rand(12, 9, generator=random).double()
    return Data(x=x, edge_index=edges, num_nodes=12, batch=torch.zeros(12, dtype=torch.long))


def spec(items: str) -> DataSpec:
    return DataSpec(items, (Target("y", "node" if items == "nodes" else "graph", "class", 5),), Continuous(9))


def network_of(space, values, seed: int, items: str = "nodes", dropout: float = 0.0):
    """In float64, with biases that are not zero."""
    torch.manual_seed(seed)
    network = build(space.settings(values)[1], dropout, spec(items)).double()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
    return network


def grown(space, values, move, network, seed: int, items: str = "nodes"):
    """The network after a move."""
    larger = build(space.settings(moved(space, values, move))[1], 0.0, spec(items)).double()
    larger.load_state_dict(grow(dict(network.named_parameters()), network, larger, move, np.random.default_rng(seed)))
    return larger


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(sorted(SPACES)), SEEDS, st.sampled_from(["nodes", "graphs"]))
def test_every_move_preserves_the_function(name, seed, items):
    space = SPACES[name]
    values = space.sample(SeedStream(seed).numpy())
    network = network_of(space, values, seed, items)
    rows = network(graph(seed))
    for move in moves_from(space, values):
        after = grown(space, values, move, network, seed, items)(graph(seed))
        assert (after - rows).abs().max() <= 1e-12 * max(1.0, float(rows.detach().abs().max())), move


@settings(max_examples=15, deadline=None)
@given(st.sampled_from(sorted(SPACES)), SEEDS)
def test_many_moves_preserve_the_function(name, seed):
    """From the smallest network until nothing can grow, or eight times."""
    space, random = SPACES[name], SeedStream(seed).numpy()
    values = space.smallest()
    network = network_of(space, values, seed)
    rows = network(graph(seed))
    for _ in range(8):
        moves = list(moves_from(space, values))
        if not moves:
            break
        move = moves[random.integers(len(moves))]
        network, values = grown(space, values, move, network, seed), moved(space, values, move)
    assert torch.allclose(network(graph(seed)), rows, rtol=0, atol=1e-10)
    assert values != space.smallest()


def test_a_layer_more_changes_no_bit():
    space = SPACES["elastic-sage"]
    network = network_of(space, space.hand_set()["sage-like"], 0).float()
    values = space.hand_set()["sage-like"]
    larger = build(space.settings(moved(space, values, Move("depth", 0)))[1], 0.0, spec("nodes"))
    parameters = dict(network.named_parameters())
    larger.load_state_dict(grow(parameters, network, larger, Move("depth", 0), np.random.default_rng(0)))
    batch = graph(1)
    batch.x = batch.x.float()
    assert torch.equal(network(batch), larger(batch))


@pytest.mark.parametrize("name", ["elastic-gat", "elastic-gcn"])
def test_a_convolution_that_only_sums_is_no_identity(name):
    """The reason that these spaces have no moves of depth: whatever the weights of a layer, there are two nodes with
    different rows to which it gives the same. For `gat` rows differ in what attention does not see."""
    space = SPACES[name]
    assert not can_deepen(space)
    assert all(move.kind != "depth" for move in moves_from(space, space.smallest()))
    pair = Neighbourhood(torch.tensor([[0, 1], [1, 0]]), 2)
    for seed in range(5):
        layer = network_of(space, space.smallest(), seed).layers[0]
        x = torch.rand(2, 9).double()
        unseen = torch.rand(9).double()
        if name == "elastic-gat":
            seen = torch.cat([layer.attention.left, layer.attention.right]) @ layer.weight
            basis = torch.linalg.qr(seen.T)[0]
            unseen = unseen - basis @ (basis.T @ unseen)
        x[1] = x[0] + unseen
        first, second = layer(x, pair)
        assert torch.allclose(first, second, rtol=0, atol=1e-12) and (x[0] - x[1]).abs().max() > 0.1


@pytest.mark.parametrize("name", sorted(SPACES))
def test_moves_lead_to_the_next_option_and_back(name):
    space = SPACES[name]
    random = SeedStream(1).numpy()
    for _ in range(20):
        values = space.sample(random)
        for move in moves_from(space, values):
            child = moved(space, values, move)
            assert (values, move) in list(moves_to(space, child)) or move.kind == "depth"
            assert values in [parent for parent, _ in moves_to(space, child)]
            sizes = [np.prod(space.hidden(each)) for each in (values, child)]
            assert sizes[1] > sizes[0] or move.kind == "depth"
    assert not list(moves_to(space, space.smallest()))
    assert not list(moves_from(space, space.largest()))


@pytest.mark.parametrize("name", ["attentive", "elastic-sage"])
def test_the_parents_of_an_architecture_are_all_that_lead_to_it(name):
    """Against a search of the whole space."""
    space = SPACES[name]
    everything = list(itertools.islice(space.architectures(), 400))
    children: dict[str, set[str]] = {}
    for values in everything:
        for move in moves_from(space, values):
            children.setdefault(space.key(moved(space, values, move)), set()).add(space.key(values))
    for values in everything[:: max(1, len(everything) // 60)]:
        parents = {space.key(parent) for parent, _ in moves_to(space, values)}
        assert parents == children.get(space.key(values), set())


@pytest.mark.parametrize("name", sorted(SPACES))
def test_moves_lead_from_the_roots_to_every_architecture(name):
    """Of the largest space to the first 2,000 that are reached."""
    space = SPACES[name]
    reached = {space.key(values) for values in roots(space)}
    frontier = roots(space)
    while frontier and len(reached) < 2000:
        values = frontier.pop()
        children = [moved(space, values, move) for move in moves_from(space, values)]
        frontier += [child for child in children if space.key(child) not in reached]
        reached |= {space.key(child) for child in children}
    assert len(reached) >= min(space.size, 2000)
    assert not any(list(moves_to(space, values)) for values in roots(space))


@given(st.integers(1, 20), st.integers(0, 20), SEEDS)
def test_copies_are_all_units_first(old, more, seed):
    source = copies(old, old + more, np.random.default_rng(seed))
    assert source[:old].tolist() == list(range(old)) and len(source) == old + more
    assert source.dtype == torch.int64 and (not more or int(source.max()) < old)


def test_copies_learn_different_things_with_dropout_alone():
    """Without dropout copies have equal gradients, and no step tells them apart."""
    space = SPACES["elastic-gcn"]
    values, move = space.smallest(), Move("width", 0, 16)
    network = network_of(space, values, 0)
    gaps = {}
    for dropout in (0.0, 0.5):
        larger = build(space.settings(moved(space, values, move))[1], dropout, spec("nodes")).double()
        larger.load_state_dict(grow(dict(network.named_parameters()), network, larger, move, np.random.default_rng(0)))
        source = copies(8, 16, np.random.default_rng(0))
        torch.manual_seed(0)
        larger.train()(graph(2)).square().sum().backward()
        gradient = larger.layers[0].weight.grad
        gaps[dropout] = max(float((gradient[j] - gradient[int(source[j])]).abs().max()) for j in range(8, 16))
    assert gaps[0.0] < 1e-12 and gaps[0.5] > 1e-3


def test_strides_are_those_of_the_network():
    """By which sums have the same order as in a network that is trained from the start."""
    space = SPACES["elastic-sage"]
    values, move = space.smallest(), Move("width", 0, 16)
    network = network_of(space, values, 0)
    larger = skeleton(space.settings(moved(space, values, move))[1], 0.0, spec("nodes"))
    after = grow(dict(network.named_parameters()), network, larger, move, np.random.default_rng(0))
    assert {name: tensor.stride() for name, tensor in after.items()} == {
        name: parameter.stride() for name, parameter in larger.named_parameters()
    }
