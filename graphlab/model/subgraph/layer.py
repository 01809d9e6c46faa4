"""One step of a subgraph GNN. Zhang et al., ICML 2023, eq. 4:

h <- relu(BN(sum_op MLP_op((1 + eps_op) h + agg_op(h))))
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch_geometric.data import Data

from graphlab.data.spec import Features
from graphlab.model.observation import is_observed, observe
from graphlab.model.subgraph.aggregation import DIRECT, LOCAL, Aggregation, aggregate
from graphlab.model.subgraph.inputs import EdgeTable
from graphlab.model.subgraph.tuples import Tuples
from graphlab.ops.compiled import MAX_WIDTH
from graphlab.ops.norm_relu import Moments
from graphlab.ops.tuple_layer import Branch as CompiledBranch
from graphlab.ops.tuple_layer import tuple_layer


class Branch(nn.Module):
    """MLP((1 + eps) h + agg(h)) of one aggregation; MLP = linear, batch normalisation, relu, linear."""

    observation_points = ("aggregate",)

    def __init__(self, name: Aggregation, dim: int, edge: Features | None) -> None:
        super().__init__()
        self.name: Aggregation = name
        self.eps = nn.Parameter(torch.zeros(()))
        self.table = EdgeTable(edge, dim) if name in LOCAL and edge is not None else None
        self.first, self.norm, self.second = nn.Linear(dim, dim), nn.BatchNorm1d(dim), nn.Linear(dim, dim)

    def forward(self, tuples: Tuples, h: Tensor, batch: Data) -> Tensor:
        table = None if self.table is None else self.table(batch, h.dtype)
        aggregated = observe(self, "aggregate", aggregate(self.name, tuples, h, table, 1 + self.eps))
        return self.second(self.norm(self.first(aggregated)).relu())

    def parts(self, tuples: Tuples, h: Tensor, batch: Data) -> CompiledBranch:
        """What `tuple_layer` takes of it."""
        first, norm, second = self.first, self.norm, self.second
        return CompiledBranch(
            messages=tuples.messages(self.name),  # pyright: ignore[reportArgumentType]
            table=None if self.table is None else self.table(batch, h.dtype),
            self_weight=1 + self.eps,
            weight_1=first.weight,
            bias_1=first.bias,
            gamma=norm.weight,
            beta=norm.bias,
            weight_2=second.weight,
            bias_2=second.bias,
        )


class Layer(nn.Module):
    """The sum of branches, normalised and rectified: `[T, dim]` to `[T, dim]`.

    While training on the CPU, branches that hear of single tuples are computed together by `tuple_layer`, unless they
    are observed.
    """

    def __init__(self, aggregations: tuple[Aggregation, ...], dim: int, edge: Features | None) -> None:
        super().__init__()
        self.branches = nn.ModuleList(Branch(name, dim, edge) for name in aggregations)
        self.norm = nn.BatchNorm1d(dim)
        self.direct = all(name in DIRECT for name in aggregations)

    def forward(self, tuples: Tuples, h: Tensor, batch: Data) -> Tensor:
        branches: list[Branch] = list(self.branches)  # pyright: ignore[reportAssignmentType]
        compiled = self.training and h.is_cpu and h.dtype in (torch.float32, torch.float64)
        compiled = compiled and not any(map(is_observed, branches))
        if not compiled or not self.direct or len(h) < 2 or h.size(1) > MAX_WIDTH:
            return self.norm(sum(branch(tuples, h, batch) for branch in branches)).relu()
        parts = [branch.parts(tuples, h, batch) for branch in branches]
        out, moments = tuple_layer(h, parts, self.norm.weight, self.norm.bias, self.norm.eps)
        norms = [*(branch.norm for branch in branches), self.norm]
        for norm, found in zip(norms, moments, strict=True):
            _track(norm, found, len(h))
        return out


def _track(norm: nn.BatchNorm1d, moments: Moments, num_rows: int) -> None:
    """Move the running mean and the running unbiased variance, as PyTorch does."""
    share = norm.momentum or 0.0
    for running, value in (
        (norm.running_mean, moments.mean),
        (norm.running_var, moments.variance * num_rows / (num_rows - 1)),
    ):
        assert running is not None
        running.lerp_(torch.from_numpy(value).to(running.dtype), share)
    assert norm.num_batches_tracked is not None
    norm.num_batches_tracked.add_(1)
