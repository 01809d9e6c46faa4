"""A*Net: equal to a walk in plain Python at every ratio, to NBFNet where nothing is left out; no wider than asked."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional as F
from torch_geometric.data import Data

from graphlab.core.errors import ConfigError
from graphlab.data.spec import FACT, DataSpec
from graphlab.model.registry import build_model
from graphlab.model.zoo.astarnet import select_edges
from graphlab.ops.relational_spmm import RelationalGraph

R = 3
SPEC = DataSpec("triples", (FACT,), num_relations=R, directed=True)
HEAD, RELATION = torch.tensor([0, 4, 4]), torch.tensor([1, R + 2, 0])


def graph(num_nodes: int = 10, num_edges: int = 28, seed: int = 0) -> Data:
    g = torch.Generator().manual_seed(seed)
    return Data(
        edge_index=torch.randint(0, num_nodes, (2, num_edges), generator=g),
        edge_type=torch.randint(0, R, (num_edges,), generator=g),
        num_nodes=num_nodes,
    )


def astarnet(spec: DataSpec = SPEC, **settings):
    torch.manual_seed(0)
    return build_model("astarnet", spec, {"dim": 6, "num_layers": 4, **settings}).double().eval()


def edges_of(graph: Data) -> list[tuple[int, int, int]]:
    """(source, target, type) of all facts that are not masked, each with its inverse after it."""
    facts = list(zip(*graph.edge_index.tolist(), graph.edge_type.tolist(), strict=True))
    kept = graph["edge_mask"].tolist() if "edge_mask" in graph else [True] * len(facts)
    facts = [fact for fact, keep in zip(facts, kept, strict=True) if keep]
    return [edge for u, v, r in facts for edge in ((u, v, r), (v, u, r + R))]


def slow_selection(edges, priority, reached, size: int, ratio: float):
    """Ties: by the sender, and then by place."""
    most = max(1, int(ratio * size))
    top = sorted(reached, key=lambda v: (-priority[v], v))[:most]
    leaving = sorted((e for e in edges if e[0] in top), key=lambda e: (-priority[e[1]], top.index(e[0])))
    return leaving[: max(1, most * len(edges) // size)]


def slow_scores(model, graph: Data, head: int, relation: int, ratio: float) -> Tensor:
    """Algorithm 1, one query and one node at a time."""
    size, edges = int(graph.num_nodes), edges_of(graph)
    query = model.query.weight[relation]
    state = {v: torch.zeros_like(query) for v in range(size)} | {head: query}
    reached = {head}
    logs = torch.tensor([sum(e[1] == v for e in edges) for v in range(size)]).double().log1p()
    scale = logs / logs.mean()

    def score(v: int) -> Tensor:
        return model.priority(state[v].unsqueeze(0), query.unsqueeze(0)).squeeze()

    for step, weights in zip(model.steps, model.relations, strict=True):
        table = weights.weight if hasattr(weights, "num_embeddings") else weights(query).view(2 * R, -1)
        priority = {v: score(v) for v in range(size)}
        walked = slow_selection(edges, {v: p.item() for v, p in priority.items()}, reached, size, ratio)
        updated = {v for _, v, _ in walked}
        sent = {v: priority[v].sigmoid() * h for v, h in state.items()}
        after = dict(state)
        for v in updated:
            messages = [sent[u] * table[r] for u, target, r in walked if target == v]
            messages = torch.stack([*messages, query if v == head else torch.zeros_like(query)])
            if step.aggregate == "sum":
                gathered = messages.sum(0)
            else:
                deviation = (messages.square().mean(0) - messages.mean(0).square()).clamp(min=1e-6).sqrt()
                moments = torch.cat([messages.mean(0), messages.amax(0), messages.amin(0), deviation])
                gathered = torch.cat([moments, moments * scale[v], moments / scale[v].clamp(min=0.01)])
            after[v] = F.relu(step.norm(step.update(torch.cat([sent[v], gathered])))) + state[v]
        state, reached = after, reached | updated
    return torch.stack([score(v) for v in range(size)])


@pytest.mark.parametrize("dependent", [True, False])
@pytest.mark.parametrize("aggregate", ["sum", "pna"])
@pytest.mark.parametrize("ratio", [0.01, 0.2, 0.5, 1.0])
def test_scores_are_those_of_a_walk_in_plain_python(ratio, aggregate, dependent):
    model = astarnet(node_ratio=ratio, aggregate=aggregate, dependent=dependent)
    world = graph()
    world.edge_mask = torch.arange(28) % 5 != 0
    scores = model.score(world, HEAD, RELATION)
    for row, head, relation in zip(scores, HEAD.tolist(), RELATION.tolist(), strict=True):
        torch.testing.assert_close(row, slow_scores(model, world, head, relation, ratio), rtol=1e-8, atol=1e-10)
    tail = torch.tensor([[8, 0], [1, 1], [3, 9]])
    torch.testing.assert_close(model(world, HEAD, RELATION, tail), scores.gather(1, tail))


@pytest.mark.parametrize("dependent", [True, False])
def test_with_open_gates_and_nothing_left_out_it_is_nbfnet(dependent):
    """For products, sums and no biases the state of a node that nothing has reached is 0 in NBFNet too. Each node has a
    loop, so that the head is updated in every step."""
    model = astarnet(node_ratio=1.0, aggregate="sum", dependent=dependent)
    model.gate = torch.ones_like
    other = build_model("nbfnet", SPEC, {"dim": 6, "num_layers": 4, "aggregate": "sum", "dependent": dependent})
    other = other.double()
    with torch.no_grad():
        for step, layer, weights in zip(model.steps, other.layers, model.relations, strict=True):
            step.update.bias.zero_()
            step.norm.bias.zero_()
            layer.update.load_state_dict(step.update.state_dict())
            layer.norm.load_state_dict(step.norm.state_dict())
            layer.relation.load_state_dict(weights.state_dict())
        other.query.load_state_dict(model.query.state_dict())
    world, query = graph(), model.query(RELATION)
    loops = torch.arange(10).expand(2, -1)
    world.edge_index = torch.cat([world.edge_index, loops], dim=1)
    world.edge_type = torch.cat([world.edge_type, torch.zeros(10, dtype=torch.int64)])
    states = other.states(world, HEAD, RELATION)
    expected = model.priority(states, query.unsqueeze(1).expand_as(states))
    torch.testing.assert_close(model.score(world, HEAD, RELATION), expected, rtol=1e-8, atol=1e-10)


def test_renamed_entities_are_walked_alike_where_no_priorities_are_tied():
    """The head reaches everything in one step, by a relation each, so that nothing is tied when the choice begins."""
    spokes = torch.arange(1, 10)
    ring = torch.stack([spokes, spokes.roll(1)])
    hub = torch.stack([torch.zeros_like(spokes), spokes])
    kinds, spec = torch.arange(18), replace(SPEC, num_relations=18)
    world = Data(edge_index=torch.cat([hub, ring], 1), edge_type=kinds, num_nodes=10)
    order = torch.randperm(10, generator=torch.Generator().manual_seed(1))
    renamed = Data(edge_index=order[world.edge_index], edge_type=kinds, num_nodes=10)
    model, whole = astarnet(spec, node_ratio=0.5), astarnet(spec, node_ratio=1.0)
    head, relation = torch.tensor([0]), torch.tensor([1])
    scores = model.score(world, head, relation)
    torch.testing.assert_close(model.score(renamed, order[head], relation)[:, order], scores)
    assert not torch.allclose(scores, whole.score(world, head, relation))


@settings(deadline=None)
@given(st.data())
def test_selection_is_that_of_sorted_lists(data):
    num_nodes, queries = data.draw(st.integers(2, 7)), data.draw(st.integers(1, 3))
    count = data.draw(st.integers(0, 20))
    node = st.integers(0, num_nodes - 1)
    facts = data.draw(st.sets(st.tuples(node, node), max_size=count))
    edges = [edge for u, v in sorted(facts) for edge in ((u, v, 0), (v, u, 1))]
    edge_index = torch.tensor(sorted(facts), dtype=torch.int64).view(-1, 2).t()
    cells = num_nodes * queries
    priority = torch.tensor(data.draw(st.lists(st.integers(0, 3), min_size=cells, max_size=cells))).float()
    reached = torch.tensor(data.draw(st.lists(st.booleans(), min_size=cells, max_size=cells)))
    priority, reached = priority.view(queries, num_nodes), reached.view(queries, num_nodes)
    ratio = data.draw(st.sampled_from([0.01, 0.3, 0.5, 0.9, 1.0]))
    typed = RelationalGraph.with_inverses(edge_index, torch.zeros(len(facts), dtype=torch.int64), num_nodes, 1)
    walk = select_edges(typed, None, priority, reached, ratio)
    for b in range(queries):
        own = walk.source // num_nodes == b
        parts = (walk.source[own] % num_nodes, walk.target[own] % num_nodes, walk.kind[own])
        walked = sorted(zip(*(part.tolist() for part in parts), strict=True))
        ready = reached[b].nonzero().flatten().tolist()
        expected = slow_selection(edges, dict(enumerate(priority[b].tolist())), ready, num_nodes, ratio)
        assert walked == sorted(expected)
        assert (walk.target[own] // num_nodes == b).all()


def test_a_step_walks_no_more_than_its_share(monkeypatch):
    from graphlab.model.zoo import astarnet as module

    sizes = []

    def counted(*arguments):
        walk = select_edges(*arguments)
        sizes.append(len(walk.source))
        return walk

    monkeypatch.setattr(module, "select_edges", counted)
    astarnet(node_ratio=0.1).score(graph(50, 400), HEAD, RELATION)
    assert len(sizes) == 4 and all(size <= 0.1 * 800 * len(HEAD) for size in sizes)
    assert max(sizes) > 0.09 * 800 * len(HEAD)


def test_testing_may_walk_wider_than_training():
    model, world = astarnet(node_ratio=0.1, test_node_ratio=1.0), graph()
    wide = model.score(world, HEAD, RELATION)
    torch.testing.assert_close(wide, astarnet(node_ratio=1.0).score(world, HEAD, RELATION))
    narrow = model.train().score(world, HEAD, RELATION)
    torch.testing.assert_close(narrow, astarnet(node_ratio=0.1).score(world, HEAD, RELATION))
    assert not torch.allclose(wide, narrow)


def test_a_graph_without_edges_gives_finite_scores():
    empty = Data(
        edge_index=torch.zeros(2, 0, dtype=torch.int64), edge_type=torch.zeros(0, dtype=torch.int64), num_nodes=5
    )
    assert astarnet().score(empty, HEAD, RELATION).isfinite().all()


def test_parameters_of_the_published_recipe():
    """FB15k-237: 6 layers of width 32 as NBFNet has them, one map of the heuristic, a readout 32-64-1."""
    d, relations = 32, 2 * 237
    layer = (d * relations * d + relations * d) + (13 * d * d + d) + 2 * d
    heuristic, readout = 2 * d * d + d, (d * 2 * d + 2 * d) + (2 * d + 1)
    spec = DataSpec("triples", (FACT,), num_relations=237, num_entities=14541, directed=True)
    found = sum(p.numel() for p in build_model("astarnet", spec, {}).parameters())
    assert found == relations * d + 6 * layer + heuristic + readout


@pytest.mark.parametrize("ratio", [0.0, -0.1, 1.5])
def test_ratios_are_shares(ratio):
    with pytest.raises(ConfigError, match="node_ratio"):
        astarnet(node_ratio=ratio)
