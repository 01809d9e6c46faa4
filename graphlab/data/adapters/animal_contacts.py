"""Contact networks of wild animals: voles caught in the same trap, tortoises that used the same burrow.

As Rossi and Ahmed, AAAI 2015, collected them: a line a contact, two animals and a number (of contacts or a year), which
is not read. Animals are numbered from 0 in the order of their published numbers; repeated contacts count once.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch_geometric.data import Data

from graphlab.core.citation import Citation
from graphlab.core.errors import DataError
from graphlab.data.card import Card, Source
from graphlab.data.dataset import Dataset, Splits
from graphlab.data.fetch import Files
from graphlab.data.links import SPLITS, both_directions, sizes, split_links, unordered
from graphlab.data.spec import LINK, DataSpec
from graphlab.data.text import read_lines

SHA256 = {
    "mammalia-bhp": "a58dbacf582aaee6b4ed3da6df2f0689c401431c0dd7cc2f5071540fbfd195e3",
    "mammalia-kcs": "dbc06c69e72a2706e64b2d8a4a350a899c97ea961b1f2c00b7e4a8541c5c42e4",
    "mammalia-plj": "89d27addcde67958b8c39caa8a59918c9454370ee5de11281a874899714128f2",
    "mammalia-rob": "e276c43ca50742f6fc6174e6e1cc48f5788f676266867830042df6d35720d23f",
    "reptilia-tortoise-bsv": "cb6181d1967d9f9974fb3c0c0d78fefb15f3ca5d1111b74bde51de140c6332f2",
    "reptilia-tortoise-fi": "ab22e2f9ce4776bf5ee690702d637979e081f9a30e42fd7b11221d371b44e63c",
}
COUNTS = {
    "mammalia-bhp": (1683, 4612),
    "mammalia-kcs": (1216, 3588),
    "mammalia-plj": (1263, 3380),
    "mammalia-rob": (1479, 3931),
    "reptilia-tortoise-bsv": (136, 374),
    "reptilia-tortoise-fi": (787, 1197),
}
"""Nodes and links."""


def _statistics(variant: str, split: str) -> dict[str, int]:
    num_nodes, num_links = COUNTS[variant]
    num_train, num_validation, num_test = sizes(num_links, SPLITS[split])
    return {
        "num_nodes": num_nodes,
        "num_edges": 2 * num_links,
        "num_train": num_train,
        "num_validation": 2 * num_validation,
        "num_test": 2 * num_test,
    }


CARD = Card(
    family="animal-contacts",
    title="Contact networks of wild voles and tortoises",
    task="link-prediction",
    licence="none stated with the copy; the collection asks to be cited",
    citation=Citation(
        key="rossi2015",
        title="The Network Data Repository with Interactive Graph Analytics and Visualization",
        authors="Rossi, Ryan A. and Ahmed, Nesreen K.",
        venue="AAAI",
        year=2015,
        url="https://networkrepository.com",
    ),
    variants=tuple(SHA256),
    splits=tuple(SPLITS),
    sources={
        variant: (Source(f"lp-small/{variant}.txt", sha256, origin="animal social networks of networkrepository.com"),)
        for variant, sha256 in SHA256.items()
    },
    statistics={
        variant if split == next(iter(SPLITS)) else f"{variant}@{split}": _statistics(variant, split)
        for variant in COUNTS
        for split in SPLITS
    },
    notes=(
        "random-70/10/20, random-85/5/10: so many percent of the links for training, validation and test, drawn from "
        "the seed; validation and test hold as many pairs that no link joins, drawn uniformly from all such pairs. "
        "Animals have no features. The third column of the files, a number of contacts or a year, is not read."
    ),
)


def build(variant: str, files: Files, split: str) -> Dataset:
    path = files.path(CARD.sources[variant][0].path)
    links, num_nodes = read_contacts(path)
    return Dataset(
        name=f"animal-contacts/{variant}",
        task=CARD.task,
        graphs=(Data(edge_index=both_directions(links), num_nodes=num_nodes),),
        splits=Splits(split, draw=partial(split_links, links, num_nodes, percents=SPLITS[split])),
        spec=DataSpec("node-pairs", (LINK,), num_entities=num_nodes),
        card=CARD,
    )


def read_contacts(path: Path) -> tuple[torch.Tensor, int]:
    """The links of a file of lines "animal animal number", int64 `[L, 2]`, and the number of animals.

    Raises DataError where a line is another.
    """
    try:
        rows = np.array([line.split() for line in read_lines(path)], dtype=np.int64)
        if rows.ndim != 2 or rows.shape[1] != 3:
            raise ValueError("lines have three numbers")
    except ValueError as error:
        raise DataError(f"{path} does not hold contacts: {error}", hint="replace it by the file as published") from None
    animals, index = np.unique(rows[:, :2], return_inverse=True)
    return unordered(torch.from_numpy(index.reshape(-1, 2).T)), len(animals)
