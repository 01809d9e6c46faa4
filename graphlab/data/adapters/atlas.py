"""All 995 connected graphs on 2 to 7 nodes, up to isomorphism, every two to be told apart. Read and Wilson, 1998; the
list that networkx carries.
"""

from __future__ import annotations

import networkx as nx
import torch

from graphlab.core.citation import Citation
from graphlab.data.card import Card
from graphlab.data.dataset import Dataset, Split, Splits
from graphlab.data.fetch import Files
from graphlab.data.graph6 import plain_graph
from graphlab.data.spec import DISTINCT, Continuous, DataSpec

NUM_GRAPHS = 995

CARD = Card(
    family="atlas",
    title="The connected graphs on 2 to 7 nodes",
    task="pair-discrimination",
    licence="BSD-3-Clause (networkx)",
    citation=Citation(
        key="read1998",
        kind="book",
        title="An Atlas of Graphs",
        authors="Read, Ronald C. and Wilson, Robin J.",
        venue="Oxford University Press",
        year=1998,
        url="https://networkx.org/documentation/stable/reference/generated/networkx.generators.atlas.graph_atlas_g.html",
    ),
    splits=("pairs",),
    statistics={
        "": {
            "num_graphs": NUM_GRAPHS,
            "num_nodes": 6780,
            "num_edges": 21328,
            "num_features": 1,
            "num_test": NUM_GRAPHS,
            "num_pairs": NUM_GRAPHS * (NUM_GRAPHS - 1) // 2,
        }
    },
    notes=(
        "Every two of the graphs are a pair, 494,515 in all, all for test. They stand in the order of the atlas: by "
        "nodes, then by edges. Nodes carry the constant 1."
    ),
)


def build(variant: str, files: Files, split: str) -> Dataset:
    connected = [graph for graph in nx.graph_atlas_g() if len(graph) > 1 and nx.is_connected(graph)]
    nothing = torch.zeros(0, dtype=torch.int64)
    return Dataset(
        name="atlas",
        task=CARD.task,
        graphs=tuple(plain_graph(nx.to_numpy_array(graph).astype(bool)) for graph in connected),
        splits=Splits(split, fixed=(Split(nothing, nothing, torch.arange(len(connected))),)),
        spec=DataSpec("graph-pairs", (DISTINCT,), node=Continuous(1)),
        card=CARD,
    )
