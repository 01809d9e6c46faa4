"""Articles of arXiv and what they cite, to be classified by year. Lim et al., NeurIPS 2021; the graph and the features
are those of ogbn-arxiv, Hu et al., NeurIPS 2020.

An edge leads from the article that cites to the one that is cited, which is older: the direction tells of the years.
"""

from __future__ import annotations

from functools import partial

from torch_geometric.data import Data

from graphlab.data.card import Card, Source
from graphlab.data.citations import LIM_2021
from graphlab.data.dataset import Dataset, Splits
from graphlab.data.fetch import Files
from graphlab.data.node_files import LINKX_PERCENTS, draw_shares, quantile_classes, read_linkx_splits
from graphlab.data.ogb_files import Layout, OgbFiles, require_counts
from graphlab.data.spec import Continuous, DataSpec, Target

LAYOUT = Layout(
    "ogbn-arxiv", "http://snap.stanford.edu/ogb/data/nodeproppred/arxiv.zip", "time", ("node-feat", "node_year")
)

SPLITS = Source(
    "linkx/arxiv-year-splits.npy",
    None,
    url="https://github.com/CUAI/Non-Homophily-Large-Scale/raw/master/data/splits/arxiv-year-splits.npy",
)

NUM_CLASSES = 5

COUNTS = {"num_nodes": 169_343, "num_edges": 1_166_243, "num_features": 128, "num_outputs": NUM_CLASSES}
"""As published; data with others are refused."""

CARD = Card(
    family="arxiv-year",
    title="Articles of arXiv by year, with directed citations",
    task="node-classification",
    licence="ODC-BY (graph and features); none stated by the publishing repository (splits)",
    citation=LIM_2021,
    splits=("linkx-50/25/25", "random-50/25/25"),
    sources={
        "": tuple(source for source in LAYOUT.sources() if "/split/" not in source.path),
        "@linkx-50/25/25": (SPLITS,),
    },
    statistics={"": COUNTS},
    notes=(
        "Five classes of years of about equal size: the class of a year is the number of the quantiles 1/5, ..., 4/5 "
        "that it reaches. The graph is that of ogbn/arxiv, whose files are read; edges keep their direction. "
        "linkx-50/25/25: five published splits, of which seed k takes the one of k modulo 5. random-50/25/25: so many "
        "percent of the nodes, drawn from the seed, without the file of splits. "
        "No file was at hand when the adapter was written: it was tested on small files of the same layout. No digest "
        "is published; files with other numbers of nodes, edges, features or classes are refused, and so are splits of "
        "other shares or other nodes."
    ),
)


def build(variant: str, files: Files, split: str) -> Dataset:
    raw = OgbFiles(LAYOUT, files)
    num_nodes = raw.num_nodes()
    x = raw.rows("node-feat", num_nodes).float()
    y = quantile_classes(raw.rows("node_year", num_nodes)[:, 0].numpy(), NUM_CLASSES)
    graph = Data(x=x, edge_index=raw.edges(), y=y, num_nodes=num_nodes)
    counts = {
        "num_nodes": num_nodes,
        "num_edges": graph.num_edges,
        "num_features": x.shape[1],
        "num_outputs": len(y.unique()),
    }
    require_counts(LAYOUT, counts, COUNTS)
    return Dataset(
        name="arxiv-year",
        task=CARD.task,
        graphs=(graph,),
        splits=(
            Splits(split, draw=partial(draw_shares, num_nodes, LINKX_PERCENTS))
            if split.startswith("random")
            else Splits(split, fixed=read_linkx_splits(files.path(SPLITS.path), num_nodes))
        ),
        spec=DataSpec(
            "nodes", (Target("y", "node", "class", NUM_CLASSES),), node=Continuous(x.shape[1]), directed=True
        ),
        card=CARD,
    )
