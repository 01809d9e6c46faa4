"""Several knowledge graphs side by side, to pre-train a model that answers on any of them. Galkin et al., ICLR 2024.

The graphs share neither entities nor relations. A split's row is (graph, head, relation, tail), in its graph's ids.
Of an inductive data set the training world and the test world are two graphs.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from types import ModuleType

import torch
from torch import Tensor
from torch_geometric.data import Data

from graphlab.core.citation import Citation
from graphlab.data.adapters import grail, kg
from graphlab.data.card import Card
from graphlab.data.dataset import Dataset, Split, Splits
from graphlab.data.fetch import Files
from graphlab.data.spec import FACT, DataSpec

MEMBERS = {
    "small": ("kg/umls", "kg/kinship", "kg/nations", "grail/wn18rr-v1"),
    "fb-wn": ("kg/fb15k-237", "kg/wn18rr"),
}

FAMILIES: dict[str, ModuleType] = {"kg": kg, "grail": grail}


def _member(name: str) -> tuple[ModuleType, str]:
    family, _, variant = name.partition("/")
    return FAMILIES[family], variant


@cache
def _statistics(variant: str) -> dict[str, int]:
    counts = [module.CARD.statistics[member] for module, member in map(_member, MEMBERS[variant])]
    keys = ("num_nodes", "num_edges", "num_train", "num_validation", "num_test")
    return {
        "num_graphs": sum(count.get("num_graphs", 1) for count in counts),
        **{key: sum(count[key] for count in counts) for key in keys},
    }


def _strangers(name: str) -> Iterator[str]:
    """What is noticed of a member's own triples, of the graph by its name; not what relations of training give away."""
    module, member = _member(name)
    for notice in module.CARD.notices[member]:
        if "that no fact has" in notice:
            yield notice.replace(" triples ", f" triples of graph {name!r} ", 1)


CARD = Card(
    family="mixture",
    title="Several knowledge graphs at once, for pre-training",
    task="kg-mixture",
    licence="that of each member",
    citation=Citation(
        key="galkin2024",
        title="Towards Foundation Models for Knowledge Graph Reasoning",
        authors="Galkin, Mikhail and Yuan, Xinyu and Mostafa, Hesham and Tang, Jian and Zhu, Zhaocheng",
        venue="ICLR",
        year=2024,
        url="https://arxiv.org/abs/2310.04562",
    ),
    variants=tuple(MEMBERS),
    sources={
        variant: tuple(source for module, member in map(_member, names) for source in module.CARD.sources[member])
        for variant, names in MEMBERS.items()
    },
    statistics={variant: _statistics(variant) for variant in MEMBERS},
    notices={"fb-wn": tuple(notice for name in ("kg/fb15k-237", "kg/wn18rr") for notice in _strangers(name))},
    notes="Members: " + "; ".join(f"{variant}: {', '.join(names)}" for variant, names in MEMBERS.items()) + ".",
)


def build(variant: str, files: Files, split: str) -> Dataset:
    graphs: list[Data] = []
    names: list[str] = []
    parts: dict[str, list[Tensor]] = {"train": [], "validation": [], "test": []}
    for name in MEMBERS[variant]:
        module, member = _member(name)
        dataset: Dataset = module.build(member, files, split)
        first = len(graphs)
        for world, graph in _worlds(dataset):
            graphs.append(graph)
            names.append(f"{name}{world}")
        for part, triples in dataset.split().parts():
            graph_id = len(graphs) - 1 if part == "test" else first
            parts[part].append(torch.cat([torch.full((len(triples), 1), graph_id), triples], dim=1))
    return Dataset(
        name=f"mixture/{variant}",
        task=CARD.task,
        graphs=tuple(graphs),
        splits=Splits(split, fixed=(Split(*(torch.cat(rows) for rows in parts.values())),)),
        spec=DataSpec("mixture-triples", (FACT,), directed=True),
        card=CARD,
        labels={"graphs": tuple(names)},
    )


def _worlds(dataset: Dataset) -> Iterator[tuple[str, Data]]:
    """The member's graphs, each with the number of its relations, under a suffix to its name."""
    suffixes = ("",) if len(dataset.graphs) == 1 else ("", " (test world)")
    for suffix, graph in zip(suffixes, dataset.graphs, strict=True):
        graph.num_relations = dataset.spec.num_relations
        yield suffix, graph
