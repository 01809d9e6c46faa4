"""Triples of several knowledge graphs: a part of a split holds (graph, head, relation, tail), int64 `[n, 4]`."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch_geometric.data import Data

from graphlab.data.dataset import Dataset, Split
from graphlab.data.draft import Draft, refuse
from graphlab.data.item import Bars, Items
from graphlab.data.kg_checks import check_triples_of_many
from graphlab.data.outputs import name_of


class MixtureTriples(Items):
    """Triples that name their graph."""

    singular = "triple"
    reads = ("edge_index", "edge_type", "known_triples", "num_nodes", "num_relations")
    are_relational = True

    def check(self, draft: Draft, splits: Sequence[Split]) -> list[str]:
        return check_triples_of_many(draft, splits)

    def label_sizes(self, draft: Draft) -> dict[str, int | None]:
        if not draft.dataset.labels.get("graphs"):
            refuse(f"{draft.name} does not name its graphs", "give labels={'graphs': (name, ...)}")
        return {"graphs": len(draft.graphs)}

    def picture(self, dataset: Dataset, graph: Data) -> Bars:
        counts = torch.bincount(graph["edge_type"]).tolist()
        return Bars("facts", {name_of(dataset, "relations", r): n for r, n in enumerate(counts)}, "relations")
