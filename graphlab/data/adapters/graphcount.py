"""Counting substructures in 5,000 random graphs: in the graph, through each node, and through each edge. Graphs and
split of Chen et al., NeurIPS 2020; cycles through nodes and edges as in Zhang et al., ICLR 2024.

The counts are made here, exactly, by `graphlab.data.counting`; labels that others publish with these graphs are not
read, some of which were wrong for years.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch import Tensor
from torch_geometric.data import Data

from graphlab.core.citation import Citation
from graphlab.core.errors import DataError
from graphlab.data.card import Card, Source
from graphlab.data.counting import (
    cycles_through_edges,
    cycles_through_nodes,
    simple_cycles,
    tailed_triangles,
    three_stars,
)
from graphlab.data.dataset import Dataset, Split, Splits
from graphlab.data.fetch import Files
from graphlab.data.spec import Continuous, DataSpec, Target

NUM_GRAPHS = 5000
PARTS = (("train", 1500), ("val", 1000), ("test", 2500))
CYCLES = {"triangle": 3, "c4": 4, "c5": 5, "c6": 6}
Rows = Literal["graph", "node", "edge"]
STAR, TAILED = "star", "tailed-triangle"

SOURCE = Source(
    "graphcount/graphcount.npz",
    "3d666e487b45d95a34c2ef8e2dbc8ae54778cc63b73ed08c6522d89db4d89649",
    origin="the counting graphs of https://github.com/ocx-lab/FloydNet (Apache-2.0)",
)

COUNTED: dict[str, tuple[Rows, str]] = {
    **{name: ("graph", name) for name in (*CYCLES, TAILED, STAR)},
    **{f"node-{name}": ("node", name) for name in CYCLES},
    **{f"edge-{name}": ("edge", name) for name in CYCLES},
}
"""What each variant counts, and through what."""

CARD = Card(
    family="graphcount",
    title="Counts of substructures in random graphs",
    task="graph-prediction",
    licence="Apache-2.0",
    citation=Citation(
        key="chen2020",
        title="Can Graph Neural Networks Count Substructures?",
        authors="Chen, Zhengdao and Chen, Lei and Villar, Soledad and Bruna, Joan",
        venue="NeurIPS",
        year=2020,
        url="https://arxiv.org/abs/2002.04025",
    ),
    variants=tuple(COUNTED),
    splits=("official",),
    sources=dict.fromkeys(COUNTED, (SOURCE,)),
    statistics={
        variant: {
            "num_graphs": NUM_GRAPHS,
            "num_nodes": 94000,
            "num_edges": 313390,
            "num_features": 1,
            "num_outputs": 1,
            "num_train": 1500,
            "num_validation": 1000,
            "num_test": 2500,
        }
        for variant in COUNTED
    },
    extras=("count",),
    notes=(
        "Occurrences as subgraphs, induced or not. The target is the count divided by its standard deviation over the "
        "whole data set, test included, as is published; `count` keeps it as it is. node-... and edge-... ask for the "
        "cycles through each node and each edge. Nodes carry the constant 1. official: 1,500, 1,000 and 2,500 graphs."
    ),
)


def build(variant: str, files: Files, split: str) -> Dataset:
    sizes, num_links, links, parts = read_arrays(files.path(SOURCE.path))
    target_of, name = COUNTED[variant]
    local = _both_directions(links, num_links)
    num_edges = 2 * num_links
    counts = count(target_of, name, local + np.repeat(np.cumsum(sizes) - sizes, num_edges), sizes)
    rows = {"graph": np.ones_like(sizes), "node": sizes, "edge": num_edges}[target_of].tolist()
    graphs = map(
        _graph,
        sizes.tolist(),
        torch.from_numpy(local).split(num_edges.tolist(), dim=1),
        torch.from_numpy(counts / counts.std(ddof=1)).float().unsqueeze(1).split(rows),
        torch.from_numpy(counts).split(rows),
    )
    return Dataset(
        name=f"graphcount/{variant}",
        task=CARD.task,
        graphs=tuple(graphs),
        splits=Splits(split, fixed=(Split(*map(torch.from_numpy, parts)),)),
        spec=DataSpec("graphs", (Target("y", target_of, "value", 1),), node=Continuous(1)),
        card=CARD,
    )


def count(target_of: Rows, name: str, edge_index: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Occurrences of a substructure in each graph, or through each of its nodes or edges: int64 `[rows]`.

    `edge_index` `[2, E]` holds both directions and numbers the nodes of all graphs end to end; `sizes` are theirs.
    """
    num_nodes = int(sizes.sum())
    graph = np.repeat(np.arange(len(sizes)), sizes)
    cycles = simple_cycles(edge_index, num_nodes, CYCLES.get(name, 3))
    if target_of == "node":
        return cycles_through_nodes(cycles, num_nodes)
    if target_of == "edge":
        return cycles_through_edges(cycles, edge_index, num_nodes)
    if name in CYCLES:
        return np.bincount(graph[cycles[:, 0]], minlength=len(sizes))
    degree = np.bincount(edge_index[0], minlength=num_nodes)
    rows = three_stars(degree) if name == STAR else tailed_triangles(cycles_through_nodes(cycles, num_nodes), degree)
    return np.add.reduceat(rows, np.cumsum(sizes) - sizes)


def read_arrays(path: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[np.ndarray]]:
    """Nodes and links of each graph `[5000]`, all links `[2, L]` by graph, each once, and the graphs of each part.

    Raises DataError where an array is missing or they do not fit each other.
    """
    try:
        with np.load(path, allow_pickle=False) as arrays:
            sizes, num_links, links = (arrays[key].astype(np.int64) for key in ("n", "ne", "ei"))
            parts = [arrays[key].astype(np.int64) for key, _ in PARTS]
    except Exception as error:  # a damaged archive can fail in any way
        raise _not_counted(path, str(error) or type(error).__name__) from None
    if not len(sizes) == len(num_links) == NUM_GRAPHS or links.shape != (2, num_links.sum()) or num_links.min() < 1:
        raise _not_counted(path, "its arrays do not describe 5,000 graphs")
    low, high = links
    owner = np.repeat(np.arange(NUM_GRAPHS), num_links)
    once = len(np.unique((owner * sizes.max() + low) * sizes.max() + high)) == len(low)
    if not (once and low.min() >= 0 and (low < high).all() and (high < sizes[owner]).all()):
        raise _not_counted(path, "a graph is not simple")
    sizes_of_parts = [len(part) for part in parts] == [size for _, size in PARTS]
    if not sizes_of_parts or not np.array_equal(np.sort(np.concatenate(parts)), np.arange(NUM_GRAPHS)):
        raise _not_counted(path, "its parts are not 1,500, 1,000 and 2,500 of all graphs")
    return sizes, num_links, links, parts


def _both_directions(links: np.ndarray, num_links: np.ndarray) -> np.ndarray:
    """Each link and its reverse, still by graph: `[2, 2 L]`."""
    owner = np.tile(np.repeat(np.arange(len(num_links)), num_links), 2)
    edges = np.concatenate([links, links[::-1]], axis=1)
    return edges[:, np.lexsort((edges[1], edges[0], owner))]


def _graph(num_nodes: int, edge_index: Tensor, y: Tensor, counts: Tensor) -> Data:
    return Data(x=torch.ones(num_nodes, 1), edge_index=edge_index.contiguous(), y=y, count=counts, num_nodes=num_nodes)


def _not_counted(path: Path, reason: str) -> DataError:
    return DataError(f"{path} does not hold the counting graphs: {reason}", hint="replace it by the file as published")
