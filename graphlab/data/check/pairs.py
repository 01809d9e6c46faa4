"""Links of a graph with pairs that are none, and pairs of graphs."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from graphlab.data.check.draft import Draft, outside, range_hint, refuse, some
from graphlab.data.check.splits import (
    check_ids,
    check_mask,
    check_no_mask,
    different_parts,
    named,
    same_parts,
)
from graphlab.data.dataset import Split
from graphlab.data.links import unordered


def check_links(draft: Draft, splits: Sequence[Split]) -> list[str]:
    """Pairs `[n, 3]` are in order and occur once; those labelled 1 are links of the graph, those labelled 0 not."""
    size = draft.sizes[0]
    if draft.spec.num_entities not in (None, size):
        refuse(
            f"{draft.name} has {size:,} nodes, and spec.num_entities is {draft.spec.num_entities:,}",
            f"say num_entities={size}",
        )
    links = unordered(draft.graphs[0]["edge_index"]) if size else torch.zeros(0, 2, dtype=torch.int64)
    codes = links[:, 0] * size + links[:, 1]
    unused = 0
    for place, split in named(draft, splits):
        check_no_mask(place, split, "pairs")
        for part, rows in split.parts():
            _check_link_rows(f"the {part} part of {place}", part, rows, size, codes)
        whole = torch.cat(list(different_parts(split).values()))
        pairs = whole[:, 0] * size + whole[:, 1]
        _refuse_repeats(place, whole[:, :2], pairs)
        unused = max(unused, int((~torch.isin(codes, pairs[whole[:, 2] == 1])).sum()))
    in_no_part = f"{unused:,} of {len(codes):,} links are in no part: no model sees them"
    return [*same_parts(splits), *([in_no_part] if unused else [])]


def _check_link_rows(part: str, name: str, rows: Tensor, size: int, links: Tensor) -> None:
    if rows.dim() != 2 or rows.shape[1] != 3:
        refuse(f"{part} has the shape {list(rows.shape)}, not [n, 3]", "give rows (u, v, whether a link joins them)")
    if not len(rows):
        return
    wrong = outside(rows[:, :2], size)
    if wrong is not None:
        refuse(f"{part} names nodes {some(wrong)}", range_hint(rows[:, :2], size, f"nodes are 0 to {size - 1:,}"))
    low, high, label = rows.unbind(1)
    if (low >= high).any():
        refuse(
            f"{part} has {int((low >= high).sum()):,} of {len(rows):,} pairs that are not u < v: "
            f"{some(rows[low >= high][:, :2])}",
            "give the smaller node first, and no loops: pairs.sort(dim=1).values",
        )
    if outside(label, 2) is not None:
        refuse(f"{part} has labels {some(label.unique())}", "a pair is 1, a link, or 0, none")
    is_link = torch.isin(low * size + high, links)
    for value, wrong_rows, kind in ((1, ~is_link, "are no links of the graph"), (0, is_link, "are links of the graph")):
        rows_so = rows[(label == value) & wrong_rows][:, :2]
        if len(rows_so):
            refuse(
                f"{part} has {len(rows_so):,} of {int((label == value).sum()):,} pairs labelled {value} that {kind}: "
                f"{some(rows_so)}",
                "label links of edge_index 1 and other pairs 0",
            )
    if name != "train" and label.unique().numel() < 2:
        value = int(label[0])
        refuse(
            f"all {len(rows):,} pairs of {part} are labelled {value}",
            f"{name} tells links from pairs that are none: add pairs labelled {1 - value}",
        )
    if name == "train" and not label.all():
        refuse(
            f"{part} has {int((label == 0).sum()):,} of {len(rows):,} pairs labelled 0",
            "give links alone: training draws pairs that are none itself",
        )


def _refuse_repeats(place: str, pairs: Tensor, codes: Tensor) -> None:
    values, counts = codes.unique(return_counts=True)
    if len(values) < len(codes):
        twice = pairs[torch.isin(codes, values[counts > 1])].unique(dim=0)
        refuse(f"{place} has {len(twice):,} pairs more than once: {some(twice)}", "give each pair once, in one part")


def check_pairs(draft: Draft, splits: Sequence[Split]) -> list[str]:
    """Pairs are of two graphs that exist, none occurs twice, and their kinds are named once a pair or not at all."""
    size = len(draft.graphs)
    for place, split in named(draft, splits):
        check_mask(place, split, size, "graph")
        for part, items in split.parts():
            _check_graph_pairs(f"the {part} part of {place}", items, size)
        number = 0 if split.test.dim() == 1 else len(split.test)
        categories = draft.dataset.labels.get("categories")
        if categories is not None and len(categories) != number:
            refuse(
                f"{place} names {len(categories):,} kinds of {number:,} pairs",
                "give labels['categories'] one name a listed pair, or none",
            )
    return []


def _check_graph_pairs(part: str, items: Tensor, size: int) -> None:
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
    _refuse_repeats(part, items, low * size + high)
