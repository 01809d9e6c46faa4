"""Generalised relational sparse product: the message passing of NBFNet. Zhu et al., NeurIPS 2021, eq. 5-6."""

from graphlab.ops.relational_spmm.dispatch import relational_spmm, relational_spmm_pairs
from graphlab.ops.relational_spmm.graph import RelationalGraph
from graphlab.ops.relational_spmm.pairs import Pairs
from graphlab.ops.relational_spmm.reference import reference
from graphlab.ops.relational_spmm.signature import MOMENTS, VARIANCE_FLOOR, Message, Reduce

__all__ = [
    "MOMENTS",
    "VARIANCE_FLOOR",
    "Message",
    "Pairs",
    "Reduce",
    "RelationalGraph",
    "reference",
    "relational_spmm",
    "relational_spmm_pairs",
]
