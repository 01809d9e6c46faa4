"""Pairs of graphs of our own making that tests of isomorphism cannot tell apart, from 1-WL to 3-FWL. See
`graphlab.data.generators.hard_pairs`; the hardest after Cai, Furer and Immerman, Combinatorica 1992.
"""

from __future__ import annotations

import torch

from graphlab.core.citation import Citation
from graphlab.data.card import Card, Source
from graphlab.data.dataset import Dataset, Split, Splits
from graphlab.data.fetch import Files
from graphlab.data.graph6 import decode, plain_graph
from graphlab.data.spec import DISTINCT, Continuous, DataSpec
from graphlab.data.text import read_table

MADE_BY = "graphlab.data.generators.hard_pairs"

CARD = Card(
    family="hard-pairs",
    title="Pairs of graphs that are hard to tell apart",
    task="pair-discrimination",
    licence="MIT",
    citation=Citation(
        key="cai1992",
        kind="article",
        title="An Optimal Lower Bound on the Number of Variables for Graph Identification",
        authors="Cai, Jin-Yi and Fürer, Martin and Immerman, Neil",
        venue="Combinatorica 12",
        year=1992,
        url="https://doi.org/10.1007/BF01305232",
    ),
    splits=("pairs",),
    sources={
        "": (
            Source(
                "hard-pairs/graphs.tsv",
                "db3a9d8d5847887dd1e07ba7dcb37132a35e7724f708285572b0372f1c85f4aa",
                made_by=MADE_BY,
            ),
            Source(
                "hard-pairs/pairs.tsv",
                "dbce7cd88298accd777ab440cb0ee01e66453045c6901ab0c39f7af7d75e42a5",
                made_by=MADE_BY,
            ),
        )
    },
    statistics={
        "": {
            "num_graphs": 68,
            "num_nodes": 1642,
            "num_edges": 16236,
            "num_features": 1,
            "num_test": 78,
            "num_pairs": 78,
        }
    },
    notes=(
        "Pairs by category: Cycles, Regular and SkipLinks are alike under 1-WL, Distance under 1-WL with shortest-path "
        "distances, StronglyRegular under 2-FWL, CFI under k-FWL for k below the treewidth of the base. A graph may be "
        "in several pairs; its name is in the labels. All pairs are for test. Nodes carry the constant 1."
    ),
)


def build(variant: str, files: Files, split: str) -> Dataset:
    graphs_file, pairs_file = (files.path(source.path) for source in CARD.sources[""])
    graphs = read_table(graphs_file, ("name", "graph6"))
    pairs = read_table(pairs_file, ("category", "first", "second"))
    names = tuple(name for name, _ in graphs)
    nothing = torch.zeros(0, 2, dtype=torch.int64)
    return Dataset(
        name="hard-pairs",
        task=CARD.task,
        graphs=tuple(plain_graph(decode(code)) for _, code in graphs),
        splits=Splits(
            split,
            fixed=(Split(nothing, nothing, torch.tensor([[names.index(a), names.index(b)] for _, a, b in pairs])),),
        ),
        spec=DataSpec("graph-pairs", (DISTINCT,), node=Continuous(1)),
        card=CARD,
        labels={"graphs": names, "categories": tuple(category for category, *_ in pairs)},
    )
