"""Nodes to be classified, of the Open Graph Benchmark. Hu et al., NeurIPS 2020.

The graph, features, classes and split of ogb, as its own loader gives them.
"""

from __future__ import annotations

from torch_geometric.data import Data

from graphlab.core.citation import Citation
from graphlab.data.card import Card
from graphlab.data.dataset import Dataset, Split, Splits
from graphlab.data.fetch import Files
from graphlab.data.links import both_in_turn
from graphlab.data.ogb_files import PARTS, Layout, OgbFiles, require_counts
from graphlab.data.spec import Continuous, DataSpec, Target

ADDRESS = "http://snap.stanford.edu/ogb/data/nodeproppred"

LAYOUTS = {
    "arxiv": Layout("ogbn-arxiv", f"{ADDRESS}/arxiv.zip", "time", ("node-feat", "node-label", "node_year")),
    "products": Layout("ogbn-products", f"{ADDRESS}/products.zip", "sales_ranking", ("node-feat", "node-label")),
}

DIRECTED = frozenset({"arxiv"})
"""Of the others the files have each edge in one direction, and it is put in both."""

COUNTS = {
    "arxiv": {
        "num_nodes": 169_343,
        "num_edges": 1_166_243,
        "num_features": 128,
        "num_outputs": 40,
        "num_train": 90_941,
        "num_validation": 29_799,
        "num_test": 48_603,
    },
    "products": {
        "num_nodes": 2_449_029,
        "num_edges": 123_718_280,
        "num_features": 100,
        "num_outputs": 47,
        "num_train": 196_615,
        "num_validation": 39_323,
        "num_test": 2_213_091,
    },
}
"""As published; data with others are refused."""

CARD = Card(
    family="ogbn",
    title="Open Graph Benchmark: classes of nodes",
    task="node-classification",
    licence="ODC-BY (arxiv), Amazon licence (products)",
    citation=Citation(
        key="hu2020ogb",
        title="Open Graph Benchmark: Datasets for Machine Learning on Graphs",
        authors=(
            "Hu, Weihua and Fey, Matthias and Zitnik, Marinka and Dong, Yuxiao and Ren, Hongyu and Liu, Bowen and "
            "Catasta, Michele and Leskovec, Jure"
        ),
        venue="NeurIPS",
        year=2020,
        url="https://arxiv.org/abs/2005.00687",
    ),
    variants=tuple(LAYOUTS),
    splits=("official",),
    sources={variant: layout.sources() for variant, layout in LAYOUTS.items()},
    statistics=COUNTS,
    forbids_search="the Open Graph Benchmark",
    extras=("node_year",),
    notes=(
        "Files are those that the package ogb downloads, in its layout: its folder ogbn_arxiv or ogbn_products in "
        "GRAPHLAB_MIRROR or in the data root is read where it lies. No digest of them is published, so that none is "
        "checked; the digests of your files are part of the identity of runs, and counts other than the published are "
        "refused. official: by year (arxiv) or sales rank (products). Accuracy is that of ogb's Evaluator. arxiv: "
        "edges lead from a paper to one that it cites, as published; most entries of the leaderboard add the reverse, "
        "as T.ToUndirected() does. products: in both directions."
    ),
)


def build(variant: str, files: Files, split: str) -> Dataset:
    layout, published = LAYOUTS[variant], COUNTS[variant]
    raw = OgbFiles(layout, files)
    num_nodes, edge_index = raw.num_nodes(), raw.edges()
    x = raw.rows("node-feat", num_nodes).float()
    graph = Data(
        x=x,
        edge_index=edge_index if variant in DIRECTED else both_in_turn(edge_index),
        y=raw.rows("node-label", num_nodes)[:, 0].contiguous(),
        num_nodes=num_nodes,
    )
    if "node_year" in layout.tables:
        graph.node_year = raw.rows("node_year", num_nodes)[:, 0].contiguous()
    train, validation, test = (raw.ids(part) for part in PARTS)
    dataset = Dataset(
        name=f"ogbn/{variant}",
        task=CARD.task,
        graphs=(graph,),
        splits=Splits(split, fixed=(Split(train, validation, test),)),
        spec=DataSpec(
            "nodes",
            (Target("y", "node", "class", published["num_outputs"]),),
            node=Continuous(x.shape[1]),
            directed=variant in DIRECTED,
        ),
        card=CARD,
        evaluator=layout.name,
    )
    require_counts(layout, dataset.statistics(), published)
    return dataset
