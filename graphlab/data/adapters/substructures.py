"""Counting triangles and 4-cycles in small graphs, and telling graphs with triangles from those without.
After the counting benchmarks of Chen et al., NeurIPS 2020; see `graphlab.data.generators.substructures`.

Counts are regression targets, scaled to mean 0 and deviation 1 over the training graphs; `count` keeps them
as they are.
"""

from __future__ import annotations

import networkx as nx
import numpy as np
import torch
from torch import Tensor
from torch_geometric.data import Data

from graphlab.core.citation import Citation
from graphlab.data.card import Card, Source
from graphlab.data.dataset import Dataset, Split, Splits
from graphlab.data.fetch import Files
from graphlab.data.generators.substructures import count_4_cycles, count_triangles
from graphlab.data.spec import Continuous, DataSpec, Target
from graphlab.data.text import read_table

MADE_BY = "graphlab.data.generators.substructures"

COUNTED = Source(
    "substructures/counted.tsv",
    "0736ce50cea2aed5a4c7af2ceb6288ecbf46316c1927231780dc601e6bb76509",
    made_by=MADE_BY,
)
PAIRED = Source(
    "substructures/has-triangle.tsv",
    "cdcf9641fff8800ad77f2c1580b2bf78abc18c01789519c3a84c73c3dc464f8c",
    made_by=MADE_BY,
)

SOURCES = {"triangles": COUNTED, "cycles4": COUNTED, "has-triangle": PAIRED}
COUNTS = {"triangles": (7230, 27112, 1), "cycles4": (7230, 27112, 1), "has-triangle": (6852, 17940, 2)}
"""Nodes, edges and outputs."""

CARD = Card(
    family="substructures",
    title="Counted substructures in small graphs",
    task="graph-prediction",
    licence="MIT",
    citation=Citation(
        key="chen2020",
        title="Can Graph Neural Networks Count Substructures?",
        authors="Chen, Zhengdao and Chen, Lei and Villar, Soledad and Bruna, Joan",
        venue="NeurIPS",
        year=2020,
        url="https://arxiv.org/abs/2002.04025",
    ),
    variants=tuple(SOURCES),
    splits=("fixed",),
    sources={variant: (source,) for variant, source in SOURCES.items()},
    statistics={
        variant: {
            "num_graphs": 600,
            "num_nodes": num_nodes,
            "num_edges": num_edges,
            "num_features": 1,
            "num_outputs": num_outputs,
            "num_train": 400,
            "num_validation": 100,
            "num_test": 100,
        }
        for variant, (num_nodes, num_edges, num_outputs) in COUNTS.items()
    },
    extras=("count",),
    notes=(
        "Nodes carry the constant 1. has-triangle comes in pairs of equal degrees, both in the same part, so that "
        "neither size nor degrees decide. fixed: the first 400 graphs train, 100 validate, 100 test."
    ),
)


def build(variant: str, files: Files, split: str) -> Dataset:
    source = SOURCES[variant]
    rows = read_table(files.path(source.path), ("part", "graph6"))
    parts = np.array([part for part, _ in rows])
    chosen = Split(*(torch.from_numpy(np.flatnonzero(parts == part)) for part in ("train", "validation", "test")))
    adjacencies = [nx.to_numpy_array(nx.from_graph6_bytes(code.encode())).astype(np.int64) for _, code in rows]
    count = count_4_cycles if variant == "cycles4" else count_triangles
    counts = torch.tensor([count(adjacency) for adjacency in adjacencies])
    classify = variant == "has-triangle"
    targets = (counts > 0).long() if classify else _standardise(counts, chosen.train)
    return Dataset(
        name=f"substructures/{variant}",
        task=CARD.task,
        graphs=tuple(map(_graph, adjacencies, targets.split(1), counts.split(1))),
        splits=Splits(split, fixed=(chosen,)),
        spec=DataSpec(
            "graphs", (Target("y", "graph", "class" if classify else "value", COUNTS[variant][2]),), node=Continuous(1)
        ),
        card=CARD,
        labels={"classes": ("triangle-free", "has a triangle")} if classify else {},
    )


def _standardise(counts: Tensor, train: Tensor) -> Tensor:
    """Float32 `[n, 1]`."""
    values = counts.double()
    return ((values - values[train].mean()) / values[train].std()).float().unsqueeze(1)


def _graph(adjacency: np.ndarray, target: Tensor, count: Tensor) -> Data:
    num_nodes = len(adjacency)
    edge_index = torch.from_numpy(np.stack(np.nonzero(adjacency)))
    return Data(x=torch.ones(num_nodes, 1), edge_index=edge_index, y=target, count=count, num_nodes=num_nodes)
