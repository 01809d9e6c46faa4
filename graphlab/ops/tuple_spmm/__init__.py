"""Sums over the tuples that a tuple hears of: the message passing of subgraph GNNs. Zhang et al., ICML 2023, sec. 3."""

from graphlab.ops.tuple_spmm.dispatch import tuple_spmm
from graphlab.ops.tuple_spmm.messages import Messages, Rows, View
from graphlab.ops.tuple_spmm.reference import reference

__all__ = ["Messages", "Rows", "View", "reference", "tuple_spmm"]
