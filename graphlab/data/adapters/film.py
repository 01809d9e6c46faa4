"""Actors, and who is mentioned on whose page: the subgraph of actors of a network of films. Tang et al., KDD 2009; as
Pei et al., ICLR 2020 (Geom-GCN), publish it. Also known as Actor.

An edge leads from the actor of a page to the actor that it mentions. Edges that are listed again count once, and
self-loops stay.
"""

from __future__ import annotations

import torch
from torch_geometric.data import Data

from graphlab.core.citation import Citation
from graphlab.data.card import Card, Source
from graphlab.data.dataset import Dataset, Splits
from graphlab.data.fetch import Files
from graphlab.data.node_files import (
    NUM_SPLITS,
    not_that,
    read_geom_gcn_edges,
    read_geom_gcn_nodes,
    read_geom_gcn_split,
    require_counts,
)
from graphlab.data.spec import Continuous, DataSpec, Target

GEOM_GCN = "https://raw.githubusercontent.com/graphdml-uiuc-jlu/geom-gcn/master"

NUM_NODES, NUM_EDGES, NUM_FEATURES, NUM_CLASSES = 7600, 30019, 932, 5

SHA256 = (
    "997cdce67ea9c29257d3ffe796328391931901cf823830affa453178b60e2c3e",
    "1d5cdd094f8b91e770f6decfca85b35cf42f75d1efb51055fd6af16e11820ff8",
    "4505a41d4e90abd94d1ec22571ce528b09ad7cf20d87f764aebd4177590767f5",
    "1871b0d24e3977c41e378fd24acc8025b63f86b77739be77a5b558d1287f207d",
    "d26680e911ef3ecc9fc2a26d90c9d35028c63aadd7a5aea774649d1496c282cb",
    "6755ad5f6a0be8594b344af3d2261eed935b83b73c4d70136e1a7beea7f78cb0",
    "328fdca62b25074f21f2922518e042f24b3b8a1fc378f9dfb2cae36439aed902",
    "5b3161a8dc8de4b2e651ebd56d68e768d1377044895b325566117fe26ab81cb7",
    "e251b38abd4d7931b5e9ae5aba99dcdf87f0be283bdf6e65421274a1c9ef1df6",
    "12164ef9f5620a2f12a387f4f2b8636859d42201101d6d32829ade62d5a98326",
    "405cd1f7f631f678119f8bf2405809e86614d532985beb59566fcf95abd35b3f",
    "505691c5d41bb37b20d085415dcdde2e8e68b5bc4e1feb2c0e361308002012bb",
)
"""Of edges, nodes and the ten splits."""

NAMES = (
    "new_data/film/out1_graph_edges.txt",
    "new_data/film/out1_node_feature_label.txt",
    *(f"splits/film_split_0.6_0.2_{k}.npz" for k in range(NUM_SPLITS)),
)

CARD = Card(
    family="film",
    title="Actors and who is mentioned on whose page",
    task="node-classification",
    licence="none stated by the publishing repository",
    citation=Citation(
        key="tang2009",
        title="Social Influence Analysis in Large-scale Networks",
        authors="Tang, Jie and Sun, Jimeng and Wang, Chi and Yang, Zi",
        venue="KDD",
        year=2009,
        url="https://doi.org/10.1145/1557019.1557108",
    ),
    splits=("geom-gcn",),
    sources={
        "": tuple(
            Source(f"geom-gcn/{name}", sha256, url=f"{GEOM_GCN}/{name}")
            for name, sha256 in zip(NAMES, SHA256, strict=True)
        )
    },
    statistics={
        "": {
            "num_nodes": NUM_NODES,
            "num_edges": NUM_EDGES,
            "num_features": NUM_FEATURES,
            "num_outputs": NUM_CLASSES,
            "num_train": 3648,
            "num_validation": 2432,
            "num_test": 1520,
        }
    },
    notes=(
        "Actors in five groups, with the keywords of their pages, 0 or 1. Edges keep their direction: the file lists "
        "33,391, of which 3,372 repeat another and count once; 93 are self-loops. "
        "geom-gcn: ten published splits, of which seed k takes the one of k modulo 10. Papers call them 60/20/20; the "
        "files hold 48/32/20."
    ),
    homophily={
        "": (0.216, 0.003, 0.000, 0.218),
    },
)


def build(variant: str, files: Files, split: str) -> Dataset:
    edges, nodes, *masks = (source.path for source in CARD.sources[""])
    path = files.path(nodes)
    words, y = read_geom_gcn_nodes(path, lambda numbers: numbers)
    if any(min(row) < 0 or max(row) >= NUM_FEATURES for row in words):
        raise not_that(path, "the keywords of actors", f"a keyword is none of {NUM_FEATURES:,}")
    x = torch.zeros(len(y), NUM_FEATURES)
    for node, row in enumerate(words):
        x[node, list(row)] = 1.0
    edge_index = read_geom_gcn_edges(files.path(edges), len(y))
    counts = (len(y), edge_index.shape[1], NUM_FEATURES, int(y.max()) + 1)
    require_counts(path, "the actors of film", counts, (NUM_NODES, NUM_EDGES, NUM_FEATURES, NUM_CLASSES))
    return Dataset(
        name="film",
        task=CARD.task,
        graphs=(Data(x=x, edge_index=edge_index, y=y, num_nodes=len(y)),),
        splits=Splits(split, fixed=tuple(read_geom_gcn_split(files.path(mask)) for mask in masks)),
        spec=DataSpec(
            "nodes", (Target("y", "node", "class", NUM_CLASSES),), node=Continuous(NUM_FEATURES), directed=True
        ),
        card=CARD,
    )
