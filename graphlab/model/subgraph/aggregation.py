"""Atomic aggregations: what a tuple can hear of. Zhang et al., ICML 2023, definition 3.1.

    uv  itself                          vu  (v, u)
    uu  (u, u)                          vv  (v, v)
    uL  (u, w), w a neighbour of v      vL  (w, v), w a neighbour of u
    uG  (u, w), w any node              vG  (w, v), w any node

Sums, not means. Local ones hear of relu(h + bond) where edges carry something, and of h itself where they do not.
"""

from __future__ import annotations

from typing import Literal, get_args

from torch import Tensor

from graphlab.model.subgraph.tuples import Tuples
from graphlab.ops.tuple_spmm import tuple_spmm

Aggregation = Literal["uv", "vu", "uu", "vv", "uL", "vL", "uG", "vG"]

AGGREGATIONS: tuple[Aggregation, ...] = get_args(Aggregation)
LOCAL = ("uL", "vL")
DIRECT = (*LOCAL, "vu", "uu", "vv")
"""Those that hear of tuples one by one, not of sums of them."""

ROOTED = ("vu", "uu", "vv", "vL")
"""Those that need every root to be a node."""


def aggregate(
    name: Aggregation, tuples: Tuples, h: Tensor, table: Tensor | None = None, self_weight: Tensor | None = None
) -> Tensor:
    """self_weight h + the sum over what `name` hears of, `[T, d]`; without self_weight the sum alone.

    h: `[T, d]`; table `[kinds, d]`, a vector a kind of edge, for uL and vL.
    """
    if name == "uv":
        return h if self_weight is None else (1 + self_weight) * h
    if name in ("uG", "vG"):
        whole, place = (tuples.of_root, tuples.root) if name == "uG" else (tuples.of_node, tuples.node)
        heard = tuple_spmm(whole, h).index_select(0, place)
        return heard if self_weight is None else heard + self_weight * h
    return tuple_spmm(tuples.messages(name), h, table if name in LOCAL else None, self_weight)
