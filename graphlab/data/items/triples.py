"""Triples of a knowledge graph: a part of a split holds them as (head, relation, tail), int64 `[n, 3]`.

There is one graph, or one for training and one for test whose entities are others, and perhaps one for validation
between them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch_geometric.data import Data

from graphlab.core.errors import InputError
from graphlab.data.dataset import Dataset, Split, Splits
from graphlab.data.draft import Draft, refuse
from graphlab.data.item import Bars, Items
from graphlab.data.kg_checks import check_triples
from graphlab.data.outputs import name_of


class Triples(Items):
    """Triples of entities and a relation."""

    singular = "triple"
    reads = ("edge_index", "edge_type", "known_triples", "num_nodes")
    are_relational = True

    def check(self, draft: Draft, splits: Sequence[Split]) -> list[str]:
        return check_triples(draft, splits)

    def check_outline(self, dataset: Dataset) -> None:
        place, last = dataset.validation_graph, len(dataset.graphs) - 1
        if dataset.spec.num_relations < 1:
            raise InputError(
                f"the spec of {dataset.name} has num_relations={dataset.spec.num_relations!r:.60}",
                hint="say how many relations there are",
            )
        if len({0, place, last}) < len(dataset.graphs):
            raise InputError(
                f"{dataset.name} has {len(dataset.graphs)} graphs, of which training uses the first, test the last and "
                f"validation graph {place}",
                hint="for graphs of training, validation and test, say validation_graph=1",
            )

    def label_sizes(self, draft: Draft) -> dict[str, int | None]:
        middle, labels = draft.dataset.validation_graph, draft.dataset.labels
        for place, key in ((middle, "validation_entities"), (len(draft.graphs) - 1, "test_entities")):
            if labels.get("entities") and not labels.get(key) and draft.sizes[place] != draft.sizes[0]:
                refuse(
                    f"{draft.name} names {draft.sizes[0]:,} entities, and its graph {place} has {draft.sizes[place]:,}",
                    f"give their names as labels[{key!r}]",
                )
        return {
            "entities": draft.sizes[0],
            "validation_entities": draft.sizes[middle],
            "test_entities": draft.sizes[-1],
            "relations": draft.spec.num_relations,
        }

    def without_test(self, dataset: Dataset, splits: Splits) -> Dataset:
        last, before = dataset.validation_graph, dataset.labels
        labels = {key: names for key, names in before.items() if key != "test_entities"}
        if "validation_entities" in labels:
            labels["test_entities"] = labels["validation_entities"]
        elif last == len(dataset.graphs) - 1 and "test_entities" in before:
            labels["test_entities"] = before["test_entities"]
        return replace(dataset, splits=splits, graphs=dataset.graphs[: last + 1], labels=labels)

    def picture(self, dataset: Dataset, graph: Data) -> Bars:
        counts = torch.bincount(graph["edge_type"]).tolist()
        return Bars("facts", {name_of(dataset, "relations", r): n for r, n in enumerate(counts)}, "relations")
