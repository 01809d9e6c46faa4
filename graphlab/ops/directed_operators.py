"""Operators of directed graphs, as edges with weights: made once of a graph, multiplied by `neighbour_sum`.

A graph has the matrix A, A[u, v] the weight of the edge from u to v, 1 where edges have none; edges that are listed
twice add up. An operator M `[n, n]` is the places and values of its entries: `edge_index` int64 `[2, E]` whose rows are
the column j and the row i of M[i, j], so that a message goes from j to i. D_out has the sums of A's rows, D_in those of
its columns, and what would be divided by a sum of zero is zero.

    in_out_normalised   D_out^-1/2 A D_in^-1/2                Rossi et al., LoG 2023, section 3 (Dir-GNN)
    mean_of_neighbours  D_out^-1 A                            the same, of GraphSAGE
    degree_scaled       D_out^-b A D_in^-a, A with loops      Kollias et al., AAAI 2022, eq. 5 (DiGAE)
    magnetic            -H of L = I - H                       Zhang et al., NeurIPS 2021, eq. 3 (MagNet)
    pagerank_operator   that of DiGCN                         Tong et al., NeurIPS 2020, eq. 8
    second_order        second-order proximity of DiGCN-IB    the same, eq. 10 to 12

Values are float64, on the device of the edges; symmetric and Hermitian operators are so to rounding.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import torch
from scipy import sparse
from torch import Tensor

from graphlab.core.errors import InputError

MOST_PRODUCTS = 2**31
"""Multiplications that a second-order operator may take; each can be an entry."""

TOLERANCE, MOST_STEPS = 1e-14, 20_000
"""Of the power iteration for the stationary distribution: largest relative change of an entry, and steps."""


class Operator(NamedTuple):
    """A sparse real matrix.

    Attributes:
        edge_index: int64 `[2, E]`: columns, then rows.
        weight: float64 `[E]`.
    """

    edge_index: Tensor
    weight: Tensor


class ComplexOperator(NamedTuple):
    """A sparse complex matrix.

    Attributes:
        edge_index: int64 `[2, E]`: columns, then rows.
        real, imaginary: float64 `[E]`.
    """

    edge_index: Tensor
    real: Tensor
    imaginary: Tensor


def in_out_normalised(edge_index: Tensor, weight: Tensor | None, num_nodes: int) -> Operator:
    """D_out^-1/2 A D_in^-1/2, whose row u sums over the edges out of u."""
    return degree_scaled(edge_index, weight, num_nodes, 0.5, 0.5)


def degree_scaled(
    edge_index: Tensor, weight: Tensor | None, num_nodes: int, out_exponent: float, in_exponent: float
) -> Operator:
    """D_out^-b A D_in^-a, b the `out_exponent` and a the `in_exponent`."""
    source, target = edge_index
    value = _values(edge_index, weight)
    out_degree = value.new_zeros(num_nodes).index_add_(0, source, value)
    in_degree = value.new_zeros(num_nodes).index_add_(0, target, value)
    scaled = value * _power(out_degree, -out_exponent)[source] * _power(in_degree, -in_exponent)[target]
    return Operator(edge_index.flip(0), scaled)


def mean_of_neighbours(edge_index: Tensor, weight: Tensor | None, num_nodes: int) -> Operator:
    """Row u averages w_uv h_v over the edges out of u; their number divides, as in PyG's GraphConv."""
    source = edge_index[0]
    value = _values(edge_index, weight)
    count = torch.bincount(source, minlength=num_nodes).to(value.dtype)
    return Operator(edge_index.flip(0), value / count[source])


def magnetic(edge_index: Tensor, weight: Tensor | None, num_nodes: int, q: float) -> ComplexOperator:
    """L - I of the normalised magnetic Laplacian, which is Hermitian.

    With A_s = (A + A^T) / 2 without loops and D its sums, L = I - D^-1/2 A_s D^-1/2 * exp(i 2 pi q (A - A^T)), entry by
    entry. The eigenvalues of L lie in [0, 2]; L - I is its Chebyshev argument 2 L / 2 - I.

    Args:
        edge_index: int64 `[2, E]`; loops are left out.
        weight: `[E]`, from 0, or None.
        num_nodes: Number of nodes.
        q: Charge; 0 is the undirected graph.
    """
    kept = edge_index[0] != edge_index[1]
    source, target = edge_index[:, kept].cpu().numpy()
    value = _values(edge_index, weight)[kept].cpu().numpy()
    forward = sparse.csr_matrix((value, (source, target)), (num_nodes, num_nodes))
    (row, column), total, difference = _sum_and_difference(forward, num_nodes)
    symmetric, phase = total / 2, 2 * math.pi * q * difference
    degree = np.bincount(row, symmetric, num_nodes)
    scale = np.divide(1, np.sqrt(degree), out=np.zeros(num_nodes), where=degree > 0)
    size = -symmetric * (scale[row] * scale[column])
    real, imaginary = size * np.cos(phase), size * np.sin(phase)
    arrays = (np.stack([column, row]), real, imaginary)
    return ComplexOperator(*(torch.from_numpy(each).to(edge_index.device) for each in arrays))


def pagerank_operator(edge_index: Tensor, weight: Tensor | None, num_nodes: int, teleport: float) -> Operator:
    """The symmetric operator of DiGCN.

    P = D^-1 (A + I), a loop beside those that are there; pi is the stationary distribution of the walk that goes to
    an extra node with probability `teleport` and from there to any node. With Pi its diagonal,

        S = (Pi^1/2 P Pi^-1/2 + Pi^-1/2 P^T Pi^1/2) / 2,    scaled by the sums of its rows, D_S^-1/2 S D_S^-1/2.

    Args:
        edge_index: int64 `[2, E]`.
        weight: `[E]`, from 0, or None.
        num_nodes: Number of nodes.
        teleport: In (0, 1); .1 as published.
    """
    walk = _walk(edge_index, weight, num_nodes)
    root = np.sqrt(_stationary(walk, num_nodes, teleport))
    half = sparse.diags(root) @ walk @ sparse.diags(1 / root)
    return _symmetric(half + half.T, num_nodes, edge_index.device)


def second_order(edge_index: Tensor, weight: Tensor | None, num_nodes: int) -> Operator:
    """The second-order proximity of DiGCN's inception block, symmetric.

    (P^T P + P P^T) / 2, P = D^-1 (A + I), at the pairs that share both a predecessor and a successor, scaled by the
    sums of its rows.

    Raises InputError where hubs would make it nearly dense.
    """
    walk = _walk(edge_index, weight, num_nodes)
    row_counts, column_counts = np.diff(walk.indptr), np.bincount(walk.indices, minlength=num_nodes)
    products = int((row_counts.astype(np.int64) ** 2).sum() + (column_counts.astype(np.int64) ** 2).sum())
    if products > MOST_PRODUCTS:
        raise InputError(
            f"second-order proximity of {num_nodes:,} nodes takes {products:,} products, as some have many neighbours",
            hint="use digcn, whose operator has the edges of the graph",
        )
    successors, predecessors = (walk @ walk.T).tocsr(), (walk.T @ walk).tocsr()
    shared = (successors != 0).multiply(predecessors != 0)
    return _symmetric((successors + predecessors).multiply(shared), num_nodes, edge_index.device)


def with_loops(edge_index: Tensor, weight: Tensor | None, num_nodes: int) -> tuple[Tensor, Tensor | None]:
    """The edges of A + I: one loop a node beside those that are there."""
    loop = torch.arange(num_nodes, device=edge_index.device)
    edges = torch.cat([edge_index, loop.expand(2, -1)], dim=1)
    return edges, None if weight is None else torch.cat([weight, weight.new_ones(num_nodes)])


def _values(edge_index: Tensor, weight: Tensor | None) -> Tensor:
    """float64 `[E]`, without a gradient."""
    shape, device = (edge_index.shape[1],), edge_index.device
    return torch.ones(shape, dtype=torch.float64, device=device) if weight is None else weight.detach().double()


def _power(degree: Tensor, exponent: float) -> Tensor:
    """`degree ** exponent`, 0 where the degree is 0."""
    return torch.where(degree > 0, degree.clamp(min=torch.finfo(degree.dtype).tiny) ** exponent, 0)


def _walk(edge_index: Tensor, weight: Tensor | None, num_nodes: int) -> sparse.csr_matrix:
    """P = D^-1 (A + I), float64."""
    edges, value = with_loops(edge_index, weight, num_nodes)
    source, target = edges.cpu().numpy()
    value = _values(edges, value).cpu().numpy()
    matrix = sparse.csr_matrix((value, (source, target)), (num_nodes, num_nodes))
    return sparse.csr_matrix(sparse.diags(1 / np.asarray(matrix.sum(axis=1)).ravel()) @ matrix)


def _stationary(walk: sparse.csr_matrix, num_nodes: int, teleport: float) -> np.ndarray:
    """The stationary distribution over the nodes of the walk with an extra node, up to its scale.

    It solves pi = teleport + (1 - teleport) P^T pi, of which each step takes away the share `teleport` of the error.
    """
    back = sparse.csr_matrix(walk.T)
    stationary = np.ones(num_nodes)
    for _ in range(MOST_STEPS):
        after = np.asarray(teleport + (1 - teleport) * (back @ stationary))
        change, stationary = np.abs(after - stationary).max(initial=0), after
        if change <= TOLERANCE * after.max(initial=1):
            break
    return stationary


def _symmetric(matrix: sparse.spmatrix, num_nodes: int, device: torch.device) -> Operator:
    """D^-1/2 M D^-1/2 of a symmetric matrix."""
    whole = sparse.coo_matrix(matrix)
    row, column = whole.row.astype(np.int64), whole.col.astype(np.int64)
    degree = np.bincount(row, whole.data, num_nodes)
    scale = np.divide(1, np.sqrt(degree), out=np.zeros(num_nodes), where=degree > 0)
    arrays = (np.stack([column, row]), whole.data * (scale[row] * scale[column]))
    return Operator(*(torch.from_numpy(each).to(device) for each in arrays))


def _sum_and_difference(
    forward: sparse.csr_matrix, num_nodes: int
) -> tuple[tuple[np.ndarray, np.ndarray], np.ndarray, np.ndarray]:
    """Rows and columns of the entries of A + A^T, and the entries of A + A^T and of A - A^T there, each `[E]`."""
    entries, backward = forward.tocoo(), forward.T.tocoo()
    places = np.concatenate([np.stack([each.row, each.col]) for each in (entries, backward)], axis=1).astype(np.int64)
    key, index = np.unique(places[0] * num_nodes + places[1], return_inverse=True)
    total = np.bincount(index, np.concatenate([entries.data, backward.data]), len(key))
    difference = np.bincount(index, np.concatenate([entries.data, -backward.data]), len(key))
    return (key // num_nodes, key % num_nodes), total, difference
