"""NSTE: every node is encoded as a source and as a target. Kollias, Kalantzis, Ide, Lozano and Abe, AAAI 2022, eq. 5,
whose encoder `digae` has; here the two encodings side by side are classified by a linear map.

    S' = act(D_out^-b (A + I) D_in^-a T W_T),    T' = act(D_in^-a (A + I)^T D_out^-b S W_S)

D_out and D_in have the sums of A + I, S = T = x at first, and act is ReLU.
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
from graphlab.model.directed import block_of, require_nonnegative
from graphlab.model.edges import edge_weight
from graphlab.model.layered import Block
from graphlab.model.sparse_features import FeatureInput, Remembered, SparseRows, convolve
from graphlab.ops.directed_operators import degree_scaled, with_loops
from graphlab.ops.sparse_product import Pattern


class Config(ModelConfig):
    """hidden_dim    width of each encoding
    num_layers    number of layers
    in_exponent   a, of the degrees of targets
    out_exponent  b, of the degrees of sources
    dropout       of both encodings before the last map
    """

    hidden_dim: Annotated[PositiveInt, IntRange(8, 256, log=True)] = 64
    num_layers: Annotated[PositiveInt, IntRange(1, 4)] = 2
    in_exponent: Annotated[Share, FloatRange(0.0, 1.0)] = 0.5
    out_exponent: Annotated[Share, FloatRange(0.0, 1.0)] = 0.5
    dropout: Annotated[Probability, FloatRange(0.0, 0.8)] = 0.5


class SourceTargetEncoder(nn.Module):
    """Layers that make encodings of sources from those of targets and the other way round, with ReLU between them.

    Args:
        widths: Of the input, and of the encodings after each layer.
        in_exponent, out_exponent: a and b.

    Shapes:
        x `[num_nodes, widths[0]]`, or None for the identity, edge_index `[2, E]` -> S and T, each
        `[num_nodes, widths[-1]]`.
    """

    def __init__(self, widths: list[int], in_exponent: float, out_exponent: float) -> None:
        super().__init__()
        self.features = FeatureInput(0.0)
        self.to_source = nn.ModuleList(nn.Linear(i, o, bias=False) for i, o in pairwise(widths))
        self.to_target = nn.ModuleList(nn.Linear(i, o, bias=False) for i, o in pairwise(widths))
        self.exponents = in_exponent, out_exponent
        self._both, self._identity = Remembered(_both_directions), Remembered(_identity)

    def forward(
        self, x: Tensor | None, edge_index: Tensor, weight: Tensor | None, num_nodes: int
    ) -> tuple[Tensor, Tensor]:
        dtype = self.to_source[0].weight.dtype if x is None else x.dtype
        out, into = self._both(edge_index, weight, num_nodes, *self.exponents, dtype)
        source = target = self._identity(edge_index.device, num_nodes, dtype) if x is None else self.features(x)
        for depth, (of_target, of_source) in enumerate(zip(self.to_source, self.to_target, strict=True)):
            if depth:
                assert isinstance(source, Tensor) and isinstance(target, Tensor)
                source, target = source.relu(), target.relu()
            source, target = _layer(target, of_target, out), _layer(source, of_source, into)
        assert isinstance(source, Tensor) and isinstance(target, Tensor)
        return source, target


class NSTE(Model):
    """Encodings of nodes as sources and as targets, and a linear map of both.

    Weights of edges take the places of the ones in A.
    batch.x `[num_nodes, d]`, batch.edge_index `[2, E]` -> `[num_nodes, out_dim]`.
    """

    tasks = frozenset({"node-classification"})
    output_items = frozenset({"nodes"})
    edge_fields = frozenset({"edge_weight"})
    needs_whole_graph = True
    citation = Citation(
        key="kollias2022",
        title="Directed Graph Auto-Encoders",
        authors="Kollias, Georgios and Kalantzis, Vasileios and Ide, Tsuyoshi and Lozano, Aurelie and Abe, Naoki",
        venue="AAAI",
        year=2022,
        url="https://arxiv.org/abs/2202.12449",
    )

    def __init__(self, config: Config, spec: DataSpec) -> None:
        super().__init__()
        self.config, self.out_dim = config, self.row_width(spec, config.hidden_dim)
        widths = [input_dim(spec.node, "nste"), *[config.hidden_dim] * config.num_layers]
        self.encoder = SourceTargetEncoder(widths, config.in_exponent, config.out_exponent)
        self.read_out = nn.Linear(2 * config.hidden_dim, self.out_dim)

    @property
    def num_hops(self) -> int:
        return self.config.num_layers

    def forward(self, batch: Data) -> Tensor:
        weight = edge_weight(batch)
        require_nonnegative(weight, "nste")
        encodings = self.encoder(batch["x"], batch["edge_index"], weight, int(batch.num_nodes or 0))
        rows = torch.cat(encodings, dim=1).relu()
        return self.read_out(F.dropout(rows, self.config.dropout, self.training))


def _layer(rows: Tensor | SparseRows, linear_map: nn.Module, block: Block) -> Tensor:
    assert isinstance(linear_map, nn.Linear)
    return convolve(rows, linear_map.weight, block.sum)


def _identity(device: torch.device, num_nodes: int, dtype: torch.dtype) -> SparseRows:
    """One column a node."""
    node = torch.arange(num_nodes, device=device)
    return SparseRows(Pattern(node, node, num_nodes, num_nodes), torch.ones(num_nodes, dtype=dtype, device=device))


def _both_directions(
    edge_index: Tensor,
    weight: Tensor | None,
    num_nodes: int,
    in_exponent: float,
    out_exponent: float,
    dtype: torch.dtype,
) -> tuple[Block, Block]:
    """Along the edges that leave nodes, and along those that enter them."""
    edges, values = with_loops(edge_index, weight, num_nodes)
    out = degree_scaled(edges, values, num_nodes, out_exponent, in_exponent)
    into = degree_scaled(edges.flip(0), values, num_nodes, in_exponent, out_exponent)
    return block_of(out, num_nodes, dtype), block_of(into, num_nodes, dtype)


PRESETS = {
    "node-classification": Preset(
        source="GraphLab's own choice: the publication predicts links",
        is_published=False,
        training={"epochs": 300, "lr": 0.01, "weight_decay": 5e-4},
        num_parameters={
            DataSpec("nodes", (Target("y", "node", "class", 7),), node=Continuous(1433), directed=True): (
                2 * 1433 * 64 + 2 * 64 * 64 + 2 * 64 * 7 + 7
            )
        },
    ),
}
