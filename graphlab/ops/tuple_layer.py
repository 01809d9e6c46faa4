"""A whole layer of a subgraph GNN on the CPU, a few rows at a time, keeping one matrix a branch for the backward pass.

    h' = relu(BN(sum_b W2_b relu(BN_b(z_b)) + c2_b)),  z_b = W1_b x_b + c1_b,  x_b = weight_b h + what tuple_spmm gives

Zhang et al., ICML 2023, eq. 4. Rows are taken so few at a time that what one product writes the next one finds in the
cache, where products run 1.4 times as fast. Kept are h, z_b and the sum before its normalisation. What x_b and
relu(BN_b(z_b)) were is made again, by a pass over rows that are in the cache.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from graphlab.core.errors import InputError
from graphlab.ops.compiled import MAX_WIDTH
from graphlab.ops.norm_relu import Moments, NormReLU, add_moments
from graphlab.ops.threads import PARTS, over_parts_alone
from graphlab.ops.tuple_spmm.cpu import RowLoops
from graphlab.ops.tuple_spmm.messages import Messages

CHUNK_BYTES = 2**19
"""Of a matrix, what is worked on at a time."""

TENSORS = 8
"""Tensors of a branch."""


@dataclass(frozen=True)
class Branch:
    """One branch: who hears of whom, and its tensors; see `tuple_spmm` for table and self_weight.

    weight_1, weight_2 `[d, d]`, bias_1, bias_2, gamma, beta `[d]`
    """

    messages: Messages
    table: Tensor | None
    self_weight: Tensor
    weight_1: Tensor
    bias_1: Tensor
    gamma: Tensor
    beta: Tensor
    weight_2: Tensor
    bias_2: Tensor

    @property
    def tensors(self) -> tuple[Tensor | None, ...]:
        maps = self.weight_1, self.bias_1, self.gamma, self.beta, self.weight_2, self.bias_2
        return self.table, self.self_weight, *maps


def tuple_layer(
    h: Tensor, branches: Sequence[Branch], gamma: Tensor, beta: Tensor, eps: float
) -> tuple[Tensor, list[Moments]]:
    """h' `[T, d]` of h `[T, d]`, float32 or float64 on the CPU, and the moments of each z_b and of the sum.

    Differentiable once, in h and all tensors of the branches. The same bits for any number of threads.

    Raises:
        InputError: h is wider than MAX_WIDTH.
    """
    if h.size(1) > MAX_WIDTH:
        raise InputError(f"tuple_layer: h has {h.size(1)} columns", hint=f"it takes {MAX_WIDTH} at most")
    found: list[Moments] = []
    tensors = [tensor for branch in branches for tensor in branch.tensors]
    out = _TupleLayer.apply(h, gamma, beta, eps, [branch.messages for branch in branches], found, *tensors)
    return out, found  # pyright: ignore[reportReturnType]


class _TupleLayer(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        h: Tensor,
        gamma: Tensor,
        beta: Tensor,
        eps: float,
        messages: list[Messages],
        found: list[Moments],
        *tensors: Tensor | None,
    ) -> Tensor:
        layer = _Layer(h.contiguous(), messages, tensors)
        kept = layer.linear(found)
        norms = layer.norms(found, eps)
        total = layer.total(kept, norms, found)
        norm = NormReLU(found[-1], gamma.detach().numpy(), beta.detach().numpy(), eps)
        ctx.messages, ctx.norms, ctx.norm = messages, norms, norm
        ctx.save_for_backward(layer.h, total, *kept, *tensors)
        return layer.rectified(total, norm)

    @staticmethod
    @once_differentiable
    def backward(  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx: Any, grad: Tensor
    ) -> tuple[Any, ...]:
        count = len(ctx.messages)
        h, total, *rest = ctx.saved_tensors
        kept, tensors = rest[:count], rest[count:]
        layer = _Layer(h, ctx.messages, tensors)
        grad = grad.contiguous()
        sums = layer.sums_of(total, grad, ctx.norm)
        backs, grads, inner = layer.through_second(total, grad, ctx.norm, sums, kept, ctx.norms)
        layer.through_first(kept, ctx.norms, inner, backs, grads)
        to_h = layer.through_messages(backs, grads)
        to_beta, to_gamma = (torch.from_numpy(part).to(h.dtype) for part in sums)
        return to_h, to_gamma, to_beta, None, None, None, *(grad for of_one in grads for grad in of_one.tensors())


class _Gradients:
    """Those of a branch's tensors: summed part by part, or by column over all rows."""

    def __init__(self, branch: _Tensors, dim: int) -> None:
        like = branch.weight_1
        self.table = None if branch.table is None else like.new_zeros(PARTS, *branch.table.shape)
        self.self_weight = like.new_zeros(PARTS)
        self.weight_1, self.weight_2 = like.new_zeros(PARTS, dim, dim), like.new_zeros(PARTS, dim, dim)
        self.bias_1, self.bias_2, self.norm = np.zeros(dim), np.zeros(dim), np.zeros((2, dim))

    def tensors(self) -> tuple[Tensor | None, ...]:
        columns = (self.bias_1, *self.norm, self.bias_2)
        bias_1, beta, gamma, bias_2 = (torch.from_numpy(part).to(self.weight_1.dtype) for part in columns)
        table = None if self.table is None else self.table.sum(0)
        return table, self.self_weight.sum(0), self.weight_1.sum(0), bias_1, gamma, beta, self.weight_2.sum(0), bias_2


class _Tensors:
    """A branch's tensors, by name."""

    def __init__(self, tensors: Sequence[Any]) -> None:
        self.table, self.self_weight, self.weight_1, self.bias_1, self.gamma, self.beta, self.weight_2, self.bias_2 = (
            tensors
        )


class _Layer:
    """The stages of a layer. Each goes over the rows once; between them every row must be there."""

    def __init__(self, h: Tensor, messages: Sequence[Messages], tensors: Sequence[Any]) -> None:
        self.h = h
        self.dim = h.size(1)
        self.branches = [_Tensors(tensors[k * TENSORS : (k + 1) * TENSORS]) for k in range(len(messages))]
        self.loops = [
            RowLoops(heard, h, branch.table, branch.self_weight)
            for heard, branch in zip(messages, self.branches, strict=True)
        ]
        self.chunk = max(1, CHUNK_BYTES // (self.dim * h.element_size()))

    def over(self, work: Callable[..., None]) -> None:
        """work(part, buffer `[n, d]`, rows) for all rows, few at a time; those of a part in turn, by one thread."""

        def run(part: int, begin: int, end: int) -> None:
            room = self.h.new_empty(min(self.chunk, end - begin), self.dim)
            for first in range(begin, end, self.chunk):
                last = min(first + self.chunk, end)
                work(part, room[: last - first], slice(first, last))

        over_parts_alone(len(self.h), run)

    def linear(self, found: list[Moments]) -> list[Tensor]:
        """z_b of each branch, and its moments."""
        kept = [torch.empty_like(self.h) for _ in self.branches]
        sums = np.zeros((len(kept), PARTS, 2, self.dim))

        def work(part: int, room: Tensor, rows: slice) -> None:
            for k, (branch, loops) in enumerate(zip(self.branches, self.loops, strict=True)):
                loops.forward(room.numpy(), rows.start, rows.stop)
                z = torch.addmm(branch.bias_1, room, branch.weight_1.T, out=kept[k][rows])
                add_moments(z.numpy(), sums[k, part])

        self.over(work)
        found += [Moments.of_sums(of_one.sum(0), len(self.h)) for of_one in sums]
        return kept

    def norms(self, found: list[Moments], eps: float) -> list[NormReLU]:
        return [
            NormReLU(moments, branch.gamma.detach().numpy(), branch.beta.detach().numpy(), eps)
            for moments, branch in zip(found, self.branches, strict=True)
        ]

    def total(self, kept: list[Tensor], norms: list[NormReLU], found: list[Moments]) -> Tensor:
        """The sum over branches, and its moments."""
        out = torch.empty_like(self.h)
        bias = torch.stack([branch.bias_2 for branch in self.branches]).sum(0)
        sums = np.zeros((PARTS, 2, self.dim))

        def work(part: int, room: Tensor, rows: slice) -> None:
            result = out[rows]
            for k, branch in enumerate(self.branches):
                norms[k].forward(kept[k][rows].numpy(), room.numpy())
                before = result if k else bias
                torch.addmm(before, room, branch.weight_2.T, out=result)
            add_moments(result.numpy(), sums[part])

        self.over(work)
        found.append(Moments.of_sums(sums.sum(0), len(self.h)))
        return out

    def rectified(self, total: Tensor, norm: NormReLU) -> Tensor:
        out = torch.empty_like(total)
        self.over(lambda _, room, rows: norm.forward(total[rows].numpy(), out[rows].numpy()))
        return out

    def sums_of(self, z: Tensor, grad: Tensor, norm: NormReLU) -> np.ndarray:
        """Sums of dy and dy z^ over all rows, float64 `[2, d]`."""
        sums = np.zeros((PARTS, 2, self.dim))
        self.over(lambda part, _, rows: norm.add_sums(z[rows].numpy(), grad[rows].numpy(), sums[part]))
        return sums.sum(0)

    def through_second(
        self,
        total: Tensor,
        grad: Tensor,
        norm: NormReLU,
        outer: np.ndarray,
        kept: list[Tensor],
        norms: list[NormReLU],
    ) -> tuple[list[Tensor], list[_Gradients], list[np.ndarray]]:
        """From the gradient of h' to those of relu(BN_b(z_b)), and what the normalisations need of these."""
        backs = [torch.empty_like(self.h) for _ in kept]
        grads = [_Gradients(branch, self.dim) for branch in self.branches]
        sums = np.zeros((len(kept), PARTS, 2, self.dim))
        means, to_bias = self._means(outer), np.zeros((PARTS, self.dim))

        def work(part: int, room: Tensor, rows: slice) -> None:
            to_total = torch.empty_like(room)
            norm.backward(total[rows].numpy(), grad[rows].numpy(), means, to_total.numpy(), to_bias[part])
            for k, branch in enumerate(self.branches):
                z, back = kept[k][rows].numpy(), backs[k][rows]
                norms[k].forward(z, room.numpy())
                grads[k].weight_2[part].addmm_(to_total.T, room)
                torch.mm(to_total, branch.weight_2, out=back)
                norms[k].add_sums(z, back.numpy(), sums[k, part])

        self.over(work)
        for of_one in grads:
            of_one.bias_2 = to_bias.sum(0)
        return backs, grads, list(sums.sum(1))

    def through_first(
        self,
        kept: list[Tensor],
        norms: list[NormReLU],
        inner: list[np.ndarray],
        backs: list[Tensor],
        grads: list[_Gradients],
    ) -> None:
        """From the gradients of relu(BN_b(z_b)) to those of x_b, in their place."""
        means = [self._means(sums) for sums in inner]
        to_bias = np.zeros((len(kept), PARTS, self.dim))

        def work(part: int, room: Tensor, rows: slice) -> None:
            to_z = torch.empty_like(room)
            own = self.h[rows].flatten()
            for k, (branch, loops) in enumerate(zip(self.branches, self.loops, strict=True)):
                back = backs[k][rows]
                norms[k].backward(kept[k][rows].numpy(), back.numpy(), means[k], to_z.numpy(), to_bias[k, part])
                loops.forward(room.numpy(), rows.start, rows.stop)
                grads[k].weight_1[part].addmm_(to_z.T, room)
                torch.mm(to_z, branch.weight_1, out=back)
                grads[k].self_weight[part] += torch.dot(back.flatten(), own)

        self.over(work)
        for of_one, sums, total in zip(grads, inner, to_bias.sum(1), strict=True):
            of_one.norm, of_one.bias_1 = sums, total

    def through_messages(self, backs: list[Tensor], grads: list[_Gradients]) -> Tensor:
        """From the gradients of x_b to that of h."""
        out = torch.empty_like(self.h)
        coming = [back.numpy() for back in backs]
        tables = [self.h.new_zeros(PARTS, 0, 0) if of_one.table is None else of_one.table for of_one in grads]

        def work(part: int, room: Tensor, rows: slice) -> None:
            for k, loops in enumerate(self.loops):
                result = room if k else out[rows]
                loops.backward(coming[k], result.numpy(), tables[k][part].numpy(), rows.start, rows.stop)
                if k:
                    out[rows] += room

        self.over(work)
        return out

    def _means(self, sums: np.ndarray) -> np.ndarray:
        return (sums / len(self.h)).astype(self.h.detach().numpy().dtype)
