"""PPGN and the 2-FWL networks against loops over u, v and w, and what they cannot tell apart."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch_geometric.data import Batch, Data

from graphlab.model.subgraph.pairs import all_pairs, edge_rows, from_dense, graph_rows, node_rows, to_dense
from graphlab.ops.pair_product import pair_product
from tests.model.hard_pairs import APART, check_class, check_sees, prepared
from tests.model.subgraph.loops import PLAIN, SPEC, each, mean, random_graph, to_networkx, total

GRAPHS = [random_graph(seed, size) for seed, size in ((0, 6), (1, 4), (4, 7))]
SMALL = {"hidden_dim": 8, "num_layers": 2}
FWL = {"fwl2": "FWL(2)", "lfwl2": "LFWL(2)", "slfwl2": "SLFWL(2)"}


def start(module, data, graph):
    h = {}
    for u in graph:
        for v in graph:
            relation = 2 if u == v else int(graph.has_edge(u, v))
            h[u, v] = module.pair.relation.weight[relation]
            if u == v:
                h[u, v] = h[u, v] + module.node.map(data.x[v])
            elif relation and module.bond.table is not None:
                h[u, v] = h[u, v] + module.bond.table.map.tables[0].weight[graph.edges[u, v]["kind"]]
    return h


def products(left, right, nodes):
    return {(u, v): total((left[u, w] * right[w, v] for w in nodes(u, v)), row) for (u, v), row in left.items()}


def normed(norm, h):
    """Of mean 0 and variance 1 over the pairs of one graph, then scaled and shifted."""
    centre = mean(h.values())
    spread = mean((row - centre) ** 2 for row in h.values())
    return {key: norm.weight * (row - centre) / (spread + 1e-5).sqrt() + norm.bias for key, row in h.items()}


def ppgn_by_loops(model, data):
    graph = to_networkx(data)
    h = start(model.start, data, graph)
    for block in model.blocks:
        left, right = normed(block.left_norm, each(block.left, h)), normed(block.right_norm, each(block.right, h))
        product = normed(block.product_norm, products(left, right, lambda u, v: graph))
        joined = {key: torch.cat([row, product[key]]) for key, row in h.items()}
        h = {key: row.relu() for key, row in each(block.norm, each(block.join, joined)).items()}
    return torch.stack([model.readout(torch.cat([h[v, v], mean(h[v, u] for u in graph)])).relu() for v in graph])


def fwl_by_loops(model, data, variant):
    graph = to_networkx(data)
    h = start(model.start, data, graph)
    third = {
        "fwl2": lambda u, v: graph,
        "lfwl2": lambda u, v: {v, *graph[v]},
        "slfwl2": lambda u, v: {u, v, *graph[u], *graph[v]},
    }
    for layer in model.layers:
        left, right = normed(layer.left_norm, each(layer.left, h)), normed(layer.right_norm, each(layer.right, h))
        heard = products(left, right, third[variant])
        out = {key: (1 + layer.eps) * row + heard[key] for key, row in h.items()}
        h = {key: row.relu() for key, row in each(layer.norm, each(layer.mlp, out)).items()}
    return torch.cat([mean(h[v, v] for v in graph), mean(mean(h[v, u] for u in graph) for v in graph)])


@pytest.mark.parametrize("spec", [SPEC, PLAIN], ids=["edges", "plain"])
def test_ppgn_is_its_definition(spec):
    with torch.no_grad():
        model, batch = prepared("ppgn-normalised", SMALL, GRAPHS, spec)
        expected = torch.cat([ppgn_by_loops(model, graph) for graph in GRAPHS])
        torch.testing.assert_close(model(batch), expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("spec", [SPEC, PLAIN], ids=["edges", "plain"])
@pytest.mark.parametrize("variant", FWL)
def test_a_network_is_its_definition(variant, spec):
    with torch.no_grad():
        model, batch = prepared(f"fwl/{variant}", SMALL, GRAPHS, spec)
        expected = torch.stack([fwl_by_loops(model, graph, variant) for graph in GRAPHS])
        torch.testing.assert_close(model(batch), expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", ["ppgn-normalised", *(f"fwl/{variant}" for variant in FWL)])
def test_the_class_of_a_model_bounds_it(name):
    check_class(name, {"hidden_dim": 8, "num_layers": 5})


@pytest.mark.parametrize(
    ("name", "test"), [("ppgn-normalised", "FWL(2)"), *((f"fwl/{name}", test) for name, test in FWL.items())]
)
def test_a_model_tells_apart_what_weaker_ones_cannot(name, test):
    check_sees(name, {"hidden_dim": 16, "num_layers": 5}, APART[test])


def test_three_local_forms_differ():
    rows = []
    for variant in FWL:
        model, batch = prepared(f"fwl/{variant}", SMALL, GRAPHS, SPEC)
        rows.append(model(batch).detach())
    assert not torch.allclose(rows[0], rows[1]) and not torch.allclose(rows[1], rows[2])


@given(st.lists(st.integers(1, 6), min_size=1, max_size=4), st.integers(0, 3), st.integers(0, 99))
def test_a_dense_tensor_holds_each_pair_at_its_place(sizes, more, seed):
    """And gives the product over a third node, and rows of nodes, edges and graphs, whatever the padding."""
    random = torch.Generator().manual_seed(seed)
    graphs = []
    for n in sizes:
        edge_index = (torch.rand(n, n, generator=random) < 0.5).fill_diagonal_(False).nonzero().T.contiguous()
        graphs.append(Data(edge_index=edge_index, num_nodes=n))
    batch = Batch.from_data_list(graphs)
    pairs = all_pairs(batch)
    h = torch.randn(pairs.num_tuples, 3, generator=random, dtype=torch.float64)
    dense, mask = to_dense(pairs, h, max(sizes) + more)
    assert dense.shape == (len(sizes), max(sizes) + more, max(sizes) + more, 3)
    assert mask.sum() == sum(n * n for n in sizes) and not dense[~mask].any()
    assert torch.equal(from_dense(pairs, dense), h) and torch.equal(
        to_dense(pairs, h)[0], dense[:, : max(sizes), : max(sizes)]
    )
    product = torch.einsum("guwc,gwvc->guvc", dense, dense)
    torch.testing.assert_close(from_dense(pairs, product), pair_product(h, h, pairs.size))
    nodes = torch.cat(
        [torch.cat([dense[k, v, v], dense[k, v, :n].mean(0)]) for k, n in enumerate(sizes) for v in range(n)]
    ).view(sum(sizes), 6)
    torch.testing.assert_close(node_rows(pairs, h), nodes)
    torch.testing.assert_close(graph_rows(pairs, h), torch.stack([part.mean(0) for part in nodes.split(sizes)]))
    edges = [dense[k][tuple(graph.edge_index)] for k, graph in enumerate(graphs)]
    assert torch.equal(edge_rows(pairs, h), torch.cat(edges))
