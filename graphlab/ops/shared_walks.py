"""Ends of walks that linked nodes share.

With H_i^p the multiset of ends of walks of p steps from i, and w_p what a walk of p steps counts,

    shared_i = sum over links (i, j) of  sum_{p,q} w_p w_q |H_i^p within H_j^q|

for p, q = 1 ... K: how many of the first are also ends of the second, whatever their number there. After each step
walks with equal ends are joined. A link costs the smaller of its two nodes' numbers of ends, once for both directions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from threading import local

import numpy as np

from graphlab.ops.adjacency import Adjacency
from graphlab.ops.compiled import at, called_by_loops, compiled
from graphlab.ops.threads import for_each, ranges

MOST_STEPS = 8
"""The most steps: sets of them are bits of a byte."""

REACHED = 12 * 2**20
"""Ends of walks, 13 bytes each, that are kept at once."""

ALONE = 2**18
"""Walks that one thread has done before others have started."""

LEAST = 512
"""Nodes that a thread takes at once."""


def shared_walks(
    graph: Adjacency, links: Adjacency, worth: np.ndarray, on_progress: Callable[[float], None] | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """What is shared, summed over the links of each node, and what its walks count.

    Args:
        graph: Where walks go.
        links: Whose ends are compared.
        worth: w_p of p = 1 ... K steps, float64 `[K]`, K at most MOST_STEPS.
        on_progress: Called now and then with the part of the work that is done.

    Returns:
        Float64 `[num_nodes]` each; the second is the sum over p of w_p times the number of walks of p steps.
    """
    total, counted = _count(graph.start, graph.neighbour, worth)
    sources, room = _room(total, links.start)
    weight_of = _weight_of(worth)
    walks = graph.start, graph.neighbour, worth
    ends = links.start, links.neighbour
    if room[-1] <= ALONE:
        return _alone(*walks, *ends, weight_of, room[-1]), counted
    shared, bound, of_thread = np.zeros(len(links.neighbour)), np.diff(room), local()
    for first, last in _blocks(bound):
        block = sources[first:last]
        room = np.concatenate([[0], np.cumsum(bound[first:last])])
        reached = np.empty(room[-1], np.int32), np.empty(room[-1], np.uint8), np.empty(room[-1])
        size, place = np.zeros(len(block), np.int64), np.full(graph.num_nodes, -1, np.int64)
        place[block] = np.arange(len(block))

        def reach(share: tuple[int, int], block=block, room=room, reached=reached, size=size) -> None:
            _reach(*walks, block, *share, *_scratch(of_thread, graph.num_nodes), room, *reached, size)

        def compare(share: tuple[int, int], room=room, reached=reached, size=size, place=place) -> None:
            scratch = _scratch(of_thread, graph.num_nodes)
            _compare(*walks, *ends, weight_of, *share, *scratch, place, room, *reached, size, shared)

        for_each(reach, ranges(len(block), LEAST))
        for_each(compare, ranges(graph.num_nodes, LEAST))
        if on_progress is not None:
            on_progress(last / len(sources))
    return _by_node(links.start, shared), counted


def _scratch(of_thread: local, num_nodes: int) -> tuple[np.ndarray, ...]:
    """What one thread walks in, made once: `walks` and `flags` are zero whenever they are not in use."""
    if not hasattr(of_thread, "arrays"):
        walks, queue = np.zeros((3, num_nodes)), np.empty((3, num_nodes + 1), np.int32)
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


@compiled
def _count(start, neighbour, worth):
    """Walks of up to K steps from each node, and what they count."""
    num_nodes = len(start) - 1
    now, following = np.empty(num_nodes), np.empty(num_nodes)
    total, weighted = np.empty(num_nodes), np.empty(num_nodes)
    for i in range(num_nodes):
        now[i] = start[i + 1] - start[i]
        total[i], weighted[i] = now[i], worth[0] * now[i]
    for p in range(1, len(worth)):
        for i in range(num_nodes):
            walks = 0.0
            for e in range(start[i], start[i + 1]):
                walks += at(now, at(neighbour, e))
            following[i] = walks
            total[i] += walks
            weighted[i] += worth[p] * walks
        now, following = following, now
    return total, weighted


@compiled
def _room(total, link_start):
    """The nodes with links, and where the ends that they can reach would start, were they put one after the other."""
    num_nodes = len(total)
    sources, room = np.empty(num_nodes, np.int64), np.zeros(num_nodes + 1, np.int64)
    count = 0
    for i in range(num_nodes):
        sources[count] = i
        room[count + 1] = room[count] + np.int64(min(total[i], num_nodes))
        count += link_start[i] < link_start[i + 1]
    return sources[:count], room[: count + 1]


@compiled
def _weight_of(worth):
    """What a set of steps counts, by its bits."""
    weight = np.zeros(2 ** len(worth))
    for steps in range(len(weight)):
        for p in range(len(worth)):
            if steps >> p & 1:
                weight[steps] += worth[p]
    return weight


@compiled
def _by_node(start, values):
    """The sums of values a link, over the links of each node."""
    out = np.zeros(len(start) - 1)
    for i in range(len(out)):
        for e in range(start[i], start[i + 1]):
            out[i] += values[e]
    return out


@called_by_loops
def _walk(start, neighbour, worth, node, walks, queue, flags):
    """The walks of up to K steps from a node, joined at their ends after each step; the number of different ends.

    A node is put in a queue whenever it is met, and stays there if it is met for the first time: a branch would cost
    more, as it cannot be foreseen.

    walks: `[3, n]`, zero at first: those of this step and of the next, which are zero at last too, and the sum over
        steps of what they count.
    queue: `[3, n + 1]`, the nodes at which these are not zero, in `queue[2]` those of the sum.
    flags: `[n]`, zero at first: at the ends, bit p for walks of p + 1 steps.
    """
    here, there, sums = walks[0], walks[1], walks[2]
    now, following, ends = queue[0], queue[1], queue[2]
    first, last = np.uint64(start[np.uint64(node)]), np.uint64(start[np.uint64(node) + np.uint64(1)])
    steps = len(worth)
    total = np.uint64(0)
    for e in range(first, last):
        other = np.uint64(neighbour[e])
        here[other], now[total], ends[total] = 1, other, other
        flags[other], sums[other] = 1, worth[0]
        total += np.uint64(1)
    count = total
    for p in range(1, steps - 1):
        bit, share, num_following = np.uint8(1 << p), worth[p], np.uint64(0)
        for k in range(count):
            end = np.uint64(now[k])
            value = here[end]
            here[end] = 0
            for e in range(np.uint64(start[end]), np.uint64(start[end + np.uint64(1)])):
                other = np.uint64(neighbour[e])
                before = there[other]
                following[num_following] = other
                num_following += np.uint64(before == 0)
                there[other] = before + value
        here, there, now, following, count = there, here, following, now, num_following
        for k in range(count):
            end = np.uint64(now[k])
            flag = flags[end]
            ends[total] = end
            total += np.uint64(flag == 0)
            flags[end] = flag | bit
            sums[end] += share * here[end]
    bit, share = np.uint8(1 << (steps - 1)), worth[steps - 1]
    for k in range(count):
        end = np.uint64(now[k])
        value = share * here[end]
        here[end] = 0
        if steps > 1:
            for e in range(np.uint64(start[end]), np.uint64(start[end + np.uint64(1)])):
                other = np.uint64(neighbour[e])
                flag = flags[other]
                ends[total] = other
                total += np.uint64(flag == 0)
                flags[other] = flag | bit
                sums[other] += value
    return total


@compiled
def _reach(start, neighbour, worth, block, first, last, walks, queue, flags, room, reached, steps, sums, size):
    """The walks from block[first:last]: their ends, the steps that they took, and their sums, put closely together from
    room[first] on; `room` says where."""
    place = np.uint64(room[first])
    for j in range(first, last):
        room[j], size[j] = place, _walk(start, neighbour, worth, block[j], walks, queue, flags)
        for k in range(np.uint64(size[j])):
            end = np.uint64(queue[2, k])
            reached[place], steps[place], sums[place] = end, flags[end], walks[2, end]
            flags[end] = 0
            walks[2, end] = 0
            place += np.uint64(1)


@compiled
def _compare(
    start,
    neighbour,
    worth,
    link_start,
    link,
    weight_of,
    first,
    last,
    walks,
    queue,
    flags,
    place,
    room,
    reached,
    steps,
    sums,
    size,
    shared,
):
    """For links (i, j) of nodes i in [first, last) into the block: what i shares with j, and, where i is in the block
    too and has more ends, what j shares with i. A node that is not in the block walks again."""
    for i in range(first, last):
        own, total = place[i], -1
        for e in range(link_start[i], link_start[i + 1]):
            j = link[e]
            other = place[j]
            if other < 0 or (own >= 0 and (size[other], other) > (size[own], own)):
                continue
            if total < 0 and own >= 0:
                total = size[own]
                for k in range(np.uint64(total)):
                    from_k = np.uint64(room[own]) + k
                    end = np.uint64(reached[from_k])
                    queue[2, k] = end
                    walks[2, end] = sums[from_k]
                    flags[end] = steps[from_k]
            elif total < 0:
                total = _walk(start, neighbour, worth, i, walks, queue, flags)
            mine = theirs = 0.0
            for k in range(np.uint64(room[other]), np.uint64(room[other] + size[other])):
                end = np.uint64(reached[k])
                mine += walks[2, end] * weight_of[np.uint64(steps[k])]
                theirs += sums[k] * weight_of[np.uint64(flags[end])]
            shared[e] = mine
            if own >= 0:
                shared[_place_of(link, link_start[j], link_start[j + 1], i)] = theirs
        for k in range(np.uint64(max(total, 0))):
            end = np.uint64(queue[2, k])
            walks[2, end] = 0
            flags[end] = 0


@called_by_loops
def _place_of(values, first, last, value):
    """The place in ascending values[first:last] of one that is there."""
    while last - first > 1:
        middle = (first + last) // 2
        if values[middle] <= value:
            first = middle
        else:
            last = middle
    return first


@compiled
def _alone(start, neighbour, worth, link_start, link, weight_of, most):
    """All by one thread: nodes walk in ascending order of their degrees, so that each is compared, while its walks are
    laid out, with those before it, which mostly have fewer ends. most: ends of all nodes with links."""
    num_nodes = len(start) - 1
    walks, queue, flags = (
        np.zeros((3, num_nodes)),
        np.empty((3, num_nodes + 1), np.int32),
        np.zeros(num_nodes, np.uint8),
    )
    reached, steps, sums = np.empty(most, np.int32), np.empty(most, np.uint8), np.empty(most)
    first, last, out = np.zeros(num_nodes, np.int64), np.zeros(num_nodes, np.int64), np.zeros(num_nodes)
    order, rank = _by_degree(start)
    place = np.uint64(0)
    for r in range(num_nodes):
        node = order[r]
        if link_start[node] == link_start[node + 1]:
            continue
        total = _walk(start, neighbour, worth, node, walks, queue, flags)
        is_kept = False
        for e in range(link_start[node], link_start[node + 1]):
            other = link[e]
            if rank[other] > r:
                is_kept = True
                continue
            mine = theirs = 0.0
            for k in range(np.uint64(first[other]), np.uint64(last[other])):
                end = np.uint64(reached[k])
                mine += walks[2, end] * weight_of[np.uint64(steps[k])]
                theirs += sums[k] * weight_of[np.uint64(flags[end])]
            out[node] += mine
            out[other] += theirs
        first[node] = place
        for k in range(total):
            end = np.uint64(queue[2, k])
            if is_kept:
                reached[place], steps[place], sums[place] = end, flags[end], walks[2, end]
                place += np.uint64(1)
            flags[end] = 0
            walks[2, end] = 0
        last[node] = place
    return out


@called_by_loops
def _by_degree(start):
    """The nodes in ascending order of their degrees, and the place of each."""
    num_nodes = len(start) - 1
    count = np.zeros(num_nodes + 1, np.int64)
    for i in range(num_nodes):
        count[start[i + 1] - start[i] + 1] += 1
    for degree in range(num_nodes):
        count[degree + 1] += count[degree]
    order, rank = np.empty(num_nodes, np.int64), np.empty(num_nodes, np.int64)
    for i in range(num_nodes):
        degree = start[i + 1] - start[i]
        order[count[degree]], rank[i] = i, count[degree]
        count[degree] += 1
    return order, rank
