"""FloydNet as the network of a diffusion over pairs of nodes. Yu et al., 2026, for tours of the travelling salesman.

Of costs c, a noisy adjacency x_t and a time t, with C channels and a super node in front of the n others:

    x[i, k] = mark[i, k] + F(c[i, k] / mean) + noisy x_t[i, k] + T(t)
    x <- block(x), L times
    y[i, k] = head(norm(x[i, k])),  x_0 = (y + y^T) / 2

mark tells ordinary pairs, loops, the super node's row, its column and its corner apart, and F and T are two linear maps
with an activation between, T of sines and cosines of t. What costs of all edges are multiplied by changes nothing. How
costs and time enter is our reading: the paper says what is predicted, and not how its network is told.
"""

from __future__ import annotations

import math
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor, nn

from graphlab.core.config import Config, PositiveInt
from graphlab.core.errors import InputError
from graphlab.model.floyd_block import ACTIVATIONS, ActivationName, FloydBlock, NormName, make_norm

ORDINARY, LOOP, ROW, COLUMN, CORNER = range(5)

FREQUENCIES = 16
"""Sines, and as many cosines, of a time."""

PERIODS = (1e-3, 4.0)
"""The shortest and the longest period of the sines, of a time from 0 to 1."""


class DenoiserConfig(Config):
    """hidden_dim  C, a multiple of heads
    ffn_ratio   width of the second part of a block, in times of hidden_dim; 0 leaves it out
    """

    hidden_dim: PositiveInt = 64
    heads: PositiveInt = 4
    num_layers: PositiveInt = 6
    ffn_ratio: Annotated[int, Field(ge=0, le=16)] = 4
    norm: NormName = "affine"
    activation: ActivationName = "silu"


class FloydDenoiser(nn.Module):
    """costs `[B, n, n]`, x_t `[B, n, n]` and t `[B]` -> the predicted x_0 `[B, n, n]`, symmetric.

    Nodes that are renumbered are renumbered in the result. A graph does not depend on the others of its batch.

    Raises:
        InputError: Shapes that do not fit each other.
    """

    def __init__(self, config: DenoiserConfig) -> None:
        super().__init__()
        dim, activation = config.hidden_dim, ACTIVATIONS[config.activation]
        self.mark = nn.Embedding(5, dim)
        self.cost = nn.Sequential(nn.Linear(1, dim), activation(), nn.Linear(dim, dim))
        self.noisy = nn.Linear(1, dim, bias=False)
        self.time = nn.Sequential(nn.Linear(2 * FREQUENCIES, dim), activation(), nn.Linear(dim, dim))
        self.blocks = nn.ModuleList(
            FloydBlock(dim, config.heads, ffn_ratio=config.ffn_ratio, norm=config.norm, activation=config.activation)
            for _ in range(config.num_layers)
        )
        self.norm, self.head = make_norm("layer", dim), nn.Linear(dim, 1)

    def forward(self, costs: Tensor, noisy: Tensor, t: Tensor) -> Tensor:
        batch, nodes = costs.shape[:2]
        if costs.shape != (batch, nodes, nodes) or noisy.shape != costs.shape or t.shape != (batch,):
            raise InputError(
                f"a denoiser has costs {tuple(costs.shape)}, noisy values {tuple(noisy.shape)}, times {tuple(t.shape)}",
                hint="give costs and noisy values [B, n, n], and a time for each graph, [B]",
            )
        x = self.mark(_marks(nodes + 1, costs.device)) + self.time(time_features(t))[:, None, None]
        pairs = self.cost(relative(costs).unsqueeze(-1)) + self.noisy(noisy.unsqueeze(-1))
        x = x + nn.functional.pad(pairs, (0, 0, 1, 0, 1, 0))
        for block in self.blocks:
            x = block(x)
        out = self.head(self.norm(x[:, 1:, 1:])).squeeze(-1)
        return (out + out.transpose(1, 2)) / 2


def relative(costs: Tensor) -> Tensor:
    """Costs divided by the mean of those of edges, of each graph `[B, n, n]`; as they are where all are zero."""
    edges = costs.size(1) * (costs.size(1) - 1)
    mean = costs.sum((1, 2), keepdim=True) / max(edges, 1)
    return costs / torch.where(mean > 0, mean, 1)


def time_features(t: Tensor) -> Tensor:
    """Sines and cosines of times `[B]`, of periods in a geometric series: `[B, 2 FREQUENCIES]`."""
    shortest, longest = (math.log(period) for period in PERIODS)
    periods = torch.linspace(shortest, longest, FREQUENCIES, device=t.device).exp()
    angles = 2 * math.pi * t.unsqueeze(1) / periods
    return torch.cat([angles.sin(), angles.cos()], dim=1)


def _marks(width: int, device: torch.device) -> Tensor:
    marks = torch.full((width, width), ORDINARY, device=device)
    marks.fill_diagonal_(LOOP)
    marks[0], marks[:, 0], marks[0, 0] = ROW, COLUMN, CORNER
    return marks
