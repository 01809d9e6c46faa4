"""How much of an evaluation is done at a time: a share of the epochs, on one of the seeds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

FIDELITY = "fidelity"
"""In the notes of a proposal: at which fidelity it is to be evaluated."""

START = "start"
"""In the notes of a proposal: the name of the hand-set network that it is."""


@dataclass(frozen=True)
class Fidelity:
    """One rung of one training of an architecture.

    Attributes:
        share: Of the epochs of a whole training, how far it is trained, in (0, 1].
        seed: On which seed, by its place among those of the search.
        before: How far the same training went at an earlier evaluation of this search, a share of the epochs.
        is_new: Whether nothing of the architecture has been evaluated before.
        lowest: The share of the lowest rung, at which every new architecture is compared with the others.
        cost: What this evaluation takes at most, in epochs.
    """

    share: float = 1.0
    seed: int = 0
    before: float = 0.0
    is_new: bool = False
    lowest: float = 1.0
    cost: float = 0.0

    def key(self, architecture: str) -> str:
        """The name of this evaluation of an architecture of this key."""
        return f"{architecture}@{self.share:.6g}/{self.seed}"

    def epochs(self, whole: int, share: float | None = None) -> int:
        """Of a training of so many epochs, those up to a share; up to that of this fidelity if none is named."""
        share = self.share if share is None else share
        return min(whole, max(1, round(share * whole))) if share else 0

    def to_notes(self) -> dict[str, Any]:
        return {FIDELITY: asdict(self)}

    @classmethod
    def of(cls, notes: Mapping[str, Any]) -> Fidelity | None:
        """That of a proposal's notes; None where an evaluation is whole."""
        return cls(**notes[FIDELITY]) if FIDELITY in notes else None
