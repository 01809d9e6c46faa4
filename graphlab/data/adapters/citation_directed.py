"""Citation networks whose citations keep their direction. McCallum et al., Information Retrieval 2000; Giles et al.,
ACM DL 1998; as Shchur et al., 2018, and Bojchevski and Günnemann, ICLR 2018 (cora-ml), publish them.

An edge leads from row to column of the published matrix: from the article that cites to the one that is cited.
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
from graphlab.data.node_files import draw_a_class, edges_of, not_that, read_arrays, read_sparse, require_counts
from graphlab.data.spec import Continuous, DataSpec, Target

GNN_BENCHMARK = "https://github.com/shchur/gnn-benchmark/raw/master/data/npz"
GRAPH2GAUSS = "https://github.com/abojchevski/graph2gauss/raw/master/data"

SOURCES = {
    "cora-directed": Source(
        "directed/gnn-benchmark/cora.npz",
        "068e22d90c3849b4057dfb05851741428992af058efcd4e7ebb4186f3d581de2",
        url=f"{GNN_BENCHMARK}/cora.npz",
    ),
    "citeseer-directed": Source(
        "directed/gnn-benchmark/citeseer.npz",
        "280278b21b434c047922e8389518861416fb3ad39389c27865ff0e6bbb0aaab7",
        url=f"{GNN_BENCHMARK}/citeseer.npz",
    ),
    "cora-ml": Source("directed/gnn-benchmark/cora_ml.npz", None, url=f"{GRAPH2GAUSS}/cora_ml.npz"),
}

COUNTS = {
    "cora-directed": (2708, 5429, 1433, 7),
    "citeseer-directed": (3312, 4715, 3703, 6),
    "cora-ml": (2995, 8416, 2879, 7),
}
"""Nodes, edges, features and classes."""

NUM_LINKS = {"cora-directed": 5429, "citeseer-directed": 4591}
"""Edges without self-loops."""

CLASSES = {
    "cora-directed": (
        "case based",
        "genetic algorithms",
        "neural networks",
        "probabilistic methods",
        "reinforcement learning",
        "rule learning",
        "theory",
    ),
    "citeseer-directed": ("AI", "agents", "databases", "HCI", "information retrieval", "machine learning"),
}

NUM_TRAIN, NUM_VALIDATION = 20, 500
"""Training nodes of each class, and validation nodes."""


def _statistics(num_nodes: int, num_edges: int, num_features: int, num_classes: int) -> dict[str, int]:
    num_train = NUM_TRAIN * num_classes
    return {
        "num_nodes": num_nodes,
        "num_edges": num_edges,
        "num_features": num_features,
        "num_outputs": num_classes,
        "num_train": num_train,
        "num_validation": NUM_VALIDATION,
        "num_test": num_nodes - num_train - NUM_VALIDATION,
    }


CARD = Card(
    family="citation-directed",
    title="Citation networks whose citations keep their direction",
    task="node-classification",
    licence="MIT",
    citation=Citation(
        key="shchur2018",
        kind="misc",
        title="Pitfalls of Graph Neural Network Evaluation",
        authors="Shchur, Oleksandr and Mumme, Maximilian and Bojchevski, Aleksandar and Günnemann, Stephan",
        year=2018,
        url="https://arxiv.org/abs/1811.05868",
    ),
    variants=tuple(SOURCES),
    splits=("random-20-a-class", *EDGE_TASKS),
    split_variants=dict.fromkeys(EDGE_TASKS, tuple(NUM_LINKS)),
    tasks=EDGE_TASKS,
    sources={variant: (source,) for variant, source in SOURCES.items()},
    statistics={
        **{variant: _statistics(*counts) for variant, counts in COUNTS.items()},
        **edge_statistics(
            {variant: (COUNTS[variant][0], num_links, COUNTS[variant][2]) for variant, num_links in NUM_LINKS.items()}
        ),
    },
    notes=(
        "Articles by topic, with the words that occur in them, 0 or 1. Citations keep their direction; "
        "citeseer-directed has 124 self-loops. They are not the data of planetoid with directions: nodes and classes "
        "come in another order, and citeseer-directed has 15 nodes fewer. "
        "random-20-a-class: 20 nodes of each class for training, 500 for validation, the rest for test, drawn from the "
        "seed; no split is published with the files. "
        "edges-80/5/15, edges-85/5/10: so many percent of the edges, to be predicted, drawn from the seed. "
        "The file of cora-ml has no digest that could be trusted: it is checked by its numbers of nodes, edges, "
        "features and classes."
    ),
    homophily={
        "cora-directed": (0.814, 0.776, 0.600, 0.056),
        "citeseer-directed": (0.739, 0.676, 0.458, 0.024),
    },
)


def build(variant: str, files: Files, split: str) -> Dataset:
    path = files.path(SOURCES[variant].path)
    what = f"citation-directed/{variant}"
    labels = read_arrays(path, what, ["labels"])["labels"]
    adjacency, words = read_sparse(path, what, "adj_"), read_sparse(path, what, "attr_")
    x = torch.from_numpy(words.toarray().astype(np.float32))
    num_nodes, num_classes = len(labels), int(labels.max(initial=-1)) + 1
    require_counts(path, what, (num_nodes, adjacency.nnz, x.shape[1], num_classes), COUNTS[variant])
    if adjacency.shape != (num_nodes, num_nodes) or len(x) != num_nodes:
        raise not_that(path, what, "its matrices do not have a row for each node")
    y = torch.from_numpy(labels.astype(np.int64))
    dataset = Dataset(
        name=what,
        task=CARD.task,
        graphs=(Data(x=x, edge_index=edges_of(adjacency)[0], y=y, num_nodes=num_nodes),),
        splits=Splits(split, draw=partial(draw_a_class, y, NUM_TRAIN, NUM_VALIDATION)),
        spec=DataSpec(
            "nodes", (Target("y", "node", "class", num_classes),), node=Continuous(x.shape[1]), directed=True
        ),
        card=CARD,
        labels={"classes": CLASSES[variant]} if variant in CLASSES else {},
    )
    return edges_as_items(dataset, split) if split in EDGE_TASKS else dataset
