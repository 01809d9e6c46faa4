"""Policies against networkx: who is in which subgraph, along which edges, with which label."""

from __future__ import annotations

import math

import networkx as nx
import pytest
import torch
from torch_geometric.data import Batch, Data

from graphlab.core.errors import InputError
from graphlab.model.subgraph import policies
from tests.model.subgraph.loops import random_graph, subgraphs, to_networkx, tuples_of

SEEDS = range(6)
HOPS = 2
LISTED = {
    "null": policies.Null(),
    "node-deleted": policies.NodeDeleted(),
    "edge-deleted": policies.EdgeDeleted(),
    "ego": policies.Ego(hops=HOPS),
}


def distances(graph, source):
    found = nx.single_source_shortest_path_length(graph, source)
    return [found.get(v, math.inf) for v in sorted(graph)]


def parts_of(policy, data):
    """Subgraphs in the order in which the policy takes the edges."""
    parts = subgraphs(policy, to_networkx(data), HOPS)
    if policy != "edge-deleted":
        return parts
    place = {(u, v): e for e, (u, v) in enumerate(data["edge_index"].T.tolist())}
    return sorted(parts, key=lambda part: place[min(part.root, part.other), max(part.root, part.other)])


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", LISTED)
def test_subgraphs_have_the_nodes_and_edges_that_they_should(name, seed):
    data = random_graph(seed)
    made, parts = LISTED[name](data), parts_of(name, data)
    tuples = list(zip(made["tuple_root"].tolist(), made["tuple_node"].tolist(), strict=True))
    assert tuples == [(r, v) for r, part in enumerate(parts) for v in sorted(part.graph)]
    assert made["num_roots"].item() == len(parts) and made["num_tuples"].item() == len(tuples)
    edges = data["edge_index"].T.tolist()
    rows = zip(*(made[f"uL_{what}"].tolist() for what in ("target", "source", "edge")), strict=True)
    found = sorted((tuples[source], tuples[target]) for target, source, _ in rows)
    assert found == sorted(((r, w), (r, v)) for r, part in enumerate(parts) for v in part.graph for w in part.graph[v])
    for target, source, edge in zip(made["uL_target"], made["uL_source"], made["uL_edge"], strict=True):
        assert edges[edge] == [tuples[source][1], tuples[target][1]]


@pytest.mark.parametrize("seed", SEEDS)
def test_edges_between_subgraphs_of_neighbours(seed):
    data = random_graph(seed)
    made = policies.Ego(messages=("uL", "vL", "vv", "uu", "vu"), hops=HOPS)(data)
    graph, parts = to_networkx(data), parts_of("ego", data)
    tuples = tuples_of(parts)
    tuples.sort()
    found = sorted(
        (tuples[i], tuples[j]) for i, j in zip(made["vL_target"].tolist(), made["vL_source"].tolist(), strict=True)
    )
    expected = [((u, v), (w, v)) for u, v in tuples for w in graph[u] if v in parts[w].graph]
    assert found == sorted(expected)
    for name, point in {"vv": lambda u, v: (v, v), "uu": lambda u, v: (u, u), "vu": lambda u, v: (v, u)}.items():
        assert [tuples[i] for i in made[name].tolist()] == [point(u, v) for u, v in tuples]


@pytest.mark.parametrize("seed", SEEDS)
def test_labels_of_listed_tuples(seed):
    data = random_graph(seed)
    parts = parts_of("ego", data)
    away = [d for part in parts for d in distances(part.graph, part.root)]
    assert policies.EgoDistance(hops=HOPS)(data)["tuple_label"].flatten().tolist() == away
    assert policies.EgoMarked(hops=HOPS)(data)["tuple_label"].flatten().tolist() == [d == 0 for d in away]
    assert policies.Ego(hops=HOPS)(data)["tuple_label"].shape[1] == 0


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("cap", [1, 3, 9])
def test_distances_of_all_pairs(seed, cap):
    data = random_graph(seed)
    graph = to_networkx(data)
    expected = [cap + 1 if d == math.inf else min(d, cap) for u in graph for d in distances(graph, u)]
    assert policies.Distance(cap)(data)["tuple_label"].flatten().tolist() == expected


@pytest.mark.parametrize("seed", SEEDS)
def test_resistances_of_all_pairs(seed):
    data = random_graph(seed)
    graph = to_networkx(data)
    made = policies.Resistance()(data)
    part = {v: k for k, nodes in enumerate(nx.connected_components(graph)) for v in nodes}
    for row, (u, v) in enumerate((u, v) for u in graph for v in graph):
        together = part[u] == part[v]
        expected = 0.0
        if together and u != v:
            expected = nx.resistance_distance(graph.subgraph(nx.node_connected_component(graph, u)), u, v)
        assert made["tuple_label"][row].item() == (not together)
        assert made["tuple_value"][row].item() == pytest.approx(expected, abs=1e-6)


def test_node_marks():
    label = policies.NodeMarked()(random_graph(0, 4))["tuple_label"].view(4, 4)
    assert torch.equal(label, torch.eye(4, dtype=torch.uint8))


@pytest.mark.parametrize(
    "policy",
    [*LISTED.values(), policies.Distance(), policies.Resistance(), policies.Ego(messages=("uL", "vL", "vv"))],
    ids=repr,
)
def test_many_graphs_at_once_are_each_of_them(policy):
    graphs = [random_graph(seed, size) for seed, size in enumerate((5, 1, 8, 3))]
    for one, other in zip(policy.prepare(graphs), map(policy, graphs), strict=True):
        assert set(one.keys()) == set(other.keys())
        for key in one.keys():  # noqa: SIM118
            assert one[key] == other[key] if key == "num_nodes" else torch.equal(one[key], other[key]), key
    batch = Batch.from_data_list(policy.prepare(graphs))
    assert policy.tuples(batch, None).num_tuples == int(batch["num_tuples"].sum())


def test_bad_hops_and_caps():
    for bad in (lambda: policies.Ego(hops=0), lambda: policies.Distance(0), lambda: policies.Distance(254)):
        with pytest.raises(InputError, match="hint"):
            bad()


def test_a_graph_without_edges_is_its_own_bag_where_edges_are_deleted():
    """Wherever it stands among the others, and beside self-loops and edges that lead one way."""
    bare, looped = (
        Data(edge_index=torch.zeros(2, 0, dtype=torch.int64), num_nodes=2),
        torch.tensor([[0, 1, 1], [1, 0, 1]]),
    )
    one_way = Data(edge_index=torch.tensor([[1, 0], [0, 2]]), num_nodes=3)
    graphs = [bare, bare, Data(edge_index=looped, num_nodes=2), bare, one_way, bare]
    made = policies.EdgeDeleted().prepare(graphs)
    assert [int(graph["num_roots"]) for graph in made] == [1, 1, 2, 1, 2, 1]
    for graph in (made[k] for k in (0, 1, 3, 5)):
        assert graph["tuple_node"].tolist() == [0, 1] and graph["tuple_root"].tolist() == [0, 0]
    assert sorted(made[2]["uL_edge"].tolist()) == [0, 1, 2] and made[4]["uL_edge"].tolist() == [1, 0]


@pytest.mark.parametrize(
    "policy", [*LISTED.values(), policies.Distance(), policies.NodeMarked(), policies.Resistance()], ids=repr
)
def test_no_graphs(policy):
    assert policy.prepare([]) == []


@pytest.mark.parametrize("policy", LISTED.values(), ids=repr)
def test_graphs_without_nodes(policy):
    nothing = Data(edge_index=torch.zeros(2, 0, dtype=torch.int64), num_nodes=0)
    some = random_graph(0)
    alone = policy(some)
    made = policy.prepare([nothing, Data(edge_index=some.edge_index, num_nodes=some.num_nodes), nothing])
    assert [int(graph["num_tuples"]) for graph in made] == [0, int(alone["num_tuples"]), 0]
    for key in ("tuple_root", "tuple_node", "tuple_label", "root_node", "uL_target", "uL_source", "uL_edge"):
        assert torch.equal(made[1][key], alone[key])
