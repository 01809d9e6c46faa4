"""HOPE: embeddings that keep asymmetric transitivity. Ou, Cui, Pei, Zhang and Zhu, KDD 2016, eq. 8.

    S = (I - beta A)^-1 beta A  ~  U diag(s) V^T,    score(u, v) = (U sqrt(s))_u . (V sqrt(s))_v

S is Katz's index along the edges, and the product the best of its rank. The publication takes a generalised singular
value decomposition of the two factors of S; here it is that of S, by products with sparse solutions.
"""

from __future__ import annotations

from typing import Annotated

import numpy as np
import torch
from torch import Tensor
from torch_geometric.data import Data

from graphlab.core.citation import Citation
from graphlab.core.config import FloatRange, IntRange, PositiveFloat, PositiveInt
from graphlab.data.spec import DataSpec
from graphlab.model.base import ModelConfig
from graphlab.model.source_target import SourceTarget, SourceTargetModel
from graphlab.model.sparse_features import Remembered
from graphlab.ops.directed_katz import adjacency, katz_triplets


class Config(ModelConfig):
    """embedding_dim  rank of the product, and width of the rows of sources and of those of targets
    beta           weight of an edge: a walk of t counts beta^t; below 1 / spectral radius of the adjacency
    """

    embedding_dim: Annotated[PositiveInt, IntRange(8, 256, log=True)] = 64
    beta: Annotated[PositiveFloat, FloatRange(0.001, 0.1, log=True)] = 0.01


class HOPE(SourceTargetModel):
    """No parameters: walks along the edges from a source to a target, shorter ones weighing more."""

    scores_are_logits = False
    citation = Citation(
        key="ou2016",
        title="Asymmetric Transitivity Preserving Graph Embedding",
        authors="Ou, Mingdong and Cui, Peng and Pei, Jian and Zhang, Ziwei and Zhu, Wenwu",
        venue="KDD",
        year=2016,
        url="https://doi.org/10.1145/2939672.2939751",
    )

    def __init__(self, config: Config, spec: DataSpec) -> None:
        super().__init__()
        self.config, self.out_dim = config, config.embedding_dim
        self._embedded = Remembered(self._embed)

    def encode(self, graph: Data) -> SourceTarget:
        """Rows float32 `[num_nodes, k]`, k at most the number of nodes.

        Raises InputError where beta is so large that Katz's sum is infinite."""
        return self._embedded(graph["edge_index"], int(graph.num_nodes or 0))

    def _embed(self, edge_index: Tensor, num_nodes: int) -> SourceTarget:
        matrix = adjacency(edge_index.numpy(force=True), num_nodes)
        left, values, right = katz_triplets(matrix, self.config.beta, self.config.embedding_dim)
        rows = (torch.from_numpy(side * np.sqrt(values)).float().to(edge_index.device) for side in (left, right))
        return SourceTarget(*rows)
