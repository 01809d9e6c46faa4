"""Relational attention: rows of pairs take part in queries, keys and values, and are updated.

    q[i, j] = Q [n[i] | e[i, j]],  k[i, j] = K [n[j] | e[i, j]],  v[i, j] = V [n[j] | e[i, j]]
    u[i] = norm(n[i] + O sum over j of softmax_j(q[i, j] . k[i, j] / sqrt d) v[i, j]),  n[i] <- norm(u[i] + F u[i])
    w[i, j] = norm(e[i, j] + B relu(A [e[i, j] | e[j, i] | n[i] | n[j]])),  e[i, j] <- norm(w[i, j] + G w[i, j])

with F and G two linear maps and a ReLU between, and the new n in the second line.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from graphlab.core.citation import Citation
from graphlab.model.algorithmic.encoders import Features
from graphlab.model.algorithmic.processors import Processor, ProcessorConfig, State, require_heads, zero_absent


class RelationalTransformer(Processor):
    """Relational attention of nodes, with rows of pairs carried from step to step.

    Departures: the features of the graph are added to the nodes, as a map of their own; rows of nodes and pairs have
    one width; and there is one layer a step by default, where the paper has three. Written from the paper's equations;
    its code was not compared.

    References:
        Diao and Loynd, Relational Attention: Generalizing Transformers for Graph-Structured Tasks, ICLR 2023.
    """

    gives_pairs = True
    carries_pairs = True
    citation = Citation(
        key="diao2023",
        title="Relational Attention: Generalizing Transformers for Graph-Structured Tasks",
        authors="Diao, Cameron and Loynd, Ricky",
        venue="ICLR",
        year=2023,
        url="https://arxiv.org/abs/2210.05062",
    )

    def __init__(self, config: ProcessorConfig) -> None:
        super().__init__(config)
        require_heads(config)
        dim = config.hidden_dim
        self.node, self.pair, self.graph = nn.Linear(2 * dim, dim), nn.Linear(2 * dim, dim), nn.Linear(dim, dim)
        self.layers = nn.ModuleList(RelationalLayer(dim, config.heads) for _ in range(config.num_layers))

    def forward(self, features: Features, state: State) -> State:
        assert state.pair is not None
        node = self.node(torch.cat([features.node, state.node], dim=-1)) + self.graph(features.graph).unsqueeze(1)
        pair = self.pair(torch.cat([features.pair, state.pair], dim=-1))
        for layer in self.layers:
            node, pair = layer(node, pair, features.there)
        return State(zero_absent(node, features.there), zero_absent(pair, features.there))


class RelationalLayer(nn.Module):
    """One update of nodes and pairs; feed-forward parts are twice as wide."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query, self.node_key_value = nn.Linear(dim, dim), nn.Linear(dim, 2 * dim)
        self.pair_parts, self.out = nn.Linear(dim, 3 * dim, bias=False), nn.Linear(dim, dim)
        self.node_ffn, self.pair_ffn = _ffn(dim), _ffn(dim)
        self.message, self.message_out = nn.Linear(4 * dim, 2 * dim), nn.Linear(2 * dim, dim)
        self.norms = nn.ModuleList(nn.LayerNorm(dim) for _ in range(4))

    def forward(self, node: Tensor, pair: Tensor, there: Tensor) -> tuple[Tensor, Tensor]:
        node = self.norms[0](node + self.out(self._attend(node, pair, there)))
        node = self.norms[1](node + self.node_ffn(node))
        size = node.shape[1]
        ends = node.unsqueeze(2).expand(-1, -1, size, -1), node.unsqueeze(1).expand(-1, size, -1, -1)
        message = self.message(torch.cat([pair, pair.transpose(1, 2), *ends], dim=-1)).relu()
        pair = self.norms[2](pair + self.message_out(message))
        return node, self.norms[3](pair + self.pair_ffn(pair))

    def _attend(self, node: Tensor, pair: Tensor, there: Tensor) -> Tensor:
        of_pair = self.pair_parts(pair).unflatten(-1, (3, self.heads, -1))
        query = self.query(node).unflatten(-1, (self.heads, -1)).unsqueeze(2) + of_pair[..., 0, :, :]
        key, value = self.node_key_value(node).unflatten(-1, (2, self.heads, -1)).unsqueeze(1).unbind(-3)
        scores = (query * (key + of_pair[..., 1, :, :])).sum(-1) / math.sqrt(query.shape[-1])
        scores = scores.masked_fill(~there[:, None, :, None], torch.finfo(scores.dtype).min)
        weighted = scores.softmax(2).unsqueeze(-1) * (value + of_pair[..., 2, :, :])
        return weighted.sum(2).flatten(-2)


def _ffn(dim: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(dim, 2 * dim), nn.ReLU(), nn.Linear(2 * dim, dim))
