"""EXP and CEXP: planar graphs of propositional formulas, 600 satisfiable and 600 not. Abboud, Ceylan, Grohe and
Lukasiewicz, IJCAI 2021.

Graphs 2k and 2k + 1 are one formula that can be satisfied and one that cannot. 1-WL tells no pair of EXP apart, and of
CEXP half of them.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch_geometric.data import Data

from graphlab.core.citation import Citation
from graphlab.core.errors import DataError
from graphlab.data.card import Card, Source
from graphlab.data.dataset import Dataset, Split, Splits
from graphlab.data.fetch import Files
from graphlab.data.spec import Categorical, DataSpec, Target
from graphlab.data.text import read_lines

NUM_GRAPHS, NUM_FOLDS = 1200, 10

SHA256 = {
    "exp": "0acc8b4c3e6fbbea18ff2cd358c053a039de170b5047d6312331622b52c11973",
    "cexp": "ae5eb97be83386e4a36270d610c125ad2a598830205c98e6f1ec4ed6b59837ae",
}
COUNTS = {"exp": (53462, 132580), "cexp": (52578, 131436)}
"""Nodes and edges."""

CARD = Card(
    family="exp",
    title="Graphs of formulas that can and cannot be satisfied",
    task="graph-prediction",
    licence="none stated by the publishing repository",
    citation=Citation(
        key="abboud2021",
        title="The Surprising Power of Graph Neural Networks with Random Node Initialization",
        authors="Abboud, Ralph and Ceylan, İsmail İlkan and Grohe, Martin and Lukasiewicz, Thomas",
        venue="IJCAI",
        year=2021,
        url="https://arxiv.org/abs/2010.01179",
    ),
    variants=tuple(SHA256),
    splits=("ten-fold",),
    sources={
        variant: (
            Source(
                f"exp/{variant.upper()}.txt",
                sha256,
                origin="the data of https://github.com/ralphabb/GNN-RNI",
            ),
        )
        for variant, sha256 in SHA256.items()
    },
    statistics={
        variant: {
            "num_graphs": NUM_GRAPHS,
            "num_nodes": num_nodes,
            "num_edges": num_edges,
            "num_features": 1,
            "num_outputs": 2,
            "num_train": 972,
            "num_validation": 108,
            "num_test": 120,
        }
        for variant, (num_nodes, num_edges) in COUNTS.items()
    },
    notes=(
        "Nodes are clauses (0) and literals (1); a literal is linked to its negation and to the clauses it is in. "
        "ten-fold: as in the authors' code, split k tests the k-th tenth of the graphs in their order, validates on "
        "the k-th tenth of the others and trains on the rest, so that no pair is divided; seed k gets split k mod 10. "
        "In CEXP, pairs 0, 2, 4, ... differ under 1-WL, pairs 1, 3, 5, ... do not."
    ),
)


def build(variant: str, files: Files, split: str) -> Dataset:
    path = files.path(CARD.sources[variant][0].path)
    return Dataset(
        name=f"exp/{variant}",
        task=CARD.task,
        graphs=read_graphs(path),
        splits=Splits(split, fixed=tuple(map(_fold, range(NUM_FOLDS)))),
        spec=DataSpec("graphs", (Target("y", "graph", "class", 2),), node=Categorical((2,))),
        card=CARD,
        labels={"classes": ("unsatisfiable", "satisfiable")},
    )


def read_graphs(path: Path) -> tuple[Data, ...]:
    """The graphs of a text file: their number; then of each its nodes and class, and a line a node: its kind, how many
    neighbours it has, and these.

    Raises DataError where lines are missing, or the graphs are not pairs of the two classes.
    """
    try:
        rows = [np.array(line.split(), dtype=np.int64) for line in read_lines(path)]
        graphs, start = [], 1
        while start < len(rows):
            num_nodes, target = rows[start].tolist()
            graphs.append(_graph(rows[start + 1 : start + 1 + num_nodes], num_nodes, target))
            start += 1 + num_nodes
        if [int(g.y) for g in graphs] != [1, 0] * (NUM_GRAPHS // 2) or rows[0].tolist() != [NUM_GRAPHS]:
            raise ValueError(f"its {len(graphs):,} graphs are not 600 pairs of the two classes")
    except (ValueError, IndexError) as error:
        raise DataError(f"{path} does not hold EXP: {error}", hint="replace it by the file as published") from None
    return tuple(graphs)


def _graph(rows: list[np.ndarray], num_nodes: int, target: int) -> Data:
    if len(rows) != num_nodes or any(len(row) < 2 or len(row) != 2 + row[1] for row in rows):
        raise ValueError("a graph is cut short")
    targets = np.concatenate([row[2:] for row in rows])
    sources = np.repeat(np.arange(num_nodes), [row[1] for row in rows])
    linked = np.zeros((num_nodes, num_nodes), dtype=bool)
    linked[sources, targets] = True
    if not np.array_equal(linked, linked.T) or linked.sum() != len(targets) or linked.diagonal().any():
        raise ValueError("a graph is not simple and undirected")
    return Data(
        x=torch.from_numpy(np.array([[row[0]] for row in rows])),
        edge_index=torch.from_numpy(np.stack(np.nonzero(linked))),
        y=torch.tensor([target]),
        num_nodes=num_nodes,
    )


def _fold(k: int) -> Split:
    ids = torch.arange(NUM_GRAPHS)
    test, rest = _tenth(ids, k)
    validation, train = _tenth(rest, k)
    return Split(train, validation, test)


def _tenth(ids: torch.Tensor, k: int) -> tuple[torch.Tensor, torch.Tensor]:
    """The k-th tenth, and the others."""
    size = len(ids) // NUM_FOLDS
    return ids[k * size : (k + 1) * size], torch.cat([ids[: k * size], ids[(k + 1) * size :]])
