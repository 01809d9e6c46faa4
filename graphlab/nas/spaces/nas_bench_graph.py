"""The space of NAS-Bench-Graph: four operators in one of nine link patterns. Qin et al., NeurIPS 2022, section 3.1."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from graphlab.core.config import Choices
from graphlab.model.link_patterns import OPERATORS, PATTERNS, canonical
from graphlab.nas.core.space import Architecture, Decision, Graph, Space

LINKS = tuple("".join(map(str, link)) for link in PATTERNS)
"""Each pattern as the digits of the nodes that the operators read, 0 the input."""

NODES = ("operator_1", "operator_2", "operator_3", "operator_4")

CHAIN = (0, 1, 2, 3)
"""The pattern in which each operator reads the one before it."""

HAND_SET = tuple((operator, depth) for depth in (2, 3) for operator in ("gcn", "gat", "sage"))
"""Operators that people stack, and how many of them."""


FIVE_OPERATORS = ("gcn", "sage", "arma", "fc", "skip")
"""Those of the table of ogbn-proteins, in the order of `OPERATORS`."""


class NasBenchGraph(Space):
    """`link` and `operator_1` to `operator_4`. Of 59,049 architectures 26,206 are different; of those of
    `FIVE_OPERATORS` 2,021.

    Args:
        operators: What an operator may be.
    """

    name = "nas-bench-graph"

    def __init__(self, operators: Sequence[str] = OPERATORS) -> None:
        self.operators = tuple(operators)
        self.decisions = (
            Decision("link", Choices(LINKS), "link"),
            *(Decision(name, Choices(self.operators), name) for name in NODES),
        )

    def hand_set(self) -> Mapping[str, Architecture]:
        """`gcn-2` to `sage-3`: two or three layers of one operator in a chain, and nothing else. Between them are the
        batch norm, ReLU and dropout of every network of the space, which the models `gcn`, `gat` and `sage` have not
        all."""
        there = [(operator, depth) for operator, depth in HAND_SET if operator in self.operators]
        return {f"{operator}-{depth}": self._chain(operator, depth) for operator, depth in there}

    def _chain(self, operator: str, depth: int) -> Architecture:
        operators = ("skip",) * (len(NODES) - depth) + (operator,) * depth
        return self.canonical(architecture_of(CHAIN, operators))

    def canonical(self, values: Mapping[str, Any]) -> Architecture:
        choices = self.checked(values)
        return architecture_of(*canonical(*parts_of(choices)))

    def is_valid(self, values: Mapping[str, Any]) -> bool:
        return any(values[name] != "skip" for name in NODES)

    def settings(self, values: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        link, operators = parts_of(values)
        return self.name, {"link": link, "operators": operators}

    def encode(self, values: Mapping[str, Any]) -> np.ndarray:
        """What is read off the tree of operators: how often each stands anywhere, at each depth, below each other one,
        on each walk of three from above, and last; how deep the tree is, how many end, and which pattern it has."""
        return _encode(*parts_of(values))

    def graph(self, values: Mapping[str, Any]) -> Graph:
        """The tree itself: the input, the operators, and the output, which what nobody reads feeds."""
        link, operators = parts_of(values)
        labels = (_INPUT, *(_NUMBER[name] for name in operators), _OUTPUT)
        reads = tuple((parent, node) for node, parent in enumerate(link, start=1))
        return Graph(labels, reads + tuple((node, 5) for node in range(1, 5) if node not in link))

    @property
    def num_labels(self) -> int:
        return len(OPERATORS) + 2


def architecture_of(link: Sequence[int], operators: Sequence[str]) -> Architecture:
    """The architecture of a link pattern and its operators."""
    return {"link": "".join(map(str, link)), **dict(zip(NODES, operators, strict=True))}


def parts_of(values: Mapping[str, Any]) -> tuple[tuple[int, ...], tuple[str, ...]]:
    """The link pattern and the operators of an architecture."""
    return tuple(map(int, values["link"])), tuple(values[name] for name in NODES)


_NUMBER = {name: i for i, name in enumerate(OPERATORS)}
_N = len(OPERATORS)
_INPUT, _OUTPUT = _N, _N + 1
_BLOCKS = (_N, 4 * _N, (_N + 1) * _N, (_N + 1) * _N * _N, _N, len(PATTERNS), 3)
_STARTS = tuple(int(x) for x in np.cumsum((0, *_BLOCKS)))


@lru_cache(maxsize=100_000)
def _encode(link: tuple[int, ...], operators: tuple[str, ...]) -> np.ndarray:
    code = np.zeros(_STARTS[-1], np.float32)
    count, by_depth, below, walks, last, pattern, size = _STARTS[:-1]
    above, depth = {0: 0}, {0: 0}
    kind = {0: _INPUT} | {node: _NUMBER[name] for node, name in enumerate(operators, start=1)}
    for node, parent in enumerate(link, start=1):
        while parent and operators[parent - 1] == "skip":
            parent = above[parent]
        above[node], depth[node] = parent, depth[parent] + (operators[node - 1] != "skip")
    nodes = [node for node in above if node and not (operators[node - 1] == "skip" and node in link)]
    for node in nodes:
        one, parent = kind[node], above[node]
        code[count + one] += 1
        code[by_depth + _N * (max(depth[node], 1) - 1) + one] += 1
        code[below + _N * kind[parent] + one] += 1
        if parent:
            code[walks + _N * (_N * kind[above[parent]] + kind[parent]) + one] += 1
        if node not in link:
            code[last + one] += 1
    code[pattern + PATTERNS.index(link)] = 1
    code[size:] = len(nodes), max(depth.values()), sum(node not in link for node in nodes)
    code.setflags(write=False)
    return code
