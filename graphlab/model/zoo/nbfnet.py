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
from typing import Annotated, Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint
from torch_geometric.data import Data

from graphlab.core.citation import Citation
from graphlab.core.config import Choices
from graphlab.data.spec import DataSpec
from graphlab.model.base import LinkModel, Preset, TripleModel
from graphlab.model.bellman_ford import BellmanFordConfig, BellmanFordUpdate, Scales, degree_scale
from graphlab.ops.frontier import Step, make_frontier
from graphlab.ops.linear import Linear, linear
from graphlab.ops.relational_spmm import RelationalGraph, relational_spmm_pairs

READOUT_ELEMENTS = 2**24
"""Numbers of the readout's hidden layer that are held at once."""

RUNS = 64
"""Sources that nodes of a plain graph are ranked from at once."""


class Config(BellmanFordConfig):
    """As `BellmanFordConfig`, and

    dependent   relation weights are a linear map of the query (a layer) rather than vectors of their own
    recompute   keep no activations of a layer but its result, and make them again in the backward pass
    """

    dependent: Annotated[bool, Choices((False, True))] = True
    recompute: bool = False


class NBFNet(TripleModel, LinkModel):
    """Path-based scores of all entities for one (head, relation), in one run over the graph.

    A plain graph is read as one of a single relation, its own inverse, and a self-loop of a second one at each node;
    the score of {u, v} is the mean of those of (u, v) and (v, u).
    """

    tasks = frozenset({"kg-completion", "link-prediction"})

    citation = Citation(
        key="zhu2021",
        title="Neural Bellman-Ford Networks: A General Graph Neural Network Framework for Link Prediction",
        authors="Zhu, Zhaocheng and Zhang, Zuobai and Xhonneux, Louis-Pascal and Tang, Jian",
        year=2021,
        url="https://arxiv.org/abs/2106.06935",
        venue="NeurIPS",
    )

    def __init__(self, config: Config, spec: DataSpec) -> None:
        super().__init__()
        self.config = config
        self.out_dim = config.dim
        self.of_links = spec.output.location == "node-pair"
        num_types = 2 if self.of_links else 2 * spec.num_relations
        self.query = nn.Embedding(1 if self.of_links else num_types, config.dim)
        self.layers = nn.ModuleList(BellmanFordLayer(config, num_types) for _ in range(config.num_layers))
        self.readout = Readout(config.dim)
        self._remembered: tuple[tuple[Tensor, Tensor], tuple[int, ...], RelationalGraph] | None = None

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
        return self.readout(rows, answer, self.query(relation))

    def encode(self, graph: Data) -> Data:
        """The plain graph itself: states depend on the source."""
        return graph

    def score_nodes(self, encoding: Data, sources: Tensor, candidates: Tensor | None = None) -> Tensor:
        """One run over the graph for each source and one for each candidate, `RUNS` of them at once."""
        row = torch.arange(len(sources), device=sources.device)
        if candidates is None:
            node, place = torch.arange(int(encoding.num_nodes or 0), device=sources.device), None
        else:
            node, place = candidates.unique(return_inverse=True)
        there = [
            self.score(encoding, head, torch.zeros_like(head), None if candidates is None else candidates[rows])
            for head, rows in zip(sources.split(RUNS), row.split(RUNS), strict=True)
        ]
        back = [
            self.score(encoding, head, torch.zeros_like(head), sources.expand(len(head), -1))
            for head in node.split(RUNS)
        ]
        backward = torch.cat(back).T if place is None else torch.cat(back)[place, row.unsqueeze(1)]
        return (torch.cat(there) + backward) / 2

    def score_pairs(self, encoding: Data, pairs: Tensor) -> Tensor:
        """Of states that the pairs depend on alone, which are few where a source has few candidates."""
        head, tail = torch.cat([pairs, pairs.flip(1)]).unbind(1)
        return self.score(encoding, head, torch.zeros_like(head), tail.unsqueeze(1)).view(2, -1).mean(0)

    def forward(self, *args: Any, **kwargs: Any) -> Tensor:
        """As `LinkModel.forward` for a plain graph, `score` for a knowledge graph."""
        return LinkModel.forward(self, *args, **kwargs) if self.of_links else self.score(*args, **kwargs)

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
        query = self.query(relation)
        edges, edge_mask = self._edges(graph)
        if edge_mask is not None and edge_weights is None:
            edges, edge_mask = edges.kept(edge_mask), None
        scales = degree_scale(edges, edge_mask, query.dtype)
        alike = scales.alike() if self._zero_is_silent else None
        frontier = make_frontier(edges, edge_mask, head, tail, self._groups(relation), alike)
        states = torch.cat([query, query.new_zeros(1, self.out_dim)])
        weights = edge_weights or [None] * len(self.layers)
        for layer, step, edge_weight in zip(self.layers, frontier.steps, weights, strict=True):
            given = (edges, edge_mask, edge_weight, step, scales.of(step.pairs.node), states, query)
            if self.config.recompute and torch.is_grad_enabled():
                states = checkpoint(layer, *given, use_reentrant=False)
            else:
                states = layer(*given)
        return states, frontier.answer

    def _edges(self, graph: Data) -> tuple[RelationalGraph, Tensor | None]:
        """What is walked, and which of it is not hidden."""
        edge_index, num_nodes = graph["edge_index"], int(graph.num_nodes or 0)
        edge_mask = graph.get("edge_mask", None)
        if not self.of_links:
            edges = self._with_inverses(edge_index, graph["edge_type"], num_nodes)
            return edges, None if edge_mask is None else edge_mask.repeat(2)
        loops = torch.arange(num_nodes, device=edge_index.device)
        kind = torch.cat([torch.zeros_like(edge_index[0]), torch.ones_like(loops)])
        edges = RelationalGraph(torch.cat([edge_index, loops.expand(2, -1)], dim=1), kind, num_nodes)
        return edges, None if edge_mask is None else torch.cat([edge_mask, torch.ones_like(loops, dtype=torch.bool)])

    def _with_inverses(self, edge_index: Tensor, edge_type: Tensor, num_nodes: int) -> RelationalGraph:
        """Made once for the batches that follow each other on one graph, known again by its tensors."""
        tensors, num_relations = (edge_index, edge_type), self.query.num_embeddings // 2
        if any(tensor.is_inference() for tensor in tensors):
            return RelationalGraph.with_inverses(edge_index, edge_type, num_nodes, num_relations)
        state = (num_nodes, *(tensor._version for tensor in tensors))
        if self._remembered is not None:
            known, known_state, edges = self._remembered
            if known_state == state and all(a is b for a, b in zip(known, tensors, strict=True)):
                return edges
        with torch.inference_mode(False):
            edges = RelationalGraph.with_inverses(edge_index, edge_type, num_nodes, num_relations)
        self._remembered = (tensors, state, edges)
        return edges

    @property
    def _zero_is_silent(self) -> bool:
        """Whether the message of a zero state is zero. After one layer all nodes that have heard nothing else, and
        whose degrees are scaled alike, are then in the same state."""
        return self.config.message != "transe"

    def _groups(self, relation: Tensor) -> list[Tensor]:
        """Which queries share the states of nodes that they do not reach, for each layer: all, where relation vectors
        do not depend on the query, and in the first layer, where such nodes only hear zeros."""
        everyone = torch.zeros_like(relation)
        by_relation = torch.unique(relation, return_inverse=True)[1] if self.config.dependent else everyone
        first = everyone if self._zero_is_silent else by_relation
        return [first, *[by_relation] * (len(self.layers) - 1)]


class Readout(nn.Module):
    """MLP([h, q]) of each candidate's state and its query."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.first = nn.Linear(2 * dim, 2 * dim)
        self.last = nn.Linear(2 * dim, 1)

    def forward(self, states: Tensor, answer: Tensor, query: Tensor) -> Tensor:
        """Scores `[B, K]` of the states `[rows, dim]` that `answer` `[B, K]` names, for queries `[B, dim]`.

        The first map is split into those of h and q, so that a state that many queries share is mapped once, and
        the queries are taken a few at a time, which bounds the memory.
        """
        of_state, of_query = self.first.weight.chunk(2, dim=1)
        states, query = linear(states, of_state), linear(query, of_query, self.first.bias).unsqueeze(1)
        few = max(1, READOUT_ELEMENTS // max(1, answer.size(1) * states.size(1)))
        parts = zip(answer.split(few), query.split(few), strict=True)
        return torch.cat([self._of(states, rows, asked) for rows, asked in parts])

    def _of(self, states: Tensor, rows: Tensor, query: Tensor) -> Tensor:
        """Scores `[b, K]` of those of mapped states `[rows, 2 dim]` that are named, and queries `[b, 1, 2 dim]`."""
        chosen = states.index_select(0, rows.flatten()).unflatten(0, rows.shape)
        return self.last(F.relu(chosen + query)).squeeze(-1)


class BellmanFordLayer(BellmanFordUpdate):
    """One MESSAGE and AGGREGATE step with its update."""

    def __init__(self, config: Config, num_relations: int) -> None:
        super().__init__(config)
        self.num_relations = num_relations
        self.residual = config.residual
        self.relation: nn.Linear | nn.Embedding
        if config.dependent:
            self.relation = Linear(config.dim, num_relations * config.dim)
        else:
            self.relation = nn.Embedding(num_relations, config.dim)

    def forward(
        self,
        edges: RelationalGraph,
        edge_mask: Tensor | None,
        edge_weight: Tensor | None,
        step: Step,
        scales: Scales,
        states: Tensor,
        query: Tensor,
    ) -> Tensor:
        """States after the step `[P, dim]` of states before, of nodes with `scales` `[P]`; `query` is `[B, dim]`."""
        row, column = step.heads
        aggregate = relational_spmm_pairs(
            edges,
            step.pairs,
            self._relations(query, step),
            states,
            edge_weight=edge_weight,
            edge_mask=edge_mask,
            boundary=query.new_zeros(len(step.own), query.size(1)).index_put_((row,), query[column]),
            message=self.message,
            reduce=self.aggregate,
        )
        return self.advance(step.carried(states), aggregate, scales, residual=self.residual)

    def _relations(self, query: Tensor, step: Step) -> Tensor:
        """Relation vectors: `[slots, R, dim]` if they depend on the query, else `[R, dim]`."""
        if isinstance(self.relation, nn.Embedding):
            return self.relation.weight
        asked = query.index_select(0, step.query)
        return self.relation(asked).to(query.dtype).unflatten(1, (self.num_relations, -1))


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
_LINKS = Preset(
    source=PUBLISHED,
    model={"dependent": False},
    task={"batch_size": 64, "num_negatives": 1, "remove_one_hop": True},
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
    "planetoid/cora@links-without-features": _LINKS,
    "planetoid/citeseer@links-without-features": _LINKS,
    "planetoid/pubmed@links-without-features": replace(
        _LINKS, task={**_LINKS.task, "batch_size": 16}, training={"epochs": 10, "lr": 5e-3}
    ),
    "link-prediction": Preset(
        source=TUNED,
        is_published=False,
        model={**_SMALL, "dependent": False},
        task={"batch_size": 64},
        training={"epochs": 5, "lr": 5e-3},
    ),
    "kinship-rules": Preset(
        source=TUNED,
        is_published=False,
        model=_SMALL,
        task={"batch_size": 16, "num_negatives": 16, "remove_one_hop": True},
        training={"epochs": 6, "lr": 0.01, "scheduler": "cosine"},
    ),
    "kg-completion": Preset(
        source=TUNED,
        is_published=False,
        model=_SMALL,
        task={"batch_size": 32, "num_negatives": 64},
        training={"epochs": 8, "lr": 5e-3},
    ),
}
