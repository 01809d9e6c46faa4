"""Which of a search's evaluations is the answer; and of several objectives, what nothing is better than.

"best" is the highest validation. A maximum over many noisy values flatters what was lucky, so "smoothed" takes the
highest m + `KEPT` (y - m) instead, where m is the posterior mean of a Gaussian process on `Space.encode` whose length
scale and noise are the most likely ones: of what the structure does not explain a part is luck. "shortlist" is the
highest validation of those that the strategy `shortlist` named at its end.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

import numpy as np

from graphlab.core.errors import InputError
from graphlab.nas.core.outcome import SHORTLISTED, Outcome
from graphlab.nas.core.space import Architecture, Space
from graphlab.nas.surrogates.gaussian_process import GaussianProcess, most_likely
from graphlab.nas.surrogates.points import points_of, targets_of

SelectionRule = Literal["best", "smoothed", "shortlist"]

Point = tuple[float, ...]
"""Of several numbers, more of each is better."""

KEPT = 0.5
"""Of what the process does not explain, the part that is taken to be the architecture's own."""


def select(outcomes: Sequence[Outcome], space: Space, rule: SelectionRule = "best") -> Outcome:
    """The outcome that a rule chooses, the earliest of equals. Raises InputError if none has a score."""
    scored = [outcome for outcome in outcomes if outcome.score is not None]
    if not scored:
        raise InputError("no architecture was evaluated to the end", hint="search for longer")
    if rule == "shortlist":
        scored, rule = _shortlisted(scored), "best"
    scores = [outcome.score for outcome in scored if outcome.score is not None]
    return scored[choose(space, [outcome.values for outcome in scored], scores, rule)]


def _shortlisted(outcomes: Sequence[Outcome]) -> list[Outcome]:
    found = [outcome for outcome in outcomes if SHORTLISTED in outcome.notes]
    if not found:
        raise InputError(
            "there is no shortlist", hint="search with the strategy shortlist, longer than its setting strategy.after"
        )
    return found


def choose(
    space: Space,
    architectures: Sequence[Architecture],
    scores: Sequence[float],
    rule: Literal["best", "smoothed"],
    kept: float = KEPT,
) -> int:
    """The place of the chosen one. Raises InputError for an unknown rule."""
    if rule not in ("best", "smoothed"):
        raise InputError(f"{rule!r} is no rule of selection", hint=f"choose {', '.join(get_args(SelectionRule))}")
    if rule == "best" or len(set(scores)) < 2:
        return int(np.argmax(scores))
    points, targets = points_of(space)(architectures), targets_of(scores)
    mean, _ = GaussianProcess(most_likely(points, targets), points, points).posterior(targets)
    return int(np.argmax(mean + kept * (targets - mean)))


def front_of(points: Sequence[Point]) -> list[int]:
    """The places of those that no other dominates, in order; of equal ones the first."""
    front: list[int] = []
    # What dominates a point comes before it in this order, or is itself dominated by what does.
    for i in sorted(range(len(points)), key=lambda i: points[i], reverse=True):
        if not any(_is_no_better(points[i], points[j]) for j in front):
            front.append(i)
    return sorted(front)


def _is_no_better(point: Point, other: Point) -> bool:
    return all(a <= b for a, b in zip(point, other, strict=True))
