"""The supernet of NAS-Bench-Graph's space. Qin et al., NeurIPS 2022, for the networks that it holds.

With r_ip the weight of the link patterns in which operator i reads node p, and l_i that of those in which nobody reads
operator i:

    h_0 = W x        z_i = drop(sum_p r_ip relu(BN(h_p)))        h_i = sum_o a_io o(z_i)
    rows = sum_i l_i W_i relu(h_i) + b

A linear map always stands before the operators, so that a skip gives rows of the width of the others.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch_geometric.data import Data

from graphlab.core.errors import ConfigError
from graphlab.data.node_vectors import node_vectors
from graphlab.data.spec import DataSpec
from graphlab.model.base import vector_dim
from graphlab.model.link_operators import HEADS, Convolution, make_operator
from graphlab.model.link_patterns import OPERATORS, PATTERNS
from graphlab.model.neighbourhood import Neighbourhood
from graphlab.model.sparse_features import FeatureInput, Remembered
from graphlab.nas.oneshot.supernets import Supernet, mixed
from graphlab.nas.spaces.nas_bench_graph import NODES


class NASBenchGraphSupernet(Supernet):
    """batch.x as vectors `[num_nodes, d]`, batch.edge_index `[2, E]` -> `[num_nodes, out_dim]`.

    With `partial`, channels are shuffled after each operator, so that the next takes as many of each part of those that
    went past it as of the others. Xu et al. (PC-DARTS), ICLR 2020.
    """

    reads: Tensor
    leaves: Tensor

    def __init__(self, config: Any, spec: DataSpec, shrink: int, partial: int) -> None:
        super().__init__(config, spec, shrink, partial)
        dim = config.hidden_dim // shrink
        self.width = dim // partial
        if self.width % HEADS or self.width * partial * shrink != config.hidden_dim or not dim:
            raise ConfigError(
                f"a width of {config.hidden_dim} cannot be divided by {shrink}, then by {partial}, among {HEADS} heads",
                hint="choose another strategy.shrink",
            )
        self.node_features = spec.node
        self.features = FeatureInput(config.dropout, config.binary)
        self.dropout = config.dropout
        self.pre = Convolution("fc", vector_dim(spec.node, "nas-bench-graph"), dim)
        self.norm = nn.BatchNorm1d(dim, affine=False, track_running_stats=False)
        self.operators = nn.ModuleList(
            nn.ModuleList(make_operator(name, self.width, self.width) for name in OPERATORS) for _ in NODES
        )
        self.out_dim = self.row_width(spec, dim)
        self.post = nn.ModuleList(nn.Linear(dim, self.out_dim, bias=False) for _ in NODES)
        self.bias = nn.Parameter(torch.zeros(self.out_dim))
        nodes = range(1, len(NODES) + 1)
        reads = [[[float(parent == p) for p in range(len(NODES))] for parent in link] for link in PATTERNS]
        self.register_buffer("reads", torch.tensor(reads), persistent=False)
        unread = [[float(node not in link) for node in nodes] for link in PATTERNS]
        self.register_buffer("leaves", torch.tensor(unread), persistent=False)
        self._neighbourhood = Remembered(Neighbourhood)

    def forward(self, batch: Data) -> Tensor:
        near = self._neighbourhood(batch["edge_index"], int(batch.num_nodes or 0))
        link = self.mixture["link"]
        reads, leaves = torch.tensordot(link, self.reads.to(link), 1), link @ self.leaves.to(link)
        given = self.pre(self.features(node_vectors(batch, self.node_features)), near)
        read, rows = [self.norm(given).relu()], []
        for i, name in enumerate(NODES):
            z = mixed(reads[i, : i + 1], [lambda p=p: read[p] for p in range(i + 1)])
            h = self._operate(i, self.mixture[name], F.dropout(z, self.dropout, self.training), near)
            read.append(self.norm(h).relu())
            rows.append(lambda h=h, post=self.post[i]: post(h.relu()))
        return mixed(leaves, rows) + self.bias

    def _operate(self, node: int, weights: Tensor, z: Tensor, near: Neighbourhood) -> Tensor:
        taken, past = z.split([self.width, z.size(1) - self.width], dim=1)
        operated = self.mixed_operators(node, weights, taken, near)
        return torch.cat([operated, past], dim=1).unflatten(1, (-1, self.width)).transpose(1, 2).flatten(1)

    def mixed_operators(self, node: int, weights: Tensor, taken: Tensor, near: Neighbourhood) -> Tensor:
        """The weighted sum of the operators of a node, of the channels that are mixed `[num_nodes, width]`."""
        return mixed(
            weights, [lambda operator=operator: operator(taken, near) for operator in self.operators[node].children()]
        )
