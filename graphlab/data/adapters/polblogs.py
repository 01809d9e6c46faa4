"""Blogs on politics before the election of 2004 in the United States, and their links. Adamic and Glance, LinkKDD
2005; as Zügner, Akbarnejad and Günnemann, KDD 2018 (Nettack), publish them.

An edge leads from row to column of the published matrix: from the blog that has the link.
"""

from __future__ import annotations

from functools import partial

import numpy as np
import torch
from torch_geometric.data import Data

from graphlab.core.citation import Citation
from graphlab.data.card import Card, Source
from graphlab.data.dataset import Dataset, Splits
from graphlab.data.directed_links import EDGE_TASKS, edge_statistics, edges_as_items
from graphlab.data.fetch import Files
from graphlab.data.node_files import draw_shares, edges_of, not_that, read_arrays, read_sparse, share_sizes
from graphlab.data.spec import DataSpec, Target

NUM_NODES, NUM_EDGES, NUM_LOOPS = 1490, 19025, 3
PERCENTS = (60, 20, 20)
CLASSES = ("liberal", "conservative")

CARD = Card(
    family="polblogs",
    title="Blogs on politics and their links",
    task="node-classification",
    licence="MIT",
    citation=Citation(
        key="adamic2005",
        title="The Political Blogosphere and the 2004 U.S. Election: Divided They Blog",
        authors="Adamic, Lada A. and Glance, Natalie",
        venue="LinkKDD",
        year=2005,
        url="https://doi.org/10.1145/1134271.1134277",
    ),
    splits=("random-60/20/20", *EDGE_TASKS),
    tasks=EDGE_TASKS,
    sources={
        "": (
            Source(
                "directed/nettack/polblogs.npz",
                "cd0983c2b1caa3bbe2703a4e316f97bb1dccd33f98800d3d8e4bbe51cc86941b",
                url="https://github.com/danielzuegner/nettack/raw/master/data/polblogs.npz",
            ),
        )
    },
    statistics={
        "": {
            "num_nodes": NUM_NODES,
            "num_edges": NUM_EDGES,
            "num_outputs": len(CLASSES),
            **dict(zip(("num_train", "num_validation", "num_test"), share_sizes(NUM_NODES, PERCENTS), strict=True)),
        }
    }
    | edge_statistics({"": (NUM_NODES, NUM_EDGES - NUM_LOOPS, 0)}),
    notes=(
        "Two camps of blogs, without features. Links keep their direction; 65 that are there twice count once, 3 are "
        "self-loops, and 266 blogs have no link. random-60/20/20: so many percent of the nodes, drawn from the seed; "
        "no split is published. edges-80/5/15, edges-85/5/10: so many percent of the edges, to be predicted, drawn "
        "from the seed."
    ),
    homophily={
        "": (0.912, 0.823, 0.569, 0.243),
    },
)


def build(variant: str, files: Files, split: str) -> Dataset:
    path = files.path(CARD.sources[""][0].path)
    adjacency, labels = read_sparse(path, "polblogs", "adj_"), read_arrays(path, "polblogs", ["labels"])["labels"]
    if adjacency.shape != (NUM_NODES, NUM_NODES) or adjacency.nnz != NUM_EDGES or labels.shape != (NUM_NODES,):
        raise not_that(path, "polblogs", f"it has {adjacency.nnz:,} edges and {len(labels):,} labels")
    dataset = Dataset(
        name="polblogs",
        task=CARD.task,
        graphs=(
            Data(edge_index=edges_of(adjacency)[0], y=torch.from_numpy(labels.astype(np.int64)), num_nodes=NUM_NODES),
        ),
        splits=Splits(split, draw=partial(draw_shares, NUM_NODES, PERCENTS)),
        spec=DataSpec("nodes", (Target("y", "node", "class", len(CLASSES)),), directed=True),
        card=CARD,
        labels={"classes": CLASSES},
    )
    return edges_as_items(dataset, split) if split in EDGE_TASKS else dataset
