"""Products of all pairs of nodes, forward and backward, beside batched matrix products of graphs filled up to one size,
as PPGN is usually written; two threads. Graphs have 15 to 34 nodes, a batch of 128, or all of a batch one size; the
local form sums over the neighbours of v, three a node.

The plain arm is given its factors as it wants them, `[graphs, d, n, n]`, and is not charged for filling up. Where all
are of one size it is charged for changing from rows of pairs and back, which a network between products works on.

Expected: of graphs of many sizes the fill is half of the plain arm's work, and its blocks are too small for the matrix
library to be fast. As n grows the library gets better, and what is left to win is the change of layout.
"""

from __future__ import annotations

from collections.abc import Callable
from statistics import median
from typing import Any

import graphlab  # isort: skip  # noqa: F401  before torch, whose threads it sets
import torch
from measure import interleaved, median_ratio, write_result
from torch import Tensor

from graphlab.core.seeds import SeedStream
from graphlab.ops.pair_product import pair_product

THREADS = 2
GRAPHS, SMALLEST, LARGEST = 128, 15, 34
WIDTHS = (16, 64, 96)
DEGREE = 3
SIZES, ROWS = (25, 50, 100, 200), 80_000
"""Sizes of all graphs of a batch, and the pairs of the batch, about."""


def problem(dim: int, local: bool) -> tuple[dict[str, Callable[[], None]], float]:
    rng = SeedStream(0, ("pair_product", str(dim))).torch()
    size = torch.randint(SMALLEST, LARGEST + 1, (GRAPHS,), generator=rng)
    pairs, widest = int((size**2).sum()), int(size.max())
    factors = [torch.randn(pairs, dim, generator=rng).requires_grad_() for _ in range(2)]
    filled = [torch.randn(GRAPHS, dim, widest, widest, generator=rng).requires_grad_() for _ in range(2)]
    near = torch.rand(pairs, generator=rng) < DEGREE / size.double().mean() if local else None
    adjacency = torch.rand(GRAPHS, 1, widest, widest, generator=rng) < DEGREE / widest
    grads = torch.randn(pairs, dim, generator=rng), torch.randn(GRAPHS, dim, widest, widest, generator=rng)

    def ours() -> None:
        a, b = factors
        torch.autograd.grad(pair_product(a, b, size, None, near), factors, grads[0])

    def plain() -> None:
        a, b = filled
        torch.autograd.grad(torch.matmul(a, b * adjacency if local else b), filled, grads[1])

    share = sum(_bytes(part) for part in filled) / sum(_bytes(part) for part in factors)
    return {"compiled": ours, "plain": plain}, share


def of_one_size(n: int, dim: int) -> dict[str, Callable[[], None]]:
    rng = SeedStream(0, ("pair_product", str(n), str(dim))).torch()
    size = torch.full((ROWS // n**2,), n)
    a, b, grad = (torch.randn(int((size**2).sum()), dim, generator=rng) for _ in range(3))
    factors = (a.requires_grad_(), b.requires_grad_())

    def ours() -> None:
        torch.autograd.grad(pair_product(a, b, size), factors, grad)

    def plain() -> None:
        one, other = (factor.view(-1, n, n, dim).permute(0, 3, 1, 2) for factor in factors)
        torch.autograd.grad((one @ other).permute(0, 2, 3, 1).reshape(-1, dim), factors, grad)

    return {"compiled": ours, "plain": plain}


def _bytes(values: Tensor) -> int:
    return values.numel() * values.element_size()


def main() -> None:
    torch.set_num_threads(THREADS)
    rows: list[dict[str, Any]] = []
    for dim in WIDTHS:
        for local in (False, True):
            arms, share = problem(dim, local)
            seconds = interleaved(arms)["wall"]
            rows.append(
                {
                    "dim": dim,
                    "form": "local" if local else "all",
                    "seconds": round(median(seconds["compiled"]), 4),
                    "times_faster": round(median_ratio(seconds["plain"], seconds["compiled"]), 2),
                    "plain_memory_of_a_factor": round(share, 2),
                }
            )
    sizes: list[dict[str, Any]] = []
    for dim in (32, 96):
        for n in SIZES:
            seconds = interleaved(of_one_size(n, dim))["wall"]
            ours = median(seconds["compiled"])
            sizes.append(
                {
                    "nodes": n,
                    "dim": dim,
                    "graphs": ROWS // n**2,
                    "seconds": round(ours, 4),
                    "times_faster": round(median_ratio(seconds["plain"], seconds["compiled"]), 2),
                    "gflops": round(3 * 2 * (ROWS // n**2) * n**3 * dim / ours / 1e9, 1),
                }
            )
    write_result("pair_product", {"threads": THREADS, "rows": rows, "sizes": sizes})


if __name__ == "__main__":
    main()
