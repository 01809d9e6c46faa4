"""Edges of one directed graph, which are predicted: a part of a split holds them as (source, target), int64 `[n, 2]`.

A task makes pairs that no edge joins, and pairs that are turned round, itself.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch_geometric.data import Data

from graphlab.data.dataset import Dataset, Split
from graphlab.data.directed_links import codes_of, ordered_edges
from graphlab.data.draft import Draft, outside, range_hint, refuse, some
from graphlab.data.item import Bars, Items
from graphlab.data.item_checks import check_no_mask, different_parts, named, refuse_repeats, same_parts


class DirectedLinks(Items):
    """Edges by their ends."""

    singular = "directed link"
    reads = ("x", "edge_index", "num_nodes")
    most = 1
    are_edges = True

    def check(self, draft: Draft, splits: Sequence[Split]) -> list[str]:
        """Rows are edges of the graph, each in one part."""
        size = draft.sizes[0]
        if not draft.spec.directed:
            refuse(
                f"the links of {draft.name} have no direction, as spec.directed says",
                "predict them by link-prediction; or say directed=True where edges lead from source to target",
            )
        if draft.spec.num_entities not in (None, size):
            refuse(
                f"{draft.name} has {size:,} nodes, and spec.num_entities is {draft.spec.num_entities:,}",
                f"say num_entities={size}",
            )
        edges = _codes(ordered_edges(draft.graphs[0]["edge_index"]), size)
        unused = 0
        for place, split in named(draft, splits):
            check_no_mask(place, split, "edges")
            if split.negatives:
                refuse(f"{place} has negatives of its own", "leave them out: the task draws them")
            for part, rows in split.parts():
                _check_rows(f"the {part} part of {place}", rows, size, edges)
            whole = torch.cat(list(different_parts(split).values()))
            refuse_repeats(place, whole, _codes(whole, size))
            unused = max(unused, int((~torch.isin(edges, _codes(whole, size))).sum()))
        in_no_part = f"{unused:,} of {len(edges):,} edges are in no part: no model sees them"
        return [*same_parts(splits), *([in_no_part] if unused else [])]

    def picture(self, dataset: Dataset, graph: Data) -> Bars:
        """Edges of each part in the split of seed 0."""
        return Bars("edges", {part: len(rows) for part, rows in dataset.split().parts()}, "parts", True)


def _codes(pairs: Tensor, size: int) -> Tensor:
    return torch.from_numpy(codes_of(pairs.numpy(), size))


def _check_rows(part: str, rows: Tensor, size: int, edges: Tensor) -> None:
    if rows.dim() != 2 or rows.shape[1] != 2:
        refuse(f"{part} has the shape {list(rows.shape)}, not [n, 2]", "give edges as rows (source, target)")
    wrong = outside(rows, size)
    if wrong is not None:
        refuse(f"{part} names nodes {some(wrong)}", range_hint(rows, size, f"nodes are 0 to {size - 1:,}"))
    loops = rows[rows[:, 0] == rows[:, 1]]
    if len(loops):
        refuse(f"{part} has {len(loops):,} self-loops: {some(loops)}", "leave them out: an edge joins two nodes")
    missing = rows[~torch.isin(_codes(rows, size), edges)]
    if len(missing):
        turned = torch.isin(_codes(missing.flip(1), size), edges)
        refuse(
            f"{part} has {len(missing):,} of {len(rows):,} rows that are no edges of the graph: {some(missing)}",
            f"{int(turned.sum()):,} of them are edges turned round: give (source, target)"
            if turned.any()
            else "give edges of edge_index as rows (source, target)",
        )
