"""Processors that carry a state of all pairs of nodes from step to step. With z[i] = [node[i] | hidden[i]], a step is

    x[i, j] = P pair[i, j] + R z[i] + C z[j] + G graph + S norm(state[i, j]) + (d if i = j)
    x <- block(x), a number of times
    hidden[i] <- norm(W [x[i, i] | max over k of x[i, k] | max over k of x[k, i]]),  state <- x

and the blocks are what tells these processors apart. What comes before and after them is ours: maxima do not grow with
the number of nodes, and the norm keeps the state from growing with the number of steps.
"""

from __future__ import annotations

import math
from abc import abstractmethod

import torch
from torch import Tensor, nn

from graphlab.core.citation import Citation
from graphlab.model.algorithmic.encoders import Features
from graphlab.model.algorithmic.instances import pairs_there
from graphlab.model.algorithmic.processors import (
    Processor,
    ProcessorConfig,
    State,
    largest,
    require_heads,
    zero_absent,
)
from graphlab.model.floyd_block import FloydBlock
from graphlab.ops.triples import triangular_attention


class PairProcessor(Processor):
    """Base of processors of pairs. A subclass has a block, `[B, n, n, dim]` to the same."""

    gives_pairs = True
    carries_pairs = True

    def __init__(self, config: ProcessorConfig) -> None:
        super().__init__(config)
        dim = config.hidden_dim
        self.pair, self.graph = nn.Linear(dim, dim), nn.Linear(dim, dim, bias=False)
        self.row, self.column = (nn.Linear(2 * dim, dim, bias=False) for _ in range(2))
        self.state_norm, self.carry = nn.LayerNorm(dim), nn.Linear(dim, dim, bias=False)
        self.diagonal = nn.Parameter(torch.randn(dim) / math.sqrt(dim))
        self.blocks = nn.ModuleList(self.make_block(config) for _ in range(config.num_layers))
        self.read, self.norm = nn.Linear(3 * dim, dim), nn.LayerNorm(dim)

    @abstractmethod
    def make_block(self, config: ProcessorConfig) -> nn.Module:
        """A module that takes x `[B, n, n, dim]` and whether nodes are there, bool `[B, n]`, and gives x."""

    def forward(self, features: Features, state: State) -> State:
        there = features.there
        assert state.pair is not None
        z = torch.cat([features.node, state.node], dim=-1)
        x = self.pair(features.pair) + self.row(z).unsqueeze(2) + self.column(z).unsqueeze(1)
        x = x + self.graph(features.graph)[:, None, None] + self.carry(self.state_norm(state.pair))
        same = torch.eye(there.shape[1], dtype=x.dtype, device=x.device).unsqueeze(-1)
        x = zero_absent(x + same * self.diagonal, there)
        for block in self.blocks:
            x = zero_absent(block(x, there), there)
        kept = pairs_there(there)
        rows = torch.cat([x.diagonal(dim1=1, dim2=2).mT, largest(x, kept, 2), largest(x, kept, 1)], dim=-1)
        return State(zero_absent(self.norm(self.read(rows)), there), x)


class EdgeTransformer(PairProcessor):
    """Triangular attention, x <- x + A(norm(x)), x <- x + F(norm(x)), with F two linear maps and a ReLU between.

    References:
        Bergen, O'Donnell and Bahdanau, Systematic Generalization with Edge Transformers, NeurIPS 2021.
    """

    citation = Citation(
        key="bergen2021",
        title="Systematic Generalization with Edge Transformers",
        authors="Bergen, Leon and O'Donnell, Timothy J. and Bahdanau, Dzmitry",
        venue="NeurIPS",
        year=2021,
        url="https://arxiv.org/abs/2112.00578",
    )

    def make_block(self, config: ProcessorConfig) -> nn.Module:
        require_heads(config)
        return TriangularBlock(config.hidden_dim, config.heads)


class TriangularBlock(nn.Module):
    """A layer of the Edge Transformer; its second part is four times as wide."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.attention_norm, self.ffn_norm = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.project, self.out = nn.Linear(dim, 4 * dim), nn.Linear(dim, dim)
        self.ffn = nn.Sequential(nn.Linear(dim, 4 * dim), nn.ReLU(), nn.Linear(4 * dim, dim))

    def forward(self, x: Tensor, there: Tensor) -> Tensor:
        parts = self.project(self.attention_norm(x)).unflatten(-1, (4, self.heads, -1)).unbind(-3)
        query, key, left, right = (part.movedim(-2, 1) for part in parts)
        x = x + self.out(triangular_attention(query, key, left, right, there).movedim(1, -2).flatten(-2))
        return x + self.ffn(self.ffn_norm(x))


class PairProduct(PairProcessor):
    """Matrix products of pairs, x <- norm(relu(W [x | M1(x) M2(x)])), channel by channel, with two-layer MLPs M1, M2.

    Departures: products are divided by the number of nodes, so that they do not grow with it, and rows are normalised
    one by one, in place of batches.

    References:
        Maron et al., Provably Powerful Graph Networks, NeurIPS 2019.
    """

    citation = Citation(
        key="maron2019provably",
        title="Provably Powerful Graph Networks",
        authors="Maron, Haggai and Ben-Hamu, Heli and Serviansky, Hadar and Lipman, Yaron",
        venue="NeurIPS",
        year=2019,
        url="https://arxiv.org/abs/1905.11136",
    )

    def make_block(self, config: ProcessorConfig) -> nn.Module:
        return ProductBlock(config.hidden_dim)


class ProductBlock(nn.Module):
    """A block of PPGN."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.left, self.right = (nn.Sequential(nn.Linear(dim, dim), nn.ReLU(), nn.Linear(dim, dim)) for _ in range(2))
        self.join, self.norm = nn.Linear(2 * dim, dim), nn.LayerNorm(dim)

    def forward(self, x: Tensor, there: Tensor) -> Tensor:
        left, right = (zero_absent(mlp(x), there).movedim(-1, 1) for mlp in (self.left, self.right))
        product = (left @ right).movedim(1, -1) / there.sum(1).view(-1, 1, 1, 1)
        return self.norm(self.join(torch.cat([x, product], dim=-1)).relu())


class FloydNet(PairProcessor):
    """Pivotal attention of pairs, see `FloydBlock`, with its defaults: norms of layers before each part, and ReLU.

    The paper reports results on CLRS-30, but no network for it was published. How features enter and leave pairs is
    ours, there is no super node, as the features of the graph enter all pairs, and the blocks are fewer.

    References:
        Yu, Zeng and Ye, FloydNet: A Learning Paradigm for Global Relational Reasoning, 2026.
    """

    citation = Citation(
        key="yu2026",
        title="FloydNet: A Learning Paradigm for Global Relational Reasoning",
        authors="Yu, Jingcheng and Zeng, Mingliang and Ye, Qiwei",
        venue="arXiv",
        year=2026,
        url="https://arxiv.org/abs/2601.19094",
    )

    def make_block(self, config: ProcessorConfig) -> nn.Module:
        require_heads(config)
        return Pivotal(config.hidden_dim, config.heads)


class Pivotal(nn.Module):
    """A FloydBlock whose pivots are the nodes that are there."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.block = FloydBlock(dim, heads)

    def forward(self, x: Tensor, there: Tensor) -> Tensor:
        mask = None if bool(there.all()) else ~there[:, None, None, None]
        return self.block(x, mask)
