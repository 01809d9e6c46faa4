"""Some of the subgraphs, drawn anew in every step of training."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from graphlab.model.subgraph.tuples import Tuples
from graphlab.ops.compiled import kept
from graphlab.ops.tuple_spmm import Messages


class Chosen(Tuples):
    """The tuples of some roots, roots and tuples numbered anew, nodes as they were.

    A message stays if both of its ends do; a tuple that should hear of one that has gone hears of itself.

    Args:
        whole: the tuples of all roots.
        chosen: bool `[R]`.
    """

    def __init__(self, whole: Tuples, chosen: Tensor) -> None:
        super().__init__()
        self._whole, self._kept = whole, chosen[whole.root]
        self._place = self._kept.cumsum(0) - 1
        self.rows = self._kept.nonzero().squeeze(1)
        self.root = (chosen.cumsum(0) - 1)[whole.root[self.rows]]
        self.node = whole.node[self.rows]
        self.root_graph, self.root_node = whole.root_graph[chosen], whole.root_node[chosen]
        self.num_nodes = whole.num_nodes

    def _local(self, name: Any) -> Messages:
        target, source, kind = self._whole.messages(name).pairs()
        stays = self._kept[target] & self._kept[source]
        ends = self._place[target[stays]], self._place[source[stays]]
        return Messages.of_pairs(*ends, self.num_tuples, self.num_tuples, kind[stays] if len(kind) else None)

    def _point(self, name: Any) -> Tensor:
        _, source, _ = self._whole.messages(name).pairs()
        asked = source[self.rows]
        own = torch.arange(self.num_tuples, device=asked.device)
        return torch.where(self._kept[asked], self._place[asked], own)


def draw_roots(root_graph: Tensor, fraction: float) -> Tensor:
    """A random share of each graph's roots, one at least: bool `[R]`.

    root_graph: int64 `[R]`.
    """
    count = (torch.bincount(root_graph) * fraction).ceil()
    return top_of_each(torch.rand(len(root_graph), device=root_graph.device), root_graph, count)


def top_of_each(score: Tensor, graph: Tensor, count: Tensor) -> Tensor:
    """Which rows are among the highest `count[g]` of those of their graph g, bool `[rows]`; of equal ones the first.

    score `[rows]`; graph int64 `[rows]`; count `[num_graphs]`, which may exceed what there is.
    """
    order = score.argsort(descending=True, stable=True)
    order = order[graph[order].argsort(stable=True)]
    rows = torch.bincount(graph, minlength=len(count))
    place = graph[order]
    rank = torch.arange(len(order), device=order.device) - (rows.cumsum(0) - rows)[place]
    chosen = torch.zeros_like(graph, dtype=torch.bool)
    chosen[order] = rank < count[place]
    return chosen


def cover_roots(tuples: Tuples, coverage: int) -> Tensor:
    """Roots in a random order, of which those are left out whose nodes have all been in `coverage` subgraphs or more
    already: bool `[R]`. A node that is in fewer keeps all of its own. Zhao et al., ICLR 2022, sec. 3.4.

    Tuples of one root stand together, as they do in both carriers.
    """
    size = torch.bincount(tuples.root, minlength=tuples.num_roots)
    start = np.r_[0, size.cumsum(0).cpu().numpy()]
    order = torch.randperm(tuples.num_roots).numpy()
    chosen = _cover(start, tuples.node.cpu().numpy(), order, tuples.num_nodes, coverage)
    return torch.from_numpy(chosen).to(tuples.root.device)


@kept()
def _cover(start, node, order, num_nodes, coverage):
    times = np.zeros(num_nodes, np.int64)
    chosen = np.zeros(len(order), np.bool_)
    for r in order:
        inside = node[start[r] : start[r + 1]]
        for v in inside:
            if times[v] < coverage:
                chosen[r] = True
        if chosen[r]:
            for v in inside:
                times[v] += 1
    return chosen
