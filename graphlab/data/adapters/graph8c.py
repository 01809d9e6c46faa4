"""All 11,117 connected graphs on 8 nodes, up to isomorphism, every two to be told apart. List of McKay; as a test of
expressiveness in Balcilar et al., ICML 2021.
"""

from __future__ import annotations

import numpy as np
import torch

from graphlab.core.citation import Citation
from graphlab.core.errors import DataError
from graphlab.data.card import Card, Source
from graphlab.data.dataset import Dataset, Split, Splits
from graphlab.data.fetch import Files
from graphlab.data.graph6 import plain_graph, read_graph6
from graphlab.data.spec import DISTINCT, Continuous, DataSpec

NUM_GRAPHS, NUM_NODES = 11117, 8

CARD = Card(
    family="graph8c",
    title="The connected graphs on 8 nodes",
    task="pair-discrimination",
    licence="none stated by the publisher",
    citation=Citation(
        key="balcilar2021",
        title="Breaking the Limits of Message Passing Graph Neural Networks",
        authors=(
            "Balcilar, Muhammet and Héroux, Pierre and Gaüzère, Benoit and Vasseur, Pascal and Adam, Sébastien and "
            "Honeine, Paul"
        ),
        venue="ICML",
        year=2021,
        url="https://arxiv.org/abs/2106.04319",
    ),
    splits=("pairs",),
    sources={
        "": (
            Source(
                "graph8c/graph8c.g6",
                "0002354f1ab3344a2706626a037ad15367bf23a2163aa68f552c3a169ca9a036",
                url="https://users.cecs.anu.edu.au/~bdm/data/graph8c.g6",
            ),
        )
    },
    statistics={
        "": {
            "num_graphs": NUM_GRAPHS,
            "num_nodes": NUM_GRAPHS * NUM_NODES,
            "num_edges": 320440,
            "num_features": 1,
            "num_test": NUM_GRAPHS,
            "num_pairs": NUM_GRAPHS * (NUM_GRAPHS - 1) // 2,
        }
    },
    notes="Every two of the graphs are a pair, 61,788,286 in all, all for test. Nodes carry the constant 1.",
)


def build(variant: str, files: Files, split: str) -> Dataset:
    path = files.path(CARD.sources[""][0].path)
    adjacencies = read_graph6(path)
    sizes = {len(adjacency) for adjacency in adjacencies}
    if len(adjacencies) != NUM_GRAPHS or sizes != {NUM_NODES} or not _are_connected(np.stack(adjacencies)):
        raise DataError(
            f"{path} does not hold the {NUM_GRAPHS:,} connected graphs on {NUM_NODES} nodes",
            hint="take the publisher's file",
        )
    nothing = torch.zeros(0, dtype=torch.int64)
    return Dataset(
        name="graph8c",
        task=CARD.task,
        graphs=tuple(map(plain_graph, adjacencies)),
        splits=Splits(split, fixed=(Split(nothing, nothing, torch.arange(NUM_GRAPHS)),)),
        spec=DataSpec("graph-pairs", (DISTINCT,), node=Continuous(1)),
        card=CARD,
    )


def _are_connected(adjacencies: np.ndarray) -> bool:
    """Whether in each of the graphs `[G, n, n]` walks lead from the first node to every other."""
    reached = np.zeros(adjacencies.shape[:2], dtype=bool)
    reached[:, 0] = True
    for _ in range(adjacencies.shape[1] - 1):
        reached |= (reached[:, :, None] & adjacencies).any(axis=1)
    return bool(reached.all())
