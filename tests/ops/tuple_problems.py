"""Problems for the GPU path of sums over tuples, and what a path makes of one.

Run as a program it computes with Triton's interpreter, which must be chosen before Triton is first imported:
`python -m tests.ops.tuple_problems PROBLEMS RESULTS`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

import torch
from torch import Tensor

from graphlab.core.seeds import SeedStream
from graphlab.ops.tuple_spmm import Messages

KINDS = 3
SHAPES = {"small": (7, 7, 23, 5), "wide": (9, 9, 40, 150), "bipartite": (4, 9, 30, 8), "many": (150, 150, 400, 16)}
"""Targets, sources, messages and columns: one block and two, several chunks of rows."""

Problem = dict[str, Tensor]


def problems() -> dict[str, Problem]:
    """By name: each shape with and without a table, square ones with a self weight; and one without messages."""
    found = {}
    for name, shape in SHAPES.items():
        for with_table in (False, True):
            found[f"{name}-{'table' if with_table else 'plain'}"] = problem(name, *shape, with_table=with_table)
    return found | {"none-table": problem("none", 3, 3, 0, 4, with_table=True)}


def problem(name: str, targets: int, sources: int, count: int, dim: int, *, with_table: bool) -> Problem:
    rng = SeedStream(0).child(name).torch()

    def draw(*shape: int) -> Tensor:
        return torch.randn(shape, generator=rng, dtype=torch.float64)

    given = {
        "target": torch.randint(targets, (count,), generator=rng),
        "source": torch.randint(sources, (count,), generator=rng),
        "kind": torch.randint(KINDS, (count,), generator=rng),
        "sizes": torch.tensor([targets, sources]),
        "x": draw(sources, dim),
        "grad": draw(targets, dim),
    }
    if with_table:
        given["table"] = draw(KINDS, dim)
    if targets == sources:
        given["self_weight"] = draw()
    return given


def forward_and_back(
    path: Callable[..., Tensor], given: Problem, dtype: torch.dtype, device: str = "cpu"
) -> dict[str, Tensor]:
    """The sums and the gradients of all that is learnt, in float64 on the CPU."""
    pairs = (given[name].to(device) for name in ("target", "source"))
    messages = Messages.of_pairs(*pairs, *given["sizes"].tolist(), given["kind"].to(device))
    learnt = [name for name in ("x", "table", "self_weight") if name in given]
    inputs = {name: given[name].to(device, dtype).requires_grad_() for name in learnt}
    out = path(messages, **inputs)
    grads = torch.autograd.grad(out, list(inputs.values()), given["grad"].to(device, dtype))
    found = {"out": out.detach(), **dict(zip(learnt, grads, strict=True))}
    return {name: value.double().cpu() for name, value in found.items()}


def main() -> None:
    from graphlab.ops.tuple_spmm.gpu import gpu

    given = torch.load(sys.argv[1])
    found = {
        (name, dtype): forward_and_back(gpu, one, dtype)
        for name, one in given.items()
        for dtype in (torch.float32, torch.bfloat16)
    }
    torch.save(found, sys.argv[2])


if __name__ == "__main__":
    main()
