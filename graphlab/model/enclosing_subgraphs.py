"""Enclosing subgraphs of pairs of nodes, labelled by how far a node is from both. Zhang and Chen, NeurIPS 2018.

The enclosing subgraph of (u, v) holds the nodes at most h edges from u or v and all edges between them, but not a link
of u and v. A node with the distances i from u and j from v, each without the other end in the way, has the label

    1 + min(i, j) + d (d + (i + j) mod 2 - 1)    with d = (i + j) div 2    (double-radius node labelling)

u and v themselves have 1, and a node that one of them does not reach has 0.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from graphlab.model.pair_neighbours import NeighbourLists

UNREACHED = -1
"""In place of the distance of a node that is not reached."""


@dataclass(frozen=True)
class EnclosingSubgraphs:
    """The enclosing subgraphs of P pairs side by side, T nodes in all.

    Attributes:
        pair: The pair of each node, int64 `[T]`, ascending.
        node: Which node of the graph it is, int64 `[T]`, ascending in each pair.
        label: int64 `[T]`.
        edge_index: Edges between rows, int64 `[2, E]`, in both directions.
    """

    pair: Tensor
    node: Tensor
    label: Tensor
    edge_index: Tensor


def enclosing_subgraphs(neighbours: NeighbourLists, pairs: Tensor, num_hops: int) -> EnclosingSubgraphs:
    """Of pairs int64 `[P, 2]`, within `num_hops` edges."""
    num_nodes = max(1, len(neighbours.degree))
    own = torch.arange(len(pairs), device=pairs.device) * num_nodes
    ends = own.unsqueeze(1) + pairs
    members = new = ends.flatten().unique()
    for _ in range(num_hops):
        _, reached = _steps(neighbours, pairs, new)
        reached = reached.unique()
        new = reached[_places(members, reached) < 0]
        members = torch.cat([members, new]).sort().values
    source, code = _steps(neighbours, pairs, members)
    target = _places(members, code)
    edge_index = torch.stack([source, target])[:, target >= 0]
    first, second = _places(members, ends.T.contiguous())
    label = _labels(edge_index, len(members), first, second)
    return EnclosingSubgraphs(members // num_nodes, members % num_nodes, label, edge_index)


def _steps(neighbours: NeighbourLists, pairs: Tensor, members: Tensor) -> tuple[Tensor, Tensor]:
    """All steps along edges from some members, (pair * num_nodes + node), but for those over a link of the pair: the
    place of the member, and pair * num_nodes + node where it leads to."""
    num_nodes = max(1, len(neighbours.degree))
    pair, node = members // num_nodes, members % num_nodes
    place, other = neighbours.of(node)
    low, high = pairs[pair[place]].sort(1).values.unbind(1)
    node, pair = node[place], pair[place]
    is_elsewhere = (torch.minimum(node, other) != low) | (torch.maximum(node, other) != high)
    return place[is_elsewhere], (pair * num_nodes + other)[is_elsewhere]


def _places(members: Tensor, codes: Tensor) -> Tensor:
    """Where codes are among the members, which are sorted; -1 where they are not."""
    if not len(members):
        return torch.full_like(codes, -1)
    place = torch.searchsorted(members, codes).clamp(max=len(members) - 1)
    return torch.where(members[place] == codes, place, -1)


def _labels(edge_index: Tensor, num_rows: int, first: Tensor, second: Tensor) -> Tensor:
    apart = first != second
    from_first = _distances(edge_index, num_rows, first, second[apart])
    from_second = _distances(edge_index, num_rows, second, first[apart])
    total = from_first + from_second
    half = total // 2
    label = 1 + torch.minimum(from_first, from_second) + half * (half + total % 2 - 1)
    label[(from_first == UNREACHED) | (from_second == UNREACHED)] = 0
    label[first] = label[second] = 1
    return label


def _distances(edge_index: Tensor, num_rows: int, start: Tensor, removed: Tensor) -> Tensor:
    """Edges from the nearest start to each row over rows that are not removed, int64 `[num_rows]`."""
    distance = torch.full((num_rows,), UNREACHED, device=edge_index.device)
    is_left = torch.ones(num_rows, dtype=torch.bool, device=edge_index.device)
    is_left[removed] = False
    source, target = edge_index[:, is_left[edge_index].all(0)]
    distance[start] = 0
    step, is_new = 0, distance == 0
    while is_new.any():
        step += 1
        is_reached = torch.zeros_like(is_new)
        is_reached[target[is_new[source]]] = True
        is_new = is_reached & (distance == UNREACHED)
        distance[is_new] = step
    return distance
