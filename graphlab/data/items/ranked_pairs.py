"""Links of one graph that are ranked among pairs that come with the split, as the Open Graph Benchmark has them.

A part of a split holds them as (source, target, label), int64 `[n, 3]`, in whatever order a publication lists them. The
negatives of validation and test are either shared, rows labelled 0 of the same part, or each link's own, the
`negatives` of the split, int64 `[links, 1, count]`, which stand for the target.

The graph has the training links in both directions and no others. Unlike `node-pairs`, a publication may list a pair
several times, in several parts, and among its negatives: that is told and not refused, since its numbers rest on it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor
from torch_geometric.data import Data

from graphlab.data.dataset import Dataset, Split
from graphlab.data.draft import Draft, outside, range_hint, refuse, some
from graphlab.data.item import Bars, Items
from graphlab.data.item_checks import check_no_mask, named, same_parts
from graphlab.data.items.node_pairs import check_pair_rows

BLOCK = 2**22
"""Pairs that are looked up at once."""


class RankedPairs(Items):
    """Links, and the pairs that they are ranked among."""

    singular = "ranked pair"
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
        links = _codes(draft.graphs[0]["edge_index"].t(), size).unique()
        findings: dict[str, None] = {}
        for place, split in named(draft, splits):
            check_no_mask(place, split, "pairs")
            for part, rows in split.parts():
                _check_rows(f"the {part} part of {place}", part, rows, size)
                if part != "train":
                    _check_negatives(f"the {part} part of {place}", rows, split.negatives.get(part), size)
            if len({part in split.negatives for part in ("validation", "test")}) > 1:
                refuse(f"one part of {place} alone has negatives of its own", "give them in both parts, or in none")
            train = _codes(split.train, size)
            missing = ~_known(train, links)
            if missing.any():
                refuse(
                    f"{int(missing.sum()):,} of {len(train):,} training links of {place} are no edges of its graph: "
                    f"{some(split.train[missing][:, :2])}",
                    "put the training links into edge_index, in both directions",
                )
            findings |= dict.fromkeys(_findings(split, train.unique(), links, size))
        return [*same_parts(splits), *findings]

    def count(self, dataset: Dataset, split: Split) -> dict[str, int]:
        return {f"num_{part}_links": int((rows[:, 2] == 1).sum()) for part, rows in split.parts() if part != "train"}

    def picture(self, dataset: Dataset, graph: Data) -> Bars:
        """Links of each part in the split of seed 0."""
        parts = dataset.split().parts()
        return Bars("links", {part: int((rows[:, 2] == 1).sum()) for part, rows in parts}, "parts", True)


def _codes(pairs: Tensor, size: int) -> Tensor:
    """A number for each of the pairs `[n, 2 or more]`, the same for both orders."""
    first, second = pairs[:, 0], pairs[:, 1]
    return torch.minimum(first, second) * size + torch.maximum(first, second)


def _known(codes: Tensor, known: Tensor) -> Tensor:
    """Which codes are among those that are known, which ascend."""
    if not len(known):
        return torch.zeros(len(codes), dtype=torch.bool)
    place = torch.searchsorted(known, codes).clamp(max=len(known) - 1)
    return known[place] == codes


def _check_rows(part: str, name: str, rows: Tensor, size: int) -> None:
    check_pair_rows(part, rows, size, "source, target, whether a link joins them")
    if outside(rows[:, 2], 2) is not None:
        refuse(f"{part} has labels {some(rows[:, 2].unique())}", "a pair is 1, a link, or 0, none")
    if name == "train" and not rows[:, 2].all():
        refuse(f"{part} has {int((rows[:, 2] == 0).sum()):,} pairs labelled 0", "give links alone")


def _check_negatives(part: str, rows: Tensor, own: Tensor | None, size: int) -> None:
    """Each part has links, and negatives of one kind."""
    is_link = rows[:, 2] == 1
    if len(rows) and not is_link.any():
        refuse(f"{part} has {len(rows):,} pairs and no link", "label links 1")
    if own is None:
        if len(rows) and is_link.all():
            refuse(f"all {len(rows):,} pairs of {part} are labelled 1", "add negatives, pairs labelled 0")
        return
    if not is_link.all():
        refuse(
            f"{part} has {int((~is_link).sum()):,} pairs labelled 0 and negatives of each link beside them",
            "give negatives of one kind",
        )
    if own.shape[:2] != (len(rows), 1):
        refuse(
            f"{part} has {len(rows):,} links and negatives of the shape {list(own.shape)}",
            "give nodes in place of the target, [links, 1, count]",
        )
    wrong = outside(own, size)
    if wrong is not None:
        refuse(f"{part} has negatives {some(wrong)}", range_hint(own, size, f"nodes are 0 to {size - 1:,}"))


def _findings(split: Split, train: Tensor, links: Tensor, size: int) -> Iterator[str]:
    """What is as published and looks like a mistake. `train` and `links` are codes that ascend."""
    unused = len(links) - int(_known(links, train).sum())
    if unused:
        yield f"{unused:,} of {len(links):,} edges of the graph are no training links: no model sees them"
    for part, rows in split.parts():
        loops = int((rows[:, 0] == rows[:, 1]).sum())
        if loops:
            yield f"{loops:,} of {len(rows):,} {part} pairs join a node to itself"
        codes = _codes(rows[rows[:, 2] == 1], size)
        repeated = len(codes) - len(codes.unique())
        if repeated:
            yield f"{repeated:,} of {len(codes):,} {part} links repeat another of them"
        if part == "train":
            continue
        seen = int(_known(codes, train).sum())
        if seen:
            yield f"{seen:,} of {len(codes):,} {part} links are training links too"
        yield from _negative_findings(part, split, rows, train, size)


def _negative_findings(part: str, split: Split, rows: Tensor, train: Tensor, size: int) -> Iterator[str]:
    own = split.negatives.get(part)
    if own is None:
        shared = rows[rows[:, 2] == 0]
        total, wrong = len(shared), int(_known(_codes(shared, size), train).sum())
    else:
        total, wrong = own.numel(), 0
        for few, nodes in zip(*(each.split(max(1, BLOCK // own.shape[2])) for each in (rows, own[:, 0])), strict=True):
            pairs = torch.stack([few[:, :1].expand_as(nodes), nodes], dim=-1).flatten(0, 1)
            wrong += int(_known(_codes(pairs, size), train).sum())
        same = int((own[:, 0] == rows[:, 1:2]).sum())
        if same:
            yield f"{same:,} of {total:,} {part} negatives are the target of their own link"
    if wrong:
        yield f"{wrong:,} of {total:,} {part} negatives are training links"
