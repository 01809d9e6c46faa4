"""Near-optimal tours by the heuristic of Lin, Kernighan and Helsgaun, as the package elkai has it.

elkai and LKH are free for academic and other non-commercial use alone, which is why they are an extra.
"""

from __future__ import annotations

import importlib
import time
from typing import Any

import numpy as np

from graphlab.core.errors import InputError, require_count
from graphlab.tours.exact import Solution
from graphlab.tours.instances import TourInstance
from graphlab.tours.tour import require_tour, tour_length

LARGEST_COST = 10**6
"""LKH computes in 32-bit integers, a hundred to each unit of cost."""


def lkh(instance: TourInstance, *, runs: int = 10) -> Solution:
    """A tour that is most often optimal and never proved to be; `exact.branch_and_cut` can prove it.

    Costs that are not whole numbers, or above LARGEST_COST, are scaled and rounded for the search; the length is that
    of the instance's own costs.

    Args:
        runs: restarts of the heuristic.

    Raises:
        InputError: where elkai is not installed, and for a number of runs below 1.
    """
    require_count("the number of runs", runs, hint="a whole number from 1")
    elkai = _elkai()
    start = time.perf_counter()
    costs = instance.costs
    if not instance.is_integral or costs.max() > LARGEST_COST:
        costs = np.rint(costs / costs.max() * LARGEST_COST)
    closed = elkai.DistanceMatrix(costs.astype(np.int64).tolist()).solve_tsp(runs)
    tour = require_tour(closed[:-1], instance.num_nodes)
    return Solution(tour, tour_length(tour, instance.costs), 0.0, False, "lkh", time.perf_counter() - start)


def _elkai() -> Any:
    try:
        return importlib.import_module("elkai")
    except ImportError:
        raise InputError("LKH needs the package elkai", hint='pip install "graphlab[tours]"') from None
