"""What the controllers of AGNN did as a search went on."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from graphlab.nas.core.outcome import Outcome
from graphlab.nas.core.space import Space
from graphlab.nas.strategies.agnn import ENTROPIES


def trace_of(space: Space, outcomes: Sequence[Outcome]) -> list[dict[str, Any]]:
    """A row for each proposal of the controllers; see `Search.trace`."""
    scores = {outcome.key: outcome.as_told.score for outcome in outcomes if outcome.is_new}
    rows = []
    for number, outcome in enumerate(outcomes, start=1):
        entropies = outcome.notes.get(ENTROPIES)
        if entropies is None or not outcome.is_new:
            continue
        changes = outcome.notes.get("changes", ())
        parent = scores.get(space.key(changes[0]["in"])) if changes else None
        score = scores[outcome.key]
        row = {
            "evaluation": number,
            "changed": tuple(change["kind"] for change in changes),
            "gain": math.nan if parent is None or score is None else score - parent,
            **({"inherited": outcome.metrics["inherited"]} if "inherited" in outcome.metrics else {}),
            **entropies,
        }
        rows.append(row)
    return rows
