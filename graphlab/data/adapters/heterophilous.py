"""Five graphs whose edges mostly join other classes, or join classes at random. Platonov, Kuznedelev, Diskin, Babenko
and Prokhorenkova, ICLR 2023.

They are undirected. The words of roman-empire have an order, in which its file lists the ends of edges; the variant
roman-empire-directed keeps it.
"""

from __future__ import annotations

from torch_geometric.data import Data

from graphlab.core.citation import Citation
from graphlab.data.card import Card, Source
from graphlab.data.dataset import Dataset, Splits
from graphlab.data.fetch import Files
from graphlab.data.node_files import not_that, read_heterophilous, require_counts, without_direction
from graphlab.data.spec import Continuous, DataSpec, Target

HETEROPHILOUS = "https://github.com/yandex-research/heterophilous-graphs/raw/main/data"

DIRECTED = "-directed"

SHARES = (0.5, 0.25, 0.25)
"""Of training, validation and test."""

COUNTS = {
    "tolokers": (11758, 519000, 10, 2),
    "roman-empire": (22662, 32927, 300, 18),
    "roman-empire-directed": (22662, 32927, 300, 18),
    "amazon-ratings": (24492, 93050, 300, 5),
    "minesweeper": (10000, 39402, 7, 2),
    "questions": (48921, 153540, 301, 2),
}
"""Nodes, edges as they are published, each once, features and classes."""

SHA256 = {"tolokers": "dacf3ac94cec53d03cd2adb5255c08b33dee1656c33ca8164a464bd9450a1667"}

SIZES = {"tolokers": (5879, 2939, 2940)}
"""Nodes of training, validation and test, where the file was read."""


def _source(variant: str) -> Source:
    name = variant.removesuffix(DIRECTED).replace("-", "_")
    return Source(f"heterophilous/{name}.npz", SHA256.get(variant), url=f"{HETEROPHILOUS}/{name}.npz")


def _statistics(variant: str) -> dict[str, int]:
    num_nodes, num_edges, num_features, num_classes = COUNTS[variant]
    return {
        "num_nodes": num_nodes,
        "num_edges": num_edges if variant.endswith(DIRECTED) else 2 * num_edges,
        "num_features": num_features,
        "num_outputs": num_classes,
        **dict(zip(("num_train", "num_validation", "num_test"), SIZES.get(variant, ()), strict=False)),
    }


CARD = Card(
    family="heterophilous",
    title="Graphs whose edges mostly join other classes",
    task="node-classification",
    licence="MIT",
    citation=Citation(
        key="platonov2023",
        title="A Critical Look at the Evaluation of GNNs under Heterophily: Are We Really Making Progress?",
        authors=(
            "Platonov, Oleg and Kuznedelev, Denis and Diskin, Michael and Babenko, Artem and Prokhorenkova, Liudmila"
        ),
        venue="ICLR",
        year=2023,
        url="https://arxiv.org/abs/2302.11640",
    ),
    variants=tuple(COUNTS),
    splits=("50-25-25",),
    sources={variant: (_source(variant),) for variant in COUNTS},
    statistics={variant: _statistics(variant) for variant in COUNTS},
    metrics=dict.fromkeys(("tolokers", "minesweeper", "questions"), "auroc"),
    notes=(
        "tolokers: workers of a crowdsourcing platform who did the same task, and who of them was banned. "
        "roman-empire: words of an article that follow or depend on each other, by syntactic role. "
        "amazon-ratings: products bought together, by rating. minesweeper: cells of a board, and where mines are. "
        "questions: users of a site who answered each other, and who stayed. Edges go both ways; "
        "roman-empire-directed has those of roman-empire once, from the end that the file lists first. "
        "50-25-25: ten published splits, of which seed k takes the one of k modulo 10. The two classes of tolokers, "
        "minesweeper and questions are judged by AUROC, as published. "
        "Files other than that of tolokers have no digest that could be trusted: they are checked by their numbers of "
        "nodes, edges, features and classes, and each split by the shares of its parts."
    ),
    homophily={
        "tolokers": (0.595, 0.093, 0.007, 1.000),
    },
)


def build(variant: str, files: Files, split: str) -> Dataset:
    path = files.path(CARD.sources[variant][0].path)
    arrays = read_heterophilous(path)
    num_nodes, num_classes = len(arrays.y), int(arrays.y.max()) + 1
    counts = (num_nodes, arrays.edge_index.shape[1], arrays.x.shape[1], num_classes)
    require_counts(path, f"heterophilous/{variant}", counts, COUNTS[variant])
    for each in arrays.splits:
        if any(abs(len(items) - num_nodes * share) > 1 for (_, items), share in zip(each.parts(), SHARES, strict=True)):
            raise not_that(path, f"heterophilous/{variant}", "a split is not 50/25/25")
    directed = variant.endswith(DIRECTED)
    edge_index = arrays.edge_index if directed else without_direction(arrays.edge_index)
    return Dataset(
        name=f"heterophilous/{variant}",
        task=CARD.task,
        graphs=(Data(x=arrays.x, edge_index=edge_index, y=arrays.y, num_nodes=num_nodes),),
        splits=Splits(split, fixed=arrays.splits),
        spec=DataSpec(
            "nodes",
            (Target("y", "node", "class", num_classes),),
            node=Continuous(arrays.x.shape[1]),
            directed=directed,
        ),
        card=CARD,
    )
