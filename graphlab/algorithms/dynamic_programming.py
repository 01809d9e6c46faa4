"""Matrix chain order, longest common subsequence and optimal binary search tree.

Cormen et al., Introduction to Algorithms, chapter 15.
"""

from __future__ import annotations

import numpy as np

from graphlab.algorithms.algorithm import MASKED, Algorithm, Arrays, Steps, Values, chain, probes_of
from graphlab.algorithms.instances import Random, integers
from graphlab.algorithms.requirements import two_strings
from graphlab.algorithms.strings import split_strings, string_inputs


def sample_matrix_chain(size: int, rng: Random) -> Values:
    """The dimensions of a chain of size - 1 matrices, uniform in [0, 1)."""
    return {"p": rng.random(size)}


def trace_matrix_chain_order(inputs: Arrays) -> Steps:
    """Matrix i has the dimensions p[i - 1] and p[i]; `s` says behind which matrix the product i ... j is split.

    The products are improved in rounds, each of which reads only what the rounds before it wrote, as in the reference;
    the round that changes nothing is no step.
    """
    dimensions = inputs["p"]
    num_nodes = len(dimensions)
    order = chain(list(range(num_nodes)))
    costs = np.zeros((num_nodes, num_nodes))
    splits = np.zeros((num_nodes, num_nodes), int)
    filled = np.diag(np.arange(num_nodes) > 0)
    multiplied = dimensions[:-1, None, None] * dimensions[1:-1, None] * dimensions[1:]
    while True:
        yield {"pred_h": order, "m": costs, "s_h": splits, "msk": filled}
        current = np.where(filled, costs, np.inf)
        # Entry [first - 1, middle - 1, last - 1] is the product first ... last, split behind the middle.
        options = current[1:, 1:-1, None] + current[None, 2:, 1:] + multiplied
        cheapest = options.min(1, initial=np.inf)
        better = cheapest < current[1:, 1:]
        if not better.any():
            return {"s": splits}
        costs[1:, 1:][better], splits[1:, 1:][better] = cheapest[better], options.argmin(1)[better] + 1
        filled[1:, 1:] |= better


DIAGONAL, UP, LEFT = range(3)


def sample_two_strings(size: int, rng: Random, second: int | None = None) -> Values:
    """Two random strings of four letters, by default of half the size each."""
    second = size // 2 if second is None else second
    return string_inputs(integers(rng, 0, 4, size - second), integers(rng, 0, 4, second))


def trace_lcs_length(inputs: Arrays) -> Steps:
    """`b` says where the length `c` of a pair of prefixes comes from.

    The first row and column are filled at once, the rest in rounds, each of which reads only what the rounds before it
    wrote. The round that changes no length is no step, but what it says of `b` is part of the output. Pairs that are
    not of both strings are masked.
    """
    first, second = split_strings(inputs)
    rows, num_nodes = len(first), len(inputs["pos"])
    order = chain(list(range(num_nodes)), (rows,))
    equal = first[:, None] == second
    lengths = np.zeros((num_nodes, num_nodes), int)
    origins = np.full((num_nodes, num_nodes), MASKED)
    inner, origin = lengths[:rows, rows:], origins[:rows, rows:]
    origin[:] = DIAGONAL
    inner[0], inner[:, 0] = np.maximum.accumulate(equal[0]), np.maximum.accumulate(equal[:, 0])
    origin[0, 1:] = np.where(equal[0, 1:], DIAGONAL, np.where(inner[0, :-1], LEFT, UP))
    origin[:, 0] = np.where(equal[:, 0], DIAGONAL, UP)
    while True:
        yield {"pred_h": order, "b_h": origins, "c": lengths}
        above, left = inner[:-1, 1:], inner[1:, :-1]
        from_equal = equal[1:, 1:]
        updated = np.where(from_equal, inner[:-1, :-1] + 1, np.maximum(above, left))
        origin[1:, 1:] = np.where(from_equal, DIAGONAL, np.where(above >= left, UP, LEFT))
        if (updated == inner[1:, 1:]).all():
            return {"b": origins}
        inner[1:, 1:] = updated


def sample_search_tree(size: int, rng: Random) -> Values:
    """Probabilities of the keys and of the gaps, uniform numbers divided by their sum.

    A tree of n keys has n + 1 nodes; the last probability of a key is 0.
    """
    probabilities = rng.random(2 * size + 1)
    probabilities /= probabilities.sum()
    return {"p": np.append(probabilities[:size], 0.0), "q": probabilities[size:]}


def trace_optimal_bst(inputs: Arrays) -> Steps:
    """`root` [i, j] is the root of the best tree of the keys i ... j - 1.

    A step fills the trees of one number of keys.
    """
    keys, gaps = inputs["p"], inputs["q"]
    num_nodes = len(keys)
    order = chain(list(range(num_nodes)))
    costs, weights = np.diag(gaps), np.diag(gaps)
    roots = np.zeros((num_nodes, num_nodes), int)
    filled = np.eye(num_nodes, dtype=bool)
    yield {"pred_h": order, "root_h": roots, "e": costs, "w": weights, "msk": filled}
    for length in range(1, num_nodes):
        for first in range(num_nodes - length):
            end = first + length
            weights[first, end] = weights[first, end - 1] + keys[end - 1] + gaps[end]
            root = np.arange(first, end)
            options = costs[first, root] + costs[root + 1, end] + weights[first, end]
            best = int(options.argmin())
            costs[first, end], roots[first, end], filled[first, end] = options[best], first + best, True
        yield {"pred_h": order, "root_h": roots, "e": costs, "w": weights, "msk": filled}
    return {"root": roots}


ALGORITHMS = (
    Algorithm(
        "matrix_chain_order",
        probes_of(
            input={"node value": "pos p"},
            output={"edge pointer": "s"},
            hint={"node pointer": "pred_h", "edge value": "m", "edge pointer": "s_h", "edge mask": "msk"},
        ),
        trace_matrix_chain_order,
        sample_matrix_chain,
    ),
    Algorithm(
        "lcs_length",
        probes_of(
            input={"node mask": "string", "node value": "pos", "node class 4": "key"},
            output={"edge class 4": "b"},
            hint={"node pointer": "pred_h", "edge class 4": "b_h", "edge value": "c"},
        ),
        trace_lcs_length,
        sample_two_strings,
        requires=(two_strings,),
    ),
    Algorithm(
        "optimal_bst",
        probes_of(
            input={"node value": "pos p q"},
            output={"edge pointer": "root"},
            hint={"node pointer": "pred_h", "edge pointer": "root_h", "edge value": "e w", "edge mask": "msk"},
        ),
        trace_optimal_bst,
        sample_search_tree,
    ),
)
