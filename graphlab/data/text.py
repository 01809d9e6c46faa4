"""The reader of all text files that adapters and users bring.

Text is UTF-8 with lines that end in any of the usual ways; a byte-order mark is dropped. Anything else is one DataError
that names file and line. `read_table` reads names between tabs, `read_integers` numbers, `read_lines` whatever else.
Names are strings as they stand: "nan", "004" and "4" are three names.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from graphlab.core.errors import DataError

COMPRESSED = {
    b"\x1f\x8b": ("gzip", "gunzip -S .txt"),
    b"PK\x03\x04": ("zip", "unzip"),
    b"BZh": ("bzip2", "bunzip2"),
    b"\xfd7zXZ\x00": ("xz", "unxz"),
    b"\x28\xb5\x2f\xfd": ("zstd", "unzstd"),
}
"""First bytes of compressed files, the name of the format, and the command that unpacks it."""

WIDE = {
    b"\xff\xfe\x00\x00": "UTF-32",
    b"\x00\x00\xfe\xff": "UTF-32",
    b"\xff\xfe": "UTF-16",
    b"\xfe\xff": "UTF-16",
}
"""Byte-order marks of encodings with more than one byte a character."""

INVISIBLE = dict.fromkeys(map(ord, "\u200b\u2060\ufeff"))
"""Characters without width, as a table for `str.translate` that drops them."""

HEADERS = frozenset(
    {"head", "relation", "tail", "h", "r", "t", "subject", "predicate", "object", "s", "p", "o", "from", "to"}
    | {"source", "target", "src", "dst", "node", "node1", "node2", "u", "v", "weight", "edge_type", "type", "rel"}
    | {"id", "name", "label", "class", "split", "part"}
)
"""Words that name columns. A first line of nothing else, none of which occurs again, is a header."""


def read_text(path: Path) -> str:
    """The text of a file, each line ended by a line feed.

    Raises:
        DataError: the file cannot be read, is empty or compressed, has NUL bytes, or is not UTF-8.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}", hint="check the name and its permissions") from None
    if not content or content.isspace():
        raise DataError(f"{path}:1 is empty", hint="the file must have at least one line; check how it was written")
    _refuse_binary(path, content)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise DataError(
            f"{path}:{line} is not UTF-8: byte {content[error.start]:#04x}",
            hint=f"convert the file, as by: iconv -f LATIN1 -t UTF-8 {path.name}",
        ) from None
    text = text.replace("\r\n", "\n")
    return text.replace("\r", "\n") if "\r" in text else text


def read_lines(path: Path) -> list[str]:
    """The lines of a file without their ends; empty lines at the end of the file are left out. Raises as `read_text`"""
    return read_text(path).rstrip("\n").split("\n")


def read_table(
    path: Path, columns: Sequence[str], *, header: bool = False, pool: dict[str, str] | None = None
) -> list[tuple[str, ...]]:
    """Names between tabs, one row a line.

    Args:
        columns: what the columns are, for errors; a row has as many names.
        header: whether the first line names the columns as `columns` does. It is then checked and left out.
        pool: the names that files read before have, each by itself; those of this file are added. Equal names become
            one string, and whatever looks them up later is quicker for it, by more than this takes.

    Raises:
        DataError: as `read_text` does; a line is empty, has another number of columns, or an empty name; or the first
            line is a header and none is expected.
    """
    text = read_text(path).rstrip("\n")
    pool = {} if pool is None else pool
    rows = _rows(text, len(columns), pool)
    if rows is None or not all(map(str.strip, pool)):
        raise _bad_line(path, text.split("\n"), columns)
    first = tuple(word.strip().lower() for word in rows[0])
    if header and first != tuple(columns):
        raise DataError(
            f"{path}:1 is not the header {' '.join(columns)}", hint="write the names of the columns, between tabs"
        )
    if header:
        return rows[1:]
    if HEADERS.issuperset(first) and len(rows) > 1 and not any(map(set(rows[0]).intersection, rows[1:])):
        raise DataError(
            f"{path}:1 is a header: {', '.join(first)}", hint=f"take the line off, as by: sed -i 1d {path.name}"
        )
    return rows


def read_integers(path: Path, separator: str | None = None) -> list[int]:
    """All whole numbers of a file in their order, between blanks and line ends, and `separator` where there is one.

    Raises:
        DataError: as `read_text` does, or a line holds anything but whole numbers.
    """
    numbers: list[int] = []
    for line, text in enumerate(read_lines(path), start=1):
        try:
            numbers.extend(map(int, (text.replace(separator, " ") if separator else text).split()))
        except ValueError:
            raise DataError(
                f"{path}:{line} holds something other than whole numbers: {text[:40]!r}",
                hint="replace it by the file as published",
            ) from None
    return numbers


def alike(names: Iterable[str]) -> list[tuple[str, ...]]:
    """Groups of names that look the same: they differ by blanks (no-break spaces are blanks), by characters without
    width, or by Unicode normal form alone."""
    distinct = set(names)
    looks = {name: _look(name) for name in distinct}
    shared = {look for look, count in Counter(looks.values()).items() if count > 1}
    groups: dict[str, list[str]] = {}
    for name in sorted(distinct if shared else ()):
        if looks[name] in shared:
            groups.setdefault(looks[name], []).append(name)
    return [tuple(group) for group in groups.values()]


def require_distinct(paths: Sequence[Path], names: Iterable[str]) -> None:
    """Raises DataError for names of these files that look the same, with the line that has the rarer one first."""
    groups = alike(names)
    if not groups:
        return
    pattern = re.compile("|".join(rf"(?:^|\t){re.escape(name)}(?=\t|$)" for name in groups[0]))
    places: dict[str, list[str]] = {name: [] for name in groups[0]}
    for path in paths:
        for number, line in enumerate(read_lines(path), start=1):
            for match in pattern.finditer(line):
                places[match.group().removeprefix("\t")].append(f"{path}:{number}")
    rare, usual = sorted(groups[0], key=lambda name: len(places[name]))[:2]
    number = sum(len(group) - 1 for group in groups)
    raise DataError(
        f"{places[rare][0]} has {rare!a} where {places[usual][0]} has {usual!a}: names that differ by "
        f"blanks or Unicode normal form alone ({number} in all)",
        hint="spell each name in one way, without blanks at its ends; or give two things two names",
    )


def _refuse_binary(path: Path, content: bytes) -> None:
    for start, (kind, command) in COMPRESSED.items():
        if content.startswith(start):
            raise DataError(f"{path}:1 is {kind}, not text", hint=f"unpack it first, as by: {command} {path.name}")
    for mark, encoding in WIDE.items():
        if content.startswith(mark):
            raise DataError(
                f"{path}:1 is {encoding}, not UTF-8",
                hint=f"convert the file, as by: iconv -f {encoding} -t UTF-8 {path.name}",
            )
    place = content.find(b"\0")
    if place >= 0:
        line = content.count(b"\n", 0, place) + 1
        raise DataError(
            f"{path}:{line} has NUL bytes, which text has not",
            hint="it is binary or UTF-16; convert it to UTF-8 text",
        )


def _rows(text: str, width: int, pool: dict[str, str]) -> list[tuple[str, ...]] | None:
    """Rows of `width` names; None if any line has another number of columns.

    Line ends are put among the names, so that the columns of all lines are counted at once.
    """
    names = text.replace("\n", "\t\n\t").split("\t")
    ends = names[width :: width + 1]
    if len(names) % (width + 1) != width or len(ends) != text.count("\n") or ends.count("\n") != len(ends):
        return None
    del names[width :: width + 1]
    names = list(map(pool.setdefault, names, names))
    return list(zip(*(names[column::width] for column in range(width)), strict=True))


def _bad_line(path: Path, lines: list[str], columns: Sequence[str]) -> DataError:
    """What is wrong with the first line that has not a name for each column."""
    number, line = next((n, line) for n, line in enumerate(lines, start=1) if not _is_row(line, len(columns)))
    place, words = f"{path}:{number}", line.split("\t")
    wanted = f"{', '.join(columns)} between tabs"
    if not line.strip():
        return DataError(f"{place} is empty", hint=f"take the line off; each line holds {wanted}")
    if len(words) == len(columns):
        column = next(name for name, word in zip(columns, words, strict=True) if not word.strip())
        return DataError(f"{place} has an empty {column}", hint="give every name at least one visible character")
    message = f"{place} has {len(words)} column{'s' * (len(words) != 1)}, not {len(columns)}: {line[:60]!r}"
    if number == 1 and line.strip().isdigit():
        return DataError(
            f"{message}, a count of lines", hint=f"take the line off and see that each of the others holds {wanted}"
        )
    if len(words) > len(columns):
        return DataError(message, hint=f"take off what comes after the first {len(columns)}; each line holds {wanted}")
    for separator, meaning in ((",", "commas"), (";", "semicolons"), (None, "blanks")):
        if len(line.split(separator)) == len(columns):
            return DataError(f"{message}, {meaning} for tabs", hint=f"put tabs between the names: {wanted}")
    return DataError(message, hint=f"each line holds {wanted}")


def _is_row(line: str, width: int) -> bool:
    words = line.split("\t")
    return len(words) == width and all(map(str.strip, words))


def _look(name: str) -> str:
    if name.isascii():
        return " ".join(name.split())
    return " ".join(unicodedata.normalize("NFC", name.translate(INVISIBLE)).split())
