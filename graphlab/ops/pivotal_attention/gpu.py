"""The GPU path of pairs: Triton kernels by tiles of pairs, without atomics, the same bits every time.

Forward goes over the pivots of each pair with an online softmax. Backward makes probabilities again in three passes: by
pairs (i, k) over the pivots, by (i, j) over the columns k and by (j, k) over the rows i; the last is the second with
rows and columns exchanged. Kept are the inputs, the result and two numbers for each pair and head.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from graphlab.ops.pivotal_attention import gpu_kernels
from graphlab.ops.pivotal_attention.dispatch import FAR
from graphlab.ops.pivotal_attention.options import Options
from graphlab.ops.pivotal_attention.pairs import empty_by_pair

SIDE = 16
"""Rows, columns and pivots of a tile: the smallest side of a product of matrices on tensor cores."""

WIDTH = {torch.float32: 16, torch.bfloat16: 32, torch.float16: 32}
"""Columns of a result that a program has. Of more, what it adds up does not fit in registers."""

STEP = 16
"""Columns that products for scores take at a time."""

WARPS = 8


def gpu(query: Tensor, keys: tuple[Tensor, Tensor], values: tuple[Tensor, Tensor], options: Options) -> Tensor:
    """`pairs` in float32, bfloat16 or float16; scores, weights and sums are float32.

    Weights are rounded to the dtype of the inputs before products. Autocast changes nothing here: what a linear map
    under it gives is bfloat16 already, and float32 stays float32.
    """
    return _GPUPairs.apply(options, query, *keys, *values)  # pyright: ignore[reportReturnType]


class _GPUPairs(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, options: Options, *inputs: Tensor) -> Tensor:
        inputs = tuple(_dense(each) for each in inputs)
        out = empty_by_pair(inputs[0])
        largest, total = out.new_empty(2, *out.shape[:-1], dtype=torch.float32)
        _Run.of(options, inputs).launch(gpu_kernels.forward, out, _strided(out), largest, total)
        ctx.options = options
        ctx.save_for_backward(*inputs, out, largest, total)
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:  # pyright: ignore[reportIncompatibleMethodOverride]
        *inputs, out, largest, total = ctx.saved_tensors
        grad, inner, columns = _dense(grad), torch.empty_like(total), out.size(3)
        results = tuple(empty_by_pair(each) for each in inputs)
        run, to = _Run.of(ctx.options, inputs), _Inputs.of(results)
        run.launch(
            gpu_kernels.backward_to_query, to.query, _strided(out), _strided(grad), largest, total, inner,
            _strided(to.query),
        )  # fmt: skip
        run.launch(
            gpu_kernels.backward_to_first, to.first_key, _strided(grad), largest, total, inner, columns, 1,
            _strided(to.first_key), _strided(to.first_value),
        )  # fmt: skip
        run.exchanged().launch(
            gpu_kernels.backward_to_first, to.second_key, _strided(grad.transpose(2, 3)), largest, total, inner, 1,
            columns, _strided(to.second_key), _strided(to.second_value),
        )  # fmt: skip
        return None, *results


class _Inputs(NamedTuple):
    """Query, keys and values, or their gradients, as the kernels take them: the second ones are `[B, H, K, J, d]`."""

    query: Tensor
    first_key: Tensor
    second_key: Tensor
    first_value: Tensor
    second_value: Tensor

    @classmethod
    def of(cls, tensors: Sequence[Tensor]) -> _Inputs:
        query, first_key, second_key, first_value, second_value = tensors
        return cls(query, first_key, second_key.transpose(2, 3), first_value, second_value.transpose(2, 3))


@dataclass(frozen=True)
class _Run:
    """What all kernels take."""

    options: Options
    inputs: _Inputs
    mask: Tensor | None

    @classmethod
    def of(cls, options: Options, inputs: Sequence[Tensor]) -> _Run:
        mask = options.mask
        mask = mask.view(torch.uint8) if mask is not None and mask.dtype == torch.bool else mask
        return cls(options, _Inputs.of(inputs), mask)

    def exchanged(self) -> _Run:
        """The same with columns in the place of rows."""
        query, first_key, second_key, first_value, second_value = self.inputs
        inputs = _Inputs(query.transpose(2, 3), second_key, first_key, second_value, first_value)
        return _Run(self.options, inputs, None if self.mask is None else self.mask.transpose(2, 3))

    @property
    def _masking(self) -> str:
        mask = self.options.mask
        return "none" if mask is None else "bool" if mask.dtype == torch.bool else "numbers"

    def launch(self, kernel: Any, result: Tensor, *arguments: Any) -> None:
        """A program for each tile of the two middle axes of a result, and for each part of its columns."""
        query, mask, options = self.inputs.query, self.mask, self.options
        batch, heads, rows, columns, dim = query.shape
        width = min(WIDTH[query.dtype], max(STEP, 1 << (dim - 1).bit_length()))
        tiles = -(-result.size(2) // SIDE) * -(-result.size(3) // SIDE)
        with torch.cuda.device_of(query):
            kernel[batch * heads * tiles, -(-dim // width)](
                *(_strided(each) for each in self.inputs),
                None if mask is None else (mask, *mask.stride()),
                *arguments,
                (heads, rows, columns, self.inputs.first_key.size(3), dim),
                float(options.scale),
                float(options.cap or 0),
                float(options.dropout),
                options.seed,
                WIDTH=width,
                STEP=STEP,
                SIDE=SIDE,
                CAPPED=options.cap is not None,
                MASKING=self._masking,
                DROPS=options.dropout > 0,
                num_warps=WARPS,
                num_stages=1,
            )


def _dense(tensor: Tensor) -> Tensor:
    """The tensor with a last axis that is dense in memory, and with tiles whose offsets fit in 32 bits."""
    return tensor if tensor.stride(-1) == 1 and max(tensor.stride()[2:]) < FAR else tensor.contiguous()


def _strided(tensor: Tensor) -> tuple[Tensor | int, ...]:
    return tensor, *tensor.stride()[:4]
