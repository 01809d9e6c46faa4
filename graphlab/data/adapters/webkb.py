"""Web pages of the computer science departments of Cornell, Texas and Wisconsin, and the links among them. Craven et
al., AAAI 1998; as Pei et al., ICLR 2020 (Geom-GCN), publish them.

Links keep their direction, from the page that has the link to the page that it leads to, and self-loops stay.
"""

from __future__ import annotations

import torch
from torch_geometric.data import Data

from graphlab.core.citation import Citation
from graphlab.data.card import Card, Source
from graphlab.data.dataset import Dataset, Splits
from graphlab.data.directed_links import EDGE_TASKS, edge_statistics, edges_as_items
from graphlab.data.fetch import Files
from graphlab.data.node_files import (
    NUM_SPLITS,
    not_that,
    read_geom_gcn_edges,
    read_geom_gcn_nodes,
    read_geom_gcn_split,
    read_heterophilous,
    require_counts,
    without_direction,
)
from graphlab.data.spec import Continuous, DataSpec, Target

GEOM_GCN = "https://raw.githubusercontent.com/graphdml-uiuc-jlu/geom-gcn/master"
HETEROPHILOUS = "https://github.com/yandex-research/heterophilous-graphs/raw/main/data"

CORRECTED = "cornell-undirected"

NUM_FEATURES, NUM_CLASSES = 1703, 5

COUNTS = {"cornell": (183, 298), "texas": (183, 325), "wisconsin": (251, 515), CORRECTED: (183, 2 * 277)}
"""Nodes and edges."""

NUM_LINKS = {"cornell": 295, "texas": 309, "wisconsin": 499}
"""Edges without self-loops of the variants that have a direction."""

SIZES = {183: (87, 59, 37), 251: (120, 80, 51)}
"""Nodes of training, validation and test, by those of the graph."""

FILES_SHA256 = {
    "cornell": (
        "c4522a00cc40873c8a04a3a07c49e24a48a507eb284ac9c9f2d3e0590351bbb7",
        "cf5a3ca346cdd1210b8342e22517fcbbdae658065b7a3145f59350e50e6236a3",
    ),
    "texas": (
        "0fe85183243a78cbee9b85a684f8240963d04d1020d10e9cd2b8cfb25e33b476",
        "cf5a3ca346cdd1210b8342e22517fcbbdae658065b7a3145f59350e50e6236a3",
    ),
    "wisconsin": (
        "ebd213511c88fce1eda450c2f920600c4b8cbb38f02384856bcc47c6ec1807ae",
        "a32b0aa38d42f0d36841e8a8cb646d197f0ff33a182ac75a2b4476aeed3c7e4b",
    ),
}
"""Of edges and nodes."""

SPLITS_SHA256 = {
    "cornell": (
        "14022a1e19ec7fc0a07a2c06a785a2f9dc52809dbcd1c14fc318f7800675d73f",
        "5568fa27e968a724c92211bf97026a36a08893cf94b218043e49b4c973c35cfb",
        "763fc1f423395e4172617fa5b6bc0d7adad2241e5fedd1a4f0a098a67f9dc8e9",
        "4334321cd9ec42de9d51107fb9a6dc310512e0921bc1cff0f390301ee37315fa",
        "2b6b3ef396f4dc7fcdc276fb16b88bb87409b25879dd672b3a506eca844dd8d7",
        "1a40ef8b20aa9e1aa850e1abdaba3efac1f66c98ef2c6a59eadefa21136ece6b",
        "bcddf4ab59eae4c7d47b8a6cec9025a54ec0e6d3f3bdcd7678e201f25ace4642",
        "2b497e12dfc123d7e7c9bb4fc4a82b5bee18409e109a3e3a04da439cacec964d",
        "5c4e110d252d7ad156b2e4cd34b6dbd1cecbcc1755f8d72e932cc2a54f2b643c",
        "80f1531807194d301affbf6f879a4ab4f56a19bdccb62d192e3ecd1b5275f052",
    ),
    "texas": (
        "7ba77bf7a8856fcc0ab15623a611b8cdce994e820f577da914123fb4f45272b0",
        "21cc244a96e3c51ad7993afb4dd227f90e467d82b964bb42d7d9fc500a6ef87f",
        "b9e96a699ccf3a4c31ffbd03e52b25570889833425d20fa44e06c37b327cf61e",
        "1a7deeb1285009789d5e6045d7e39f7d019c9223d9a75a2b7ce5e26d33b51f63",
        "b5419ff3fe31adcae66fdb085d4f47d0b188e9436ab59f438632af969aafc674",
        "68405fd1b9ff6105d99717220ecbd198785e338bf4a73abee722bbc9703d2667",
        "8ad78b973164e70e5ac0d282e79adcbc6006e373909fbdfd72a13131e09040b8",
        "a84bcbf997365bddf5fdf72ed49dc7e435e475f8c6210f8cdee7c8581a2bd6df",
        "65ba65f296f91d40d2d7d3c9369b67415094a7e254c6eee48cd6d6531c586fdf",
        "4306981d654ad8835c000c1f73fb6c1e60dfe99e26c13a6073f3b0f4cc3ce6ee",
    ),
    "wisconsin": (
        "f66f641e191d35d491cd3b63d6c2cd93c4b436da398984b44c19a8d4d7e7b1a5",
        "534aeb97266bd5a85a8587adf8eebad3f2e001c1240610f24b62c0ad0c2466ee",
        "047a5b641778ec3a4c76055fd7f18ecb2424c0952f20dfff7e1b17749d8acbdd",
        "706c27b4c51d046c0316f1e915f093e4a1fff48b3436b3e7c421eab596a99e77",
        "7ee813605eec086457aaff022cf3837f2f893fcf8bd37e3a8d2ff0c80e4c4f87",
        "8094ac2bdaf2cbea8f7a48df66a0800c809b2fd5942740e6b0441b660d3a0dd5",
        "c423a8deea9b18f9ecb6cfd703578e2159df167de01fe7e6195b88995010252d",
        "57ad808c8d4dd94dc4404124370bbcebb3dcc597c2bea6457bf05f220adf1527",
        "27d4d62a2a6aea2cdc399302237512ab0d64fb0c84e648112f97c5896274e42f",
        "3c149cd124a19021031609e0d7743a7be59aae4f88c8d38410138e8f06f5daaf",
    ),
}

CORRECTED_FILE = Source(
    "heterophilous/cornell.npz",
    "684c54ba3daa13b0ba1f04a3d6dd1b1175c1ae9bdeb982851fd4ff96d3aac298",
    url=f"{HETEROPHILOUS}/cornell.npz",
)


def _sources(variant: str) -> tuple[Source, ...]:
    names = (f"new_data/{variant}/out1_{part}.txt" for part in ("graph_edges", "node_feature_label"))
    names = (*names, *(f"splits/{variant}_split_0.6_0.2_{k}.npz" for k in range(NUM_SPLITS)))
    digests = (*FILES_SHA256[variant], *SPLITS_SHA256[variant])
    return tuple(
        Source(f"geom-gcn/{name}", sha256, url=f"{GEOM_GCN}/{name}")
        for name, sha256 in zip(names, digests, strict=True)
    )


def _statistics(num_nodes: int, num_edges: int) -> dict[str, int]:
    sizes = dict(zip(("num_train", "num_validation", "num_test"), SIZES[num_nodes], strict=True))
    counts = {"num_nodes": num_nodes, "num_edges": num_edges, "num_features": NUM_FEATURES, "num_outputs": NUM_CLASSES}
    return counts | sizes


CARD = Card(
    family="webkb",
    title="Web pages of three universities, with directed links",
    task="node-classification",
    licence="none stated by the publishing repository; MIT for cornell-undirected",
    citation=Citation(
        key="pei2020",
        title="Geom-GCN: Geometric Graph Convolutional Networks",
        authors="Pei, Hongbin and Wei, Bingzhe and Chang, Kevin Chen-Chuan and Lei, Yu and Yang, Bo",
        venue="ICLR",
        year=2020,
        url="https://arxiv.org/abs/2002.05287",
    ),
    variants=tuple(COUNTS),
    splits=("geom-gcn", *EDGE_TASKS),
    split_variants=dict.fromkeys(EDGE_TASKS, tuple(NUM_LINKS)),
    tasks=EDGE_TASKS,
    sources={**{variant: _sources(variant) for variant in FILES_SHA256}, CORRECTED: (CORRECTED_FILE,)},
    statistics={
        **{variant: _statistics(*counts) for variant, counts in COUNTS.items()},
        **edge_statistics(
            {variant: (COUNTS[variant][0], num_links, NUM_FEATURES) for variant, num_links in NUM_LINKS.items()}
        ),
    },
    notes=(
        "Pages of five kinds (student, project, course, staff, faculty), with the words that occur in them. Links keep "
        "their direction; cornell has 3 self-loops, texas and wisconsin 16 each. "
        "geom-gcn: ten published splits, of which seed k takes the one of k modulo 10. Papers call them 60/20/20; the "
        "files hold 48/32/20. Some leave a class of the graph out of training. "
        "edges-80/5/15, edges-85/5/10: so many percent of the edges, to be predicted, drawn from the seed. "
        "The file of nodes of cornell is, byte for byte, that of texas: its features and classes are of other pages "
        "than its links. Edge homophily in print is .30 (Zhu et al., NeurIPS 2020), and .31 with this file and its "
        "self-loops. cornell-undirected has features and classes of its own, as Platonov et al., ICLR 2023, publish "
        "it: nodes in another order, links without direction and self-loops."
    ),
    homophily={
        "cornell": (0.298, -0.045, 0.023, 0.122),
        "texas": (0.061, -0.169, 0.180, 0.194),
        "wisconsin": (0.170, -0.134, 0.131, 0.196),
        "cornell-undirected": (0.123, -0.220, 0.156, 1.000),
    },
)


def build(variant: str, files: Files, split: str) -> Dataset:
    if variant == CORRECTED:
        path = files.path(CORRECTED_FILE.path)
        arrays = read_heterophilous(path)
        graph = Data(x=arrays.x, edge_index=without_direction(arrays.edge_index), y=arrays.y, num_nodes=len(arrays.y))
        splits = arrays.splits
    else:
        edges, nodes, *masks = (source.path for source in CARD.sources[variant])
        path = files.path(nodes)
        rows, y = read_geom_gcn_nodes(path, list)
        if {len(row) for row in rows} != {NUM_FEATURES}:
            raise not_that(path, "the words of web pages", f"a node has not {NUM_FEATURES:,} numbers")
        edge_index = read_geom_gcn_edges(files.path(edges), len(y))
        graph = Data(x=torch.tensor(rows, dtype=torch.float32), edge_index=edge_index, y=y, num_nodes=len(y))
        splits = tuple(read_geom_gcn_split(files.path(mask)) for mask in masks)
    counts = (len(graph["y"]), graph.num_edges, graph["x"].shape[1], int(graph["y"].max()) + 1)
    require_counts(path, f"webkb/{variant}", counts, (*COUNTS[variant], NUM_FEATURES, NUM_CLASSES))
    dataset = Dataset(
        name=f"webkb/{variant}",
        task=CARD.task,
        graphs=(graph,),
        splits=Splits(split, fixed=splits),
        spec=DataSpec(
            "nodes",
            (Target("y", "node", "class", NUM_CLASSES),),
            node=Continuous(NUM_FEATURES),
            directed=variant != CORRECTED,
        ),
        card=CARD,
    )
    return edges_as_items(dataset, split) if split in EDGE_TASKS else dataset
