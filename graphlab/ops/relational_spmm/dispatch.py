"""The one way to the product: by device, to the path that computes it."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import cache
from importlib.util import find_spec

import torch
from torch import Tensor

from graphlab.ops.compiled import MAX_WIDTH
from graphlab.ops.relational_spmm.cpu import cpu
from graphlab.ops.relational_spmm.graph import RelationalGraph
from graphlab.ops.relational_spmm.pairs import Pairs
from graphlab.ops.relational_spmm.reference import reference
from graphlab.ops.relational_spmm.signature import Message, Product, Reduce


def relational_spmm(
    graph: RelationalGraph,
    relation: Tensor,
    x: Tensor,
    *,
    edge_weight: Tensor | None = None,
    edge_mask: Tensor | None = None,
    boundary: Tensor | None = None,
    message: Message = "distmult",
    reduce: Reduce = "sum",
) -> Tensor:
    """Generalised relational sparse product. Zhu et al., NeurIPS 2021, eq. 5-6.

        out[v, b] = (+) { w_e * (x[u, b] (x) relation[type_e, b]) : e = (u -> v) not masked } (+) boundary[v, b]

    (x) combines a node with a relation (`message`), (+) gathers over the edges that arrive (`reduce`).

    Args:
        graph: N targets, S sources (the same N unless it says otherwise), E edges; types in `[0, R)`.
        relation: `[R, d]` shared by all queries, or `[R, B, d]`, a set a query.
        x: `[S, B, d]`. The query axis lies inside the node axis, so that one edge moves one block of memory.
        edge_weight: `[E]`; scales the message. A weight of 0 still counts as an edge.
        edge_mask: bool `[E]`; where False the edge is not there, for no reduction.
        boundary: `[N, B, d]`, one more message that each node sends itself, counted by every reduction.
        message: transe `x + r`; distmult `x * r`; rotate `x * r` of complex numbers, real halves first (d even).
        reduce: `mean` divides by the number of messages, boundary included; `pna` gives the four moments
            mean, max, min and sqrt(max(E[m^2] - E[m]^2, 1e-6)) side by side.

    Returns:
        `[N, B, d]`, or `[N, B, 4 d]` for `pna`. A node that receives nothing gets 0 from every reduction,
        and the floor as its `pna` deviation. Equal extremes share their gradient evenly.

    Raises:
        InputError: an argument of the wrong shape or dtype, or an unknown message or reduce.
    """
    product = Product(graph, relation, x, edge_weight, edge_mask, boundary, message, reduce)
    product.check()
    return path_of(product)(product)


def relational_spmm_pairs(
    graph: RelationalGraph,
    pairs: Pairs,
    relation: Tensor,
    x: Tensor,
    *,
    edge_weight: Tensor | None = None,
    edge_mask: Tensor | None = None,
    boundary: Tensor | None = None,
    message: Message = "distmult",
    reduce: Reduce = "sum",
) -> Tensor:
    """The product for chosen (node, slot) pairs only, from rows of x that each slot chooses; see `relational_spmm`.

        out[p] = (+) { w_e * (x[place[slot_p, u]] (x) relation[slot_p, type_e]) : e = (u -> node_p) } (+) boundary[p]

    Args:
        graph: as above.
        pairs: P results.
        relation: `[R, d]` shared by all slots, or `[slots, R, d]`.
        x: `[Q, d]`.
        boundary: `[P, d]`.
        edge_weight, edge_mask, message, reduce: as above.

    Returns:
        `[P, d]`, or `[P, 4 d]` for `pna`.

    Raises:
        InputError: as above, or pairs that name what is not there.
    """
    types_per_slot = relation.size(1) if relation.dim() == 3 else 0
    product = Product(
        graph,
        relation.flatten(0, -2),
        x.unsqueeze(1),
        edge_weight,
        edge_mask,
        None if boundary is None else boundary.unsqueeze(1),
        message,
        reduce,
        pairs,
        types_per_slot,
    )
    product.check()
    return path_of(product)(product).squeeze(1)


def path_of(product: Product) -> Callable[[Product], Tensor]:
    """What computes this product, by its device, dtype and dim."""
    compiled = product.x.dtype in (torch.float32, torch.float64) and product.x.size(2) <= MAX_WIDTH
    if product.x.is_cpu and compiled:
        return cpu
    if product.x.is_cuda and product.x.dtype in (torch.float32, torch.bfloat16, torch.float16):
        return path_on_gpu()
    return reference


@cache
def path_on_gpu() -> Callable[[Product], Tensor]:
    """The kernels if there is a compiler for them; if not, the reference, with a warning the first time."""
    if find_spec("triton") is None:
        warnings.warn(
            "Triton is not installed: relational_spmm takes its plain path, with memory for every message",
            stacklevel=4,
        )
        return reference
    from graphlab.ops.relational_spmm.gpu import gpu

    return gpu
