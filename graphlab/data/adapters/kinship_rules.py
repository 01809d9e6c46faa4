"""Family trees with exact rules: a knowledge graph of our own, made by `graphlab.data.generators.kinship_rules`
and named after the family trees of Hinton, 1986.

(x, father, y) says that y is the father of x. Twenty of the 28 relations are unions of compositions of the other
eight, so whoever composes relations answers every held-out query; everything known is everything true.
"""

from __future__ import annotations

from graphlab.core.citation import Citation
from graphlab.data.card import Card, Source
from graphlab.data.dataset import Dataset, Split, Splits
from graphlab.data.fetch import Files
from graphlab.data.generators.kinship_rules import FILES
from graphlab.data.spec import DataSpec
from graphlab.data.triples import named_world, read_triples, vocabulary

MADE_BY = "graphlab.data.generators.kinship_rules"

SHA256 = {
    "transductive": (
        "d0c595a4ec0d426e7ea2f8a4fe9e6000b8bdafb1dbfc66169c664c86fae47573",
        "306d1e685aba496255dab99a59b0e522f8792342c7dbb265ca91342924ae7251",
        "9f45cd8cf88c5d7672fba6876a3424530ede53d08d425dcefb1cb05f01cf3930",
    ),
    "inductive": (
        "479eefc6511beb82349a6fe6e6353f9c8104563e9b80969d10c8cecdd28bc5db",
        "c0de2dbe0bc2019ba0419c8616b6bd6a0e1db2a9fd15db911261c6d457aa6d91",
        "87a9c7170f52b1a5b2058d913a8114f36a696eb57d1bb6cc40960391dca67cba",
        "afead3fe440cce4b9a8453bc41a6e0a794a5658d264f4be8a2000264c97150a3",
    ),
}

KEYS = ("num_graphs", "num_nodes", "num_edges", "num_relations", "num_train", "num_validation", "num_test")

COUNTS = {
    "transductive": (1, 177, 2418, 28, 2418, 242, 846),
    "inductive": (2, 238, 3480, 28, 1664, 722, 798),
}


def _sources(variant: str) -> tuple[Source, ...]:
    return tuple(
        Source(f"kinship-rules/{variant}/{name}", sha256, made_by=MADE_BY)
        for name, sha256 in zip(FILES[variant], SHA256[variant], strict=True)
    )


CARD = Card(
    family="kinship-rules",
    title="Family trees whose derived relations are exact compositions",
    task="kg-completion",
    licence="MIT",
    citation=Citation(
        key="hinton1986",
        title="Learning Distributed Representations of Concepts",
        authors="Hinton",
        venue="Annual Conference of the Cognitive Science Society",
        year=1986,
        url="https://www.cs.toronto.edu/~hinton/absps/families.pdf",
    ),
    variants=tuple(SHA256),
    splits=("fixed",),
    sources={variant: _sources(variant) for variant in SHA256},
    statistics={variant: dict(zip(KEYS, counts, strict=True)) for variant, counts in COUNTS.items()},
    notes=(
        "Facts: every base triple and, of the pairs of people that a derived relation joins, 7 in 10. The triples of "
        "the other pairs, both directions together, are validation and test. Inductive: validation in the training "
        "world, test in a world of other families."
    ),
)


def build(variant: str, files: Files, split: str) -> Dataset:
    parts = [read_triples(files.path(source.path)) for source in CARD.sources[variant]]
    _, relations = vocabulary(*parts)
    if variant == "transductive":
        graph, entities, (train, validation, test) = named_world(parts, relations)
        graphs, names, num_entities = (graph,), {"entities": entities}, len(entities)
    else:
        training, entities, (train, validation) = named_world(parts[:2], relations)
        testing, test_entities, (_, test) = named_world(parts[2:], relations)
        graphs, names, num_entities = (training, testing), {"entities": entities, "test_entities": test_entities}, None
    return Dataset(
        name=f"kinship-rules/{variant}",
        task=CARD.task,
        graphs=graphs,
        splits=Splits(split, fixed=(Split(train, validation, test),)),
        spec=DataSpec(
            level="triple", num_outputs=0, num_relations=len(relations), num_entities=num_entities, directed=True
        ),
        card=CARD,
        labels={**names, "relations": relations},
    )
