"""SSWL+ as it is written with PyTorch alone: messages listed, gathered, scattered; the same function and weights."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch_geometric.data import Data

from graphlab.model.subgraph.inputs import edge_kinds
from graphlab.model.subgraph.network import SubgraphNetwork


class PlainSubgraphNetwork(SubgraphNetwork):
    """What a model of uL, vL and vv becomes when it is given this class. Batches carry their messages; see `listed`."""

    def forward(self, batch: Data) -> Tensor:
        tuples = self.policy.tuples(batch, edge_kinds(batch, self.edge))
        h = self.start(tuples, batch)
        layers: Any = self.layers
        for layer in layers:
            h = layer.norm(sum(self._branch(branch, h, batch) for branch in layer.branches)).relu()
        pooled = h.new_zeros(tuples.num_roots, h.size(1)).index_add(0, tuples.root, h)
        readout: Any = self.readout
        return readout.norm(readout.mlp(pooled)).relu()

    def _branch(self, branch: Any, h: Tensor, batch: Data) -> Tensor:
        heard = plain_sum(
            h, batch[f"listed_{branch.name}"], None if branch.table is None else branch.table(batch, h.dtype)
        )
        x = (1 + branch.eps) * h + heard
        return branch.second(branch.norm(branch.first(x)).relu())


def plain_sum(h: Tensor, messages: tuple[Tensor, Tensor, Tensor], table: Tensor | None) -> Tensor:
    """Gather, rectify, scatter."""
    target, source, kind = messages
    sent = h.index_select(0, source)
    if table is not None:
        sent = (sent + table.index_select(0, kind)).relu()
    return torch.zeros_like(h).index_add(0, target, sent)


def listed(model: SubgraphNetwork, batch: Data) -> Data:
    """The batch with all messages laid out, once."""
    tuples = model.policy.tuples(batch, edge_kinds(batch, model.edge))
    for name in ("uL", "vL", "vv"):
        batch[f"listed_{name}"] = tuples.messages(name).pairs()
    return batch
