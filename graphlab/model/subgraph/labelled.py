"""Layers that read the labels of tuples anew, as the networks of NGNN and I2-GNN for ZINC do. Huang et al., ICLR 2023,
and the code published with it.

    z = sum of a vector for each label, of one table, + linear(resistances)
    y = GIN([h | z])            of which the MLP is twice as wide inside as what it is given
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch_geometric.data import Data

from graphlab.data.spec import Categorical, DataSpec, Features
from graphlab.model.subgraph.convolution import Convolution
from graphlab.model.subgraph.inputs import RawNodes
from graphlab.model.subgraph.policies.shells import EgoShells
from graphlab.ops.tuple_spmm import Messages

NODE_DIM = 8
"""Width of the vectors of node categories."""


class NumberedNodes(nn.Module):
    """Node vectors `[num_nodes, out_dim]`: of categories their vectors of width 8 and, beside them, their numbers; else
    as `RawNodes`."""

    def __init__(self, features: Features | None) -> None:
        super().__init__()
        self.node = RawNodes(features, NODE_DIM)
        self.is_numbered = isinstance(features, Categorical)
        self.out_dim = self.node.out_dim + (len(features.sizes) if isinstance(features, Categorical) else 0)

    def forward(self, batch: Data) -> Tensor:
        rows = self.node(batch)
        return torch.cat([rows, batch["x"].to(rows.dtype)], dim=1) if self.is_numbered else rows


class LabelInput(nn.Module):
    """z of tuples, `[T, dim]`, of labels as a policy of shells gives them."""

    def __init__(self, policy: EgoShells, dim: int) -> None:
        super().__init__()
        self.table = nn.Embedding(max(policy.label_sizes), dim)
        self.resistance = nn.Linear(policy.num_values, dim) if policy.num_values else None

    def forward(self, batch: Data) -> Tensor:
        z = self.table(batch["tuple_label"].long()).sum(1)
        if self.resistance is None:
            return z
        return z + self.resistance(batch["tuple_value"].to(self.resistance.weight.dtype))


class LabelledConvolution(nn.Module):
    """h `[T, width]` -> y `[T, dim]`, and z."""

    def __init__(self, policy: EgoShells, spec: DataSpec, width: int, dim: int) -> None:
        super().__init__()
        self.labels = LabelInput(policy, width)
        self.convolution = Convolution(dim, spec.edge, 2 * width, inner_dim=4 * width)

    def forward(self, messages: Messages, h: Tensor, batch: Data) -> tuple[Tensor, Tensor]:
        z = self.labels(batch)
        return self.convolution(messages, torch.cat([h, z], dim=1), batch), z
