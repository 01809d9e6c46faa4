"""Cross-entropies with targets that name few of many classes, and are never laid out."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from graphlab.core.shapes import require_shape


def multi_hot_bce(logits: Tensor, row: Tensor, column: Tensor, smoothing: float = 0.0) -> Tensor:
    """Binary cross-entropy of logits with multi-hot targets, the mean over rows and classes.

    With targets y = (1 - s) [(i, j) is listed] + s / N, as in label smoothing, and x the logits, this is

        1 / (B N) (sum_ij softplus(x_ij) - s / N sum_ij x_ij - (1 - s) sum_listed x_ij)

    whose gradient is (sigmoid(x) - y) / (B N): no target is laid out, and backward makes one buffer `[B, N]`.

    Args:
        logits: `[B, N]`.
        row, column: int64 `[P]`, the pairs that are true; each is listed once.
        smoothing: s in [0, 1).

    Sums are taken in float32 at least; the gradient has the type of the logits.
    """
    _require_pairs(logits, row, column)
    return _MultiHotBCE.apply(logits, row, column, smoothing)  # pyright: ignore[reportReturnType]


def _require_pairs(logits: Tensor, row: Tensor, column: Tensor) -> None:
    require_shape("the columns of true pairs", column, tuple(row.shape), "[pairs], as that of their rows")
    require_shape("logits", logits, (logits.size(0), logits[0].numel() if len(logits) else 0), "[rows, classes]")


class _MultiHotBCE(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, logits: Tensor, row: Tensor, column: Tensor, smoothing: float) -> Tensor:
        ctx.save_for_backward(logits, row, column)
        ctx.smoothing = smoothing
        dtype = torch.promote_types(logits.dtype, torch.float32)
        loss = F.softplus(logits).sum(dtype=dtype) - (1 - smoothing) * logits[row, column].sum(dtype=dtype)
        if smoothing:
            loss -= smoothing / logits.size(1) * logits.sum(dtype=dtype)
        return loss / logits.numel()

    @staticmethod
    @once_differentiable
    def backward(  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx: Any, grad_loss: Tensor
    ) -> tuple[Tensor, None, None, None]:
        logits, row, column = ctx.saved_tensors
        grad = logits.sigmoid()
        if ctx.smoothing:
            grad -= ctx.smoothing / logits.size(1)
        grad[row, column] -= 1 - ctx.smoothing
        return grad.mul_(grad_loss / logits.numel()), None, None, None


def multi_hot_cross_entropy(logits: Tensor, row: Tensor, column: Tensor, smoothing: float = 0.0) -> Tensor:
    """Softmax cross-entropy of logits with distributions over the classes that are true, the mean over rows.

    The k true classes of a row share its targets, y = (1 - s) / k [(i, j) is listed] + s / N, so that this is

        1 / B (sum_i logsumexp_j x_ij - s / N sum_ij x_ij - (1 - s) sum_listed x_ij / k_i)

    whose gradient is (softmax(x) - y) / B. Arguments as those of `multi_hot_bce`; each row has a true class.
    """
    _require_pairs(logits, row, column)
    return _MultiHotCrossEntropy.apply(logits, row, column, smoothing)  # pyright: ignore[reportReturnType]


class _MultiHotCrossEntropy(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, logits: Tensor, row: Tensor, column: Tensor, smoothing: float) -> Tensor:
        dtype = torch.promote_types(logits.dtype, torch.float32)
        peak = logits.amax(1, keepdim=True)
        total = (logits - peak).exp_().sum(1, keepdim=True, dtype=dtype)
        share = (1 - smoothing) / torch.bincount(row, minlength=len(logits)).to(dtype)
        ctx.save_for_backward(logits, row, column, peak, total, share)
        ctx.smoothing = smoothing
        loss = (total.log() + peak).sum() - (share[row] * logits[row, column]).sum()
        if smoothing:
            loss -= smoothing / logits.size(1) * logits.sum(dtype=dtype)
        return loss / len(logits)

    @staticmethod
    @once_differentiable
    def backward(  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx: Any, grad_loss: Tensor
    ) -> tuple[Tensor, None, None, None]:
        logits, row, column, peak, total, share = ctx.saved_tensors
        grad = (logits - peak).exp_().div_(total)
        if ctx.smoothing:
            grad -= ctx.smoothing / logits.size(1)
        grad[row, column] -= share[row].to(grad.dtype)
        return grad.mul_(grad_loss / len(logits)), None, None, None
