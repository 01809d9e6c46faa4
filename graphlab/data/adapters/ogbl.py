"""Links to be predicted, of the Open Graph Benchmark. Hu et al., NeurIPS 2020.

The graph of the training links, features, split and negatives of ogb, as its own loader gives them; the graph of
citations, which have a direction, has the reverse of each beside it.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor
from torch_geometric.data import Data

from graphlab.core.citation import Citation
from graphlab.core.errors import DataError
from graphlab.data.card import Card
from graphlab.data.dataset import Dataset, Split, Splits
from graphlab.data.fetch import Files
from graphlab.data.links import both_in_turn, labelled_pairs
from graphlab.data.ogb_files import AGAIN, PARTS, Layout, OgbFiles, require_counts
from graphlab.data.spec import LINK, Continuous, DataSpec

ADDRESS = "http://snap.stanford.edu/ogb/data/linkproppred"

LAYOUTS = {
    "collab": Layout("ogbl-collab", f"{ADDRESS}/collab.zip", "time", ("node-feat", "edge_weight", "edge_year")),
    "ppa": Layout("ogbl-ppa", f"{ADDRESS}/ppassoc.zip", "throughput", ("node-feat",)),
    "ddi": Layout("ogbl-ddi", f"{ADDRESS}/ddi.zip", "target"),
    "citation2": Layout("ogbl-citation2", f"{ADDRESS}/citation-v2.zip", "time", ("node-feat", "node_year")),
}

OWN_NEGATIVES = frozenset({"citation2"})
"""Each citation has negatives of its own; the links of the others share theirs."""


def _counts(num_nodes: int, num_features: int, train: int, validation: int, test: int) -> dict[str, int]:
    """Links of each part; the graph has those of training in both directions."""
    features = {"num_features": num_features} if num_features else {}
    links = {"num_train": train, "num_validation_links": validation, "num_test_links": test}
    return {"num_nodes": num_nodes, "num_edges": 2 * train, **features, **links}


COUNTS = {
    "collab": _counts(235_868, 128, 1_179_052, 60_084, 46_329),
    "ppa": _counts(576_289, 58, 21_231_931, 6_062_562, 3_031_780),
    "ddi": _counts(4_267, 0, 1_067_911, 133_489, 133_489),
    "citation2": _counts(2_927_963, 128, 30_387_995, 86_596, 86_596),
}
"""As published; data with others are refused."""

CARD = Card(
    family="ogbl",
    title="Open Graph Benchmark: links",
    task="ogb-link-prediction",
    licence="CC0 (ppa, ddi), ODC-BY (collab, citation2)",
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
    extras=("node_year", "edge_weight", "edge_year"),
    notes=(
        "Files are those that the package ogb downloads, in its layout: its folder, as ogbl_collab, in "
        "GRAPHLAB_MIRROR or in the data root is read where it lies. No digest of them is published, so that none is "
        "checked; the digests of your files are part of the identity of runs, and counts other than the published "
        "are refused. official: collab and citation2 by year, ppa by throughput, ddi by the proteins that drugs "
        "target. Links are scored by ogb's Evaluator against the negatives of the split: hits@50 (collab), hits@100 "
        "(ppa) and hits@20 (ddi) against those that all links of a part share, mrr against 1,000 of each citation's "
        "own. collab: a pair is listed for each year in which two authors wrote together, with the year and the "
        "number of papers; the same pair may be in several parts. citation2: pairs are (citing, cited) and negatives "
        "stand for the cited; the graph has the reverse of each citation beside it."
    ),
)


def build(variant: str, files: Files, split: str) -> Dataset:
    layout = LAYOUTS[variant]
    raw = OgbFiles(layout, files)
    num_nodes, edge_index = raw.num_nodes(), raw.edges()
    graph = Data(edge_index=both_in_turn(edge_index), num_nodes=num_nodes)
    if "node-feat" in layout.tables:
        graph.x = raw.rows("node-feat", num_nodes).float()
    for name in layout.tables:
        if name.startswith("node_"):
            graph[name] = raw.rows(name, num_nodes)[:, 0].contiguous()
        elif name.startswith("edge_"):
            graph[name] = raw.rows(name, edge_index.shape[1])[:, 0].repeat_interleave(2)
    parts, negatives = (_cited if variant in OWN_NEGATIVES else _shared)(raw)
    dataset = Dataset(
        name=f"ogbl/{variant}",
        task=CARD.task,
        graphs=(graph,),
        splits=Splits(split, fixed=(Split(**parts, negatives=negatives),)),
        spec=DataSpec(
            "ranked-pairs",
            (LINK,),
            node=None if graph.x is None else Continuous(graph.x.shape[1]),
            num_entities=num_nodes,
        ),
        card=CARD,
        evaluator=layout.name,
    )
    require_counts(layout, dataset.statistics(), COUNTS[variant])
    return dataset


def _shared(raw: OgbFiles) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Links, and after them the negatives that they share."""
    parts = {"train": labelled_pairs(raw.pairs("train", "edge"), 1)}
    for part in ("validation", "test"):
        links, others = raw.pairs(part, "edge"), raw.pairs(part, "edge_neg")
        parts[part] = torch.cat([labelled_pairs(links, 1), labelled_pairs(others, 0)])
    return parts, {}


def _cited(raw: OgbFiles) -> tuple[dict[str, Tensor], Mapping[str, Tensor]]:
    """Citations, and negatives of each, which stand for the cited."""
    parts, negatives = {}, {}
    for part in PARTS:
        keys = ("source_node", "target_node", *(() if part == "train" else ("target_node_neg",)))
        source, target, *own = raw.arrays(part, *keys)
        sizes = [list(each.shape) for each in (source, target, *own)]
        if not all(size[:1] == sizes[0] for size in sizes) or [len(size) for size in sizes] != [1, 1, 2][: len(sizes)]:
            shapes = ", ".join(map(str, sizes))
            raise DataError(f"{raw.layout.part(part)} has {', '.join(keys)} of the shapes {shapes}", hint=AGAIN)
        parts[part] = labelled_pairs(torch.stack([source, target], dim=1), 1)
        if own:
            negatives[part] = own[0].unsqueeze(1)
    return parts, negatives
