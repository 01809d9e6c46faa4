"""The algorithms by name."""

from __future__ import annotations

from graphlab.algorithms import (
    depth_first,
    dynamic_programming,
    geometry,
    greedy,
    matching,
    searching,
    shortest_paths,
    sorting,
    spanning_trees,
    strings,
)
from graphlab.algorithms.algorithm import Algorithm
from graphlab.core.errors import UnknownNameError, require_name

FAMILIES = {
    "sorting": sorting.ALGORITHMS,
    "searching": searching.ALGORITHMS,
    "dynamic programming": dynamic_programming.ALGORITHMS,
    "greedy": greedy.ALGORITHMS,
    "depth-first search": depth_first.ALGORITHMS,
    "shortest paths": shortest_paths.ALGORITHMS,
    "spanning trees": spanning_trees.ALGORITHMS,
    "matching": matching.ALGORITHMS,
    "strings": strings.ALGORITHMS,
    "geometry": geometry.ALGORITHMS,
}
"""All algorithms, by the kind of problem."""

ALGORITHMS = {member.name: member for family in FAMILIES.values() for member in family}

BESIDE = ("find_maximum_subarray", "bipartite_matching")
"""Those that the reference has and CLRS-30 does not."""

CLRS_30 = tuple(sorted(name for name in ALGORITHMS if name not in BESIDE))
"""The names of the thirty algorithms of the benchmark."""


def algorithm(name: str) -> Algorithm:
    """The algorithm of that name. Raises UnknownNameError with the nearest names."""
    require_name("algorithm", name)
    if name not in ALGORITHMS:
        raise UnknownNameError("algorithm", name, ALGORITHMS)
    return ALGORITHMS[name]
