"""Compiled loops of the CPU path."""

from graphlab.ops.relational_spmm.kernels.common import DISTMULT, ROTATE, TRANSE
from graphlab.ops.relational_spmm.kernels.extreme import extremes
from graphlab.ops.relational_spmm.kernels.moments import moments
from graphlab.ops.relational_spmm.kernels.total import totals

__all__ = ["DISTMULT", "ROTATE", "TRANSE", "extremes", "moments", "totals"]
