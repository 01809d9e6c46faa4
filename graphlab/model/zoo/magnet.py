"""MagNet. Zhang, He, Brugnone, Perlmutter and Hirn, NeurIPS 2021: convolutions by a Hermitian Laplacian whose phases
are the directions of edges.

    Z' = complexReLU(sum over k = 0 to K of T_k(L - I) Z W_k + B)

L is the normalised magnetic Laplacian of charge q (`graphlab.ops.directed_operators.magnetic`), T_k Chebyshev's
polynomials, W_k real, and B one real bias that is added to the real and to the imaginary part. complexReLU keeps a
number whose real part is not negative. The first Z is x + i x; a linear map of real and imaginary parts of the last
gives the classes (eq. 4 to 6). q = 0 is a network on the undirected graph.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch_geometric.data import Data

from graphlab.core.citation import Citation
from graphlab.core.config import FloatRange, IntRange, PositiveInt, Probability, Share
from graphlab.data.spec import Continuous, DataSpec, Target
from graphlab.model.base import Model, ModelConfig, Preset, input_dim
from graphlab.model.directed import ComplexBlock, require_nonnegative, searched_presets
from graphlab.model.edges import edge_weight
from graphlab.model.sparse_features import FeatureInput, Remembered, SparseRows, linear
from graphlab.ops.directed_operators import magnetic


class Config(ModelConfig):
    """hidden_dim  width of each layer, in complex numbers
    num_layers  number of convolutions
    order       K, the degree of the polynomials
    q           charge of the Laplacian; at .25 an edge against another cancels it
    dropout     of the rows before the last map
    """

    hidden_dim: Annotated[PositiveInt, IntRange(8, 128, log=True)] = 16
    num_layers: Annotated[PositiveInt, IntRange(1, 4)] = 2
    order: Annotated[PositiveInt, IntRange(1, 3)] = 1
    q: Annotated[Share, FloatRange(0.0, 0.25)] = 0.25
    dropout: Annotated[Probability, FloatRange(0.0, 0.8)] = 0.5


class MagNetConv(nn.Module):
    """sum over k of T_k(M) Z W_k + B, by Clenshaw's recurrence, which multiplies narrow rows.

    Rows `[num_nodes, 2 width]`, real parts before imaginary ones, or `[num_nodes, width]` that are both ->
    `[num_nodes, 2 out_dim]`.
    """

    def __init__(self, width: int, out_dim: int, order: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(order + 1, width, out_dim))
        self.bias = nn.Parameter(torch.zeros(out_dim))
        for each in self.weight:
            nn.init.xavier_uniform_(each)

    def forward(self, rows: Tensor | SparseRows, block: ComplexBlock) -> Tensor:
        later, latest = None, None
        for weight in reversed(self.weight[1:].unbind()):
            term = self._map(rows, weight)
            if later is not None:
                term = term + 2 * block.sum(later)
            if latest is not None:
                term = term - latest
            later, latest = term, later
        assert later is not None
        out = self._map(rows, self.weight[0]) + block.sum(later) + self.bias.repeat(2)
        return out if latest is None else out - latest

    def _map(self, rows: Tensor | SparseRows, weight: Tensor) -> Tensor:
        if isinstance(rows, SparseRows) or rows.shape[1] == len(weight):
            return linear(rows, weight.T).repeat(1, 2)
        return torch.cat([part @ weight for part in rows.chunk(2, dim=1)], dim=1)


class MagNet(Model):
    """Convolutions by the magnetic Laplacian, each followed by the complex ReLU, and a linear map.

    Loops are left out. Weights of edges take the places of the ones in A, in sizes and in phases.
    batch.x `[num_nodes, d]`, batch.edge_index `[2, E]` -> `[num_nodes, out_dim]`.
    """

    tasks = frozenset({"node-classification"})
    output_items = frozenset({"nodes"})
    edge_fields = frozenset({"edge_weight"})
    needs_whole_graph = True
    citation = Citation(
        key="zhang2021magnet",
        title="MagNet: A Neural Network for Directed Graphs",
        authors="Zhang, Xitong and He, Yixuan and Brugnone, Nathan and Perlmutter, Michael and Hirn, Matthew",
        venue="NeurIPS",
        year=2021,
        url="https://arxiv.org/abs/2102.11391",
    )

    def __init__(self, config: Config, spec: DataSpec) -> None:
        super().__init__()
        self.config, self.out_dim = config, self.row_width(spec, config.hidden_dim)
        widths = [input_dim(spec.node, "magnet"), *[config.hidden_dim] * config.num_layers]
        self.features = FeatureInput(0.0)
        self.convs = nn.ModuleList(MagNetConv(i, o, config.order) for i, o in pairwise(widths))
        self.read_out = nn.Linear(2 * config.hidden_dim, self.out_dim)
        self._block = Remembered(_block)

    @property
    def num_hops(self) -> int:
        return self.config.num_layers * self.config.order

    def forward(self, batch: Data) -> Tensor:
        x, weight = batch["x"], edge_weight(batch)
        require_nonnegative(weight, "magnet")
        block = self._block(batch["edge_index"], weight, int(batch.num_nodes or 0), self.config.q, x.dtype)
        rows: Tensor | SparseRows = self.features(x)
        for conv in self.convs:
            rows = complex_relu(conv(rows, block))
        assert isinstance(rows, Tensor)
        return self.read_out(F.dropout(rows, self.config.dropout, self.training))


def complex_relu(rows: Tensor) -> Tensor:
    """Numbers whose real part is not negative, and 0 else; rows `[n, 2 d]`, real parts before imaginary ones."""
    kept = rows.chunk(2, dim=1)[0] >= 0
    return rows * kept.repeat(1, 2)


def _block(edge_index: Tensor, weight: Tensor | None, num_nodes: int, q: float, dtype: torch.dtype) -> ComplexBlock:
    return ComplexBlock(magnetic(edge_index, weight, num_nodes, q), num_nodes, dtype)


PRESETS = {
    **searched_presets("hidden_dim", "q", "order", "dropout"),
    "node-classification": Preset(
        source="GraphLab's own choice: the published settings were searched for each data set",
        is_published=False,
        training={"epochs": 300, "lr": 0.01, "weight_decay": 5e-4},
        num_parameters={
            DataSpec("nodes", (Target("y", "node", "class", 7),), node=Continuous(1433), directed=True): (
                2 * 1433 * 16 + 16 + 2 * 16 * 16 + 16 + 32 * 7 + 7
            )
        },
    ),
}
