"""Parts of a graph with the highest score: what learned samplers of subgraphs choose among, and gradients through the
choice.

Implicit maximum-likelihood estimation (Niepert et al., NeurIPS 2021, algorithm 1): of z = argmax of <z, score + noise>,

    d loss / d score = (z(score + noise) - z(score + noise - step d loss / d z)) / step

The step is such that no score moves by more than `strength`: gradients of any size move choices, as in Minervini et
al., AAAI 2023.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from graphlab.ops.compiled import counting_sort, kept

Solve = Callable[[Tensor], Tensor]
"""From scores `[rows]` to what is chosen, bool `[rows]`."""


def choose(score: Tensor, noise: Tensor | float, solve: Solve, strength: float) -> Tensor:
    """What `solve` chooses for each row of scores with noise `[K, rows]`: 0 and 1, with the gradients above."""
    return _Choice.apply(score, noise, solve, strength)  # pyright: ignore[reportReturnType]


class _Choice(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, score: Tensor, noise: Tensor | float, solve: Solve, strength: float) -> Tensor:
        noisy = score.detach() + noise
        chosen = _solve_all(noisy, solve)
        ctx.save_for_backward(noisy, chosen)
        ctx.solve, ctx.strength = solve, strength
        return chosen

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None, None]:  # pyright: ignore[reportIncompatibleMethodOverride]
        noisy, chosen = ctx.saved_tensors
        if not grad.numel():
            return grad, None, None, None
        largest = grad.abs().amax(dim=1, keepdim=True)
        per_step = largest / ctx.strength
        better = _solve_all(noisy - grad / per_step.clamp(min=torch.finfo(grad.dtype).tiny), ctx.solve)
        return (chosen - better) * per_step, None, None, None


def _solve_all(scores: Tensor, solve: Solve) -> Tensor:
    return torch.stack([solve(row) for row in scores]).to(scores)


def connected_nodes(score: Tensor, edge_index: Tensor, ptr: Tensor, size: int) -> Tensor:
    """From each graph's best node, the best neighbour of what has been taken, until there are `size` nodes or no more
    neighbours: bool `[num_nodes]`. Of equal ones the first."""
    source, target = edge_index.cpu().numpy()
    start, order = counting_sort(source, len(score))
    chosen = _grow(score.double().cpu().numpy(), start, target[order], ptr.cpu().numpy(), size)
    return torch.from_numpy(chosen).to(score.device)


def spanning_edges(score: Tensor, ends: Tensor, num_nodes: int) -> Tensor:
    """The undirected edges of the spanning forest of the highest sum of scores, bool `[edges]`: Kruskal, 1956.

    ends: int64 `[edges, 2]`.
    """
    order = score.argsort(descending=True, stable=True).cpu().numpy()
    return torch.from_numpy(_span(order, ends.cpu().numpy(), num_nodes)).to(score.device)


@kept()
def _grow(score, start, target, ptr, size):
    chosen, near = np.zeros(len(score), np.bool_), np.zeros(len(score), np.bool_)
    for g in range(len(ptr) - 1):
        near[ptr[g] : ptr[g + 1]] = True
        for taken in range(size):
            best = -1
            for v in range(ptr[g], ptr[g + 1]):
                if near[v] and not chosen[v] and (best < 0 or score[v] > score[best]):
                    best = v
            if best < 0:
                break
            if taken == 0:
                near[ptr[g] : ptr[g + 1]] = False
            chosen[best] = True
            for p in range(start[best], start[best + 1]):
                near[target[p]] = True
    return chosen


@kept()
def _span(order, ends, num_nodes):
    chosen, parent = np.zeros(len(order), np.bool_), np.arange(num_nodes)
    for e in order:
        u, v = ends[e, 0], ends[e, 1]
        while parent[u] != u:
            parent[u] = parent[parent[u]]
            u = parent[u]
        while parent[v] != v:
            parent[v] = parent[parent[v]]
            v = parent[v]
        if u != v:
            parent[u] = v
            chosen[e] = True
    return chosen
