"""Knowledge graphs for transductive completion. FB15k-237: Toutanova and Chen, CVSC 2015; WN18RR and the
files as they are published: Dettmers et al., AAAI 2018; UMLS, kinship, nations: Kok and Domingos, ICML 2007;
family: Hinton 1986, in the version of RulE, Tang et al., ACL Findings 2024.

Ids follow the sorted names of all splits. The graph holds the training triples; everything known is filtered.
"""

from __future__ import annotations

import torch

from graphlab.core.citation import Citation
from graphlab.data.card import Card, Source
from graphlab.data.dataset import Dataset, Split, Splits
from graphlab.data.fetch import Files
from graphlab.data.spec import FACT, DataSpec
from graphlab.data.triples import encode, read_parts, vocabulary, world

PARTS = ("train", "valid", "test")

FOLDERS = {
    "fb15k-237": "FB15k-237",
    "wn18rr": "WN18RR",
    "umls": "umls",
    "kinship": "kinship",
    "nations": "nations",
    "family": "family",
}

CONVE = "https://github.com/TimDettmers/ConvE/raw/master"
RULE = "https://raw.githubusercontent.com/XiaojuanTang/RulE/master/data"

SHA256 = {
    "fb15k-237": (
        "6e4c2782169af21e9743f3b1d200886f5d595bf6bc504ec1351720949c5cdfae",
        "cf6309010852f6a8d47a45df830a426415d1ee6f7a3970a8376ff1fb81db4a5c",
        "5711cf41623ceb4eacc50eb6108a3ca6565c7492e3caaf82a3e355cc660d1574",
    ),
    "wn18rr": (
        "038612e783c215ee5f3ca9fbfca27b8d0739be1028fe4ee7c174aecf0b83d5df",
        "453ce7202afa58094a04d2b1560ee2b02660f1c260b32ce6651c8ccedd1028ab",
        "0383bceaaa1096cf3c03ec021ed0048068e2355dbfc0239b292cefdac821cec5",
    ),
    "umls": (
        "873ef4925516b83e7f6f8cc02b4be51d848828710a7f65a956f0ac4a9e452f35",
        "025c98f8a4891e2a6582ec5b40ee0d904031edad9c52554522f4b7904820c98e",
        "a7eb529a3d2810fcc96341ccc97c625a5e202f8389673aa6bd317eeebbb79014",
    ),
    "kinship": (
        "738612111a6acf0e39662bde24c7e72a4d1edf20931beea077da367dda689731",
        "c56f8630a583178b1e569f11a64aa535ae1ce0b0912d8b1e24716be2b37f04da",
        "05e5733265761d55be9c05bfaff5a8d0808df46f9c1e9d66cc3f2fe114e43d88",
    ),
    "nations": (
        "0830fa9da8e5bba2ccdaa45b7bdc9130451ba66b09ff2708f35fccaf82473e57",
        "2b337a62e51a2f45c283eac98a70d21b7e0e102136be1539b2a52c652a7b0530",
        "3971085165b47b6aeaec68058c6d8d98b3005e929db81268410b95ae4db770ab",
    ),
    "family": (
        "768bef275a5f4c30d29ee0180dba1bd8329e7f29a981edd49a4cf40b78e7e322",
        "b27c96db987d829aeb7ab8025d8b26cb469d9a8b9881fe84beeab96f9c9c7d30",
        "42cc9b400a3bfbd8908c81a14a073fe3e0c73e51b8ed05d2587255c11d257eb8",
    ),
}

COUNTS = {
    "fb15k-237": (14541, 237, 272115, 17535, 20466),
    "wn18rr": (40943, 11, 86835, 3034, 3134),
    "umls": (135, 46, 5216, 652, 661),
    "kinship": (104, 25, 8544, 1068, 1074),
    "nations": (14, 55, 1592, 199, 201),
    "family": (3007, 12, 23483, 2038, 2835),
}


STRANGERS = {
    "fb15k-237": ("9 of 17,535 validation", 8, "28 of 20,466 test", 29),
    "wn18rr": ("210 of 3,034 validation", 198, "210 of 3,134 test", 209),
    "family": ("12 of 2,038 validation", 11, "18 of 2,835 test", 14),
}
"""Triples of validation and of test about entities that no fact has, and how many such entities there are."""

INVERSES = {
    "wn18rr": ("1,052 of 3,134", 3),
    "umls": ("26 of 661", 7),
    "nations": ("61 of 201", 30),
    "family": ("176 of 2,835", 2),
}
"""Test triples that are facts turned round, by pairs of relations that are inverse in training."""


def _sources(variant: str) -> tuple[Source, ...]:
    folder = FOLDERS[variant]
    return tuple(
        Source(f"kg/{folder}/{part}.txt", sha256, url=f"{RULE}/family/{part}.txt")
        if variant == "family"
        else Source(f"kg/{folder}/{part}.txt", sha256, url=f"{CONVE}/{folder}.tar.gz", member=f"{part}.txt")
        for part, sha256 in zip(PARTS, SHA256[variant], strict=True)
    )


def _statistics(num_nodes: int, num_relations: int, train: int, validation: int, test: int) -> dict[str, int]:
    return {
        "num_nodes": num_nodes,
        "num_edges": train,
        "num_relations": num_relations,
        "num_train": train,
        "num_validation": validation,
        "num_test": test,
    }


def _notices(variant: str) -> tuple[str, ...]:
    validation, of_validation, test, of_test = STRANGERS.get(variant, ("", 0, "", 0))
    strangers = [
        f"{triples} triples name an entity that no fact has ({entities} entities)"
        for triples, entities in ((validation, of_validation), (test, of_test))
        if triples
    ]
    triples, pairs = INVERSES.get(variant, ("", 0))
    inverses = (
        f"{triples} test triples are given away by a fact turned round, as {pairs} pairs of relations are inverse in "
        "training"
    )
    return (*strangers, inverses) if triples else tuple(strangers)


CARD = Card(
    family="kg",
    title="Knowledge graphs for transductive completion",
    task="kg-completion",
    licence="MIT (as the publishing repositories state)",
    citation=Citation(
        key="dettmers2018",
        title="Convolutional 2D Knowledge Graph Embeddings",
        authors="Dettmers, Tim and Minervini, Pasquale and Stenetorp, Pontus and Riedel, Sebastian",
        venue="AAAI",
        year=2018,
        url="https://arxiv.org/abs/1707.01476",
    ),
    variants=tuple(FOLDERS),
    sources={variant: _sources(variant) for variant in FOLDERS},
    statistics={variant: _statistics(*counts) for variant, counts in COUNTS.items()},
    notices={variant: _notices(variant) for variant in FOLDERS},
    notes=(
        "No triple occurs twice, in one split or across splits. Some entities occur in validation or test only, so "
        "that these triples name an entity without facts: 28 test triples of FB15k-237, 210 of WN18RR, 18 of family."
    ),
)


def build(variant: str, files: Files, split: str) -> Dataset:
    train, valid, test = read_parts([files.path(source.path) for source in CARD.sources[variant]])
    entities, relations = vocabulary(train, valid, test)
    parts = [encode(triples, entities, relations) for triples in (train, valid, test)]
    return Dataset(
        name=f"kg/{variant}",
        task=CARD.task,
        graphs=(world(len(entities), facts=parts[0], known=torch.cat(parts)),),
        splits=Splits(split, fixed=(Split(*parts),)),
        spec=DataSpec("triples", (FACT,), num_relations=len(relations), num_entities=len(entities), directed=True),
        card=CARD,
        labels={"entities": entities, "relations": relations},
    )
