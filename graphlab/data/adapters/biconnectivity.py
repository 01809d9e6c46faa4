"""Which nodes and edges hold a graph together, and how far its nodes are from each other, in regular graphs of our own
making: of all this 1-WL sees nothing. After Zhang et al., ICLR 2023; see `graphlab.data.generators.biconnectivity`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from graphlab.core.citation import Citation
from graphlab.data.card import Card, Source
from graphlab.data.connectivity import cut_edges, cut_vertices, distances, resistances
from graphlab.data.dataset import Dataset, Split, Splits
from graphlab.data.fetch import Files
from graphlab.data.graph6 import decode, plain_graph
from graphlab.data.spec import Continuous, DataSpec, Target
from graphlab.data.text import read_table

MADE_BY = "graphlab.data.generators.biconnectivity"

CUBIC = Source(
    "biconnectivity/cubic.tsv",
    "c08223b306b64bf2614cb6dc0bc8b94f16ac1937fba79b6a5b23f2fbaa805f93",
    made_by=MADE_BY,
)
QUARTIC = Source(
    "biconnectivity/quartic.tsv",
    "a18377aa1d0620ee76caf1294d506360c184b8957e2433dee861d3c319baac45",
    made_by=MADE_BY,
)
NODES_AND_EDGES = {CUBIC: (11356, 34068), QUARTIC: (11604, 46416)}
NUM_GRAPHS = 420


@dataclass(frozen=True)
class Asked:
    """What a variant asks: from an adjacency `[n, n]` to a row for each node, edge (in the order of its entries) or the
    graph, and the names of the classes if these are classes."""

    source: Source
    target_of: Literal["graph", "node", "edge"]
    rows: Callable[[np.ndarray], np.ndarray]
    classes: tuple[str, ...] = ()


ASKED = {
    "cut-node": Asked(QUARTIC, "node", cut_vertices, ("no cut vertex", "cut vertex")),
    "cut-edge": Asked(CUBIC, "edge", lambda a: cut_edges(a)[np.nonzero(a)], ("no cut edge", "cut edge")),
    "cut-graph": Asked(QUARTIC, "graph", lambda a: cut_vertices(a).max(keepdims=True), ("2-connected", "cut vertices")),
    "distance": Asked(CUBIC, "node", lambda a: distances(a).sum(1)),
    "resistance": Asked(QUARTIC, "node", lambda a: resistances(a).sum(1)),
}

CARD = Card(
    family="biconnectivity",
    title="Cut vertices, cut edges and distances in regular graphs",
    task="graph-prediction",
    licence="MIT",
    citation=Citation(
        key="zhang2023biconnectivity",
        title="Rethinking the Expressive Power of GNNs via Graph Biconnectivity",
        authors="Zhang, Bohang and Luo, Shengjie and Wang, Liwei and He, Di",
        venue="ICLR",
        year=2023,
        url="https://arxiv.org/abs/2301.09505",
    ),
    variants=tuple(ASKED),
    splits=("fixed",),
    sources={variant: (asked.source,) for variant, asked in ASKED.items()},
    statistics={
        variant: {
            "num_graphs": NUM_GRAPHS,
            "num_nodes": NODES_AND_EDGES[asked.source][0],
            "num_edges": NODES_AND_EDGES[asked.source][1],
            "num_features": 1,
            "num_outputs": len(asked.classes) or 1,
            "num_train": 240,
            "num_validation": 60,
            "num_test": 120,
        }
        for variant, asked in ASKED.items()
    },
    notes=(
        "Graphs of cut-edge and distance are cubic, all others quartic; half have cut vertices, and each has a "
        "twin without, of its size and in the same part. 1-WL gives all nodes of a file one colour, so that its models "
        "answer with a constant, or by size, which twins share: 0.944 of the nodes are no cut vertices, 0.960 of the "
        "edges no cut edges, half of the graphs 2-connected, and balanced_accuracy is 0.5. distance and resistance: "
        "the sum over all other nodes, scaled to mean 0 and deviation 1 over the training graphs. fixed: 240 graphs "
        "train, 60 validate, 120 test. Nodes carry the constant 1."
    ),
)


def build(variant: str, files: Files, split: str) -> Dataset:
    asked = ASKED[variant]
    lines = read_table(files.path(asked.source.path), ("part", "graph6"))
    parts = np.array([part for part, _ in lines])
    chosen = Split(*(torch.from_numpy(np.flatnonzero(parts == part)) for part in ("train", "validation", "test")))
    adjacencies = [decode(code) for _, code in lines]
    rows = [torch.from_numpy(asked.rows(adjacency)) for adjacency in adjacencies]
    targets = [each.long() for each in rows] if asked.classes else _standardised(rows, chosen.train)
    return Dataset(
        name=f"biconnectivity/{variant}",
        task=CARD.task,
        graphs=tuple(plain_graph(adjacency, y=y) for adjacency, y in zip(adjacencies, targets, strict=True)),
        splits=Splits(split, fixed=(chosen,)),
        spec=DataSpec(
            "graphs",
            (Target("y", asked.target_of, "class" if asked.classes else "value", len(asked.classes) or 1),),
            node=Continuous(1),
        ),
        card=CARD,
        labels={"classes": asked.classes} if asked.classes else {},
    )


def _standardised(rows: list[Tensor], train: Tensor) -> list[Tensor]:
    """Float32 `[rows, 1]` each."""
    known = torch.cat([rows[i] for i in train.tolist()])
    return [((each - known.mean()) / known.std()).float().unsqueeze(1) for each in rows]
