"""A*Net. Zhu, Yuan, Galkin, Xhonneux, Zhang, Gazeau and Tang, NeurIPS 2023, algorithm 1.

NBFNet that walks only what looks promising for the query at hand. Each node v that the walk has reached has a
priority, from the network that gives the final score too:

    s_v = MLP(h_v * W [h_v, q])
    h_v <- sigma(s_v) h_v before it is sent, so that the priority is learned

In each step k = floor(alpha |V|) of the reached nodes with the highest priority send, over the floor(k |E| / |V|) of
their edges whose target has the highest priority; a node that an edge reaches is updated as in NBFNet. All others keep
their state and score, the head too, which receives its boundary only where it is updated. PNA's means are over the
messages that were sent, its scalers of the degrees in the whole graph.

Edges into nodes of equal priority (at first, all that are not yet reached) are taken by the priority of the sender, and
then in the order of the facts, each fact before its inverse; equal senders by their ids. The code published with it
sorts so too, but not stably, so that its ties are not reproducible.

Messages, states and gradients are made for selected edges and reached nodes alone, as one graph of (query, node)
cells.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, cast

import torch
from pydantic import Field
from torch import Tensor, nn
from torch_geometric.data import Data

from graphlab.core.citation import Citation
from graphlab.core.config import Choices, FloatRange
from graphlab.data.spec import DataSpec
from graphlab.model.base import Preset, TripleModel
from graphlab.model.bellman_ford import BellmanFordConfig, BellmanFordUpdate, degree_scale
from graphlab.ops.relational_spmm import RelationalGraph, relational_spmm

Ratio = Annotated[float, Field(gt=0, le=1)]


class Config(BellmanFordConfig):
    """As `BellmanFordConfig`, and

    dependent        relation weights are a linear map of the query (a layer) rather than vectors of their own
    node_ratio       share of the nodes that send in a step, and of the edges that are walked, for each query
    test_node_ratio  the same outside of training; None takes node_ratio
    """

    dependent: Annotated[bool, Choices((False, True))] = True
    node_ratio: Annotated[Ratio, FloatRange(0.01, 1.0, log=True)] = 0.1
    test_node_ratio: Ratio | None = None


class AStarNet(TripleModel):
    """Scores of all entities for one (head, relation), by a walk over the most promising nodes and edges."""

    version = 2

    citation = Citation(
        key="zhu2023",
        title="A*Net: A Scalable Path-based Reasoning Approach for Knowledge Graphs",
        authors=(
            "Zhu, Zhaocheng and Yuan, Xinyu and Galkin, Mikhail and Xhonneux, Louis-Pascal and Zhang, Ming and "
            "Gazeau, Maxime and Tang, Jian"
        ),
        year=2023,
        url="https://arxiv.org/abs/2206.04798",
        venue="NeurIPS",
    )

    def __init__(self, config: Config, spec: DataSpec) -> None:
        super().__init__()
        dim, num_relations = config.dim, 2 * spec.num_relations
        self.out_dim = dim
        self.residual = config.residual
        self.train_ratio = config.node_ratio
        self.test_ratio = config.test_node_ratio or config.node_ratio
        self.query = nn.Embedding(num_relations, dim)
        self.relations = nn.ModuleList(
            nn.Linear(dim, num_relations * dim) if config.dependent else nn.Embedding(num_relations, dim)
            for _ in range(config.num_layers)
        )
        self.steps = nn.ModuleList(BellmanFordUpdate(config) for _ in range(config.num_layers))
        self.heuristic = nn.Linear(2 * dim, dim)
        self.readout = nn.Sequential(nn.Linear(dim, 2 * dim), nn.ReLU(), nn.Linear(2 * dim, 1))

    def score(self, graph: Data, head: Tensor, relation: Tensor, tail: Tensor | None = None) -> Tensor:
        edges = RelationalGraph.with_inverses(
            graph["edge_index"], graph["edge_type"], int(graph.num_nodes or 0), self.query.num_embeddings // 2
        )
        edge_mask = graph["edge_mask"].repeat(2) if "edge_mask" in graph else None
        scores = self.search(edges, edge_mask, head, self.query(relation))
        return scores if tail is None else scores.gather(1, tail)

    def search(self, edges: RelationalGraph, edge_mask: Tensor | None, head: Tensor, query: Tensor) -> Tensor:
        """Priorities `[B, N]` at the end of the walk from heads `[B]` for query vectors `[B, dim]`."""
        num_nodes, num_queries = edges.num_nodes, len(query)
        ratio = self.train_ratio if self.training else self.test_ratio
        scales = degree_scale(edges, edge_mask, query.dtype)

        # Cell b N + v is node v of query b. Every change of a cell adds a row to states and priorities; place names
        # the cell's last row. The first B rows are the state 0 of all that query b has not reached.
        column = torch.arange(num_queries, device=head.device)
        head_cell = column * num_nodes + head
        place = column.repeat_interleave(num_nodes)
        place[head_cell] = num_queries + column
        states = torch.cat([torch.zeros_like(query), query])
        priorities = self.priority(states, query.repeat(2, 1))

        for step, weights in zip(cast("Iterable[BellmanFordUpdate]", self.steps), self.relations, strict=True):
            walk = select_edges(
                edges,
                edge_mask,
                priorities.detach()[place].view(num_queries, num_nodes),
                (place >= num_queries).view(num_queries, num_nodes),
                ratio,
            )
            sender, source = _distinct(walk.source, len(place))
            updated, target = _distinct(walk.target, len(place))
            is_head = updated == head_cell[updated // num_nodes]
            boundary = query[updated // num_nodes] * is_head.unsqueeze(1)
            aggregate = relational_spmm(
                RelationalGraph(
                    torch.stack([source, target]),
                    walk.kind + walk.source // num_nodes * self.query.num_embeddings,
                    len(updated),
                    len(sender),
                ),
                self._weights(weights, query),
                self._gated(states, priorities, place[sender]).unsqueeze(1),
                boundary=boundary.unsqueeze(1),
                message=step.message,
                reduce=step.aggregate,
            ).squeeze(1)
            rows = place[updated]
            hidden = step.advance(self._gated(states, priorities, rows), aggregate, scales.of(updated % num_nodes))
            changed = hidden + states[rows] if self.residual else hidden
            place[updated] = torch.arange(len(updated), device=head.device) + len(states)
            states = torch.cat([states, changed])
            priorities = torch.cat([priorities, self.priority(changed, query[updated // num_nodes])])
        return priorities[place].view(num_queries, num_nodes)

    def priority(self, states: Tensor, query: Tensor) -> Tensor:
        """Priorities `[M]`, the final scores too, of states and their query vectors, both `[M, dim]`."""
        return self.readout(states * self.heuristic(torch.cat([states, query], dim=-1))).squeeze(-1)

    def gate(self, priority: Tensor) -> Tensor:
        """What a node's state is multiplied by before it is sent."""
        return priority.sigmoid()

    def _gated(self, states: Tensor, priorities: Tensor, rows: Tensor) -> Tensor:
        return self.gate(priorities[rows]).unsqueeze(1) * states[rows]

    def _weights(self, weights: nn.Module, query: Tensor) -> Tensor:
        """Relation weights by (query, relation), `[B 2R, dim]`."""
        if isinstance(weights, nn.Embedding):
            return weights.weight.repeat(len(query), 1)
        return weights(query).to(query.dtype).view(-1, query.size(1))


@dataclass(frozen=True)
class Walk:
    """The selected edges of one step: cells `source` and `target`, and the type `kind`, all int64 `[S]`."""

    source: Tensor
    target: Tensor
    kind: Tensor


def select_edges(
    edges: RelationalGraph, edge_mask: Tensor | None, priority: Tensor, reached: Tensor, ratio: float
) -> Walk:
    """For each query, of the edges out of its top nodes those with the top targets.

    Top nodes are the k = floor(ratio N) of highest priority among the reached; of their edges, floor(k E / N) stay,
    but one at least. Ties are ordered as this file's docstring has it.

    Args:
        edges: Each fact and, as many places after it as there are facts, its inverse.
        edge_mask: Edges that are there, bool `[E]`; None for all.
        priority: `[B, N]`, of nodes not yet reached too.
        reached: bool `[B, N]`.
        ratio: alpha.
    """
    num_nodes = edges.num_nodes
    num_edges = edges.num_edges if edge_mask is None else int(edge_mask.sum())
    most_nodes = max(1, int(ratio * num_nodes))
    most_edges = max(1, most_nodes * num_edges // num_nodes)
    priority = priority.flatten()
    cell = reached.flatten().nonzero().squeeze(1)
    cell = cell[_share_of_first(priority[cell], cell // num_nodes, torch.ones_like(cell), most_nodes) > 0]

    rows = edges.by_source
    first, count = rows.start[cell % num_nodes], rows.start.diff()[cell % num_nodes]
    sender = torch.arange(len(cell), device=cell.device).repeat_interleave(count)
    place = torch.arange(len(sender), device=cell.device) + (first - (count.cumsum(0) - count))[sender]
    if edge_mask is not None:
        kept = edge_mask[rows.edge[place]]
        sender, place = sender[kept], place[kept]
    source = cell[sender]
    target = source - source % num_nodes + rows.other[place]

    kept = _first_edges(priority, source, target, rows.edge[place], num_nodes, edges.num_edges // 2, most_edges)
    return Walk(source[kept], target[kept], rows.kind[place[kept]].long())


def _first_edges(
    priority: Tensor, source: Tensor, target: Tensor, edge: Tensor, num_nodes: int, num_facts: int, most: int
) -> Tensor:
    """Which edges are among the first `most` of their query, bool `[S]`; `source` is in the order of queries.

    Those whose target has a priority above that at which a query's edges become too many all stay, those below it go,
    and of those with just that priority the first do.
    """
    query = source // num_nodes
    num_queries = len(priority) // num_nodes
    if not len(query) or int(query.bincount().max()) <= most:
        return torch.ones_like(query, dtype=torch.bool)
    limit = _limits(priority, target.bincount(minlength=len(priority)), num_nodes, most)
    kept = priority[target] > limit[query]
    room = most - query[kept].bincount(minlength=num_queries)
    tied = (priority[target] == limit[query]).nonzero().squeeze(1)
    tied = tied[(edge[tied] % num_facts * 2 + edge[tied] // num_facts).argsort(stable=True)]
    tied = tied[source[tied].argsort(stable=True)]
    tied = tied[_by_group(priority[source[tied]], query[tied])]
    start, _ = _runs(query[tied], torch.ones_like(tied))
    rank = torch.arange(len(tied), device=tied.device) - start[query[tied]]
    kept[tied[rank < room[query[tied]]]] = True
    return kept


def _limits(priority: Tensor, arriving: Tensor, num_nodes: int, most: int) -> Tensor:
    """Of each query, the priority of the target with whose `arriving` edges there are `most` of them, or of the last;
    `[B]`, minus infinity where no edge arrives."""
    goal = arriving.nonzero().squeeze(1)
    goal = goal[_by_group(priority[goal], goal // num_nodes)]
    query = goal // num_nodes
    start, _ = _runs(query, arriving[goal])
    begun = arriving[goal].cumsum(0) - arriving[goal] - start[query] < most
    last = begun & torch.cat([~begun[1:] | (query[1:] != query[:-1]), begun.new_ones(1)])
    limit = priority.new_full((len(priority) // num_nodes,), -torch.inf)
    limit[query[last]] = priority[goal[last]]
    return limit


def _share_of_first(priority: Tensor, group: Tensor, size: Tensor, most: int) -> Tensor:
    """How much of each item's size lies within the first `most` of its group, by falling priority; int64 `[n]`.

    Ties keep their order. group: int64 `[n]`, ascending.
    """
    start, total = _runs(group, size)
    if not len(group) or int(total.max()) <= most:
        return size
    order = _by_group(priority, group)
    ordered = size[order]
    before = ordered.cumsum(0) - ordered - start[group[order]]
    share = torch.empty_like(size)
    share[order] = (most - before).clamp(min=0).minimum(ordered)
    return share


def _by_group(priority: Tensor, group: Tensor) -> Tensor:
    """The order by group and, within one, by falling priority; of equal ones the earlier first."""
    order = priority.argsort(descending=True, stable=True)
    return order[group[order].argsort(stable=True)]


def _runs(group: Tensor, size: Tensor) -> tuple[Tensor, Tensor]:
    """The size that lies before each group, and its own, by group."""
    num_groups = int(group.max()) + 1 if len(group) else 0
    total = size.new_zeros(num_groups).index_add(0, group, size)
    return total.cumsum(0) - total, total


def _distinct(cells: Tensor, num_cells: int) -> tuple[Tensor, Tensor]:
    """The distinct cells in order, and the place of each of the given ones among them; without sorting."""
    marked = torch.zeros(num_cells, dtype=torch.bool, device=cells.device).index_fill(0, cells, True)
    distinct = marked.nonzero().squeeze(1)
    place = torch.empty(num_cells, dtype=torch.int64, device=cells.device)
    place[distinct] = torch.arange(len(distinct), device=cells.device)
    return distinct, place[cells]


PUBLISHED = "Zhu et al., NeurIPS 2023, appendix, and the configuration files published with it"
TUNED = "GraphLab default: tuned for minutes on one core, not published"

_FB15K_237 = Preset(
    source=PUBLISHED,
    task={"batch_size": 64, "adversarial_temperature": 0.5, "remove_one_hop": True},
    training={"epochs": 20, "lr": 5e-3},
    ours=("task.batch_size",),
)
_WN18RR = Preset(
    source=PUBLISHED,
    model={"dependent": False},
    task={"batch_size": 64, "adversarial_temperature": 1.0},
    training={"epochs": 20, "lr": 5e-3},
    ours=("task.batch_size",),
)


def _inductive(node_ratio: float, *, dependent: bool, temperature: float) -> Preset:
    return Preset(
        source=PUBLISHED,
        model={"aggregate": "sum", "dependent": dependent, "node_ratio": node_ratio, "test_node_ratio": 1.0},
        task={"batch_size": 64, "adversarial_temperature": temperature, "filter": "facts"},
        training={"epochs": 20, "lr": 5e-3},
        ours=("task.batch_size",),
    )


PRESETS = {
    "kg/fb15k-237": _FB15K_237,
    "kg/wn18rr": _WN18RR,
    **{f"grail/fb237-v{k}": _inductive(0.5, dependent=True, temperature=0.5) for k in range(1, 5)},
    **{f"grail/wn18rr-v{k}": _inductive(0.05, dependent=False, temperature=1.0) for k in range(1, 5)},
    "kg-completion": Preset(
        source=TUNED,
        is_published=False,
        model={"dim": 16, "num_layers": 4, "aggregate": "sum", "node_ratio": 0.5},
        task={"batch_size": 32, "num_negatives": 64},
        training={"epochs": 8, "lr": 5e-3},
    ),
}
