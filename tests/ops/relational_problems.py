"""Problems for the GPU path of the relational product, and what a path makes of one.

Run as a program it computes with Triton's interpreter, which must be chosen before Triton is first imported:
`python -m tests.ops.relational_problems PROBLEMS RESULTS`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from itertools import product
from typing import get_args

import torch
from torch import Tensor

from graphlab.ops.relational_spmm import Message, Pairs, Reduce, RelationalGraph
from graphlab.ops.relational_spmm.signature import Product

MESSAGES, REDUCES = get_args(Message), get_args(Reduce)
EXTREMES = ("max", "min", "pna")
LEARNT = ("x", "relation", "edge_weight", "boundary")
SHAPES = {"small": (7, 23, 2, 4), "ties": (7, 40, 2, 2), "large": (4, 330, 5, 32), "none": (3, 0, 2, 4)}
"""Nodes, edges, queries and dim. The large one has rows of several tiles, types of several chunks, two blocks."""

Problem = dict[str, Tensor | str]


def problems() -> dict[str, Problem]:
    """By name: every message and reduce on a few random numbers, extremes of many equal messages, larger ones, and
    graphs without edges."""
    names = [
        *((message, reduce, "small", bare) for message, reduce, bare in product(MESSAGES, REDUCES, (False, True))),
        *((message, reduce, "ties", bare) for message, reduce, bare in product(MESSAGES, EXTREMES, (False, True))),
        *((message, reduce, "large", False) for message, reduce in zip(MESSAGES, EXTREMES, strict=True)),
        *(("distmult", reduce, "none", True) for reduce in REDUCES),
    ]
    return {
        f"{message}-{reduce}-{shape}-{'bare' if bare else 'full'}": problem(message, reduce, shape, bare=bare)
        for message, reduce, shape, bare in names
    } | {f"distmult-{reduce}-pairs": problem_of_pairs(reduce) for reduce in ("sum", "pna")}


def problem_of_pairs(reduce: str) -> Problem:
    """9 results over 3 slots, from 11 rows of x, with a set of relations a slot."""
    given = problem("distmult", reduce, "small", bare=False)
    g = torch.Generator().manual_seed(0)
    return given | {
        "node": torch.randint(7, (9,), generator=g),
        "slot": torch.randint(3, (9,), generator=g),
        "place": torch.randint(11, (3, 7), generator=g, dtype=torch.int32),
        "x": torch.randn(11, 1, 4, generator=g, dtype=torch.float64),
        "relation": torch.randn(3 * 4, 4, generator=g, dtype=torch.float64),
        "boundary": torch.randn(9, 1, 4, generator=g, dtype=torch.float64),
        "grad": torch.randn(9, 1, 16 if reduce == "pna" else 4, generator=g, dtype=torch.float64),
    }


def problem(message: str, reduce: str, shape: str, *, bare: bool) -> Problem:
    """`bare`: relations shared by the queries, and neither weights nor mask nor boundary. Node 0 receives nothing, the
    last node exactly one message."""
    num_nodes, num_edges, queries, dim = SHAPES[shape]
    g = torch.Generator().manual_seed(len(message) + 10 * len(reduce))

    def numbers(*size: int) -> Tensor:
        if shape == "ties":
            return torch.randint(-1, 2, size, generator=g).double() / 2
        return torch.randn(*size, generator=g, dtype=torch.float64).bfloat16().double()

    source = torch.randint(num_nodes, (num_edges,), generator=g)
    target = torch.randint(1, num_nodes - 1, (num_edges,), generator=g)
    target[:1] = num_nodes - 1
    given: Problem = {
        "message": message,
        "reduce": reduce,
        "edge_index": torch.stack([source, target]),
        "edge_type": (torch.rand(num_edges, generator=g) > 0.1) * 2,
        "x": numbers(num_nodes, queries, dim),
        "relation": numbers(4, dim) if bare else numbers(4, queries, dim),
        "grad": numbers(num_nodes, queries, 4 * dim if reduce == "pna" else dim),
    }
    if not bare:
        mask = torch.rand(num_edges, generator=g) > 0.3
        mask[:1] = True
        given |= {"edge_mask": mask, "edge_weight": numbers(num_edges), "boundary": numbers(num_nodes, queries, dim)}
    return given


def forward_and_back(
    path: Callable[[Product], Tensor], given: Problem, dtype: torch.dtype, device: str = "cpu"
) -> dict[str, Tensor]:
    """The product and the gradients of what is learnt, by name, in float64 on the CPU."""
    values = {key: value.to(device) for key, value in given.items() if isinstance(value, Tensor)}
    learnt = {name: values[name].to(dtype).requires_grad_() for name in LEARNT if name in values}
    arguments = {name: learnt.get(name) for name in LEARNT} | {"edge_mask": values.get("edge_mask")}
    num_nodes = len(values["x"])
    if "node" in values:
        arguments |= {"pairs": Pairs(values["node"], values["slot"], values["place"]), "types_per_slot": 4}
        num_nodes = values["place"].size(1)
    graph = RelationalGraph(values["edge_index"], values["edge_type"], num_nodes)
    out = path(Product(graph, message=given["message"], reduce=given["reduce"], **arguments))  # type: ignore[arg-type]
    assert out.dtype == dtype
    grads = torch.autograd.grad(out, list(learnt.values()), values["grad"].to(dtype))
    found = {"out": out.detach()} | dict(zip(learnt, grads, strict=True))
    return {name: value.double().cpu() for name, value in found.items()}


if __name__ == "__main__":
    from graphlab.ops.relational_spmm.gpu import gpu

    problems_of_parent, in_half = torch.load(sys.argv[1])
    results = {
        (name, dtype): forward_and_back(gpu, given, dtype)
        for name, given in problems_of_parent.items()
        for dtype in (torch.float32, torch.bfloat16)
        if dtype == torch.float32 or name in in_half
    }
    torch.save(results, sys.argv[2])
