"""Enclosing subgraphs and their labels against networkx, and SEAL's scores against dense algebra."""

from __future__ import annotations

import networkx as nx
import pytest
import torch

from graphlab.core.errors import ConfigError, IncompatibleError
from graphlab.data.spec import LINK, Categorical, DataSpec
from graphlab.model.base import visible_edges
from graphlab.model.enclosing_subgraphs import enclosing_subgraphs
from graphlab.model.pair_neighbours import NeighbourLists
from graphlab.model.registry import build_model
from graphlab.model.zoo.seal import LAST_LABEL, first_sorted
from tests.model.links import GRAPH, PAIRS, N, graph_of, spec_of

CYCLE = nx.disjoint_union(nx.cycle_graph(9), nx.path_graph(4))


def slow_subgraph(graph, u, v, hops):
    """The nodes in ascending order, their labels by two searches each without the other end, and the subgraph."""
    graph = graph.copy()
    if graph.has_edge(u, v):
        graph.remove_edge(u, v)
    near = (nx.single_source_shortest_path_length(graph, end, cutoff=hops) for end in (u, v))
    nodes = sorted(set().union(*near))
    inside = graph.subgraph(nodes)
    labels = []
    without = [inside.subgraph(set(nodes) - ({other} if u != v else set())) for other in (v, u)]
    i, j = (nx.single_source_shortest_path_length(g, end) for g, end in zip(without, (u, v), strict=True))
    for w in nodes:
        if w in (u, v):
            labels.append(1)
        elif w not in i or w not in j:
            labels.append(0)
        else:
            half, odd = divmod(i[w] + j[w], 2)
            labels.append(1 + min(i[w], j[w]) + half * (half + odd - 1))
    return nodes, labels, inside


def lists_of(graph):
    edges = torch.tensor([*graph.edges, *[(v, u) for u, v in graph.edges]]).T
    return NeighbourLists.of_edges(edges, graph.number_of_nodes())


@pytest.mark.parametrize("hops", [1, 2, 3])
@pytest.mark.parametrize("graph", [GRAPH, CYCLE], ids=["karate", "cycle"])
def test_subgraphs_and_labels_are_those_of_two_searches(graph, hops):
    pairs = torch.combinations(torch.arange(graph.number_of_nodes()), with_replacement=True)
    subgraphs = enclosing_subgraphs(lists_of(graph), pairs, hops)
    source, target = subgraphs.edge_index
    assert torch.equal(subgraphs.pair[source], subgraphs.pair[target])
    for place, (u, v) in enumerate(pairs.tolist()):
        nodes, labels, inside = slow_subgraph(graph, u, v, hops)
        at = subgraphs.pair == place
        assert subgraphs.node[at].tolist() == nodes and subgraphs.label[at].tolist() == labels
        ends = torch.stack([subgraphs.node[source], subgraphs.node[target]], 1)[at[source]].tolist()
        expected = sorted([[a, b] for a, b in inside.edges] + [[b, a] for a, b in inside.edges])
        assert sorted(ends) == expected


def slow_score(model, graph, u, v):
    nodes, labels, inside = slow_subgraph(graph_as_networkx(graph), u, v, model.config.num_hops)
    a = torch.from_numpy(nx.to_numpy_array(inside, nodelist=nodes, weight=None)) + torch.eye(len(nodes))
    mean = a / a.sum(1, keepdim=True)
    z = torch.eye(LAST_LABEL + 1).double()[torch.tensor(labels).clamp(max=LAST_LABEL)] @ model.labels.weight
    if model.map is not None:
        z = z + graph.x[nodes].double() @ model.map.weight.T
    states = [(mean @ z).tanh()]
    for layer in model.layers:
        states.append((mean @ states[-1] @ layer.weight.T).tanh())
    rows = torch.cat(states, dim=1)
    rows = rows[rows[:, -1].argsort(descending=True)][: model.config.num_sorted]
    rows = torch.cat([rows, rows.new_zeros(model.config.num_sorted - len(rows), rows.size(1))])
    h = (rows @ model.rows.weight.T + model.rows.bias).relu()
    h = torch.stack([h[2 * i : 2 * i + 2].amax(0) for i in range(len(h) // 2)])
    windows = [h[i : i + 5] for i in range(len(h) - 4)]
    h = torch.stack([torch.einsum("wc,ocw->o", window, model.window.weight) for window in windows])
    h = (h + model.window.bias).relu().T.flatten()
    return model.readout(model.dense(h))[0]


def graph_as_networkx(graph):
    plain = nx.Graph()
    plain.add_nodes_from(range(N))
    plain.add_edges_from(visible_edges(graph).T.tolist())
    return plain


@pytest.mark.parametrize("hops", [1, 2])
@pytest.mark.parametrize("features", [None, 5])
def test_scores_are_those_of_each_subgraph_by_itself(features, hops):
    torch.manual_seed(0)
    settings = {"num_hops": hops, "hidden_dim": 8, "num_sorted": 12}
    model, graph = build_model("seal", spec_of(features), settings).double().eval(), graph_of(features)
    pairs = PAIRS[::7]
    expected = torch.stack([slow_score(model, graph, u, v) for u, v in pairs.tolist()])
    torch.testing.assert_close(model(graph, pairs), expected, rtol=1e-9, atol=1e-11)
    torch.testing.assert_close(model(graph, pairs.flip(1)), expected, rtol=1e-9, atol=1e-11)


def test_pairs_are_scored_alike_in_any_batch(monkeypatch):
    torch.manual_seed(0)
    model, graph = build_model("seal", spec_of(5), {"hidden_dim": 8}).double().eval(), graph_of(5)
    encoding = model.encode(graph)
    whole = model.score_pairs(encoding, PAIRS)
    monkeypatch.setattr("graphlab.model.zoo.seal.PAIRS_AT_ONCE", 11)
    torch.testing.assert_close(model.score_pairs(encoding, PAIRS), whole, rtol=1e-9, atol=1e-11)
    scores = model.score_nodes(encoding, torch.arange(N))
    torch.testing.assert_close(scores[PAIRS[:, 0], PAIRS[:, 1]], whole, rtol=1e-9, atol=1e-11)


def test_a_link_of_the_pair_changes_nothing():
    torch.manual_seed(0)
    model = build_model("seal", spec_of(5), {"hidden_dim": 8}).double().eval()
    links = torch.tensor(list(GRAPH.edges))
    pair = links[20:21]
    torch.testing.assert_close(
        model(graph_of(5, links), pair), model(graph_of(5, links[(links != pair).any(1)]), pair), rtol=0, atol=0
    )


def test_the_rows_with_the_largest_last_channel_are_kept():
    rows = torch.tensor([[1.0, 0.2], [2.0, 0.9], [3.0, 0.5], [4.0, 0.1]])
    kept = first_sorted(rows, torch.tensor([0, 0, 0, 2]), 3, 2)
    nothing = [0.0, 0.0]
    assert torch.equal(kept, torch.tensor([[[2.0, 0.9], [3.0, 0.5]], [nothing, nothing], [[4.0, 0.1], nothing]]))


def test_what_it_cannot_do_is_refused():
    with pytest.raises(IncompatibleError, match="seal needs continuous node features"):
        build_model("seal", DataSpec("node-pairs", (LINK,), node=Categorical((3,)), num_entities=N), {})
    with pytest.raises(ConfigError, match="num_sorted"):
        build_model("seal", spec_of(5), {"num_sorted": 9})
