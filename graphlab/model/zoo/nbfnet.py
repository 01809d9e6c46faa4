"""Neural Bellman-Ford network. Zhu et al., NeurIPS 2021, algorithm 1 and table 2.

For a query (u, q, ?):

    h^0_v = 1[v = u] q                                                      INDICATOR
    h^l_v = AGGREGATE({MESSAGE(h^(l-1)_x, w_q(x, r, v))} with h^0_v)        over edges x -r-> v
    score(v) = MLP([h^L_v, q])

Facts are walked in both directions: relation r + R is the inverse of r. AGGREGATE is followed by a linear map
of [h^(l-1), aggregate], layer normalisation, ReLU and a residual sum. The entities have no parameters, so the
model scores graphs that it has never seen. Only the states that the scores depend on are computed; see
`graphlab.ops.frontier`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Literal, Self

import torch
from pydantic import model_validator
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint
from torch_geometric.data import Data

from graphlab.core.citation import Citation
from graphlab.core.config import Choices, IntRange, PositiveInt
from graphlab.data.spec import DataSpec
from graphlab.model.base import ModelConfig, Preset, TripleModel
from graphlab.ops.frontier import Step, make_frontier
from graphlab.ops.relational_spmm import MOMENTS, Message, Reduce, RelationalGraph, relational_spmm_pairs

SCALERS = 3
"""PNA's degree scalers: identity, amplification, attenuation. Corso et al., NeurIPS 2020, eq. 5."""

SCALE_FLOOR = 0.01
"""Least amplification, which bounds the attenuation 1 / s of nodes that receive nothing."""

READOUT_ELEMENTS = 2**24
"""Numbers of the readout's hidden layer that are held at once."""


class Config(ModelConfig):
    """dim         width of a node's state
    num_layers  steps of the Bellman-Ford iteration, the longest path that is seen
    message     MESSAGE: translation, product, or rotation (dim even)
    aggregate   AGGREGATE: one reduction, or principal neighbourhood aggregation
    dependent   relation weights are a linear map of the query (a layer) rather than vectors of their own
    layer_norm, residual  as above
    recompute   keep no activations of a layer but its result, and make them again in the backward pass
    """

    dim: Annotated[PositiveInt, IntRange(8, 64, log=True)] = 32
    num_layers: Annotated[PositiveInt, IntRange(2, 8)] = 6
    message: Annotated[Message, Choices()] = "distmult"
    aggregate: Annotated[Literal["sum", "mean", "max", "pna"], Choices()] = "pna"
    dependent: Annotated[bool, Choices((False, True))] = True
    layer_norm: bool = True
    residual: bool = True
    recompute: bool = False

    @model_validator(mode="after")
    def _rotations_are_pairs(self) -> Self:
        if self.message == "rotate" and self.dim % 2:
            raise ValueError("message rotate needs an even dim")
        return self


class NBFNet(TripleModel):
    """Path-based scores of all entities for one (head, relation), in one run over the graph."""

    citation = Citation(
        key="zhu2021",
        title="Neural Bellman-Ford Networks: A General Graph Neural Network Framework for Link Prediction",
        authors="Zhu, Zhang, Xhonneux and Tang",
        year=2021,
        url="https://arxiv.org/abs/2106.06935",
        venue="NeurIPS",
    )

    def __init__(self, config: Config, spec: DataSpec) -> None:
        super().__init__()
        self.config = config
        self.out_dim = config.dim
        self.query = nn.Embedding(2 * spec.num_relations, config.dim)
        self.layers = nn.ModuleList(BellmanFordLayer(config, 2 * spec.num_relations) for _ in range(config.num_layers))
        self.readout = nn.Sequential(nn.Linear(2 * config.dim, 2 * config.dim), nn.ReLU(), nn.Linear(2 * config.dim, 1))

    def score(
        self,
        graph: Data,
        head: Tensor,
        relation: Tensor,
        tail: Tensor | None = None,
        *,
        edge_weights: Sequence[Tensor] | None = None,
    ) -> Tensor:
        """As `TripleModel.score`.

        edge_weights: one `[2 E]` a layer, for the facts and then their inverses; the gradients of a score with
        respect to weights of 1 say how much each edge matters in each step of a path.
        """
        rows, answer = self._propagate(graph, head, relation, tail, edge_weights)
        return self._readout(rows, answer, self.query(relation))

    def states(self, graph: Data, head: Tensor, relation: Tensor, tail: Tensor | None = None) -> Tensor:
        """What the readout sees of the candidates, h^L: `[B, K, dim]`, `[B, num_nodes, dim]` for tail None."""
        rows, answer = self._propagate(graph, head, relation, tail, None)
        return rows[answer]

    def _propagate(
        self,
        graph: Data,
        head: Tensor,
        relation: Tensor,
        tail: Tensor | None,
        edge_weights: Sequence[Tensor] | None,
    ) -> tuple[Tensor, Tensor]:
        """States `[rows, dim]` after the last layer, and the rows of the candidates `[B, K]`."""
        num_nodes, query = int(graph.num_nodes or 0), self.query(relation)
        edges = RelationalGraph.with_inverses(
            graph["edge_index"], graph["edge_type"], num_nodes, self.query.num_embeddings // 2
        )
        edge_mask = graph["edge_mask"].repeat(2) if "edge_mask" in graph else None
        frontier = make_frontier(edges, edge_mask, head, tail, self._groups(relation))
        scale = degree_scale(edges, edge_mask).to(query.dtype)
        states = torch.cat([query, query.new_zeros(1, self.out_dim)])
        weights = edge_weights or [None] * len(self.layers)
        for layer, step, edge_weight in zip(self.layers, frontier.steps, weights, strict=True):
            given = (edges, edge_mask, edge_weight, step, scale[step.pairs.node], states, query)
            if self.config.recompute and torch.is_grad_enabled():
                states = checkpoint(layer, *given, use_reentrant=False)
            else:
                states = layer(*given)
        return states, frontier.answer

    def _groups(self, relation: Tensor) -> list[Tensor]:
        """Which queries share the states of nodes that they do not reach, for each layer: all, where relation vectors
        do not depend on the query, and in the first layer, where such nodes only hear products with zero."""
        everyone = torch.zeros_like(relation)
        by_relation = torch.unique(relation, return_inverse=True)[1] if self.config.dependent else everyone
        first = by_relation if self.config.message == "transe" else everyone
        return [first, *[by_relation] * (len(self.layers) - 1)]

    def _readout(self, states: Tensor, answer: Tensor, query: Tensor) -> Tensor:
        """MLP([h, q]) of each candidate. Its first map is split into those of h and q, so that a state that many
        queries share is mapped once, and the queries are taken a few at a time, which bounds the memory."""
        first, activation, last = self.readout
        of_state, of_query = first.weight.chunk(2, dim=1)
        states, query = F.linear(states, of_state), F.linear(query, of_query, first.bias).unsqueeze(1)
        few = max(1, READOUT_ELEMENTS // (answer.size(1) * states.size(1)))
        parts = zip(answer.split(few), query.split(few), strict=True)
        return torch.cat([last(activation(states[rows] + asked)).squeeze(-1) for rows, asked in parts])


class BellmanFordLayer(nn.Module):
    """One MESSAGE and AGGREGATE step with its update."""

    def __init__(self, config: Config, num_relations: int) -> None:
        super().__init__()
        dim = config.dim
        self.num_relations = num_relations
        self.message: Message = config.message
        self.aggregate: Reduce = config.aggregate
        self.residual = config.residual
        self.relation: nn.Linear | nn.Embedding
        if config.dependent:
            self.relation = nn.Linear(dim, num_relations * dim)
        else:
            self.relation = nn.Embedding(num_relations, dim)
        aggregate_dim = SCALERS * MOMENTS * dim if config.aggregate == "pna" else dim
        self.update = nn.Linear(dim + aggregate_dim, dim)
        self.norm = nn.LayerNorm(dim) if config.layer_norm else nn.Identity()

    def forward(
        self,
        edges: RelationalGraph,
        edge_mask: Tensor | None,
        edge_weight: Tensor | None,
        step: Step,
        scale: Tensor,
        states: Tensor,
        query: Tensor,
    ) -> Tensor:
        """States after the step `[P, dim]` of states before; `scale` is `[P, 1]` and `query` `[B, dim]`."""
        row, column = step.heads
        aggregate = relational_spmm_pairs(
            edges,
            step.pairs,
            self._relations(query, step),
            states,
            edge_weight=edge_weight,
            edge_mask=edge_mask,
            boundary=query.new_zeros(len(step.own), query.size(1)).index_put((row,), query[column]),
            message=self.message,
            reduce=self.aggregate,
        )
        own = states[step.own]
        hidden = F.relu(self.norm(self._update(own, aggregate, scale)))
        return hidden + own if self.residual else hidden

    def _relations(self, query: Tensor, step: Step) -> Tensor:
        """Relation vectors: `[slots, R, dim]` if they depend on the query, else `[R, dim]`."""
        if isinstance(self.relation, nn.Embedding):
            return self.relation.weight
        return self.relation(query).view(len(query), self.num_relations, -1)[step.query]

    def _update(self, states: Tensor, aggregate: Tensor, scale: Tensor) -> Tensor:
        """The linear map of [states, aggregate x scalers], grouped by scaler: the product by the scalers is
        taken after the map, where it is `[.., 3, d]` wide and not `[.., 3, 4 d]`."""
        if self.aggregate != "pna":
            return self.update(torch.cat([states, aggregate], dim=-1))
        dim = states.size(-1)
        of_states, of_moments = self.update.weight.split([dim, SCALERS * MOMENTS * dim], dim=1)
        by_scaler = of_moments.view(dim, SCALERS, MOMENTS * dim).transpose(0, 1).reshape(SCALERS * dim, -1)
        plain, amplified, attenuated = F.linear(aggregate, by_scaler).chunk(SCALERS, dim=-1)
        moments = plain + scale * amplified + attenuated / scale.clamp(min=SCALE_FLOOR)
        return F.linear(states, of_states, self.update.bias) + moments


def degree_scale(edges: RelationalGraph, edge_mask: Tensor | None) -> Tensor:
    """PNA's amplification s = log(degree + 1) / mean of log(degree + 1) over nodes: `[N, 1]`."""
    logarithm = edges.incoming_count(edge_mask).float().log1p().unsqueeze(1)
    return logarithm / logarithm.mean(0).clamp(min=SCALE_FLOOR)


PUBLISHED = "Zhu et al., NeurIPS 2021, appendix, and the configuration files published with it"
TUNED = "GraphLab default: tuned for minutes on one core, not published"

_FB15K_237 = Preset(
    source=PUBLISHED,
    task={"batch_size": 64, "adversarial_temperature": 0.5, "remove_one_hop": True},
    training={"epochs": 20, "lr": 5e-3},
)
_WN18RR = Preset(
    source=PUBLISHED,
    model={"dependent": False},
    task={"batch_size": 32, "adversarial_temperature": 1.0},
    training={"epochs": 20, "lr": 5e-3},
)
_SMALL = {"dim": 16, "num_layers": 3, "aggregate": "sum"}


def _inductive(preset: Preset, batch_size: int) -> Preset:
    return replace(preset, task={**preset.task, "batch_size": batch_size, "filter": "facts"})


PRESETS = {
    "kg/fb15k-237": _FB15K_237,
    "kg/wn18rr": _WN18RR,
    **{f"grail/fb237-v{k}": _inductive(_FB15K_237, 64) for k in range(1, 5)},
    **{f"grail/wn18rr-v{k}": _inductive(_WN18RR, 64) for k in range(1, 5)},
    "kinship-rules": Preset(
        source=TUNED,
        model=_SMALL,
        task={"batch_size": 16, "num_negatives": 64, "remove_one_hop": True},
        training={"epochs": 4, "lr": 0.01, "scheduler": "cosine"},
    ),
    "kg-completion": Preset(
        source=TUNED,
        model=_SMALL,
        task={"batch_size": 32, "num_negatives": 64},
        training={"epochs": 8, "lr": 5e-3},
    ),
}
