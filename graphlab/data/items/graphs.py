"""Graphs of a collection: a part of a split holds their ids, int64 `[n]`. Targets are those of the graphs, of all their
nodes or of all their edges."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch_geometric.data import Data

from graphlab.data.dataset import Dataset, Split
from graphlab.data.draft import Draft
from graphlab.data.item import Bars, Histogram, Items
from graphlab.data.item_checks import check_id_parts, unlabelled
from graphlab.data.outputs import picture_of_outputs
from graphlab.data.spec import UNLABELLED


class Graphs(Items):
    """Ids of graphs."""

    singular = "graph"
    reads = ("x", "edge_index", "edge_attr", "edge_weight", "num_nodes")
    are_graphs = True

    def check(self, draft: Draft, splits: Sequence[Split]) -> list[str]:
        findings = check_id_parts(draft, splits, len(draft.graphs), self.singular)
        if draft.spec.output.type != "class":
            return findings
        name = draft.spec.output.name
        labelled = torch.tensor([bool((graph[name] != UNLABELLED).any()) for graph in draft.graphs])
        return [*findings, *unlabelled(draft, splits, labelled, self.plural)]

    def label_sizes(self, draft: Draft) -> dict[str, int | None]:
        return {"classes": draft.spec.num_outputs if draft.spec.output.type == "class" else None}

    def groups(self, dataset: Dataset, train: Tensor) -> list[Tensor]:
        output = dataset.spec.output
        if output.type != "class" or output.location != "graph":
            return [train]
        classes = torch.cat([dataset.graphs[i][output.name].reshape(-1) for i in train.tolist()])
        return [train[classes == c] for c in classes.unique().tolist() if c != UNLABELLED]

    def picture(self, dataset: Dataset, graph: Data) -> Bars | Histogram:
        return picture_of_outputs(dataset, dataset.graphs)
