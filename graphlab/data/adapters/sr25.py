"""The 15 strongly regular graphs with parameters (25, 12, 5, 6), of which no two are isomorphic. Paulus, 1973; list of
Spence. Every two are to be told apart, which 2-FWL, the folklore test on pairs of nodes, cannot do.
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

NUM_GRAPHS, NUM_NODES, DEGREE, ADJACENT, APART = 15, 25, 12, 5, 6

CARD = Card(
    family="sr25",
    title="Strongly regular graphs of 25 nodes",
    task="pair-discrimination",
    licence="none stated by the publisher",
    citation=Citation(
        key="spence2000",
        kind="article",
        title="The Strongly Regular (40,12,2,4) Graphs",
        authors="Spence, Edward",
        venue="Electronic Journal of Combinatorics 7",
        year=2000,
        url="https://doi.org/10.37236/1500",
    ),
    splits=("pairs",),
    sources={
        "": (
            Source(
                "sr25/sr251256.g6",
                "f55f86eb48cd61c3315c62341cc3a8c59289c58504edb3ab859d7ef2068b9aa4",
                url="https://users.cecs.anu.edu.au/~bdm/data/sr251256.g6",
            ),
        )
    },
    statistics={
        "": {
            "num_graphs": NUM_GRAPHS,
            "num_nodes": NUM_GRAPHS * NUM_NODES,
            "num_edges": NUM_GRAPHS * NUM_NODES * DEGREE,
            "num_features": 1,
            "num_test": NUM_GRAPHS,
            "num_pairs": 105,
        }
    },
    notes="Every two of the 15 graphs are a pair, all for test. Nodes carry the constant 1.",
)


def build(variant: str, files: Files, split: str) -> Dataset:
    path = files.path(CARD.sources[""][0].path)
    adjacencies = read_graph6(path)
    regular = [is_strongly_regular(adjacency) for adjacency in adjacencies]
    if regular != [True] * NUM_GRAPHS:
        raise DataError(
            f"{path} does not hold {NUM_GRAPHS} strongly regular graphs (25, 12, 5, 6): "
            f"{sum(regular)} of its {len(regular)} are",
            hint="copies with damaged graphs are in circulation; take the publisher's",
        )
    nothing = torch.zeros(0, dtype=torch.int64)
    return Dataset(
        name="sr25",
        task=CARD.task,
        graphs=tuple(map(plain_graph, adjacencies)),
        splits=Splits(split, fixed=(Split(nothing, nothing, torch.arange(NUM_GRAPHS)),)),
        spec=DataSpec("graph-pairs", (DISTINCT,), node=Continuous(1)),
        card=CARD,
    )


def is_strongly_regular(adjacency: np.ndarray) -> bool:
    """Whether A^2 = 12 I + 5 A + 6 (J - I - A), the definition of these parameters."""
    links = adjacency.astype(np.int64)
    identity, everything = np.eye(NUM_NODES, dtype=np.int64), np.ones((NUM_NODES, NUM_NODES), dtype=np.int64)
    if links.shape != identity.shape:
        return False
    walks = DEGREE * identity + ADJACENT * links + APART * (everything - identity - links)
    return np.array_equal(links @ links, walks)
