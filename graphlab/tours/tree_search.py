"""Monte Carlo tree search over k-opt moves, guided by a heat map of edges.

A move takes the edge from a node a to its successor b out of the tour, which leaves a path that starts at b. Then,
up to `depth` times, the start of the path is joined to one of its candidates c, and the edge from c to the node before
it on the path is taken out: that node is the new start. Joining the start to a closes a tour at any time, so every
move leads to a tour. The candidate c of a node b is drawn in proportion to its potential

    Z_bc = W_bc / mean_c W_bc + alpha sqrt(ln(M + 1) / (Q_bc + 1)),

where W starts at 100 times the heat map, M counts simulations and Q how often an edge was drawn. A move that shortens
the tour from length L to L' is made, followed by 2-opt, and W of its edges grows by beta (exp((L - L') / L) - 1).

References:
    Fu, Qiu and Zha, "Generalize a small pre-trained model to arbitrarily large TSP instances", AAAI 2021.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from graphlab.core.errors import InputError, require_count
from graphlab.core.memory import require_memory
from graphlab.ops.compiled import called_by_loops, compiled
from graphlab.tours.baselines import improve, nearest, slack
from graphlab.tours.decoding import check_scores, greedy_decode
from graphlab.tours.instances import LARGER, MEMORY_LIMIT, TourInstance


def tree_search(
    heat: ArrayLike,
    instance: TourInstance,
    rng: np.random.Generator,
    *,
    num_simulations: int | None = None,
    num_candidates: int = 5,
    depth: int = 10,
    patience: int | None = None,
    alpha: float = 1.0,
    beta: float = 10.0,
    memory_limit: int = MEMORY_LIMIT,
) -> np.ndarray:
    """The shortest tour of a search that starts at the heat map's greedy decoding and its 2-opt optimum.

    It is never longer than the greedy decoding. The published search starts at a random tour and stops after a time;
    this one stops after a number of simulations, so that a result depends on its arguments alone.

    Args:
        heat: `[n, n]`, scores of edges that are not negative; an edge has the mean of its two entries.
        rng: draws all moves.
        num_simulations: moves that are tried; by default 1000 a node.
        num_candidates: nodes of highest heat, of equal ones the nearest, that a node may be joined to.
        depth: edges that a move adds before it closes, at most.
        patience: moves without success before the search goes on from another tour, drawn by the potential; by default
            10 a node.
        alpha: weight of edges that were seldom tried.
        beta: weight of past success.
        memory_limit: bytes that may be allocated.

    Returns:
        The tour, int64 `[n]`.

    Raises:
        InputError: for heat that is negative or as in greedy_decode, a count below 1, a negative weight, or too many
            nodes for memory_limit.
    """
    n = instance.num_nodes
    num_simulations = 1000 * n if num_simulations is None else num_simulations
    patience = 10 * n if patience is None else patience
    require_memory(f"tree search on {n:,} nodes", 8 * 8 * n**2, memory_limit, LARGER)
    for what, count in {
        "the number of simulations": num_simulations,
        "the number of candidates": num_candidates,
        "the depth": depth,
        "the patience": patience,
    }.items():
        require_count(what, count, hint="a whole number from 1")
    if not (0 <= alpha < np.inf and 0 <= beta < np.inf):
        raise InputError(f"alpha and beta cannot be {alpha!r} and {beta!r}", hint="finite numbers from 0")
    scores = check_scores(heat, n)
    if scores.min() < 0:
        raise InputError("the heat map holds negative numbers", hint="pass probabilities, such as a sigmoid of logits")
    if scores.max() > 0:
        scores = scores / scores.max()
    tour = greedy_decode(scores, instance)
    neighbours = nearest(instance, memory_limit=memory_limit)
    candidates = _candidates(scores, instance, min(num_candidates, n - 1))
    _search(
        tour, instance.costs, neighbours, candidates, 100 * scores, rng,
        num_simulations, depth, patience, alpha, beta, slack(instance),
    )  # fmt: skip
    return tour


def _candidates(scores: np.ndarray, instance: TourInstance, width: int) -> np.ndarray:
    """The other nodes of highest heat of each node, int64 `[n, width]`."""
    keys = -scores
    np.fill_diagonal(keys, np.inf)
    return np.ascontiguousarray(np.lexsort((instance.costs, keys), axis=1)[:, :width])


@compiled
def _search(
    best, costs, neighbours, candidates, weight, rng, num_simulations, depth, patience, alpha, beta, slack
):  # fmt: skip
    """Leaves in `best`, which holds the first tour, the shortest one."""
    n = len(best)
    drawn = np.zeros((n, n))
    improve(best, costs, neighbours, slack)
    best_length = _length(best, costs)
    tour, length = best.copy(), best_length
    path, potential = np.empty(n, np.int64), np.empty(candidates.shape[1])
    position = np.empty(n, np.int64)
    joined = np.empty((depth, 2), np.int64)
    failures = 0
    for simulation in range(num_simulations):
        exploration = alpha * np.sqrt(np.log(simulation + 1.0))
        offset = int(rng.random() * n)
        for k in range(n):
            path[k] = tour[(offset + k) % n]
            position[path[k]] = k
        saved, num_joined = _simulate(
            path, position, joined, costs, candidates, weight, drawn, potential, exploration, slack, rng
        )  # fmt: skip
        for k in range(num_joined):
            u, v = joined[k]
            drawn[u, v] += 1
            drawn[v, u] += 1
        if saved > slack:
            gain = beta * (np.exp(saved / length) - 1)
            for k in range(num_joined):
                u, v = joined[k]
                weight[u, v] += gain
                weight[v, u] += gain
            failures = 0
            tour[:] = path
        else:
            failures += 1
            if failures < patience:
                continue
            failures = 0
            _draw_tour(tour, neighbours, candidates, weight, drawn, potential, exploration, rng)
        improve(tour, costs, neighbours, slack)
        length = _length(tour, costs)
        if length < best_length:
            best_length = length
            best[:] = tour


@called_by_loops
def _simulate(path, position, joined, costs, candidates, weight, drawn, potential, exploration, slack, rng):
    """Draws a move on a path whose two ends are joined in the tour, until it saves something or is too deep.

    Returns what the tour of the new path saves, and the number of edges that were joined.
    """
    n = len(path)
    end = path[n - 1]
    removed, num_joined = costs[end, path[0]], 0
    while num_joined < len(joined):
        start = path[0]
        total = _potentials(potential, start, candidates, weight, drawn, exploration)
        for k in range(candidates.shape[1]):
            at = position[candidates[start, k]]
            if at < 2 or at == n - 1 or _was_joined(path[at], path[at - 1], joined, num_joined):
                total -= potential[k]
                potential[k] = 0.0
        choice = _choose(potential, total, rng)
        if choice < 0:
            break
        chosen = candidates[start, choice]
        at = position[chosen]
        removed += costs[chosen, path[at - 1]] - costs[start, chosen]
        joined[num_joined, 0], joined[num_joined, 1] = start, chosen
        num_joined += 1
        left, right = 0, at - 1
        while left < right:
            path[left], path[right] = path[right], path[left]
            left, right = left + 1, right - 1
        for k in range(at):
            position[path[k]] = k
        if removed - costs[path[0], end] > slack:
            break
    return removed - costs[path[0], end], num_joined


@called_by_loops
def _was_joined(u, v, joined, num_joined):
    for k in range(num_joined):
        if (joined[k, 0] == u and joined[k, 1] == v) or (joined[k, 0] == v and joined[k, 1] == u):
            return True
    return False


@called_by_loops
def _potentials(potential, node, candidates, weight, drawn, exploration):
    """Writes the potentials of a node's candidates; returns their sum."""
    width = len(potential)
    mean = 0.0
    for k in range(width):
        mean += weight[node, candidates[node, k]] / width
    total = 0.0
    for k in range(width):
        other = candidates[node, k]
        share = weight[node, other] / mean if mean > 0 else 1.0
        potential[k] = share + exploration / np.sqrt(drawn[node, other] + 1)
        total += potential[k]
    return total


@called_by_loops
def _choose(potential, total, rng):
    """An index drawn in proportion to its potential; -1 if all are zero."""
    threshold = rng.random() * total
    last = -1
    for k in range(len(potential)):
        if potential[k] > 0:
            last = k
            threshold -= potential[k]
            if threshold < 0:
                break
    return last


@called_by_loops
def _draw_tour(tour, neighbours, candidates, weight, drawn, potential, exploration, rng):
    """A tour from a random node on, to candidates drawn by their potential; where all are visited, to the nearest."""
    n = len(tour)
    visited = np.zeros(n, np.bool_)
    node = int(rng.random() * n)
    for step in range(n):
        tour[step] = node
        visited[node] = True
        if step == n - 1:
            break
        total = _potentials(potential, node, candidates, weight, drawn, exploration)
        for k in range(len(potential)):
            if visited[candidates[node, k]]:
                total -= potential[k]
                potential[k] = 0.0
        choice = _choose(potential, total, rng)
        if choice >= 0:
            node = candidates[node, choice]
            continue
        k = 0
        while visited[neighbours[node, k]]:
            k += 1
        node = neighbours[node, k]


@called_by_loops
def _length(tour, costs):
    total = costs[tour[-1], tour[0]]
    for k in range(len(tour) - 1):
        total += costs[tour[k], tour[k + 1]]
    return total
