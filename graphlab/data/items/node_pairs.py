"""Pairs of nodes of one graph: a part of a split holds them as (source, target, label), int64 `[n, 3]`.

Where the target is a mask, the label says whether a link joins the two, {u, v} is one pair, written u < v, and training
holds links alone, since it draws pairs that are none itself. Of other targets the label is the class of the pair.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch_geometric.data import Data

from graphlab.data.dataset import Dataset, Split
from graphlab.data.draft import Draft, outside, range_hint, refuse, some
from graphlab.data.item import Bars, Items
from graphlab.data.item_checks import check_no_mask, different_parts, named, refuse_repeats, same_parts
from graphlab.data.links import unordered
from graphlab.data.outputs import class_counts


class NodePairs(Items):
    """Pairs of nodes and what is true of them."""

    singular = "node pair"
    reads = ("x", "edge_index", "num_nodes")
    most = 1
    are_edges = True

    def check(self, draft: Draft, splits: Sequence[Split]) -> list[str]:
        size = draft.sizes[0]
        if draft.spec.num_entities not in (None, size):
            refuse(
                f"{draft.name} has {size:,} nodes, and spec.num_entities is {draft.spec.num_entities:,}",
                f"say num_entities={size}",
            )
        return _check_links(draft, splits) if draft.spec.output.type == "mask" else _check_classes(draft, splits)

    def label_sizes(self, draft: Draft) -> dict[str, int | None]:
        return {"classes": draft.spec.num_outputs if draft.spec.output.type == "class" else None}

    def picture(self, dataset: Dataset, graph: Data) -> Bars:
        """Links of each part in the split of seed 0, or how often each class of pairs occurs in all parts."""
        parts = dict(dataset.split().parts())
        if dataset.spec.output.type == "class":
            return Bars("node pairs", class_counts(dataset, torch.cat([*parts.values()])[:, 2]), "classes")
        return Bars("links", {part: int((rows[:, 2] == 1).sum()) for part, rows in parts.items()}, "parts", True)


def _check_links(draft: Draft, splits: Sequence[Split]) -> list[str]:
    """Pairs are in order and occur once; those labelled 1 are links of the graph, those labelled 0 not."""
    size = draft.sizes[0]
    links = unordered(draft.graphs[0]["edge_index"]) if size else torch.zeros(0, 2, dtype=torch.int64)
    codes = links[:, 0] * size + links[:, 1]
    unused = 0
    for place, split in named(draft, splits):
        check_no_mask(place, split, "pairs")
        for part, rows in split.parts():
            _check_link_rows(f"the {part} part of {place}", part, rows, size, codes)
        for part, nodes in split.negatives.items():
            _check_negatives(f"the {part} part of {place}", getattr(split, part), nodes, split.train, size)
        whole = torch.cat(list(different_parts(split).values()))
        pairs = whole[:, 0] * size + whole[:, 1]
        refuse_repeats(place, whole[:, :2], pairs)
        unused = max(unused, int((~torch.isin(codes, pairs[whole[:, 2] == 1])).sum()))
    parts = [split.negatives.get(part) for split in splits for part in ("validation", "test")]
    counts = sorted({0 if nodes is None else nodes.shape[2] for nodes in parts})
    if len(counts) > 1:
        refuse(
            f"{draft.name} has {' and '.join(map(str, counts))} negatives of the ends of its links",
            "give as many in validation as in test, and in each split, or none",
        )
    in_no_part = f"{unused:,} of {len(codes):,} links are in no part: no model sees them"
    return [*same_parts(splits), *([in_no_part] if unused else [])]


def check_pair_rows(part: str, rows: Tensor, size: int, meaning: str) -> None:
    """Rows of three numbers, of which two are nodes."""
    if rows.dim() != 2 or rows.shape[1] != 3:
        refuse(f"{part} has the shape {list(rows.shape)}, not [n, 3]", f"give rows ({meaning})")
    wrong = outside(rows[:, :2], size)
    if wrong is not None:
        refuse(f"{part} names nodes {some(wrong)}", range_hint(rows[:, :2], size, f"nodes are 0 to {size - 1:,}"))


def _check_classes(draft: Draft, splits: Sequence[Split]) -> list[str]:
    """Pairs occur once, and their classes are there."""
    size, classes = draft.sizes[0], draft.spec.num_outputs
    for place, split in named(draft, splits):
        check_no_mask(place, split, "pairs")
        for part, rows in split.parts():
            where = f"the {part} part of {place}"
            check_pair_rows(where, rows, size, "source, target, class")
            wrong = outside(rows[:, 2], classes)
            if wrong is not None:
                refuse(f"{where} has classes {some(wrong)}", f"classes are 0 to {classes - 1:,}")
        whole = torch.cat(list(different_parts(split).values()))
        refuse_repeats(place, whole[:, :2], whole[:, 0] * size + whole[:, 1])
    return same_parts(splits)


def _check_negatives(part: str, rows: Tensor, nodes: Tensor, train: Tensor, size: int) -> None:
    """Negatives are those of the links of a part: nodes that are neither end of theirs nor make a training link."""
    links = rows[rows[:, 2] == 1][:, :2]
    if nodes.shape[1] != 2:
        refuse(f"{part} has negatives of the shape {list(nodes.shape)}", "give those of both ends, [links, 2, count]")
    if len(links) != len(nodes):
        refuse(
            f"{part} has {len(links):,} links and negatives of {len(nodes):,}",
            "give negatives [links, 2, count] in the order of the rows labelled 1",
        )
    wrong = outside(nodes, size)
    if wrong is not None:
        refuse(f"{part} has negatives {some(wrong)}", range_hint(nodes, size, f"nodes are 0 to {size - 1:,}"))
    is_end = (nodes.unsqueeze(-1) == links[:, None, None]).any(-1)
    if is_end.any():
        place = int(is_end.any(2).any(1).nonzero()[0])
        refuse(
            f"{part} has {int(is_end.sum()):,} negatives that are an end of their own link, as of "
            f"{tuple(links[place].tolist())}",
            "an end of a link is no negative of it",
        )
    pairs = torch.stack([links.unsqueeze(-1).expand_as(nodes), nodes], dim=-1).flatten(0, 2).sort(dim=1).values
    known = torch.isin(pairs[:, 0] * size + pairs[:, 1], train[:, 0] * size + train[:, 1])
    if known.any():
        refuse(
            f"{part} has {int(known.sum()):,} negatives that are training links: {some(pairs[known].unique(dim=0))}",
            "leave the training neighbours of a node out of its negatives",
        )


def _check_link_rows(part: str, name: str, rows: Tensor, size: int, links: Tensor) -> None:
    check_pair_rows(part, rows, size, "u, v, whether a link joins them")
    if not len(rows):
        return
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
