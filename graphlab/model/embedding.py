"""What the embedding models of knowledge graphs share: a vector an entity, a vector a relation."""

from __future__ import annotations

from typing import Annotated

from torch import Tensor, nn
from torch.nn import functional as F
from torch_geometric.data import Data

from graphlab.core.config import FloatRange, IntRange, PositiveFloat, PositiveInt, Probability
from graphlab.data.spec import DataSpec
from graphlab.model.base import ModelConfig, TripleModel, require_transductive

TUNED = "GraphLab default: tuned for minutes on one core, not published"
"""The source of recipes of our own."""


class EmbeddingConfig(ModelConfig):
    """dim         real numbers an entity
    init_scale  standard deviation of the initial vectors, times sqrt(dim)
    dropout     of the query's and the candidates' coordinates
    """

    dim: Annotated[PositiveInt, IntRange(16, 512, log=True)] = 128
    init_scale: Annotated[PositiveFloat, FloatRange(0.1, 10.0, log=True)] = 1.0
    dropout: Annotated[Probability, FloatRange(0.0, 0.6)] = 0.0


class EmbeddingModel(TripleModel):
    """Scores (h, r, t) by comparing a query vector, made of h and r, with the vector of t.

    A subclass gives `query` and `compare`; inverse relations have no vectors of their own, `query` inverts
    them by algebra, so that (t, r + R, h) scores as (h, r, t) does.
    """

    def __init__(self, config: EmbeddingConfig, spec: DataSpec) -> None:
        super().__init__()
        num_entities = require_transductive(type(self).__name__, spec)
        self.num_relations = spec.num_relations
        self.out_dim = config.dim
        self.dropout = config.dropout
        self.entity = nn.Embedding(num_entities, config.dim)
        self.relation = nn.Embedding(spec.num_relations, config.dim)
        for table in (self.entity, self.relation):
            nn.init.normal_(table.weight, std=config.init_scale / config.dim**0.5)

    def query(self, head: Tensor, relation: Tensor, inverse: Tensor) -> Tensor:
        """Query vectors `[B, dim]` of heads and relations `[B, dim]`; `inverse` is bool `[B, 1]`."""
        raise NotImplementedError

    def compare(self, query: Tensor, candidates: Tensor) -> Tensor:
        """Scores `[B, K]` of queries `[B, dim]` and candidates `[B, K, dim]`, or `[K, dim]` that all queries share."""
        if candidates.dim() == 2:
            return query @ candidates.T
        return (candidates @ query.unsqueeze(-1)).squeeze(-1)

    def score(self, graph: Data, head: Tensor, relation: Tensor, tail: Tensor | None = None) -> Tensor:
        inverse = (relation >= self.num_relations).unsqueeze(1)
        vectors = self._drop(self.entity(head)), self._drop(self.relation(relation % self.num_relations))
        query = self.query(*vectors, inverse)
        return self.compare(query, self.entity.weight if tail is None else self._drop(self.entity(tail)))

    def _drop(self, vectors: Tensor) -> Tensor:
        return F.dropout(vectors, self.dropout, self.training)
