"""Channels of Telegram, and which shares messages of which. Bovet and Grindrod, Applied Network Science 2022; as He et
al., JMLR 2024 (PyTorch Geometric Signed Directed), publish it, and as Zhang et al., NeurIPS 2021 (MagNet), classify it.

An edge leads from row to column of the published matrix, and weighs what stands there.
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

REPOSITORY = "https://github.com/SherylHYX/pytorch_geometric_signed_directed"

NUM_NODES, NUM_EDGES, NUM_CLASSES = 245, 8912, 4

NUM_LINKS = 8912
"""Edges without self-loops."""

PERCENTS = (60, 20, 20)

ADJACENCY = Source(
    "directed/pygsd/telegram_adj.npz",
    "6a2f43521a946c0ef9b89fd1ebfd9f597b1b89e3d5a6c7a14a688160123f2de3",
    origin=f"telegram_adj.npz of {REPOSITORY}",
)
LABELS = Source(
    "directed/pygsd/telegram_labels.npy",
    "07d0ae8374c886f2eb6d295a73ed8c2a04e8bdea8979d8a2dc99ec606b0df7f1",
    origin=f"telegram_labels.npy of {REPOSITORY}",
)

CARD = Card(
    family="telegram",
    title="Channels of Telegram and their influence on each other",
    task="node-classification",
    licence="MIT",
    citation=Citation(
        key="bovet2022",
        kind="article",
        title="Organization and Evolution of the UK Far-Right Network on Telegram",
        authors="Bovet, Alexandre and Grindrod, Peter",
        venue="Applied Network Science 7",
        year=2022,
        url="https://doi.org/10.1007/s41109-022-00513-8",
    ),
    splits=("random-60/20/20", *EDGE_TASKS),
    tasks=EDGE_TASKS,
    sources={"": (ADJACENCY, LABELS)},
    statistics={
        "": {
            "num_nodes": NUM_NODES,
            "num_edges": NUM_EDGES,
            "num_outputs": NUM_CLASSES,
            **dict(zip(("num_train", "num_validation", "num_test"), share_sizes(NUM_NODES, PERCENTS), strict=True)),
        }
    }
    | edge_statistics({"": (NUM_NODES, NUM_LINKS, 0)}),
    notes=(
        "Four groups of channels, without features. Edges keep their direction and their weights, which go from 1 to "
        "7,934. random-60/20/20: so many percent of the nodes, drawn from the seed; MagNet's shares, whose own splits "
        "are not published with the files. edges-80/5/15, edges-85/5/10: so many percent of the edges, without their "
        "weights, to be predicted, drawn from the seed."
    ),
    homophily={
        "": (0.322, 0.047, 0.015, 0.176),
    },
)


def build(variant: str, files: Files, split: str) -> Dataset:
    path = files.path(ADJACENCY.path)
    adjacency = read_sparse(path, "telegram")
    labels = read_arrays(files.path(LABELS.path), "the groups of telegram", ["labels"])["labels"]
    if adjacency.shape != (NUM_NODES, NUM_NODES) or adjacency.nnz != NUM_EDGES or labels.shape != (NUM_NODES,):
        raise not_that(path, "telegram", f"it has {adjacency.nnz:,} edges, and there are {len(labels):,} labels")
    edge_index, edge_weight = edges_of(adjacency)
    y = torch.from_numpy(labels.astype(np.int64))
    dataset = Dataset(
        name="telegram",
        task=CARD.task,
        graphs=(Data(edge_index=edge_index, edge_weight=edge_weight, y=y, num_nodes=NUM_NODES),),
        splits=Splits(split, draw=partial(draw_shares, NUM_NODES, PERCENTS)),
        spec=DataSpec("nodes", (Target("y", "node", "class", NUM_CLASSES),), directed=True, weighted=True),
        card=CARD,
    )
    return edges_as_items(dataset, split) if split in EDGE_TASKS else dataset
