"""Which node states decide the scores that are asked for, step by step.

After l steps of message passing from the head of a query, a node that no walk of l edges reaches has the state
that it would have without any head: the same for all queries that share relation vectors, its ground state. And
the scores of the candidates need, one step before the last, only the states of their neighbours. What is neither
reached nor shared, and what no candidate hears of, is never computed; the scores are the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from graphlab.ops.compiled import kept
from graphlab.ops.relational_spmm.graph import RelationalGraph
from graphlab.ops.relational_spmm.pairs import Pairs
from graphlab.ops.threads import for_each, shares


@dataclass(frozen=True)
class Step:
    """The states after one step.

    pairs   P states: of node `pairs.node` as slot `pairs.slot` sees it. Slot b < B is query b, slot B + g the
            ground states of group g.
    own     int64 `[P]`, the row of the same node and slot among the states before
    query   int64 `[slots]`, a query that stands for each slot: itself, or one of the group
    heads   int64 `[2, H]`, the rows that hold a query's head, and the queries
    """

    pairs: Pairs
    own: Tensor
    query: Tensor
    heads: Tensor

    def carried(self, states: Tensor) -> Tensor:
        """Of the states before, `[rows, dim]`, those of the same nodes and slots, `[P, dim]`: all, where none comes or
        goes and no copy is needed."""
        if len(self.own) == len(states) and torch.equal(self.own, torch.arange(len(states), device=states.device)):
            return states
        return states.index_select(0, self.own)


@dataclass(frozen=True)
class Frontier:
    """The states that are computed in each step. Before the first there are B + 1 rows: the heads' and a zero.

    answer  int64 `[B, K]`, rows of the candidates' states after the last step
    """

    steps: tuple[Step, ...]
    answer: Tensor


def make_frontier(
    graph: RelationalGraph,
    edge_mask: Tensor | None,
    head: Tensor,
    candidates: Tensor | None,
    groups: Sequence[Tensor],
    alike: Tensor | None = None,
) -> Frontier:
    """The states that the scores of `candidates` depend on.

    Args:
        graph: N nodes, messages along its edges.
        edge_mask: bool `[E]`, False at edges that are not there.
        head: int64 `[B]`.
        candidates: int64 `[B, K]`, or None for all nodes.
        groups: int64 `[B]` for each step, numbers from 0: queries of equal number share their ground states
            after that step. Those of one group in a step must be of one group in the step before.
        alike: int64 `[N]`, for each node one whose ground states after the first step are the same as its own; the
            same one for all that are alike.
    """
    num_nodes, queries = graph.num_nodes, len(head)
    steps = len(groups)
    links = Links(graph, edge_mask)
    distance = links.walk_distance(head, steps)
    if candidates is None:
        candidates = torch.arange(num_nodes, device=head.device).expand(queries, -1)
    slots = [_Slots(group, queries) for group in groups]
    wanted = slots[-1].split(distance <= steps, _marked(candidates, num_nodes))
    found: list[tuple[Tensor, _Slots]] = []
    for step in range(steps, 0, -1):
        if step == 1 and alike is not None:
            ground = _any(torch.zeros_like(wanted[queries:]), 1, alike, wanted[queries:])
            wanted = torch.cat([wanted[:queries], ground])
        found.append((wanted, slots[step - 1]))
        if step > 1:
            senders = links.neighbourhood(wanted)
            wanted = slots[step - 2].before(senders, slots[step - 1], distance < step)

    made: list[Step] = []
    everyone = torch.arange(queries, device=head.device)
    rows = torch.full((queries + 1, num_nodes), queries, dtype=torch.int32, device=head.device)
    rows[everyone, head] = everyone.int()
    before = _Slots(torch.zeros_like(head), queries)
    for step, (wanted, here) in enumerate(reversed(found), start=1):
        place = before.rows_seen_by(here, rows, distance < step)
        slot, node = (column.contiguous() for column in wanted.nonzero().unbind(1))
        rows = torch.full(wanted.shape, -1, dtype=torch.int32, device=head.device)
        rows[slot, node] = torch.arange(len(node), dtype=torch.int32, device=head.device)
        if step == 1 and alike is not None:
            rows[queries:] = rows[queries:, alike]
        of_heads = rows[everyone, head].long()
        heads = torch.stack([of_heads, everyone])[:, of_heads >= 0]
        made.append(Step(Pairs(node, slot, place, is_checked=True), place[slot, node].long(), here.query, heads))
        before = here
    seen = before.rows_seen_by(before, rows, distance <= steps)
    return Frontier(tuple(made), seen[:queries].gather(1, candidates).long())


class _Slots:
    """The slots of one step: B queries, then G groups."""

    def __init__(self, group: Tensor, queries: int) -> None:
        self.group = group
        self.queries = queries
        self.num_groups = int(group.max()) + 1 if len(group) else 0
        everyone = torch.arange(queries, device=group.device)
        one = torch.zeros(self.num_groups, dtype=torch.int64, device=group.device)
        one = one.scatter_reduce(0, group, everyone, "amax")
        self.query = torch.cat([everyone, one])

    def split(self, reached: Tensor, marked: Tensor) -> Tensor:
        """Marks `[B, N]` of queries as marks `[B + G, N]`: of unreached nodes, at the query's group."""
        ground = marked.new_zeros(self.num_groups, marked.size(1))
        return torch.cat([marked & reached, _any(ground, 0, self.group, marked & ~reached)])

    def before(self, marked: Tensor, after: _Slots, reached: Tensor) -> Tensor:
        """Marks `[slots after, N]` as marks of these slots, the slots of the step before."""
        mine = self.split(reached, marked[: self.queries])
        of_groups = self.group[after.query[after.queries :]]
        ground = _any(mine[self.queries :], 0, of_groups, marked[self.queries :])
        return torch.cat([mine[: self.queries], ground])

    def rows_seen_by(self, after: _Slots, rows: Tensor, reached: Tensor) -> Tensor:
        """From rows `[these slots, N]` to those that the slots after see: int32 `[slots after, N]`."""
        ground = rows[self.queries :]
        own = torch.where(reached, rows[: self.queries], ground[self.group])
        return torch.cat([own, ground[self.group[after.query[after.queries :]]]])


def _marked(candidates: Tensor, num_nodes: int) -> Tensor:
    marks = torch.zeros(len(candidates), num_nodes, dtype=torch.bool, device=candidates.device)
    return marks.scatter(1, candidates, True)


DENSE = 256
"""Nodes up to which walks are products with the whole adjacency matrix, for which no loop is compiled."""


class Links:
    """The edges of a graph that are there.

    Args:
        graph: N nodes.
        edge_mask: bool `[E]`, False at edges that are not there; None for none.
    """

    def __init__(self, graph: RelationalGraph, edge_mask: Tensor | None) -> None:
        self.graph, self.edge_mask = graph, edge_mask

    def walk_distance(self, head: Tensor, limit: int) -> Tensor:
        """Edges on the shortest walk from each head to each node: uint8 `[B, N]`, `limit + 1` beyond the limit."""
        shape = (len(head), self.graph.num_nodes)
        distance = torch.full(shape, limit + 1, dtype=torch.uint8, device=head.device)
        distance[torch.arange(len(head), device=head.device), head] = 0
        if head.is_cuda:
            return spread_distance(self.graph, self.edge_mask, distance, limit)
        if self.graph.num_nodes <= DENSE:
            return self._by_products(distance, limit)
        rows, mask, heads = self.graph.by_source, _mask(self.edge_mask), head.contiguous().numpy()
        start, other, edge = rows.start.numpy(), rows.other.numpy(), rows.edge.numpy()
        table = distance.numpy()
        for_each(lambda some: _breadth_first(start, other, edge, mask, heads, limit, table, *some), shares(len(head)))
        return distance

    def neighbourhood(self, marked: Tensor) -> Tensor:
        """The marked nodes and the sources of the edges that arrive at them: bool `[slots, N]` of bool `[slots, N]`."""
        if marked.is_cuda:
            return spread_marks(self.graph, self.edge_mask, marked)
        if self.graph.num_nodes <= DENSE:
            return marked | (marked.float() @ self._adjacency.T > 0)
        out = marked.clone()
        rows, mask = self.graph.by_target, _mask(self.edge_mask)
        start, other, edge = rows.start.numpy(), rows.other.numpy(), rows.edge.numpy()
        marks, table = marked.numpy(), out.numpy()
        for_each(lambda some: _mark_sources(start, other, edge, mask, marks, table, *some), shares(len(marked)))
        return out

    @cached_property
    def _adjacency(self) -> Tensor:
        """1 where an edge leads from a node to another, float32 `[N, N]`."""
        out = torch.zeros(self.graph.num_nodes, self.graph.num_nodes)
        return out.index_put_(_ends(self.graph, self.edge_mask), torch.ones(()))

    def _by_products(self, distance: Tensor, limit: int) -> Tensor:
        for length in range(1, limit + 1):
            last = (distance == length - 1).float()
            arrived = (last @ self._adjacency > 0) & (distance > length)
            distance = distance.masked_fill_(arrived, length)
        return distance


def spread_distance(graph: RelationalGraph, edge_mask: Tensor | None, distance: Tensor, limit: int) -> Tensor:
    """`Links.walk_distance` on any device, from distances that are 0 at the heads and `limit + 1` elsewhere."""
    source, target = _ends(graph, edge_mask)
    for length in range(1, limit + 1):
        near = distance < length
        arrived = _any(near, 1, target, near[:, source])
        distance = torch.where(arrived & (distance > length), length, distance)
    return distance


def spread_marks(graph: RelationalGraph, edge_mask: Tensor | None, marked: Tensor) -> Tensor:
    """`Links.neighbourhood` on any device."""
    source, target = _ends(graph, edge_mask)
    return _any(marked, 1, source, marked[:, target])


def _ends(graph: RelationalGraph, edge_mask: Tensor | None) -> tuple[Tensor, Tensor]:
    source, target = graph.edge_index if edge_mask is None else graph.edge_index[:, edge_mask]
    return source, target


def _any(marks: Tensor, dim: int, index: Tensor, more: Tensor) -> Tensor:
    """`marks`, with those of `more` set as well at `index` along `dim`; all bool."""
    return marks.int().index_add(dim, index, more.int()) > 0


def _mask(edge_mask: Tensor | None) -> np.ndarray:
    return np.empty(0, np.bool_) if edge_mask is None else edge_mask.numpy()


@kept()
def _breadth_first(start, other, edge, mask, heads, limit, table, first, last):
    queue = np.empty(table.shape[1], np.int64)
    for b in range(first, last):
        distance = table[b]
        queue[0], done, filled = heads[b], 0, 1
        while done < filled and distance[queue[done]] < limit:
            u = queue[done]
            done += 1
            for i in range(start[u], start[u + 1]):
                v = other[i]
                if distance[v] > limit and (not len(mask) or mask[edge[i]]):
                    distance[v] = distance[u] + 1
                    queue[filled] = v
                    filled += 1


@kept()
def _mark_sources(start, other, edge, mask, marks, table, first, last):
    for s in range(first, last):
        marked, out = marks[s], table[s]
        v = 0
        while v < len(marked) and marked[v]:
            v += 1
        if v == len(marked):
            continue
        for v in range(len(marked)):
            if not marked[v]:
                continue
            for i in range(start[v], start[v + 1]):
                if not len(mask) or mask[edge[i]]:
                    out[other[i]] = True
