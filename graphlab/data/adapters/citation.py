"""The links of Cora, CiteSeer and PubMed, to be predicted from one another. Raw files of Yang, Cohen and
Salakhutdinov, ICML 2016, of which the graphs alone are read; splits in the manner of Kipf and Welling, 2016.

Links are undirected, without repeats and self-loops. Nodes have no features.
"""

from __future__ import annotations

from functools import partial

from torch_geometric.data import Data

from graphlab.data.adapters import planetoid
from graphlab.data.card import Card, Source
from graphlab.data.dataset import Dataset, Splits
from graphlab.data.fetch import Files
from graphlab.data.links import sizes, split_links, unordered
from graphlab.data.spec import LINK, DataSpec

SUFFIX = "-links"
VARIANTS = {f"{name}{SUFFIX}": name for name in planetoid.COUNTS}


def _source(name: str) -> Source:
    (source,) = (s for s in planetoid.CARD.sources[name] if s.path.endswith(f"{name}.graph"))
    return source


def _statistics(name: str) -> dict[str, int]:
    num_nodes, num_edges, *_ = planetoid.COUNTS[name]
    num_train, num_validation, num_test = sizes(num_edges // 2)
    return {
        "num_nodes": num_nodes,
        "num_edges": num_edges,
        "num_train": num_train,
        "num_validation": 2 * num_validation,
        "num_test": 2 * num_test,
    }


CARD = Card(
    family="citation",
    title="Links of Cora, CiteSeer and PubMed, without node features",
    task="link-prediction",
    licence=planetoid.CARD.licence,
    citation=planetoid.CARD.citation,
    variants=tuple(VARIANTS),
    splits=("random",),
    sources={variant: (_source(name),) for variant, name in VARIANTS.items()},
    statistics={variant: _statistics(name) for variant, name in VARIANTS.items()},
    notes=(
        "random: 85 % of the links for training, 5 % for validation, 10 % for test, drawn from the seed; validation "
        "and test hold as many pairs that no link joins, drawn uniformly from all such pairs of the whole graph."
    ),
)


def build(variant: str, files: Files, split: str) -> Dataset:
    name = VARIANTS[variant]
    num_nodes = planetoid.COUNTS[name][0]
    edge_index = planetoid.undirected_edges(files.path(_source(name).path))
    return Dataset(
        name=f"citation/{variant}",
        task=CARD.task,
        graphs=(Data(edge_index=edge_index, num_nodes=num_nodes),),
        splits=Splits(split, draw=partial(split_links, unordered(edge_index), num_nodes)),
        spec=DataSpec("node-pairs", (LINK,), num_entities=num_nodes),
        card=CARD,
    )
