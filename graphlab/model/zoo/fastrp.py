"""FastRP. Chen, Sultan, Tian, Chen and Skiena, CIKM 2019: powers of the transition matrix, seen through a random
projection.

    N_1 = M D^beta R,    N_k = M N_(k-1),    E = sum over k of w_k N_k,    columns of E standardised

M is D^-1 A, or A itself; D are the degrees and R a random matrix `[num_nodes, dim]`: normal numbers of variance
1 / dim, or with s = sqrt(num_nodes) the numbers +-sqrt(s / dim) with a chance of 1 / (2 s) each and else 0 (Li, Hastie
and Church, KDD 2006). With `normalise` rows of N_k are scaled to length 1 before they are summed, as the released code
offers. The score of a pair is the cosine of its rows. Nothing is learned; R is drawn like a model's weights.

Tuned weights are those of the data; the paper has w_1 = w_2 = 0, w_3 = 1 and searches w_4 and beta.
"""

from __future__ import annotations

import math
from typing import Annotated, Literal

import torch
import torch.nn.functional as F
from pydantic import Field, field_validator
from torch import Tensor
from torch_geometric.data import Data

from graphlab.core.citation import Citation
from graphlab.core.config import Choices, FloatRange, IntRange, PositiveInt
from graphlab.data.spec import DataSpec
from graphlab.model.base import LinkModel, ModelConfig, require_transductive, visible_edges
from graphlab.model.sparse_features import Remembered
from graphlab.ops.neighbour_sum import Neighbours, neighbour_sum


class Config(ModelConfig):
    """embedding_dim  width of the projection
    weights        w_1, w_2, ..., one a power
    beta           exponent of the degrees
    projection     gaussian or sparse
    matrix         transition, D^-1 A, or adjacency
    normalise      whether rows of each power are scaled to length 1
    """

    embedding_dim: Annotated[PositiveInt, IntRange(16, 512, log=True)] = 128
    weights: Annotated[tuple[float, ...], Field(strict=False)] = (0.0, 0.0, 1.0, 4.0)
    beta: Annotated[float, FloatRange(-1.0, 0.0)] = -0.5
    projection: Annotated[Literal["gaussian", "sparse"], Choices()] = "sparse"
    matrix: Annotated[Literal["transition", "adjacency"], Choices()] = "transition"
    normalise: Annotated[bool, Choices((False, True))] = False

    @field_validator("weights")
    @classmethod
    def _some(cls, weights: tuple[float, ...]) -> tuple[float, ...]:
        if not weights or not all(map(math.isfinite, weights)) or not any(weights):
            raise ValueError("give a finite number for each power, not all of them 0")
        return weights


class FastRP(LinkModel):
    """No parameters: sums of powers of the transition matrix, projected at random."""

    citation = Citation(
        key="chen2019fastrp",
        title="Fast and Accurate Network Embeddings via Very Sparse Random Projection",
        authors="Chen, Haochen and Sultan, Syed Fahad and Tian, Yingtao and Chen, Muhao and Skiena, Steven",
        venue="CIKM",
        year=2019,
        url="https://arxiv.org/abs/1908.11512",
    )

    def __init__(self, config: Config, spec: DataSpec) -> None:
        super().__init__()
        self.config, self.out_dim = config, config.embedding_dim
        num_nodes = require_transductive("fastrp", spec)
        self.register_buffer("projection", project(config.projection, num_nodes, config.embedding_dim))
        self._neighbours = Remembered(_by_target)

    def encode(self, graph: Data) -> Tensor:
        """E with rows of length 1, `[num_nodes, embedding_dim]`."""
        neighbours, degree = self._neighbours(visible_edges(graph), int(graph.num_nodes or 0))
        projection = self.get_buffer("projection")
        degree = degree.to(projection.dtype).unsqueeze(1)
        rows, total = projection * degree.clamp(min=1) ** self.config.beta, torch.zeros_like(projection)
        for weight in self.config.weights:
            rows = neighbour_sum(neighbours, rows)
            if self.config.matrix == "transition":
                rows = rows / degree.clamp(min=1)
            total = total + weight * (F.normalize(rows, dim=1) if self.config.normalise else rows)
        return F.normalize(standardised(total), dim=1)

    def score_nodes(self, encoding: Tensor, sources: Tensor, candidates: Tensor | None = None) -> Tensor:
        if candidates is None:
            return encoding[sources] @ encoding.T
        return (encoding[sources].unsqueeze(1) * encoding[candidates]).sum(-1)


def project(kind: Literal["gaussian", "sparse"], num_nodes: int, dim: int) -> Tensor:
    """R `[num_nodes, dim]`, from torch's generator."""
    if kind == "gaussian":
        return torch.randn(num_nodes, dim) / math.sqrt(dim)
    sparsity = math.sqrt(num_nodes)
    uniform = torch.rand(num_nodes, dim) * 2 * sparsity
    sign = (uniform < 1).float() - ((uniform >= 1) & (uniform < 2)).float()
    return sign * math.sqrt(sparsity / dim)


def standardised(rows: Tensor) -> Tensor:
    """Columns of mean 0 and standard deviation 1; those that are constant are 0."""
    deviation = rows.std(0, correction=0)
    return (rows - rows.mean(0)) / torch.where(deviation > 0, deviation, 1)


def _by_target(edge_index: Tensor, num_nodes: int) -> tuple[Neighbours, Tensor]:
    return Neighbours(edge_index, num_nodes, num_nodes), edge_index[1].bincount(minlength=num_nodes)
