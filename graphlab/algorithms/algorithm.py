"""What an algorithm of CLRS-30 is here: its probes, how it is traced, and how instances of it are drawn."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

Stage = Literal["input", "hint", "output"]
Location = Literal["node", "edge", "graph"]
ProbeType = Literal["class", "value", "mask", "mask-one", "pointer", "permutation"]

MASKED = -1
"""A class or mask entry that stands for nothing: losses and metrics leave it out."""

DTYPES: dict[ProbeType, type[np.generic]] = {
    "class": np.int8,
    "value": np.float64,
    "mask": np.int8,
    "mask-one": np.int8,
    "pointer": np.int16,
    "permutation": np.int16,
}
"""How the values of each type are kept."""

MOST_NODES = int(np.iinfo(np.int16).max)
"""Pointers to more would not fit."""


@dataclass(frozen=True)
class Probe:
    """A variable of an algorithm.

    It has the fields of `graphlab.data.spec.Target`: `Target(**asdict(probe))` is one.

    Attributes:
        name: As in the benchmark, such as `pi` or `reach_h`.
        location: Values at each node `[n]`, at each ordered pair of nodes `[n, n]` ("edge"), or one for the graph `[]`.
        type: What a value is:
            class        in `[0, size)`, `MASKED` where it stands for nothing; the benchmark's categorical
            value        a real number; the benchmark's scalar
            mask         0 or 1, `MASKED` where it stands for nothing
            mask-one     as mask, 1 at exactly one node
            pointer      a node
            permutation  a pointer to the predecessor in an order, the first node points at itself; the benchmark's
                         should_be_permutation
        size: Number of classes; 1 for the other types.
        stage: What goes in, what the algorithm passes through, or what comes out.
    """

    name: str
    location: Location
    type: ProbeType
    size: int = 1
    stage: Stage = "output"

    def shape(self, num_nodes: int) -> tuple[int, ...]:
        return {"node": (num_nodes,), "edge": (num_nodes, num_nodes), "graph": ()}[self.location]


Arrays = Mapping[str, np.ndarray]
Values = dict[str, Any]
"""Values of the probes of one stage. A mask-one probe is given by the index of its node or as an array."""

Steps = Generator[Values, None, Values]
"""A traced run: yields the hints of each step and returns the outputs.

Lists and arrays may be changed after a yield.
"""


@dataclass(frozen=True)
class Algorithm:
    """An algorithm of the benchmark.

    Attributes:
        name: As in the benchmark.
        probes: All variables: inputs, outputs, hints.
        trace: From checked inputs to the steps of the run.
        sample: From the size and a generator to the inputs of a random instance, without `pos` and `adj`.
        requires: What the inputs must be beyond their shapes and types, see `graphlab.algorithms.requirements`.
        multiplier: Times 32 is the number of instances of the published validation and test splits.
    """

    name: str
    probes: tuple[Probe, ...]
    trace: Callable[[Arrays], Steps]
    sample: Callable[..., Values]
    multiplier: int = 1
    requires: tuple[Callable[[str, Arrays], None], ...] = ()

    def stage(self, stage: Stage) -> tuple[Probe, ...]:
        return tuple(probe for probe in self.probes if probe.stage == stage)

    def probe(self, name: str) -> Probe:
        return next(probe for probe in self.probes if probe.name == name)


def probes_of(**stages: Mapping[str, str]) -> tuple[Probe, ...]:
    """Probes from a compact table.

    Args:
        stages: For `input`, `output` and `hint`, the names separated by spaces under "location type" or
            "location class size".
    """
    return tuple(
        _probe(name, kind, stage) for stage, kinds in stages.items() for kind in kinds for name in kinds[kind].split()
    )


def _probe(name: str, kind: str, stage: Any) -> Probe:
    location, type_, *size = kind.split()
    return Probe(name, location, type_, *map(int, size), stage=stage)  # pyright: ignore[reportArgumentType]: literals


def chain(order: list[int] | np.ndarray, starts: tuple[int, ...] = ()) -> list[int]:
    """Pointers of an order: each node to the one before it, the first to itself.

    Args:
        order: Nodes in their order.
        starts: Positions, beside the first, where a new chain begins.
    """
    pointers = [0] * len(order)
    previous = order[0]
    for position, node in enumerate(order):
        pointers[node] = node if position in starts else previous
        previous = node
    return pointers
