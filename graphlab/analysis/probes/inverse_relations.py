"""Test triples that are facts already, relations that are inverses or duplicates of others, and what these give away.

Toutanova and Chen, CVSC 2015, took such relations out of FB15k; Dettmers et al., AAAI 2018, measure with a rule
what is left. Detection sees training triples only; see `graphlab.model.zoo.inverse_rule` for the rule as a model.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from torch_geometric.data import Data

from graphlab.analysis.probe import Finding
from graphlab.core.errors import IncompatibleError
from graphlab.data.dataset import Dataset
from graphlab.model.zoo.inverse_rule import relation_overlap

CONFIDENCE = 0.99
"""Share of a relation's triples that must have their counterpart, before allowing for those that are held out."""


def probe(dataset: Dataset) -> Finding:
    """How many test and validation triples are facts; which relations are inverses (symmetric ones of themselves) or
    duplicates, and how much of test they answer.

    A pair is one if, of the training triples of either relation, a share of at least 0.99 - held_out is there as
    triples of the other, held_out being the share of the triples known of the training graph that are none of its
    facts: those of another graph, where test is asked in one, say nothing about how many counterparts training misses.
    Triples about one entity alone do not count. A row a pair:

    overlap       share of relation's training triples that are there as triples of other
    back          share of other's training triples that are there as triples of relation
    num_triples   training triples of relation
    test_answered test triples of the two that a fact of the other gives away

    Raises IncompatibleError for data without relations, or without triples to train on or to test.
    """
    if not dataset.spec.num_relations:
        raise IncompatibleError(
            f"{dataset.name} has no relations",
            hint="inverse-relations is about knowledge graphs; graphlab datasets lists those of kg-completion",
        )
    split = dataset.split()
    if not len(split.train) or not len(split.test):
        raise IncompatibleError(
            f"{dataset.name} has no {'training' if len(split.test) else 'test'} triples",
            hint="relations are found among training triples, and looked for in test",
        )
    threshold = CONFIDENCE - _held_out(dataset)
    known, validating = (_Facts(dataset.graph_of(part), dataset.spec.num_relations) for part in ("test", "validation"))
    facts = {"test": known.count(split.test), "validation": validating.count(split.validation)}
    rows, answered = [], torch.zeros(len(split.test), dtype=torch.bool)
    for kind, one, other, overlap, back in _pairs(dataset, split.train, threshold):
        given = known.give(split.test, one, other, turned=kind != "duplicate")
        answered |= given
        rows.append(
            {
                "kind": kind,
                "relation": _name(dataset, one),
                "other": _name(dataset, other),
                "overlap": overlap,
                "back": back,
                "num_triples": int((split.train[:, 1] == one).sum()),
                "test_answered": int(given.sum()),
            }
        )
    rows.sort(key=lambda row: (-row["test_answered"], -max(row["overlap"], row["back"]), row["relation"], row["other"]))
    joined = known.join(split.test)
    count, total = int(answered.sum()), len(split.test)
    return Finding(
        probe="inverse-relations",
        dataset=dataset.name,
        text=(
            f"{dataset.name}: {facts['test']:,} of {total:,} test triples and {facts['validation']:,} of "
            f"{len(split.validation):,} validation triples are facts already. "
            f"{len(rows)} pair{'' if len(rows) == 1 else 's'} of relations with an overlap of "
            f"{threshold:.3f} or more, by which {count:,} of {total:,} test triples are given away "
            f"({count / total:.1%}). "
            f"Of all test triples, {joined / total:.1%} are about two entities that some fact joins."
        ),
        summary={
            "threshold": threshold,
            "num_pairs": len(rows),
            "test_triples": total,
            "test_facts": facts["test"],
            "validation_facts": facts["validation"],
            "test_answered": count,
            "test_joined": joined,
        },
        rows=tuple(rows),
    )


def _pairs(dataset: Dataset, train: Tensor, threshold: float) -> Iterator[tuple[str, int, int, float, float]]:
    """Pairs (kind, relation, other, overlap, back) that reach the threshold in one direction at least."""
    head, relation, tail = train.unbind(1)
    num_relations, num_nodes = dataset.spec.num_relations, int(dataset.graph.num_nodes or 0)
    same, turned = relation_overlap(torch.stack([head, tail]), relation, num_nodes, num_relations)
    share = same.diagonal().clamp(min=1).double().unsqueeze(1)
    for kind, overlap in (("inverse", turned / share), ("duplicate", same / share)):
        reached = overlap.maximum(overlap.T).triu(0 if kind == "inverse" else 1) >= threshold
        for one, other in (reached & (overlap > 0)).nonzero().tolist():
            name = "symmetric" if one == other else kind
            yield name, one, other, float(overlap[one, other]), float(overlap[other, one])


def _held_out(dataset: Dataset) -> float:
    """The share of the training graph's known triples that are none of its facts."""
    facts = _Facts(dataset.graph, dataset.spec.num_relations)
    known = dataset.graph["known_triples"].unique(dim=0)
    return 1 - facts.count(known) / len(known)


class _Facts:
    """The facts of a graph, beside which triples are asked."""

    def __init__(self, graph: Data, num_relations: int) -> None:
        self.num_nodes = int(graph.num_nodes or 0)
        self.num_relations = num_relations
        (head, tail), relation = graph["edge_index"], graph["edge_type"]
        self.codes = self._code(head, relation, tail)
        self.ends = torch.cat([head * self.num_nodes + tail, tail * self.num_nodes + head])

    def count(self, triples: Tensor) -> int:
        """How many of the triples are facts."""
        return int(torch.isin(self._code(*triples.unbind(1)), self.codes).sum())

    def give(self, test: Tensor, one: int, other: int, *, turned: bool) -> Tensor:
        """Test triples of either relation whose counterpart of the other is a fact: bool `[n]`."""
        head, relation, tail = test.unbind(1)
        partner = torch.where(relation == one, other, one)
        ends = (tail, head) if turned else (head, tail)
        mine = (relation == one) | (relation == other)
        return mine & torch.isin(self._code(ends[0], partner, ends[1]), self.codes)

    def join(self, test: Tensor) -> int:
        """How many test triples are about two entities that some fact joins."""
        return int(torch.isin(test[:, 0] * self.num_nodes + test[:, 2], self.ends).sum())

    def _code(self, head: Tensor, relation: Tensor, tail: Tensor) -> Tensor:
        return (head * self.num_relations + relation) * self.num_nodes + tail


def _name(dataset: Dataset, relation: int) -> Any:
    names = dataset.labels.get("relations")
    return names[relation] if names else relation
