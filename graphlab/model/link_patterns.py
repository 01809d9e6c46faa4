"""Architectures of NAS-Bench-Graph and which of them are the same. Qin et al., NeurIPS 2022, section 3.1.

Four operators, each of which reads what one earlier node gives: `link[i]` is the node that operator i + 1 reads, 0
the input. What nobody reads is the output. A skip gives what it reads and outputs have no order, so that several
architectures are one: those whose other operators form the same tree, with as many outputs at each. Outputs that are
the input itself do not count. The published tables have one entry for each.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, lru_cache
from itertools import permutations

from graphlab.core.errors import ConfigError

OPERATORS = ("gat", "gcn", "gin", "cheb", "sage", "arma", "graph", "fc", "skip")
"""In the order of their digits in a key."""

PATTERNS = (
    (0, 0, 0, 0),
    (0, 0, 0, 1),
    (0, 0, 1, 1),
    (0, 0, 1, 2),
    (0, 0, 1, 3),
    (0, 1, 1, 1),
    (0, 1, 1, 2),
    (0, 1, 2, 2),
    (0, 1, 2, 3),
)
"""The nine rooted trees of four nodes below the root, in the order of their digits in a key."""

Link = tuple[int, ...]
Words = tuple[str, ...]
Children = dict[int, list[int]]


def canonical(link: Sequence[int], operators: Sequence[str]) -> tuple[Link, Words]:
    """The architecture that stands for all that are the same: skips that change nothing come first, in a chain, and of
    the numberings left it has the one of a pattern of `PATTERNS` whose operators are the first in order.

    Raises ConfigError where `link` is no tree of four nodes, an operator is unknown, or all four are skips.
    """
    _check(link, operators)
    return _canonical(tuple(link), tuple(operators))


def key(link: Sequence[int], operators: Sequence[str]) -> int:
    """The number of an architecture in the published tables: its pattern's digit, then its operators'."""
    pattern, words = canonical(link, operators)
    number = PATTERNS.index(pattern)
    for operator in words:
        number = 10 * number + OPERATORS.index(operator)
    return number


def from_key(number: int) -> tuple[Link, Words]:
    """The architecture with this number. Raises ConfigError where `key` gives it to none."""
    first, *digits = (abs(number) // 10**place % 10 for place in (4, 3, 2, 1, 0))
    if not 0 <= number < 10**5 or first >= len(PATTERNS) or max(digits) >= len(OPERATORS):
        raise ConfigError(f"{number} is no architecture's number", hint="a pattern's digit, 0-8, and four of 0-8")
    link, operators = PATTERNS[first], tuple(OPERATORS[digit] for digit in digits)
    if key(link, operators) != number:
        raise ConfigError(
            f"{number} is {link} with {', '.join(operators)}, which is not canonical",
            hint=f"its number is {key(link, operators):05d}",
        )
    return link, operators


@lru_cache(maxsize=100_000)
def _canonical(link: Link, operators: Words) -> tuple[Link, Words]:
    skips = tuple(operator == "skip" for operator in operators)
    _, pattern, order = min(
        (tuple(_DIGIT[operators[node - 1]] for node in order), pattern, order)
        for order, pattern in _numberings(link, skips)
    )
    kept = tuple(operators[node - 1] for node in order)
    return pattern, ("skip",) * (len(operators) - len(kept)) + kept


_DIGIT = {operator: digit for digit, operator in enumerate(OPERATORS)}


@cache
def _numberings(link: Link, skips: tuple[bool, ...]) -> tuple[tuple[tuple[int, ...], Link], ...]:
    """The nodes that are left without the skips that change nothing, in every order that numbers them as a pattern
    does, and that pattern."""
    is_skip = dict(enumerate(skips, start=1))
    children: Children = {node: [] for node in range(5)}
    for node, parent in enumerate(link, start=1):
        children[parent].append(node)
    _drop_skips(0, children, is_skip)
    kept = [node for node in is_skip if any(node in below for below in children.values())]
    first = len(is_skip) - len(kept)
    chain = tuple(range(first))
    found = ((order, chain + _numbered(order, children, first)) for order in permutations(kept))
    return tuple((order, pattern) for order, pattern in found if pattern in PATTERNS)


def _drop_skips(parent: int, children: Children, is_skip: dict[int, bool]) -> None:
    """Below `parent`, hang the children of a skip where the skip hangs, until only skips are left that end beside
    another child; at the input none is."""
    while inner := [node for node in children[parent] if is_skip[node] and children[node]]:
        for node in inner:
            children[parent].remove(node)
            children[parent] += children.pop(node)
    if parent == 0 or len(children[parent]) == 1:
        children[parent] = [node for node in children[parent] if not is_skip[node]]
    for node in children[parent]:
        _drop_skips(node, children, is_skip)


def _numbered(order: Sequence[int], children: Children, first: int) -> Link:
    """The links of nodes that are numbered in this order from `first` + 1 on, below node `first`."""
    place = {0: first} | {node: first + 1 + i for i, node in enumerate(order)}
    parent_of = {node: parent for parent, below in children.items() for node in below}
    return tuple(place[parent_of[node]] for node in order)


def _check(link: Sequence[int], operators: Sequence[str]) -> None:
    if len(link) != 4 or len(operators) != 4:
        raise ConfigError(
            f"an architecture has four links and four operators, not {len(link)} and {len(operators)}",
            hint="for example link (0, 1, 2, 3) with gcn, gcn, skip, fc",
        )
    if not all(isinstance(parent, int) and 0 <= parent <= i for i, parent in enumerate(link)):
        raise ConfigError(
            f"{tuple(link)} is no link pattern: link i is a node before node i + 1",
            hint="one of " + ", ".join(map(str, PATTERNS)),
        )
    if unknown := [operator for operator in operators if operator not in OPERATORS]:
        raise ConfigError(f"no operator is named {unknown[0]!r}", hint="there are " + ", ".join(OPERATORS))
    if set(operators) == {"skip"}:
        raise ConfigError("four skips leave nothing but the input", hint="make one of them another operator")
