"""What the product is called with, whatever path computes it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import torch
from torch import Tensor

from graphlab.core.errors import InputError
from graphlab.ops.relational_spmm.graph import RelationalGraph
from graphlab.ops.relational_spmm.pairs import Pairs

Message = Literal["transe", "distmult", "rotate"]
Reduce = Literal["sum", "mean", "max", "min", "pna"]

MOMENTS = 4
"""Vectors a node that `reduce="pna"` gives, side by side: mean, maximum, minimum, standard deviation."""

VARIANCE_FLOOR = 1e-6
"""Least variance under the root of PNA's standard deviation, which keeps its gradient finite."""


@dataclass(frozen=True)
class Product:
    """One product's arguments. See `relational_spmm` and, where there are `pairs`, `relational_spmm_pairs`."""

    graph: RelationalGraph
    relation: Tensor
    x: Tensor
    edge_weight: Tensor | None
    edge_mask: Tensor | None
    boundary: Tensor | None
    message: Message
    reduce: Reduce
    pairs: Pairs | None = None
    types_per_slot: int = 0

    @property
    def num_results(self) -> int:
        return self.graph.num_nodes if self.pairs is None else len(self.pairs.node)

    def check(self) -> None:
        """Raises InputError for an unknown message or reduce, or an argument of the wrong shape, dtype or range."""
        _require(self.message in get_args(Message), f"no message is named {self.message!r}", _one_of(Message))
        _require(self.reduce in get_args(Reduce), f"no reduce is named {self.reduce!r}", _one_of(Reduce))
        _require(self.x.dim() == 3, f"x has shape {list(self.x.shape)}", "x is [num_nodes, queries, dim]")
        num_edges, (num_rows, queries, dim) = self.graph.num_edges, self.x.shape
        num_relations = len(self.relation)
        num_types, num_slots = num_relations, 1
        if self.pairs is None:
            num_rows = self.graph.num_sources
        else:
            num_slots = len(self.pairs.place)
            num_types = self.types_per_slot or num_relations
            self.pairs.check(self.graph, num_rows)
            fits = num_relations == (num_slots if self.types_per_slot else 1) * num_types
            _require(fits, f"there are {num_relations} relation vectors", f"one set for each of {num_slots} slots")
        for name, shapes in (
            ("x", ([num_rows, queries, dim],)),
            ("relation", ([num_relations, dim], [num_relations, queries, dim])),
            ("edge_weight", ([num_edges],)),
            ("edge_mask", ([num_edges],)),
            ("boundary", ([self.num_results, queries, dim],)),
        ):
            value = getattr(self, name)
            if value is not None:
                expected = " or ".join(map(str, shapes))
                _require(list(value.shape) in shapes, f"{name} has shape {list(value.shape)}", f"expected {expected}")
        for name in ("relation", "edge_weight", "boundary"):
            value = getattr(self, name)
            if value is not None:
                same = value.dtype == self.x.dtype
                _require(same, f"{name} is {value.dtype} and x is {self.x.dtype}", "use one dtype for both")
        if self.edge_mask is not None:
            _require(self.edge_mask.dtype == torch.bool, f"edge_mask is {self.edge_mask.dtype}", "it must be bool")
        enough = self.graph.least_num_relations <= num_types
        _require(enough, f"an edge has the type {self.graph.least_num_relations - 1}", f"relation has {num_types}")
        if self.message == "rotate":
            _require(dim % 2 == 0, f"rotate needs an even dim and x has {dim}", "halves are real and imaginary parts")


def _one_of(names: object) -> str:
    return f"use one of {', '.join(get_args(names))}"


def _require(holds: bool, message: str, hint: str) -> None:
    if not holds:
        raise InputError(f"relational_spmm: {message}", hint=hint)
