"""Articles of Wikipedia on chameleons and on squirrels, and the links among them. Rozemberczki, Allen and Sarkar,
Journal of Complex Networks 2021; in five classes of traffic by Pei et al., ICLR 2020; with and without direction, and
filtered, by Platonov et al., ICLR 2023.

Links lead from the article that has the link. Filtered graphs lack articles that are copies of others.
"""

from __future__ import annotations

from torch_geometric.data import Data

from graphlab.core.citation import Citation
from graphlab.data.card import Card, Source
from graphlab.data.dataset import Dataset, Splits
from graphlab.data.fetch import Files
from graphlab.data.node_files import read_heterophilous, require_counts, without_direction
from graphlab.data.spec import Continuous, DataSpec, Target

HETEROPHILOUS = "https://github.com/yandex-research/heterophilous-graphs/raw/main/data"

UNDIRECTED = "-undirected"

NUM_CLASSES = 5
NUM_FEATURES = {"chameleon": 2325, "squirrel": 2089}

SHA256 = {
    "chameleon": "34aea6b6888063544232100d53d4aa7e87e37953ec8dd3a7092afb25bb2f0328",
    "chameleon-undirected": "4c640bd2877fc4f9f101531e2f977bc16445a54e09a5cb01178df608e552f3fd",
    "chameleon-filtered": "5a2d40701407188f1661d37a326484b49cc15251e0dedaa7bd380873dac80f21",
    "chameleon-filtered-undirected": "bf46f07e1fb5249280447e5fe3100f3e82fc4b93ad1e13ffcfdec924b6ac0bb5",
    "squirrel": "3f0436486716cf77b651c372e54f6b4c2cc52262e7faeeab584a34b41bae2616",
    "squirrel-undirected": "d436e3b42c0546b105241c0ab0766097074e68e55f67b133eeb9b0162e55cbd9",
    "squirrel-filtered": None,
    "squirrel-filtered-undirected": None,
}

COUNTS = {
    "chameleon": (2277, 36101),
    "chameleon-undirected": (2277, 2 * 31371),
    "chameleon-filtered": (890, 13584),
    "chameleon-filtered-undirected": (890, 2 * 8854),
    "squirrel": (5201, 217073),
    "squirrel-undirected": (5201, 2 * 198353),
    "squirrel-filtered": (2223, 65718),
    "squirrel-filtered-undirected": (2223, 2 * 46998),
}
"""Nodes and edges."""

SIZES = {2277: (1092, 729, 456), 5201: (2496, 1664, 1041), 890: (409, 287, 194)}
"""Nodes of training, validation and test in the first split, by those of the graph, where the file was read."""


def _source(variant: str) -> Source:
    topic = variant.removesuffix(UNDIRECTED).replace("-", "_")
    name = topic if variant.endswith(UNDIRECTED) else f"{topic}_directed"
    return Source(f"heterophilous/{name}.npz", SHA256[variant], url=f"{HETEROPHILOUS}/{name}.npz")


def _statistics(variant: str) -> dict[str, int]:
    num_nodes, num_edges = COUNTS[variant]
    return {
        "num_nodes": num_nodes,
        "num_edges": num_edges,
        "num_features": NUM_FEATURES[variant.partition("-")[0]],
        "num_outputs": NUM_CLASSES,
        **dict(zip(("num_train", "num_validation", "num_test"), SIZES.get(num_nodes, ()), strict=False)),
    }


CARD = Card(
    family="wiki",
    title="Articles of Wikipedia on chameleons and squirrels, with directed links",
    task="node-classification",
    licence="MIT",
    citation=Citation(
        key="rozemberczki2021",
        kind="article",
        title="Multi-Scale Attributed Node Embedding",
        authors="Rozemberczki, Benedek and Allen, Carl and Sarkar, Rik",
        venue="Journal of Complex Networks 9",
        year=2021,
        url="https://arxiv.org/abs/1909.13021",
    ),
    variants=tuple(COUNTS),
    splits=("geom-gcn",),
    sources={variant: (_source(variant),) for variant in COUNTS},
    statistics={variant: _statistics(variant) for variant in COUNTS},
    notes=(
        "Articles in five classes of monthly traffic, with the nouns that occur in them. Links keep their direction, "
        "and self-loops stay (chameleon 50, squirrel 140); -undirected is the same graph with each link both ways and "
        "without self-loops. Many articles have the same links and the same class as another, so that test nodes have "
        "copies in training; -filtered is what Platonov et al. leave of a graph, with all links among these articles. "
        "geom-gcn: ten published splits, of which seed k takes the one of k modulo 10; papers call them 60/20/20, the "
        "files hold 48/32/20. Filtered graphs have the same splits, without the articles that are left out. "
        "The files of squirrel-filtered and squirrel-filtered-undirected have no digest that could be trusted: they "
        "are checked by their numbers of nodes, edges, features and classes."
    ),
    homophily={
        "chameleon": (0.234, 0.044, 0.052, 0.260),
        "chameleon-undirected": (0.230, 0.032, 0.048, 1.000),
        "chameleon-filtered": (0.245, 0.043, 0.020, 0.692),
        "chameleon-filtered-undirected": (0.236, 0.030, 0.014, 1.000),
        "squirrel": (0.223, 0.015, 0.002, 0.171),
        "squirrel-undirected": (0.222, 0.007, 0.001, 1.000),
    },
)


def build(variant: str, files: Files, split: str) -> Dataset:
    path = files.path(CARD.sources[variant][0].path)
    arrays = read_heterophilous(path)
    directed = not variant.endswith(UNDIRECTED)
    edge_index = arrays.edge_index if directed else without_direction(arrays.edge_index)
    dim = arrays.x.shape[1]
    counts = (len(arrays.y), edge_index.shape[1], dim, int(arrays.y.max()) + 1)
    expected = (*COUNTS[variant], NUM_FEATURES[variant.partition("-")[0]], NUM_CLASSES)
    require_counts(path, f"wiki/{variant}", counts, expected)
    return Dataset(
        name=f"wiki/{variant}",
        task=CARD.task,
        graphs=(Data(x=arrays.x, edge_index=edge_index, y=arrays.y, num_nodes=len(arrays.y)),),
        splits=Splits(split, fixed=arrays.splits),
        spec=DataSpec("nodes", (Target("y", "node", "class", NUM_CLASSES),), node=Continuous(dim), directed=directed),
        card=CARD,
    )
