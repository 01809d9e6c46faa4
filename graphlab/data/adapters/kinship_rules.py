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
from graphlab.data.spec import FACT, DataSpec
from graphlab.data.triples import named_world, read_parts, vocabulary

MADE_BY = "graphlab.data.generators.kinship_rules"

SHA256 = {
    "transductive": (
        "6b93a5920591d4bdab2dcd93c0f451a8de1457e0131ed7bdaf2d0988a611e19c",
        "fe6806dfce26db65fc633247a5090675af27e65b4496114b28048615d5d5cf2a",
        "79343092347a17c378b8f6d2ef9ca6da553592e6e76ed1ecdfe3ec83e4eb2d48",
    ),
    "inductive": (
        "0d280f9aefb72a2e39a1dfb05fe8ac0766bfe5947fc4b95de881fd11fc6de9e0",
        "a818454e6bd96596fb590e103f052e77b2942585c21ac63f865ed1a72c13b23b",
        "a0c52a0890769df589516cc76798c49cc31d2c68fea27b79179fd0dc636c39a7",
        "ba73e61964ae2ac08ec1668e6032da98e2dd9b2fabd69c91d6b3e8a41f4005bb",
    ),
}

KEYS = ("num_graphs", "num_nodes", "num_edges", "num_relations", "num_train", "num_validation", "num_test")

COUNTS = {
    "transductive": (1, 126, 1550, 28, 1550, 160, 330),
    "inductive": (2, 238, 3904, 28, 1886, 500, 596),
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
        authors="Hinton, Geoffrey E.",
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
    parts = read_parts([files.path(source.path) for source in CARD.sources[variant]])
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
        spec=DataSpec("triples", (FACT,), num_relations=len(relations), num_entities=num_entities, directed=True),
        card=CARD,
        labels={**names, "relations": relations},
    )
