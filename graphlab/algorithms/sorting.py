"""Insertion sort, bubble sort, heapsort and quicksort.

Cormen et al., Introduction to Algorithms, chapters 2, 6 and 7. An order is a chain of pointers, from each node to the
one before it; a position of the array is shown as the node that stands there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from graphlab.algorithms.algorithm import Algorithm, Arrays, Steps, Values, chain, probes_of
from graphlab.algorithms.instances import sample_keys

KEYS = {"node value": "pos key"}
ORDER = {"node permutation": "pred"}


def trace_insertion_sort(inputs: Arrays) -> Steps:
    """`i` is the node at the place that the next node, `j`, takes."""
    keys = inputs["key"].tolist()
    order = list(range(len(keys)))
    yield {"pred_h": chain(order), "i": 0, "j": 0}
    for node in range(1, len(keys)):
        place = node
        while place > 0 and keys[order[place - 1]] > keys[node]:
            place -= 1
        displaced = order[place]
        order.insert(place, order.pop(node))
        yield {"pred_h": chain(order), "i": displaced, "j": node}
    return {"pred": chain(order)}


def trace_bubble_sort(inputs: Arrays) -> Steps:
    """Smaller keys rise to the front. A step follows each comparison."""
    keys = inputs["key"].tolist()
    order = list(range(len(keys)))
    yield {"pred_h": chain(order), "i": 0, "j": 0}
    for front in range(len(keys) - 1):
        for place in range(len(keys) - 1, front, -1):
            if keys[order[place]] < keys[order[place - 1]]:
                order[place], order[place - 1] = order[place - 1], order[place]
            yield {"pred_h": chain(order), "i": order[front], "j": order[place]}
    return {"pred": chain(order)}


BUILD, EXTRACT, SIFT = range(3)


def _heap_parents(order: list[int], heap_size: int) -> list[int]:
    """The parent of each node in the heap; the root and those outside point at themselves."""
    parents = [0] * len(order)
    for place, node in enumerate(order):
        parents[node] = order[(place - 1) // 2] if 0 < place < heap_size else node
    return parents


def trace_heapsort(inputs: Arrays) -> Steps:
    """`i` is the place of the loop, but the root in a step that takes the largest key out; `j` is the place that
    sinks, `largest` the place of the largest key of it and its children."""
    keys = inputs["key"].tolist()
    num_nodes = len(keys)
    order = list(range(num_nodes))

    def step(loop: int, place: int, largest: int, heap_size: int, phase: int) -> Values:
        return {
            "pred_h": chain(order),
            "parent": _heap_parents(order, heap_size),
            "i": order[loop],
            "j": order[place],
            "largest": largest,
            "heap_size": order[heap_size - 1],
            "phase": phase,
        }

    def sift(loop: int, place: int, heap_size: int, phase: int) -> Iterator[Values]:
        while True:
            children = [child for child in (2 * place + 1, 2 * place + 2) if child < heap_size]
            largest = max([place, *children], key=lambda spot: keys[order[spot]])
            if largest != place:
                order[place], order[largest] = order[largest], order[place]
            yield step(loop, place, order[largest], heap_size, phase)
            if largest == place:
                return
            place = largest

    yield step(num_nodes - 1, num_nodes - 1, order[-1], num_nodes, BUILD)
    for place in reversed(range(num_nodes)):
        yield from sift(place, place, num_nodes, BUILD)
    for last in range(num_nodes - 1, 0, -1):
        order[0], order[last] = order[last], order[0]
        # The reference shows node 0 as the largest here, whatever stands there.
        yield step(0, last, 0, last, EXTRACT)
        yield from sift(last, 0, last, SIFT)
    return {"pred": chain(order)}


def trace_quicksort(inputs: Arrays) -> Steps:
    """The last key of a part is its pivot. `i` is the place behind the keys that are known to be no larger."""
    keys = inputs["key"].tolist()
    order = list(range(len(keys)))

    def sort(low: int, high: int) -> Iterator[Values]:
        if low >= high:
            return
        pivot, border = keys[order[high]], low
        for place in range(low, high):
            if keys[order[place]] <= pivot:
                order[border], order[place] = order[place], order[border]
                border += 1
            yield {"pred_h": chain(order), "p": order[low], "r": order[high], "i": order[border], "j": order[place]}
        order[border], order[high] = order[high], order[border]
        yield {"pred_h": chain(order), "p": order[low], "r": order[high], "i": order[border], "j": order[high]}
        yield from sort(low, border - 1)
        yield from sort(border + 1, high)

    yield from sort(0, len(keys) - 1)
    return {"pred": chain(order)}


def _sorting(name: str, trace: Callable[[Arrays], Steps], hints: dict[str, str]) -> Algorithm:
    return Algorithm(
        name, probes_of(input=KEYS, output=ORDER, hint={"node pointer": "pred_h"} | hints), trace, sample_keys
    )


ALGORITHMS = (
    _sorting("insertion_sort", trace_insertion_sort, {"node mask-one": "i j"}),
    _sorting("bubble_sort", trace_bubble_sort, {"node mask-one": "i j"}),
    _sorting(
        "heapsort",
        trace_heapsort,
        {"node pointer": "pred_h parent", "node mask-one": "i j largest heap_size", "graph class 3": "phase"},
    ),
    _sorting("quicksort", trace_quicksort, {"node mask-one": "p r i j"}),
)
