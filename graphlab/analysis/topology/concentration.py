"""Topological concentration: how much a node shares its surroundings with those that it is linked to.

With A the training graph, b = 1 / its mean degree, and N_i the nodes that links of a part join to i,

    TC_i = mean over j in N_i of  sum_{p,q} b^(p+q-2) |H_i^p within H_j^q|  /  sum_{p,q} b^(p+q-2) |H_i^p|

for p, q = 1 ... K, where H_i^p is the multiset of ends of walks of p steps from i, of which the numerator counts those
that are also ends of walks of q steps from j (Wang et al., ICLR 2024). Where the part is training, j
is itself in H_i^1, and the normaliser of p = q = 1 is |H_i^1| - 1: for K = 1 this is the local clustering coefficient.
A node with a training degree of 0, or of 1 where the part is training, has a concentration of 0.

Its approximation by random projection, with rows R of normal numbers and A~ the row-normalised A + I, is

    ATC_i = mean over j in N_i of cos(z_i, z_j),    z = mean over k = 1 ... K of A~^k R,

(the same). With the width of R it tends to the same with the identity for R, at the rate of its square root; that
limit is another quantity than TC.

References:
    Wang et al., A Topological Perspective on Demystifying GNN-Based Link Prediction Performance, ICLR 2024.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch

from graphlab.analysis.topology.parts import LinkParts
from graphlab.core.errors import InputError, require_count
from graphlab.core.memory import available_memory, require_memory
from graphlab.core.seeds import SeedStream
from graphlab.ops.adjacency import Adjacency
from graphlab.ops.common_neighbours import common_with_linked
from graphlab.ops.compiled import compiled
from graphlab.ops.neighbour_sum import Neighbours, neighbour_sum
from graphlab.ops.shared_walks import MOST_STEPS, shared_walks
from graphlab.ops.threads import for_each, ranges

OnProgress = Callable[[float], None]
"""Called with the part of the work that is done, from 0 to 1."""


@dataclass(frozen=True, eq=False)
class Concentration:
    """A topological concentration for each node.

    Attributes:
        part: Whose links were asked for.
        hops: K.
        values: float64 `[num_nodes]`, 0 where a node has no link in the part.
        counted: Whether a node has a link in the part, bool `[num_nodes]`; means and correlations are over these.
        error: Standard errors of `values` over random projections, `[num_nodes]`; None where there was one, or none.
    """

    part: str
    hops: int
    values: np.ndarray
    counted: np.ndarray
    error: np.ndarray | None = None

    @property
    def mean(self) -> float | None:
        """Over the nodes with a link in the part; None if there is none."""
        return float(self.values[self.counted].mean()) if self.counted.any() else None

    @property
    def median(self) -> float | None:
        """As `mean`."""
        return float(np.median(self.values[self.counted])) if self.counted.any() else None


def topological_concentration(
    parts: LinkParts, part: str = "test", hops: int = 1, *, on_progress: OnProgress | None = None
) -> Concentration:
    """TC of each node, exactly.

    One hop takes the time of the common neighbours of the links. More take that of all walks, with equal ends joined
    after each step, in memory that does not grow with their number.

    Args:
        parts: The links.
        part: "train", "validation" or "test".
        hops: K, from 1 to 8.
        on_progress: Called now and then.

    Raises:
        UnknownNameError: There is no such part.
        InputError: The number of hops is out of its range.
    """
    links = parts.links(part)
    require_count("the number of hops", hops, f"1 to {MOST_STEPS}")
    if hops > MOST_STEPS:
        raise InputError(f"the number of hops cannot be {hops}", hint=f"1 to {MOST_STEPS}; more by approximation")
    graph, is_train = parts.train, part == "train"
    worth = _discount(graph) ** np.arange(hops)
    if hops == 1:
        shared, walks = common_with_linked(graph, links), graph.degree
    else:
        shared, walks = shared_walks(graph, links, worth, on_progress)
    return Concentration(part, hops, *_means(shared, walks, worth.sum(), int(is_train), links.start, graph.start))


def _discount(graph: Adjacency) -> float:
    """b, 1 / the mean degree of all nodes; 1 where there is no link, and thus nothing to discount."""
    return graph.num_nodes / len(graph.neighbour) if len(graph.neighbour) else 1.0


@compiled
def _means(shared, walks, scale, is_train, link_start, start):
    """The concentrations, and whether a node has links."""
    values, has_links = np.zeros(len(shared)), np.zeros(len(shared), np.bool_)
    for i in range(len(shared)):
        num_links = link_start[i + 1] - link_start[i]
        has_links[i] = num_links > 0
        if has_links[i] and start[i + 1] - start[i] > is_train:
            values[i] = shared[i] / (num_links * (walks[i] * scale - is_train))
    return values, has_links


def approximate_concentration(
    parts: LinkParts,
    part: str = "test",
    hops: int = 1,
    *,
    dim: int = 64,
    similarity: Literal["cosine", "dot"] = "cosine",
    draws: int = 1,
    seed: int = 0,
    projection: np.ndarray | None = None,
    on_progress: OnProgress | None = None,
) -> Concentration:
    """ATC of each node: the mean similarity of propagated random rows over its links, O(K dim (E + n)).

    Args:
        parts: The links.
        part: "train", "validation" or "test".
        hops: K.
        dim: Width of the projection.
        similarity: The cosine, or the product of rows.
        draws: How many projections are averaged; from two on there are standard errors.
        seed: Of the projections.
        projection: R itself, `[num_nodes, dim]`, in place of drawn ones.
        on_progress: Called after each draw.

    Raises:
        UnknownNameError: There is no such part or similarity.
        InputError: A number is out of its range, the projection has another shape, or the rows would not fit in memory.
    """
    links, num_nodes = parts.links(part), parts.num_nodes
    for what, count in (("hops", hops), ("columns", dim), ("draws", draws)):
        require_count(f"the number of {what}", count, "at least 1")
    if similarity not in ("cosine", "dot"):
        raise InputError(f"there is no similarity {similarity!r:.40}", hint="cosine or dot")
    if projection is not None and (np.ndim(projection) != 2 or len(projection) != num_nodes or draws != 1):
        raise InputError(
            f"a projection has shape {np.shape(projection)}", hint=f"give one of [{num_nodes}, width], and draws=1"
        )
    width = dim if projection is None else np.shape(projection)[1]
    require_memory(
        f"random rows of {num_nodes:,} nodes, {width:,} wide",
        4 * 4 * num_nodes * width + 32 * len(parts.train.neighbour),
        available_memory(),
        "use a smaller dim",
    )
    propagated = _Propagation(parts.train, hops)
    total, squares = np.zeros(num_nodes), np.zeros(num_nodes)
    stream = SeedStream(seed).child("topological-concentration")
    for draw in range(draws):
        rows = _projection(num_nodes, dim, stream.child(draw)) if projection is None else torch.as_tensor(projection)
        values = _mean_similarity(links, propagated(rows), similarity == "cosine")
        total += values
        squares += values**2
        if on_progress is not None:
            on_progress((draw + 1) / draws)
    mean = total / draws
    error = None
    if draws > 1:
        error = np.sqrt(np.maximum(squares / draws - mean**2, 0) / (draws - 1))
    return Concentration(part, hops, mean, links.degree > 0, error)


def _projection(num_nodes: int, dim: int, stream: SeedStream) -> torch.Tensor:
    """Normal numbers; as the reference has it, of the standard deviation 1 / dim, which cosines do not see."""
    return torch.randn(num_nodes, dim, generator=stream.torch()) / dim


class _Propagation:
    """z = mean over k = 1 ... K of A~^k R."""

    def __init__(self, graph: Adjacency, hops: int) -> None:
        row = np.repeat(np.arange(graph.num_nodes), graph.degree)
        edges = torch.from_numpy(np.stack([graph.neighbour.astype(np.int64), row]))
        self.neighbours = Neighbours(edges, graph.num_nodes, graph.num_nodes)
        self.scale = torch.from_numpy(1 / (graph.degree + 1.0)).unsqueeze(1)
        self.hops = hops

    def __call__(self, rows: torch.Tensor) -> torch.Tensor:
        own, scale = torch.ones(1, dtype=rows.dtype), self.scale.to(rows.dtype)
        total = torch.zeros_like(rows)
        for _ in range(self.hops):
            rows = neighbour_sum(self.neighbours, rows, own=own).mul_(scale)
            total += rows
        return total.div_(self.hops)


def _mean_similarity(links: Adjacency, rows: torch.Tensor, is_cosine: bool) -> np.ndarray:
    """The mean over the links of each node, `[num_nodes]`; 0 without links."""
    if is_cosine:
        rows = torch.nn.functional.normalize(rows, dim=1)
    out = np.zeros(links.num_nodes)
    values = np.ascontiguousarray(rows.numpy())
    for_each(lambda share: _similarity(links.start, links.neighbour, values, *share, out), ranges(links.num_nodes))
    return out


@compiled
def _similarity(start, neighbour, rows, first, last, out):
    for i in range(first, last):
        total = 0.0
        for e in range(start[i], start[i + 1]):
            j = neighbour[e]
            product = 0.0
            for k in range(rows.shape[1]):
                product += rows[i, k] * rows[j, k]
            total += product
        degree = start[i + 1] - start[i]
        out[i] = total / degree if degree else 0.0
