"""BREC: 400 pairs of graphs that are not isomorphic, of rising difficulty. Wang and Zhang, ICML 2024.

Graphs 2k and 2k + 1 are pair k. No pair differs in its size or in its degrees.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import torch

from graphlab.core.citation import Citation
from graphlab.core.errors import DataError
from graphlab.data.card import Card, Source
from graphlab.data.dataset import Dataset, Split, Splits
from graphlab.data.fetch import Files
from graphlab.data.graph6 import decode, plain_graph
from graphlab.data.spec import DISTINCT, Continuous, DataSpec
from graphlab.data.text import read_table

SCHEMA = {
    "Basic": (0, 60),
    "Regular": (60, 110),
    "StronglyRegular": (110, 160),
    "Extension": (160, 260),
    "CFI": (260, 360),
    "4Vertex": (360, 380),
    "DistanceRegular": (380, 400),
}
"""The pairs of each category, from the first to before the second. What else is in print of the ids disagrees."""

NUM_PAIRS = 400
HEADER = ("pair", "category", "graph6_a", "graph6_b")

CARD = Card(
    family="brec",
    title="BREC: pairs of graphs to be told apart",
    task="pair-discrimination",
    licence="MIT",
    citation=Citation(
        key="wang2024",
        title="An Empirical Study of Realized GNN Expressiveness",
        authors="Wang, Yanbo and Zhang, Muhan",
        venue="ICML",
        year=2024,
        url="https://arxiv.org/abs/2304.07702",
    ),
    splits=("pairs",),
    sources={
        "": (
            Source(
                "brec/brec_pairs.tsv",
                "f343078d551feeae88c0b52fc9276d7ec169ab889d417a61f153a086c6ebd6d3",
                origin="brec_v3.npy of https://github.com/GraphPKU/BREC, its base pairs as graph6",
            ),
        )
    },
    statistics={
        "": {
            "num_graphs": 2 * NUM_PAIRS,
            "num_nodes": 27804,
            "num_edges": 229504,
            "num_features": 1,
            "num_test": NUM_PAIRS,
            "num_pairs": NUM_PAIRS,
        }
    },
    notes=(
        "Graphs 2k and 2k + 1 are pair k, all for test. Nodes carry the constant 1. The categories by pair: "
        + ", ".join(f"{name} {first}-{end - 1}" for name, (first, end) in SCHEMA.items())
        + ". The renumbered copies of the official files are left out: they are drawn from the base pairs."
    ),
)


def build(variant: str, files: Files, split: str) -> Dataset:
    path = files.path(CARD.sources[""][0].path)
    categories, adjacencies = read_pairs(path)
    return Dataset(
        name="brec",
        task=CARD.task,
        graphs=tuple(map(plain_graph, adjacencies)),
        splits=Splits(
            split,
            fixed=(
                Split(
                    torch.zeros(0, 2, dtype=torch.int64),
                    torch.zeros(0, 2, dtype=torch.int64),
                    torch.arange(2 * NUM_PAIRS).view(-1, 2),
                ),
            ),
        ),
        spec=DataSpec("graph-pairs", (DISTINCT,), node=Continuous(1)),
        card=CARD,
        labels={"categories": categories},
    )


def read_pairs(path: Path) -> tuple[tuple[str, ...], list[np.ndarray]]:
    """The category of each pair, and the adjacencies of all graphs, two a pair.

    Raises DataError where rows, categories, sizes or degrees are not those of BREC.
    """
    rows = read_table(path, HEADER, header=True)
    declared = [name for name, (first, end) in SCHEMA.items() for _ in range(first, end)]
    if [row[:2] for row in rows] != [(str(k), name) for k, name in enumerate(declared)]:
        raise _not_brec(path, "its rows are not the 400 pairs in their order, by category")
    try:
        adjacencies = [decode(code) for row in rows for code in row[2:]]
    except DataError as error:
        raise _not_brec(path, error.message) from None
    if len(adjacencies) != 2 * NUM_PAIRS:
        raise _not_brec(path, "a row does not hold two graphs")
    for k, (first, second) in enumerate(list(pairwise(adjacencies))[::2]):
        if not np.array_equal(np.sort(first.sum(axis=0)), np.sort(second.sum(axis=0))) or np.array_equal(first, second):
            raise _not_brec(path, f"the graphs of pair {k} are the same or have other degrees")
    return tuple(declared), adjacencies


def _not_brec(path: Path, reason: str) -> DataError:
    return DataError(f"{path} does not hold BREC: {reason}", hint="convert the published file anew")
