"""Inductive splits of FB15k-237 and WN18RR: the test graph has new entities and the relations of training.
Teru, Denis and Hamilton, ICML 2020 (GraIL).

`graphs` are the training world and the test world. Validation triples belong to the training world. The split
`inference` tests the `valid` and `test` of the test world together, as ULTRA's authors do (Galkin et al., ICLR 2024).
"""

from __future__ import annotations

import torch

from graphlab.core.citation import Citation
from graphlab.data.card import Card, Source
from graphlab.data.dataset import Dataset, Split, Splits
from graphlab.data.fetch import Files
from graphlab.data.spec import FACT, DataSpec
from graphlab.data.triples import named_world, read_parts, vocabulary

GRAIL = "https://raw.githubusercontent.com/kkteru/grail/master/data"

PARTS = ("train", "valid", "test")

PUBLIC, INFERENCE = "public", "inference"

SHA256 = {
    "fb237_v1": (
        "74ef3120fe38a22e5131064d23108b88a8d339496057fa8467d80dcda8f1cec1",
        "d4c2698d7dc36c0dc39ffb3d810caeafe530d779bf9f6451fac2027f41c2ff6d",
        "130534f98bc3b9621bc866035098b132091e8bc749fbad327b5978f3d47f49f7",
        "049829f7047ecf0e0bff0769efca31bc7f811f760c4ffcb20a5680f789b00c61",
        "ac817123c4177ef46b08a3802380a355282b99d4283c43474c9dd91c082107dd",
        "c79d39372be30a3864cfe5094b3022f38b57d88c351dbbfa2d9e7f3368ac23aa",
    ),
    "fb237_v2": (
        "542f81af46d6727979278643105ba7c236dd8b29ee5d9962e3c3fa295ab8869c",
        "59e07dcb883b28bb35585ba95576e4ebb2a71ddbc906119abcc4c87b28198d0c",
        "95da050e60b94f285cdf18ea7899b34df9e0a4a1d638f5ec6ff99caef36a2beb",
        "6756f8d4aa688bc1a18c1106117a7fde94e0469f223f5d00954846afce471e54",
        "2c3b4430cac899b868c9dd22ece0eae830ca62c8a6c0bf8610c670bbeaf7d6d8",
        "17c16e008cb6dfdc67ef0f375aab0a8fee2b087c7d687a72f5217b789d0c4a10",
    ),
    "fb237_v3": (
        "0f27b7f00d3e34964450c22445d17f7612d12d7c382caa3317f45bfe7465f299",
        "8b034e73fe64af9c7baf1e12704a94e7e9a9e6b9242feb498c69ebd65bccf269",
        "f93ff5277296486e2ce5d035e46b81b24b89e55a7a8e41196636482aeb50a49b",
        "2805f9237816f5bb5bb1ff1fbc3d37cc0beb99047bef3a6bd82cc1f6947e8525",
        "76f7691aa597d43d704af047d01a5f4d266c02733c52a5c340c2bea4a85dd281",
        "7dbd4d74210ffd5029d95327639f83c3b46f8bd4ee3571e619812b367d0880da",
    ),
    "fb237_v4": (
        "b9fa0f2650a1ab7687e21e0aec24bb51c0b0eacf0d88c8780c03c9b201b9148d",
        "d99dedcd13bc0cd338a299a895685b66f15e0b7ed42477d40f1ad1a65ce6d483",
        "f1ecc866636b2704bd6f7cae53d2bbeea414fa88c1f2b4ab9f1924719bd505c8",
        "ef55c03e05d5eeeec97fe2030e92bc36bd5ee9311b770ae0a3fd812982686e8d",
        "0a237c20719267449388e1d43995ccf67da5a3c82085ba5d2e3996c77dc73921",
        "8e6e19adb9b154348897bf896b5305a76126bc4d79a21705ea47e4efce2d84f3",
    ),
    "WN18RR_v1": (
        "4cc72d4fdcc8206e208e1f59f3c778be5de4a68cfe76776d15245b0d2c08d396",
        "5cebd29da8ada35ac73b6875329884cdf83943ddea454e9f70cc43b423ea479b",
        "f1cb44e999e2540a0a614f4bb710c7f82a9304432ff37ce282749b56c66d0d20",
        "7d1b73c5994e9aa816b34e33ee10707656803ba6b8a0f6066cae7ddc04f87553",
        "cfa28b9d75dbab17ea82a9443a5bf8acb738e60267cc63f8a221b38967e1d238",
        "6df8c00a2e0cf1a4b484ac638c081198926fcbc411ce2e12ccc79d432eead269",
    ),
    "WN18RR_v2": (
        "a14a902df92e32f4aeb65761560072a007ae915308bb8a7a03c58dc1e9c2a9ad",
        "2d3f6703d87fe1605f636736f0e848d9750b8e1593bd41101554ecbb41a1d836",
        "04e03f270adf4970132ad51ab1a4022e46e790e9b662890ce4e13d31e6d096ad",
        "8dc9bb459e6306737a083b15698ed1420ce8dc57e27f8a42ab7b90c26dfc5154",
        "fc32db7cb56dba0ff05bf57efd8a2279f0825dc6ae763c9d32281a9a1373c09a",
        "3b3942ce7665f1a6667721f5eab946bde79a5929f1996c5af16e0b092a5084bb",
    ),
    "WN18RR_v3": (
        "324a2b04b621bfe8d2dd98ad1c585fbc7efefb1548e92b5d10afc08733286aa7",
        "7f008df4879d36ef70a5c5eb58a7c87488c3f1fea606ab484e66a1aff89b0cbc",
        "df6690cc2a454c14f79a62e879ba6d688bd666f2cf6168e1d6abffd7a7efc598",
        "85b817c364d097793a4b0969fa49d20167345256bf812c978bff381ad3aef492",
        "c0876dafce4cef4c6ef1aa53457fb9f4e40a31a8bf9edbaf05389bfe5ba26f43",
        "efad21a11c1cf26a1a4a5fcf7a64c585ccde3c4f8f71de3a00a995d9e8c9938d",
    ),
    "WN18RR_v4": (
        "5eace2cdfdffb2b19c6d27c7527ae79b8f4b1b3fb712d9a5049243a13edb95ca",
        "ca1568ca934bbf5ccfeabb3a67010968433c0e5bc1df9b0d3d48279023abd7bd",
        "7d4f3226400ea477a5559aa69034df73f0cd314c1a1916963ac000b2cac44e82",
        "d5608132dab5873666e249c1de9412608c0e0b2cc0d154b0ffceff1ce067cc03",
        "0928c5cb528ebde49a3be13f3df4d863f95312c247854bea556c65008cc5b54c",
        "10ccff353175e6eaaff0b3d7ef7931115845868653ddba0ba6fb5c8dfdab6364",
    ),
}
"""By folder: train, valid and test of the training world, then of the test world in the folder `_ind`."""

COUNTS = {
    "fb237-v1": (1594 + 1093, 4245 + 1993, 180, 4245, 489, 205),
    "fb237-v2": (2608 + 1660, 9739 + 4145, 200, 9739, 1166, 478),
    "fb237-v3": (3668 + 2501, 17986 + 7406, 215, 17986, 2194, 865),
    "fb237-v4": (4707 + 3051, 27203 + 11714, 219, 27203, 3352, 1424),
    "wn18rr-v1": (2746 + 922, 5410 + 1618, 9, 5410, 630, 188),
    "wn18rr-v2": (6954 + 2757, 15262 + 4011, 10, 15262, 1838, 441),
    "wn18rr-v3": (12078 + 5084, 25901 + 6327, 11, 25901, 3097, 605),
    "wn18rr-v4": (3861 + 7084, 7940 + 12334, 9, 7940, 934, 1429),
}
"""Entities and facts of both worlds, relations, and the triples of each part."""

NUM_INFERENCE = {
    "fb237-v1": 206 + 205,
    "fb237-v2": 469 + 478,
    "fb237-v3": 866 + 865,
    "fb237-v4": 1416 + 1424,
    "wn18rr-v1": 185 + 188,
    "wn18rr-v2": 411 + 441,
    "wn18rr-v3": 538 + 605,
    "wn18rr-v4": 1394 + 1429,
}
"""Triples of `valid` and `test` of the test world."""

INVERSES = {
    "fb237-v1": (5, "205", "3 pairs of relations are"),
    "fb237-v2": (3, "478", "3 pairs of relations are"),
    "fb237-v3": (3, "865", "2 pairs of relations are"),
    "fb237-v4": (1, "1,424", "1 pair of relations is"),
    "wn18rr-v3": (1, "605", "1 pair of relations is"),
    "fb237-v1@inference": (5, "411", "3 pairs of relations are"),
    "fb237-v2@inference": (5, "947", "4 pairs of relations are"),
    "fb237-v3@inference": (6, "1,731", "4 pairs of relations are"),
    "fb237-v4@inference": (3, "2,840", "2 pairs of relations are"),
    "wn18rr-v3@inference": (1, "1,143", "1 pair of relations is"),
}
"""What the check of data notices: test triples that a fact turned round gives away, of how many, and by which pairs."""


def _variant(folder: str) -> str:
    return folder.lower().replace("_", "-")


def _sources(folder: str) -> tuple[Source, ...]:
    paths = [f"{world}/{part}.txt" for world in (folder, f"{folder}_ind") for part in PARTS]
    return tuple(
        Source(f"grail/{path}", sha256, url=f"{GRAIL}/{path}")
        for path, sha256 in zip(paths, SHA256[folder], strict=True)
    )


KEYS = ("num_nodes", "num_edges", "num_relations", "num_train", "num_validation", "num_test")


def _statistics(counts: tuple[int, ...]) -> dict[str, int]:
    return {"num_graphs": 2, **dict(zip(KEYS, counts, strict=True))}


CARD = Card(
    family="grail",
    title="Inductive splits of FB15k-237 and WN18RR",
    task="kg-completion",
    licence="none stated by the publishing repository",
    citation=Citation(
        key="teru2020",
        title="Inductive Relation Prediction by Subgraph Reasoning",
        authors="Teru, Komal K. and Denis, Etienne and Hamilton, William L.",
        venue="ICML",
        year=2020,
        url="https://arxiv.org/abs/1911.06962",
    ),
    variants=tuple(COUNTS),
    splits=(PUBLIC, INFERENCE),
    sources={_variant(folder): _sources(folder) for folder in SHA256},
    statistics={
        **{variant: _statistics(counts) for variant, counts in COUNTS.items()},
        **{f"{v}@{INFERENCE}": _statistics((*COUNTS[v][:-1], number)) for v, number in NUM_INFERENCE.items()},
    },
    notices={
        variant: (
            f"{answered} of {tests} test triples are given away by a fact turned round, as {relations} inverse in "
            "training",
        )
        for variant, (answered, tests, relations) in INVERSES.items()
    },
    notes=(
        "Training: the facts of the training world; validation: its `valid`; test: `test` of the `_ind` world over "
        "that world's facts. The split inference tests `valid` and `test` of the `_ind` world together, in this order, "
        "which is the protocol of ULTRA's authors. Filtering knows all triples of the world in question. No triple "
        "occurs twice, no test world has a relation that training has not, and no entity is in both worlds, except for "
        "8 in WN18RR v3."
    ),
)


def build(variant: str, files: Files, split: str) -> Dataset:
    triples = read_parts([files.path(source.path) for source in CARD.sources[variant]])
    _, relations = vocabulary(*triples)
    training, training_entities, known = named_world(triples[:3], relations)
    testing, test_entities, known_test = named_world(triples[3:], relations)
    test = known_test[2] if split == PUBLIC else torch.cat(known_test[1:])
    return Dataset(
        name=f"grail/{variant}",
        task=CARD.task,
        graphs=(training, testing),
        splits=Splits(split, fixed=(Split(known[0], known[1], test),)),
        spec=DataSpec("triples", (FACT,), num_relations=len(relations), num_entities=None, directed=True),
        card=CARD,
        labels={"entities": training_entities, "test_entities": test_entities, "relations": relations},
    )
