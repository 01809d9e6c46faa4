"""Family trees as a knowledge graph in which every derived relation is an exact composition of base relations.

A triple (x, r, y) reads "y is the r of x": (anna, father, bob) says that bob is anna's father. `RULES` define
the derived relations; `closure` applies them until nothing is left to derive, so what is true is known exactly.

A world is a set of disjoint families. A family starts from couples without parents; children of different
couples marry unless they are first cousins or closer, for a fixed number of generations. Siblings share both
parents.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from graphlab.core.files import write_text
from graphlab.core.seeds import SeedStream
from graphlab.data.triples import Triple

SEED = 2021

BASE = ("father", "mother", "son", "daughter", "brother", "sister", "husband", "wife")

EITHER = {
    "parent": ("father", "mother"),
    "child": ("son", "daughter"),
    "sibling": ("brother", "sister"),
    "spouse": ("husband", "wife"),
}
"""Words that the rules use for either of two base relations; they are not relations of the data set."""

RULES: dict[str, tuple[str, ...]] = {
    "grandfather": ("parent father",),
    "grandmother": ("parent mother",),
    "grandson": ("child son",),
    "granddaughter": ("child daughter",),
    "great-grandfather": ("parent parent father",),
    "great-grandmother": ("parent parent mother",),
    "great-grandson": ("child child son",),
    "great-granddaughter": ("child child daughter",),
    "uncle": ("parent brother", "parent sister husband"),
    "aunt": ("parent sister", "parent brother wife"),
    "nephew": ("sibling son", "spouse sibling son"),
    "niece": ("sibling daughter", "spouse sibling daughter"),
    "male-cousin": ("parent sibling son",),
    "female-cousin": ("parent sibling daughter",),
    "father-in-law": ("spouse father",),
    "mother-in-law": ("spouse mother",),
    "son-in-law": ("child husband",),
    "daughter-in-law": ("child wife",),
    "brother-in-law": ("spouse brother", "sibling husband"),
    "sister-in-law": ("spouse sister", "sibling wife"),
}
"""Each derived relation is the union of paths, read from left to right: grandfather(x, z) if parent(x, y) and
father(y, z) for some y."""

FILES = {
    "transductive": ("train.txt", "valid.txt", "test.txt"),
    "inductive": ("train.txt", "valid.txt", "test_facts.txt", "test.txt"),
}
"""The files of each variant. Inductive: the last two are the other world's facts and its test triples."""


@dataclass
class Person:
    """One member of a family; `partner` and the parents are indices into the family."""

    male: bool
    parents: tuple[int, int] | None = None
    partner: int | None = None


@dataclass(frozen=True)
class World:
    """One world cut into parts. `facts` hold every base triple and a share of the derived ones; the derived
    triples between two people are all in one part, so that no held-out triple is the inverse of a fact."""

    facts: list[Triple]
    validation: list[Triple]
    test: list[Triple]


def make(path: Path) -> None:
    """Write the file of the data set that `path` names, e.g. `kinship-rules/inductive/test.txt`."""
    variant = path.parent.name
    triples = dict(zip(FILES[variant], _parts(variant), strict=True))[path.name]
    write_text(path, "".join("\t".join(triple) + "\n" for triple in triples))


def _parts(variant: str) -> tuple[list[Triple], ...]:
    """The triples of a variant's files, in the order of FILES."""
    stream = SeedStream(SEED).child("kinship-rules")
    if variant == "transductive":
        world = make_world(stream.child("transductive"), families=4, shares=(0.7, 0.1, 0.2))
        return world.facts, world.validation, world.test
    old = make_world(stream.child("training world"), families=3, shares=(0.7, 0.3, 0.0))
    new = make_world(stream.child("test world"), families=3, shares=(0.7, 0.0, 0.3), first_person=1000)
    return old.facts, old.validation, new.facts, new.test


def make_world(
    stream: SeedStream, *, families: int, shares: tuple[float, float, float], first_person: int = 0
) -> World:
    """A world of disjoint families; `shares` of its derived pairs go to facts, validation and test."""
    base: set[Triple] = set()
    for index in range(families):
        people = grow_family(stream.child("family", index).numpy())
        base |= base_triples(people, first_person)
        first_person += len(people)

    derived = closure(base) - base
    pairs = sorted({pair_of(triple) for triple in derived})
    parts = stream.child("parts").numpy().choice(3, size=len(pairs), p=shares)
    part_of = dict(zip(pairs, parts.tolist(), strict=True))
    facts, validation, test = cut = (set(base), set(), set())
    for triple in derived:
        cut[part_of[pair_of(triple)]].add(triple)
    return World(sorted(facts), sorted(validation), sorted(test))


def pair_of(triple: Triple) -> tuple[str, str]:
    """The two people that a triple is about, in alphabetical order."""
    head, _, tail = triple
    return min(head, tail), max(head, tail)


def grow_family(rng: np.random.Generator, *, founders: int = 5, generations: int = 4) -> list[Person]:
    """A family from `founders` couples over `generations` generations, the founders being the first."""
    people: list[Person] = []
    couples = []
    for _ in range(founders):
        people += [Person(male=True), Person(male=False)]
        couples.append(_marry(people, len(people) - 2, len(people) - 1))
    for _ in range(generations - 1):
        children = []
        for couple in couples:
            for _ in range(rng.integers(1, 5)):
                children.append(len(people))
                people.append(Person(male=bool(rng.integers(2)), parents=couple))
        couples = _match(people, rng.permutation(children).tolist())
    return people


def base_triples(people: list[Person], first_person: int) -> set[Triple]:
    """The base relations between the people of one family, numbered from `first_person`."""
    names = [f"p{first_person + index:04d}" for index in range(len(people))]
    triples: set[Triple] = set()

    def say(x: int, male_word: str, female_word: str, y: int) -> None:
        triples.add((names[x], male_word if people[y].male else female_word, names[y]))

    for x, person in enumerate(people):
        for parent in person.parents or ():
            say(x, "father", "mother", parent)
            say(parent, "son", "daughter", x)
        if person.partner is not None:
            say(x, "husband", "wife", person.partner)
        for y, other in enumerate(people):
            if person.parents and other.parents == person.parents and x != y:
                say(x, "brother", "sister", y)
    return triples


def closure(base: Iterable[Triple]) -> set[Triple]:
    """Everything that holds: the base triples and all that RULES derive from them.

    One pass is complete, as rules are spelled in base relations only.
    """
    base = set(base)
    steps: dict[str, dict[str, set[str]]] = {relation: {} for relation in BASE}
    for x, relation, y in base:
        steps[relation].setdefault(x, set()).add(y)

    def walk(starts: set[str], word: str) -> set[str]:
        return {y for r in EITHER.get(word, (word,)) for x in starts for y in steps[r].get(x, ())}

    found = set(base)
    for x in {head for head, _, _ in base}:
        for relation, paths in RULES.items():
            for path in paths:
                reached = {x}
                for word in path.split():
                    reached = walk(reached, word)
                found |= {(x, relation, y) for y in reached}
    return found


def _marry(people: list[Person], husband: int, wife: int) -> tuple[int, int]:
    people[husband].partner, people[wife].partner = wife, husband
    return husband, wife


def _match(people: list[Person], children: list[int]) -> list[tuple[int, int]]:
    """Couples of one generation: each man, in the order given, with the first free woman who is not kin."""
    couples = []
    for man in (c for c in children if people[c].male):
        for woman in (c for c in children if not people[c].male and people[c].partner is None):
            if not _kin(people, man, woman):
                couples.append(_marry(people, man, woman))
                break
    return couples


def _kin(people: list[Person], one: int, other: int) -> bool:
    """Whether two people share a parent or a grandparent."""
    return bool(_ancestors(people, one) & _ancestors(people, other))


def _ancestors(people: list[Person], person: int) -> set[int]:
    parents = set(people[person].parents or ())
    return parents.union(*(people[parent].parents or () for parent in parents))
