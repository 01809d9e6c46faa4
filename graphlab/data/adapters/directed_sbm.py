"""Block models in which the direction of edges says nothing, something or all that there is to say of the classes.
Holland, Laskey and Leinhardt, Social Networks 1983; see `graphlab.data.generators.directed_sbm` for the exact model.

All variants share their split, and all but the weak ones their features.
"""

from __future__ import annotations

import numpy as np
import torch
from torch_geometric.data import Data

from graphlab.core.citation import Citation
from graphlab.data.card import Card, Source
from graphlab.data.dataset import Dataset, Split, Splits
from graphlab.data.directed_links import EDGE_TASKS, edge_statistics, edges_as_items
from graphlab.data.fetch import Files
from graphlab.data.generators.directed_sbm import CLASS_SIZE, NUM_CLASSES, NUM_FEATURES, NUM_NODES, PARTS
from graphlab.data.spec import Continuous, DataSpec, Target
from graphlab.data.text import read_integers, read_table

MADE_BY = "graphlab.data.generators.directed_sbm"

WEAK = "-weak"

NODES = Source(
    "directed-sbm/nodes.tsv", "c31bf1151599b8654af1219d831f4b169fe21e3d290ee70a0ee132e0eb3ad5f2", made_by=MADE_BY
)
WEAK_NODES = Source(
    "directed-sbm/nodes-weak.tsv", "41d96fd1d85b6266764d34768041cf64efb5ad6a1a26d473299ccba68f0c6c11", made_by=MADE_BY
)

EDGES = {
    "direction-0": ("a71aa755128cf53fed9fdef20a54f4d5eb0ef3c4dc6f1ae52b97b3e777038c31", 1593),
    "direction-0.25": ("431effaae40b6a38c868c3d351e0cbdec88431972aaf28b016ebe728bf031ddd", 1585),
    "direction-0.5": ("4bd224e24c95e7277e3bfc63696452fabd12020a2b1b3786251d3c8990d2aa9a", 1579),
    "direction-0.75": ("28b0bc729707984bfaadd4b83388cfaa1902e083b8af05ecef69432bc38e0d4b", 1665),
    "direction-1": ("e5ed24f573e3120221f8075bdf41aa5d1f7cf91ab39246c8c6ddf4a8611901b6", 1657),
    "direction-0-h0.8": ("9972a7b9c51c0458f9b6285ed03cc5a4159407f193d0f5f488a292256f8501be", 1603),
    "direction-1-h0.8": ("8e7c8e7fd30561f9f4e12fc874173e0c15e3f4e0f46d81c532fdf4ddb35588d2", 1579),
}
"""Digest of each variant's edges, and how many they are."""

VARIANTS = (*EDGES, "direction-0-weak", "direction-1-weak")


def _sources(variant: str) -> tuple[Source, Source]:
    edges = variant.removesuffix(WEAK)
    nodes = WEAK_NODES if variant.endswith(WEAK) else NODES
    return nodes, Source(f"directed-sbm/{edges}.tsv", EDGES[edges][0], made_by=MADE_BY)


CARD = Card(
    family="directed-sbm",
    title="Block models with a dial of direction",
    task="node-classification",
    licence="MIT",
    citation=Citation(
        key="holland1983",
        kind="article",
        title="Stochastic blockmodels: First steps",
        authors="Holland, Paul W. and Laskey, Kathryn Blackmond and Leinhardt, Samuel",
        venue="Social Networks 5",
        year=1983,
        url="https://doi.org/10.1016/0378-8733(83)90021-7",
    ),
    variants=VARIANTS,
    splits=("fixed", *EDGE_TASKS),
    tasks=EDGE_TASKS,
    sources={variant: _sources(variant) for variant in VARIANTS},
    statistics={
        variant: {
            "num_nodes": NUM_NODES,
            "num_edges": EDGES[variant.removesuffix(WEAK)][1],
            "num_features": NUM_FEATURES,
            "num_outputs": NUM_CLASSES,
            **{f"num_{part}": NUM_CLASSES * size for part, size in PARTS},
        }
        for variant in VARIANTS
    }
    | edge_statistics(
        {variant: (NUM_NODES, EDGES[variant.removesuffix(WEAK)][1], NUM_FEATURES) for variant in VARIANTS}
    ),
    notes=(
        f"Two classes of {CLASS_SIZE} nodes. direction-d: edges between the classes lead from block 0 to block 1 "
        "with probability (1 + d) / 2. All pairs of nodes are joined alike, so that without direction the graph says "
        "nothing of the classes. The rule that a node with more edges out than in is of block 0 is right for "
        "50.0, 63.7, 75.9, 85.7 and 92.6 % of nodes. -h0.8: a share of 0.8 of a node's neighbours is expected in its "
        "class. Features are normal noise; with -weak they are right for 60 % of nodes at best. fixed: 20, 40 and 140 "
        "nodes of each class. edges-80/5/15, edges-85/5/10: so many percent of the edges, to be predicted, drawn from "
        "the seed."
    ),
    homophily={
        "direction-0": (0.490, -0.021, 0.000, 0.000),
        "direction-0.25": (0.503, 0.023, 0.000, 0.000),
        "direction-0.5": (0.497, 0.060, 0.004, 0.000),
        "direction-0.75": (0.498, 0.122, 0.022, 0.000),
        "direction-1": (0.520, 0.219, 0.161, 0.000),
        "direction-0-h0.8": (0.810, 0.621, 0.299, 0.000),
        "direction-1-h0.8": (0.790, 0.598, 0.419, 0.000),
        "direction-0-weak": (0.490, -0.021, 0.000, 0.000),
        "direction-1-weak": (0.520, 0.219, 0.161, 0.000),
    },
)


def build(variant: str, files: Files, split: str) -> Dataset:
    nodes, edges = _sources(variant)
    rows = read_table(files.path(nodes.path), ("class", "part", *(f"x{i}" for i in range(NUM_FEATURES))))
    x = torch.tensor([[float(value) for value in row[2:]] for row in rows])
    y = torch.tensor([int(row[0]) for row in rows])
    parts = np.array([row[1] for row in rows])
    edge_index = torch.tensor(read_integers(files.path(edges.path))).view(-1, 2).t().contiguous()
    chosen = (torch.from_numpy(np.flatnonzero(parts == part)) for part, _ in PARTS)
    dataset = Dataset(
        name=f"directed-sbm/{variant}",
        task=CARD.task,
        graphs=(Data(x=x, edge_index=edge_index, y=y, num_nodes=NUM_NODES),),
        splits=Splits(split, fixed=(Split(*chosen),)),
        spec=DataSpec(
            "nodes", (Target("y", "node", "class", NUM_CLASSES),), node=Continuous(NUM_FEATURES), directed=True
        ),
        card=CARD,
        labels={"classes": tuple(f"block {c}" for c in range(NUM_CLASSES))},
    )
    return edges_as_items(dataset, split) if split in EDGE_TASKS else dataset
