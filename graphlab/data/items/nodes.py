"""Nodes of one graph: a part of a split holds their ids, int64 `[n]`."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor
from torch_geometric.data import Data

from graphlab.data.dataset import Dataset, Split
from graphlab.data.draft import Draft
from graphlab.data.item import Bars, Histogram, Items
from graphlab.data.item_checks import check_id_parts, unlabelled
from graphlab.data.outputs import picture_of_outputs
from graphlab.data.spec import UNLABELLED


class Nodes(Items):
    """Ids of nodes."""

    singular = "node"
    reads = ("x", "edge_index", "edge_attr", "edge_weight", "num_nodes")
    most = 1

    def check(self, draft: Draft, splits: Sequence[Split]) -> list[str]:
        findings = check_id_parts(draft, splits, draft.sizes[0], self.singular)
        output = draft.spec.output
        if output.type != "class" or output.location != "node":
            return findings
        labelled = draft.graphs[0][output.name] != UNLABELLED
        return [*findings, *unlabelled(draft, splits, labelled, self.plural)]

    def label_sizes(self, draft: Draft) -> dict[str, int | None]:
        return {"classes": draft.spec.num_outputs if draft.spec.output.type == "class" else None}

    def groups(self, dataset: Dataset, train: Tensor) -> list[Tensor]:
        output = dataset.spec.output
        if output.type != "class":
            return [train]
        classes = dataset.graph[output.name][train]
        return [train[classes == c] for c in classes.unique().tolist() if c != UNLABELLED]

    def picture(self, dataset: Dataset, graph: Data) -> Bars | Histogram:
        return picture_of_outputs(dataset, [graph])
