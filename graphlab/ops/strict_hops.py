"""Pairs of nodes that are exactly two edges apart."""

from __future__ import annotations

import numpy as np
import torch
from scipy import sparse
from torch import Tensor

from graphlab.core.errors import InputError

MOST_PRODUCTS = 2**31
"""Multiplications that a product of adjacencies may take; each can be a pair."""


def one_hop(edge_index: Tensor, num_nodes: int) -> Tensor:
    """The edges without loops, each once, int64 `[2, E']`, by target and then by source.

    Args:
        edge_index: int64 `[2, E]`.
        num_nodes: Number of nodes.
    """
    return _edges(_adjacency(edge_index, num_nodes), edge_index)


def two_hops(edge_index: Tensor, num_nodes: int) -> Tensor:
    """Pairs (u, v) with edges u -> w -> v and no edge u -> v, u and v distinct: int64 `[2, P]`, as `one_hop` has them.

    Args:
        edge_index: int64 `[2, E]`; loops count for nothing.
        num_nodes: Number of nodes.

    Raises:
        InputError: Hubs would make the pairs nearly all that there are: over 2^31 products.
    """
    adjacency = _adjacency(edge_index, num_nodes)
    into, out = np.diff(adjacency.indptr), np.bincount(adjacency.indices, minlength=num_nodes)
    products = int((into.astype(np.int64) * out).sum())
    if products > MOST_PRODUCTS:
        raise InputError(
            f"pairs of {num_nodes:,} nodes that are two edges apart take {products:,} products, as some have many "
            "neighbours",
            hint="use a model of single edges, such as sage-sep or gprgnn",
        )
    reached = sparse.csr_matrix(adjacency @ adjacency, dtype=bool)
    nearer = sparse.csr_matrix(adjacency + sparse.diags(np.ones(num_nodes)), dtype=bool)
    return _edges(sparse.csr_matrix(reached > nearer), edge_index)


def _adjacency(edge_index: Tensor, num_nodes: int) -> sparse.csr_matrix:
    """A[v, u], whether an edge goes from u to another node v."""
    source, target = edge_index[:, edge_index[0] != edge_index[1]].cpu().numpy()
    matrix = sparse.csr_matrix((np.ones(len(source), bool), (target, source)), (num_nodes, num_nodes))
    matrix.sum_duplicates()
    return matrix


def _edges(matrix: sparse.csr_matrix, like: Tensor) -> Tensor:
    """Where a matrix has entries, sources before targets, on the device of `like`."""
    matrix.sort_indices()
    entries = matrix.tocoo()
    pairs = np.stack([entries.col, entries.row]).astype(np.int64)
    return torch.from_numpy(pairs).to(like.device)
