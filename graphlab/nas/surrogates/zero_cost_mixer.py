"""A small mixer over zero-cost statistics of parameter tensors, trained to order networks.

Dong et al. (ParZC), AAAI 2025, for the mixer and its loss, a differentiable rank correlation:

    L = - sum over i < j of tanh(a (p_i - p_j) / 2) tanh(a (y_i - y_j) / 2) / (n (n - 1) / 2)

which is minus Kendall's tau as a grows, where no two are equal.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from graphlab.core.seeds import SeedStream

SMALLEST = 1e-20
"""Below it a statistic is as none, which its logarithm needs."""

DECAY = 1e-3
"""Of the mixer's weights."""


def diff_kendall(predicted: Tensor, wanted: Tensor, sharpness: float) -> Tensor:
    """The loss above of predictions and truths `[n]`, n from 2, a the sharpness; between -1 and 1."""
    first, second = torch.triu_indices(len(predicted), len(predicted), offset=1)
    orders = [(sharpness * (each[first] - each[second]) / 2).tanh() for each in (predicted, wanted)]
    return -(orders[0] * orders[1]).mean()


class Tokens:
    """Statistics of networks as tokens, one a parameter tensor, filled up with zeros to as many as any has.

    Logarithms, standardised by the tensors of the networks that it is made from; further networks are cut or filled up
    to as many tokens.
    """

    def __init__(self, networks: Sequence[Tensor]) -> None:
        self.length = max(len(each) for each in networks)
        every = torch.cat([_logarithms(each) for each in networks])
        self.mean, self.std = every.mean(0), every.std(0).clamp_min(1e-6)

    def __call__(self, networks: Sequence[Tensor]) -> Tensor:
        """Statistics `[tensors, proxies]` of each network -> float32 `[networks, tokens, proxies + 1]`, the last number
        of a token 1 where there is a tensor."""
        return torch.stack([self._of(each) for each in networks])

    def _of(self, network: Tensor) -> Tensor:
        scaled = (_logarithms(network[: self.length]) - self.mean) / self.std
        marked = torch.cat([scaled, torch.ones(len(scaled), 1)], dim=1)
        return F.pad(marked, (0, 0, 0, self.length - len(marked)))


def _logarithms(network: Tensor) -> Tensor:
    """float32; what is no number counts as none."""
    finite = network.double().nan_to_num(0.0, posinf=1e300, neginf=0.0)
    return finite.clamp_min(SMALLEST).log().float()


class ZeroCostMixer(nn.Module):
    """Tokens `[n, tokens, d]` -> scores `[n]`: a map of each token, one block that mixes tokens and then channels, both
    with a skip connection, the mean over tokens, and a map."""

    def __init__(self, tokens: int, features: int, width: int, stream: SeedStream) -> None:
        super().__init__()
        random = stream.torch()

        def weight(out_dim: int, in_dim: int) -> nn.Parameter:
            return nn.Parameter(torch.randn(out_dim, in_dim, generator=random) / in_dim**0.5)

        self.embedding = weight(width, features)
        self.across = nn.ParameterList([weight(width, tokens), weight(tokens, width)])
        self.within = nn.ParameterList([weight(2 * width, width), weight(width, 2 * width)])
        self.score = weight(1, width)

    def forward(self, tokens: Tensor) -> Tensor:
        x = tokens @ self.embedding.T
        first, second = self.across
        x = x + (F.gelu(_normal(x).transpose(1, 2) @ first.T) @ second.T).transpose(1, 2)
        first, second = self.within
        x = x + F.gelu(_normal(x) @ first.T) @ second.T
        return (_normal(x).mean(1) @ self.score.T).squeeze(1)


def _normal(x: Tensor) -> Tensor:
    return F.layer_norm(x, x.shape[-1:])


def fit_mixer(mixer: ZeroCostMixer, tokens: Tensor, scores: Tensor, epochs: int, lr: float, sharpness: float) -> None:
    """Learn the order of scores `[n]` of mean 0 and variance 1, all pairs at once."""
    optimizer = torch.optim.AdamW(mixer.parameters(), lr=lr, weight_decay=DECAY)
    for _ in range(epochs):
        loss = diff_kendall(mixer(tokens), scores, sharpness)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
