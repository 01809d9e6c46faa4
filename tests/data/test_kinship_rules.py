"""kinship-rules: the rules hold exactly, checked by matrix products that share no code with the generator."""

from __future__ import annotations

from functools import reduce
from pathlib import Path

import numpy as np
import pytest

from graphlab.core.files import hash_file
from graphlab.core.seeds import SeedStream
from graphlab.data.adapters.kinship_rules import CARD
from graphlab.data.generators.kinship_rules import BASE, EITHER, FILES, RULES, make, make_world, pair_of
from graphlab.data.load import load
from graphlab.data.triples import read_parts

VARIANTS = ("transductive", "inductive")


def files(variant: str) -> list[Path]:
    root = Path(__file__).resolve().parents[2] / "datasets"
    return [root / source.path for source in CARD.sources[variant]]


def worlds() -> list[list[list[tuple[str, str, str]]]]:
    """Each world as its parts, the facts first."""
    transductive = read_parts(files("transductive"))
    two = read_parts(files("inductive"))
    return [transductive, two[:2], two[2:]]


@pytest.mark.parametrize("parts", worlds(), ids=["transductive", "training world", "test world"])
def test_derived_triples_are_exactly_the_compositions(parts):
    triples = {triple for part in parts for triple in part}
    people = sorted({person for head, _, tail in triples for person in (head, tail)})
    place = {person: i for i, person in enumerate(people)}

    def matrix(*relations: str) -> np.ndarray:
        out = np.zeros((len(people), len(people)), dtype=int)
        for head, relation, tail in triples:
            if relation in relations:
                out[place[head], place[tail]] = 1
        return out

    for relation, paths in RULES.items():
        products = [reduce(np.matmul, [matrix(*EITHER.get(word, (word,))) for word in path.split()]) for path in paths]
        assert np.array_equal(sum(products) > 0, matrix(relation) > 0), relation
        assert matrix(relation).any(), f"no {relation} in this world"
    for person, inverse in (("parent", "child"), ("sibling", "sibling"), ("spouse", "spouse")):
        assert np.array_equal(matrix(*EITHER[person]), matrix(*EITHER[inverse]).T)
    assert not any(head == tail for head, _, tail in triples)


@pytest.mark.parametrize("parts", worlds(), ids=["transductive", "training world", "test world"])
def test_held_out_triples_are_derived_and_no_fact_joins_their_ends(parts):
    facts, *held_out = parts
    pairs = {pair_of(triple) for triple in facts}
    people = {person for head, _, tail in facts for person in (head, tail)}
    for triple in (triple for part in held_out for triple in part):
        assert triple[1] in RULES
        assert triple[1] not in BASE
        assert pair_of(triple) not in pairs
        assert people.issuperset(pair_of(triple))


def test_inductive_worlds_share_no_person():
    _, old, new = worlds()
    people = [{p for part in world for head, _, tail in part for p in (head, tail)} for world in (old, new)]
    assert not people[0] & people[1]


@pytest.mark.parametrize("variant", VARIANTS)
def test_committed_files_are_what_the_generator_writes(variant, tmp_path):
    for name, source in zip(FILES[variant], CARD.sources[variant], strict=True):
        path = tmp_path / variant / name
        make(path)
        assert hash_file(path) == source.sha256


def test_another_seed_is_another_world():
    one, two, again = (make_world(SeedStream(s), families=1, shares=(0.5, 0.2, 0.3)) for s in (0, 1, 0))
    assert one == again
    assert one != two


def test_only_the_transductive_variant_has_entities_to_embed():
    assert load("kinship-rules/inductive").spec.num_entities is None
    assert load("kinship-rules/transductive").spec.num_entities == load("kinship-rules/transductive").graph.num_nodes
