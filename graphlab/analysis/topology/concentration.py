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

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from threading import local
from typing import Literal

import numpy as np
import torch

from graphlab.analysis.topology.parts import LinkParts
from graphlab.core.errors import InputError, require_count
from graphlab.core.memory import available_memory, require_memory
from graphlab.core.seeds import SeedStream
from graphlab.ops.adjacency import Adjacency
from graphlab.ops.common_neighbours import common_neighbours
from graphlab.ops.compiled import called_by_loops, compiled
from graphlab.ops.neighbour_sum import Neighbours, neighbour_sum
from graphlab.ops.threads import for_each, ranges

MOST_HOPS = 8
"""The most hops of the exact form, whose sets of steps are bits of a byte."""

REACHED = 12 * 2**20
"""Ends of walks, 13 bytes each, that are kept at once."""

LEAST = 512
"""Nodes that a thread takes at once."""

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
    require_count("the number of hops", hops, f"1 to {MOST_HOPS}")
    if hops > MOST_HOPS:
        raise InputError(f"the number of hops cannot be {hops}", hint=f"1 to {MOST_HOPS}; more by approximation")
    graph, is_train = parts.train, part == "train"
    discount = _discount(graph)
    num_walks = _num_walks(graph, hops)
    powers = discount ** np.arange(hops)
    normaliser = (powers[:, None] * num_walks).sum(0) * powers.sum() - is_train
    if hops == 1:
        shared = _shared_by_links(graph, links)
    else:
        shared = _shared(graph, links, powers, num_walks.sum(0), on_progress)
    has_links = links.degree > 0
    counts = has_links & (graph.degree > (1 if is_train else 0))
    values = np.zeros(parts.num_nodes)
    values[counts] = shared[counts] / (links.degree[counts] * normaliser[counts])
    return Concentration(part, hops, values, has_links)


def _discount(graph: Adjacency) -> float:
    """b, 1 / the mean degree of all nodes; 1 where there is no link, and thus nothing to discount."""
    return graph.num_nodes / len(graph.neighbour) if len(graph.neighbour) else 1.0


def _num_walks(graph: Adjacency, hops: int) -> np.ndarray:
    """Walks of 1 ... K steps from each node, float64 `[K, num_nodes]`."""
    walks = graph.degree.astype(np.float64)[None].repeat(hops, axis=0)
    row = np.repeat(np.arange(graph.num_nodes), graph.degree)
    for step in range(1, hops):
        walks[step] = np.bincount(row, walks[step - 1][graph.neighbour], minlength=graph.num_nodes)
    return walks


def _shared_by_links(graph: Adjacency, links: Adjacency) -> np.ndarray:
    """The numerators of one hop, summed over the links of each node."""
    ends = links.links
    common = common_neighbours(graph, ends)
    return np.bincount(ends.ravel(), np.repeat(common, 2), minlength=graph.num_nodes)


def _shared(
    graph: Adjacency, links: Adjacency, worth: np.ndarray, num_walks: np.ndarray, on_progress: OnProgress | None
) -> np.ndarray:
    """The numerators of K hops, summed over the links of each node.

    Nodes j are taken in blocks, whose walks are kept; then, for each node i with a link into the block, its walks,
    which are counted again where it is not in the block itself, are compared with those.

    Args:
        graph, links: Those of training, and those that are asked for.
        worth: What walks of 1 ... K steps count, `[K]`.
        num_walks: Walks of up to K steps from each node.
        on_progress: Called after each block.
    """
    hops, sources = len(worth), np.flatnonzero(links.degree)
    bound = np.minimum(num_walks, graph.num_nodes)[sources].astype(np.int64)
    of_thread = local()
    weight_of = np.array([sum(worth[q] for q in range(hops) if steps >> q & 1) for steps in range(2**hops)])
    out = np.zeros(graph.num_nodes)
    for first, last in _blocks(bound):
        block = sources[first:last]
        room = np.concatenate([[0], np.cumsum(bound[first:last])])
        ends = np.empty(room[-1], np.int32), np.empty(room[-1], np.uint8), np.empty(room[-1])
        size = np.zeros(len(block), np.int64)
        place = np.full(graph.num_nodes, -1, np.int64)
        place[block] = np.arange(len(block))

        def reach(share: tuple[int, int], block=block, room=room, ends=ends, size=size) -> None:
            scratch = _scratch(of_thread, graph.num_nodes)
            _reach(graph.start, graph.neighbour, block, *share, worth, *scratch, room, *ends, size)

        def compare(share: tuple[int, int], room=room, ends=ends, size=size, place=place) -> None:
            scratch = _scratch(of_thread, graph.num_nodes)
            _compare(
                graph.start, graph.neighbour, links.start, links.neighbour, *share, worth, weight_of, *scratch, place,
                room, *ends, size, out,
            )  # fmt: skip

        for_each(reach, ranges(len(block), LEAST))
        for_each(compare, ranges(graph.num_nodes, LEAST))
        if on_progress is not None:
            on_progress(last / len(sources))
    return out


def _scratch(of_thread: local, num_nodes: int) -> tuple[np.ndarray, ...]:
    """What one thread walks in, made once: `walks` and `flags` are zero whenever they are not in use."""
    if not hasattr(of_thread, "arrays"):
        walks, queue = np.zeros((3, num_nodes)), np.empty((3, num_nodes), np.int32)
        of_thread.arrays = walks, queue, np.zeros(num_nodes, np.uint8)
    return of_thread.arrays


def _blocks(bound: np.ndarray) -> Iterator[tuple[int, int]]:
    """Ranges whose bounds sum to REACHED at most, or of one."""
    total = np.concatenate([[0], np.cumsum(bound)])
    first = 0
    while first < len(bound):
        last = int(np.searchsorted(total, total[first] + REACHED, side="right")) - 1
        last = min(max(last, first + 1), len(bound))
        yield first, last
        first = last


@called_by_loops
def _walk(start, neighbour, node, worth, walks, queue, flags):
    """The walks of up to K steps from a node, joined at their ends after each step; the number of different ends.

    worth: what walks of 1 ... K steps count.
    walks: `[3, n]`, zero at first: those of this step and of the next, which are zero at last too, and their sum.
    queue: `[3, n]`, the nodes at which these are not zero, in `queue[2]` those of the sum.
    flags: `[n]`, zero at first: at the ends, bit p for walks of p + 1 steps.
    """
    here, there, sums = walks[0], walks[1], walks[2]
    now, following, ends = queue[0], queue[1], queue[2]
    here[node], now[0] = 1, node
    count, total = 1, 0
    for p in range(len(worth)):
        num_following = 0
        for k in range(count):
            at = np.uint64(now[np.uint64(k)])
            value = here[at]
            here[at] = 0
            for e in range(start[at], start[at + np.uint64(1)]):
                other = np.uint64(neighbour[np.uint64(e)])
                before = there[other]
                if before == 0:
                    following[num_following] = other
                    num_following += 1
                there[other] = before + value
        here, there, now, following = there, here, following, now
        count, bit, share = num_following, np.uint8(1 << p), worth[p]
        for k in range(count):
            at = np.uint64(now[np.uint64(k)])
            flag = flags[at]
            if flag == 0:
                ends[total] = at
                total += 1
            flags[at] = flag | bit
            sums[at] += share * here[at]
    for k in range(count):
        here[now[k]] = 0
    return total


@compiled
def _reach(start, neighbour, block, first, last, worth, walks, queue, flags, room, reached, steps, sums, size):
    """The walks from block[first:last]: their ends, the steps that they took, and their sums, put closely together from
    room[first] on; `room` says where."""
    place = room[first]
    for j in range(first, last):
        room[j], size[j] = place, _walk(start, neighbour, block[j], worth, walks, queue, flags)
        for k in range(size[j]):
            end = queue[2, k]
            reached[place], steps[place], sums[place] = end, flags[end], walks[2, end]
            flags[end] = 0
            walks[2, end] = 0
            place += 1


@compiled
def _compare(
    start,
    neighbour,
    link_start,
    link,
    first,
    last,
    worth,
    weight_of,
    walks,
    queue,
    flags,
    place,
    room,
    reached,
    steps,
    sums,
    size,
    out,
):
    """For nodes i in [first, last) with links into the block: those of their walks whose ends the block has reached."""
    for i in range(first, last):
        is_linked = False
        for e in range(link_start[i], link_start[i + 1]):
            is_linked |= place[link[e]] >= 0
        if not is_linked:
            continue
        own = place[i]
        if own >= 0:
            total = size[own]
            for k in range(total):
                end = reached[room[own] + k]
                queue[2, k] = end
                walks[2, end] = sums[room[own] + k]
        else:
            total = _walk(start, neighbour, i, worth, walks, queue, flags)
        for e in range(link_start[i], link_start[i + 1]):
            j = place[link[e]]
            if j >= 0:
                shared = 0.0
                for k in range(room[j], room[j] + size[j]):
                    shared += walks[2, reached[k]] * weight_of[steps[k]]
                out[i] += shared
        for k in range(total):
            walks[2, queue[2, k]] = 0
            flags[queue[2, k]] = 0


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
