"""Features, edges and attributes: each case is converted with a notice, noticed, or one error."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
import torch_geometric.transforms as T
from torch_geometric.data import Data

from graphlab.core.errors import InputError
from graphlab.data.check import check
from graphlab.data.load import load
from graphlab.data.spec import Categorical, Continuous
from graphlab.testing.examples import example
from tests.data.refusals import GRAPH, NODE, refusal, with_graph, with_split


@pytest.mark.parametrize(
    ("values", "notice"),
    [
        (lambda x: x.double(), "x from float64 to float32"),
        (lambda x: x.double() + 1e-12, "x from float64 to float32, rounded"),
        (lambda x: x.half(), "x from float16 to float32"),
        (lambda x: x.bfloat16(), "x from bfloat16 to float32"),
        (lambda x: x.round().long(), "x from int64 to float32"),
        (lambda x: x > 0, "x from bool to float32"),
        (lambda x: x.numpy(), "x from an array to a tensor"),
    ],
)
def test_features_of_other_types_are_converted(values, notice):
    before = values(example(NODE).graph.x)
    data = with_graph(NODE, x=before)
    checked = check(data)
    assert checked.notices == (f"converted: {notice}",)
    assert checked.graph.x.dtype == torch.float32
    np.testing.assert_allclose(checked.graph.x.numpy(), np.asarray(torch.as_tensor(before).double()), rtol=1e-6)
    assert data.graph.x is before  # the caller's data are as they were
    assert check(checked) is checked


@pytest.mark.parametrize("dtype", [">f4", "<f8", "longdouble", ">i2", "uint16", "uint32", "uint64"])
def test_arrays_of_any_byte_order_and_width_are_read(dtype):
    x = np.arange(120).reshape(24, 5)
    graph = example(NODE).graph
    edges, y = (graph[key].numpy().astype(dtype if "f" not in dtype and dtype != "longdouble" else ">i4")
                for key in ("edge_index", "y"))  # fmt: skip
    checked = check(with_graph(NODE, x=x.astype(dtype), edge_index=edges, y=y))
    np.testing.assert_array_equal(checked.graph.x.numpy(), x)
    assert checked.graph.x.dtype == torch.float32
    assert torch.equal(checked.graph.edge_index, graph.edge_index) and torch.equal(checked.graph.y, graph.y)
    ids = example(NODE).split().train.numpy().astype(edges.dtype)
    assert torch.equal(with_split(NODE, train=ids).split().train, example(NODE).split().train)


@pytest.mark.filterwarnings("ignore:torch.quantize_per_tensor")
def test_tensors_that_numpy_would_not_take_have_fingerprints():
    lazy = torch.ones(3, dtype=torch.complex64).conj()
    data = with_graph(NODE, a=lazy, b=torch.imag(lazy), c=torch.ones(3, requires_grad=True), d=torch.ones(1)[:0])
    checked = check(data)
    assert len(checked.fingerprint) == 64
    assert checked.fingerprint == with_graph(NODE, a=lazy.resolve_conj(), b=-torch.zeros(3), c=torch.ones(3),
                                             d=torch.empty(0)).fingerprint  # fmt: skip
    assert with_graph(NODE, x=example(NODE).graph.x.bfloat16()).fingerprint != example(NODE).fingerprint
    refusal(with_graph(NODE, extra=torch.ones(3).bfloat16()), "has extra, a tensor of bfloat16", "del data.extra")
    quantized = torch.quantize_per_tensor(example(NODE).graph.x, 0.1, 0, torch.quint8)
    refusal(with_graph(NODE, x=quantized), "x as a quantized tensor", "x.dequantize()")


def test_features_in_one_dimension_are_a_column():
    data = with_graph(NODE, x=torch.arange(24.0), spec={"node": Continuous(1)})
    checked = check(data)
    assert checked.notices == ("converted: x from one dimension to one column",)
    assert checked.graph.x.tolist() == [[float(k)] for k in range(24)]
    words = with_graph(NODE, x=torch.arange(24, dtype=torch.int32), spec={"node": Categorical((24,))})
    assert check(words).graph.x.tolist() == [[k] for k in range(24)]
    refusal(with_graph(NODE, x=torch.ones(24)), r"x of the shape \[24\], not \[24, 5\]")


def test_edge_attributes_as_gdc_leaves_them():
    data = load("karate", transform=T.GDC())
    assert data.spec.edge is None and data.spec.weighted
    assert data.graph.edge_weight.shape == (data.graph.num_edges,) and "edge_attr" not in data.graph
    assert "edge_attr has one number an edge and is read as edge_weight" in data.notices


def test_conversions_are_counted_over_graphs():
    data = example("graph-regression")
    graphs = tuple(Data(x=g.x.double(), edge_index=g.edge_index, y=g.y) for g in data.graphs)
    assert check(replace(data, graphs=graphs)).notices == ("converted: x from float64 to float32, in 24 of 24 graphs",)


@pytest.mark.parametrize(
    ("values", "words", "hint"),
    [
        ({"x": torch.full((24, 5), 1e300, dtype=torch.float64)}, "numbers that float32 cannot hold", "scale"),
        ({"x": torch.full((24, 5), 2**24 + 1)}, "16,777,217, which float32 may not hold", "Categorical"),
        ({"x": torch.ones(24, 5, dtype=torch.complex64)}, "x of complex64", "columns"),
        ({"x": torch.ones(24, 5).to_sparse()}, "x as a sparse tensor", "to_dense"),
        ({"x": [[1.0] * 5] * 24}, "x as a list", "tensor"),
        ({"x": torch.ones(24, 4)}, r"x of the shape \[24, 4\], not \[24, 5\]", "Continuous"),
        ({"x": torch.ones(23, 5), "num_nodes": 24}, r"\[23, 5\], not \[24, 5\]", "24 nodes"),
        ({"x": None, "num_nodes": 24}, "has no x, and spec.node is Continuous", "spec.node=None"),
        ({"edge_attr": torch.ones(7, 2)}, r"has edge_attr of \[7, 2\], and spec.edge says", "spec.edge=Continuous"),
        ({"num_nodes": -3}, "num_nodes=-3", "whole number"),
        ({"num_nodes": 24.0}, r"num_nodes=24\.0", "whole number"),
        ({"edge_weight": torch.ones(3)}, r"edge_weight of the shape \[3\]", "one number an edge"),
        ({"helper": float("nan")}, "has helper, a float, which is neither a tensor nor finite", "del data.helper"),
        ({"helper": object()}, "has helper, a object, which is neither a tensor", "del data.helper"),
    ],
)
def test_features_without_a_plain_meaning(values, words, hint):
    refusal(with_graph(NODE, **values), words, hint)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_numbers_that_are_not_finite_are_found(value):
    x = example(NODE).graph.x.clone()
    x[7, 3] = x[9, 0] = value
    refusal(with_graph(NODE, x=x), f"x = {value:g} at node 7, column 3; 2 of its 120 numbers", "nan_to_num")
    y = torch.tensor([[value]])
    refusal(with_graph("graph-regression", 4, y=y), f"graph 4 has y = {value:g} at graph 0, column 0", "missing")


def test_large_numbers_are_finite_though_their_sum_is_not():
    data = with_graph(NODE, x=torch.full((24, 5), 3e38))
    assert check(data) is data


def test_categories():
    words = torch.arange(24).remainder(3).unsqueeze(1)
    spec = {"node": Categorical((3,))}
    assert check(with_graph(NODE, x=words, spec=spec)).notices == ()
    assert check(with_graph(NODE, x=words == 1, spec=spec)).graph.x.dtype == torch.int64
    refusal(with_graph(NODE, x=words + 1, spec=spec), "x of 3 in column 0, at node 2, 5, 8, 11, 14", "subtract 1")
    refusal(with_graph(NODE, x=words.float(), spec=spec), "x of float32", "long")


def test_features_in_some_graphs_only():
    data = example(GRAPH)
    edge_attr = torch.ones(data.graphs[3].num_edges, 2)
    refusal(with_graph(GRAPH, 3, edge_attr=edge_attr), "graphs 0 and 3 do not carry the same: edge_attr", "or in none")


# Edges.


@pytest.mark.parametrize(
    ("edge_index", "words", "hint"),
    [
        (lambda e: e.clone().index_fill_(1, torch.tensor([0]), 24), "24 nodes, and edge_index names 24", "too small"),
        (lambda e: e + 1, "edge_index names 24", "subtract 1"),
        (lambda e: torch.where(e == 3, -1, e), "edge_index names -1", "negative"),
        (lambda e: e.float(), "edge_index of float32", "long"),
        (lambda e: e.T, r"the shape \[\d+, 2\], not \[2, E\]", "t().contiguous()"),
        (lambda e: e[0], r"the shape \[\d+\]", "int64"),
        (lambda e: e.to_sparse(), "edge_index as a sparse tensor", "to_dense"),
    ],
)
def test_edges_that_are_none(edge_index, words, hint):
    refusal(with_graph(NODE, edge_index=edge_index(example(NODE).graph.edge_index)), words, hint)


def test_the_graph_of_an_edge_out_of_range_is_named():
    edges = torch.tensor([[0, 1], [1, 400]])
    refusal(with_graph(GRAPH, 5, edge_index=edges), "graph 5 has 6 nodes, and edge_index names 400")


def test_edges_of_other_types_and_layouts():
    edges = example(NODE).graph.edge_index
    assert check(with_graph(NODE, edge_index=edges.int())).notices == ("converted: edge_index from int32 to int64",)
    strided = edges.T.contiguous().T
    checked = check(with_graph(NODE, edge_index=strided))
    assert checked.notices == () and checked.graph.edge_index.is_contiguous() and not strided.is_contiguous()


def test_edges_one_way():
    edges = example(NODE).graph.edge_index
    data = with_graph(NODE, edge_index=edges[:, 1:])
    number = edges.shape[1] - 1
    assert check(data).notices == (
        f"1 of {number} edges have no reverse, though spec.directed is False: messages pass one way",
    )
    assert check(replace(data, spec=replace(data.spec, directed=True))).notices == ()


def test_sparse_adjacency():
    refusal(with_graph(NODE, edge_index=None), "has no edge_index", "torch.empty(2, 0")
    with pytest.raises(InputError, match="karate has no edge_index, but adj_t") as caught:
        load("karate", transform=T.ToSparseTensor())
    assert "drop T.ToSparseTensor()" in str(caught.value.hint)


def test_attributes_that_no_model_reads():
    data = with_graph(NODE, train_mask=torch.ones(24, dtype=torch.bool), pos=torch.rand(24, 3))
    assert check(data).notices == ("no model of GraphLab reads pos, train_mask of the graphs",)
    assert load("substructures/triangles").notices == ()  # its card says that `count` is there on purpose


def test_attributes_that_cannot_be_batched():
    data = example(GRAPH)
    graphs = [graph.clone() for graph in data.graphs]
    for k, graph in enumerate(graphs):
        graph.pos = torch.ones(graph.num_nodes, 3 if k != 6 else 2)
    refusal(replace(data, graphs=tuple(graphs)), "pos of graphs 0 and 6 cannot be put end to end", "number of columns")


def test_nodes_that_are_not_counted():
    data = with_graph(NODE, x=None, spec={"node": None})
    data.graph.edge_index = torch.tensor([[0, 1], [1, 0]])
    checked = check(data)
    assert checked.graph.num_nodes == 24
    assert "converted: num_nodes, which was not said, taken from y" in checked.notices
    assert "num_nodes" not in data.graph.to_dict()


# Targets.
