"""A space of 256 words and tables over it, whose best is known."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from typing import Any

import numpy as np

from graphlab.core.config import Choices
from graphlab.nas.core.space import Decision, Space
from graphlab.nas.tables import Table

LETTERS = ("a", "b", "c", "d")


class Words(Space):
    """Four letters; the order of the last two does not matter, and all four may not be the same."""

    name = "words"
    decisions = tuple(Decision(f"letter_{i}", Choices(LETTERS), "letter") for i in range(4))

    def settings(self, values: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        return "word", dict(values)

    def canonical(self, values: Mapping[str, Any]) -> dict[str, Any]:
        choices = self.checked(values)
        choices["letter_2"], choices["letter_3"] = sorted((choices["letter_2"], choices["letter_3"]))
        return choices

    def is_valid(self, values: Mapping[str, Any]) -> bool:
        return len(set(values.values())) > 1


WORDS = Words()


def word(letters: str) -> dict[str, Any]:
    return {f"letter_{i}": letter for i, letter in enumerate(letters)}


def small_table(seed: int = 0, noise: float = 0.0, name: str = "words") -> Table:
    """Each letter has a worth at each place; validation and test are their sum, each with noise of its own."""
    random = np.random.default_rng(seed)
    worth = random.uniform(0, 0.1, (4, len(LETTERS)))
    worth[2:] = worth[2]
    raw = (word("".join(letters)) for letters in product(LETTERS, repeat=4))
    unique = {WORDS.key(values): WORDS.canonical(values) for values in raw if WORDS.is_valid(values)}
    architectures = tuple(unique.values())
    quality = np.array(
        [sum(worth[i, LETTERS.index(values[f"letter_{i}"])] for i in range(4)) for values in architectures]
    )
    return Table(
        name=name,
        space=WORDS,
        architectures=architectures,
        validation=0.5 + quality + noise * random.standard_normal(len(quality)),
        test=0.5 + quality + noise * random.standard_normal(len(quality)),
        latency=np.ones(len(quality)),
        parameters=np.arange(len(quality), dtype=float),
        digest=f"{name}-{seed}-{noise}",
    )
