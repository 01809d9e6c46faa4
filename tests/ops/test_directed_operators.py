"""Operators of directed graphs against dense algebra, and against what the reference packages computed."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from graphlab.core.errors import InputError
from graphlab.ops import directed_operators
from graphlab.ops.directed_operators import (
    ComplexOperator,
    degree_scaled,
    in_out_normalised,
    magnetic,
    mean_of_neighbours,
    pagerank_operator,
    second_order,
    with_loops,
)

GRAPHS = ("mixed9", "disconnected11", "dsbm40")


def dense(operator, num_nodes):
    column, row = operator.edge_index
    matrix = torch.zeros(num_nodes, num_nodes, dtype=torch.complex128)
    complex_ = isinstance(operator, ComplexOperator)
    value = torch.complex(operator.real, operator.imaginary) if complex_ else operator.weight.to(torch.complex128)
    matrix.index_put_((row, column), value, accumulate=True)
    return matrix if complex_ else matrix.real


@st.composite
def directed_graphs(draw):
    num_nodes = draw(st.integers(1, 8))
    node = st.integers(0, num_nodes - 1)
    edges = draw(st.lists(st.tuples(node, node), max_size=20))
    weight = draw(st.lists(st.floats(0.25, 2), min_size=len(edges), max_size=len(edges)))
    edge_index = torch.tensor(edges, dtype=torch.int64).view(-1, 2).T
    adjacency = torch.zeros(num_nodes, num_nodes, dtype=torch.float64)
    adjacency.index_put_(tuple(edge_index), torch.tensor(weight, dtype=torch.float64), accumulate=True)
    return edge_index, torch.tensor(weight, dtype=torch.float64), num_nodes, adjacency


def inverse_root(degree):
    return torch.where(degree > 0, degree.clamp(min=1e-300) ** -0.5, 0)


def close(ours, theirs, tolerance=1e-12):
    torch.testing.assert_close(ours, theirs, rtol=0, atol=tolerance)


@given(directed_graphs())
@settings(deadline=None, max_examples=60)
def test_sums_of_rows_and_columns_normalise(graph):
    edge_index, weight, num_nodes, adjacency = graph
    scaled = inverse_root(adjacency.sum(1))[:, None] * adjacency * inverse_root(adjacency.sum(0))
    close(dense(in_out_normalised(edge_index, weight, num_nodes), num_nodes), scaled)
    looped = adjacency + torch.eye(num_nodes, dtype=torch.float64)
    edges, values = with_loops(edge_index, weight, num_nodes)
    scaled = looped.sum(1)[:, None] ** -0.3 * looped * looped.sum(0) ** -0.8
    close(dense(degree_scaled(edges, values, num_nodes, 0.3, 0.8), num_nodes), scaled)
    count = torch.bincount(edge_index[0], minlength=num_nodes).clamp(min=1)
    close(dense(mean_of_neighbours(edge_index, weight, num_nodes), num_nodes), adjacency / count[:, None])


@given(directed_graphs(), st.sampled_from((0.0, 0.1, 0.25)))
@settings(deadline=None, max_examples=60)
def test_the_magnetic_laplacian_is_hermitian_with_eigenvalues_to_two(graph, q):
    edge_index, weight, num_nodes, adjacency = graph
    adjacency = adjacency - adjacency.diag().diag()
    symmetric = (adjacency + adjacency.T) / 2
    root = inverse_root(symmetric.sum(1))
    phase = 2 * np.pi * q * (adjacency - adjacency.T)
    expected = -(root[:, None] * symmetric * root) * torch.polar(torch.ones_like(phase), phase)
    ours = dense(magnetic(edge_index, weight, num_nodes, q), num_nodes)
    close(ours, expected)
    close(ours, ours.conj().T)
    eigenvalues = torch.linalg.eigvalsh(ours + torch.eye(num_nodes))
    assert eigenvalues.min() >= -1e-12 and eigenvalues.max() <= 2 + 1e-12
    if q == 0:
        assert not ours.imag.any()


@given(directed_graphs(), st.sampled_from((0.1, 0.5)))
@settings(deadline=None, max_examples=40)
def test_the_operators_of_digcn_are_symmetric_and_those_of_the_formulas(graph, teleport):
    edge_index, weight, num_nodes, adjacency = graph
    looped = adjacency + torch.eye(num_nodes, dtype=torch.float64)
    walk = looped / looped.sum(1, keepdim=True)
    chain = torch.zeros(num_nodes + 1, num_nodes + 1, dtype=torch.float64)
    chain[:-1, :-1], chain[:-1, -1], chain[-1, :-1] = (1 - teleport) * walk, teleport, 1 / num_nodes
    system = torch.cat([chain.T - torch.eye(num_nodes + 1), torch.ones(1, num_nodes + 1)]).double()
    right = torch.zeros(num_nodes + 2, 1, dtype=torch.float64)
    right[-1] = 1
    root = torch.linalg.lstsq(system, right).solution[:-1, 0].sqrt()
    half = root[:, None] * walk / root
    scaled = (half + half.T) / 2
    degree = inverse_root(scaled.sum(1))
    ours = dense(pagerank_operator(edge_index, weight, num_nodes, teleport), num_nodes)
    close(ours, degree[:, None] * scaled * degree, 1e-9)
    close(ours, ours.T)

    successors, predecessors = walk @ walk.T, walk.T @ walk
    both = torch.where((successors > 0) & (predecessors > 0), (successors + predecessors) / 2, 0)
    degree = inverse_root(both.sum(1))
    ours = dense(second_order(edge_index, weight, num_nodes), num_nodes)
    close(ours, degree[:, None] * both * degree)
    close(ours, ours.T)


@pytest.mark.real_data
@pytest.mark.parametrize("name", GRAPHS)
def test_operators_equal_those_of_the_reference_packages(name, truth):
    pack, original = truth(f"directed_{name}"), truth(f"dirgnn_original_{name}")
    num_nodes, edges = int(pack["num_nodes"]), torch.from_numpy(pack["edge_index"].astype(np.int64))
    weight = torch.from_numpy(pack["edge_weight"])
    ours = dense(in_out_normalised(edges, None, num_nodes), num_nodes)
    close(ours, torch.from_numpy(original["adjacency_dir_norm"]))
    eye = torch.eye(num_nodes)
    for q in ("0.0", "0.1", "0.25"):
        for kind, values in (("", None), ("_weighted", weight)):
            published = torch.complex(
                *(torch.from_numpy(pack[f"magnetic_L_sym_q{q}{kind}_{part}"]) for part in ("real", "imag"))
            )
            close(dense(magnetic(edges, values, num_nodes, float(q)), num_nodes) + eye, published)
    ours = dense(pagerank_operator(edges, None, num_nodes, 0.1), num_nodes)
    close(ours, torch.from_numpy(pack["digcn_appr_alpha0.1"]), 5e-6)
    ours = dense(second_order(edges, None, num_nodes), num_nodes)
    close(ours, torch.from_numpy(pack["digcn_second_order_dtype64"]))


def test_hubs_are_refused_before_anything_is_computed(monkeypatch):
    monkeypatch.setattr(directed_operators, "MOST_PRODUCTS", 20)
    star = torch.tensor([[0] * 5, [1, 2, 3, 4, 5]])
    with pytest.raises(InputError, match="second-order proximity of 6 nodes takes 62 products"):
        second_order(star, None, 6)
