"""Known triples, found by query: the index behind filtered ranking and strict negative sampling."""

from __future__ import annotations

from copy import copy

import torch
from torch import Tensor
from torch_geometric.data import Data


class KnownTails:
    """The known tails of every query (head, relation), inverse queries included, in compressed rows.

    Relation r + R asks for heads: the known tails of (t, r + R) are the heads h of known (h, r, t).

    Args:
        triples: int64 `[K, 3]` as (head, relation, tail); repeats are dropped.
        num_nodes, num_relations: N and R.

    `queries`, int64 `[Q, 2]`, are the pairs (head, relation) that have a known tail, sorted.
    """

    def __init__(self, triples: Tensor, num_nodes: int, num_relations: int) -> None:
        self.num_nodes = num_nodes
        self.num_relations = num_relations
        head, relation, tail = torch.cat([triples, inverse_queries(triples, num_relations)]).unbind(1)
        codes = torch.unique(self._query(head, relation) * num_nodes + tail)
        self._tails = codes % num_nodes
        self._queries, counts = torch.unique_consecutive(codes // num_nodes, return_counts=True)
        self.queries = torch.stack([self._queries // (2 * num_relations), self._queries % (2 * num_relations)], dim=1)
        self._ends = counts.cumsum(0)
        self._starts = self._ends - counts

    def find(self, head: Tensor, relation: Tensor) -> tuple[Tensor, Tensor]:
        """The known tails of queries `[B]`: pairs (row, tail), both `[P]`, sorted by row and then by tail."""
        first, count = self._rows(head, relation)
        row = torch.repeat_interleave(torch.arange(len(head), device=head.device), count)
        offset = torch.arange(len(row), device=head.device) - (count.cumsum(0) - count)[row]
        return row, self._tails[first[row] + offset]

    def sample_unknown(self, head: Tensor, relation: Tensor, uniform: Tensor) -> Tensor:
        """Entities that are not known tails, each with equal chance; any entity where all are known.

        uniform: numbers in [0, 1), `[B, n]`. Returns int64 `[B, n]`.

        The u-th unknown entity is u plus the number of known ones before it. With the known ones sorted,
        k_0 < k_1 < ..., that number is #{j : k_j - j <= u}.
        """
        row, tail = self.find(head, relation)
        _, count = self._rows(head, relation)
        place = torch.arange(len(row), device=row.device) - (count.cumsum(0) - count)[row]
        width = int(place.max()) + 1 if len(place) else 0
        shifted = torch.full((len(head), width), self.num_nodes, device=row.device)
        shifted[row, place] = tail - place
        full = count == self.num_nodes
        shifted[full] = self.num_nodes
        unknown = torch.where(full, self.num_nodes, self.num_nodes - count).unsqueeze(1)
        index = (uniform * unknown).long().minimum(unknown - 1)
        return index + torch.searchsorted(shifted, index, right=True)

    def _query(self, head: Tensor, relation: Tensor) -> Tensor:
        return head * (2 * self.num_relations) + relation

    def _rows(self, head: Tensor, relation: Tensor) -> tuple[Tensor, Tensor]:
        """Where the known tails of each query start and how many there are."""
        if not len(self._queries):
            return torch.zeros_like(head), torch.zeros_like(head)
        query = self._query(head, relation)
        place = torch.searchsorted(self._queries, query).clamp(max=len(self._queries) - 1)
        found = self._queries[place] == query
        return self._starts[place], torch.where(found, self._ends[place] - self._starts[place], 0)


class World:
    """One graph on the task's device, with what is known in it: all that is, or its facts."""

    def __init__(self, graph: Data, num_relations: int, known: str, device: torch.device) -> None:
        self.num_relations = num_relations
        self.num_nodes = int(graph.num_nodes or 0)
        self.graph = Data(
            edge_index=graph.edge_index,
            edge_type=graph.edge_type,
            num_nodes=self.num_nodes,
            num_relations=num_relations,
        ).to(str(device))
        head, tail = self.graph["edge_index"]
        self.facts = torch.stack([head, self.graph["edge_type"], tail], dim=1)
        """The fact graph as triples `[E, 3]`."""
        triples = self.facts if known == "facts" else graph["known_triples"].to(device)
        self.known = KnownTails(triples, self.num_nodes, num_relations)

    def without(self, triples: Tensor, *, one_hop: bool) -> Data:
        """The graph with `edge_mask` False at the triples, or at every edge between their ends."""
        if one_hop:
            hidden = joins_ends(self.facts, triples, self.num_nodes)
        else:
            hidden = is_among(self.facts, triples, self.num_nodes, self.num_relations)
        graph = copy(self.graph)
        graph.edge_mask = ~hidden
        return graph

    def forwards(self, asked: Tensor) -> Tensor:
        """The triples `[n, 3]` of answered queries, those of inverse relations turned round."""
        inverse = asked[:, 1:2] >= self.num_relations
        return torch.where(inverse, inverse_queries(asked, -self.num_relations), asked)


def inverse_queries(triples: Tensor, num_relations: int) -> Tensor:
    """(h, r, t) as (t, r + R, h), by which a query for heads is asked as one for tails; `[n, 3]`."""
    head, relation, tail = triples.unbind(1)
    return torch.stack([tail, relation + num_relations, head], dim=1)


def is_among(triples: Tensor, others: Tensor, num_nodes: int, num_relations: int) -> Tensor:
    """Whether each of the triples `[n, 3]` is one of the others `[m, 3]`: bool `[n]`."""

    def code(items: Tensor) -> Tensor:
        head, relation, tail = items.unbind(1)
        return (head * num_relations + relation) * num_nodes + tail

    return torch.isin(code(triples), code(others))


def joins_ends(triples: Tensor, others: Tensor, num_nodes: int) -> Tensor:
    """Whether each of the triples `[n, 3]` joins the two ends of one of the others `[m, 3]`, in either direction
    and by any relation: bool `[n]`."""

    def code(items: Tensor) -> Tensor:
        ends = items[:, [0, 2]]
        return ends.amin(1) * num_nodes + ends.amax(1)

    return torch.isin(code(triples), code(others))
