"""CSL, circular skip links: ten classes of 4-regular graphs on 41 nodes, which 1-WL cannot tell apart. Murphy et al.,
ICML 2019; as a benchmark in Dwivedi et al., JMLR 2023. See `graphlab.data.generators.circulant`.
"""

from __future__ import annotations

import torch
from torch import Tensor

from graphlab.core.citation import Citation
from graphlab.data.card import Card, Source
from graphlab.data.dataset import Dataset, Split, Splits
from graphlab.data.fetch import Files
from graphlab.data.generators.circulant import COPIES, NUM_NODES, SKIPS
from graphlab.data.graph6 import decode, plain_graph
from graphlab.data.spec import Continuous, DataSpec, Target
from graphlab.data.text import read_table

NUM_GRAPHS, NUM_FOLDS = COPIES * len(SKIPS), 5

CARD = Card(
    family="csl",
    title="Circular skip links",
    task="graph-prediction",
    licence="MIT",
    citation=Citation(
        key="murphy2019",
        title="Relational Pooling for Graph Representations",
        authors="Murphy, Ryan L. and Srinivasan, Balasubramaniam and Rao, Vinayak and Ribeiro, Bruno",
        venue="ICML",
        year=2019,
        url="https://arxiv.org/abs/1903.02541",
    ),
    splits=("five-fold",),
    sources={
        "": (
            Source(
                "csl/csl.tsv",
                "65707b8b036373d2502999b892fdc5dea896ffd15f8c8dfd52b8f9e55abdec85",
                made_by="graphlab.data.generators.circulant",
            ),
        )
    },
    statistics={
        "": {
            "num_graphs": NUM_GRAPHS,
            "num_nodes": NUM_GRAPHS * NUM_NODES,
            "num_edges": NUM_GRAPHS * NUM_NODES * 4,
            "num_features": 1,
            "num_outputs": len(SKIPS),
            "num_train": 90,
            "num_validation": 30,
            "num_test": 30,
        }
    },
    notes=(
        "Ten classes, fifteen renumbered copies each, class by class; graph 15 c is the first of class c. The copies "
        "are our own: the classes are those of the paper, and only a renumbering tells them from the published ones. "
        "five-fold: five splits of 9, 3 and 3 copies a class, as Dwivedi et al. divide theirs; seed k gets fold "
        "k mod 5. Nodes carry the constant 1."
    ),
)


def build(variant: str, files: Files, split: str) -> Dataset:
    rows = read_table(files.path(CARD.sources[""][0].path), ("skip", "graph6"))
    targets = torch.tensor([SKIPS.index(int(skip)) for skip, _ in rows])
    return Dataset(
        name="csl",
        task=CARD.task,
        graphs=tuple(plain_graph(decode(row[1]), y=y) for row, y in zip(rows, targets.split(1), strict=True)),
        splits=Splits(split, fixed=tuple(map(_fold, range(NUM_FOLDS)))),
        spec=DataSpec("graphs", (Target("y", "graph", "class", len(SKIPS)),), node=Continuous(1)),
        card=CARD,
        labels={"classes": tuple(f"R = {skip}" for skip in SKIPS)},
    )


def _fold(k: int) -> Split:
    """Copy c of each class is in group c mod 5: group k tests, the next validates, the rest train."""
    ids = torch.arange(NUM_GRAPHS)
    group = ids % COPIES % NUM_FOLDS

    def of(*groups: int) -> Tensor:
        return ids[torch.isin(group, torch.tensor([g % NUM_FOLDS for g in groups]))]

    return Split(of(k + 2, k + 3, k + 4), of(k + 1), of(k))
