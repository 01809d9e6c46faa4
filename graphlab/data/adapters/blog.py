"""Links of the largest component of the blogs of `polblogs`, to be predicted from one another. Adamic and Glance,
LinkKDD 2005; as He et al., JMLR 2024 (PyTorch Geometric Signed Directed), publish them.

The graph keeps its direction. The task link-prediction asks about pairs {u, v} and shows a model both directions of
each; directed-links asks where edges lead.
"""

from __future__ import annotations

from functools import partial

from torch_geometric.data import Data

from graphlab.core.citation import Citation
from graphlab.data.card import Card, Source
from graphlab.data.dataset import Dataset, Splits
from graphlab.data.directed_links import EDGE_TASKS, edge_statistics, edges_as_items
from graphlab.data.fetch import Files
from graphlab.data.links import PERCENTS, SPLITS, sizes, split_links, unordered
from graphlab.data.node_files import edges_of, not_that, read_sparse
from graphlab.data.spec import LINK, DataSpec

NUM_NODES, NUM_EDGES, NUM_LOOPS, NUM_LINKS = 1222, 19024, 3, 16714
"""Links are pairs of nodes that an edge joins one way or both."""


def _statistics(split: str) -> dict[str, int]:
    num_train, num_validation, num_test = sizes(NUM_LINKS, SPLITS[split])
    return {
        "num_nodes": NUM_NODES,
        "num_edges": NUM_EDGES,
        "num_train": num_train,
        "num_validation": 2 * num_validation,
        "num_test": 2 * num_test,
    }


CARD = Card(
    family="blog",
    title="Links of blogs on politics",
    task="link-prediction",
    licence="MIT",
    citation=Citation(
        key="adamic2005",
        title="The Political Blogosphere and the 2004 U.S. Election: Divided They Blog",
        authors="Adamic, Lada A. and Glance, Natalie",
        venue="LinkKDD",
        year=2005,
        url="https://doi.org/10.1145/1134271.1134277",
    ),
    splits=(*SPLITS, *EDGE_TASKS),
    tasks=EDGE_TASKS,
    sources={
        "": (
            Source(
                "directed/pygsd/blog.npz",
                "aa187e068fad4f5b0c44502a8edd3dc471297577d7e925e520f83130643e311f",
                origin="blog.npz of https://github.com/SherylHYX/pytorch_geometric_signed_directed",
            ),
        )
    },
    statistics={
        **{"" if split == next(iter(SPLITS)) else f"@{split}": _statistics(split) for split in SPLITS},
        **edge_statistics({"": (NUM_NODES, NUM_EDGES - NUM_LOOPS, 0)}),
    },
    notes=(
        "The largest component of polblogs, of which it has the same edges. They keep their direction; 65 that are "
        "there twice count once, and 3 are self-loops. "
        "random-70/10/20, random-85/5/10: so many percent of the pairs that an edge joins one way or both, drawn from "
        "the seed, for training, validation and test; validation and test hold as many pairs that no edge joins. Which "
        "way an edge leads is not asked, and models are shown both. edges-80/5/15, edges-85/5/10: so many percent of "
        "the edges, of which the direction is asked too; models are shown training edges as they are."
    ),
)


def build(variant: str, files: Files, split: str) -> Dataset:
    path = files.path(CARD.sources[""][0].path)
    adjacency = read_sparse(path, "blog", by_column=True)
    if adjacency.shape != (NUM_NODES, NUM_NODES) or adjacency.nnz != NUM_EDGES:
        raise not_that(path, "blog", f"it has {adjacency.nnz:,} edges, and the shape {adjacency.shape}")
    edge_index, _ = edges_of(adjacency)
    percents = SPLITS.get(split, PERCENTS)
    dataset = Dataset(
        name="blog",
        task=CARD.task,
        graphs=(Data(edge_index=edge_index, num_nodes=NUM_NODES),),
        splits=Splits(split, draw=partial(split_links, unordered(edge_index), NUM_NODES, percents=percents)),
        spec=DataSpec("node-pairs", (LINK,), num_entities=NUM_NODES, directed=True),
        card=CARD,
    )
    return edges_as_items(dataset, split) if split in EDGE_TASKS else dataset
