"""BibTeX of every publication that GraphLab cites, read back by a small reader of its own."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from graphlab.comparison.numbers import sources
from graphlab.core.citation import UNSTATED, Citation
from graphlab.core.latex import bibliography, latex_text
from graphlab.data.registry import DATASETS
from graphlab.model.registry import MODELS, find_model
from graphlab.nas.registry import PROXIES, STRATEGIES, TABLES, find_proxy, find_strategy

REQUIRED = {
    "inproceedings": {"author", "title", "booktitle", "year"},
    "article": {"author", "title", "journal", "year"},
    "book": {"author", "title", "publisher", "year"},
    "misc": {"author", "title", "year"},
}
"""As the manual of BibTeX has them."""


def cited() -> list[Citation]:
    """Everything that is cited anywhere."""
    return [
        *(find_model(name).cls.citation for name in MODELS.names()),
        *(DATASETS.module(family).CARD.citation for family in DATASETS.families),
        *(TABLES.module(family).CARD.citation for family in TABLES.families),
        *(find_strategy(name).citation for name in STRATEGIES.names()),
        *(find_proxy(name).citation for name in PROXIES.names()),
        *sources().values(),
    ]


def read(text: str) -> dict[str, tuple[str, dict[str, str]]]:
    """Entries by key, each a type and fields. Braces must be balanced, keys unique, nothing between entries."""
    entries: dict[str, tuple[str, dict[str, str]]] = {}
    place = 0
    while start := re.compile(r"\s*@(\w+)\{(\w+),").match(text, place):
        fields: dict[str, str] = {}
        place = start.end()
        while field := re.compile(r"\s*(\w+) = \{").match(text, place):
            place, depth = field.end(), 1
            while depth:
                depth += {"{": 1, "}": -1}.get(text[place], 0) if text[place - 1] != "\\" else 0
                place += 1
            assert field[1] not in fields
            fields[field[1]] = text[field.end() : place - 1]
            place += text[place] == ","
        end = re.compile(r"\s*\}").match(text, place)
        assert end and start[2] not in entries
        entries[start[2]] = start[1], fields
        place = end.end()
    assert not text[place:].strip()
    return entries


def test_a_key_names_one_publication_and_a_publication_has_one_key():
    citations = set(cited())
    assert len({citation.key for citation in citations}) == len(citations)
    assert len({citation.title for citation in citations}) == len(citations)


def test_every_entry_has_the_fields_of_its_type():
    citations = {citation.key: citation for citation in cited()}
    entries = read(bibliography(cited()))
    assert set(entries) == set(citations)
    for key, (kind, fields) in entries.items():
        assert set(fields) >= REQUIRED[kind] and all(fields.values()), key
        assert fields["year"] == str(citations[key].year)
        assert fields["url"].startswith("http")


@pytest.mark.parametrize("citation", sorted(set(cited()), key=lambda one: one.key), ids=lambda one: one.key)
def test_authors_are_surname_and_first_name(citation):
    for author in citation.authors.split(" and "):
        surname, comma, first = author.partition(", ")
        assert surname and comma and first and "," not in first, author


def test_types_and_volumes():
    entries = read(bibliography(cited()))
    kinds = {key: entries[key][0] for key in ("kipf2017", "rumelhart1986", "read1998", "mellor2020", "dwivedi2023")}
    assert list(kinds.values()) == ["inproceedings", "article", "book", "misc", "article"]
    assert (entries["rumelhart1986"][1]["journal"], entries["rumelhart1986"][1]["volume"]) == ("Nature", "323")
    assert entries["dwivedi2023"][1]["journal"] == "Journal of Machine Learning Research"


def test_surnames_of_one_two_and_many():
    def surnames(authors: str) -> str:
        return Citation("k", "T", authors, 2020, "https://example.org").surnames

    assert surnames("Zachary, Wayne W.") == "Zachary"
    assert surnames("Kipf, Thomas N. and Welling, Max") == "Kipf and Welling"
    assert surnames("A, X and B, Y and C") == "A, B and C"


def test_hostile_text_stays_text_on_one_line():
    assert latex_text("a_b & 50 % ~ {x}\n\n\\input{y}") == (
        r"a\_b \& 50 \% \textasciitilde{} \{x\} \textbackslash{}input\{y\}"
    )


def test_what_is_no_publication_is_not_cited_and_keys_are_unique():
    first = Citation("key", "One title", "Author, Ann", 2020, "https://example.org/1")
    second = replace(first, title="Two titles")
    entries = bibliography([UNSTATED, second, first, first])
    assert re.findall(r"@misc{(\w+),", entries) == ["key", "keyb"] and "not stated" not in entries
