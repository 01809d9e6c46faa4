"""What users bring as text: read right, or one error that names file, line and remedy."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import pytest

from graphlab.core.errors import DataError
from graphlab.data.text import alike, read_integers, read_lines, read_table, read_text
from graphlab.data.triples import read_parts, vocabulary

PARTS = ("train", "valid", "test")

COUNTS = {
    "plain": (14, 3, [50, 10, 10]),
    "crlf": (14, 3, [50, 10, 10]),
    "bom": (14, 3, [50, 10, 10]),
    "dupes": (14, 3, [60, 13, 12]),
    "leak": (14, 3, [58, 10, 10]),
    "onlytest": (15, 4, [50, 10, 12]),
    "loops": (14, 3, [55, 11, 11]),
    "onerel": (14, 1, [47, 10, 10]),
    "oneent": (1, 3, [1, 1, 1]),
    "ids0": (14, 3, [50, 10, 10]),
    "intids": (14, 3, [50, 10, 10]),
    "nan": (14, 3, [50, 8, 7]),
}
"""Entities, relations, and the triples of each part."""

ERRORS = {
    "trail": r"train\.txt:\d+ has 'town \d\d ' where .*train\.txt:\d+ has 'town \d\d': .* \(11 in all\)(?s:.*)spell",
    "latin1": r"train\.txt:1 is not UTF-8: byte 0xf6(?s:.*)iconv -f LATIN1",
    "utf16": r"train\.txt:1 is UTF-16, not UTF-8(?s:.*)iconv -f UTF-16",
    "gz": r"train\.txt:1 is gzip, not text(?s:.*)gunzip",
    "space": r"train\.txt:1 has 1 column, not 3: .*, blanks for tabs(?s:.*)put tabs",
    "csv": r"train\.txt:1 has 1 column, not 3: .*, commas for tabs(?s:.*)put tabs",
    "openke": r"train\.txt:1 has 1 column, not 3: '50', a count of lines(?s:.*)between tabs",
    "header": r"train\.txt:1 is a header: head, relation, tail(?s:.*)take the line off",
    "emptyvalid": r"valid\.txt:1 is empty(?s:.*)at least one line",
    "emptytrain": r"train\.txt:1 is empty(?s:.*)at least one line",
    "blank": r"train\.txt:21 is empty(?s:.*)take the line off",
    "weights": r"train\.txt:1 has 4 columns, not 3: .*1\.0(?s:.*)take off what comes after",
    "emptyname": r"train\.txt:51 has an empty head(?s:.*)at least one visible character",
}


@pytest.mark.real_data
@pytest.mark.parametrize("case", COUNTS)
def test_case_is_read(case):
    parts = read_parts(paths_of(case))
    entities, relations = vocabulary(*parts)
    assert (len(entities), len(relations), [len(part) for part in parts]) == COUNTS[case]
    assert case == "oneent" or len(entities[0]) == len(entities[0].strip())


@pytest.mark.real_data
@pytest.mark.parametrize("case", ERRORS)
def test_case_is_one_error(case):
    with pytest.raises(DataError, match=ERRORS[case]):
        read_parts(paths_of(case))


@pytest.mark.real_data
def test_every_case_has_a_test():
    folders = Path(os.environ["GRAPHLAB_MIRROR"], "cases", "triples").iterdir()
    assert {folder.name for folder in folders} == {*COUNTS, *ERRORS}


def paths_of(case: str) -> list[Path]:
    return [Path(os.environ["GRAPHLAB_MIRROR"], "cases", "triples", case, f"{part}.txt") for part in PARTS]


LINES = "anna\tlikes\tbob\nbob\tlikes\teve\neve\tknows\tanna\n"
TRIPLES = [("anna", "likes", "bob"), ("bob", "likes", "eve"), ("eve", "knows", "anna")]


@pytest.mark.parametrize(
    "content",
    [
        LINES.encode(),
        LINES.rstrip("\n").encode(),
        LINES.encode("utf-8-sig"),
        LINES.replace("\n", "\r\n").encode(),
        LINES.replace("\n", "\r").encode(),
        (LINES + "\n\n").encode(),
    ],
    ids=["plain", "no last end", "byte-order mark", "CRLF", "CR", "empty lines at the end"],
)
def test_the_same_triples_in_other_bytes(content, tmp_path):
    assert read_parts([written(tmp_path, content)]) == [TRIPLES]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", r":1 is empty"),
        (b" \n\n", r":1 is empty"),
        ("\ufeff".encode(), r":1 is empty"),
        (LINES.encode("utf-16"), r":1 is UTF-16"),
        (LINES.encode("utf-32"), r":1 is UTF-32"),
        (LINES.encode("utf-16-le"), r":1 has NUL bytes"),
        (LINES.replace("eve", "e\0e").encode(), r":2 has NUL bytes"),
        (gzip.compress(LINES.encode(), mtime=0), r":1 is gzip"),
        (LINES.replace("eve", "évë").encode("latin-1"), r":2 is not UTF-8: byte 0xe9"),
        (b"a\tr\tb\n" + LINES.replace("\t", " ").encode(), r":2 has 1 column, not 3: .*blanks for tabs"),
        (LINES.replace("\t", ",").encode(), r":1 has 1 column, not 3: .*commas for tabs"),
        (LINES.replace("\t", ";").encode(), r":1 has 1 column, not 3: .*semicolons for tabs"),
        (b"3\n" + LINES.encode(), r":1 has 1 column, not 3: '3', a count of lines"),
        (b"Subject\tPredicate\tObject\n" + LINES.encode(), r":1 is a header: subject, predicate, object"),
        (LINES.replace("anna\n", "anna\t2.5\n").encode(), r":3 has 4 columns, not 3"),
        (b"\n" + LINES.encode(), r":1 is empty"),
        (LINES.replace("bob\teve", "").replace("\tlikes\teve", "").encode(), r":2 has 1 column"),
        (LINES.replace("\teve", "\t").encode(), r":2 has an empty tail"),
        (LINES.replace("eve\tknows", "\xa0\tknows").encode(), r":3 has an empty head"),
        (LINES.replace("knows", "").encode(), r":3 has an empty relation"),
        (b"a\tr\nb\ta\tr\tb\nc\tr\td\n", r":1 has 2 columns"),
    ],
)
def test_other_text_is_one_error(content, words, tmp_path):
    with pytest.raises(DataError, match=r"some\.txt" + words) as caught:
        read_parts([written(tmp_path, content)])
    assert caught.value.hint


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("Görlitz", "Go\u0308rlitz"),
        ("New York", "New\xa0York"),
        ("New York", "New  York"),
        ("New York", " New York"),
        ("Rome", "Rome\u200b"),
    ],
)
def test_names_that_look_the_same_are_refused_over_all_files(name, other, tmp_path):
    first, second = tmp_path / "train.txt", tmp_path / "test.txt"
    first.write_text(f"{name}\tnear\tParis\nParis\tnear\t{name}\n", encoding="utf-8")
    second.write_text(f"Paris\tnear\t{other}\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"test\.txt:1 has .* where .*train\.txt:1 has .*\(1 in all\)") as caught:
        read_parts([first, second])
    assert ascii(other) in caught.value.message and ascii(name) in caught.value.message


def test_an_entity_may_look_like_a_relation(tmp_path):
    assert read_parts([written(tmp_path, b"a\tcapital of\tcapital  of\n")]) == [[("a", "capital of", "capital  of")]]


def test_names_stay_strings(tmp_path):
    names = ["nan", "NA", "null", "None", "004", "4", "04", "1e3", "1000", "True", "-1", '"quoted"', "#", "'"]
    content = "".join(f"{name}\tr\t{name}\n" for name in names)
    ((first, *rest),) = read_parts([written(tmp_path, content.encode())])
    assert [head for head, _, _ in (first, *rest)] == names
    assert set(vocabulary([first, *rest])[0]) == set(names)


def test_words_of_a_header_that_occur_again_are_names(tmp_path):
    assert len(read_parts([written(tmp_path, b"h\tr\tt\nt\tr\th\n")])[0]) == 2


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(DataError, match=r"cannot read .*absent\.txt"):
        read_text(tmp_path / "absent.txt")


def test_integers_and_lines(tmp_path):
    path = written(tmp_path, "\ufeff1, 2\r\n3,4,\r\n".encode())
    assert read_integers(path, ",") == [1, 2, 3, 4]
    assert read_lines(path) == ["1, 2", "3,4,"]
    with pytest.raises(DataError, match=r"some\.txt:1 holds something other than whole numbers: '1, 2'"):
        read_integers(path)


def test_a_header_that_is_expected_is_checked(tmp_path):
    path = written(tmp_path, b"name\tclass\nanna\t1\n")
    assert read_table(path, ("name", "class"), header=True) == [("anna", "1")]
    with pytest.raises(DataError, match=r"some\.txt:1 is not the header name part"):
        read_table(path, ("name", "part"), header=True)


def test_groups_of_names_that_look_the_same():
    assert alike(["a", "a ", "b", "a\xa0", "B", "c d", "cd"]) == [("a", "a ", "a\xa0")]


def written(folder: Path, content: bytes) -> Path:
    path = folder / "some.txt"
    path.write_bytes(content)
    return path
