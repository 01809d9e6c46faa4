"""Patents of the United States and what they cite, to be classified by the year of grant. Leskovec, Kleinberg and
Faloutsos, KDD 2005; with features and classes by Lim et al., NeurIPS 2021.

An edge leads from the patent that cites to the one that is cited, which is older: the direction tells of the years.
"""

from __future__ import annotations

from functools import partial

import numpy as np
import torch
from scipy.sparse import csr_matrix
from torch_geometric.data import Data

from graphlab.data.card import Card, Source
from graphlab.data.citations import LIM_2021
from graphlab.data.dataset import Dataset, Splits
from graphlab.data.fetch import Files
from graphlab.data.node_files import (
    LINKX_PERCENTS,
    draw_shares,
    not_that,
    quantile_classes,
    read_linkx_splits,
    read_matlab,
    require_counts,
)
from graphlab.data.spec import Continuous, DataSpec, Target

REPOSITORY = "https://github.com/CUAI/Non-Homophily-Large-Scale"

GRAPH = Source("linkx/snap_patents.mat", None, origin=f"snap_patents.mat, to which {REPOSITORY} links")
SPLITS = Source("linkx/snap-patents-splits.npy", None, origin=f"snap-patents-splits.npy, to which {REPOSITORY} links")

COUNTS = (2_923_922, 13_975_788, 269, 5)
"""Nodes, edges, features and classes, as published; data with others are refused."""

CARD = Card(
    family="snap-patents",
    title="Patents by year of grant, with directed citations",
    task="node-classification",
    licence="none stated by the publishing repository",
    citation=LIM_2021,
    splits=("linkx-50/25/25", "random-50/25/25"),
    sources={"": (GRAPH,), "@linkx-50/25/25": (SPLITS,)},
    statistics={"": dict(zip(("num_nodes", "num_edges", "num_features", "num_outputs"), COUNTS, strict=True))},
    notes=(
        "Five classes of years of about equal size: the class of a year is the number of the quantiles 1/5, ..., 4/5 "
        "that it reaches. Edges keep their direction and stay as the file lists them; without direction they are "
        "13,972,547 pairs. Features are kept as a dense array of 3 GB. "
        "linkx-50/25/25: five published splits, of which seed k takes the one of k modulo 5. random-50/25/25: so many "
        "percent of the nodes, drawn from the seed, without the file of splits. "
        "The files are on a drive that asks before it gives large ones: bring them as linkx/snap_patents.mat and "
        "linkx/snap-patents-splits.npy. "
        "Neither was at hand when the adapter was written: it was tested on small files of the same layout. No digest "
        "is published; files with other numbers of nodes, edges, features or classes are refused, and so are splits of "
        "other shares or other nodes."
    ),
)


def build(variant: str, files: Files, split: str) -> Dataset:
    path, num_classes = files.path(GRAPH.path), COUNTS[-1]
    edges, features, years = read_matlab(path, "snap-patents", ("edge_index", "node_feat", "years")).values()
    years = np.asarray(years).ravel()
    if edges.ndim != 2 or len(edges) != 2 or features.ndim != 2 or features.shape[0] != len(years):
        shapes = f"edges {list(edges.shape)}, features {list(features.shape)} and years [{len(years)}]"
        raise not_that(path, "snap-patents", f"its arrays have the shapes {shapes}")
    if any(array.dtype.kind not in "biuf" for array in (edges, features, years)) or not np.isfinite(years).all():
        raise not_that(path, "snap-patents", "not all of its arrays are numbers")
    y = quantile_classes(years, num_classes)
    num_nodes = len(y)
    require_counts(path, "snap-patents", (num_nodes, edges.shape[1], features.shape[1], len(y.unique())), COUNTS)
    edge_index = torch.from_numpy(edges.astype(np.int64))
    if edge_index.min() < 0 or edge_index.max() >= num_nodes:
        raise not_that(path, "snap-patents", f"edges are not pairs of its {num_nodes:,} nodes")
    x = torch.from_numpy(csr_matrix(features, dtype=np.float32).toarray())
    return Dataset(
        name="snap-patents",
        task=CARD.task,
        graphs=(Data(x=x, edge_index=edge_index, y=y, num_nodes=num_nodes),),
        splits=(
            Splits(split, draw=partial(draw_shares, num_nodes, LINKX_PERCENTS))
            if split.startswith("random")
            else Splits(split, fixed=read_linkx_splits(files.path(SPLITS.path), num_nodes))
        ),
        spec=DataSpec(
            "nodes", (Target("y", "node", "class", num_classes),), node=Continuous(x.shape[1]), directed=True
        ),
        card=CARD,
    )
