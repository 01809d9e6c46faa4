"""Minimum, binary search, quickselect, and the two algorithms for a maximum subarray.

Cormen et al., Introduction to Algorithms, chapters 2, 4.1 and 9; Bentley, Programming pearls, 1984, for Kadane's.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator

import numpy as np

from graphlab.algorithms.algorithm import Algorithm, Arrays, Steps, Values, chain, probes_of
from graphlab.algorithms.instances import Random, sample_keys, sample_signed_keys
from graphlab.algorithms.requirements import ascending

KEYS = {"node value": "pos key"}


def trace_minimum(inputs: Arrays) -> Steps:
    keys = inputs["key"].tolist()
    order = chain(list(range(len(keys))))
    least = 0
    for node, key in enumerate(keys):
        if key < keys[least]:
            least = node
        yield {"pred_h": order, "min_h": least, "i": node}
    return {"min": least}


def sample_binary_search(size: int, rng: Random) -> Values:
    """Sorted keys and a target, all uniform in [0, 1)."""
    return {"key": np.sort(rng.random(size)), "target": rng.random()}


def trace_binary_search(inputs: Arrays) -> Steps:
    """The first key that is no less than the target, or the last key."""
    keys, target = inputs["key"].tolist(), float(inputs["target"])
    order = chain(list(range(len(keys))))
    low, high = 0, len(keys) - 1
    while True:
        middle = (low + high) // 2
        yield {"pred_h": order, "low": low, "high": high, "mid": middle}
        if low >= high:
            return {"return": high}
        if target > keys[middle]:
            low = middle + 1
        else:
            high = middle


def trace_quickselect(inputs: Arrays) -> Steps:
    """The node whose key has the rank n // 2.

    Ranks are shown as fractions of n: `i_rank` counts from the front of the array while a part is split, and from the
    front of the part once it is.
    """
    keys = inputs["key"].tolist()
    num_nodes = len(keys)
    order = list(range(num_nodes))
    low, high, target = 0, num_nodes - 1, num_nodes // 2

    def step(border: int, place: int, rank: int) -> Values:
        return {
            "pred_h": chain(order),
            "p": order[low],
            "r": order[high],
            "i": order[border],
            "j": order[place],
            "i_rank": rank / num_nodes,
            "target": target / num_nodes,
            "pivot": pivot,
        }

    while True:
        pivot, border = order[high], low
        for place in range(low, high):
            if keys[order[place]] <= keys[pivot]:
                order[border], order[place] = order[place], order[border]
                border += 1
            yield step(border, place, border)
        order[border], order[high] = order[high], order[border]
        rank = border - low
        yield step(border, high, rank)
        if rank == target:
            return {"median": order[border]}
        if rank > target:
            high = border - 1
        else:
            low, target = border + 1, target - rank - 1


def trace_kadane(inputs: Arrays) -> Steps:
    """`i` to `j` is the best subarray that ends at `j`."""
    keys = inputs["key"].tolist()
    order = chain(list(range(len(keys))))
    best_low = best_high = start = 0
    best = total = keys[0]
    for node, key in enumerate(keys):
        if node:
            if total >= 0:
                total += key
            else:
                total, start = key, node
            if total > best:
                best, best_low, best_high = total, start, node
        yield {
            "pred_h": order,
            "best_low": best_low,
            "best_high": best_high,
            "best_sum": best,
            "i": start,
            "j": node,
            "sum": total,
        }
    return {"start": best_low, "end": best_high}


WHOLE, LEFTWARD, RIGHTWARD = range(3)
LESS = 0.1
"""What the sum of a crossing subarray is short of at first, so that its first element is an improvement."""

Subarray = tuple[int, int, float]


def trace_maximum_subarray(inputs: Arrays) -> Steps:
    """Divides in the middle: the best subarray lies in the left half, in the right half, or crosses the middle.

    While the crossing subarray grows rightwards, `left_sum` and `right_sum` show `left_x_sum` and `right_x_sum`, as in
    the reference. The answer of a part is a step, that of the whole is not.
    """
    keys = inputs["key"].tolist()
    order = chain(list(range(len(keys))))

    def part(low: int, middle: int, high: int) -> Values:
        start = min(middle + 1, high)
        left, right = keys[middle] - LESS, keys[start] - LESS
        return {
            "pred_h": order,
            "low": low,
            "high": high,
            "mid": middle,
            "left_low": low,
            "left_high": middle,
            "left_sum": 0.0,
            "right_low": start,
            "right_high": high,
            "right_sum": 0.0,
            "cross_low": middle,
            "cross_high": start,
            "cross_sum": left + right,
            "left_x_sum": left,
            "right_x_sum": right,
            "ret_low": low,
            "ret_high": high,
            "ret_sum": 0.0,
            "i": middle,
            "j": start,
            "sum": 0.0,
            "phase": WHOLE,
        }

    def grow(shown: Values, start: int, stop: int, direction: int) -> Iterator[Values]:
        """The crossing subarray, from the middle to one side."""
        place, bound, best = ("i", "cross_low", "left_x_sum") if direction < 0 else ("j", "cross_high", "right_x_sum")
        other = "right_x_sum" if direction < 0 else "left_x_sum"
        shown |= {"phase": LEFTWARD if direction < 0 else RIGHTWARD, "sum": 0.0}
        for node in [None, *range(start, stop + direction, direction)]:
            if node is not None:
                shown[place], shown["sum"] = node, shown["sum"] + keys[node]
                if shown["sum"] > shown[best]:
                    shown |= {bound: node, best: shown["sum"], "cross_sum": shown["sum"] + shown[other]}
            sums = {"left_sum": shown["left_x_sum"], "right_sum": shown["right_x_sum"]} if direction > 0 else {}
            yield shown | sums

    def solve(low: int, high: int, whole: bool) -> Generator[Values, None, Subarray]:
        middle = (low + high) // 2
        shown = part(low, middle, high)
        if low == high:
            yield shown | {"cross_sum": 0.0, "ret_sum": keys[low]}
            return low, high, keys[low]
        yield shown
        left = yield from solve(low, middle, False)
        shown |= dict(zip(("left_low", "left_high", "left_sum"), left, strict=True))
        yield shown
        right = yield from solve(middle + 1, high, False)
        shown |= dict(zip(("right_low", "right_high", "right_sum"), right, strict=True))
        yield shown
        yield from grow(shown, middle, low, -1)
        yield from grow(shown, middle + 1, high, 1)
        cross = (shown["cross_low"], shown["cross_high"], shown["cross_sum"])
        best = max(left, right, cross, key=lambda subarray: subarray[2])
        if not whole:
            shown |= dict(zip(("ret_low", "ret_high", "ret_sum"), best, strict=True))
            yield shown | {"phase": WHOLE}
        return best

    start, end, _ = yield from solve(0, len(keys) - 1, True)
    return {"start": start, "end": end}


ALGORITHMS = (
    Algorithm(
        "find_maximum_subarray",
        probes_of(
            input=KEYS,
            output={"node mask-one": "start end"},
            hint={
                "node pointer": "pred_h",
                "node mask-one": "low high mid left_low left_high right_low right_high cross_low cross_high ret_low "
                "ret_high i j",
                "graph value": "left_sum right_sum cross_sum ret_sum sum left_x_sum right_x_sum",
                "graph class 3": "phase",
            },
        ),
        trace_maximum_subarray,
        sample_signed_keys,
    ),
    Algorithm(
        "minimum",
        probes_of(
            input=KEYS, output={"node mask-one": "min"}, hint={"node pointer": "pred_h", "node mask-one": "min_h i"}
        ),
        trace_minimum,
        sample_keys,
        64,
    ),
    Algorithm(
        "binary_search",
        probes_of(
            input=KEYS | {"graph value": "target"},
            output={"node mask-one": "return"},
            hint={"node pointer": "pred_h", "node mask-one": "low high mid"},
        ),
        trace_binary_search,
        sample_binary_search,
        64,
        (ascending,),
    ),
    Algorithm(
        "quickselect",
        probes_of(
            input=KEYS,
            output={"node mask-one": "median"},
            hint={"node pointer": "pred_h", "node mask-one": "p r i j pivot", "graph value": "i_rank target"},
        ),
        trace_quickselect,
        sample_keys,
        64,
    ),
    Algorithm(
        "find_maximum_subarray_kadane",
        probes_of(
            input=KEYS,
            output={"node mask-one": "start end"},
            hint={"node pointer": "pred_h", "node mask-one": "best_low best_high i j", "graph value": "best_sum sum"},
        ),
        trace_kadane,
        sample_signed_keys,
        32,
    ),
)
