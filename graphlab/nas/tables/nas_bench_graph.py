"""NAS-Bench-Graph: 26,206 networks, each trained on each data set. Qin et al., NeurIPS 2022, datasets track."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from graphlab.core.citation import Citation
from graphlab.core.errors import DataError
from graphlab.core.files import hash_file
from graphlab.data.card import Card, Source
from graphlab.data.unpickle import read_pickle
from graphlab.model.link_patterns import OPERATORS, from_key
from graphlab.nas.spaces.nas_bench_graph import FIVE_OPERATORS, NasBenchGraph, architecture_of
from graphlab.nas.tables import Table

NUM_ARCHITECTURES = 26_206
NUM_OF_FIVE = 2_021
"""Architectures of `FIVE_OPERATORS`, which is what the table of ogbn-proteins has."""

MILLION = 1e6
URL = "https://github.com/THUMNLab/NAS-Bench-Graph"

DIGESTS = {
    "cora": "5e69b2f9bb08d8927d9ffd4921f8494a3cea349c9c3a461334cb9dc9e11701a8",
    "citeseer": "99c7f79b73372636305bf73fb32a58b63c57bd1871a152dd62ec72d984c8c50f",
    "pubmed": "10b4dcf6cfd3a24f6059f7d541a4a872960b4adac0b3dba26abed1bb9a3d904d",
    "cs": "71ae8469930517160b024f52db6000a4897f1aff5d765beb27bb60952ed5bd31",
    "photo": "5511b4dc3f63fa988792177227db7901290fb9b27fc6c02e3036b29e134ed6df",
    "arxiv": "7ee21a7653297a806c0ed1be3efe6ecc06acc84e48e942da0bfde0e5d287debe",
}

DATASETS = {
    "cora": "planetoid/cora",
    "citeseer": "planetoid/citeseer",
    "pubmed": "planetoid/pubmed",
    "cs": "coauthor/cs",
    "photo": "amazon/photo",
    "arxiv": "ogb/arxiv",
}
"""What the networks of each table were trained on."""

CARD = Card(
    family="nas-bench-graph",
    title="NAS-Bench-Graph",
    task="architecture-search",
    licence="Apache-2.0",
    citation=Citation(
        key="qin2022",
        title="NAS-Bench-Graph: Benchmarking Graph Neural Architecture Search",
        authors="Qin, Yijian and Zhang, Ziwei and Wang, Xin and Zhang, Zeyang and Zhu, Wenwu",
        venue="NeurIPS datasets and benchmarks",
        year=2022,
        url="https://arxiv.org/abs/2206.09166",
    ),
    variants=tuple(DIGESTS),
    sources={
        name: (Source(f"nas-bench-graph/{name}.bench", digest, origin=f"the light tables of {URL}"),)
        for name, digest in DIGESTS.items()
    },
    notes="Accuracies are fractions; latency in seconds and millions of parameters as the publishers measured them.",
)


def read_table(path: Path, name: str) -> Table:
    """The table of a file in the publishers' form. Nothing in it is executed.

    A table of five operators, as that of ogbn-proteins is, has a space of its own with these operators alone.

    Raises DataError for a file that is damaged or does not hold every architecture of its space once.
    """
    content = read_pickle(path)
    try:
        architectures = [from_key(int(number)) for number in content]
        columns = {
            column: np.array([row[key] for row in content.values()], np.float64)
            for column, key in (
                ("validation", "valid_perf"),
                ("test", "perf"),
                ("latency", "latency"),
                ("size", "para"),
            )
        }
    except Exception as error:  # whatever a foreign file may hold in their place
        raise _not_a_table(path, str(error) or type(error).__name__) from None
    space = _space_of({operator for _, operators in architectures for operator in operators}, len(architectures))
    expected = NUM_ARCHITECTURES if space.operators == OPERATORS else NUM_OF_FIVE
    distinct = len(set(architectures))
    if distinct != expected or len(architectures) != expected:
        raise _not_a_table(path, f"{distinct:,} architectures in {len(architectures):,} rows, not {expected:,} once")
    for column, values in columns.items():
        if values.ndim != 1:
            raise _not_a_table(path, f"its column {column} does not hold single numbers")
        if not np.isfinite(values).all() or values.min() < 0:
            raise _not_a_table(path, f"its column {column} has values that are not finite, or below 0")
    if max(columns["validation"].max(), columns["test"].max()) > 1:
        raise _not_a_table(path, "accuracies above 1")
    return Table(
        name=name,
        space=space,
        architectures=tuple(architecture_of(link, operators) for link, operators in architectures),
        validation=columns["validation"],
        test=columns["test"],
        latency=columns["latency"],
        parameters=np.round(columns["size"] * MILLION),
        digest=hash_file(path),
        dataset=DATASETS.get(name.rpartition("/")[2], ""),
    )


def _space_of(operators: set[str], num_rows: int) -> NasBenchGraph:
    """The space of a table with these operators: that of five for a table of its size, else the whole."""
    is_of_five = operators <= set(FIVE_OPERATORS) and num_rows == NUM_OF_FIVE
    return NasBenchGraph(FIVE_OPERATORS) if is_of_five else NasBenchGraph()


def _not_a_table(path: Path, reason: str) -> DataError:
    return DataError(
        f"{path} is no table of NAS-Bench-Graph: {reason}", hint="replace it by the light file as it was published"
    )
