"""The block of FloydNet. Yu et al., 2026, and the published package for what the paper leaves open.

Of a tensor x over all k-tuples of nodes, with norms before (pre) or after (post) what they are of:

    pre    x <- x + A(norm(x + M x^T)),  x <- x + s F(norm(x))
    post   x <- norm(x + A(x + M x^T)),  x <- s norm(x + F(x))

with A pivotal attention between two linear maps, F two linear maps with an activation between, s a learned number that
starts at 1, and x^T the pairs turned round. M, the last map of A and that of F start at zero, so that a new block of
the first kind is the identity; other maps start from Xavier's uniform distribution.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import torch
from torch import Tensor, nn

from graphlab.core.errors import InputError
from graphlab.model.observation import observe
from graphlab.ops.pivotal_attention import pivotal_attention

NormName = Literal["layer", "rms", "affine", "none"]
ActivationName = Literal["relu", "gelu", "silu"]

ACTIVATIONS: Mapping[str, type[nn.Module]] = {"relu": nn.ReLU, "gelu": nn.GELU, "silu": nn.SiLU}


class Affine(nn.Module):
    """A scale and a shift of each channel, without statistics."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.ones(dim)), nn.Parameter(torch.zeros(dim))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.weight + self.bias


def make_norm(name: NormName, dim: int) -> nn.Module:
    match name:
        case "layer":
            return nn.LayerNorm(dim)
        case "rms":
            return nn.RMSNorm(dim, eps=1e-5)
        case "affine":
            return Affine(dim)
        case _:
            return nn.Identity()


class FloydBlock(nn.Module):
    """x `[B, n, ..., n, dim]` over k-tuples -> the same.

    Args:
        dim: Width; a multiple of `heads`.
        heads: Of attention.
        order: k, the nodes of a tuple. The published package has blocks of pairs alone; of longer tuples there is no
            x^T here.
        dropout: Of attention's weights, of what A gives and of what F gives.
        bias: Of linear maps.
        ffn_ratio: Width of F by that of x; 0 leaves F out.
        norm: Which norm.
        norm_first: Whether norms come before.
        activation: Of F.
        mixes: Whether there is M x^T.
        cap: Of scores, as in `pivotal_attention`.
        scale: Of scores; 1 / sqrt(k d) if None.
    """

    observation_points = ("qkv", "attention")

    def __init__(
        self,
        dim: int,
        heads: int,
        *,
        order: int = 2,
        dropout: float = 0.0,
        bias: bool = False,
        ffn_ratio: int = 4,
        norm: NormName = "layer",
        norm_first: bool = True,
        activation: ActivationName = "relu",
        mixes: bool = True,
        cap: float | None = None,
        scale: float | None = None,
    ) -> None:
        super().__init__()
        if dim % heads:
            raise InputError(f"{heads} heads do not divide a width of {dim}", hint="give a width that is a multiple")
        self.heads, self.order, self.norm_first = heads, order, norm_first
        self.dropout, self.cap, self.scale = dropout, cap, scale
        self.mix = nn.Linear(dim, dim, bias=bias) if mixes and order == 2 else None
        self.qkv = nn.Linear(dim, (2 * order + 1) * dim, bias=bias)
        self.proj = nn.Linear(dim, dim, bias=bias)
        self.attention_norm = make_norm(norm, dim)
        self.ffn, self.ffn_norm = None, nn.Identity()
        if ffn_ratio:
            inner = ffn_ratio * dim
            self.ffn = nn.Sequential(
                nn.Linear(dim, inner, bias=bias), ACTIVATIONS[activation](), nn.Linear(inner, dim, bias=bias)
            )
            self.ffn_norm = make_norm(norm, dim)
            self.ffn_scale = nn.Parameter(torch.ones(()))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        zero = [self.proj, *([] if self.mix is None else [self.mix]), *([] if self.ffn is None else [self.ffn[2]])]
        for layer in self.modules():
            if isinstance(layer, nn.Linear):
                nn.init.zeros_(layer.weight) if layer in zero else nn.init.xavier_uniform_(layer.weight)
                if layer.bias is not None:
                    nn.init.zeros_(layer.bias)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """mask: as `pivotal_attention` takes it, of scores `[B, heads, n, ..., n, pivots]`."""
        mixed = x if self.mix is None else x + self.mix(x.transpose(1, 2))
        if self.norm_first:
            x = x + self._attend(self.attention_norm(mixed), mask)
            return x if self.ffn is None else x + self.ffn_scale * self._drop(self.ffn(self.ffn_norm(x)))
        x = self.attention_norm(x + self._attend(mixed, mask))
        return x if self.ffn is None else self.ffn_scale * self.ffn_norm(x + self._drop(self.ffn(x)))

    def _attend(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """A: the query comes first in `qkv`, then keys and values, of each the last place of the pivot first."""
        parts = observe(self, "qkv", self.qkv(x)).unflatten(-1, (2 * self.order + 1, self.heads, -1)).unbind(-3)
        query, *rest = (part.movedim(-2, 1) for part in parts)
        keys, values = rest[: self.order], rest[self.order :]
        rate = self.dropout if self.training else 0.0
        out = pivotal_attention(query, keys[::-1], values[::-1], mask, self.cap, self.scale, rate)
        return self._drop(self.proj(observe(self, "attention", out.movedim(1, -2).flatten(-2))))

    def _drop(self, x: Tensor) -> Tensor:
        return nn.functional.dropout(x, self.dropout, self.training)


PUBLISHED_NAMES = {
    "c_mix": "mix",
    "c_qkv": "qkv",
    "c_proj": "proj",
    "norm1": "attention_norm",
    "norm2": "ffn_norm",
}
"""What the parts of a block are called in the published package, where it is something else."""


def from_published(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The weights of blocks of the published package (`floydnet` 1.1.0) by their names here, wherever blocks stand in a
    network."""
    return {
        ".".join(PUBLISHED_NAMES.get(part, part) for part in name.split(".")): weight for name, weight in state.items()
    }
