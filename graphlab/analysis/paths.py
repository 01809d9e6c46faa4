"""Which paths a prediction rests on. Zhu et al., NeurIPS 2021, section 4.4.

A path-based model's score s is differentiated by a weight of every edge in every layer, all of them 1:

    importance(edge e in layer l) = ds / dw_e^(l)
    importance(path)              = mean of its edges' importances, each in the layer that it is walked in

A walk of k edges takes k of the model's L layers, in their order; in the others it waits where it is, as the
model's update keeps a node's state from layer to layer. It counts with the choice of layers that serves it best.
The paper sums over a path's edges and its published code divides by their number, as is done here: under a sum
every detour of positive importance would win.

Where a score saturates, its gradient at weights of 1 says little. The mean of the gradients at weights between 0 and
1, the same for all edges, is what each edge adds on the way from an empty graph to the whole: integrated gradients,
Sundararajan, Taly and Yan, ICML 2017, eq. 1-3. Over all edges and layers, it sums to what the graph adds to the score.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from numbers import Integral

import numpy as np
import torch
from torch import Tensor
from torch_geometric.data import Data

from graphlab.core.errors import IncompatibleError, InputError
from graphlab.model.base import TripleModel
from graphlab.ops.compiled import kept

MOST_PATHS = 1000
"""Paths that can be asked for; the search keeps as many for every entity."""


@dataclass(frozen=True)
class Path:
    """A walk from head to tail: edges in `[0, 2 E)`, edge e + E being fact e walked from its tail to its head."""

    edges: tuple[int, ...]
    importance: float


def edge_importance(model: TripleModel, graph: Data, head: int, relation: int, tail: int, *, scales: int = 1) -> Tensor:
    """Gradient of the score of (head, relation, tail) by the weight of every edge in every layer.

    relation in `[0, 2 R)`; scales is how many weights 1/scales, 2/scales, ..., 1 of all edges the gradient is
    averaged over. Returns `[L, 2 E]`, facts first and then their inverses. Raises IncompatibleError for a model
    that does not score by paths.
    """
    layers = require_paths(model)
    if isinstance(scales, bool) or not isinstance(scales, Integral) or scales < 1:
        raise InputError(f"there cannot be {scales!r} scales", hint="1 is the gradient alone")
    like = next(model.parameters())
    query = (torch.tensor([value], device=like.device) for value in (head, relation))
    query = *query, torch.tensor([[tail]], device=like.device)
    total = torch.zeros(layers, 2 * graph.num_edges, dtype=like.dtype)
    for scale in range(1, scales + 1):
        weights = torch.full_like(total, scale / scales, device=like.device).requires_grad_()
        with torch.enable_grad():
            score = model.score(graph, *query, edge_weights=weights.unbind(0))  # pyright: ignore[reportCallIssue]
            (gradient,) = torch.autograd.grad(score.sum(), weights, materialize_grads=True)
        total += gradient.cpu()
    return total / scales


def require_paths(model: TripleModel) -> int:
    """Layers of a model that scores by paths. Raises IncompatibleError for one that does not."""
    if "edge_weights" not in inspect.signature(model.score).parameters:
        raise IncompatibleError(
            f"{type(model).__name__} does not score by paths, so no path explains what it predicts",
            hint="paths are those of a path-based model such as nbfnet",
        )
    layers = model.layers
    assert isinstance(layers, torch.nn.ModuleList)
    return len(layers)


def top_paths(edge_index: Tensor, importance: Tensor, num_nodes: int, head: int, tail: int, k: int = 10) -> list[Path]:
    """The k most important walks of 1 to L edges from head to tail, the best first.

    They leave the head once and reach the tail once, unless the two are the same: a walk that goes on from the
    tail and comes back explains nothing.

    A Bellman-Ford iteration over the layers. For every entity and every number of edges it keeps the k best
    walks that lead there. What goes on from an entity does not depend on how it was reached, so that nothing
    is lost: the result is that of trying all walks. O(L^2 k (E + N)) steps, O(L^2 k N) memory.

    Args:
        edge_index: int64 `[2, M]`, every edge in the direction in which it is walked.
        importance: `[L, M]`, of each edge in each layer.
        k: at most 1,000.
    """
    if isinstance(k, bool) or not isinstance(k, Integral) or not 1 <= k <= MOST_PATHS:
        raise InputError(f"there cannot be {k!r} paths", hint=f"ask for 1 to {MOST_PATHS:,}")
    source, target = (end.cpu().numpy() for end in edge_index)
    order = np.argsort(target, kind="stable")
    if head != tail:
        order = order[(source[order] != tail) & (target[order] != head)]
    start = np.searchsorted(target[order], np.arange(num_nodes + 1))
    gain = importance.cpu().double().numpy()
    layers = len(gain)
    value = np.full((layers + 1, num_nodes, k), -np.inf)
    walk = np.full((layers + 1, num_nodes, k, layers), -1, dtype=np.int32)
    value[0, head, 0] = 0.0
    for layer in range(layers):
        for length in range(layer + 1, 0, -1):
            _extend(start, order, source, gain[layer], length, value, walk)
    found = [
        Path(tuple(walk[length, tail, place, :length].tolist()), float(value[length, tail, place]) / length)
        for length in range(1, layers + 1)
        for place in range(k)
        if value[length, tail, place] > -np.inf
    ]
    return sorted(found, key=lambda path: (-path.importance, len(path.edges), path.edges))[:k]


@kept()
def _extend(
    start: np.ndarray,
    order: np.ndarray,
    source: np.ndarray,
    gain: np.ndarray,
    length: int,
    value: np.ndarray,
    walk: np.ndarray,
) -> None:
    """Let walks of `length - 1` edges take one more, into the sorted lists of those that have `length` already."""
    for node in range(len(start) - 1):
        best, walks = value[length, node], walk[length, node]
        for place in range(start[node], start[node + 1]):
            edge = order[place]
            for rank in range(value.shape[2]):
                total = value[length - 1, source[edge], rank] + gain[edge]
                if not total > best[-1]:
                    break
                _insert(best, walks, total, walk[length - 1, source[edge], rank], edge, length)


@kept()
def _insert(best: np.ndarray, walks: np.ndarray, total: float, prefix: np.ndarray, edge: int, length: int) -> None:
    """Put a walk into its place in a list sorted by value; of the same walk twice, the better one stays."""
    last = len(best) - 1
    for rank in range(len(best)):
        if best[rank] == -np.inf:
            break
        if walks[rank, length - 1] == edge and np.array_equal(walks[rank, : length - 1], prefix[: length - 1]):
            if best[rank] >= total:
                return
            last = rank
            break
    rank = last
    while rank > 0 and best[rank - 1] < total:
        best[rank] = best[rank - 1]
        walks[rank] = walks[rank - 1]
        rank -= 1
    best[rank] = total
    walks[rank, : length - 1] = prefix[: length - 1]
    walks[rank, length - 1] = edge
