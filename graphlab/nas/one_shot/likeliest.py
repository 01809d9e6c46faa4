"""Architectures by their probability, where every decision is drawn on its own."""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterator, Mapping

import numpy as np

from graphlab.nas.space import Architecture, Space


def likeliest(space: Space, chances: Mapping[str, np.ndarray]) -> Iterator[tuple[Architecture, float]]:
    """Every architecture of a space with the probability of its likeliest spelling, the likeliest first, each once.

    chances  of a decision's options, `[options]`, for each decision; all of them are made
    """
    names = list(chances)
    orders = [np.argsort(-chances[name], kind="stable") for name in names]
    logs = [
        [math.log(max(float(chances[name][i]), 1e-300)) for i in order]
        for name, order in zip(names, orders, strict=True)
    ]
    options = {decision.name: decision.options for decision in space.decisions}
    start: tuple[int, ...] = (0,) * len(names)
    waiting: list[tuple[float, tuple[int, ...]]] = [(-math.fsum(each[0] for each in logs), start)]
    pushed: set[tuple[int, ...]] = {start}
    named: set[str] = set()
    while waiting:
        negative, places = heapq.heappop(waiting)
        values = {name: options[name][order[k]] for name, order, k in zip(names, orders, places, strict=True)}
        if space.is_valid(values) and (key := space.key(values)) not in named:
            named.add(key)
            yield space.canonical(values), math.exp(-negative)
        for i, k in enumerate(places):
            after = (*places[:i], k + 1, *places[i + 1 :])
            if k + 1 < len(logs[i]) and after not in pushed:
                pushed.add(after)
                heapq.heappush(waiting, (negative + logs[i][k] - logs[i][k + 1], after))
