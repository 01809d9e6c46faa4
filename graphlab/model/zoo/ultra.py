"""ULTRA. Galkin, Yuan, Mostafa, Tang and Zhu, ICLR 2024.

One NBFNet walks the graph of relations (`relation_graph`) from the queried relation, which is marked by a vector of
ones, with a learnt vector for each of the four kinds of edges. What it makes of a relation is that relation's feature
for this query. A second NBFNet walks the entities from the head; in each layer a two-layer perceptron maps the features
to the relations' weights. No parameter belongs to an entity or to a relation: the same weights answer on any graph.

A query for heads, (t, r^-1, ?), is conditioned on r^-1.

The published weights were trained under two other conventions, which `edges` and `head_queries` say: messages pass
every edge against its direction, in the graph of relations too, and a query for heads marks r in place of r^-1.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Literal, cast

import torch
from torch import Tensor, nn
from torch_geometric.data import Data

from graphlab.core.citation import Citation
from graphlab.core.config import Choices, IntRange, PositiveInt
from graphlab.data.spec import FACT, DataSpec
from graphlab.model.base import Preset, TripleModel
from graphlab.model.bellman_ford import BellmanFordConfig, BellmanFordUpdate, Scales, degree_scale
from graphlab.model.relation_graph import KINDS, relation_graph
from graphlab.ops.frontier import Frontier, make_frontier
from graphlab.ops.linear import BLOCKS, Linear, blocks, in_blocks, is_lean
from graphlab.ops.relational_spmm import Message, Reduce, RelationalGraph, relational_spmm, relational_spmm_pairs

PART = 2**15
"""States of entities or of relations that are computed at once where no gradient is wanted: they stay in the cache."""

REMEMBERED = 16
"""Knowledge graphs whose relation graphs are kept."""


class Config(BellmanFordConfig):
    """As `BellmanFordConfig`, for both networks, and

    edges         along: messages pass an edge x -r-> v from x to v; against: from v to x, with the vector of r
    head_queries  what a query (t, r^-1, ?) marks in the graph of relations: the inverse r^-1, or the relation r
    """

    dim: Annotated[PositiveInt, IntRange(8, 128, log=True)] = 64
    aggregate: Annotated[Literal["sum", "mean", "max", "pna"], Choices()] = "sum"
    edges: Literal["along", "against"] = "along"
    head_queries: Literal["inverse", "relation"] = "inverse"


@dataclass(frozen=True)
class Walked:
    """The facts and their inverses, which of them are not hidden, and the degree scales of the nodes."""

    edges: RelationalGraph
    edge_mask: Tensor | None
    scales: Scales


class Ultra(TripleModel):
    """Scores of all entities of any knowledge graph, whatever its relations."""

    tasks = frozenset({"kg-completion", "kg-mixture"})
    citation = Citation(
        key="galkin2024",
        title="Towards Foundation Models for Knowledge Graph Reasoning",
        authors="Galkin, Mikhail and Yuan, Xinyu and Mostafa, Hesham and Tang, Jian and Zhu, Zhaocheng",
        year=2024,
        url="https://arxiv.org/abs/2310.04562",
        venue="ICLR",
    )

    def __init__(self, config: Config, spec: DataSpec) -> None:
        super().__init__()
        dim = config.dim
        self.out_dim = dim
        self.num_relations = spec.num_relations
        self.message: Message = config.message
        self.aggregate: Reduce = config.aggregate
        self.residual = config.residual
        self.against = config.edges == "against"
        self.marks_relations = config.head_queries == "relation"
        self.kinds = nn.ModuleList(nn.Embedding(len(KINDS), dim) for _ in range(config.num_layers))
        self.relation_steps = nn.ModuleList(BellmanFordUpdate(config) for _ in range(config.num_layers))
        self.projections = nn.ModuleList(
            nn.Sequential(Linear(dim, dim), nn.ReLU(), Linear(dim, dim)) for _ in range(config.num_layers)
        )
        self.entity_steps = nn.ModuleList(BellmanFordUpdate(config) for _ in range(config.num_layers))
        self.readout = nn.Sequential(Linear(2 * dim, 2 * dim), nn.ReLU(), nn.Linear(2 * dim, 1))
        self._remembered: list[tuple[Tensor, int, RelationalGraph]] = []

    @property
    def layers(self) -> nn.ModuleList:
        """The steps that a path is walked in, those among entities."""
        return self.entity_steps

    def score(
        self,
        graph: Data,
        head: Tensor,
        relation: Tensor,
        tail: Tensor | None = None,
        *,
        edge_weights: Sequence[Tensor] | None = None,
    ) -> Tensor:
        """As `TripleModel.score`; `edge_weights` as in `NBFNet.score`, of the steps among entities."""
        queried, place = relation.unique(return_inverse=True)
        walked = self._walked(graph)
        relations = self._relation_graph(graph)
        if edge_weights is not None or not (is_lean(self._kinds()[0]) and len(head)):
            features = self.relation_features(relations, queried).transpose(0, 1)
            return self._score(walked, head, tail, queried, features, place, edge_weights)
        walked, relations, queried = self._of_present_relations(walked, relations, queried)
        few = max(1, PART // max(1, relations.num_nodes))
        features = torch.cat([self.relation_features(relations, some).transpose(0, 1) for some in queried.split(few)])
        scores = features.new_empty(len(head), walked.edges.num_nodes if tail is None else tail.size(1))
        # Queries of one relation are in one part, or in parts that follow each other.
        for rows in place.argsort(stable=True).split(max(1, PART // max(1, walked.edges.num_nodes))):
            mine = slice(int(place[rows[0]]), int(place[rows[-1]]) + 1)
            tails = None if tail is None else tail[rows]
            scores[rows] = self._score(
                walked, head[rows], tails, queried[mine], features[mine], place[rows] - mine.start
            )
        return scores

    def _of_present_relations(
        self, walked: Walked, relations: RelationalGraph, queried: Tensor
    ) -> tuple[Walked, RelationalGraph, Tensor]:
        """The same under new numbers of the relations that have facts, which meet themselves at least. What the others
        would come to is read by nobody, unless one of them is queried, or PNA counts them in its mean degree."""
        present = relations.incoming_count() > 0
        if present.all() or not present[queried].all() or self.aggregate == "pna":
            return walked, relations, queried
        number = present.cumsum(0) - 1
        edges = RelationalGraph(
            walked.edges.edge_index, number[walked.edges.edge_type], walked.edges.num_nodes, walked.edges.num_sources
        )
        fewer = RelationalGraph(number[relations.edge_index], relations.edge_type, int(present.sum()))
        return replace(walked, edges=edges), fewer, number[queried]

    def relation_features(self, relations: RelationalGraph, queried: Tensor) -> Tensor:
        """Features `[2 R, Q, dim]` of all relations for each of the queried ones `[Q]`."""
        weights = self._kinds()
        mark = weights[0].new_ones(len(queried), self.out_dim)
        start = queried % (relations.num_nodes // 2) if self.marks_relations else queried
        return self._walk(relations, None, start, mark, self.relation_steps, weights)

    def _kinds(self) -> list[Tensor]:
        """Vectors `[4, dim]` of the kinds of edges between relations, one a layer."""
        return [cast("nn.Embedding", kinds).weight for kinds in self.kinds]

    def _score(
        self,
        walked: Walked,
        head: Tensor,
        tail: Tensor | None,
        queried: Tensor,
        features: Tensor,
        place: Tensor,
        edge_weights: Sequence[Tensor] | None = None,
    ) -> Tensor:
        """Scores of the candidates.

        queried     `[Q]`, relations
        features  `[Q, 2 R, dim]`, those of all relations for each of them
        place     `[B]`, which of them a query asks
        """
        query = features[torch.arange(len(queried), device=head.device), queried][place]
        states, frontier = self._entities(walked, head, tail, query, features, place, edge_weights)
        if not is_lean(states) or states.size(0) < BLOCKS[0]:
            chosen = states[frontier.answer]
            return self.readout(torch.cat([chosen, query.unsqueeze(1).expand_as(chosen)], dim=-1)).squeeze(-1)
        # Queries that share a state ask the same relation, so that they share its score too. In fewer rows than a
        # block its bits may hang on how many there are.
        step = frontier.steps[-1]
        of_state = step.query[step.pairs.slot]
        scores = states.new_empty(states.size(0), 1)
        for rows in blocks(states.size(0)):
            scores[rows] = self.readout(torch.cat([states[rows], query.index_select(0, of_state[rows])], dim=1))
        return scores.squeeze(1).index_select(0, frontier.answer.flatten()).view_as(frontier.answer)

    def _walked(self, graph: Data) -> Walked:
        """To walk all edges against their direction is to exchange the types r and r^-1."""
        num_relations = self._num_relations(graph)
        edges = RelationalGraph.with_inverses(
            graph["edge_index"], graph["edge_type"], int(graph.num_nodes or 0), num_relations
        )
        if self.against:
            exchanged = (edges.edge_type + num_relations) % (2 * num_relations)
            edges = RelationalGraph(edges.edge_index, exchanged, edges.num_nodes)
        edge_mask = graph["edge_mask"].repeat(2) if "edge_mask" in graph else None
        return Walked(edges, edge_mask, degree_scale(edges, edge_mask, self._kinds()[0].dtype))

    def _entities(
        self,
        walked: Walked,
        head: Tensor,
        tail: Tensor | None,
        query: Tensor,
        features: Tensor,
        place: Tensor,
        edge_weights: Sequence[Tensor] | None,
    ) -> tuple[Tensor, Frontier]:
        """States `[rows, dim]` that those of the candidates are among, with the frontier that says where."""
        edges, edge_mask = walked.edges, walked.edge_mask
        groups = [place] * len(self.projections)
        if self.message != "transe" and len(groups) > 1:
            # Before the first step all but the heads are 0, and so are products with them, whatever the relation.
            groups[0] = torch.zeros_like(place)
        frontier = make_frontier(edges, edge_mask, head, tail, groups)
        states = torch.cat([query, query.new_zeros(1, self.out_dim)])
        updates = cast("Iterable[BellmanFordUpdate]", self.entity_steps)
        weights = edge_weights or [None] * len(self.projections)
        for update, projection, step, weight in zip(updates, self.projections, frontier.steps, weights, strict=True):
            row, column = step.heads
            aggregate = relational_spmm_pairs(
                edges,
                step.pairs,
                self._projected(projection, features, place[step.query]).to(states.dtype),
                states,
                edge_weight=weight,
                edge_mask=edge_mask,
                boundary=query.new_zeros(len(step.own), self.out_dim).index_put_((row,), query[column]),
                message=update.message,
                reduce=update.aggregate,
            )
            own = step.carried(states)
            states = update.advance(own, aggregate, walked.scales.of(step.pairs.node), residual=self.residual)
        return states, frontier

    def _projected(self, projection: nn.Module, features: Tensor, which: Tensor) -> Tensor:
        """Relation vectors `[slots, 2 R, dim]`, each slot's from the features `[Q, 2 R, dim]` that `which` names."""
        if not is_lean(features):
            return projection(features)[which]
        return in_blocks(projection, features.reshape(-1, self.out_dim)).view_as(features).index_select(0, which)

    def _walk(
        self,
        edges: RelationalGraph,
        edge_mask: Tensor | None,
        start: Tensor,
        mark: Tensor,
        steps: nn.ModuleList,
        weights: Iterable[Tensor],
    ) -> Tensor:
        """The Bellman-Ford iteration from nodes `start` `[B]`, which are marked by vectors `[B, dim]`."""
        column = torch.arange(len(start), device=start.device)
        boundary = mark.new_zeros(edges.num_nodes, *mark.shape).index_put((start, column), mark)
        everyone = torch.arange(edges.num_nodes, device=start.device)
        scales = degree_scale(edges, edge_mask, mark.dtype).of(everyone.unsqueeze(1))
        states = boundary
        for step, relation in zip(cast("Iterable[BellmanFordUpdate]", steps), weights, strict=True):
            aggregate = relational_spmm(
                edges,
                relation,
                states,
                edge_mask=edge_mask,
                boundary=boundary,
                message=step.message,
                reduce=step.aggregate,
            )
            states = step.advance(states, aggregate, scales, residual=self.residual)
        return states

    def _num_relations(self, graph: Data) -> int:
        return graph.get("num_relations", self.num_relations)

    def _relation_graph(self, graph: Data) -> RelationalGraph:
        """Of all facts, hidden ones included; made once for each graph, known again by its tensor of edges."""
        edge_index: Tensor = graph["edge_index"]
        if edge_index.is_inference():
            return self._make_relation_graph(graph)
        for known, version, relations in self._remembered:
            if known is edge_index and version == edge_index._version:
                return relations
        with torch.inference_mode(False):
            relations = self._make_relation_graph(graph)
        self._remembered = [*self._remembered[1 - REMEMBERED :], (edge_index, edge_index._version, relations)]
        return relations

    def _make_relation_graph(self, graph: Data) -> RelationalGraph:
        num_nodes, num_relations = int(graph.num_nodes or 0), self._num_relations(graph)
        relations = relation_graph(graph["edge_index"], graph["edge_type"], num_nodes, num_relations)
        return (
            RelationalGraph(relations.edge_index.flip(0), relations.edge_type, 2 * num_relations)
            if self.against
            else relations
        )


PUBLISHED = "the configuration published with Galkin et al., ICLR 2024, for pre-training on three graphs"
TUNED = "GraphLab default: tuned for minutes on one core, not published"

PRESETS = {
    "mixture": Preset(
        source=PUBLISHED,
        task={"batch_size": 64, "num_negatives": 512, "adversarial_temperature": 1.0, "num_validation": 500},
        training={"epochs": 10, "lr": 5e-4, "optimizer": "adamw", "weight_decay": 0.01},
        num_parameters={DataSpec("mixture-triples", (FACT,), directed=True): 168_705},
    ),
    "mixture/small": Preset(
        source=TUNED,
        is_published=False,
        task={"batch_size": 32, "num_negatives": 128, "adversarial_temperature": 1.0, "num_validation": 100},
        training={"epochs": 2, "lr": 1e-3, "optimizer": "adamw", "weight_decay": 0.01, "scheduler": "cosine"},
    ),
    "kg-completion": Preset(
        source=TUNED,
        is_published=False,
        task={"batch_size": 32, "num_negatives": 64, "adversarial_temperature": 1.0},
        training={"epochs": 4, "lr": 1e-3, "optimizer": "adamw", "weight_decay": 0.01},
        num_parameters={DataSpec("triples", (FACT,), num_relations=237, directed=True): 168_705},
    ),
}
