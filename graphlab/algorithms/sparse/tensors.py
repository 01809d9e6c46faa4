"""Batches as the tensors that message passing takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from graphlab.algorithms.sparse.trajectory import SparseBatch

if TYPE_CHECKING:
    import torch
    from torch_geometric.data import Data


def to_data(of: SparseBatch, dtype: torch.dtype | None = None) -> Data:
    """A batch as one graph of PyG, with each probe under its name and `batch`, `lengths`, `num_nodes` and `num_graphs`.

    Hints have their steps as the axis after the rows, as `graphlab.data.spec.Target` says. Pointers name nodes of the
    whole, as `edge_index` does; a pointer of a node to itself is no edge.

    Args:
        of: The trajectories.
        dtype: Of real-valued probes; by default float32. The other probes are int64.

    Shapes, by location of the probe (node, edge, graph), for N nodes and E edges in all and B graphs:
        inputs, outputs: `[N]`, `[E]`, `[B]`
        hints: `[N, steps]`, `[E, steps]`, `[B, steps]`
        edge_index: int64 `[2, E]`
        batch: int64 `[N]`, the graph of each node
    """
    import torch
    from torch_geometric.data import Data

    real = torch.float32 if dtype is None else dtype
    data = Data(edge_index=torch.from_numpy(of.edge_index), batch=torch.from_numpy(of.graph))
    data.num_nodes, data.num_graphs = int(of.num_nodes.sum()), len(of)
    data.lengths = torch.from_numpy(of.lengths)
    for arrays in (of.inputs, of.hints, of.outputs):
        for name, array in arrays.items():
            rows = torch.from_numpy(np.ascontiguousarray(array.T))
            data[name] = rows.to(real if of.algorithm.probe(name).type == "value" else torch.int64)
    return data
