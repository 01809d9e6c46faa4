"""How many sources are computed together, for which numbers of them loops are compiled, and when passes are of no
use."""

from __future__ import annotations

from math import ceil, log

from graphlab.ops.personalised_pagerank.transition import Transition

BLOCK = 64
"""Sources of a block. A row of so many numbers is eight lines of a cache, read one after the other. Where
rows lie anywhere in memory, one of a single line takes nearly as long."""

MANY = 5_000
"""Edges from which loops for a known number of columns, which are faster, are worth compiling beside the others."""

NOTHING = 1e-18
"""What is left of a source's mass when rounding is all that a pass would add."""


def known_width(transition: Transition, width: int) -> int:
    """The number of columns that a loop is compiled for; 0 where it takes any number."""
    return width if width in (1, BLOCK) and transition.num_edges >= MANY else 0


def most_passes(restart: float) -> int:
    """Passes after which NOTHING is left, by either iteration: a pass leaves 1 - restart or less."""
    return ceil(log(NOTHING * restart) / log(1 - restart))
