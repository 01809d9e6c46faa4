"""How far a path's body is a rule: how often what it joins is joined by a relation.

For a body B of relations and a relation r, over a set of triples:

    confidence(B => r) = #{(x, y) : B leads from x to y and r(x, y)} / #{(x, y) : B leads from x to y}

Galárraga et al., WWW 2013, section 3.3, standard confidence. Where the triples are all that is true, a body of
confidence 1 is a true rule as far as they show.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np
from scipy import sparse

from graphlab.core.errors import InputError, UnknownNameError
from graphlab.data.triples import Triple, vocabulary

Body = Sequence[tuple[str, bool]]
"""Relations in the order of the walk, each with whether it is walked from tail to head."""


@dataclass(frozen=True)
class Rule:
    """Pairs that a body joins, and how many of them the relation joins."""

    pairs: int
    correct: int

    @property
    def confidence(self) -> float:
        return self.correct / self.pairs if self.pairs else 0.0


class Rules:
    """Asks triples for rules."""

    def __init__(self, triples: Iterable[Triple]) -> None:
        known = set(triples)
        entities, self.relations = vocabulary(known)
        place = {name: index for index, name in enumerate(entities)}
        ends: dict[str, list[tuple[int, int]]] = {relation: [] for relation in self.relations}
        for head, relation, tail in known:
            ends[relation].append((place[head], place[tail]))
        self._joins = {relation: _matrix(pairs, len(entities)) for relation, pairs in ends.items()}

    def rule(self, body: Body, relation: str) -> Rule:
        """The rule body => relation. Raises UnknownNameError for a relation that no triple has, InputError for a body
        without relations."""
        steps = [self._join(name).T if inverse else self._join(name) for name, inverse in body]
        if not steps:
            raise InputError("a body without relations leads nowhere", hint="give the relations of a path")
        reached = reduce(_follow, steps)
        return Rule(pairs=reached.nnz, correct=reached.multiply(self._join(relation)).nnz)

    def _join(self, relation: str) -> sparse.csr_array:
        if relation not in self._joins:
            raise UnknownNameError("relation", relation, self.relations)
        return self._joins[relation]


def _matrix(pairs: list[tuple[int, int]], size: int) -> sparse.csr_array:
    rows, columns = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    return sparse.csr_array((np.ones(len(rows), dtype=np.int32), (rows, columns)), shape=(size, size))


def _follow(left: sparse.csr_array, right: sparse.csr_array) -> sparse.csr_array:
    """Pairs that two steps join: how many ways there are does not count."""
    product = sparse.csr_array(left @ right)
    product.data[:] = 1
    return product
