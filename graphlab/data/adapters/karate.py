"""Zachary's karate club: 34 members, the friendships outside the club, and the two clubs it broke into.
Zachary, Journal of Anthropological Research 1977; the unweighted graph that networkx carries.

There is no published split; ours is fixed and called `leaders`.
"""

from __future__ import annotations

import networkx as nx
import torch
from torch_geometric.data import Data

from graphlab.core.citation import Citation
from graphlab.data.card import Card
from graphlab.data.dataset import Dataset, Split, Splits
from graphlab.data.fetch import Files
from graphlab.data.spec import Continuous, DataSpec, Target

CLUBS = ("Mr. Hi", "Officer")

TRAIN = (0, 33, 2, 32)
"""The instructor, the administrator, and the member of each club with the most friends after them."""

VALIDATION = (4, 8, 12, 16, 14, 20, 24, 28)
"""Four members of each club, spread over the ids."""

CARD = Card(
    family="karate",
    title="Zachary's karate club",
    task="node-classification",
    licence="BSD-3-Clause (networkx)",
    citation=Citation(
        key="zachary1977",
        kind="article",
        title="An Information Flow Model for Conflict and Fission in Small Groups",
        authors="Zachary, Wayne W.",
        venue="Journal of Anthropological Research 33",
        year=1977,
        url="https://doi.org/10.1086/jar.33.4.3629752",
    ),
    splits=("leaders",),
    statistics={
        "": {
            "num_nodes": 34,
            "num_edges": 156,
            "num_features": 34,
            "num_outputs": 2,
            "num_train": 4,
            "num_validation": 8,
            "num_test": 22,
        }
    },
    notes=(
        "leaders: a split of our own. Training has both leaders and, of each club, the member with the most friends "
        "after its leader; validation has four members of each club; test has the rest. Features are node identities."
    ),
    homophily={
        "": (0.859, 0.718, 0.413, 1.000),
    },
)


def build(variant: str, files: Files, split: str) -> Dataset:
    club = nx.karate_club_graph()
    links = torch.tensor(sorted(nx.to_directed(club).edges), dtype=torch.int64).t().contiguous()
    y = torch.tensor([CLUBS.index(club.nodes[node]["club"]) for node in range(len(club))])
    chosen = torch.tensor(TRAIN + VALIDATION)
    everyone = torch.arange(len(club))
    return Dataset(
        name="karate",
        task=CARD.task,
        graphs=(Data(x=torch.eye(len(club)), edge_index=links, y=y, num_nodes=len(club)),),
        splits=Splits(
            split,
            fixed=(Split(torch.tensor(TRAIN), torch.tensor(VALIDATION), everyone[~torch.isin(everyone, chosen)]),),
        ),
        spec=DataSpec("nodes", (Target("y", "node", "class", len(CLUBS)),), node=Continuous(len(club))),
        card=CARD,
        labels={"classes": CLUBS},
    )
