"""What an assignment of formats costs: bits of the weights, bits of what is computed, and bit operations.

Numbers are counted for each place of a network, once, while it maps a batch; any assignment is then counted exactly,
with the scales that its formats need. Weights that are pruned count the numbers that are kept and their mask.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby

from graphlab.pruning.accounting import sparse_bits
from graphlab.quantization.assignment import COMPONENTS, Assignment, Place
from graphlab.quantization.formats import Format

FLOAT_BITS = 32


@dataclass(frozen=True)
class Count:
    """Numbers of a place, and what is done with them for one batch.

    Attributes:
        place: The place.
        numbers: How many numbers the place holds.
        scales: How many scales these have, if they have one a channel and one a node: `{"channel": ..., "node": ...}`.
        products: Multiplications of a number of this place with one of `other`, 0 where none are counted here.
        other: The path of what it is multiplied with.
    """

    place: Place
    numbers: int
    scales: Mapping[str, int]
    products: int = 0
    other: str = ""

    @property
    def is_stored(self) -> bool:
        """Whether the numbers are weights, which a model is stored with; others are computed for each batch."""
        return self.place.component == "weight"


@dataclass(frozen=True)
class Bits:
    """What an assignment costs, of a component or in total.

    Attributes:
        name: The component, or `total`.
        weight_bits: Of the weights, with their scales of 32 bits each; of pruned ones as `sparse_bits` counts.
        buffer_bits: Of what is computed for one batch and kept in the place's format, with its scales.
        operations: Bit operations: multiplications times the bits of both factors.
        average: Mean over the places of the bits of a number, each place counting once, as MixQ counts.
        average_by_numbers: Mean over the numbers, without those that are pruned.
        sparsity: Share of the weights that are pruned; 0 where there are none.
    """

    name: str
    weight_bits: int
    buffer_bits: int
    operations: int
    average: float
    average_by_numbers: float
    sparsity: float = 0.0


@dataclass(frozen=True)
class LearnedBits:
    """Bits that training has learned for the rows of a place: their mean. Each row has a scale."""

    bits: float
    granularity: str = "node"


def bits(
    assignment: Assignment,
    counts: Iterable[Count],
    learned: Mapping[str, LearnedBits] | None = None,
    densities: Mapping[str, float] | None = None,
) -> list[Bits]:
    """What an assignment costs by component, and at last in total.

    Messages and sums without a format are not counted: they need not be kept, as they are added up where they arise.

    Args:
        assignment: Of formats to places.
        counts: The places of a network, with their numbers.
        learned: Bits by the path of a place, in place of the assignment's.
        densities: Share of the numbers that are not pruned, by the path of a weight. Products with those that are
            pruned are left out.
    """
    counts = sorted(counts, key=lambda count: COMPONENTS.index(count.place.component))
    formats: Formats = {count.place.path: assignment.format_of(count.place) for count in counts} | dict(learned or {})
    counts = [count for count in counts if not _is_summed_up(count, formats)]
    dense = dict(densities or {})
    rows = [
        _total(component, list(group), formats, dense)
        for component, group in groupby(counts, lambda count: count.place.component)
    ]
    return [*rows, _total("total", counts, formats, dense)]


Formats = Mapping[str, Format | LearnedBits | None]


def _is_summed_up(count: Count, formats: Formats) -> bool:
    return count.place.component in ("message", "aggregate") and formats[count.place.path] is None


def _total(name: str, counts: list[Count], formats: Formats, dense: Mapping[str, float]) -> Bits:
    stored = {True: 0.0, False: 0.0}
    of_path = {path: FLOAT_BITS if chosen is None else chosen.bits for path, chosen in formats.items()}
    kept = [round(dense.get(count.place.path, 1.0) * count.numbers) for count in counts]
    for count, left in zip(counts, kept, strict=True):
        path, chosen = count.place.path, formats[count.place.path]
        scales = 0 if chosen is None else count.scales.get(chosen.granularity, 1)
        stored[count.is_stored] += sparse_bits(count.numbers, left, of_path[path]) + FLOAT_BITS * scales
    operations = sum(
        count.products * dense.get(count.other, 1.0) * of_path[count.place.path] * of_path.get(count.other, FLOAT_BITS)
        for count in counts
    )
    bits_kept = sum(left * of_path[count.place.path] for count, left in zip(counts, kept, strict=True))
    weights = sum(count.numbers for count in counts if count.is_stored)
    pruned = sum(count.numbers for count in counts) - sum(kept)
    return Bits(
        name,
        weight_bits=round(stored[True]),
        buffer_bits=round(stored[False]),
        operations=round(operations),
        average=sum(of_path[count.place.path] for count in counts) / len(counts) if counts else FLOAT_BITS,
        average_by_numbers=bits_kept / max(1, sum(kept)),
        sparsity=pruned / max(1, weights),
    )
