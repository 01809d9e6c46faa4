"""Problems for the GPU path of pivotal attention of pairs, and what a path makes of one.

Run as a program it computes with Triton's interpreter, which must be chosen before Triton is first imported:
`python -m tests.ops.pivotal_problems PROBLEMS RESULTS`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

import torch
from torch import Tensor

from graphlab.core.seeds import SeedStream
from graphlab.ops.pivotal_attention import dispatch, pivotal_attention
from graphlab.ops.pivotal_attention.dispatch import FAR

SHAPES = {
    "small": (2, 2, 3, 4, 5, 4),
    "tiles": (1, 2, 17, 3, 20, 5),
    "columns": (2, 1, 4, 18, 6, 7),
    "wide": (1, 1, 3, 2, 4, 40),
    "square": (1, 2, 6, 6, 6, 8),
    "high": (1, 1, 33, 2, 3, 2),
}
"""Graphs, heads, rows, columns, pivots and width: a tile, two of rows and of pivots, two of columns, parts of width,
and three of rows; none is a multiple of a tile."""

NAMES = ("query", "first_key", "second_key", "first_value", "second_value")
IN_HALF = {
    torch.bfloat16: ("wide", "capped", "steep", "mask-of-scores-and-cap", "mask-of-whole-rows", "views-of-one-map"),
    torch.float16: ("wide", "numbers", "mask-of-whole-rows"),
}
DROPOUT = 0.4
SEEDS = (2**61 + 5, 11)

Problem = dict[str, Tensor | float | bool]


def problems() -> dict[str, Problem]:
    """By name. Masks: of pivots, of scores, of whole rows, numbers, -inf; whole or expanded."""
    g = SeedStream(0).child("masks").torch()

    def ones(*shape: int) -> Tensor:
        return torch.rand(shape, generator=g) < 0.4

    whole_rows = ones(1, 2, 17, 3, 20)
    whole_rows[0, 0, 2:4] = whole_rows[0, 1, 16, 1] = True
    unreachable = torch.zeros(17, 1, 20, dtype=torch.float64)
    unreachable[::2, :, :16] = -torch.inf
    numbers = torch.randn(6, 1, 6, generator=g, dtype=torch.float64)
    return {
        **{shape: problem(shape) for shape in SHAPES},
        "capped": problem("tiles", cap=0.5, scale=0.7),
        "steep": problem("tiles", scale=1.5),
        "mask-of-pivots": problem("columns", mask=ones(2, 1, 1, 1, 6)),
        "mask-of-scores-and-cap": problem("columns", mask=ones(2, 1, 4, 18, 6), cap=2.0),
        "mask-of-whole-rows": problem("tiles", mask=whole_rows),
        "mask-far-in-memory": problem("high", mask=ones(33, 2, 3), far=True),
        "numbers": problem("columns", mask=torch.randn(2, 1, 4, 18, 6, generator=g, dtype=torch.float64)),
        "numbers-expanded-and-cap": problem("square", mask=numbers, cap=1.0),
        "minus-infinity": problem("tiles", mask=unreachable),
        "views-of-one-map": problem("square", mask=ones(1, 1, 1, 6, 6), views=True),
    }


def problem(shape: str, **options: Tensor | float | bool) -> Problem:
    rng = SeedStream(0).child(shape).torch()
    batch, heads, rows, columns, pivots, dim = SHAPES[shape]
    of_rows, of_columns, of_pairs = (rows, pivots), (pivots, columns), (rows, columns)
    axes = {
        "query": of_pairs,
        "first_key": of_rows,
        "second_key": of_columns,
        "first_value": of_rows,
        "second_value": of_columns,
        "grad": of_pairs,
    }
    return options | {
        name: torch.randn(batch, heads, *pair, dim, generator=rng, dtype=torch.float64) for name, pair in axes.items()
    }


def forward_and_back(
    path: Callable[..., Tensor], of: Problem, dtype: torch.dtype, device: str = "cpu"
) -> dict[str, Tensor]:
    """The result and the gradients of query, keys and values, in float64 on the CPU."""
    values = {name: value.to(device) for name, value in of.items() if isinstance(value, Tensor)}
    leaves = [values[name].to(dtype) for name in NAMES]
    if of.get("views"):
        leaves = as_views(leaves)
    leaves = [leaf.requires_grad_() for leaf in leaves]
    query, first_key, second_key, first_value, second_value = leaves
    mask = values.get("mask")
    if mask is not None and mask.is_floating_point():
        mask = mask.to(dtype)
    if of.get("far"):
        mask = far_apart(mask)
    out = path(query, (second_key, first_key), (second_value, first_value), mask, of.get("cap"), of.get("scale"))
    assert out.dtype == dtype
    grads = torch.autograd.grad(out, leaves, values["grad"].to(dtype))
    found = {"out": out.detach(), **dict(zip(NAMES, grads, strict=True))}
    return {name: value.double().cpu() for name, value in found.items()}


def as_views(leaves: list[Tensor]) -> list[Tensor]:
    """The same as parts of one tensor `[B, n, n, 5, H, d]`, which a block's linear map gives."""
    stacked = torch.stack([leaf.movedim(1, -2) for leaf in leaves], -3)
    return [part.movedim(-2, 1).detach() for part in stacked.unbind(-3)]


def far_apart(mask: Tensor) -> Tensor:
    """The same mask with rows so far apart that 32 bits do not count them; memory that is not touched costs nothing."""
    memory = torch.empty(FAR * len(mask), dtype=mask.dtype, device=mask.device)
    return memory.as_strided(mask.shape, (FAR - 1, mask.size(2), 1)).copy_(mask)


def weights_kept(seed: int, path: Callable[..., Tensor], device: str = "cpu") -> Tensor:
    """What the draws make of each weight, `[B, H, I, K, J]`: pivots have the columns of an identity as their values."""
    batch, heads, rows, columns, pivots, _ = SHAPES["tiles"]
    shapes = ((rows, columns), (rows, pivots), (pivots, columns))
    query, first, second = (torch.zeros(batch, heads, *pair, pivots, device=device) for pair in shapes)
    values = torch.eye(pivots, device=device).expand(batch, heads, rows, pivots, pivots)
    torch.manual_seed(seed)
    return path(query, (second, first), (second, values), dropout=DROPOUT).cpu() * pivots


def with_dropout(path: Callable[..., Tensor], device: str = "cpu") -> dict[str, object]:
    """For each seed what stays of weights, and what comes out; what comes out without any weight."""
    tiles = problem("tiles")

    def seeded(seed: int, dropout: float) -> dict[str, Tensor]:
        def attend(*arguments: object) -> Tensor:
            torch.manual_seed(seed)
            return path(*arguments, dropout)

        return forward_and_back(attend, tiles | {"scale": 0.5}, torch.float32, device)

    found: dict[str, object] = {"all": seeded(0, 1.0)}
    for seed in SEEDS:
        found[f"kept {seed}"] = weights_kept(seed, path, device)
        found[f"results {seed}"] = seeded(seed, DROPOUT)
    return found


def main() -> None:
    """By way of the dispatch, as on a GPU."""
    from triton.runtime import interpreter

    create_dot = interpreter.InterpreterBuilder.create_dot

    def create_dot_of_numbers(self, a, b, *rest):
        """The interpreter multiplies the bits of bfloat16 as whole numbers."""
        return create_dot(self, *(in_float32(each) for each in (a, b)), *rest)

    def in_float32(handle):
        if handle.dtype.scalar != interpreter.tl.bfloat16:
            return handle
        bits = handle.data.astype("uint32") << 16
        return interpreter.TensorHandle(bits.view("float32"), interpreter.tl.float32)

    interpreter.InterpreterBuilder.create_dot = create_dot_of_numbers
    dispatch.has_kernels, dispatch.FEW = lambda inputs, mask: True, 0
    dispatch.reference = dispatch.pairs = None  # so that no other path can answer
    loaded = torch.load(sys.argv[1])
    found = {
        (name, dtype): forward_and_back(pivotal_attention, loaded[name], dtype)
        for dtype, names in {torch.float32: loaded, **IN_HALF}.items()
        for name in names
    }
    torch.save((found, with_dropout(pivotal_attention)), sys.argv[2])


if __name__ == "__main__":
    main()
