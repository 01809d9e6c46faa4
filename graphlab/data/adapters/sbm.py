"""Stochastic block models, undirected and directed, with a homophily dial and features of known signal.
Holland, Laskey and Leinhardt, Social Networks 1983; see `graphlab.data.generators.sbm` for the exact model.

All variants share their nodes, features and split; only the links differ.
"""

from __future__ import annotations

import numpy as np
import torch
from torch_geometric.data import Data
from torch_geometric.utils import to_undirected

from graphlab.core.citation import Citation
from graphlab.data.card import Card, Source
from graphlab.data.dataset import Dataset, Split, Splits
from graphlab.data.fetch import Files
from graphlab.data.generators.sbm import NUM_CLASSES, NUM_FEATURES, NUM_NODES
from graphlab.data.spec import Continuous, DataSpec, Target
from graphlab.data.text import read_integers, read_table

MADE_BY = "graphlab.data.generators.sbm"

NODES = Source("sbm/nodes.tsv", "1f6ff6f1cb615081675a0b4490d5426288072d7539877b3e99724117a355f982", made_by=MADE_BY)

LINKS = {
    "undirected-h0.1": ("2d787d7089a15bc467b74b235d9d8c02e0d0845b4cfab528a3bdf82ef20c64f5", 2 * 1552),
    "undirected-h0.3": ("33852baaeef11f2381c3e967b6fdf66ae727af1a6296811b2b72ca93a8d7c003", 2 * 1654),
    "undirected-h0.5": ("5c14d46dd29d554630d1f167863357c454dd1b0233373902cfa58c444a9106e5", 2 * 1635),
    "undirected-h0.7": ("f6b1279d55f21000e631d6fe2f5fc53d010787960339a86384f6c458570ceb65", 2 * 1621),
    "undirected-h0.9": ("ff6060986b699f6e37b0b233e84a4ea41187699d7659a8d29f5319416222feb7", 2 * 1628),
    "directed-h0.1": ("d781c95d4b45482b2a052f34f1f8de86f6e5c24bc2c097f38353a429912f866f", 3160),
    "directed-h0.3": ("9075d3dc3bd63e9e162a80b9c0d4db93dc083cb9ce829fd822e28a9b843e0505", 3281),
    "directed-h0.5": ("d29fe5c58ee318e29a801d14cf04c075c748d645a667927034173f35166e392f", 3205),
    "directed-h0.7": ("38981a3a4016f7d5cc17f48888d6cbb955fbe38acd45d31c9fe5e30a407a345c", 3225),
    "directed-h0.9": ("2cab9a972e64ab5d7d55613ca5430e0049c04e842f5cfd89d5b08fa789121ee3", 3109),
}
"""Digest of each variant's links, and how many edges they are."""

CARD = Card(
    family="sbm",
    title="Stochastic block models with a homophily dial",
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
    variants=tuple(LINKS),
    splits=("fixed",),
    sources={
        variant: (NODES, Source(f"sbm/{variant}.tsv", sha256, made_by=MADE_BY))
        for variant, (sha256, _) in LINKS.items()
    },
    statistics={
        variant: {
            "num_nodes": NUM_NODES,
            "num_edges": num_edges,
            "num_features": NUM_FEATURES,
            "num_outputs": NUM_CLASSES,
            "num_train": 40,
            "num_validation": 80,
            "num_test": 280,
        }
        for variant, (_, num_edges) in LINKS.items()
    },
    notes=(
        "h is the expected share of a node's (out-)links that stay in its class. fixed: 10, 20 and 70 nodes of each "
        "class. The best classifier of the features alone is right for 60.0 % of nodes."
    ),
    homophily={
        "undirected-h0.1": (0.102, -0.197, 0.053, 1.000),
        "undirected-h0.3": (0.298, 0.063, 0.005, 1.000),
        "undirected-h0.5": (0.500, 0.333, 0.104, 1.000),
        "undirected-h0.7": (0.724, 0.631, 0.356, 1.000),
        "undirected-h0.9": (0.897, 0.863, 0.680, 1.000),
        "directed-h0.1": (0.107, -0.191, 0.755, 0.001),
        "directed-h0.3": (0.296, 0.061, 0.562, 0.010),
        "directed-h0.5": (0.501, 0.335, 0.500, 0.019),
        "directed-h0.7": (0.710, 0.614, 0.566, 0.048),
        "directed-h0.9": (0.900, 0.867, 0.766, 0.074),
    },
)


def build(variant: str, files: Files, split: str) -> Dataset:
    rows = read_table(files.path(NODES.path), ("class", "part", *(f"x{i}" for i in range(NUM_FEATURES))))
    x = torch.tensor([[float(value) for value in row[2:]] for row in rows])
    y = torch.tensor([int(row[0]) for row in rows])
    parts = np.array([row[1] for row in rows])
    links = read_integers(files.path(f"sbm/{variant}.tsv"))
    directed = variant.startswith("directed")
    edge_index = torch.tensor(links).view(-1, 2).t().contiguous()
    chosen = (torch.from_numpy(np.flatnonzero(parts == part)) for part in ("train", "validation", "test"))
    return Dataset(
        name=f"sbm/{variant}",
        task=CARD.task,
        graphs=(Data(x=x, edge_index=edge_index if directed else to_undirected(edge_index), y=y, num_nodes=NUM_NODES),),
        splits=Splits(split, fixed=(Split(*chosen),)),
        spec=DataSpec(
            "nodes", (Target("y", "node", "class", NUM_CLASSES),), node=Continuous(NUM_FEATURES), directed=directed
        ),
        card=CARD,
        labels={"classes": tuple(f"block {c}" for c in range(NUM_CLASSES))},
    )
