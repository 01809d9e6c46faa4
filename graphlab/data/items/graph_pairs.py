"""Pairs of graphs to be told apart: the test part holds their ids `[n, 2]`, or ids `[n]` of graphs of which every two
are a pair. Nothing is trained on across pairs, so that the other parts may be empty."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor
from torch_geometric.data import Data

from graphlab.data.dataset import Dataset, Split
from graphlab.data.draft import Draft, outside, range_hint, refuse, some
from graphlab.data.item import Histogram, Items
from graphlab.data.item_checks import check_ids, check_mask, named, refuse_repeats


class GraphPairs(Items):
    """Ids of two graphs."""

    singular = "graph pair"
    reads = ("x", "edge_index", "edge_attr", "edge_weight", "num_nodes")
    fewest = 2
    are_graphs = True

    def check(self, draft: Draft, splits: Sequence[Split]) -> list[str]:
        """Pairs are of two graphs that exist, none occurs twice, and kinds are named once a pair or not at all."""
        size = len(draft.graphs)
        for place, split in named(draft, splits):
            check_mask(place, split, size, "graph")
            for part, items in split.parts():
                _check_rows(f"the {part} part of {place}", items, size)
            number = 0 if split.test.dim() == 1 else len(split.test)
            categories = draft.dataset.labels.get("categories")
            if categories is not None and len(categories) != number:
                refuse(
                    f"{place} names {len(categories):,} kinds of {number:,} pairs",
                    "give labels['categories'] one name a listed pair, or none",
                )
        return []

    def count(self, dataset: Dataset, split: Split) -> dict[str, int]:
        return {"num_pairs": len(split.test) if split.test.ndim == 2 else math.comb(len(split.test), 2)}

    def picture(self, dataset: Dataset, graph: Data) -> Histogram:
        sizes = torch.tensor([int(each.num_nodes or 0) for each in dataset.graphs])
        return Histogram("graphs", sizes, "nodes")


def _check_rows(part: str, items: Tensor, size: int) -> None:
    if items.dim() == 1:
        check_ids(part, items, size, "graph", items)
        if len(items) == 1:
            refuse(f"{part} names one graph alone", "give two at least, of which every two are a pair")
        return
    if items.dim() != 2 or items.shape[1] != 2:
        refuse(f"{part} has the shape {list(items.shape)}", "give graph ids [n], or pairs of them [n, 2]")
    wrong = outside(items, size)
    if wrong is not None:
        refuse(f"{part} names graphs {some(wrong)}", range_hint(items, size, f"graphs are 0 to {size - 1:,}"))
    low, high = items.sort(dim=1).values.unbind(1)
    if (low == high).any():
        refuse(f"{part} has pairs of one graph: {some(items[low == high])}", "a pair is of two graphs")
    refuse_repeats(part, items, low * size + high)
